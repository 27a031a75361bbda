/* SPDX-License-Identifier: MIT */
/* summary.h - which collector is best, as far as that can be said.
 *
 * One beats another by a metric where the interval of the geometric mean of their ratios over
 * all programs does not hold 1; of a single program, where the intervals of their means do not
 * overlap. Where a value is 0, or a mean has no interval, that can't be had: then one beats the
 * other if it does on some program, and on none the other does. Collectors are compared on the
 * programs that all of them have run. */
#ifndef BENCH_ANALYSIS_PROGRAM_SUMMARY_H
#define BENCH_ANALYSIS_PROGRAM_SUMMARY_H

#include "bench/analysis/program/grid.h"
#include "bench/analysis/program/groups.h"

/* What was measured together. */
struct gc_condition {
    const char *program; /* NULL: all */
    uint32_t threads;
    uint64_t heap;
};

/* A cell of a table: "A (1.3 x B)"; "no claim: A, B"; "0 each: A, B", of stops that nobody
 * has had; or "-". */
void gc_summary_cell(struct gc_grid *grid, const struct gc_groups *groups,
        const struct gc_condition *condition, enum gc_metric metric);

/* The programs that all collectors have run there; 0: nothing can be said. Names of the
 * collectors that have run any are counted in *ret_specs. */
size_t gc_summary_programs(const struct gc_groups *groups,
        const struct gc_condition *condition, size_t *ret_specs);

#endif
