/* SPDX-License-Identifier: MIT */
/* eager_death.h - the death of counted objects, for eager_slow.h.
 *
 * Order of a death: finalizer (which may bring the object back), DEAD, weak references
 * cleared and called, slots dropped, cell freed. Nothing recurses on the shape of the heap:
 * dead objects wait in an array, or in a list threaded through their count words. Only a
 * finalizer or callback that drops references itself can nest deaths; from a certain depth on
 * such references are put off to the outermost death.
 */
#ifndef CORE_PROTOCOL_EAGER_DEATH_H
#define CORE_PROTOCOL_EAGER_DEATH_H

#include "core/collector.h"
#include "core/home.h"
#include "core/mutant.h"
#include "core/os.h"

/* What becomes of an object when a reference is given up. */
enum eager_fate {
    EAGER_LIVES, /* others hold it */
    EAGER_GONE,  /* it is dead, and nobody can have changed its state since we looked; if
                    loads race it is at home, and not its count but its state says so */
    EAGER_DEAD,  /* its count says DEAD */
    EAGER_CARE,  /* it has a state that needs care, and the last reference is kept */
};

/* A bit of `care`, beside those of a state: what dies shall say so by its count. */
#define EAGER_BY_COUNT (UINT32_C(1) << 30)

/* The protocol's: gives up one reference. With one of the states in `care` (0: none) the
 * last one is kept. Removals are settled, if without EAGER_BY_COUNT the object may die. */
static inline enum eager_fate eager_release(
        struct gc_mutator *m, struct gc_object *object, uint32_t care);

/* The protocol's: one reference less, unless it is the last. True: it is less. */
static bool eager_drop_unless_last(struct gc_mutator *m, struct gc_object *object);

/* The protocol's: whether `m` may act for the home of a block, in which an object lies. */
static inline bool eager_is_at_home(struct gc_mutator *m, struct gc_block *block);

/* The protocol's, with #define EAGER_LISTS in front of eager_slow.h: the object, which can be in
 * a cycle, is DEAD, and leaves the list that the protocol may have it in. */
#ifdef EAGER_LISTS
static inline void eager_leave_list(struct gc_mutator *m, struct gc_object *object);
#endif

enum {
    EAGER_DEPTH = 50,      /* nested deaths before they are put off */
    EAGER_TIMED_FROM = 64, /* objects of a cascade that are worth a clock reading */
    EAGER_WAITING = 64     /* dead objects that wait in an array */
};

/* Keeps the last reference to an object for the outermost death. False: no memory, and
 * then one more level of the stack has to do. */
static bool eager_put_off(struct gc_mutator *m, struct gc_object *object)
{
    if (m->deferred_count == m->deferred_room) {
        size_t room = m->deferred_room * 2 + 256;
        struct gc_object **grown = gc_os_realloc(m->deferred, room * sizeof(*grown));
        if (grown == NULL) return false;
        m->deferred = grown;
        m->deferred_room = room;
    }
    m->deferred[m->deferred_count++] = object;
    return true;
}

/* The end of a DEAD object's weak references; of a weak reference. */
static GC_NOINLINE void eager_forget(struct gc_mutator *m, struct gc_object *object)
{
    m->death_depth++;
    gc_weak_on_death(m, object);
    m->death_depth--;
}

/* An object that needs care has lost its last reference, which we hold. True when it is
 * DEAD afterwards. */
static GC_NOINLINE bool eager_care(struct gc_mutator *m, struct gc_object *object)
{
    if (m->death_depth >= EAGER_DEPTH && eager_put_off(m, object)) return false;
    m->death_depth++;
    gc_finalize(m, object);
    enum eager_fate fate = eager_release(m, object, EAGER_BY_COUNT);
    bool dead = fate == EAGER_DEAD || fate == EAGER_GONE;
    if (dead && !gc_broken(WEAK_FIRST) && (gc_object_state(object) & GC_STATE_CARE) != 0)
        gc_weak_on_death(m, object);
    m->death_depth--;
    return dead;
}

/* What eager_release() has left to do. True: the object is dead. */
static GC_NOINLINE bool eager_drop_rest(
        struct gc_mutator *m, struct gc_object *object, enum eager_fate fate)
{
    bool dead = true;
    if (fate == EAGER_CARE) dead = eager_care(m, object);
    /* Others could have taken a reference since we looked, and have made a weak one. */
    else if ((gc_object_state(object) & GC_STATE_CARE) != 0)
        eager_forget(m, object);
    gc_eager_settle_removals(m); /* of a finalizer or callback */
    return dead;
}

