/* SPDX-License-Identifier: MIT */
/* example.h - eager counting with example increments: one mutator runs at a time.
 *
 * The count word is the number of references, those of locals included. A mutator
 * holds the global lock whenever it is RUNNING, and gives it up in every wait and, when
 * another one asks, at a safepoint; so no count is ever touched by two threads at once,
 * and the atoms below are relaxed: the lock orders them.
 *
 * Invariants: (P1) count == slots + roots + locals that hold the object, until it dies.
 *             (P2) who finds count 1 holds the last reference; it never passes 0.
 * A count past a quarter of its range belongs to an immortal object: it moves like any
 * other, but never gets down to 1.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include "core/atomic.h"
#include "core/object.h"
#include "core/thread.h"

#define GC_PROTOCOL_NAME example

/* What it costs to take or drop a reference (counted_ops.h). */
#define GC_PROTOCOL_LOCAL_COST(m, object)        GC_COST_plain
#define GC_PROTOCOL_SLOT_COST(m, holder, object) GC_COST_plain

/* Checked builds link the frames, so that the verifier knows the locals. */
#define EXAMPLE_LINKS_FRAMES (GC_CHECK >= 1)

/* The holder of the last reference gives it up: finalizer, death, cascade. May be a
 * safepoint, through a finalizer or callback.
 * Returns true, so that a fast path can end in it. */
GC_NOINLINE bool example_drop_last(
        struct gc_mutator *m, struct gc_object *object);

GC_INLINE void example_take(struct gc_object *object)
{
    if (object == NULL) return;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_assert((count & GC_COUNT_DEAD) == 0, "a dead object is referenced");
    gc_atomic_store_relaxed(&object->count, count + 1);
}

GC_INLINE bool example_drop(struct gc_mutator *m, struct gc_object *object)
{
    if (object == NULL) return true;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_assert(count != 0 && (count & GC_COUNT_DEAD) == 0, "a dead object is dropped");
    /* Subtracted before it is tested: the subtraction sets the flag. The last one leaves
     * the word as it is. */
    if (gc_unlikely(--count == 0))
        return gc_slow_path(m, drops, example_drop_last(m, object));
    gc_atomic_store_relaxed(&object->count, count);
    return true;
}

GC_INLINE void gc_protocol_enter_frame(struct gc_mutator *m, void *at, size_t locals)
{
    struct gc_frame *frame = at;
    for (size_t i = 0; i < locals; i++)
        gc_frame_locals(frame)[i] = NULL;
    if (EXAMPLE_LINKS_FRAMES) {
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
        example_drop(m, object);
    }
    if (EXAMPLE_LINKS_FRAMES) {
        gc_assert(m->frames == frame, "frames are left in another order than entered");
        m->frames = frame->caller;
    }
}

/* Makes *local the first reference to a new object; returns true. */
GC_INLINE bool gc_protocol_put_new(
        struct gc_mutator *m, gc_slot *local, struct gc_object *object)
{
    gc_atomic_store_relaxed(&object->count, 1);
    struct gc_object *old = *local;
    *local = object;
    return example_drop(m, old);
}

GC_INLINE void gc_protocol_load(struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
    struct gc_object *old = *local;
    struct gc_object *value = gc_atomic_slot_load_relaxed(slot);
    example_take(value);
    *local = value;
    example_drop(m, old);
}

GC_INLINE void gc_protocol_load_shared(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
    gc_protocol_load(m, local, slot);
}

GC_INLINE void gc_protocol_store(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)holder;
    example_take(value);
    struct gc_object *old = gc_atomic_slot_load_relaxed(slot);
    gc_atomic_slot_store_relaxed(slot, value);
    example_drop(m, old);
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
    gc_assert(gc_atomic_slot_load_relaxed(slot) == NULL, "the slot is not new");
    example_take(value);
    gc_atomic_slot_store_relaxed(slot, value);
}

GC_INLINE void gc_protocol_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)holder;
    struct gc_object *old = gc_atomic_slot_load_relaxed(slot);
    gc_atomic_slot_store_relaxed(slot, *local);
    *local = NULL;
    example_drop(m, old);
}

GC_INLINE void gc_protocol_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)m, (void)holder;
    struct gc_object *old = gc_atomic_slot_load_relaxed(slot);
    gc_atomic_slot_store_relaxed(slot, *local);
    *local = old;
}

GC_INLINE bool gc_protocol_compare_exchange(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *expected,
        struct gc_object *value)
{
    if (gc_atomic_slot_load_relaxed(slot) != expected) return false;
    gc_protocol_store(m, holder, slot, value);
    return true;
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
    example_take(value);
    struct gc_object *old = *local;
    *local = value;
    example_drop(m, old);
}

GC_INLINE void gc_protocol_move(struct gc_mutator *m, gc_slot *to, gc_slot *from)
{
    struct gc_object *value = *from;
    *from = NULL;
    struct gc_object *old = *to;
    *to = value;
    example_drop(m, old);
}

GC_INLINE void gc_protocol_clear(struct gc_mutator *m, gc_slot *local)
{
    struct gc_object *old = *local;
    *local = NULL;
    example_drop(m, old);
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
