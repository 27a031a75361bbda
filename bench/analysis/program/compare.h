/* SPDX-License-Identifier: MIT */
/* compare.h - the comparison of two collectors, or of one at two times, as a whole. */
#ifndef BENCH_ANALYSIS_PROGRAM_COMPARE_H
#define BENCH_ANALYSIS_PROGRAM_COMPARE_H

#include <stdio.h>

#include "bench/analysis/program/cautions.h"
#include "bench/analysis/program/comparison.h"

/* One collector against another, on all that both have run. */
struct gc_duel {
    const char *base_name, *candidate_name; /* of the file or folder */
    const char *base_spec, *candidate_spec;
    struct gc_comparison *comparisons;
    size_t count;
    struct gc_mean_comparison *means;
    size_t mean_count;
};

/* Tables for people. */
void gc_duels_print(const struct gc_duel *duels, size_t n, FILE *file);

/* One JSON value: README.md of bench/ lists its members. */
void gc_duels_print_json(const struct gc_duel *duels, size_t n,
        const struct gc_cautions *cautions, FILE *file);

#endif
