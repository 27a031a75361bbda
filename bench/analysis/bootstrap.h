/* SPDX-License-Identifier: MIT */
/* bootstrap.h - intervals without a formula: what else could have been measured.
 *
 * A resample draws from the highest level with replacement, then within what was drawn from
 * the next one down, as deep as the hierarchy is; so it varies as much as measuring again
 * does. Of all resamples' results the middle share `confidence` is the interval (the
 * percentile method). With a handful of processes that is somewhat too narrow; it is no cure
 * for having measured too little. [Efron79], [KJ13]
 *
 * The same settings and values give the same interval, on every machine. A function answers
 * false, and writes nothing, where there is no answer: a value that is not finite, fewer than
 * two repetitions of the highest level, settings out of their range.
 */
#ifndef BENCH_ANALYSIS_BOOTSTRAP_H
#define BENCH_ANALYSIS_BOOTSTRAP_H

#include <gsl/gsl_rng.h>

#include "bench/analysis/hierarchy.h"
#include "bench/analysis/statistics.h"

enum {
    GC_BOOTSTRAP_RESAMPLES = 10000, /* for an interval of 95 % */
};

struct gc_bootstrap {
    size_t resamples;  /* 2 or more */
    double confidence; /* as in statistics.h */
    uint32_t seed;     /* of MT19937, for which 0 is 4357 */
};

/* The mean of all values. In the values' unit. */
bool gc_bootstrap_mean(const struct gc_hierarchy *hierarchy,
        const struct gc_bootstrap *settings, struct gc_estimate *ret_mean) GC_NODISCARD;

/* The mean of one hierarchy over the mean of another, resampled independently. All values
 * above 0. */
bool gc_bootstrap_ratio(const struct gc_hierarchy *numerator,
        const struct gc_hierarchy *denominator, const struct gc_bootstrap *settings,
        struct gc_estimate *ret_ratio) GC_NODISCARD;

/* The geometric mean over n benchmarks of the ratio of means: numerators[i] over
 * denominators[i]. The benchmarks are not resampled: they are the suite that the claim is
 * about, not a sample of programs. All values above 0, n >= 1. */
bool gc_bootstrap_geometric_mean(const struct gc_hierarchy *numerators,
        const struct gc_hierarchy *denominators, size_t n,
        const struct gc_bootstrap *settings, struct gc_estimate *ret_ratio) GC_NODISCARD;

/* For resamples of another kind (overhead.h): the settings are in range; a source of random
 * numbers, for gsl_rng_free(); and the interval of `n` >= 2 results, which are sorted. */
bool gc_bootstrap_is_valid(const struct gc_bootstrap *settings);
gsl_rng *gc_bootstrap_random(const struct gc_bootstrap *settings);
struct gc_interval gc_bootstrap_interval(double *results, size_t n, double confidence);

#endif
