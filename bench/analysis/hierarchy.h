/* SPDX-License-Identifier: MIT */
/* hierarchy.h - measurements that are repeated at several levels.
 *
 * Iterations of one process resemble each other more than those of two, and processes of one
 * build more than those of two. So what is at the highest level decides how sure a mean is,
 * and iterations without number don't help. Kalibera and Jones say of each level how much it
 * varies by itself, and how often it should be repeated, given what a repetition costs.
 * [KJ13]
 */
#ifndef BENCH_ANALYSIS_HIERARCHY_H
#define BENCH_ANALYSIS_HIERARCHY_H

#include "bench/analysis/statistics.h"

enum {
    GC_HIERARCHY_LEVELS = 8, /* at most */
};

/* A balanced one. Level 1 is the lowest (iterations), and has index 0 in all arrays. */
struct gc_hierarchy {
    const double *values; /* an iteration's next one follows it, then the next process */
    const size_t *repetitions; /* r_1 (iterations in a process), r_2 (processes), ... */
    size_t levels;
};

/* The number of values; 0 where there is no level, too many, or a level without any. */
size_t gc_hierarchy_count(const struct gc_hierarchy *hierarchy);

/* For each level i, S_i^2: the variance of its means about those of the level above; and what
 * of it is the level's own: T_1^2 = S_1^2, T_i^2 = S_i^2 - S_(i-1)^2 / r_(i-1), in squares of
 * the values' unit. [KJ13] (The recursion as the authors' own program has it;
 * another one is in the first printing.) An estimate T_i^2 of 0 or less says that level i adds
 * no variance. Two repetitions or more at each level. */
bool gc_hierarchy_variances(const struct gc_hierarchy *hierarchy, double *ret_s2,
        double *ret_t2) GC_NODISCARD;

/* How often each level but the highest should be repeated, so that a given time makes the
 * interval of the mean as small as it can be: for i < n,
 *
 *     r_i = ceil(sqrt((c_(i+1) / c_i) (T_i^2 / T_(i+1)^2)))
 *
 * where costs[i] is what one repetition at that level takes on its own (an iteration; the start
 * of a process with its warm-up; a build), in any one unit, above 0. [KJ13] A
 * level above the first that adds no variance is repeated twice, which is what it takes to see
 * that, and the level below is set against the next one above that does add some, by the same
 * minimum: with m such levels between i and k = i + m + 1, and
 * C = c_k + 2 c_(k-1) + ... + 2^m c_(i+1),
 *
 *     r_i = ceil(sqrt((C / c_i) (T_i^2 / T_k^2)) / 2^m)
 *
 * Where none above adds any, more repetitions cost nothing else, and r_i = most. At least 1, at
 * most `most` (>= 2). ret_repetitions has levels - 1 elements. False with fewer than two levels
 * too. */
bool gc_hierarchy_plan(const double *t2, const double *costs, size_t levels, size_t most,
        size_t *ret_repetitions) GC_NODISCARD;

/* The mean of all values and its interval, +- t sqrt(S_n^2 / r_n) with r_n - 1 degrees of
 * freedom. [KJ13] Two repetitions or more at each level. */
bool gc_hierarchy_mean_interval(const struct gc_hierarchy *hierarchy, double confidence,
        struct gc_estimate *ret_mean) GC_NODISCARD;

#endif
