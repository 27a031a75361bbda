/* SPDX-License-Identifier: MIT */
/* line.h - one sample as one line of JSON. README.md beside this file lists its members. */
#ifndef BENCH_LINE_H
#define BENCH_LINE_H

#include "bench/environment.h"
#include "bench/plan.h"

enum { GC_LINE_SCHEMA = 1 };

/* Writes it to an open file, in one piece. 0; or -errno, and then a file on a disk holds nothing
 * of it. */
int gc_line_write(int fd, const struct gc_plan *plan, uint32_t number,
        const struct gc_environment *environment);

#endif
