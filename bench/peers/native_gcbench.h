/* SPDX-License-Identifier: MIT */
/* native_gcbench.h - what gcbench is, whatever its heap; see native.h. */
#ifndef BENCH_PEERS_NATIVE_GCBENCH_H
#define BENCH_PEERS_NATIVE_GCBENCH_H

#include "bench/peers/native.h"

enum { DEPTH, ARRAY }; /* in native_workload.names */

static inline uint64_t tree_size(uint64_t depth)
{
    return (UINT64_C(2) << depth) - 1;
}

static inline uint64_t tree_count(const struct native_trial *trial, uint64_t depth)
{
    return 2 * tree_size(trial->numbers[DEPTH] + 2) / tree_size(depth);
}

static void report(const struct native_trial *trial, struct native_result *result)
{
    uint64_t largest = trial->numbers[DEPTH];
    result->ops = tree_size(largest + 2) + tree_size(largest) + 1;
    for (uint64_t depth = 4; depth <= largest; depth += 2)
        result->ops += 2 * tree_count(trial, depth) * tree_size(depth);
}

const struct native_workload native_workload = {
    .name = "gcbench",
    .names = { "depth", "array" },
    .setup = NULL,
    .report = report,
};

#endif
