/* SPDX-License-Identifier: MIT */
/* latency.h - how long requests take, for whom, and at which load.
 *
 * Simple latency is that of a request from its own begin, which a stall also delays: what
 * waits for a stall to end has not begun, and is not counted (coordinated omission).
 * Metered latency, [DaCapo25], supposes that requests wanted to begin evenly. Within a
 * finite window that is no repair: no request begins during a stall, so where the stall is
 * longer than half of the window, nothing is left in it that waited, and a collector that
 * stops for 200 ms is said to be better than one that stops for 40 ms. Only open loop,
 * where the arrivals are fixed in advance, grows with the stall; the other two are there to
 * be compared with what others print.
 *
 * All times are in nanoseconds of one clock. Requests of one process are not independent:
 * percentiles are taken of each, and an interval is that of the mean over processes
 * (gc_statistics_mean_interval()), never of what was thrown together.
 */
#ifndef BENCH_ANALYSIS_LATENCY_H
#define BENCH_ANALYSIS_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/analysis/span.h"
#include "core/check.h"

#define GC_LATENCY_FULL UINT64_MAX /* a window that holds the whole run */

/* Sorts latencies, for gc_latency_percentile(). */
void gc_latency_sort(uint64_t *latencies, size_t n);

/* Of sorted latencies, as gc_statistics_percentile(). False where too few lie beyond. */
bool gc_latency_percentile(
        const uint64_t *sorted, size_t n, double p, uint64_t *ret_value) GC_NODISCARD;

/* end - begin of each. False where a request ends before it begins. */
bool gc_latency_simple(const struct gc_span *requests, size_t n, uint64_t *ret_latencies)
        GC_NODISCARD;

/* Sorts requests by their begin, for gc_latency_metered(). */
void gc_latency_sort_requests(struct gc_span *requests, size_t n);

/* What each of n sorted requests would have taken, had those within `window` around it (half
 * on each side) begun evenly; at least what it took. With s and e the first requests that
 * begin at or after begin_i -+ window / 2 (e the last one where there is none),
 *
 *     M_i = max(end_i - begin_i, end_i - (begin_s + (i - s) (begin_e - begin_s) / (e - s)))
 *
 * False where they are not sorted, one ends before it begins, or the window is 0. O(n). */
bool gc_latency_metered(const struct gc_span *requests, size_t n, uint64_t window,
        uint64_t *ret_latencies) GC_NODISCARD;

/* When n requests arrive, the first at `start`: evenly, `interval` apart; or as a Poisson
 * process of that mean interval, where the first one waits, too. False where `interval` is
 * not above 0, or a time leaves the clock's range. */
bool gc_latency_arrive_evenly(
        uint64_t start, double interval, size_t n, uint64_t *ret_arrivals) GC_NODISCARD;
bool gc_latency_arrive_poisson(uint64_t start, double interval, uint32_t seed, size_t n,
        uint64_t *ret_arrivals) GC_NODISCARD;

/* ends[i] - arrivals[i]: whatever kept a request from beginning is in it. False where one ends
 * before it arrives. */
bool gc_latency_open_loop(const uint64_t *arrivals, const uint64_t *ends, size_t n,
        uint64_t *ret_latencies) GC_NODISCARD;

/* What was measured at one load. */
struct gc_latency_load {
    double rate;      /* in any unit: requests a second, or a share of the capacity */
    uint64_t latency; /* the percentile in question */
};

/* The highest rate whose latency is at most `limit`. False where there is none, or a rate is
 * not above 0. */
bool gc_latency_critical_rate(const struct gc_latency_load *loads, size_t n,
        uint64_t limit, double *ret_rate) GC_NODISCARD;

/* The geometric mean of these over several limits; 0 where one of them is met at no rate. As
 * in the critical throughput of SPECjbb2015. False without loads or limits, or where a rate is
 * not above 0. */
bool gc_latency_critical_throughput(const struct gc_latency_load *loads, size_t n,
        const uint64_t *limits, size_t limit_count, double *ret_throughput) GC_NODISCARD;

#endif
