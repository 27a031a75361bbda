/* SPDX-License-Identifier: MIT */
/* native.h - what the peers in C share. Each does the work of the workload of its name
 * (workloads/): the same objects in the same order, the same random numbers, the same
 * checksum, the same share for each thread.
 *
 * A program is written once and compiled for each heap. NATIVE_HEAP_HEADER names a header
 * with these, and the functions are inline:
 *
 *     NATIVE_HEAP      its name
 *     NATIVE_FREES     whether what is dropped has to be freed by hand
 *     NATIVE_CLEARS    whether new memory is all zero
 *     native_heap_version(), native_heap_collections(), native_heap_start(),
 *     native_new(bytes), native_new_leaf(bytes), native_new_table(count), native_free(p)
 *
 * Code under `if (NATIVE_FREES)` is not there where it is 0.
 */
#ifndef BENCH_PEERS_NATIVE_H
#define BENCH_PEERS_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "workloads/random.h"

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

enum { NATIVE_NUMBERS = 4 };

struct native_trial {
    uint32_t threads;
    uint64_t seed;
    uint64_t numbers[NATIVE_NUMBERS]; /* as native_workload.names */
};

struct native_result {
    uint64_t checksum, ops;
};

/* What each program defines. */
struct native_workload {
    const char *name;
    const char *names[NATIVE_NUMBERS + 1]; /* of its numbers; ends with NULL */

    /* Before the clock starts; may be NULL. */
    void (*setup)(const struct native_trial *trial);

    /* The measured part: one thread's share. Returns its share of the checksum. */
    uint64_t (*run)(const struct native_trial *trial, uint32_t thread);

    /* Not measured; *result comes with the sum of what run() returned. */
    void (*report)(const struct native_trial *trial, struct native_result *result);
};
extern const struct native_workload native_workload;

/* Thread i's part of n items; see gc_trial_share_fixed(). */
static inline void native_share(const struct native_trial *trial, uint32_t i, uint64_t n,
        uint64_t *ret_first, uint64_t *ret_end)
{
    *ret_first = n * i / trial->threads;
    *ret_end = n * (i + 1) / trial->threads;
}

#endif
