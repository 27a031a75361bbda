/* SPDX-License-Identifier: MIT */
/* plan.h - what a run is to measure, and what it has measured so far. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "bench/process.h"

/* A hard limit of the heap: so many bytes, or a multiple of the smallest heap in which the
 * reference collector gets through the same work (minheap.h). */
struct gc_heap_spec {
    double factor;  /* 0: `bytes` says it */
    uint64_t bytes; /* 0: no limit */
    char label[32]; /* "none", "64M", "1.5x" */
};

/* Samples are numbered in the order in which they run: for each heap, each workload, each
 * number of threads, each seed, each process, all collectors in turn. So what drifts in the
 * machine meanwhile is shared by all that are compared. */
struct gc_plan {
    struct gc_collector_spec *collectors;
    struct gc_workload_spec *workloads;
    uint32_t *threads;
    struct gc_heap_spec *heaps;
    uint64_t *seeds;
    uint32_t collector_count, workload_count, thread_count, processes, heap_count,
            seed_count;
    uint64_t *minimum_heaps; /* of each workload and number of threads; 0: not known */
    uint64_t timeout_ns;
    bool weak; /* where the workload does not say */
    bool in_process;
    enum gc_pin pin;
    bool count_ops;               /* operations are counted, and nothing is timed */
    uint32_t checks;              /* of each sample, on the way */
    struct gc_measured **results; /* NULL: not run */
};

struct gc_place {
    uint32_t workload, threads, process, collector, heap, seed; /* indices */
};

enum { GC_THREADS_MAX = 4096, GC_PROCESSES_MAX = 10000 };

uint32_t gc_plan_count(const struct gc_plan *plan);
struct gc_place gc_plan_place(const struct gc_plan *plan, uint32_t number);
uint32_t gc_plan_number(const struct gc_plan *plan, struct gc_place place);
struct gc_job gc_plan_job(const struct gc_plan *plan, struct gc_place place);

/* The limit of one sample's heap in bytes, whole KiB; 0: none. */
uint64_t gc_plan_heap_limit(const struct gc_plan *plan, struct gc_place place);

/* Whether a limit is a multiple of a minimum that is not known yet. */
bool gc_plan_needs_minimum(const struct gc_plan *plan);

/* Where the minimum heap of a workload and number of threads is kept. */
uint64_t *gc_plan_minimum_heap(
        const struct gc_plan *plan, uint32_t workload, uint32_t threads);

/* Adds one of its kind: for -c, -w, -t ("1,2,4"), --heap ("none", "64M", "1.5x") and --seed;
 * what is wrong is said. An enum gc_exit. */
int gc_plan_add_collector(struct gc_plan *plan, const char *text);
int gc_plan_add_workload(struct gc_plan *plan, const char *text);
int gc_plan_add_threads(struct gc_plan *plan, const char *list);
int gc_plan_add_thread_count(struct gc_plan *plan, uint32_t threads);
int gc_plan_add_heap(struct gc_plan *plan, const char *text);
int gc_plan_add_seed(struct gc_plan *plan, uint64_t seed);

/* Fills in one seed (1) and no limit of the heap where none was added, checks that every pair
 * can be run, and makes room for results. An enum gc_exit. */
int gc_plan_complete(struct gc_plan *plan);
void gc_plan_finish(struct gc_plan *plan);

/* Of one race-free workload, all collectors must come to the same checksum: one that
 * differs from the first good sample of the same heap, threads and seed is a wrong result. */
void gc_plan_compare(struct gc_plan *plan, uint32_t number);

#endif
