/* SPDX-License-Identifier: MIT */
/* table.h - the results of a run as people read them. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdio.h>

#include "bench/environment.h"
#include "bench/plan.h"

/* What the foot of the table must explain. */
struct gc_table_notes {
    bool has_bounds; /* a percentile that is an upper bound was printed */
};

/* The block of the workload and heap of `place`: a row for each collector and number of threads
 * of which a sample has run, then what went wrong. */
void gc_table_print(FILE *file, const struct gc_plan *plan, struct gc_place place,
        struct gc_table_notes *notes);

/* Of that block, what went wrong: a line for each outcome that is not ok, of each row, with
 * the first one's reason. */
void gc_table_print_failures(
        FILE *file, const struct gc_plan *plan, struct gc_place place);

/* What a reader must know before believing the figures. */
void gc_table_print_foot(FILE *file, const struct gc_plan *plan,
        const struct gc_environment *environment, const struct gc_table_notes *notes);

#endif
