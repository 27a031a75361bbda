/* SPDX-License-Identifier: MIT */
/* minheap_file.h - minimum heaps, as `gclab minheap` has measured them, in a file. */
#ifndef BENCH_MINHEAP_FILE_H
#define BENCH_MINHEAP_FILE_H

#include "bench/plan.h"

enum { GC_MINHEAP_TRIES = 5 };

/* The environment variable that names such a file. */
#define GC_MINHEAP_VARIABLE "GCLAB_MINHEAP"

/* One size of the heap that was tried; all that was tried is kept. */
struct gc_minheap_probe {
    char *collector; /* label */
    uint64_t bytes;
    uint32_t count; /* of tries: the first that is not good ends them */
    enum gc_outcome outcomes[GC_MINHEAP_TRIES];
};

struct gc_minheap {
    char *workload; /* label */
    bool weak;
    uint32_t threads;
    uint64_t seed, bytes;
    char *collector; /* label of the one that needed the least */
    struct gc_minheap_probe *probes;
    uint32_t probe_count;
};

void gc_minheap_finish(struct gc_minheap *minimum);

struct gc_minheap_file {
    struct gc_minheap *entries;
    uint32_t count;
};

/* Reads a file; what is wrong is said with line and column. An enum gc_exit. */
int gc_minheap_file_read(const char *path, struct gc_minheap_file *ret_file);

/* Takes an entry in, and what it points to; it replaces one of the same work. */
void gc_minheap_file_put(struct gc_minheap_file *file, const struct gc_minheap *entry);

/* Writes it as a whole. 0 or -errno. */
int gc_minheap_file_write(const char *path, const struct gc_minheap_file *file);

void gc_minheap_file_finish(struct gc_minheap_file *file);

/* Fills in the minimum heaps of the plan that the file has; `path` names it in the complaint that
 * one is missing. An enum gc_exit. */
int gc_minheap_file_apply(
        const struct gc_minheap_file *file, const char *path, const struct gc_plan *plan);

#endif
