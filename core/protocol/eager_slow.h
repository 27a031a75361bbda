/* SPDX-License-Identifier: MIT */
/* eager_slow.h - the slow half of every protocol that counts at once: the death of counted
 * objects, undone loads, and what core asks. A template.
 *
 * A protocol's .c file includes its own header, then this file, and defines the functions
 * that eager_death.h declares first.
 */
#ifndef CORE_PROTOCOL_EAGER_SLOW_H
#define CORE_PROTOCOL_EAGER_SLOW_H

#include "core/protocol/eager_death.h"

/* --- racing loads ------------------------------------------------------------------------ */

#if GC_EAGER_RACES

/* What a racing load took without right to it. It frees nothing: the last reference is
 * dropped at a safepoint. */
static void eager_undo(struct gc_mutator *m, struct gc_object *taken)
{
    gc_schedule_yield(); /* between second look and undo */
    if (gc_broken(UNDO_LAST)) {
        gc_eager_drop(m, taken);
        return;
    }
    if (!eager_drop_unless_last(m, taken)) gc_drop_later(m, taken);
}

struct gc_object *gc_eager_load_again(
        struct gc_mutator *m, gc_slot *slot, struct gc_object *wrong)
{
    struct gc_object *value;
    for (;;) {
        if (wrong != NULL) eager_undo(m, wrong);
        wrong = NULL;
        gc_schedule_yield();
        value = gc_eager_read(slot);
        if (value == NULL) break;
        enum gc_taken taken = gc_eager_take_racing(m, value);
        if (taken == GC_TAKEN_SURE) break;
        if (taken == GC_TAKEN_NOT) continue;
        if (gc_eager_read_again(slot) == value) break;
        wrong = value;
    }
    return value;
}

void gc_eager_load_into(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot, struct gc_object *wrong)
{
    gc_eager_put(m, local, gc_eager_load_again(m, slot, wrong));
}

static bool eager_try_take(struct gc_mutator *m, struct gc_object *object)
{
    return gc_eager_take_racing(m, object) != GC_TAKEN_NOT;
}

/* As a racing load, with the target in the slot's place: it is cleared after the death, and
 * before the cell is used again. */
static struct gc_object *eager_weak_resolve(struct gc_mutator *m, struct gc_weak *weak)
{
    struct gc_object *target;
    while ((target = gc_atomic_load_relaxed(&weak->target)) != NULL) {
        gc_schedule_yield(); /* between read and increment */
        enum gc_taken taken = gc_eager_take_racing(m, target);
        if (taken == GC_TAKEN_NOT) return NULL; /* dead: about to be cleared */
        if (taken == GC_TAKEN_SURE) break;
        gc_schedule_yield(); /* between increment and second look */
        if (gc_broken(WEAK_REREAD) || gc_atomic_load_relaxed(&weak->target) == target)
            break;
        eager_undo(m, target);
    }
    return target;
}

#else

static bool eager_try_take(struct gc_mutator *m, struct gc_object *object)
{
    if (gc_object_is_dead(object)) return false;
    gc_eager_take(m, object);
    return true;
}

static struct gc_object *eager_weak_resolve(struct gc_mutator *m, struct gc_weak *weak)
{
    struct gc_object *target = gc_atomic_load_relaxed(&weak->target);
    return target != NULL && eager_try_take(m, target) ? target : NULL;
}

#endif

/* --- what core asks (protocol.h) --------------------------------------------------------- */

static void eager_take(struct gc_mutator *m, struct gc_object *object)
{
    gc_eager_take(m, object);
}

static bool eager_drop_slow(struct gc_mutator *m, struct gc_object *object)
{
    return gc_eager_drop(m, object);
}

static void eager_bury(struct gc_mutator *m, struct gc_object *object)
{
    eager_finish(m, object, EAGER_DEAD);
}

/* Somebody may hold the object and write to it as well. */
static void eager_clear_slot(gc_slot *slot, void *argument)
{
    gc_eager_drop(argument, gc_eager_exchange(argument, slot, NULL));
}

static void eager_clear_slots(struct gc_mutator *m, struct gc_object *object)
{
    gc_object_trace(object, eager_clear_slot, m);
}

/* The rest is the protocol's own: kill, hold, total, immortalize. */
#define EAGER_OPERATIONS                                                                 \
    .take = eager_take, .try_take = eager_try_take, .drop = eager_drop_slow,             \
    .drop_unless_last = eager_drop_unless_last, .bury = eager_bury,                      \
    .clear_slots = eager_clear_slots, .weak_resolve = eager_weak_resolve

#ifdef EAGER_WORD /* the count word is the total */

enum { EAGER_IMMORTAL_SHIFT = 61 }; /* beyond a quarter of the range */

static uint64_t eager_total(const struct gc_object *object)
{
    if (gc_unlikely(gc_object_is_dead(object))) return GC_COUNT_DEAD;
    return gc_atomic_load_relaxed(&object->count);
}

static void eager_immortalize(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    gc_atomic_fetch_add_relaxed(&object->count, UINT64_C(1) << EAGER_IMMORTAL_SHIFT);
}

#    define EAGER_WORD_OPERATIONS                                                        \
        .birth_count = 1, .hold = eager_take, .total = eager_total,                      \
        .immortalize = eager_immortalize

#endif

#endif
