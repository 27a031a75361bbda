/* SPDX-License-Identifier: MIT */
/* eager.h - the operations of every protocol that counts at once, locals too: a template.
 *
 * A protocol's header defines, and includes this file behind that,
 *
 *   #define GC_EAGER_RACES 0 or 1
 *       Whether loads race with stores and deaths. If not, mutators run one at a time, and
 *       no operation needs an order.
 *   void gc_eager_born(m, object)
 *       Writes the count of a new object, which a local holds; last of all its fields. If
 *       loads race the cell has that count already, and it is not written.
 *   void gc_eager_take(m, object)
 *       One more reference to an object that the caller holds, by whatever, or to NULL.
 *   bool gc_eager_drop(m, object)
 *       One reference less, the last one kills; or to NULL. Returns true, so that a fast path
 *       can end in its slow path.
 *
 * and if loads race
 *
 *   enum gc_taken gc_eager_take_racing(m, object)
 *       One more reference to something that was in a slot a moment ago, and may be DEAD.
 *   struct gc_object *gc_eager_load_again(m, slot, taken)
 *       A racing load that met something DEAD (`taken` is NULL), or has taken what is not in
 *       the slot any more: undoes that, and loads again. Returns what it has taken.
 *   void gc_eager_load_into(m, local, slot, taken)
 *       The same into a local, for who ends with it.
 *
 * A racing load has a reference that may be stale when it counts: it takes only what is not
 * DEAD, then reads the slot again. The slot still names the object: then the slot's own
 * reference was there when ours was added. If not, what was taken is dropped again, later,
 * for a load frees nothing. Memory is type-stable (block.h), so that the count of something
 * dead is always a count.
 *
 * So whose own reference is all that is counted may end an object without a
 * read-modify-write: whoever counts one more from then on does not find the object in a slot
 * again. He says GONE in the state, and the count stays; what such loads have added they take
 * off again, from a free cell or from the next object that is born there. For that nobody
 * ever writes a count over another, but that of something DEAD, which no load changes. And
 * what was removed from a slot must be seen to be so before the count is looked at: a plain
 * store is remembered (has_removed) and costs a fence when next something may die. Who sees
 * to a weak reference or a finalizer (GC_STATE_CARE) kills by exchange: those are found by
 * other ways than slots. Model: tests/models/deaths.pml.
 *
 * Sync edges: [sync EA1] what is reached through a slot was complete when it was stored
 *             [sync EA2] a load counts, then looks at the slot again; who kills has removed
 *                        the object from the slot, then looks at the count (Dekker)
 */
#ifndef CORE_PROTOCOL_EAGER_H
#define CORE_PROTOCOL_EAGER_H

#include "core/atomic.h"
#include "core/mutant.h"
#include "core/object.h"
#include "core/schedule.h"
#include "core/thread.h"

#ifndef GC_EAGER_RACES
#    error "a protocol's header defines what this template asks for: see above"
#endif

/* Checked builds link the frames, so that the verifier knows the locals. */
#define GC_EAGER_LINKS_FRAMES (GC_CHECK >= 1)

/* They store by exchange where nobody else may store, to see that nobody does. A test of the
 * memory's order wants the store that a release build has. */
#ifndef GC_EAGER_FINDS_WRITERS
#    define GC_EAGER_FINDS_WRITERS (GC_CHECK >= 1)
#endif

GC_INLINE void gc_protocol_enter_frame(struct gc_mutator *m, void *at, size_t locals)
{
    struct gc_frame *frame = at;
    for (size_t i = 0; i < locals; i++)
        gc_frame_locals(frame)[i] = NULL;
    if (GC_EAGER_LINKS_FRAMES) {
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
        gc_eager_drop(m, object);
    }
    if (GC_EAGER_LINKS_FRAMES) {
        gc_assert(m->frames == frame, "frames are left in another order than entered");
        m->frames = frame->caller;
    }
}

/* What a slot holds, with the object behind it. */
GC_INLINE struct gc_object *gc_eager_read(gc_slot *slot)
{
    if (!GC_EAGER_RACES) return gc_atomic_slot_load_relaxed(slot);
    /* [sync EA1] acquire: pairs with the stores below. */
    return gc_atomic_slot_load_acquire(slot);
}

