/* SPDX-License-Identifier: MIT */
/* experiment.h - an experiment file: what is to be measured, in YAML. README.md beside this file
 * lists its keys. */
#ifndef BENCH_EXPERIMENT_H
#define BENCH_EXPERIMENT_H

#include "bench/identity.h"
#include "bench/yaml_file.h"

struct gc_experiment {
    char *name;
    bool is_quick;       /* what the file says under `quick` was put over the rest */
    struct gc_plan plan; /* complete; every minimum heap that it needs is known */
    bool is_shuffled;    /* collectors take turns in an order that differs by block */
    uint64_t order_seed;
    bool mixes_builds; /* the build is a factor: results of several stand side by side */
    char *text;        /* of the whole file */
    size_t length;
    char *minimum_heaps; /* text of the file that minimum heaps came from, or NULL */
    size_t minimum_heaps_length;
};

/* Reads it, loads the plugins that it names and checks all of it. What is wrong is said in one
 * sentence with file, line and column. `minimum_heaps` is the file that they come from, whatever
 * the experiment says, or NULL. An enum gc_exit. */
int gc_experiment_read(const char *path, bool is_quick, const char *minimum_heaps,
        struct gc_experiment *ret_experiment);
void gc_experiment_finish(struct gc_experiment *experiment);

/* A block: the samples of all collectors that share the rest. They are numbered in the order in
 * which they run: by heap (both ends, the middle, then what lies between), then as the plan has
 * it. So what is there after a while spans the whole range of heaps. */
uint32_t gc_experiment_block_count(const struct gc_experiment *experiment);

/* The numbers in the plan of a block's samples, in the order in which they run, which depends
 * on the block and the seed of the order alone. `numbers` has room for all collectors. */
void gc_experiment_block(
        const struct gc_experiment *experiment, uint32_t block, uint32_t *numbers);

#endif
