/* SPDX-License-Identifier: MIT */
/* biased.h - eager counting that is plain for an object's owner and atomic for others.
 * [BRC18], with the rules that racing loads ask for.
 *
 * The count word has two halves. The lower is written by the owner alone, plainly; the
 * higher, the shared half, is an atom, and written by compare-and-exchange. Of the lower
 * others look at the owner's id, an atom; what he counts is none, and is read and written by
 * who may act for him alone: so one instruction adds to it.
 *
 *   low    owner's id (16 bits; 0: nobody)     references that the owner counts (16)
 *   high   n + ZERO (29 bits)   QUEUED   MERGED   DEAD
 *
 *   U(n, q)  unmerged: there is an owner, and his half counts too. n may be negative, if it
 *            is queued: what the owner counted was dropped by others.
 *   M(n, q)  merged: n is all; the owner's id is 0
 *   DEAD     likewise of nobody
 *
 * The total is n, and the owner's half while unmerged. An object that is queued is named in
 * its owner's queue, and that entry holds one reference. The owner drains his queue at
 * safepoints; if he is BLOCKED or EXITED, who has pushed does, under a claim (home.h).
 *
 * Invariants: (BI1) who finds his own id in an object is its owner; while he runs nobody else
 *                   merges or kills it.
 *             (BI2) total >= slots + roots + locals + queue entries, until it dies.
 *             (BI3) only who exchanges U(0) while the owner's half is given up, or M(1), for
 *                   DEAD kills, or the owner who finds U(0) beside his last reference; nobody
 *                   kills what is queued.
 *             (BI4) n of what is neither merged nor queued is never below 0.
 * An n past a quarter of its range belongs to an immortal object, and changes no more.
 * Sync edges: [sync BI1] what was done with an object comes before its death
 *             [sync EA2] a racing load, against who has removed the object (eager.h)
 */
#ifndef CORE_PROTOCOL_BIASED_H
#define CORE_PROTOCOL_BIASED_H

#include "core/atomic.h"
#include "core/mutant.h"
#include "core/object.h"
#include "core/schedule.h"
#include "core/thread.h"

#define GC_PROTOCOL_NAME biased

/* What it costs to take or drop a reference (counted_ops.h). */
#define GC_PROTOCOL_LOCAL_COST(m, object)                                                \
    (gc_biased_is_mine((m), (object)) ? GC_COST_plain : GC_COST_atomic)
#define GC_PROTOCOL_SLOT_COST(m, holder, object) GC_PROTOCOL_LOCAL_COST((m), (object))

#define GC_EAGER_RACES 1

#define GC_BIASED_ONE    (UINT32_C(1) << 16) /* a reference in the lower half */
#define GC_BIASED_ZERO   (UINT32_C(1) << 28) /* n = 0 */
#define GC_BIASED_N      ((UINT32_C(1) << 29) - 1)
#define GC_BIASED_QUEUED (UINT32_C(1) << 29)
#define GC_BIASED_MERGED (UINT32_C(1) << 30)
#define GC_BIASED_DEAD   (UINT32_C(1) << 31)

/* From here on an object is immortal: a quarter of the range. */
#define GC_BIASED_STUCK (GC_BIASED_ZERO + (UINT32_C(1) << 27))

/* What the fast paths read of a mutator, in its protocol_area. */
struct __attribute__((may_alias)) gc_biased {
    uint16_t id; /* from 1; const */
};

GC_INLINE bool gc_biased_is_mine(
        const struct gc_mutator *m, const struct gc_object *object)
{
    const struct gc_biased *own =
            (const struct gc_biased *)(const void *)m->protocol_area;
    return gc_atomic_load_relaxed(&object->count_owner) == own->id;
}

GC_INLINE bool gc_biased_is_stuck(uint32_t high)
{
    return (high & GC_BIASED_N) >= GC_BIASED_STUCK;
}

/* gc_eager_drop() of the owner's last reference, or by others. May be a safepoint, through
 * a finalizer or callback. */
GC_EXPORT GC_NOINLINE bool gc_biased_drop_slow(
        struct gc_mutator *m, struct gc_object *object);
GC_EXPORT GC_COLD struct gc_object *gc_biased_load_again(
        struct gc_mutator *m, gc_slot *slot, struct gc_object *taken);
GC_EXPORT GC_COLD void gc_biased_load_into(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot, struct gc_object *taken);
#define gc_eager_load_again gc_biased_load_again
#define gc_eager_load_into  gc_biased_load_into

GC_INLINE void gc_eager_born(struct gc_mutator *m, struct gc_object *object)
{
    gc_assert(gc_atomic_load_relaxed(&object->count_low) == (uint32_t)m->birth_count,
            "a free cell has not the count of a birth");
    (void)m, (void)object;
}

/* The owner counts one more. False: he is not `m`, or his half is full. */
GC_INLINE bool gc_biased_take_own(struct gc_mutator *m, struct gc_object *object)
{
    if (gc_unlikely(!gc_biased_is_mine(m, object))) return false;
    /* Added before it is tested: the addition sets the flag. */
    if (gc_likely(++object->count_own != 0)) return true;
    object->count_own--;
    return false;
}

/* One more reference in the shared half. False: the object is DEAD. */
GC_INLINE bool gc_biased_take_other(struct gc_object *object)
{
    uint32_t high = gc_atomic_load_relaxed(&object->count_high);
    do {
        if (gc_unlikely((high & GC_BIASED_DEAD) != 0) && !gc_broken(TAKE_ALIVE))
            return false;
        if (gc_unlikely(gc_biased_is_stuck(high))) return true;
        /* [sync EA2] seq_cst: before the slot is read again; pairs with the look at the
         * count in eager_release(). [sync EA3] as acquire: what the cell's last object was
         * named by is cleared; pairs with gc_cell_reset(). */
    } while (!gc_atomic_compare_exchange_seq_cst(&object->count_high, &high, high + 1));
    return true;
}

GC_INLINE void gc_eager_take(struct gc_mutator *m, struct gc_object *object)
{
    if (object == NULL || gc_biased_take_own(m, object)) return;
    bool taken = gc_biased_take_other(object);
    gc_assert(taken, "a dead object is referenced");
    (void)taken;
}

GC_INLINE enum gc_taken gc_eager_take_racing(
        struct gc_mutator *m, struct gc_object *object)
{
    if (gc_biased_take_own(m, object)) return GC_TAKEN_SURE;
    return gc_biased_take_other(object) ? GC_TAKEN_MAYBE : GC_TAKEN_NOT;
}

GC_INLINE bool gc_eager_drop(struct gc_mutator *m, struct gc_object *object)
{
    if (object == NULL) return true;
    /* The state of what was taken without right to it is known to its owner alone. */
    gc_assert(!(gc_biased_is_mine(m, object) ? gc_object_is_dead(object)
                                             : gc_object_says_dead(object)),
            "a dead object is dropped");
    if (gc_unlikely(!gc_biased_is_mine(m, object) || --object->count_own == 0))
        return gc_slow_path(m, drops, gc_biased_drop_slow(m, object));
    return true;
}

#include "core/protocol/eager.h"

#endif
