/* SPDX-License-Identifier: MIT */
/* latency.c - three ways to say when a request began. */
#include "bench/analysis/latency.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

#include "bench/analysis/memory.h"
#include "bench/analysis/statistics.h"

static int compare_values(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void gc_latency_sort(uint64_t *latencies, size_t n)
{
    if (n > 0) qsort(latencies, n, sizeof(*latencies), compare_values);
}

bool gc_latency_percentile(
        const uint64_t *sorted, size_t n, double p, uint64_t *ret_value)
{
    size_t index;
    if (!gc_statistics_rank(n, p, &index)) return false;
    *ret_value = sorted[index];
    return true;
}

static bool is_forward(const struct gc_span *requests, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (requests[i].end < requests[i].begin) return false;
    return true;
}

bool gc_latency_simple(const struct gc_span *requests, size_t n, uint64_t *ret_latencies)
{
    if (!is_forward(requests, n)) return false;
    for (size_t i = 0; i < n; i++)
        ret_latencies[i] = requests[i].end - requests[i].begin;
    return true;
}

static int compare_spans(const void *a, const void *b)
{
    const struct gc_span *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

void gc_latency_sort_requests(struct gc_span *requests, size_t n)
{
    if (n > 0) qsort(requests, n, sizeof(*requests), compare_spans);
}

/* from + count * length / parts, for count <= parts: the product may have 128 bits. */
static uint64_t between(uint64_t from, uint64_t length, uint64_t count, uint64_t parts)
{
    __extension__ unsigned __int128 product = length;
    product *= count;
    return from + (uint64_t)(product / parts);
}

bool gc_latency_metered(const struct gc_span *requests, size_t n, uint64_t window,
        uint64_t *ret_latencies)
{
    if (window == 0 || !is_forward(requests, n)) return false;
    for (size_t i = 1; i < n; i++)
        if (requests[i].begin < requests[i - 1].begin) return false;
    uint64_t half = window == GC_LATENCY_FULL ? UINT64_MAX : window / 2;
    size_t s = 0, e = 0; /* both only move forward, as i does */
    for (size_t i = 0; i < n; i++) {
        uint64_t begin = requests[i].begin, end = requests[i].end;
        uint64_t low = begin > half ? begin - half : 0;
        while (requests[s].begin < low)
            s++;
        if (begin > UINT64_MAX - half)
            e = n - 1; /* the clock has no such time, so that nobody begins then */
        while (e + 1 < n && requests[e].begin < begin + half)
            e++;
        uint64_t smoothed = begin;
        if (e > s) {
            uint64_t length = requests[e].begin - requests[s].begin;
            smoothed = between(requests[s].begin, length, i - s, e - s);
        }
        uint64_t latest = smoothed < begin ? smoothed : begin;
        ret_latencies[i] = end - latest;
    }
    return true;
}

/* Times as doubles since `start` are exact to the nanosecond for a hundred days. */
static bool at(uint64_t start, double after, uint64_t *ret_time)
{
    if (!(after < 0x1p62) || start > UINT64_MAX - (uint64_t)after) return false;
    *ret_time = start + (uint64_t)after;
    return true;
}

bool gc_latency_arrive_evenly(
        uint64_t start, double interval, size_t n, uint64_t *ret_arrivals)
{
    uint64_t last;
    if (!(interval > 0) || !at(start, interval * (double)n, &last)) return false;
    for (size_t i = 0; i < n; i++)
        if (!at(start, interval * (double)i, &ret_arrivals[i])) return false;
    return true;
}

bool gc_latency_arrive_poisson(
        uint64_t start, double interval, uint32_t seed, size_t n, uint64_t *ret_arrivals)
{
    if (!(interval > 0) || isinf(interval)) return false;
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(random, seed);
    double after = 0;
    bool done = true;
    for (size_t i = 0; done && i < n; i++) {
        after += gsl_ran_exponential(random, interval);
        done = at(start, after, &ret_arrivals[i]);
    }
    gsl_rng_free(random);
    return done;
}

bool gc_latency_open_loop(
        const uint64_t *arrivals, const uint64_t *ends, size_t n, uint64_t *ret_latencies)
{
    for (size_t i = 0; i < n; i++)
        if (ends[i] < arrivals[i]) return false;
    for (size_t i = 0; i < n; i++)
        ret_latencies[i] = ends[i] - arrivals[i];
    return true;
}

static bool are_rates(const struct gc_latency_load *loads, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(loads[i].rate > 0) || isinf(loads[i].rate)) return false;
    return n > 0;
}

bool gc_latency_critical_rate(
        const struct gc_latency_load *loads, size_t n, uint64_t limit, double *ret_rate)
{
    if (!are_rates(loads, n)) return false;
    double best = 0;
    for (size_t i = 0; i < n; i++)
        if (loads[i].latency <= limit && loads[i].rate > best) best = loads[i].rate;
    if (best == 0) return false;
    *ret_rate = best;
    return true;
}

bool gc_latency_critical_throughput(const struct gc_latency_load *loads, size_t n,
        const uint64_t *limits, size_t limit_count, double *ret_throughput)
{
    if (!are_rates(loads, n) || limit_count == 0) return false;
    double *rates = gc_analysis_array(limit_count, sizeof(*rates));
    bool are_met = true;
    for (size_t i = 0; are_met && i < limit_count; i++)
        are_met = gc_latency_critical_rate(loads, n, limits[i], &rates[i]);
    double mean = 0;
    bool done = !are_met || gc_statistics_geometric_mean(rates, limit_count, &mean);
    free(rates);
    if (done) *ret_throughput = mean;
    return done;
}
