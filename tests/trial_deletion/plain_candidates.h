/* SPDX-License-Identifier: MIT */
/* plain_candidates.h - `plain`, and a list of candidates: a drop that leaves an object alive
 * may have left a cycle of garbage behind. The private protocol of trial_deletion.c.
 *
 * One mutator runs at a time (core/serial.h): the atoms are relaxed, and the list is one for
 * the heap. The links of the list lie right before the header of what can be in a cycle.
 */
#ifndef PLAIN_CANDIDATES_H
#define PLAIN_CANDIDATES_H

#include "core/atomic.h"
#include "core/object.h"
#include "core/thread.h"

#define GC_PROTOCOL_NAME                         plain_candidates
#define GC_PROTOCOL_LOCAL_COST(m, object)        GC_COST_plain
#define GC_PROTOCOL_SLOT_COST(m, holder, object) GC_COST_plain
#define GC_EAGER_RACES                           0

/* What an object says whose drop is of interest: it can be in a cycle, and its `noted`, the
 * protocol's own, is 0: it is not in the list. */
#define GC_CANDIDATES_NEW  ((uint64_t)GC_STATE_CYCLIC << GC_STATE_SHIFT)
#define GC_CANDIDATES_MASK (GC_CANDIDATES_NEW | UINT64_C(0xffff0000))

/* The last reference is dropped; the object becomes a candidate. Both return true. */
GC_EXPORT GC_NOINLINE bool gc_candidates_drop_last(
        struct gc_mutator *m, struct gc_object *object);
GC_EXPORT GC_NOINLINE bool gc_candidates_add(
        struct gc_mutator *m, struct gc_object *object);

GC_INLINE void gc_eager_born(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    gc_atomic_store_relaxed(&object->count, 1);
}

/* DEVIATION from [BaconRajan01]: a candidate that is referred to again stays one. That would
 * be a store more for each copy of a reference. */
GC_INLINE void gc_eager_take(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (object == NULL) return;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_assert((count & GC_COUNT_DEAD) == 0, "a dead object is referenced");
    gc_atomic_store_relaxed(&object->count, count + 1);
}

/* [BaconRajan01] Decrement */
GC_INLINE bool gc_eager_drop(struct gc_mutator *m, struct gc_object *object)
{
    if (object == NULL) return true;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_assert(count != 0 && (count & GC_COUNT_DEAD) == 0, "a dead object is dropped");
    if (gc_unlikely(--count == 0))
        return gc_slow_path(m, drops, gc_candidates_drop_last(m, object));
    gc_atomic_store_relaxed(&object->count, count);
    uint64_t words = gc_atomic_load_relaxed(&object->words);
    if (gc_unlikely((words & GC_CANDIDATES_MASK) == GC_CANDIDATES_NEW))
        return gc_slow_path(m, drops, gc_candidates_add(m, object));
    return true;
}

#include "core/protocol/eager.h"

#endif
