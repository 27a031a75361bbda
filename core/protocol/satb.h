/* SPDX-License-Identifier: MIT */
/* satb.h - no counts; a deletion barrier for collectors that trace beside the mutators.
 *
 * References are pointers, and frames are linked, as under `bare`. While a phase flag of the
 * mutator is up, a store is an exchange, and what it replaced goes to the mutator's log
 * (core/log.h) if it is *white*: not marked yet, and so perhaps garbage, or perhaps part of
 * the snapshot that is being traced [Yuasa90]. Until its frames were scanned a mutator logs
 * what it stores as well [DLG93]. Mutators never mark anything but what they make.
 *
 * A collector drives this through handshakes: gc_satb_set(), gc_satb_flush(), and, for weak
 * references, the heap's state (gc_satb_weak_set()). Which sequence of them is sound is
 * written in collectors/on_the_fly.
 *
 * Sync edges: [sync SA1] an object's contents are complete before a slot names it
 */
#ifndef CORE_PROTOCOL_SATB_H
#define CORE_PROTOCOL_SATB_H

#include "core/atomic.h"
#include "core/heap.h"
#include "core/log.h"
#include "core/object.h"
#include "core/thread.h"

#define GC_PROTOCOL_NAME satb

/* What it costs to take or drop a reference (counted_ops.h): what is logged is in slow_stores. */
#define GC_PROTOCOL_LOCAL_COST(m, object)        GC_COST_uncounted
#define GC_PROTOCOL_SLOT_COST(m, holder, object) GC_COST_uncounted

/* In the protocol's area of a mutator; by who may act for it. */
struct __attribute__((may_alias)) gc_satb {
    struct gc_log_buffer log;
    uint32_t up;      /* stores log what they replace */
    uint32_t inserts; /* and what they store: its frames have not been scanned */
    uint16_t white;   /* mark of what has not been reached */
};

_Static_assert(sizeof(struct gc_satb) <= GC_PROTOCOL_AREA, "the protocol's area");

static inline struct gc_satb *gc_satb_of(struct gc_mutator *m)
{
    return (struct gc_satb *)(void *)m->protocol_area;
}

/* --- for collectors --------------------------------------------------------------------- */

/* What weak references to white objects yield to a mutator whose frames were scanned:
 *   MARK      their target, which it logs
 *   CLOSING   the same, but first the state goes back to MARK: marking has not ended then
 *   CLEARING  NULL */
enum gc_satb_weak { GC_SATB_CLEARING, GC_SATB_MARK, GC_SATB_CLOSING };
GC_EXPORT void gc_satb_weak_set(struct gc_heap *heap, enum gc_satb_weak state);

/* CLOSING becomes CLEARING; false: somebody has taken it back to MARK. */
GC_EXPORT bool gc_satb_weak_close(struct gc_heap *heap) GC_NODISCARD;

/* By who may act for the mutator. */
static inline void gc_satb_set(
        struct gc_mutator *m, bool up, bool inserts, uint16_t white)
{
    struct gc_satb *satb = gc_satb_of(m);
    satb->up = up;
    satb->inserts = inserts;
    satb->white = white;
}

/* --- slow paths ------------------------------------------------------------------------- */

GC_EXPORT GC_COLD void gc_satb_store_slow(
        struct gc_mutator *m, gc_slot *slot, struct gc_object *value);
GC_EXPORT GC_COLD void gc_satb_give_slow(
        struct gc_mutator *m, gc_slot *slot, gc_slot *local);
GC_EXPORT GC_COLD void gc_satb_exchange_slow(
        struct gc_mutator *m, gc_slot *slot, gc_slot *local);
GC_EXPORT GC_COLD bool gc_satb_compare_exchange_slow(struct gc_mutator *m, gc_slot *slot,
        struct gc_object *expected, struct gc_object *value);

/* --- the protocol ----------------------------------------------------------------------- */

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
    /* [sync SA1] acquire: pairs with the stores below. Test: graph under TSan. */
    *local = gc_atomic_slot_load_acquire(slot);
}

GC_INLINE void gc_protocol_store(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)holder;
    if (gc_unlikely(gc_satb_of(m)->up)) {
        gc_slow_path(m, stores, gc_satb_store_slow(m, slot, value));
    } else {
        /* [sync SA1] release: pairs with the acquire in gc_protocol_load_shared(), and with
         * that of who traces. */
        gc_atomic_slot_store_release(slot, value);
    }
}

GC_INLINE void gc_protocol_store_shared(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    gc_protocol_store(m, holder, slot, value);
}

/* Into an object that this mutator has made and nobody else knows yet: before the frames
 * were scanned it is white, and traced if it is reached; after that it may hold what a
 * scanned frame holds. No barrier. */
GC_INLINE void gc_protocol_store_new(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)m, (void)holder;
    /* [sync SA1] release: a collector may be tracing the holder. */
    gc_atomic_slot_store_release(slot, value);
}

GC_INLINE void gc_protocol_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)holder;
    if (gc_unlikely(gc_satb_of(m)->up)) {
        gc_slow_path(m, stores, gc_satb_give_slow(m, slot, local));
    } else {
        /* [sync SA1] release: as in gc_protocol_store(). */
        gc_atomic_slot_store_release(slot, *local);
        *local = NULL;
    }
}

GC_INLINE void gc_protocol_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)holder;
    if (gc_unlikely(gc_satb_of(m)->up)) {
        gc_slow_path(m, stores, gc_satb_exchange_slow(m, slot, local));
    } else {
        /* [sync SA1] acquire and release: both sides of the pair. */
        *local = gc_atomic_slot_exchange_acq_rel(slot, *local);
    }
}

GC_INLINE bool gc_protocol_compare_exchange(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *expected,
        struct gc_object *value)
{
    (void)holder;
    if (gc_unlikely(gc_satb_of(m)->up))
        return gc_slow_path(
                m, stores, gc_satb_compare_exchange_slow(m, slot, expected, value));
    /* [sync SA1] acquire and release: both sides of the pair. */
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
