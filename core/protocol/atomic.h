/* SPDX-License-Identifier: MIT */
/* atomic.h - eager counting with atomic read-modify-writes: mutators run in parallel.
 *
 * The count word is the number of references, those of locals included. DEAD is a value of
 * its own and not 0: a count of 0 is a moment between a decrement and the kill that follows
 * it, and whoever takes a reference in that moment has the object back.
 *
 * Invariants: (A1) count >= slots + roots + locals that hold the object, until it dies; the
 *                  rest is undone before its mutator is quiet.
 *             (A2) only who exchanges 1 (his own reference is the last one) or 0 (he has
 *                  just reached it) for DEAD kills, or who finds 1 at the object's home.
 *             (A3) a free cell's count is 1, as that of a birth, and what racing loads have
 *                  added to it.
 * Sync edges: [sync AT1] what was done with an object comes before its death
 *             [sync EA2] a racing load, against who has removed the object (eager.h)
 */
#ifndef CORE_PROTOCOL_ATOMIC_H
#define CORE_PROTOCOL_ATOMIC_H

#include "core/atomic.h"
#include "core/mutant.h"
#include "core/object.h"
#include "core/schedule.h"
#include "core/thread.h"

#define GC_PROTOCOL_NAME atomic

/* What it costs to take or drop a reference (counted_ops.h). */
#define GC_PROTOCOL_LOCAL_COST(m, object)        GC_COST_atomic
#define GC_PROTOCOL_SLOT_COST(m, holder, object) GC_COST_atomic

#define GC_EAGER_RACES 1

/* The holder of what seems to be the last reference gives it up; the same for who has
 * subtracted his and reached 0. Finalizer, death, cascade; may be a safepoint, through a
 * finalizer or callback. Both return true, so that a fast path can end in them. */
GC_EXPORT GC_NOINLINE bool gc_counts_drop_last(
        struct gc_mutator *m, struct gc_object *object);
GC_EXPORT GC_NOINLINE bool gc_counts_drop_zero(
        struct gc_mutator *m, struct gc_object *object);

GC_EXPORT GC_COLD struct gc_object *gc_counts_load_again(
        struct gc_mutator *m, gc_slot *slot, struct gc_object *taken);
GC_EXPORT GC_COLD void gc_counts_load_into(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot, struct gc_object *taken);
#define gc_eager_load_again gc_counts_load_again
#define gc_eager_load_into  gc_counts_load_into

GC_INLINE void gc_eager_born(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    gc_assert(!gc_object_is_dead(object) && gc_atomic_load_relaxed(&object->count) > 0,
            "a free cell has not the count of a birth");
    (void)object;
}

GC_INLINE void gc_eager_take(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (object == NULL) return;
    gc_assert(!gc_object_is_dead(object), "a dead object is referenced");
    gc_atomic_fetch_add_relaxed(&object->count, 1);
}

/* The same for an object that may be dead; false: it is. */
GC_INLINE bool gc_counts_try_take(struct gc_object *object)
{
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    do {
        if (gc_unlikely((count & GC_COUNT_DEAD) != 0) && !gc_broken(TAKE_ALIVE))
            return false;
        if (gc_broken(DEAD_APART) && count == 0) return false;
        /* [sync EA2] seq_cst: before the slot is read again; pairs with the look at the
         * count in eager_release(). [sync EA3] as acquire: what the cell's last object was
         * named by is cleared; pairs with gc_cell_reset(). */
    } while (!gc_atomic_compare_exchange_seq_cst(&object->count, &count, count + 1));
    return true;
}

GC_INLINE enum gc_taken gc_eager_take_racing(
        struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    return gc_counts_try_take(object) ? GC_TAKEN_MAYBE : GC_TAKEN_NOT;
}

GC_INLINE bool gc_eager_drop(struct gc_mutator *m, struct gc_object *object)
{
    if (object == NULL) return true;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_assert(count != 0 && (count & GC_COUNT_DEAD) == 0, "a dead object is dropped");
    if (gc_unlikely(count == 1))
        return gc_slow_path(m, drops, gc_counts_drop_last(m, object));
    gc_schedule_yield(); /* between look and decrement */
    /* [sync AT1] release: pairs with the killing exchange (atomic.c). */
    if (gc_unlikely(gc_atomic_fetch_sub_release(&object->count, 1) == 1))
        return gc_slow_path(m, drops, gc_counts_drop_zero(m, object));
    return true;
}

#include "core/protocol/eager.h"

#endif
