/* SPDX-License-Identifier: MIT */
/* utilisation.h - how much of a window of time is left to the program, at the least.
 *
 * MMU(w), the minimum mutator utilisation, is the least share of any window of length w that
 * a mutator had for itself. [CB01] It is 0 up to the longest stall, and at the length of the
 * run it is the mutator's share of the whole. It may fall where w grows, since two stalls fit
 * into a longer window; BMU(w), the bounded one, is the least MMU of all windows as long as w
 * or longer, and never falls. [SMB04] One stall that is out of the ordinary decides both:
 * look at the distribution of stalls as well.
 *
 * All times are in nanoseconds of one clock. A mutator is stalled or it is not; what counts as
 * a stall (stops, waits for memory, work for the collector, cascades of deaths) is the caller's
 * business. Of several mutators each has a curve of its own.
 */
#ifndef BENCH_ANALYSIS_UTILISATION_H
#define BENCH_ANALYSIS_UTILISATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/analysis/span.h"
#include "core/check.h"

/* One mutator's. As gc_utilisation_init() makes it. */
struct gc_utilisation {
    const struct gc_span *stalls; /* within the run, in order, apart from each other */
    size_t n;
    struct gc_span run;
    uint64_t stalled; /* together */
};

/* Makes order of `stalls` in place: sorts them, cuts off what lies outside of the run, merges
 * what overlaps or touches. The array is in use from then on. False, and nothing done, where
 * the run has no length or a stall ends before it begins. O(n log n). */
bool gc_utilisation_init(struct gc_utilisation *utilisation, struct gc_span *stalls,
        size_t n, struct gc_span run) GC_NODISCARD;

/* The share of the whole run that was the mutator's. */
double gc_utilisation_share(const struct gc_utilisation *utilisation);

/* MMU(window), exactly. [CB01] There is a worst window that begins with a stall, or is the
 * last one of the run: any other can be moved on until it is one of these, and meanwhile
 * never holds less of what is stalled, or holds nothing else and begins within a stall.
 * O(n). False where `window` is 0 or longer than the run. */
bool gc_utilisation_minimum(const struct gc_utilisation *utilisation, uint64_t window,
        double *ret_minimum) GC_NODISCARD;

/* BMU(window), exactly: besides MMU(window) itself, only windows from the begin of a stall to
 * the end of one can be worst. O(n log n). False as above. */
bool gc_utilisation_bounded(const struct gc_utilisation *utilisation, uint64_t window,
        double *ret_bounded) GC_NODISCARD;

/* MMU(window) of n mutators: that of the worst one, and the mean. False as above, or without
 * any. */
bool gc_utilisation_of_all(const struct gc_utilisation *mutators, size_t n,
        uint64_t window, double *ret_least, double *ret_mean) GC_NODISCARD;

/* n >= 2 windows from `low` to `high`, both included, each longer than the one before by the same
 * factor (rounded). False unless 0 < low < high < 2^63. */
bool gc_utilisation_windows(uint64_t low, uint64_t high, size_t n, uint64_t *ret_windows)
        GC_NODISCARD;

#endif
