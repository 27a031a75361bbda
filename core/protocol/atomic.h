/* SPDX-License-Identifier: MIT */
/* atomic.h - eager counting with atomic read-modify-writes: mutators run in parallel.
 *
 * The count word is the number of references, those of locals included. DEAD is a value of
 * its own and not 0: a count of 0 is a moment between a decrement and the kill that follows
 * it, and whoever takes a reference in that moment has the object back.
 *
 * A racing load has a reference that may be stale when it counts: it takes only what is not
 * DEAD, then reads the slot again. The slot still names the object: then the slot's own
 * reference was there when ours was added. If not, what was taken is dropped again, later,
 * for a load frees nothing. Memory is type-stable (block.h), so that the count of something
 * dead is always a count.
 *
 * Invariants: (A1) count >= slots + roots + locals that hold the object, until it dies; the
 *                  rest is undone before its mutator is quiet.
 *             (A2) only who exchanges 1 (his own reference is the last one) or 0 (he has
 *                  just reached it) for DEAD kills.
 *             (A3) an object becomes visible by its count (birth) or by the slot.
 * Sync edges: [sync AT1] what was done with an object comes before its death
 *             [sync AT2] what is reached through a slot was complete when it was stored
 *             [sync AT3] an object's fields are written before its count
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

/* Checked builds link the frames, so that the verifier knows the locals. */
#define GC_ATOMIC_LINKS_FRAMES (GC_CHECK >= 1)

/* The holder of what seems to be the last reference gives it up; the same for who has
 * subtracted his and reached 0. Finalizer, death, cascade; may be a safepoint, through a
 * finalizer or callback. Both return true, so that a fast path can end in them. */
GC_EXPORT GC_NOINLINE bool gc_counts_drop_last(
        struct gc_mutator *m, struct gc_object *object);
GC_EXPORT GC_NOINLINE bool gc_counts_drop_zero(
        struct gc_mutator *m, struct gc_object *object);

/* A racing load that met something DEAD (`taken` is NULL), or that has taken what is not in
 * the slot any more: undoes that, and loads again. */
GC_EXPORT GC_COLD void gc_counts_load_again(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot, struct gc_object *taken);

/* One more reference to an object that the caller holds, by whatever. */
GC_INLINE void gc_counts_take(struct gc_object *object)
{
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
        /* [sync AT3] acquire: the fields of what was born in a cell that the caller knew
         * as another; pairs with the release in gc_protocol_put_new() and gc_new_slow(). */
    } while (!gc_atomic_compare_exchange_acquire(&object->count, &count, count + 1));
    return true;
}

GC_INLINE bool gc_counts_drop(struct gc_mutator *m, struct gc_object *object)
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

GC_INLINE void gc_protocol_enter_frame(struct gc_mutator *m, void *at, size_t locals)
{
    struct gc_frame *frame = at;
    for (size_t i = 0; i < locals; i++)
        gc_frame_locals(frame)[i] = NULL;
    if (GC_ATOMIC_LINKS_FRAMES) {
        frame->locals = locals;
        frame->caller = m->frames;
        m->frames = frame;
    }
}

GC_INLINE void gc_protocol_leave_frame(struct gc_mutator *m, void *at, size_t locals)
{
    struct gc_frame *frame = at;
    gc_slot *local = gc_frame_locals(frame);
    GC_UNROLL
    for (size_t i = 0; i < locals; i++) {
        struct gc_object *object = local[i];
        if (object == NULL) continue;
        local[i] = NULL; /* before the drop: a death may run code that walks frames */
        gc_counts_drop(m, object);
    }
    if (GC_ATOMIC_LINKS_FRAMES) {
        gc_assert(m->frames == frame, "frames are left in another order than entered");
        m->frames = frame->caller;
    }
}

/* Makes *local the first reference to a new object; returns true. */
GC_INLINE bool gc_protocol_put_new(
        struct gc_mutator *m, gc_slot *local, struct gc_object *object)
{
    /* [sync AT3] release: pairs with the acquire in gc_counts_try_take(). */
    gc_atomic_store_release(&object->count, 1);
    struct gc_object *old = *local;
    *local = object;
    return gc_counts_drop(m, old);
}

GC_INLINE void gc_protocol_load(struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
    struct gc_object *old = *local;
    /* [sync AT2] acquire: pairs with the stores below. */
    struct gc_object *value = gc_atomic_slot_load_acquire(slot);
    gc_counts_take(value);
    *local = value;
    gc_counts_drop(m, old);
}

