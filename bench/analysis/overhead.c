/* SPDX-License-Identifier: MIT */
/* overhead.c - the lower bound, its intervals, and the regression over k. */
#include "bench/analysis/overhead.h"

#include <gsl/gsl_fit.h>
#include <math.h>

#include "bench/analysis/memory.h"

/* The means of each point, measured or resampled, and what follows from them. */
struct means {
    double *total, *rest; /* of each point; NaN: missing */
    double *base;         /* of each benchmark; NaN: none */
    double *overhead;     /* of each point */
};

static struct means means_new(size_t n)
{
    return (struct means){
        .total = gc_analysis_array(n, sizeof(double)),
        .rest = gc_analysis_array(n, sizeof(double)),
        .base = gc_analysis_array(n, sizeof(double)), /* as many benchmarks at most */
        .overhead = gc_analysis_array(n, sizeof(double)),
    };
}

static void means_free(struct means *means)
{
    free(means->total);
    free(means->rest);
    free(means->base);
    free(means->overhead);
}

static bool is_point(const struct gc_overhead_point *point, size_t n)
{
    if (point->benchmark >= n) return false;
    if (point->invocations > UINT32_MAX) return false; /* MT19937 draws below 2^32 */
    for (size_t i = 0; i < point->invocations; i++) {
        double total = point->total[i];
        double stopped = point->stopped != NULL ? point->stopped[i] : 0;
        if (!(total > 0 && stopped >= 0 && stopped <= total) || isinf(total))
            return false;
    }
    return true;
}

static bool are_points(
        const struct gc_overhead_point *points, size_t n, size_t invocations)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_point(&points[i], n)) return false;
        if (points[i].invocations > 0 && points[i].invocations < invocations)
            return false;
    }
    return n > 0;
}

/* The means of one point; of a resample of it where there are random numbers. */
static void average(const struct gc_overhead_point *point, gsl_rng *random,
        double *ret_total, double *ret_rest)
{
    double total = 0, stopped = 0;
    size_t n = point->invocations;
    for (size_t i = 0; i < n; i++) {
        size_t drawn = random != NULL ? gsl_rng_uniform_int(random, n) : i;
        total += point->total[drawn];
        stopped += point->stopped != NULL ? point->stopped[drawn] : 0;
    }
    *ret_total = n > 0 ? total / (double)n : NAN;
    *ret_rest = n > 0 ? (total - stopped) / (double)n : NAN;
}

/* False where a base is 0. */
static bool find(const struct gc_overhead_point *points, size_t n, gsl_rng *random,
        struct means *means)
{
    for (size_t i = 0; i < n; i++)
        means->base[i] = NAN;
    for (size_t i = 0; i < n; i++) {
        average(&points[i], random, &means->total[i], &means->rest[i]);
        double *base = &means->base[points[i].benchmark];
        if (points[i].is_base) *base = fmin(*base, means->rest[i]); /* ignores a NaN */
    }
    bool done = true;
    for (size_t i = 0; i < n; i++) {
        double base = means->base[points[i].benchmark];
        done = done && !(base <= 0);
        means->overhead[i] = means->total[i] / base;
    }
    return done;
}

bool gc_overhead_find(
        const struct gc_overhead_point *points, size_t n, double *ret_overheads)
{
    if (!are_points(points, n, 1)) return false;
    struct means means = means_new(n);
    bool done = find(points, n, NULL, &means);
    for (size_t i = 0; done && i < n; i++)
        ret_overheads[i] = means.overhead[i];
    means_free(&means);
    return done;
}

/* The points of one collector in one heap, one of each benchmark: their number, or 0 where a
 * benchmark is missing or there twice. */
static size_t select_points(const struct gc_overhead_point *points, size_t n,
        size_t collector, size_t heap, size_t *indices)
{
    size_t *times = gc_analysis_array(n, sizeof(*times)); /* of each benchmark */
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (points[i].collector != collector || points[i].heap != heap) continue;
        if (points[i].invocations == 0) continue;
        times[points[i].benchmark]++;
        indices[count++] = i;
    }
    for (size_t i = 0; i < n; i++)
        if (times[points[i].benchmark] != 1) count = 0;
    free(times);
    return count;
}

