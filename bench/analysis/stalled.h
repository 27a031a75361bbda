/* SPDX-License-Identifier: MIT */
/* stalled.h - a program whose stalls are known, to see what measures of latency make of them.
 *
 * For each second that it has run, the program is stopped once for `stall`. It serves requests
 * in two ways: a closed loop of threads, each of which begins a request, of 1 ms on average
 * (exponential), when it has ended one; and an open loop, where requests arrive whatever
 * happens, at one server that takes `service` for each.
 */
#ifndef BENCH_ANALYSIS_STALLED_H
#define BENCH_ANALYSIS_STALLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/analysis/span.h"

/* All times are in ns. n requests of a closed loop, sorted by their begin. The same arguments give
 * the same requests. */
void gc_stalled_closed_loop(
        uint64_t stall, uint32_t threads, size_t n, struct gc_span *ret_requests);

/* When n requests end that arrive in this order at one server. `service` is the mean time of
 * one (exponential), or exactly that. */
void gc_stalled_open_loop(uint64_t stall, double service, bool is_random,
        const uint64_t *arrivals, size_t n, uint64_t *ret_ends);

#endif
