/* SPDX-License-Identifier: MIT */
/* example.h - eager counting by plain additions: the inline half of the protocol.
 *
 * One mutator runs at a time (core/serial.h), so the atoms are relaxed. The count word is the
 * number of references, those of locals included; who finds 1 holds the last one.
 *
 * What is here runs on every load, store and local of a workload. core/protocol/eager.h makes
 * all operations of it, for any protocol that counts at once; one that does not writes
 * them itself (core/protocol/bare.h is the smallest).
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include "core/atomic.h"
#include "core/object.h"
#include "core/thread.h"

#define GC_PROTOCOL_NAME example

/* What it costs to take or drop a reference, for gclab run --count-ops: enum gc_cost. */
#define GC_PROTOCOL_LOCAL_COST(m, object)        GC_COST_plain
#define GC_PROTOCOL_SLOT_COST(m, holder, object) GC_COST_plain

#define GC_EAGER_RACES 0 /* loads don't race with stores and deaths */

/* The holder of the last reference gives it up. Returns true, so that a fast path can end
 * in it, and needs no stack frame. Other plugins may be compiled for the protocol, so it is
 * exported, by a name that nobody else has. */
GC_EXPORT GC_NOINLINE bool gc_example_drop_last(
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
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_assert((count & GC_COUNT_DEAD) == 0, "a dead object is referenced");
    gc_atomic_store_relaxed(&object->count, count + 1);
}

GC_INLINE bool gc_eager_drop(struct gc_mutator *m, struct gc_object *object)
{
    if (object == NULL) return true;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_assert(count != 0 && (count & GC_COUNT_DEAD) == 0, "a dead object is dropped");
    if (gc_unlikely(--count == 0))
        return gc_slow_path(m, drops, gc_example_drop_last(m, object));
    gc_atomic_store_relaxed(&object->count, count);
    return true;
}

#include "core/protocol/eager.h"

#endif
