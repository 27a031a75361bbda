/* SPDX-License-Identifier: MIT */
/* native_trial.h - the part of native.h that asks nothing of a heap: what a run is told, and
 * each thread's share of it.
 */
#ifndef BENCH_PEERS_NATIVE_TRIAL_H
#define BENCH_PEERS_NATIVE_TRIAL_H

#include <stdint.h>

#include "workloads/random.h"

enum { NATIVE_NUMBERS = 7 };

struct native_trial {
    uint32_t threads;
    uint64_t seed;
    uint64_t numbers[NATIVE_NUMBERS]; /* as native_workload.names */
};

/* Thread i's part of n items; see gc_trial_share_fixed(). */
static inline void native_share(const struct native_trial *trial, uint32_t i, uint64_t n,
        uint64_t *ret_first, uint64_t *ret_end)
{
    *ret_first = n * i / trial->threads;
    *ret_end = n * (i + 1) / trial->threads;
}

#endif
