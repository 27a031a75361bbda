/* SPDX-License-Identifier: MIT */
/* satb.c - the slow half of `satb`: stores while the flag is up, and weak references.
 *
 * Between what a store replaces and its entry in the log its mutator comes to no safepoint:
 * a handshake finds both, or neither.
 *
 * Sync edges: [sync UN1] what is reached through a slot was complete when it was stored
 *             [sync SA2] the state of weak references, between resolvers and who clears
 *             [sync SA3] a weak reference is cleared before its target is marked again
 */
#include "core/protocol/satb.h"

#include <errno.h>

#include "core/collector.h"
#include "core/mutant.h"
#include "core/os.h"

struct satb_heap {
    _Atomic(uint32_t) weak; /* enum gc_satb_weak; all changes are seq_cst */
};

static struct satb_heap *state_of(const struct gc_heap *heap)
{
    return heap->protocol_data;
}

/* --- stores ------------------------------------------------------------------------------ */

static bool is_white(const struct gc_satb *satb, const struct gc_object *object)
{
    return object != NULL && gc_object_mark(object) == satb->white;
}

/* Room for what one store logs; the flags may be others behind it. */
static void make_room(struct gc_mutator *m)
{
    enum { MOST = 2 };
    if (!gc_log_has_room(m, MOST)) gc_log_make_room(m, MOST);
}

/* `old` has been replaced by `value` in some slot. */
static void note(struct gc_mutator *m, struct gc_object *old, struct gc_object *value)
{
    const struct gc_satb *satb = gc_satb_of(m);
    if (!satb->up) return;
    gc_schedule_yield(); /* between the store and its entry */
    if (is_white(satb, old) && !gc_broken(LOGS_OLD)) gc_log_append(m, (uintptr_t)old);
    if (satb->inserts && is_white(satb, value) && !gc_broken(LOGS_NEW))
        gc_log_append(m, (uintptr_t)value);
}

void gc_satb_store(struct gc_mutator *m, struct gc_object *holder, gc_slot *slot,
        struct gc_object *value)
{
    (void)holder;
    make_room(m);
    struct gc_object *old = value;
    /* Until its frames were scanned others may not have raised their flags yet: what they
     * store between a look and a store would be lost. Afterwards who overwrites a slot first
     * has seen what the snapshot has there, and later values were logged or marked when
     * they were stored (collectors/on_the_fly). */
    if (gc_satb_of(m)->inserts) {
        gc_uncounted_exchange(slot, &old);
    } else {
        /* [sync UN1] acquire: its mark is looked at. */
        old = gc_atomic_slot_load_acquire(slot);
        gc_schedule_yield(); /* between the look and the store */
        gc_uncounted_store(slot, value);
    }
    note(m, old, value);
}

void gc_satb_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    gc_satb_store(m, holder, slot, *local);
    *local = NULL;
}

void gc_satb_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    (void)holder;
    make_room(m);
    struct gc_object *value = *local;
    gc_uncounted_exchange(slot, local);
    note(m, *local, value);
}

bool gc_satb_compare_exchange(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *expected, struct gc_object *value)
{
    (void)holder;
    make_room(m);
    if (!gc_uncounted_compare_exchange(slot, expected, value)) return false;
    note(m, expected, value);
    return true;
}

void gc_satb_copy_slots(struct gc_mutator *m, struct gc_object *holder, gc_slot *to,
        gc_slot *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gc_satb_store(m, holder, &to[i], gc_atomic_slot_load_relaxed(&from[i]));
}

/* The reference goes where no scan of this mutator will look for it: to a new thread. */
static void take(struct gc_mutator *m, struct gc_object *object)
{
    if (!gc_satb_of(m)->up || gc_broken(HANDED_LOGGED)) return;
    make_room(m);
    note(m, object, NULL);
}

/* --- weak references ---------------------------------------------------------------------- */

