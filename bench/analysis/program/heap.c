/* SPDX-License-Identifier: MIT */
/* heap.c - in which heap something was measured, as one number that can be compared. */
#include "bench/analysis/program/heap.h"

#include <inttypes.h>
#include <math.h>

/* Factors are kept in millionths, below all limits: a limit is shifted. */
#define FACTOR_UNIT  1e6
#define FACTORS_END  (UINT64_C(1) << 32)
#define LIMITS_BEGIN FACTORS_END

uint64_t gc_heap_of(uint64_t limit, double factor)
{
    if (factor > 0 && factor * FACTOR_UNIT < (double)FACTORS_END)
        return (uint64_t)llround(factor * FACTOR_UNIT);
    return limit > 0 ? limit + LIMITS_BEGIN : 0;
}

bool gc_heap_is_factor(uint64_t heap)
{
    return heap > 0 && heap < LIMITS_BEGIN;
}

double gc_heap_size(uint64_t heap)
{
    if (heap == 0) return 0;
    return gc_heap_is_factor(heap) ? (double)heap / FACTOR_UNIT
                                   : (double)(heap - LIMITS_BEGIN);
}

void gc_heap_label(char cell[GC_CELL], uint64_t heap)
{
    if (heap == 0)
        snprintf(cell, GC_CELL, "no limit");
    else if (gc_heap_is_factor(heap))
        snprintf(cell, GC_CELL, "%gx", gc_heap_size(heap));
    else
        gc_text_bytes(cell, gc_heap_size(heap));
}

void gc_heap_word(char cell[GC_CELL], uint64_t heap)
{
    if (gc_heap_is_factor(heap))
        snprintf(cell, GC_CELL, "%gx", gc_heap_size(heap));
    else
        snprintf(cell, GC_CELL, "%" PRIu64 "K", (heap - LIMITS_BEGIN) / 1024);
}
