/* SPDX-License-Identifier: MIT */
/* hierarchy.c - variances of levels, from the lowest one upwards. */
#include "bench/analysis/hierarchy.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "bench/analysis/memory.h"

size_t gc_hierarchy_count(const struct gc_hierarchy *hierarchy)
{
    if (hierarchy->levels == 0 || hierarchy->levels > GC_HIERARCHY_LEVELS) return 0;
    size_t count = 1;
    for (size_t i = 0; i < hierarchy->levels; i++) {
        size_t repetitions = hierarchy->repetitions[i];
        if (repetitions == 0 || count > SIZE_MAX / sizeof(double) / repetitions) return 0;
        count *= repetitions;
    }
    return count;
}

/* Replaces the groups of `size` among `count` values by their means. Returns the mean of
 * their variances. */
static double fold(double *values, size_t count, size_t size)
{
    double sum = 0;
    size_t groups = count / size;
    for (size_t group = 0; group < groups; group++) {
        double mean = gsl_stats_mean(values + group * size, 1, size);
        sum += gsl_stats_variance_m(values + group * size, 1, size, mean);
        values[group] = mean; /* at or before what has just been read */
    }
    return sum / (double)groups;
}

static bool is_measurable(const struct gc_hierarchy *hierarchy)
{
    size_t count = gc_hierarchy_count(hierarchy);
    if (hierarchy->levels == 0 || count == 0) return false;
    for (size_t i = 0; i < hierarchy->levels; i++)
        if (hierarchy->repetitions[i] < 2) return false;
    return gc_statistics_is_finite(hierarchy->values, count);
}

/* Writes S_i^2 of all levels, and returns the mean. */
static double fold_all(const struct gc_hierarchy *hierarchy, double *s2)
{
    size_t count = gc_hierarchy_count(hierarchy);
    double *values = gc_analysis_array(count, sizeof(*values));
    memcpy(values, hierarchy->values, count * sizeof(*values));
    for (size_t i = 0; i < hierarchy->levels; i++) {
        s2[i] = fold(values, count, hierarchy->repetitions[i]);
        count /= hierarchy->repetitions[i];
    }
    double mean = values[0];
    free(values);
    return mean;
}

bool gc_hierarchy_variances(
        const struct gc_hierarchy *hierarchy, double *ret_s2, double *ret_t2)
{
    if (!is_measurable(hierarchy)) return false;
    fold_all(hierarchy, ret_s2);
    for (size_t i = 0; i < hierarchy->levels; i++) {
        ret_t2[i] = ret_s2[i];
        if (i > 0) ret_t2[i] -= ret_s2[i - 1] / (double)hierarchy->repetitions[i - 1];
    }
    return true;
}

/* What level i should be, when the levels above it are as the header says. */
static size_t plan_level(
        const double *t2, const double *costs, size_t levels, size_t i, size_t most)
{
    size_t next = i + 1;
    while (next < levels && t2[next] <= 0)
        next++;
    if (next == levels) return most;
    double cost = 0, twos = 1; /* of a repetition at `next`, without what is below it */
    for (size_t k = next; k > i; k--) {
        cost += twos * costs[k];
        if (k > i + 1) twos *= 2;
    }
    /* the roots apart: a ratio of variances may leave the range, its root does not */
    double best = sqrt(cost) / sqrt(costs[i]) * (sqrt(t2[i]) / sqrt(t2[next])) / twos;
    best = ceil(best * (1 - 1e-12)); /* 3 is 3 also when it was computed as 3 + 4e-16 */
    if (best < 1) return 1;
    return best < (double)most ? (size_t)best : most;
}

bool gc_hierarchy_plan(const double *t2, const double *costs, size_t levels, size_t most,
        size_t *ret_repetitions)
{
    if (levels < 2 || levels > GC_HIERARCHY_LEVELS || most < 2) return false;
    if (!gc_statistics_is_finite(t2, levels) || !gc_statistics_is_finite(costs, levels))
        return false;
    for (size_t i = 0; i < levels; i++)
        if (costs[i] <= 0) return false;
    for (size_t i = 0; i + 1 < levels; i++) {
        if (t2[i] <= 0)
            ret_repetitions[i] = i == 0 ? 1 : 2;
        else
            ret_repetitions[i] = plan_level(t2, costs, levels, i, most);
    }
    return true;
}

bool gc_hierarchy_mean_interval(const struct gc_hierarchy *hierarchy, double confidence,
        struct gc_estimate *ret_mean)
{
    double s2[GC_HIERARCHY_LEVELS] = { 0 }, t;
    if (!is_measurable(hierarchy)) return false;
    size_t top = hierarchy->levels - 1;
    double highest = (double)hierarchy->repetitions[top];
    if (!gc_statistics_t(confidence, highest - 1, &t)) return false;
    double mean = fold_all(hierarchy, s2);
    double half = t * sqrt(s2[top] / highest);
    *ret_mean = (struct gc_estimate){ mean, { mean - half, mean + half } };
    return true;
}
