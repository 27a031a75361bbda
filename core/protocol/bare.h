/* SPDX-License-Identifier: MIT */
/* bare.h - no counts: for no collection at all, and for tracers that stop the world.
 *
 * A reference is just a pointer. Frames are linked, so that locals are roots. Stores
 * release, so that who loads a reference with acquire sees the object behind it.
 *
 * Sync edges: [sync BA1] an object's contents are complete before a slot names it
 */
#ifndef CORE_PROTOCOL_BARE_H
#define CORE_PROTOCOL_BARE_H

#include "core/atomic.h"
#include "core/object.h"
#include "core/thread.h"

#define GC_PROTOCOL_NAME bare

/* What it costs to take or drop a reference (counted_ops.h). */
#define GC_PROTOCOL_LOCAL_COST(m, object)        GC_COST_uncounted
#define GC_PROTOCOL_SLOT_COST(m, holder, object) GC_COST_uncounted

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
    /* [sync BA1] acquire: pairs with the releases below. Test: graph under TSan. */
    *local = gc_atomic_slot_load_acquire(slot);
}

GC_INLINE void gc_protocol_store(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)m, (void)holder;
    /* [sync BA1] release: pairs with the acquire in gc_protocol_load_shared(). */
    gc_atomic_slot_store_release(slot, value);
}

GC_INLINE void gc_protocol_store_shared(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    gc_protocol_store(m, holder, slot, value);
}

GC_INLINE void gc_protocol_store_new(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)m, (void)holder;
    gc_atomic_slot_store_relaxed(slot, value);
}

GC_INLINE void gc_protocol_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    gc_protocol_store(m, holder, slot, *local);
    *local = NULL;
}

GC_INLINE void gc_protocol_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)m, (void)holder;
    /* [sync BA1] acquire and release: both sides of the pair. */
    *local = gc_atomic_slot_exchange_acq_rel(slot, *local);
}

GC_INLINE bool gc_protocol_compare_exchange(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *expected,
        struct gc_object *value)
{
    (void)m, (void)holder;
    /* [sync BA1] acquire and release: both sides of the pair. */
    return gc_atomic_slot_compare_exchange_acq_rel(slot, &expected, value);
}

GC_INLINE void gc_protocol_copy_slots(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *to, gc_slot *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gc_protocol_store(m, holder, &to[i], gc_atomic_slot_load_relaxed(&from[i]));
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