/* Drops one reference. True: it is dead, and owes its slots and its cell. */
static inline bool eager_drop(
        struct gc_mutator *m, struct gc_object *object, uint32_t how)
{
    enum eager_fate fate = eager_release(m, object, GC_STATE_CARE | how);
    if (fate == EAGER_LIVES) return false;
    if (gc_likely(fate == EAGER_GONE)) return true;
    return eager_drop_rest(m, object, fate);
}

/* A dead object that can be in a cycle leaves its home's list, if there are any. Elsewhere
 * the list has to wait until the object has come home. */
static inline void eager_unlist(struct gc_mutator *m, struct gc_object *object,
        struct gc_block *block, bool linked)
{
#ifdef EAGER_LISTS
    eager_leave_list(m, object);
#endif
    if (!linked || !eager_is_at_home(m, block)) return;
    struct gc_links *links = gc_links_of(object);
    if (gc_links_are_tracked(links) && !gc_broken(LEAVES_LIST)) gc_list_unlink(links);
}

/* The budget gets back what has died of what can be in a cycle. */
static inline void eager_credit(struct gc_mutator *m, uint64_t objects)
{
    const int64_t room = (int64_t)m->budget_limit - m->budget;
    if (room > 0)
        m->budget += (int32_t)(objects < (uint64_t)room ? objects : (uint64_t)room);
}

static inline void eager_free(
        struct gc_mutator *m, struct gc_object *object, struct gc_block *block)
{
    if (gc_unlikely(!eager_is_at_home(m, block))) {
        gc_home_send(m, object, block->home);
        return;
    }
    if (GC_EAGER_RACES && gc_object_says_dead(object)) gc_cell_reset(block, object);
    gc_cell_free_in(block, object);
}

/* Dead objects that wait, the last one first: when the array is full, in a list, by
 * gc_object_link_dead(); those die by their counts. */
struct eager_cascade {
    struct gc_mutator *m;
    struct gc_object *list;
    uint32_t count;
    struct gc_object *waiting[EAGER_WAITING];
};

static GC_NOINLINE void eager_drop_to_list(
        struct eager_cascade *cascade, struct gc_object *child)
{
    if (!eager_drop(cascade->m, child, EAGER_BY_COUNT)) return;
    gc_object_link_dead(child, cascade->list);
    cascade->list = child;
}

/* `n` are in the array, which may be full; returns how many then are. */
static inline uint32_t eager_drop_child(
        struct eager_cascade *cascade, uint32_t n, struct gc_object *child)
{
    if (gc_unlikely(n == EAGER_WAITING))
        eager_drop_to_list(cascade, child);
    else if (eager_drop(cascade->m, child, 0))
        cascade->waiting[n++] = child;
    return n;
}

static void eager_drop_slot(gc_slot *slot, void *argument)
{
    struct eager_cascade *cascade = argument;
    struct gc_object *child = gc_atomic_slot_load_relaxed(slot);
    if (child != NULL) cascade->count = eager_drop_child(cascade, cascade->count, child);
}

/* The slots of an array, or of a type with `trace`. */
static GC_NOINLINE uint32_t eager_drop_irregular(
        struct eager_cascade *cascade, uint32_t n, struct gc_object *object)
{
    cascade->count = n;
    gc_object_trace(object, eager_drop_slot, cascade);
    return cascade->count;
}

