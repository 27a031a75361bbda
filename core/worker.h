/* SPDX-License-Identifier: MIT */
/* worker.h - the collector thread: collections that run beside the mutators.
 *
 * A collector that says `threaded` has its collections run on a thread of its own. It is
 * started by the first who asks, is a mutator of the heap (so that stops, handshakes and
 * grace periods know of it), and is BLOCKED while there is nothing to do. It ends before the
 * heap does. Where no thread can be had, who asks collects himself.
 *
 *   NONE -> STARTING -> THERE -> NONE     by who asks first; by the thread's parent; at the
 *                                         heap's end, or at that of a schedule
 *
 * Invariants: (CT1) begun - ended is 1 while a collection is under way, and 0 otherwise.
 *             (CT2) who waits for collection n has asked after collection n - 1 had begun.
 */
#ifndef CORE_WORKER_H
#define CORE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/lock.h"
#include "core/schedule.h"
#include "core/thread.h"

struct gc_heap;

enum gc_worker_state { GC_WORKER_NONE, GC_WORKER_STARTING, GC_WORKER_THERE };

struct gc_worker {
    _Atomic(struct gc_mutator *) m; /* the thread's, or NULL; relaxed */
    _Atomic(bool) ends; /* it is to end; relaxed where read without the lock */

    /* lock */
    struct gc_lock lock;
    struct gc_condition changed; /* any of these */
    enum gc_worker_state state;
    bool asked;
    uint64_t begun, ended; /* collections (CT1) */
    int64_t result;        /* of the last one */

    /* who starts and ends it */
    struct gc_mutator_thread thread;
    struct gc_schedule_guest guest;
};

/* For heap.c: before anybody is attached, and after. */
void gc_worker_init(struct gc_heap *heap);
void gc_worker_end(struct gc_heap *heap); /* the thread */
void gc_worker_finish(struct gc_heap *heap);

/* Whether the mutator is the heap's collector thread. */
static inline bool gc_worker_is(
        const struct gc_worker *worker, const struct gc_mutator *m)
{
    return gc_atomic_load_relaxed(&worker->m) == m;
}

/* Whether the heap is about to go: no code of the program should run any more. Any thread. */
static inline bool gc_worker_is_ending(const struct gc_worker *worker)
{
    return gc_atomic_load_relaxed(&worker->ends);
}

/* A collection is to begin, after the one that may be under way; does not wait for it. On a
 * running mutator, under no lock. */
void gc_worker_ask(struct gc_mutator *m);

/* Has a collection run that begins from now on, and waits for its end, in a blocked region.
 * What it found. While another one is under way: 0 at once, or, if `patient`, the wait comes
 * first. On a running mutator other than the collector thread, under no lock. */
int64_t gc_worker_collect(struct gc_mutator *m, bool patient);

/* If a collection is under way or asked for, waits for its end, as above, and returns true.
 * False, too, on the collector thread. */
bool gc_worker_await(struct gc_mutator *m);

#endif
