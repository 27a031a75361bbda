/* SPDX-License-Identifier: MIT */
/* line.h - one sample as one line of JSON. README.md beside this file lists its members. */
#ifndef BENCH_LINE_H
#define BENCH_LINE_H

#include "bench/environment.h"
#include "bench/json_read.h"
#include "bench/plan.h"

enum { GC_LINE_SCHEMA = 1 };

/* What a line says of the experiment that its sample belongs to (identity.h). */
struct gc_line_cell {
    const char *experiment;
    bool is_quick;
    const char *cell, *block, *build;
};

/* Writes it to an open file, in one piece; `cell` is NULL where there is no experiment. 0; or
 * -errno, and then a file on a disk holds nothing of it. */
int gc_line_write(int fd, const struct gc_plan *plan, uint32_t number,
        const struct gc_environment *environment, const struct gc_line_cell *cell);

/* Reads a sample back, as far as a table and a comparison need it. False: it is no line of
 * ours. */
bool gc_line_read(const json_t *line, struct gc_measured *ret_measured);

#endif
