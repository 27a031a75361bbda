/* SPDX-License-Identifier: MIT */
/* random.h - the random numbers and checksums of workloads. It needs nothing of gclab, so
 * that a program in another system can do the same work.
 */
#ifndef WORKLOADS_RANDOM_H
#define WORKLOADS_RANDOM_H

#include <stdint.h>

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