/* The same after the object has been counted: whether the slot still holds it. */
GC_INLINE struct gc_object *gc_eager_read_again(gc_slot *slot)
{
    /* [sync EA1] as above. [sync EA2] seq_cst: after the increment; pairs with the exchanges
     * and the fence below, and with the look at the count in eager_release(). */
    return gc_atomic_slot_load_seq_cst(slot);
}

/* Makes `slot` name `value`, and returns what it named: for a slot that nobody else writes
 * now, which checked builds look into. */
GC_INLINE struct gc_object *gc_eager_replace(
        struct gc_mutator *m, gc_slot *slot, struct gc_object *value)
{
    struct gc_object *old = gc_atomic_slot_load_relaxed(slot);
    if (!GC_EAGER_RACES) {
        gc_atomic_slot_store_relaxed(slot, value);
        return old;
    }
    if (GC_EAGER_FINDS_WRITERS) {
        /* [sync EA1] acq_rel: a store, and more. */
        struct gc_object *found = gc_atomic_slot_exchange_acq_rel(slot, value);
        gc_assert(found == old, "two mutators store into one slot without saying so");
    } else {
        /* [sync EA1] release: pairs with the acquire of loads. */
        gc_atomic_slot_store_release(slot, value);
    }
    if (old != NULL) m->has_removed = true;
    return old;
}

/* Before a look at the count that may end an object. */
GC_INLINE void gc_eager_settle_removals(struct gc_mutator *m)
{
    if (!GC_EAGER_RACES || gc_likely(!m->has_removed)) return;
    /* Who is alone has nobody to tell (MU2).
     * [sync EA2] seq_cst: what we have removed from slots, by plain stores, before the look;
     * pairs with the increment and the second look of a racing load. */
    if (!m->alone) gc_atomic_fence_seq_cst();
    m->has_removed = false;
}

/* The state of an object of which nobody else has anything any more. `early`: what it was
 * before the look at the count, for mutants. */
GC_INLINE uint32_t gc_eager_state(const struct gc_object *object, uint32_t early)
{
    if (gc_broken(LOOK_FIRST)) return early;
    if (gc_broken(LOOK_CARES))
        return gc_object_state(object) & ~(uint32_t)GC_STATE_REFERENCED;
    return gc_object_state(object);
}

/* gc_eager_replace(), and drops what the slot named; returns true. */
GC_INLINE bool gc_eager_overwrite(
        struct gc_mutator *m, gc_slot *slot, struct gc_object *value)
{
    if (gc_broken(REMOVED_FIRST) || (gc_broken(ALONE_TOLD) && m->alone)) {
        /* as a processor would have it that lets the store wait until the drop is done */
        gc_eager_drop(m, gc_atomic_slot_load_relaxed(slot));
        gc_schedule_yield();
        (void)gc_eager_replace(m, slot, value);
        return true;
    }
    return gc_eager_drop(m, gc_eager_replace(m, slot, value));
}

/* gc_eager_replace() for a slot that others may write now. */
GC_INLINE struct gc_object *gc_eager_exchange(
        struct gc_mutator *m, gc_slot *slot, struct gc_object *value)
{
    if (!GC_EAGER_RACES) return gc_eager_replace(m, slot, value);
    /* [sync EA1] what is stored is complete, what is replaced is ours to drop.
     * [sync EA2] seq_cst: before the look at the count. */
    return gc_atomic_slot_exchange_seq_cst(slot, value);
}

/* Puts a reference that is counted already into a local. */
GC_INLINE bool gc_eager_put(struct gc_mutator *m, gc_slot *local, struct gc_object *value)
{
    struct gc_object *old = *local;
    *local = value;
    return gc_eager_drop(m, old);
}

/* Makes *local the first reference to a new object; returns true. */
GC_INLINE bool gc_protocol_put_new(
        struct gc_mutator *m, gc_slot *local, struct gc_object *object)
{
    gc_eager_born(m, object);
    return gc_eager_put(m, local, object);
}

