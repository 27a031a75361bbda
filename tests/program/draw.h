/* SPDX-License-Identifier: MIT */
/* draw.h - numbers from a seed, the same everywhere. */
#ifndef TESTS_PROGRAM_DRAW_H
#define TESTS_PROGRAM_DRAW_H

#include <stdint.h>

/* splitmix64 */
static inline uint64_t program_draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 .. n - 1; n is 2^16 at most. */
static inline uint16_t program_below(uint64_t *state, uint32_t n)
{
    return (uint16_t)((program_draw(state) >> 32) * n >> 32);
}

#endif
