/* SPDX-License-Identifier: MIT */
/* line.h - one sample as one line of JSON. README.md beside this file lists its members. */
#ifndef BENCH_LINE_H
#define BENCH_LINE_H

#include <stdio.h>

#include "bench/environment.h"
#include "bench/plan.h"

enum { GC_LINE_SCHEMA = 1 };

/* Writes it in one piece and flushes it. 0 or -errno. */
int gc_line_write(FILE *file, const struct gc_plan *plan, uint32_t number,
        const struct gc_environment *environment);

#endif
