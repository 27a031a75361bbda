/* SPDX-License-Identifier: MIT */
/* cells.h - collector x workload x threads, as the driver registers them. */
#ifndef BENCH_MICRO_CELLS_H
#define BENCH_MICRO_CELLS_H

#include "bench/process.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gc_cell {
    char *name; /* rings/generational@plain/threads:2 */
    struct gc_job job;
};

struct gc_cells;

/* Makes the list from the driver's own options; those are taken out of argv. Returns an
 * enum gc_exit, having said what is wrong; *ret_cells is NULL then. */
int gc_cells_open(int *argc, char **argv, struct gc_cells **ret_cells);
void gc_cells_close(struct gc_cells *cells);

uint32_t gc_cells_count(const struct gc_cells *cells);
const struct gc_cell *gc_cells_at(const struct gc_cells *cells, uint32_t i);

/* Runs the cell in a fresh process, which this program is then again. 0, or -errno if no
 * process could be made. */
int gc_cells_run(const struct gc_cell *cell, struct gc_measured *ret_measured);

/* Called first. If the arguments say so, this process is a sample: runs it, and true. */
bool gc_cells_sample(int argc, char **argv, int *ret_status);

/* The options, for --help. */
extern const char gc_cells_help[];

#ifdef __cplusplus
}
#endif

#endif
