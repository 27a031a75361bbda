/* SPDX-License-Identifier: MIT */
/* comparison.h - one measurement against another, by one metric.
 *
 * A ratio is candidate / base. The level of a measurement that decides is its processes, or
 * builds where there are several. A claim is made where the intervals of the two means do
 * not overlap; Fieller's interval of the ratio then does not hold 1 either. [GBE07, KJ13]
 */
#ifndef BENCH_ANALYSIS_PROGRAM_COMPARISON_H
#define BENCH_ANALYSIS_PROGRAM_COMPARISON_H

#include "bench/analysis/program/groups.h"

/* Samples of one collector. */
struct gc_side {
    const struct gc_groups *groups;
    const char *spec;
};

struct gc_comparison {
    const struct gc_group *base, *candidate;
    enum gc_metric metric;
    struct gc_estimate base_mean, candidate_mean, ratio; /* NaN: there is none */
    size_t base_count, candidate_count;                  /* of values */
    enum gc_verdict verdict;
};

/* Of all programs that both sides have, with as many threads and in the same heap: each
 * metric that was measured on both sides. In *ret_n elements, for free(). */
struct gc_comparison *gc_comparisons_of(
        const struct gc_side *base, const struct gc_side *candidate, size_t *ret_n);

/* The geometric mean of the ratios over programs, with the interval of a bootstrap. */
struct gc_mean_comparison {
    enum gc_metric metric;
    uint32_t threads;
    uint64_t heap;
    size_t programs, left_out; /* left out: a value was 0 or alone */
    struct gc_estimate ratio;
    enum gc_verdict verdict;
};

/* For each metric, number of threads and heap with two programs or more. */
struct gc_mean_comparison *gc_comparisons_mean(
        const struct gc_comparison *comparisons, size_t n, size_t *ret_n);

#endif
