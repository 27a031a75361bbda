/* SPDX-License-Identifier: MIT */
/* json.h - writes one JSON value on one line. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Members come in the order of the calls. `key` is NULL in no call but the outermost
 * gc_json_begin(), and those of an array's elements. */
struct gc_json {
    FILE *file;
    bool comma; /* a member stands before the next one */
};

void gc_json_begin(struct gc_json *json, const char *key);
void gc_json_end(struct gc_json *json);
void gc_json_begin_array(struct gc_json *json, const char *key);
void gc_json_end_array(struct gc_json *json);
void gc_json_text(
        struct gc_json *json, const char *key, const char *text); /* NULL: null */
void gc_json_number(struct gc_json *json, const char *key, uint64_t value);
void gc_json_number_if(struct gc_json *json, const char *key, bool known, uint64_t value);
void gc_json_real(struct gc_json *json, const char *key, double value); /* NaN: null */
void gc_json_bool(struct gc_json *json, const char *key, bool value);
void gc_json_null(struct gc_json *json, const char *key);

#endif
