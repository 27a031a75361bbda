/* SPDX-License-Identifier: MIT */
/* sweep.h - the parts of `gclab sweep` that stand in files of their own. */
#ifndef BENCH_SWEEP_H
#define BENCH_SWEEP_H

#include "bench/cell_index.h"
#include "bench/results.h"

/* What results in a folder are of. */
struct gc_sweep {
    struct gc_experiment experiment;
    char build[GC_ID];
    struct gc_cell_index index;
    const char *folder;
    uint32_t known;     /* cells whose results are there */
    uint32_t strangers; /* lines of no cell of this experiment and build */
};

/* Finds the cells; the experiment and the build are known. An enum gc_exit. */
int gc_sweep_begin(struct gc_sweep *sweep);
void gc_sweep_finish(struct gc_sweep *sweep);

/* Takes in the results that are in the folder; the last one of a cell counts. Those of another
 * build, or of a quick run where this is none, or the other way round, are refused. */
int gc_sweep_load(struct gc_sweep *sweep);

/* Prints a line for each cell, in the order in which they run: ids, shard, and what it is.
 * `missing`: of those without a result alone. */
void gc_sweep_list(
        FILE *file, const struct gc_sweep *sweep, uint32_t shards, bool missing);

/* Prints a table of each heap and workload that something is known of. GC_EXIT_FAILED if a sample
 * was not good. */
int gc_sweep_print(FILE *file, const struct gc_sweep *sweep);

/* Whether a cell of the block has no result yet. `numbers` has room for all collectors. */
bool gc_sweep_lacks(const struct gc_sweep *sweep, uint32_t block, uint32_t *numbers);

/* Has the shards that lack cells measured by a job array of Slurm, as tasks that run `source` into
 * the folder, and waits for its end; SIGINT ends the job. What there is has been loaded, and is
 * loaded again afterwards. An enum gc_exit. */
int gc_sweep_slurm(
        struct gc_sweep *sweep, const char *source, uint32_t shards, bool quiet);

/* gclab sweep --status FOLDER: what there is, and what is missing. `path` is the experiment, or
 * NULL for the copy in the folder. An enum gc_exit; GC_EXIT_FAILED if something is missing. */
int gc_sweep_status(const char *folder, const char *path);

/* gclab sweep --merge FOLDER... -o FOLDER: one folder of all their results. */
int gc_sweep_merge(char *const *folders, const char *into);

#endif
