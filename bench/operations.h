/* SPDX-License-Identifier: MIT */
/* operations.h - what fast paths did, as people read it (gclab run --count-ops). */
#ifndef BENCH_OPERATIONS_H
#define BENCH_OPERATIONS_H

#include <stdio.h>

#include "bench/plan.h"

/* The block of one workload: a row for each operation that occurred, a column for each
 * collector and number of threads of which a sample was good; then what went wrong. */
void gc_operations_print(FILE *file, const struct gc_plan *plan, uint32_t workload);

/* What a reader must know. */
void gc_operations_print_foot(FILE *file, const struct gc_plan *plan);

#endif
