/* SPDX-License-Identifier: MIT */
/* statistics.h - means, intervals of confidence, ratios, percentiles, and what may be claimed.
 *
 * The values are of any one unit, which the results share. They must be independent of each
 * other: means of processes, not the iterations of one (hierarchy.h is for these). A
 * `confidence` lies between 0 and 1 (.95). Every function answers false, and writes nothing,
 * where there is no answer: too few values, one that is not finite, a confidence outside of
 * its range. Intervals of values without any variance have no width.
 */
#ifndef BENCH_ANALYSIS_STATISTICS_H
#define BENCH_ANALYSIS_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/check.h"

struct gc_interval {
    double low, high;
};

struct gc_estimate {
    double value;
    struct gc_interval interval;
};

/* Whether all of them are neither infinite nor NaN. */
bool gc_statistics_is_finite(const double *values, size_t n);

/* The arithmetic mean. n >= 1. */
bool gc_statistics_mean(const double *values, size_t n, double *ret_mean) GC_NODISCARD;

/* The unbiased variance, with n - 1 in the denominator. n >= 2. */
bool gc_statistics_variance(const double *values, size_t n, double *ret_variance)
        GC_NODISCARD;

/* The n-th root of the product. All values above 0, n >= 1. */
bool gc_statistics_geometric_mean(const double *values, size_t n, double *ret_mean)
        GC_NODISCARD;

/* The two-sided quantile of Student's t: a share `confidence` of the distribution lies within
 * +- it. `degrees` of freedom above 0. */
bool gc_statistics_t(double confidence, double degrees, double *ret_t) GC_NODISCARD;

/* The mean, and the interval +- t s / sqrt(n) around it. n >= 2. [GBE07]
 * DEVIATION: t for all n, where the paper goes over to the normal distribution at 30. They
 * differ by less than 5 % there, and t is the exact one. */
bool gc_statistics_mean_interval(const double *values, size_t n, double confidence,
        struct gc_estimate *ret_mean) GC_NODISCARD;

struct gc_welch {
    struct gc_estimate difference; /* mean(a) - mean(b) */
    double degrees;                /* of freedom, by Welch and Satterthwaite */
};

/* The difference of two means whose variances need not be equal. [Welch47] na, nb >= 2. */
bool gc_statistics_welch(const double *a, size_t na, const double *b, size_t nb,
        double confidence, struct gc_welch *ret_welch) GC_NODISCARD;

/* The ratio of two independent means by Fieller's theorem.
 * [Fieller54], [KJ13] Each is given
 * with an interval that is symmetric about it, as gc_statistics_mean_interval() and
 * gc_hierarchy_mean_interval() make them; the result has the confidence of these. False
 * where the denominator's interval holds 0: the ratio could be anything then. */
bool gc_statistics_ratio(const struct gc_estimate *numerator,
        const struct gc_estimate *denominator, struct gc_estimate *ret_ratio)
        GC_NODISCARD;

/* Of n sorted values, the index of the one that a share p of them does not exceed, as DaCapo
 * takes it: n - 1 - floor(n (1 - p)). 0 < p <= 1. Refused where fewer than ten values lie
 * beyond it, of which it would say nothing; p = 1 asks for the maximum and needs one. */
bool gc_statistics_rank(size_t n, double p, size_t *ret_index) GC_NODISCARD;

/* That value; `sorted` ascends. */
bool gc_statistics_percentile(const double *sorted, size_t n, double p, double *ret_value)
        GC_NODISCARD;

enum gc_verdict {
    GC_VERDICT_NO_CLAIM,
    GC_VERDICT_FASTER,
    GC_VERDICT_SLOWER,
};

/* "faster", "slower" or "no claim". */
const char *gc_verdict_word(enum gc_verdict verdict);

/* Of two intervals of times: no claim where they overlap or touch. [GBE07]
 * Of rates, with the two exchanged. */
enum gc_verdict gc_verdict_of_times(
        struct gc_interval candidate, struct gc_interval base);

/* Of the interval of the ratio candidate / base of times: no claim where it holds 1. */
enum gc_verdict gc_verdict_of_ratio(struct gc_interval ratio);

#endif
