/* SPDX-License-Identifier: MIT */
/* random.h - the random numbers and checksums of workloads. It needs nothing of gclab, so
 * that a program in another system can do the same work.
 */
#ifndef WORKLOADS_RANDOM_H
#define WORKLOADS_RANDOM_H

#include <stdbool.h>
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

/* The three below are made of whole numbers, or of sums of doubles: they too are the same on
 * every machine, whatever its mathematical library. */

/* 1 .. n, k with a share in proportion to 1/k (Zipf's law): one octave as likely as another,
 * one number of it as likely as another, taken with the chance (first of the octave) / k. */
static inline uint32_t gc_random_zipf(struct gc_random *random, uint32_t n)
{
    uint32_t octaves = 32 - (uint32_t)__builtin_clz(n);
    for (;;) {
        uint32_t low = UINT32_C(1) << gc_random_below(random, octaves);
        uint32_t k = low + gc_random_below(random, low);
        if (k <= n && gc_random_below(random, k) < low) return k;
    }
}

/* Normal with mean 0 and this standard deviation (below 2^27), rounded: the sum of twelve
 * numbers in [0, 1), less 6, so that nothing lies beyond six deviations. */
static inline int64_t gc_random_gauss(struct gc_random *random, uint32_t sigma)
{
    const int64_t one = INT64_C(1) << 32;
    int64_t sum = -6 * one;
    for (int i = 0; i < 6; i++) {
        uint64_t two = gc_random_next(random);
        sum += (int64_t)(two >> 32) + (int64_t)(two & UINT32_MAX);
    }
    sum *= sigma;
    return (sum + (sum < 0 ? -one / 2 : one / 2)) / one;
}

/* Exponential with mean 1, as von Neumann did without a logarithm: the first of a falling
 * run of random numbers, if the run's length is odd; else the whole part grows by 1. */
static inline double gc_random_exponential(struct gc_random *random)
{
    for (double whole = 0;; whole += 1) {
        uint64_t first = gc_random_next(random), last = first;
        bool odd = true;
        for (uint64_t next; (next = gc_random_next(random)) < last; last = next)
            odd = !odd;
        if (odd) return whole + (double)(first >> 11) * 0x1p-53;
    }
}

/* Checksums of parts are combined by addition, so the order does not matter. */
static inline uint64_t gc_mix(uint64_t value)
{
    struct gc_random random = { value };
    return gc_random_next(&random);
}

#endif
