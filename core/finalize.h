/* SPDX-License-Identifier: MIT */
/* finalize.h - running finalizers, and the register of those that may be due. */
#ifndef CORE_FINALIZE_H
#define CORE_FINALIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/object.h"

struct gc_heap;
struct gc_mutator;

/* Runs the object's finalizer if it is due; it is due no longer then. The caller holds
 * a reference. World running, on a mutator, under no lock. */
GC_EXPORT void gc_finalize(struct gc_mutator *m, struct gc_object *object);

/* Clears the slots of garbage: by the type's clear if it has one; not those of an immutable
 * object. The caller holds a reference. Context as above. */
GC_EXPORT void gc_clear_slots(struct gc_mutator *m, struct gc_object *object);

/* For collectors whose deaths are implicit: a new object whose type has a finalizer is
 * entered into the heap's register, which does not keep it alive. First room is made for
 * it (false when there is no memory), then it is entered; NULL gives the room up. */
bool gc_finalizable_reserve(struct gc_heap *heap) GC_NODISCARD;
void gc_finalizable_settle(struct gc_heap *heap, struct gc_object *object);

/* Passes the register: visit(object, argument) says what is to become of an entry. It is
 * called under the registry lock, which is given up now and then, so mutators may make
 * objects meanwhile; those are visited too. One pass at a time. */
enum gc_finalizable_fate { GC_FINALIZABLE_KEEP, GC_FINALIZABLE_REMOVE };
GC_EXPORT void gc_finalizable_filter(struct gc_heap *heap,
        enum gc_finalizable_fate (*visit)(struct gc_object *object, void *argument),
        void *argument);

/* Reports a callback's non-zero result to the heap's hook. */
GC_EXPORT void gc_callback_error(
        struct gc_mutator *m, struct gc_object *object, int error);

#endif
