/* SPDX-License-Identifier: MIT */
/* json_read.h - reads one JSON value, as json.h writes it, or as others do. */
#ifndef BENCH_JSON_READ_H
#define BENCH_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gc_json_kind {
    GC_JSON_NULL,
    GC_JSON_FALSE,
    GC_JSON_TRUE,
    GC_JSON_NUMBER,
    GC_JSON_TEXT,
    GC_JSON_ARRAY,
    GC_JSON_OBJECT,
};

struct gc_json_value {
    enum gc_json_kind kind;
    const char *key;  /* of a member; NULL in an array */
    const char *text; /* of a text, unescaped; of a number, as it stands there */
    struct gc_json_value *first,
            *next;                   /* elements or members; the next one beside this */
    struct gc_json_value *allocated; /* of the whole: for gc_json_free() */
};

/* The value that is all of the text, blanks aside; NULL: it is none. A text with a zero
 * character in it is none that we take. */
struct gc_json_value *gc_json_read(const char *text, size_t length);
void gc_json_free(struct gc_json_value *value); /* the one that gc_json_read() returned */

/* The member of that name, if it is not null, or NULL. */
const struct gc_json_value *gc_json_find(
        const struct gc_json_value *object, const char *key);

/* The text of a member; NULL: it is none, or not there. */
const char *gc_json_find_text(const struct gc_json_value *object, const char *key);

/* Whether a member is a whole number that fits; *ret_value is 0 if not. */
bool gc_json_find_number(
        const struct gc_json_value *object, const char *key, uint64_t *ret_value);

#endif