GC_INLINE void gc_protocol_load(struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
    struct gc_object *old = *local;
    struct gc_object *value = gc_eager_read(slot);
    gc_eager_take(m, value);
    *local = value;
    gc_eager_drop(m, old);
}

#if GC_EAGER_RACES
/* The end of a racing load that has to look again. A local of the function that this is
 * inlined into can stay in a register, if nobody is told its address; of another one we know
 * nothing but that, and whoever is told does the rest. */
GC_INLINE void gc_eager_load_rest(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot, struct gc_object *taken)
{
    if (__builtin_constant_p(local == NULL))
        gc_eager_put(
                m, local, gc_slow_path(m, loads, gc_eager_load_again(m, slot, taken)));
    else
        gc_slow_path(m, loads, gc_eager_load_into(m, local, slot, taken));
}
#endif

GC_INLINE void gc_protocol_load_shared(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
#if GC_EAGER_RACES
    struct gc_object *value = gc_eager_read(slot);
    gc_schedule_yield(); /* between read and increment */
    if (value != NULL) {
        enum gc_taken taken = gc_eager_take_racing(m, value);
        if (gc_unlikely(taken == GC_TAKEN_NOT)) {
            gc_eager_load_rest(m, local, slot, NULL);
            return;
        }
        gc_schedule_yield(); /* between increment and second look */
        if (taken == GC_TAKEN_MAYBE && gc_unlikely(gc_eager_read_again(slot) != value) &&
                !gc_broken(REREAD)) {
            gc_eager_load_rest(m, local, slot, value);
            return;
        }
    }
    gc_eager_put(m, local, value);
#else
    gc_protocol_load(m, local, slot);
#endif
}

GC_INLINE void gc_protocol_store(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)holder;
    gc_eager_take(m, value);
    gc_eager_overwrite(m, slot, value);
}

GC_INLINE void gc_protocol_store_shared(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)holder;
    gc_eager_take(m, value);
    gc_eager_drop(m, gc_eager_exchange(m, slot, value));
}

GC_INLINE void gc_protocol_store_new(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    (void)holder;
    gc_assert(gc_atomic_slot_load_relaxed(slot) == NULL, "the slot is not new");
    gc_eager_take(m, value);
    /* [sync EA1] release: pairs with the acquire of loads. */
    gc_atomic_slot_store_release(slot, value);
}

GC_INLINE void gc_protocol_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)holder;
    struct gc_object *value = *local;
    *local = NULL;
    gc_eager_overwrite(m, slot, value);
}

GC_INLINE void gc_protocol_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)holder;
    *local = gc_eager_exchange(m, slot, *local);
}

GC_INLINE bool gc_protocol_compare_exchange(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *expected,
        struct gc_object *value)
{
    (void)holder;
    if (!GC_EAGER_RACES) {
        if (gc_atomic_slot_load_relaxed(slot) != expected) return false;
        /* Not a store, which would read the slot again. */
        gc_eager_take(m, value);
        gc_atomic_slot_store_relaxed(slot, value);
        return gc_eager_drop(m, expected);
    }
    gc_slot found = expected;
    gc_eager_take(m, value); /* for the slot; given back where the exchange fails */
    /* [sync EA1] [sync EA2] seq_cst: as an exchange. */
    bool done = gc_atomic_slot_compare_exchange_seq_cst(slot, &found, value);
    if (done || !gc_broken(FAILED_GIVES_BACK)) gc_eager_drop(m, done ? expected : value);
    return done;
}

GC_INLINE void gc_protocol_copy_slots(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *to, gc_slot *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gc_protocol_store(m, holder, &to[i], gc_eager_read(&from[i]));
}

GC_INLINE void gc_protocol_set(
        struct gc_mutator *m, gc_slot *local, struct gc_object *value)
{
    gc_eager_take(m, value);
    gc_eager_put(m, local, value);
}

GC_INLINE void gc_protocol_move(struct gc_mutator *m, gc_slot *to, gc_slot *from)
{
    struct gc_object *value = *from;
    *from = NULL;
    gc_eager_put(m, to, value);
}

GC_INLINE void gc_protocol_clear(struct gc_mutator *m, gc_slot *local)
{
    gc_eager_put(m, local, NULL);
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