void gc_satb_weak_set(struct gc_heap *heap, enum gc_satb_weak state)
{
    /* [sync SA2] seq_cst: a resolver that looks after the next handshake sees it or a later
     * one; pairs with resolve(). */
    gc_atomic_store_seq_cst(&state_of(heap)->weak, (uint32_t)state);
}

bool gc_satb_weak_close(struct gc_heap *heap)
{
    uint32_t closing = GC_SATB_CLOSING;
    /* [sync SA2] seq_cst: against a resolver's veto. */
    return gc_atomic_compare_exchange_seq_cst(
            &state_of(heap)->weak, &closing, (uint32_t)GC_SATB_CLEARING);
}

static bool seems_white(const struct gc_satb *satb, const struct gc_object *object)
{
    /* [sync SA3] acquire: who sees a mark that came after the clearing sees the clearing, when
     * it reads the target again. Pairs with the release of who marks
     * (collectors/on_the_fly). */
    return gc_atomic_load_acquire(&object->mark) == satb->white;
}

/* The target is white, and the frames of the mutator have been scanned: logs it, or says
 * that it is too late for that. */
static bool revive(struct gc_mutator *m, struct gc_object *target)
{
    struct satb_heap *state = state_of(m->heap);
    const struct gc_satb *satb = gc_satb_of(m);
    while (seems_white(satb, target)) {
        /* [sync SA2] seq_cst: pairs with gc_satb_weak_set(). */
        uint32_t seen = gc_atomic_load_seq_cst(&state->weak);
        gc_schedule_yield(); /* between look and entry */
        if (seen == GC_SATB_CLEARING) return false;
        if (seen == GC_SATB_MARK || gc_broken(WEAK_VETO)) {
            gc_log_append(m, (uintptr_t)target);
            return true;
        }
        uint32_t mark = GC_SATB_MARK;
        /* [sync SA2] seq_cst: the veto, against gc_satb_weak_close(). */
        (void)gc_atomic_compare_exchange_seq_cst(&state->weak, &seen, mark);
    }
    return true;
}

static struct gc_object *weak_resolve(struct gc_mutator *m, struct gc_weak *weak)
{
    struct gc_satb *satb = gc_satb_of(m);
    if (satb->up) make_room(m);
    struct gc_object *target = gc_atomic_load_relaxed(&weak->target);
    if (target == NULL) return NULL;
    if (satb->up && !satb->inserts && !gc_broken(WEAK_REVIVES) && !revive(m, target))
        return NULL;
    gc_schedule_yield(); /* before the second look */
    /* It may have been cleared since, and then kept for its finalizer. */
    return gc_atomic_load_relaxed(&weak->target) == target ? target : NULL;
}

/* --- the rest ------------------------------------------------------------------------- */

static void clear_slot(gc_slot *slot, void *argument)
{
    gc_satb_store(argument, NULL, slot, NULL);
}

static void clear_slots(struct gc_mutator *m, struct gc_object *object)
{
    gc_object_trace(object, clear_slot, m);
}

static int start(struct gc_heap *heap)
{
    struct satb_heap *state = gc_os_alloc(sizeof(*state));
    if (state == NULL) return -ENOMEM;
    int result = gc_log_create(heap);
    if (result == 0)
        heap->protocol_data = state;
    else
        gc_os_free(state);
    return result;
}

static void finish(struct gc_heap *heap)
{
    gc_log_destroy(heap);
    gc_os_free(heap->protocol_data);
}

const struct gc_protocol gc_protocol_satb = {
    .name = "satb",
    .summary = "no counts; stores log what they replace while a collector traces",
    .flags = GC_PROTOCOL_FRAMES,
    .birth_count = 0,
    .start = start,
    .finish = finish,
    .home_start = gc_log_home_start,
    .home_finish = gc_log_home_finish,
    .take = take,
    .clear_slots = clear_slots,
    .weak_resolve = weak_resolve,
};
