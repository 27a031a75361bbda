/* SPDX-License-Identifier: MIT */
/* micro.h - loops that run one operation n times, for the driver to time.
 *
 * A *set* holds the same operations for one subject: a protocol (operations.c, compiled
 * once for each), or C written by hand (by_hand.c, compiled for several ways of counting).
 * Operations of the same name do the same work, so their times can be divided.
 *
 * Each thread works on `GC_MICRO_OBJECTS` objects in turn. Where an operation is shared,
 * all of them are one object, the same for all threads.
 */
#ifndef BENCH_MICRO_MICRO_H
#define BENCH_MICRO_MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GC_MICRO_OBJECTS = 16 };

/* A thread's side of a run: opaque, its layout is the set's own. */
struct gc_micro_thread;

struct gc_micro_operation {
    const char *name;
    const char *does; /* one line: what an iteration is */
    uint32_t batch;   /* iterations of a call, between two blocked regions */
    uint32_t threads; /* up to how many threads it is run with: 1 or 2 */
    bool shared;      /* on one object for all threads; with two or more only */
    void (*run)(struct gc_micro_thread *thread, uint64_t n);
};

struct gc_micro_set {
    const char *name; /* of a protocol, or c_pointer, c_plain, c_atomic... */
    const struct gc_micro_operation *operations; /* ends with a NULL name */

    /* A call: the sets to compare with, one or two words; NULL for one written by hand. */
    const char *(*peer)(void);
    /* Whether only one of its threads would run at a time. */
    bool (*is_serial)(void);

    /* By each thread of a run, before the clock starts; the first to come makes what all
     * share. NULL when there is no memory. The thread then is in a blocked region. */
    struct gc_micro_thread *(*begin)(const struct gc_micro_operation *operation);
    /* Leaves the blocked region, runs n iterations, enters it again. */
    void (*run)(struct gc_micro_thread *thread, uint64_t n);
    /* The last to go takes down what the first has made. */
    void (*end)(struct gc_micro_thread *thread);
};

extern const struct gc_micro_set *const gc_micro_sets[]; /* ends with NULL */

/* Keeps the compiler from dropping a loop whose result nobody reads: the value must be
 * in a register here, and that is all. Both sides of a comparison use it. */
#define GC_MICRO_KEEP(value) __asm__ __volatile__("" : : "r"(value))

#ifdef __cplusplus
}
#endif

#endif
