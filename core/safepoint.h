/* SPDX-License-Identifier: MIT */
/* safepoint.h - stopping mutators: polls, blocked regions, stop-the-world. */
#ifndef CORE_SAFEPOINT_H
#define CORE_SAFEPOINT_H

#include "core/heap.h"
#include "core/schedule.h"
#include "core/thread.h"

/* Parks while the world is being stopped, gives the global lock to who waits for it.
 * On a running mutator that holds no lock of the core. */
GC_EXPORT GC_COLD void gc_safepoint_slow(struct gc_mutator *m);

/* Whether a safepoint would do anything. */
static inline bool gc_safepoint_is_due(struct gc_mutator *m)
{
    return gc_unlikely(gc_atomic_load_relaxed(&m->poll) != 0) || gc_schedule_is_active();
}

/* A place where the mutator may be stopped: raw references are stale behind it
 * (under collectors that move), and anything unreferenced may be gone. */
static inline void gc_safepoint(struct gc_mutator *m)
{
    if (gc_safepoint_is_due(m)) gc_safepoint_slow(m);
}

/* Between the two the thread must not touch the heap; a stop does not wait for it. For
 * system calls and waits of all kinds. begin: on a running mutator. */
GC_EXPORT void gc_blocked_begin(struct gc_mutator *m);
GC_EXPORT void gc_blocked_end(struct gc_mutator *m);

/* Stops the world: on return every other mutator is claimed, and the caller may act
 * for all of them. Waits for them to reach a safepoint, and for other stops (in a
 * blocked region). The caller is a running mutator and must neither allocate with it
 * nor reach a safepoint before the end; stops do not nest. */
GC_EXPORT void gc_stop_begin(struct gc_mutator *m);

/* Lets the world run again. `work` is what was done in the stop (objects, slots); it goes
 * into the stopper's stall log with the pause. Who was held up on his way logs the time
 * that he waited (under a serial protocol: for the lock). */
GC_EXPORT void gc_stop_end(struct gc_mutator *m, uint64_t work);

/* The same for a stop that is no part of memory management (a check, a statistic): the
 * stopper neither logs nor counts it. */
GC_EXPORT void gc_stop_end_unlogged(struct gc_mutator *m);

/* Whether `m` has stopped the world. */
static inline bool gc_world_is_stopped_by(const struct gc_mutator *m)
{
    return gc_atomic_load_relaxed(&m->heap->stopper) == m;
}

/* Makes a running mutator BLOCKED where no code of the program may run: under the lock of
 * who stops or shakes hands, or in the middle of a drop. What it has not settled, or was
 * sent before, waits until it runs again, but for a stop. Ends with gc_blocked_end(). */
void gc_park(struct gc_mutator *m);

/* The lock of who stops or shakes hands: held across waits, so it is awaited parked. On a
 * running mutator. */
void gc_coordinator_acquire(struct gc_mutator *m);

#endif
