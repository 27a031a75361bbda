/* SPDX-License-Identifier: MIT */
/* heap.h - in which heap something was measured, as one number that can be compared.
 *
 * 0 is no limit; what is a multiple of each workload's own minimum is the same heap whatever
 * that minimum is; all else is a limit in bytes. They ascend in this order. */
#ifndef BENCH_ANALYSIS_PROGRAM_HEAP_H
#define BENCH_ANALYSIS_PROGRAM_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/text.h"

/* Of a limit in bytes, or 0, and a factor, or one that is not above 0. */
uint64_t gc_heap_of(uint64_t limit, double factor);

bool gc_heap_is_factor(uint64_t heap);

/* "no limit", "64.0M", "1.5x". */
void gc_heap_label(char cell[GC_CELL], uint64_t heap);

/* As `gclab run --heap` takes it; heap > 0. */
void gc_heap_word(char cell[GC_CELL], uint64_t heap);

/* Bytes, or the factor. */
double gc_heap_size(uint64_t heap);

#endif
