/* SPDX-License-Identifier: MIT */
/* overhead.h - what memory management costs at least, against the cheapest that was seen.
 *
 * No program runs without memory management, so that there is nothing to compare with. The
 * lower-bound overhead takes the best that is known: of all measurements of a benchmark the
 * one that costs least once the time in which a collector had stopped it is taken off. What
 * any collector really costs is at least its own cost over that. [CBBM22]
 *
 * Counting references is not done in stops, so that nothing is taken off for it, and where
 * all collectors count the base is too high. For that further bases may be added:
 * measurements of a collector that never frees and does not count, or of one that replays a
 * trace and frees everything at its death. `is_base` says of each measurement whether it
 * may be the base: all of them for the lower bound, the oracle's alone for the overhead
 * over the oracle.
 *
 * Values are wall or processor time, of any one unit. What was not measured to its end (out
 * of memory, time-out) is missing: it has no invocations, and is dropped, never made up.
 */
#ifndef BENCH_ANALYSIS_OVERHEAD_H
#define BENCH_ANALYSIS_OVERHEAD_H

#include "bench/analysis/bootstrap.h"
#include "bench/analysis/statistics.h"

/* A benchmark under a collector in a heap. The three are numbers that the caller gives;
 * benchmarks count from 0 and are fewer than there are points. */
struct gc_overhead_point {
    size_t benchmark, collector, heap;
    bool is_base;       /* may be the base of its benchmark */
    size_t invocations; /* 0: missing */
    const double *total;
    const double
            *stopped; /* of each total, what a collector had stopped; NULL: nothing */
};

/* For each point mean(total) / base, where the base of a benchmark is the least
 * mean(total - stopped) of the points that may be one. NaN for a point that is missing, or
 * whose benchmark has no base. False where a total is not above 0, a part of it that was
 * stopped is not between 0 and the total, or a base is 0. */
bool gc_overhead_find(const struct gc_overhead_point *points, size_t n,
        double *ret_overheads) GC_NODISCARD;

/* The geometric mean over all benchmarks of the overheads of one collector in one heap. False
 * where one benchmark is missing there, or where it is there twice: a mean over other benchmarks
 * than everybody else's compares nothing. */
bool gc_overhead_mean(const struct gc_overhead_point *points, size_t n, size_t collector,
        size_t heap, double *ret_overhead) GC_NODISCARD;

/* The same with intervals: each resample draws the invocations of every point anew, a total
 * together with what was stopped of it, and looks for the bases again; they are as uncertain
 * as all the rest. Two invocations or more of every point that is not missing. Points as
 * above that have no overhead have NaN. */
bool gc_overhead_bootstrap(const struct gc_overhead_point *points, size_t n,
        const struct gc_bootstrap *settings, struct gc_estimate *ret_overheads)
        GC_NODISCARD;
bool gc_overhead_bootstrap_mean(const struct gc_overhead_point *points, size_t n,
        size_t collector, size_t heap, const struct gc_bootstrap *settings,
        struct gc_estimate *ret_overhead) GC_NODISCARD;

struct gc_overhead_fold {
    double rest;             /* a: what does not grow with k */
    struct gc_estimate cost; /* b: of doing the operation once more, at every place */
};

/* What an operation costs that is too short to be timed: it is done k times at each place,
 * for several k, and T(k) = a + b k is fitted by least squares; b / T(1) is its share of
 * the time. n >= 3 pairs, of two k at least. Only as good as the assumption that doing it
 * again costs the same: the second time its line is in the cache and its branch is known,
 * so that b is rather too low. */
bool gc_overhead_fit(const double *k, const double *times, size_t n, double confidence,
        struct gc_overhead_fold *ret_fold) GC_NODISCARD;

#endif
