/* SPDX-License-Identifier: MIT */
/* workload.h - all that a workload includes.
 *
 * A workload is written once against core/mutator.h and compiled twice per protocol: to be
 * timed, and with its operations counted (-DGC_COUNT_OPS). It ends with its descriptor:
 *
 *     GC_WORKLOAD(rings) = { GC_WORKLOAD_HEADER(rings), .summary = ..., .run = ... };
 */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include "core/harness.h"
#include "core/mutator.h"

#ifdef GC_COUNT_OPS
#    define GC_WORKLOAD_PASTE_(id, protocol) gc_workload_##id##_##protocol##_counting
#    define GC_WORKLOAD_COUNTS               true
#else
#    define GC_WORKLOAD_PASTE_(id, protocol) gc_workload_##id##_##protocol
#    define GC_WORKLOAD_COUNTS               false
#endif
#define GC_WORKLOAD_PASTE(id, protocol) GC_WORKLOAD_PASTE_(id, protocol)
#define GC_WORKLOAD_QUOTE_(text)        #text
#define GC_WORKLOAD_QUOTE(text)         GC_WORKLOAD_QUOTE_(text)

#define GC_WORKLOAD(id)                                                                  \
    extern const struct gc_workload GC_WORKLOAD_PASTE(id, GC_PROTOCOL_NAME);             \
    const struct gc_workload GC_WORKLOAD_PASTE(id, GC_PROTOCOL_NAME)

#define GC_WORKLOAD_HEADER(id)                                                           \
    .name = #id, .protocol = GC_WORKLOAD_QUOTE(GC_PROTOCOL_NAME),                        \
    .counts_operations = GC_WORKLOAD_COUNTS

/* A small seeded generator (splitmix64): the same numbers on every machine. */
struct gc_random {
    uint64_t state;
};

static inline uint64_t gc_random_next(struct gc_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 .. n - 1 (n < 2^32), by multiplication: the bias is below 2^-32. */
static inline uint32_t gc_random_below(struct gc_random *random, uint32_t n)
{
    return (uint32_t)((gc_random_next(random) >> 32) * n >> 32);
}

/* An own stream for each thread of a trial. */
static inline struct gc_random gc_random_stream(uint64_t seed, uint32_t stream)
{
    struct gc_random random = { seed ^ (stream + 1) * UINT64_C(0xd1342543de82ef95) };
    gc_random_next(&random);
    return random;
}

/* Checksums of parts are combined by addition, so the order does not matter. */
static inline uint64_t gc_mix(uint64_t value)
{
    struct gc_random random = { value };
    return gc_random_next(&random);
}

#endif
