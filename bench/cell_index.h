/* SPDX-License-Identifier: MIT */
/* cell_index.h - all cells of an experiment under one build, to be found by their ids. */
#ifndef BENCH_CELL_INDEX_H
#define BENCH_CELL_INDEX_H

#include "bench/experiment.h"

struct gc_cell_index {
    struct gc_cell_entry {
        char id[GC_ID];
        uint32_t number; /* in the plan */
    } * entries;         /* by id */
    uint32_t count;
};

/* Two cells that ask for the same are refused: GC_EXIT_FILE, which is said. */
int gc_cell_index_make(const struct gc_experiment *experiment, const char *build,
        struct gc_cell_index *ret_index);
void gc_cell_index_finish(struct gc_cell_index *index);

/* False: the experiment has no such cell. */
bool gc_cell_index_find(
        const struct gc_cell_index *index, const char *id, uint32_t *ret_number);

#endif
