/* SPDX-License-Identifier: MIT */
/* kinds.h - which of many names are the same. */
#ifndef BENCH_ANALYSIS_PROGRAM_KINDS_H
#define BENCH_ANALYSIS_PROGRAM_KINDS_H

#include <stddef.h>

/* The place of a name among its like. */
struct gc_kind {
    size_t number; /* of the kind, as kinds first occur */
    size_t index;  /* within the kind */
    size_t count;  /* of the kind */
};

/* Of n names, for free(). One that is NULL is of no kind: its count is 0. */
struct gc_kind *gc_kinds_of(char *const *names, size_t n);

#endif
