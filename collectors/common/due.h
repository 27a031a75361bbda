/* SPDX-License-Identifier: MIT */
/* due.h - what a collection owes to the program for what it has found dead: weak references
 * are cleared and called back, finalizers run. For collectors whose deaths are implicit. */
#ifndef COLLECTORS_COMMON_DUE_H
#define COLLECTORS_COMMON_DUE_H

#include "core/collector.h"

/* Of one collection at a time: nobody else looks at it while `collecting` is set. */
struct gc_due {
    struct gc_mutator *m; /* who collects */
    gc_is_dead_fn is_dead;
    void (*keep)(struct gc_object *object, void *argument);
    void *argument;
    struct gc_weak_queue callbacks;
    struct gc_object **finalizers; /* objects whose finalizers are to run */
    size_t count, room;
};

/* Begins a collection: makes room for all finalizers that can be due, before the world is
 * stopped and nothing may be allocated. False when there is no memory. Births between this
 * and the stop find their finalizer run later. World running. */
bool gc_due_begin(struct gc_due *due, struct gc_mutator *m) GC_NODISCARD;

/* The same for who does not stop the world, and has seen more births since: to be called when
 * none of them can be dead any more, so that what weak references are cleared for is found.
 * False: those without room are found by the next collection. World running. */
bool gc_due_reserve(struct gc_due *due);

/* Clears the weak references to objects that are dead, and forgets those that are dead
 * themselves. `is_dead` says which. World stopped; or running, if no mutator can reach what
 * is dead (gc_weak_clear_dead). */
void gc_due_clear_weak(struct gc_due *due, gc_is_dead_fn is_dead);

/* Clears the weak references to an object that is about to be finalized. World stopped; once
 * `is_dead` holds for all weak references that are dead. */
void gc_due_clear_one_stw(
        struct gc_due *due, struct gc_object *object, gc_is_dead_fn is_dead);

/* Finds, among the objects with finalizers, those that are dead: their finalizers are due.
 * keep(object, argument) is then called for each, which keeps it and what it reaches until a
 * collection after that; perhaps under the registry lock. World stopped, or as above. */
void gc_due_find_finalizers(struct gc_due *due, gc_is_dead_fn is_dead,
        void (*keep)(struct gc_object *object, void *argument), void *argument);

/* Runs callbacks, then finalizers. World running: no other collection begins before this
 * one has ended, so the objects, and the weak references whose callbacks are due, stay where
 * they are. */
void gc_due_run(struct gc_due *due);

/* Frees what it has reserved. */
void gc_due_finish(struct gc_due *due);

#endif