static double geometric_mean(const double *overheads, const size_t *indices, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += log(overheads[indices[i]]);
    return exp(sum / (double)count);
}

bool gc_overhead_mean(const struct gc_overhead_point *points, size_t n, size_t collector,
        size_t heap, double *ret_overhead)
{
    if (!are_points(points, n, 1)) return false;
    struct means means = means_new(n);
    size_t *indices = gc_analysis_array(n, sizeof(*indices));
    size_t count = select_points(points, n, collector, heap, indices);
    double mean = NAN; /* also where a benchmark has no base */
    if (count > 0 && find(points, n, NULL, &means))
        mean = geometric_mean(means.overhead, indices, count);
    free(indices);
    means_free(&means);
    if (!isfinite(mean)) return false;
    *ret_overhead = mean;
    return true;
}

bool gc_overhead_bootstrap(const struct gc_overhead_point *points, size_t n,
        const struct gc_bootstrap *settings, struct gc_estimate *ret_overheads)
{
    if (!gc_bootstrap_is_valid(settings) || !are_points(points, n, 2)) return false;
    size_t resamples = settings->resamples;
    struct means means = means_new(n);
    double *results = gc_analysis_array(n * resamples, sizeof(*results)); /* by points */
    gsl_rng *random = gc_bootstrap_random(settings);
    bool done = true;
    for (size_t r = 0; done && r < resamples; r++) {
        done = find(points, n, random, &means);
        for (size_t i = 0; i < n; i++)
            results[i * resamples + r] = means.overhead[i];
    }
    done = done && find(points, n, NULL, &means);
    for (size_t i = 0; done && i < n; i++) {
        struct gc_estimate estimate = { NAN, { NAN, NAN } };
        if (!isnan(means.overhead[i])) {
            estimate.value = means.overhead[i];
            estimate.interval = gc_bootstrap_interval(
                    results + i * resamples, resamples, settings->confidence);
        }
        ret_overheads[i] = estimate;
    }
    gsl_rng_free(random);
    free(results);
    means_free(&means);
    return done;
}

bool gc_overhead_bootstrap_mean(const struct gc_overhead_point *points, size_t n,
        size_t collector, size_t heap, const struct gc_bootstrap *settings,
        struct gc_estimate *ret_overhead)
{
    struct gc_estimate mean;
    if (!gc_bootstrap_is_valid(settings) || !are_points(points, n, 2)) return false;
    if (!gc_overhead_mean(points, n, collector, heap, &mean.value)) return false;
    struct means means = means_new(n);
    size_t *indices = gc_analysis_array(n, sizeof(*indices));
    size_t count = select_points(points, n, collector, heap, indices);
    double *results = gc_analysis_array(settings->resamples, sizeof(*results));
    gsl_rng *random = gc_bootstrap_random(settings);
    bool done = true;
    for (size_t r = 0; done && r < settings->resamples; r++) {
        done = find(points, n, random, &means);
        results[r] = geometric_mean(means.overhead, indices, count);
    }
    if (done) {
        mean.interval =
                gc_bootstrap_interval(results, settings->resamples, settings->confidence);
        *ret_overhead = mean;
    }
    gsl_rng_free(random);
    free(results);
    free(indices);
    means_free(&means);
    return done;
}

bool gc_overhead_fit(const double *k, const double *times, size_t n, double confidence,
        struct gc_overhead_fold *ret_fold)
{
    double t, a, b, of_a, of_both, of_b, squares;
    if (n < 3 || !gc_statistics_is_finite(k, n) || !gc_statistics_is_finite(times, n))
        return false;
    size_t same = 1;
    while (same < n && k[same] == k[0])
        same++;
    if (same == n) return false; /* a line through one place has any slope */
    if (!gc_statistics_t(confidence, (double)n - 2, &t)) return false;
    gsl_fit_linear(k, 1, times, 1, n, &a, &b, &of_a, &of_both, &of_b, &squares);
    double half = t * sqrt(of_b);
    *ret_fold = (struct gc_overhead_fold){ a, { b, { b - half, b + half } } };
    return true;
}
