/* SPDX-License-Identifier: MIT */
/* bootstrap.c - resampled hierarchies, and the middle of what comes of them. */
#include "bench/analysis/bootstrap.h"

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "bench/analysis/memory.h"

bool gc_bootstrap_is_valid(const struct gc_bootstrap *settings)
{
    return settings->resamples >= 2 && settings->confidence > 0 &&
           settings->confidence < 1;
}

gsl_rng *gc_bootstrap_random(const struct gc_bootstrap *settings)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(random, settings->seed);
    return random;
}

struct gc_interval gc_bootstrap_interval(double *results, size_t n, double confidence)
{
    gsl_sort(results, 1, n);
    double tail = (1 - confidence) / 2;
    return (struct gc_interval){
        gsl_stats_quantile_from_sorted_data(results, 1, n, tail),
        gsl_stats_quantile_from_sorted_data(results, 1, n, 1 - tail),
    };
}

static bool is_usable(const struct gc_hierarchy *hierarchy)
{
    size_t count = gc_hierarchy_count(hierarchy);
    if (count == 0 || count > UINT32_MAX) return false; /* MT19937 draws below 2^32 */
    return hierarchy->repetitions[hierarchy->levels - 1] >= 2 &&
           gc_statistics_is_finite(hierarchy->values, count);
}

static bool is_positive(const struct gc_hierarchy *hierarchy)
{
    if (!is_usable(hierarchy)) return false;
    size_t count = gc_hierarchy_count(hierarchy);
    for (size_t i = 0; i < count; i++)
        if (hierarchy->values[i] <= 0) return false;
    return true;
}

static double mean_of(const struct gc_hierarchy *hierarchy)
{
    return gsl_stats_mean(hierarchy->values, 1, gc_hierarchy_count(hierarchy));
}

/* The mean of a resample of `count` values, which are the `levels` lowest of a hierarchy.
 * Recursive, as deep as there are levels. */
static double resample(const struct gc_hierarchy *hierarchy, size_t levels,
        const double *values, size_t count, gsl_rng *random)
{
    if (levels == 0) return values[0];
    size_t repetitions = hierarchy->repetitions[levels - 1];
    size_t size = count / repetitions; /* of a group */
    double sum = 0;
    for (size_t i = 0; i < repetitions; i++) {
        size_t group = gsl_rng_uniform_int(random, repetitions);
        sum += resample(hierarchy, levels - 1, values + group * size, size, random);
    }
    return sum / (double)repetitions;
}

static double resample_mean(const struct gc_hierarchy *hierarchy, gsl_rng *random)
{
    return resample(hierarchy, hierarchy->levels, hierarchy->values,
            gc_hierarchy_count(hierarchy), random);
}

/* Of the results, which are sorted; false where one is not finite. */
static bool conclude(double value, double *results, const struct gc_bootstrap *settings,
        struct gc_estimate *ret)
{
    if (!isfinite(value) || !gc_statistics_is_finite(results, settings->resamples))
        return false;
    ret->value = value;
    ret->interval =
            gc_bootstrap_interval(results, settings->resamples, settings->confidence);
    return true;
}

bool gc_bootstrap_mean(const struct gc_hierarchy *hierarchy,
        const struct gc_bootstrap *settings, struct gc_estimate *ret_mean)
{
    if (!gc_bootstrap_is_valid(settings) || !is_usable(hierarchy)) return false;
    double *results = gc_analysis_array(settings->resamples, sizeof(*results));
    gsl_rng *random = gc_bootstrap_random(settings);
    for (size_t i = 0; i < settings->resamples; i++)
        results[i] = resample_mean(hierarchy, random);
    bool done = conclude(mean_of(hierarchy), results, settings, ret_mean);
    gsl_rng_free(random);
    free(results);
    return done;
}

/* The logarithm of the geometric mean of the ratios of `n` pairs of means. */
static double log_ratio(const double *numerators, const double *denominators, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += log(numerators[i]) - log(denominators[i]);
    return sum / (double)n;
}

static bool exponentiate(const struct gc_estimate *logarithm, struct gc_estimate *ret)
{
    struct gc_estimate result = {
        exp(logarithm->value),
        { exp(logarithm->interval.low), exp(logarithm->interval.high) },
    };
    if (result.interval.low == 0 || isinf(result.interval.high)) return false;
    *ret = result;
    return true;
}

bool gc_bootstrap_geometric_mean(const struct gc_hierarchy *numerators,
        const struct gc_hierarchy *denominators, size_t n,
        const struct gc_bootstrap *settings, struct gc_estimate *ret_ratio)
{
    if (n == 0 || !gc_bootstrap_is_valid(settings)) return false;
    for (size_t i = 0; i < n; i++)
        if (!is_positive(&numerators[i]) || !is_positive(&denominators[i])) return false;
    double *results = gc_analysis_array(settings->resamples, sizeof(*results));
    double *means = gc_analysis_array(2 * n, sizeof(*means));
    gsl_rng *random = gc_bootstrap_random(settings);
    for (size_t r = 0; r < settings->resamples; r++) {
        for (size_t i = 0; i < n; i++) {
            means[i] = resample_mean(&numerators[i], random);
            means[n + i] = resample_mean(&denominators[i], random);
        }
        results[r] = log_ratio(means, means + n, n);
    }
    for (size_t i = 0; i < n; i++) {
        means[i] = mean_of(&numerators[i]);
        means[n + i] = mean_of(&denominators[i]);
    }
    /* in logarithms to the end: those of 0 and of infinity, where a sum or a ratio has left
     * the range of a double, are both not finite */
    struct gc_estimate ratio;
    bool done = conclude(log_ratio(means, means + n, n), results, settings, &ratio);
    gsl_rng_free(random);
    free(means);
    free(results);
    return done && exponentiate(&ratio, ret_ratio);
}

bool gc_bootstrap_ratio(const struct gc_hierarchy *numerator,
        const struct gc_hierarchy *denominator, const struct gc_bootstrap *settings,
        struct gc_estimate *ret_ratio)
{
    /* the geometric mean of one is itself, but for the last bit */
    return gc_bootstrap_geometric_mean(numerator, denominator, 1, settings, ret_ratio);
}
