/* SPDX-License-Identifier: MIT */
/* plan.h - what a run is to measure, and what it has measured so far. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "bench/process.h"

/* Samples are numbered in the order in which they run: for each workload, for each
 * number of threads, for each process, all collectors in turn. So what drifts in the
 * machine meanwhile is shared by all that are compared. */
struct gc_plan {
    struct gc_collector_spec *collectors;
    struct gc_workload_spec *workloads;
    uint32_t *threads;
    uint32_t collector_count, workload_count, thread_count, processes;
    uint64_t heap_limit; /* 0: none */
    uint64_t seed, timeout_ns;
    bool weak; /* where the workload does not say */
    bool in_process;
    bool count_ops;               /* operations are counted, and nothing is timed */
    uint32_t checks;              /* of each sample, on the way */
    struct gc_measured **results; /* NULL: not run */
};

struct gc_place {
    uint32_t workload, threads, process, collector; /* indices */
};

uint32_t gc_plan_count(const struct gc_plan *plan);
struct gc_place gc_plan_place(const struct gc_plan *plan, uint32_t number);
uint32_t gc_plan_number(const struct gc_plan *plan, struct gc_place place);
struct gc_job gc_plan_job(const struct gc_plan *plan, struct gc_place place);

/* Adds one -c, -w or -t; returns an enum gc_exit. */
int gc_plan_add_collector(struct gc_plan *plan, const char *text);
int gc_plan_add_workload(struct gc_plan *plan, const char *text);
int gc_plan_add_threads(struct gc_plan *plan, const char *list);

/* Checks that every pair can be run, and makes room for results. An enum gc_exit. */
int gc_plan_complete(struct gc_plan *plan);
void gc_plan_finish(struct gc_plan *plan);

/* Of one race-free workload, all collectors must come to the same checksum: one that
 * differs from the first good sample is a wrong result. */
void gc_plan_compare(struct gc_plan *plan, uint32_t number);

#endif