GC_INLINE void gc_protocol_load_shared(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
    /* [sync AT2] acquire, here and below: pairs with the stores, and keeps the second look
     * behind the count. */
    struct gc_object *value = gc_atomic_slot_load_acquire(slot);
    gc_schedule_yield(); /* between read and increment */
    if (value != NULL) {
        if (gc_unlikely(!gc_counts_try_take(value))) {
            gc_slow_path(m, loads, gc_counts_load_again(m, local, slot, NULL));
            return;
        }
        gc_schedule_yield(); /* between increment and second look */
        /* [sync AT2] acquire: see above. */
        if (gc_unlikely(gc_atomic_slot_load_acquire(slot) != value) &&
                !gc_broken(REREAD)) {
            gc_slow_path(m, loads, gc_counts_load_again(m, local, slot, value));
            return;
        }
    }
    struct gc_object *old = *local;
    *local = value;
    gc_counts_drop(m, old);
}

/* Makes `slot` name `value`, and returns what it named: for a slot that nobody else writes
 * now, which checked builds look into. */
GC_INLINE struct gc_object *gc_counts_replace(gc_slot *slot, struct gc_object *value)
{
    struct gc_object *old = gc_atomic_slot_load_relaxed(slot);
    if (GC_CHECK >= 1) {
        /* [sync AT2] acq_rel: a store, and more. */
        struct gc_object *found = gc_atomic_slot_exchange_acq_rel(slot, value);
        gc_assert(found == old, "two mutators store into one slot without saying so");
    } else {
        /* [sync AT2] release: pairs with the acquire of loads. */
        gc_atomic_slot_store_release(slot, value);
    }
    return old;
}

GC_INLINE void gc_protocol_store(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)holder;
    gc_counts_take(value);
    gc_counts_drop(m, gc_counts_replace(slot, value));
}

GC_INLINE void gc_protocol_store_shared(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)holder;
    gc_counts_take(value);
    /* [sync AT2] acq_rel: what is stored is complete, what is replaced is ours to drop. */
    gc_counts_drop(m, gc_atomic_slot_exchange_acq_rel(slot, value));
}

GC_INLINE void gc_protocol_store_new(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)m, (void)holder;
    gc_assert(gc_atomic_slot_load_relaxed(slot) == NULL, "the slot is not new");
    gc_counts_take(value);
    /* [sync AT2] release: pairs with the acquire of loads. */
    gc_atomic_slot_store_release(slot, value);
}

GC_INLINE void gc_protocol_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)holder;
    struct gc_object *value = *local;
    *local = NULL;
    gc_counts_drop(m, gc_counts_replace(slot, value));
}

GC_INLINE void gc_protocol_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)m, (void)holder;
    /* [sync AT2] acq_rel: both ways. */
    *local = gc_atomic_slot_exchange_acq_rel(slot, *local);
}

GC_INLINE bool gc_protocol_compare_exchange(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *expected,
        struct gc_object *value)
{
    (void)holder;
    gc_slot found = expected;
    gc_counts_take(value); /* for the slot; given back where the exchange fails */
    /* [sync AT2] acq_rel: both ways. */
    bool done = gc_atomic_slot_compare_exchange_acq_rel(slot, &found, value);
    gc_counts_drop(m, done ? expected : value);
    return done;
}

GC_INLINE void gc_protocol_copy_slots(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *to, gc_slot *from, size_t count)
{
    /* [sync AT2] acquire: pairs with the stores. */
    for (size_t i = 0; i < count; i++)
        gc_protocol_store(m, holder, &to[i], gc_atomic_slot_load_acquire(&from[i]));
}

GC_INLINE void gc_protocol_set(
        struct gc_mutator *m, gc_slot *local, struct gc_object *value)
{
    gc_counts_take(value);
    struct gc_object *old = *local;
    *local = value;
    gc_counts_drop(m, old);
}

GC_INLINE void gc_protocol_move(struct gc_mutator *m, gc_slot *to, gc_slot *from)
{
    struct gc_object *value = *from;
    *from = NULL;
    struct gc_object *old = *to;
    *to = value;
    gc_counts_drop(m, old);
}

GC_INLINE void gc_protocol_clear(struct gc_mutator *m, gc_slot *local)
{
    struct gc_object *old = *local;
    *local = NULL;
    gc_counts_drop(m, old);
}

GC_INLINE void gc_protocol_read_begin(struct gc_mutator *m)
{
    (void)m;
}

GC_INLINE void gc_protocol_read_end(struct gc_mutator *m)
{
    (void)m;
}

#endif
