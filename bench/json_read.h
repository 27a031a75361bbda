/* SPDX-License-Identifier: MIT */
/* json_read.h - JSON that this program has written, read back by Jansson.
 *
 * A member that is null is as good as none: what was not measured is null. */
#ifndef BENCH_JSON_READ_H
#define BENCH_JSON_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value that is all of the text, blanks aside; NULL: it is none. Whole numbers that no int64_t
 * holds (a seed may be one) make all of its numbers reals. Give it back with json_decref(). */
json_t *gc_json_read(const char *text, size_t length);

/* The text of a member; NULL: it is none, or not there. */
const char *gc_json_find_text(const json_t *object, const char *key);

/* Whether a member is a whole number, and not negative; *ret_value is 0 if not. */
bool gc_json_find_number(const json_t *object, const char *key, uint64_t *ret_value);

#endif
