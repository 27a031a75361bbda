/* SPDX-License-Identifier: MIT */
/* arrivals.h - when the requests of an open loop are due.
 *
 * They come when they come, whether or not the one before has been served. A latency is
 * measured from when its request was due, so what a stall does to those that queue up
 * behind it is in their latencies (no coordinated omission).
 */
#ifndef WORKLOADS_ARRIVALS_H
#define WORKLOADS_ARRIVALS_H

#include "workloads/random.h"

struct gc_arrivals {
    struct gc_random random;
    double gap_ns, due_ns;
    bool is_poisson; /* gaps are exponential; else all are the same */
};

/* `rate` requests a second, more than 0. */
static inline struct gc_arrivals gc_arrivals_start(
        struct gc_random random, uint64_t rate, bool is_poisson)
{
    return (struct gc_arrivals){
        .random = random,
        .gap_ns = 1e9 / (double)rate,
        .is_poisson = is_poisson,
    };
}

/* When the next request is due: ns since the start, which is not an arrival. */
static inline uint64_t gc_arrivals_next(struct gc_arrivals *arrivals)
{
    double gaps = 1;
    if (arrivals->is_poisson) gaps = gc_random_exponential(&arrivals->random);
    arrivals->due_ns += gaps * arrivals->gap_ns;
    return (uint64_t)arrivals->due_ns;
}

#endif
