/* SPDX-License-Identifier: MIT */
/* native.h - what the peers share. Each does the work of the workload of its name
 * (workloads/): the same objects in the same order, the same random numbers, the same
 * checksum, the same share for each thread.
 *
 * native_WORKLOAD.h says what the workload is; native_run() is written in C
 * (native_WORKLOAD.c), in C++ with shared_ptr, and in Nim. NATIVE_HEAP_HEADER names a header
 * with these, and the functions are inline:
 *
 *     NATIVE_HEAP      its name
 *     native_heap_version(), native_heap_collections(), native_heap_start()
 *
 * C is written once and compiled for several heaps, so their headers have these as well:
 *
 *     NATIVE_FREES     whether what is dropped has to be freed by hand
 *     NATIVE_CLEARS    whether new memory is all zero
 *     native_new(bytes), native_new_leaf(bytes), native_new_table(count), native_free(p)
 *
 * Code under `if (NATIVE_FREES)` is not there where it is 0.
 */
#ifndef BENCH_PEERS_NATIVE_H
#define BENCH_PEERS_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/peers/native_trial.h"

/* None of the peers goes on without memory. */
static inline void *native_require(void *memory)
{
    if (__builtin_expect(memory == NULL, 0)) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

#include NATIVE_HEAP_HEADER

#ifdef __cplusplus
extern "C" {
#endif

/* How long single requests took, where a workload has them. What too few were measured for
 * has its `has_` flag false. */
struct native_latency {
    uint64_t count, max_ns; /* count == 0: it has none */
    bool has_p50, has_p99, has_p999;
    uint64_t p50_ns, p99_ns, p999_ns;
};

struct native_result {
    uint64_t checksum, ops;
    struct native_latency latency;
};

/* What a workload is, on whatever heap: native_WORKLOAD.h defines it, for the one file of a
 * program that includes that, or native_WORKLOAD.c where it is in C alone. */
struct native_workload {
    const char *name;
    /* Of its numbers; ends with NULL. "NAME=WORD|WORD...": the number is a word's place. */
    const char *names[NATIVE_NUMBERS + 1];

    /* Before the clock starts; may be NULL. */
    void (*setup)(const struct native_trial *trial);

    /* Not measured; *result comes with the sum of what native_run() returned. */
    void (*report)(const struct native_trial *trial, struct native_result *result);
};
extern const struct native_workload native_workload;

/* The measured part, written for each heap: one thread's share of the work. Returns its share
 * of the checksum. */
uint64_t native_run(const struct native_trial *trial, uint32_t thread);

/* CLOCK_MONOTONIC. */
uint64_t native_now_ns(void);

/* From native_run(): waits until all threads are here. */
void native_wait(void);

#ifdef __cplusplus
}
#endif

#endif