/* Frees a dead object and all that dies with it. */
static void eager_cascade_run(struct gc_mutator *m, struct gc_object *object)
{
    struct eager_cascade cascade;
    /* Objects, counted down: so it costs nothing to see that the clock is due. */
    uint64_t left = EAGER_TIMED_FROM, given = EAGER_TIMED_FROM;
    uint64_t cyclic = 0, start = 0;
    uint32_t n = 0;
    const bool linked = m->birth_links; /* const */
    cascade.m = m;
    cascade.list = NULL;
    gc_eager_settle_removals(m);
    for (;;) {
        const struct gc_type_info *info = gc_object_info(object);
        gc_slot *slots = (gc_slot *)(void *)(object + 1);
        struct gc_block *block = gc_block_of(object);
        gc_as_one(block);
        if (gc_broken(SLOTS_FIRST)) eager_free(m, object, block);
        cyclic += info->cyclic;
        if (info->cyclic) eager_unlist(m, object, block, linked);
        for (gc_slot *end = slots + info->slots; slots != end; slots++) {
            struct gc_object *child = gc_atomic_slot_load_relaxed(slots);
            if (child != NULL && !gc_broken(DEATH_GIVES_UP))
                n = eager_drop_child(&cascade, n, child);
        }
        if (gc_unlikely(info->irregular)) n = eager_drop_irregular(&cascade, n, object);
        if (!gc_broken(SLOTS_FIRST)) eager_free(m, object, block);
        if (gc_broken(WEAK_FIRST) && (gc_object_state(object) & GC_STATE_CARE) != 0)
            gc_weak_on_death(m, object);
        if (gc_unlikely(--left == 0)) {
            start = gc_stall_clock();
            given += left = UINT64_MAX / 2;
        }
        if (gc_unlikely(n == EAGER_WAITING) && cascade.list != NULL) {
            object = cascade.list;
            cascade.list = gc_object_next_dead(object);
        } else {
            if (n == 0) break;
            object = cascade.waiting[--n];
        }
    }
    const uint64_t objects = given - left;
    m->counters.freed_by_count += objects;
    eager_credit(m, cyclic);
    if (gc_unlikely(start != 0))
        gc_stall_record(m->stalls, GC_STALL_cascade, start, objects);
}

/* Drops what was put off, until nothing is left. */
static GC_NOINLINE void eager_drop_deferred(struct gc_mutator *m)
{
    while (m->deferred_count > 0) {
        struct gc_object *object = m->deferred[--m->deferred_count];
        if (eager_care(m, object)) eager_cascade_run(m, object);
    }
}

/* Whether a dead object refers to nothing. */
static inline bool eager_is_empty(
        struct gc_object *object, const struct gc_type_info *info)
{
    gc_slot *slots = (gc_slot *)(void *)(object + 1);
    for (uint32_t i = 0; i < info->slots; i++)
        if (gc_atomic_slot_load_relaxed(&slots[i]) != NULL) return false;
    return !info->irregular;
}

/* Frees a dead object that refers to nothing: a cascade, for which all of its registers and an
 * array have to be there, would be as long again as all the rest of the drop. */
static inline void eager_die_alone(
        struct gc_mutator *m, struct gc_object *object, const struct gc_type_info *info)
{
    struct gc_block *block = gc_block_of(object);
    gc_as_one(block);
    if (info->cyclic) {
        eager_unlist(m, object, block, m->birth_links);
        eager_credit(m, 1);
    }
    eager_free(m, object, block);
    m->counters.freed_by_count++;
}

/* Frees a dead object, and whatever was put off by that. Returns true. */
static inline bool eager_die(struct gc_mutator *m, struct gc_object *object)
{
    const struct gc_type_info *info = gc_object_info(object);
    if (eager_is_empty(object, info) && !gc_broken(WEAK_FIRST))
        eager_die_alone(m, object, info);
    else
        eager_cascade_run(m, object);
    if (gc_unlikely(m->deferred_count > 0) && m->death_depth == 0) eager_drop_deferred(m);
    return true;
}

/* The end of a drop: what eager_release() has left to do. Returns true. */
static inline bool eager_finish(
        struct gc_mutator *m, struct gc_object *object, enum eager_fate fate)
{
    if (fate == EAGER_LIVES) return true;
    if (gc_unlikely(fate != EAGER_GONE) && !eager_drop_rest(m, object, fate)) {
        if (m->deferred_count > 0 && m->death_depth == 0) eager_drop_deferred(m);
        return true;
    }
    return eager_die(m, object);
}

/* The end of a fast path that may hold the last reference. Returns true. */
static inline bool eager_drop_last(struct gc_mutator *m, struct gc_object *object)
{
    gc_assert(gc_atomic_load_relaxed(&m->state) == GC_MUTATOR_RUNNING,
            "a reference is dropped by a mutator that does not run");
    gc_schedule_yield();
    gc_eager_settle_removals(m);
    return eager_finish(m, object, eager_release(m, object, GC_STATE_CARE));
}

#endif
