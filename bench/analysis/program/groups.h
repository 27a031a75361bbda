/* SPDX-License-Identifier: MIT */
/* groups.h - samples that differ in nothing but chance: the processes of one measurement. */
#ifndef BENCH_ANALYSIS_PROGRAM_GROUPS_H
#define BENCH_ANALYSIS_PROGRAM_GROUPS_H

#include "bench/analysis/hierarchy.h"
#include "bench/analysis/program/metric.h"
#include "bench/analysis/program/results.h"

/* A collector on a program, with so many threads, in a heap. Texts are those of a result. */
struct gc_group {
    const char *spec, *program;
    uint32_t threads;
    uint64_t heap;                    /* heap.h */
    const struct gc_result **results; /* good ones whose time was taken */
    size_t count;
    size_t bad; /* that ended otherwise */
};

struct gc_groups {
    struct gc_group *items;
    size_t count;
};

/* Sorted: by program, in the order in which they first occur; then threads, heap, and
 * spec in the order in which they first occur. The results must outlive them. */
struct gc_groups gc_groups_of(const struct gc_results *results);
void gc_groups_finish(struct gc_groups *groups);

/* NULL: there is none. */
const struct gc_group *gc_groups_find(const struct gc_groups *groups, const char *spec,
        const char *program, uint32_t threads, uint64_t heap);

/* Each text or number once, in the order of the groups; numbers ascend. Free with free(). */
const char **gc_groups_specs(const struct gc_groups *groups, size_t *ret_n);
const char **gc_groups_programs(const struct gc_groups *groups, size_t *ret_n);
uint32_t *gc_groups_threads(const struct gc_groups *groups, size_t *ret_n);
uint64_t *gc_groups_heaps(const struct gc_groups *groups, size_t *ret_n);

/* The values of a metric, one for each process. Two levels where there are several builds
 * with as many processes each, else one. */
struct gc_values {
    double *values;
    size_t count;
    size_t repetitions[2];
    size_t levels; /* 0: nothing was measured */
};
struct gc_values gc_group_values(const struct gc_group *group, enum gc_metric metric);
void gc_values_finish(struct gc_values *values);
struct gc_hierarchy gc_values_hierarchy(const struct gc_values *values);

/* The mean and its interval of 95 %; the interval is NaN where there are too few values, and
 * all of it where there is none. */
struct gc_estimate gc_values_mean(const struct gc_values *values);
struct gc_estimate gc_group_mean(const struct gc_group *group, enum gc_metric metric);

/* The same of a member of the samples, by its path; NaN where one process has none: a
 * percentile that only the longest runs have is not that of all. */
struct gc_estimate gc_group_mean_at(const struct gc_group *group, const char *path);

bool gc_estimate_has_interval(const struct gc_estimate *estimate);

#endif
