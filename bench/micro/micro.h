/* SPDX-License-Identifier: MIT */
/* micro.h - loops that run one operation n times, for the driver to time.
 *
 * A *set* holds the same operations for one subject: a protocol (operations.c, compiled
 * once for each), or C written by hand (by_hand.c, compiled for several ways of counting).
 * Operations of the same name do the same work, so their times can be divided.
 *
 * Each thread works on `GC_MICRO_OBJECTS` objects in turn. Where an operation is shared,
 * all of them are one object, the same for all threads.
 *
 * The loops of a set are compiled once for each *place*: the same code, 8 bytes further on in
 * its cache line. The driver runs them in turn, and takes the median of the places.
 */
#ifndef BENCH_MICRO_MICRO_H
#define BENCH_MICRO_MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GC_MICRO_OBJECTS = 16, GC_MICRO_PLACES = 8 };

/* Iterations of a call: so many that what it takes to enter and leave the loop's frame, with 32
 * locals of which each may cost an atomic addition, is nothing beside the shortest. */
enum { GC_MICRO_MANY = 65536, GC_MICRO_SOME = 1024, GC_MICRO_FEW = 64 };

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
    /* The same rows in each place; a table ends with a NULL name. */
    const struct gc_micro_operation *operations[GC_MICRO_PLACES];

    /* A call: the sets to compare with, one or two words; NULL for one written by hand. */
    const char *(*peer)(void);
    /* Whether only one of its threads would run at a time. */
    bool (*is_serial)(void);

    /* By each thread of a run, before the clock starts; the first to come makes what all
     * share. NULL when there is no memory. The thread then is in a blocked region. */
    struct gc_micro_thread *(*begin)(const struct gc_micro_operation *operation);
    /* Leaves the blocked region, runs n iterations in one of the places, enters it again. */
    void (*run)(struct gc_micro_thread *thread,
            const struct gc_micro_operation *operation, uint64_t n);
    /* The last to go takes down what the first has made. */
    void (*end)(struct gc_micro_thread *thread);
};

/* The name of a set as a string, the set, and its table of a place. */
#define GC_MICRO_TEXT_(name)         #name
#define GC_MICRO_TEXT(name)          GC_MICRO_TEXT_(name)
#define GC_MICRO_SET_(name)          gc_micro_set_##name
#define GC_MICRO_SET(name)           GC_MICRO_SET_(name)
#define GC_MICRO_LOOPS_(name, place) gc_micro_loops_##name##_##place
#define GC_MICRO_LOOPS(name, place)  GC_MICRO_LOOPS_(name, place)

#define GC_MICRO_OF_PLACE(name, place)                                                   \
    extern const struct gc_micro_operation GC_MICRO_LOOPS(name, place)[]
#define GC_MICRO_DECLARE(name)                                                           \
    extern const struct gc_micro_set GC_MICRO_SET(name);                                 \
    GC_MICRO_OF_PLACE(name, 0);                                                          \
    GC_MICRO_OF_PLACE(name, 1);                                                          \
    GC_MICRO_OF_PLACE(name, 2);                                                          \
    GC_MICRO_OF_PLACE(name, 3);                                                          \
    GC_MICRO_OF_PLACE(name, 4);                                                          \
    GC_MICRO_OF_PLACE(name, 5);                                                          \
    GC_MICRO_OF_PLACE(name, 6);                                                          \
    GC_MICRO_OF_PLACE(name, 7)
#define GC_MICRO_ALL_LOOPS(name)                                                         \
    {                                                                                    \
        GC_MICRO_LOOPS(name, 0), GC_MICRO_LOOPS(name, 1), GC_MICRO_LOOPS(name, 2),       \
                GC_MICRO_LOOPS(name, 3), GC_MICRO_LOOPS(name, 4),                        \
                GC_MICRO_LOOPS(name, 5), GC_MICRO_LOOPS(name, 6),                        \
                GC_MICRO_LOOPS(name, 7)                                                  \
    }

extern const struct gc_micro_set *const gc_micro_sets[]; /* ends with NULL */

/* Keeps the compiler from dropping a loop whose result nobody reads: the value must be
 * in a register here, and that is all. Both sides of a comparison use it. */
#define GC_MICRO_KEEP(value) __asm__ __volatile__("" : : "r"(value))

#ifdef __cplusplus
}
#endif

#endif
