/* SPDX-License-Identifier: MIT */
/* native_rings.h - what rings is, whatever its heap; see native.h. */
#ifndef BENCH_PEERS_NATIVE_RINGS_H
#define BENCH_PEERS_NATIVE_RINGS_H

#include "bench/peers/native.h"

enum { K, COUNT, WINDOW }; /* in native_workload.names */

static void report(const struct native_trial *trial, struct native_result *result)
{
    result->ops = trial->numbers[COUNT] * trial->numbers[K];
}

const struct native_workload native_workload = {
    .name = "rings",
    .names = { "k", "count", "window" },
    .setup = NULL,
    .report = report,
};

#endif
