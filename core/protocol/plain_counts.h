/* SPDX-License-Identifier: MIT */
/* plain_counts.h - the operations of every protocol that counts with plain increments: a
 * template.
 *
 * The count word is the number of references, those of locals included. One mutator runs at
 * a time (serial.h); so no count is ever touched by two threads at once, and the atoms below
 * are relaxed: the lock orders them. A protocol's header defines, and includes this file
 * behind that,
 *
 *   GC_PROTOCOL_NAME
 *   GC_PLAIN_DROP_LAST, the name of the slow path of a drop; one that nobody else has
 *   GC_PLAIN_LEFT(m, object), or not: what follows a drop that leaves the object alive; true
 *
 * Invariants: (P1) count == slots + roots + locals that hold the object, until it dies.
 *             (P2) who finds count 1 holds the last reference; it never passes 0.
 * A count past a quarter of its range belongs to an immortal object: it moves like any
 * other, but never gets down to 1.
 */
#ifndef CORE_PROTOCOL_PLAIN_COUNTS_H
#define CORE_PROTOCOL_PLAIN_COUNTS_H

#include "core/atomic.h"
#include "core/object.h"
#include "core/thread.h"

#ifndef GC_PLAIN_DROP_LAST
#    error "a protocol's header defines what this template asks for: see above"
#endif
#ifndef GC_PLAIN_LEFT
#    define GC_PLAIN_LEFT(m, object) true
#endif

/* What it costs to take or drop a reference (counted_ops.h). */
#define GC_PROTOCOL_LOCAL_COST(m, object)        GC_COST_plain
#define GC_PROTOCOL_SLOT_COST(m, holder, object) GC_COST_plain

#define GC_EAGER_RACES 0

/* The holder of the last reference gives it up: finalizer, death, cascade. May be a
 * safepoint, through a finalizer or callback.
 * Returns true, so that a fast path can end in it. */
GC_EXPORT GC_NOINLINE bool GC_PLAIN_DROP_LAST(
        struct gc_mutator *m, struct gc_object *object);

GC_INLINE void gc_eager_born(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    gc_atomic_store_relaxed(&object->count, 1);
}

GC_INLINE void gc_eager_take(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (object == NULL) return;
    gc_assert(!gc_object_is_dead(object), "a dead object is referenced");
    gc_locked(&object->count)++;
}

GC_INLINE bool gc_eager_drop(struct gc_mutator *m, struct gc_object *object)
{
    if (object == NULL) return true;
    gc_assert(gc_locked(&object->count) != 0 && !gc_object_is_dead(object),
            "a dead object is dropped");
    /* Subtracted before it is tested: the subtraction sets the flag. */
    if (gc_unlikely(--gc_locked(&object->count) == 0))
        return gc_slow_path(m, drops, GC_PLAIN_DROP_LAST(m, object));
    return GC_PLAIN_LEFT(m, object);
}

#include "core/protocol/eager.h"

#endif
