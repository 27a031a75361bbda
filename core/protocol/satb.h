/* SPDX-License-Identifier: MIT */
/* satb.h - no counts; a deletion barrier for collectors that trace beside the mutators.
 *
 * References are pointers, and frames are linked, as under `bare`. While a phase flag of the
 * mutator is up, what a store replaces goes to the mutator's log (core/log.h) if it is
 * *white*: not marked yet, and so perhaps garbage, or perhaps part of the snapshot that is
 * being traced [Yuasa90]. Until its frames were scanned a mutator logs what it stores as
 * well [DLG93], and each store is an exchange. Mutators never mark anything but what they
 * make.
 *
 * A collector drives this through handshakes: gc_satb_set(), gc_satb_flush(), and, for weak
 * references, the heap's state (gc_satb_weak_set()). Which sequence of them is sound is
 * written in collectors/on_the_fly.
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

/* --- the protocol ----------------------------------------------------------------------- */

GC_INLINE bool gc_barrier_is_due(struct gc_mutator *m, struct gc_object *holder)
{
    (void)holder;
    return gc_satb_of(m)->up;
}

/* Into an object that this mutator has made and nobody else knows yet: before its frames
 * were scanned it is white, and traced if it is reached; after that it may hold what a
 * scanned frame holds. */
GC_INLINE bool gc_barrier_new_is_due(struct gc_mutator *m, struct gc_object *holder)
{
    (void)m, (void)holder;
    return false;
}

#define gc_barrier_store            gc_satb_store
#define gc_barrier_give             gc_satb_give
#define gc_barrier_exchange         gc_satb_exchange
#define gc_barrier_compare_exchange gc_satb_compare_exchange
#define gc_barrier_copy_slots       gc_satb_copy_slots

GC_EXPORT GC_COLD void gc_satb_store(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value);
GC_EXPORT GC_COLD void gc_satb_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local);
GC_EXPORT GC_COLD void gc_satb_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local);
GC_EXPORT GC_COLD bool gc_satb_compare_exchange(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *expected,
        struct gc_object *value);
GC_EXPORT GC_COLD void gc_satb_copy_slots(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *to, gc_slot *from, size_t count);

#include "core/protocol/uncounted.h"

#endif
