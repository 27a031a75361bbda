/* SPDX-License-Identifier: MIT */
/* option.h - typed options of collectors and workloads.
 *
 * A table of options describes the members of a plain struct; a text such as
 * "threshold0=2000:detect=keep" fills it. Unknown names, values of the wrong type or
 * out of range are errors, with a sentence that names what would be right.
 */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include <stddef.h>
#include <stdint.h>

#include "core/check.h"

#ifdef __cplusplus
extern "C" {
#endif

enum gc_option_kind {
    GC_OPTION_INT,    /* int64_t, in [min, max] */
    GC_OPTION_SIZE,   /* uint64_t of bytes, in [min, max]; suffixes K, M, G (1024) */
    GC_OPTION_BOOL,   /* int64_t 0 or 1: no/yes, off/on, false/true, 0/1 */
    GC_OPTION_CHOICE, /* int64_t, the index in `choices` ("move|keep") */
    GC_OPTION_TEXT,   /* char[max], always terminated; longer is an error */
};

struct gc_option {
    const char *name; /* NULL ends a table */
    enum gc_option_kind kind;
    size_t offset; /* of the member in the options struct */
    int64_t min, max;
    const char *choices;
    const char *standard; /* the default, as text */
    const char *doc;      /* one line; units where there are some */
};

#define GC_OPTION_END                                                                    \
    {                                                                                    \
        .name = NULL                                                                     \
    }

/* Fills `values` with the defaults, then with what `text` says (NULL or "": nothing).
 * `owner` names whose options they are, for messages. 0 or -EINVAL. */
GC_EXPORT int gc_options_parse(const struct gc_option *options, const char *owner,
        const char *text, void *values, struct gc_error *error) GC_NODISCARD;

/* Parses "64M", "1024", "3G": bytes. 0 or -EINVAL. */
GC_EXPORT int gc_parse_size(const char *text, uint64_t *ret_bytes) GC_NODISCARD;

/* The one of `names` (ended by NULL) that `name` is most likely a slip of, or NULL. */
GC_EXPORT const char *gc_nearest_name(const char *name, const char *const *names);

#ifdef __cplusplus
}
#endif

#endif
