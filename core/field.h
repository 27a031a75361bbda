/* SPDX-License-Identifier: MIT */
/* field.h - what the words of an object's header mean under a protocol and a collector, as a
 * table: for people. bench/gclab-gdb.py reads it out of the program, so it can't say anything
 * else than the program that it looks at.
 */
#ifndef CORE_FIELD_H
#define CORE_FIELD_H

#include <stdint.h>

#include "core/check.h"

enum gc_field_word {
    GC_FIELD_COUNT, /* gc_object.count */
    GC_FIELD_NOTED, /* .noted */
    GC_FIELD_MARK,  /* .mark */
};

struct gc_field {
    const char *name; /* NULL: the table ends */
    uint8_t word;     /* enum gc_field_word */
    uint8_t shift, bits;
    uint32_t zero; /* what the field holds where it means 0 */
    const char *
            values; /* what 0, 1, ... are called, "clean|dirty"; NULL: a number, or, of one
                           bit, whether it is set */
};

#define GC_FIELD_END                                                                     \
    {                                                                                    \
        .name = NULL                                                                     \
    }

/* Of protocols that have none: the count, and whether it says DEAD. */
GC_EXPORT extern const struct gc_field gc_count_fields[];

/* A bit, given as its value; a compile-time constant. */
#define GC_FIELD_SHIFT(bit) ((uint8_t)__builtin_ctzll(bit))

#endif
