/* SPDX-License-Identifier: MIT */
/* native_binary_trees.h - what binary_trees is, whatever its heap; see native.h. */
#ifndef BENCH_PEERS_NATIVE_BINARY_TREES_H
#define BENCH_PEERS_NATIVE_BINARY_TREES_H

#include "bench/peers/native.h"

enum { DEPTH }; /* in native_workload.names */
enum { MIN_DEPTH = 4 };

static inline uint64_t tree_size(uint64_t depth)
{
    return (UINT64_C(2) << depth) - 1;
}

static inline uint64_t tree_count(uint64_t largest, uint64_t depth)
{
    return UINT64_C(1) << (largest - depth + MIN_DEPTH);
}

/* The checksum is the number of nodes that the walks met. */
static void report(const struct native_trial *trial, struct native_result *result)
{
    uint64_t largest = trial->numbers[DEPTH];
    result->ops = tree_size(largest + 1) + tree_size(largest);
    for (uint64_t depth = MIN_DEPTH; depth <= largest; depth += 4)
        result->ops += tree_count(largest, depth) * tree_size(depth);
}

const struct native_workload native_workload = {
    .name = "binary_trees",
    .names = { "depth" },
    .setup = NULL,
    .report = report,
};

#endif
