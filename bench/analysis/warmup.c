/* SPDX-License-Identifier: MIT */
/* warmup.c - the steady state by variation, and by changepoints. */
#include "bench/analysis/warmup.h"

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

#include "bench/analysis/changepoint.h"
#include "bench/analysis/memory.h"
#include "bench/analysis/statistics.h"

const struct gc_warmup_settings gc_warmup_defaults = { 200, 500, .01, 15 };

static bool are_times(const double *times, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (times[i] < 0) return false;
    return gc_statistics_is_finite(times, n);
}

bool gc_warmup_steady(
        const double *times, size_t n, size_t k, double threshold, size_t *ret_first)
{
    if (k < 2 || !(threshold > 0) || !are_times(times, n)) return false;
    for (size_t first = 0; k <= n && first <= n - k; first++) {
        double mean = gsl_stats_mean(times + first, 1, k);
        double deviation = gsl_stats_sd_m(times + first, 1, k, mean);
        if (mean > 0 && deviation < threshold * mean) {
            *ret_first = first;
            return true;
        }
    }
    return false;
}

bool gc_warmup_outliers(
        const double *times, size_t n, size_t window, bool *ret_is_outlier)
{
    size_t half = window / 2;
    if (half < 1 || half > n || !are_times(times, n)) return false;
    double *sorted = gc_analysis_array(2 * half, sizeof(*sorted));
    for (size_t i = 0; i < n; i++) {
        ret_is_outlier[i] = false;
        if (i < half) continue;
        size_t begin = i - half, end = i < n - half ? i + half : n;
        size_t count = end - begin;
        memcpy(sorted, times + begin, count * sizeof(*sorted));
        gsl_sort(sorted, 1, count);
        double median = gsl_stats_median_from_sorted_data(sorted, 1, count);
        double band = gsl_stats_quantile_from_sorted_data(sorted, 1, count, .9) -
                      gsl_stats_quantile_from_sorted_data(sorted, 1, count, .1);
        ret_is_outlier[i] = fabs(times[i] - median) > 3 * band;
    }
    free(sorted);
    return true;
}

const char *gc_warmup_word(enum gc_warmup warmup)
{
    static const char *const words[] = {
        [GC_WARMUP_FLAT] = "flat",
        [GC_WARMUP_WARMUP] = "warmup",
        [GC_WARMUP_SLOWDOWN] = "slowdown",
        [GC_WARMUP_NO_STEADY_STATE] = "no steady state",
        [GC_WARMUP_INCONSISTENT] = "inconsistent",
    };
    return words[warmup];
}

/* A run without its outliers. */
struct run {
    double *times;
    size_t *iterations; /* that these were */
    size_t n, all;
    struct gc_segment *segments;
    size_t segment_count;
};

static bool is_equivalent(
        const struct gc_segment *segment, const struct gc_segment *last, double tolerance)
{
    double room = segment->variance + fmax(last->variance, tolerance);
    return fabs(segment->mean - last->mean) <= room;
}

static double fastest(const struct run *run)
{
    double least = run->segments[0].mean;
    for (size_t i = 1; i < run->segment_count; i++)
        least = fmin(least, run->segments[i].mean);
    return least;
}

/* Walks from the last segment to the first. */
static void classify(const struct run *run, const struct gc_warmup_settings *settings,
        struct gc_warmup_result *result)
{
    const struct gc_segment *last = &run->segments[run->segment_count - 1];
    double tolerance = settings->tolerance * fastest(run);
    size_t steady = 0; /* index in run->times */
    result->warmup = GC_WARMUP_FLAT;
    for (size_t i = run->segment_count - 1; i-- > 0;) {
        const struct gc_segment *segment = &run->segments[i];
        if (is_equivalent(segment, last, tolerance)) continue;
        if (steady == 0) steady = segment->end;
        if (run->iterations[segment->end] > run->all - settings->steady) {
            result->warmup = GC_WARMUP_NO_STEADY_STATE;
            result->steady = run->all;
            result->steady_mean = 0;
            return;
        }
        result->warmup = GC_WARMUP_WARMUP;
        if (segment->mean < last->mean) {
            result->warmup = GC_WARMUP_SLOWDOWN;
            break;
        }
    }
    result->steady = steady > 0 ? run->iterations[steady] : 0;
    result->steady_mean = gsl_stats_mean(run->times + steady, 1, run->n - steady);
}

/* How far below the mean a standard deviation is taken for an exact repetition. Far below
 * what a clock tells apart, and far above the last bit. */
static const double resolution = 1e-6;

bool gc_warmup_classify(const double *seconds, size_t n,
        const struct gc_warmup_settings *settings, struct gc_warmup_result *ret_result)
{
    if (n < 4 || settings->window / 2 > n || settings->steady >= n) return false;
    if (!(settings->tolerance >= 0) || !(settings->penalty >= 0)) return false;
    bool *is_outlier = gc_analysis_array(n, sizeof(*is_outlier));
    struct run run = {
        .times = gc_analysis_array(n, sizeof(*run.times)),
        .iterations = gc_analysis_array(n, sizeof(*run.iterations)),
        .segments = gc_analysis_array(n, sizeof(*run.segments)),
        .all = n,
    };
    bool done = gc_warmup_outliers(seconds, n, settings->window, is_outlier);
    if (done) {
        for (size_t i = 0; i < n; i++) {
            if (is_outlier[i]) continue;
            run.times[run.n] = seconds[i];
            run.iterations[run.n++] = i;
        }
        double mean = 0;
        done = gc_statistics_mean(run.times, run.n, &mean);
        double least = mean > 0 ? mean * resolution : resolution;
        done = done && gc_changepoint_find(run.times, run.n,
                               settings->penalty * log((double)run.n), least,
                               run.segments, &run.segment_count);
    }
    if (done) {
        classify(&run, settings, ret_result);
        ret_result->segments = run.segment_count;
        ret_result->outliers = n - run.n;
    }
    free(is_outlier);
    free(run.times);
    free(run.iterations);
    free(run.segments);
    return done;
}

enum gc_warmup gc_warmup_of_all(const enum gc_warmup *processes, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (processes[i] != processes[0]) return GC_WARMUP_INCONSISTENT;
    return processes[0];
}
