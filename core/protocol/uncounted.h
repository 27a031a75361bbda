/* SPDX-License-Identifier: MIT */
/* uncounted.h - the operations of every protocol under which a reference is a pointer and
 * locals are found in linked frames: a template.
 *
 * What differs is what a store does beforehand. A protocol's header defines, and includes
 * this file behind that,
 *
 *   bool gc_barrier_is_due(m, holder)       whether a store into a slot of `holder`, or into
 *                                           a root (then it is NULL), takes the slow path
 *   bool gc_barrier_new_is_due(m, holder)   the same for the first store into a new object
 *   gc_barrier_store, _give, _exchange, _compare_exchange, _copy_slots
 *                                           the slow paths: the whole operation, from
 *                                           uncounted_slow.h. May be safepoints
 *
 * Stores release, so that who loads a reference with acquire sees the object behind it.
 *
 * Sync edges: [sync UN1] what is reached through a slot was complete when it was stored
 */
#ifndef CORE_PROTOCOL_UNCOUNTED_H
#define CORE_PROTOCOL_UNCOUNTED_H

#include "core/atomic.h"
#include "core/object.h"
#include "core/thread.h"

GC_INLINE void gc_protocol_enter_frame(struct gc_mutator *m, void *at, size_t locals)
{
    struct gc_frame *frame = at;
    for (size_t i = 0; i < locals; i++)
        gc_frame_locals(frame)[i] = NULL;
    frame->locals = locals;
    frame->caller = m->frames;
    m->frames = frame;
}

GC_INLINE void gc_protocol_leave_frame(struct gc_mutator *m, void *at, size_t locals)
{
    struct gc_frame *frame = at;
    gc_assert(m->frames == frame, "frames are left in another order than entered");
    (void)locals;
    m->frames = frame->caller;
}

/* Makes *local the first reference to a new object; returns true. */
GC_INLINE bool gc_protocol_put_new(
        struct gc_mutator *m, gc_slot *local, struct gc_object *object)
{
    (void)m;
    gc_atomic_store_relaxed(&object->count, 0);
    *local = object;
    return true;
}

GC_INLINE void gc_protocol_load(struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
    (void)m;
    *local = gc_atomic_slot_load_relaxed(slot);
}

GC_INLINE void gc_protocol_load_shared(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
    (void)m;
    /* [sync UN1] acquire: pairs with the releases below. Test: graph under TSan. */
    *local = gc_atomic_slot_load_acquire(slot);
}

/* What a store does once its barrier has been seen to. */
GC_INLINE void gc_uncounted_store(gc_slot *slot, struct gc_object *value)
{
    /* [sync UN1] release: pairs with the acquire in gc_protocol_load_shared(). */
    gc_atomic_slot_store_release(slot, value);
}

GC_INLINE void gc_uncounted_exchange(gc_slot *slot, gc_slot *local)
{
    /* [sync UN1] acquire and release: both sides of the pair. */
    *local = gc_atomic_slot_exchange_acq_rel(slot, *local);
}

GC_INLINE bool gc_uncounted_compare_exchange(
        gc_slot *slot, struct gc_object *expected, struct gc_object *value)
{
    /* [sync UN1] acquire and release: both sides of the pair. */
    return gc_atomic_slot_compare_exchange_acq_rel(slot, &expected, value);
}

GC_INLINE void gc_uncounted_copy_slots(gc_slot *to, gc_slot *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gc_uncounted_store(&to[i], gc_atomic_slot_load_relaxed(&from[i]));
}

/* The slot, for the call of a slow path: made there anew, or the compiler makes it before it
 * knows whether it is needed. */
GC_INLINE gc_slot *gc_uncounted_again(struct gc_object *holder, gc_slot *slot)
{
    const uintptr_t offset = (uintptr_t)slot - (uintptr_t)holder;
    __asm__("" : "+r"(holder));
    return (gc_slot *)((uintptr_t)holder + offset);
}

GC_INLINE void gc_protocol_store(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    if (gc_unlikely(gc_barrier_is_due(m, holder))) {
        gc_slow_path(m, stores,
                gc_barrier_store(m, holder, gc_uncounted_again(holder, slot), value));
        return;
    }
    gc_uncounted_store(slot, value);
}

GC_INLINE void gc_protocol_store_shared(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    gc_protocol_store(m, holder, slot, value);
}

/* The object may have been published since it was made: a release here, too. */
GC_INLINE void gc_protocol_store_new(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    if (gc_unlikely(gc_barrier_new_is_due(m, holder))) {
        gc_slow_path(m, stores, gc_barrier_store(m, holder, slot, value));
        return;
    }
    gc_uncounted_store(slot, value);
}

GC_INLINE void gc_protocol_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    struct gc_object *value = *local; /* now, while it is in a register */
    if (gc_unlikely(gc_barrier_is_due(m, holder))) {
        gc_slow_path(m, stores,
                gc_barrier_give(m, holder, gc_uncounted_again(holder, slot), local));
        return;
    }
    gc_uncounted_store(slot, value);
    *local = NULL;
}

GC_INLINE void gc_protocol_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    if (gc_unlikely(gc_barrier_is_due(m, holder))) {
        gc_slow_path(m, stores, gc_barrier_exchange(m, holder, slot, local));
        return;
    }
    gc_uncounted_exchange(slot, local);
}

GC_INLINE bool gc_protocol_compare_exchange(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *expected,
        struct gc_object *value)
{
    if (gc_unlikely(gc_barrier_is_due(m, holder)))
        return gc_slow_path(
                m, stores, gc_barrier_compare_exchange(m, holder, slot, expected, value));
    return gc_uncounted_compare_exchange(slot, expected, value);
}

GC_INLINE void gc_protocol_copy_slots(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *to, gc_slot *from, size_t count)
{
    if (gc_unlikely(gc_barrier_is_due(m, holder))) {
        gc_slow_path(m, stores, gc_barrier_copy_slots(m, holder, to, from, count));
        return;
    }
    gc_uncounted_copy_slots(to, from, count);
}

GC_INLINE void gc_protocol_set(
        struct gc_mutator *m, gc_slot *local, struct gc_object *value)
{
    (void)m;
    *local = value;
}

GC_INLINE void gc_protocol_move(struct gc_mutator *m, gc_slot *to, gc_slot *from)
{
    (void)m;
    struct gc_object *value = *from;
    *from = NULL;
    *to = value;
}

GC_INLINE void gc_protocol_clear(struct gc_mutator *m, gc_slot *local)
{
    (void)m;
    *local = NULL;
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
