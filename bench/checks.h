/* SPDX-License-Identifier: MIT */
/* checks.h - what the checks on the way of samples have found, as people read it. */
#ifndef BENCH_CHECKS_H
#define BENCH_CHECKS_H

#include <stdio.h>

#include "bench/plan.h"

/* Prints a line for each check of each sample of a workload that has run. */
void gc_checks_print(FILE *file, const struct gc_plan *plan, uint32_t workload);

#endif
