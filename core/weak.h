/* SPDX-License-Identifier: MIT */
/* weak.h - weak references: heap objects that name a target without keeping it.
 *
 * A weak reference is cleared exactly once: when its target dies, or is found dead
 * by a collection. Its callback, if any, then runs with the world running, newest
 * reference first, unless the weak reference itself is dead by then.
 *
 * Invariant (W1): a weak reference is in the heap's table exactly while it has a
 * target; a target's REFERENCED bit is set before its first one is in the table.
 */
#ifndef CORE_WEAK_H
#define CORE_WEAK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/object.h"
#include "core/type.h"

struct gc_heap;
struct gc_mutator;
struct gc_weak;

/* Gets the weak reference, already cleared, and the data that it was made with. World
 * running, on a mutator, under no lock; may allocate and collect. Non-zero is
 * reported to on_callback_error. */
typedef int (*gc_weak_fn)(
        struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data);

struct gc_weak {
    struct gc_object header;
    gc_slot data; /* counted, traced; NULL allowed */
    /* Relaxed: written under weak_lock or in a stop; a resolve that races with a death
     * takes the target first and then reads this again (protocol/atomic.c). */
    _Atomic(struct gc_object *) target;
    gc_weak_fn callback;
    struct gc_weak *next;    /* weak_lock: of the table's chain, newest first */
    struct gc_weak *pending; /* who clears: the list of callbacks to run */
};

GC_EXPORT extern const struct gc_type gc_weak_type;

/* Makes *local a new weak reference to `target`. A safepoint, like gc_new(); false
 * when memory is exhausted. On a running mutator. */
GC_EXPORT bool gc_weak_new(struct gc_mutator *m, struct gc_weak **local,
        struct gc_object *target, gc_weak_fn callback, struct gc_object *data)
        GC_NODISCARD;

/* Makes *local refer to the target, or NULL when that is dead. On a running mutator. */
GC_EXPORT void gc_weak_load(struct gc_mutator *m, gc_slot *local, struct gc_weak *weak);

/* For deaths by count. The object says DEAD: if it is a weak reference, it leaves the
 * table; if it has weak references, they are cleared and their callbacks run. */
GC_EXPORT void gc_weak_on_death(struct gc_mutator *m, struct gc_object *object);

/* For collections. Clears, in a stop, all weak references to `object`; those with a
 * callback that `is_dead` does not hold for are appended to *due, newest first, counted
 * once more if the protocol counts. NULL: nobody is to be called. */
typedef bool (*gc_is_dead_fn)(struct gc_object *object);

/* Weak references whose callbacks are due, in order; { NULL, NULL } is empty. */
struct gc_weak_queue {
    struct gc_weak *first, *last;
};
GC_EXPORT size_t gc_weak_clear_stw(struct gc_mutator *m, struct gc_object *object,
        gc_is_dead_fn is_dead, struct gc_weak_queue *due);

/* Clears, in a stop, a weak reference that is itself dead. */
GC_EXPORT void gc_weak_forget_stw(struct gc_heap *heap, struct gc_weak *weak);

/* The same for all weak references at once, with the world running: those that are dead
 * themselves are forgotten, those to dead targets cleared. Neither may become alive again
 * meanwhile, and no new reference to a dead one be made. Returns how many were cleared. On
 * one running mutator at a time. */
GC_EXPORT size_t gc_weak_clear_dead(
        struct gc_mutator *m, gc_is_dead_fn is_dead, struct gc_weak_queue *due);

/* Calls the pending callbacks in order of the list, and drops the list's references;
 * returns how many of the weak references died by that. World running. */
GC_EXPORT size_t gc_weak_run_callbacks(struct gc_mutator *m, struct gc_weak *pending);

/* Calls visit for each weak reference that has a target. World stopped. It may clear
 * weak references; then some may be visited again. */
GC_EXPORT void gc_weak_walk_stw(struct gc_heap *heap,
        void (*visit)(struct gc_weak *weak, void *argument), void *argument);

#endif
