/* SPDX-License-Identifier: MIT */
/* eager.h - the death of counted objects: a template for every eager protocol.
 *
 * A protocol's .c file defines, before it includes this file once,
 *
 *   static inline bool eager_release(struct gc_object *object);
 *       Gives up one reference. True: it was the last. The object then says DEAD, or,
 *       if it needs care (GC_STATE_CARE), still counts the reference given up.
 *   static inline bool eager_kill(struct gc_object *object);
 *       The same for an object that needed care, with its finalizer out of the way:
 *       true when it says DEAD now, false when somebody took a reference meanwhile.
 *   static inline bool eager_is_at_home(struct gc_mutator *m, struct gc_object *object);
 *       Whether `m` may act for the object's home.
 *
 * Order of a death: finalizer (which may bring the object back), DEAD, weak references
 * cleared and called, slots dropped, cell freed. Nothing recurses on the shape of the
 * heap: dead objects wait in a list threaded through their count words. Only a
 * finalizer or callback that drops references itself can nest deaths; from a certain
 * depth on such references are put off to the outermost death.
 */
#ifndef CORE_PROTOCOL_EAGER_H
#define CORE_PROTOCOL_EAGER_H

#include "core/collector.h"
#include "core/home.h"
#include "core/mutant.h"
#include "core/os.h"

enum {
    EAGER_DEPTH = 50,     /* nested deaths before they are put off */
    EAGER_TIMED_FROM = 64 /* objects of a cascade that are worth a clock reading */
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

/* An object that needs care has lost its last reference: we hold it, or it is DEAD. True
 * when it is DEAD afterwards. */
static bool eager_care(struct gc_mutator *m, struct gc_object *object)
{
    if (gc_object_is_dead(object)) {
        m->death_depth++;
        gc_weak_on_death(m, object);
        m->death_depth--;
        return true;
    }
    if (m->death_depth >= EAGER_DEPTH && eager_put_off(m, object)) return false;
    m->death_depth++;
    gc_finalize(m, object);
    bool dead = eager_kill(object);
    if (dead && !gc_broken(WEAK_FIRST) && (gc_object_state(object) & GC_STATE_CARE) != 0)
        gc_weak_on_death(m, object);
    m->death_depth--;
    return dead;
}

struct eager_cascade {
    struct gc_mutator *m;
    struct gc_object *dead; /* list, by gc_object_link_dead() */
};

/* A DEAD object leaves its home's list, and the budget gets it back. Elsewhere the list
 * has to wait until the object has come home. */
static inline void eager_unlist(struct gc_mutator *m, struct gc_object *object)
{
    m->budget += m->budget < m->budget_limit;
    if (!m->birth_links || !eager_is_at_home(m, object)) return;
    struct gc_links *links = gc_links_of(object);
    if (gc_links_are_tracked(links)) gc_list_unlink(links);
}

static inline void eager_free(struct gc_mutator *m, struct gc_object *object)
{
    if (gc_likely(eager_is_at_home(m, object)))
        gc_cell_free(object);
    else
        gc_home_send(m, object, gc_block_of(object)->home);
}

static inline void eager_drop_child(
        struct eager_cascade *cascade, struct gc_object *child)
{
    if (child == NULL || !eager_release(child)) return;
    if (gc_unlikely((gc_object_state(child) & GC_STATE_CARE) != 0)) {
        if (!eager_care(cascade->m, child)) return;
    }
    gc_object_link_dead(child, cascade->dead);
    cascade->dead = child;
}

static void eager_drop_slot(gc_slot *slot, void *argument)
{
    eager_drop_child(argument, gc_atomic_slot_load_relaxed(slot));
}

/* Frees a DEAD object and all that dies with it. */
static void eager_cascade_run(struct gc_mutator *m, struct gc_object *object)
{
    struct eager_cascade cascade = { .m = m, .dead = NULL };
    uint64_t objects = 0, start = 0;
    for (;;) {
        const struct gc_type_info *info = gc_object_info(object);
        if (info->cyclic) eager_unlist(m, object);
        struct gc_slots slots = gc_object_slots(object, info);
        for (uint32_t i = 0; i < slots.count; i++)
            eager_drop_child(&cascade, gc_atomic_slot_load_relaxed(&slots.first[i]));
        if (gc_unlikely(info->irregular) && info->type->trace != NULL)
            info->type->trace(object, eager_drop_slot, &cascade);
        eager_free(m, object);
        if (gc_broken(WEAK_FIRST) && (gc_object_state(object) & GC_STATE_CARE) != 0)
            gc_weak_on_death(m, object);
        if (gc_unlikely(++objects == EAGER_TIMED_FROM)) start = gc_os_now_ns();
        object = cascade.dead;
        if (object == NULL) break;
        cascade.dead = gc_object_next_dead(object);
    }
    m->counters.freed_by_count += objects;
    if (gc_unlikely(start != 0))
        gc_stall_record(m->stalls, GC_STALL_cascade, start, objects);
}

/* Drops what was put off, until nothing is left. */
static void eager_drop_deferred(struct gc_mutator *m)
{
    while (m->deferred_count > 0) {
        struct gc_object *object = m->deferred[--m->deferred_count];
        if (eager_care(m, object)) eager_cascade_run(m, object);
    }
}

/* The whole of a drop that eager_release() answered with true, or of a burial. */
static bool eager_die(struct gc_mutator *m, struct gc_object *object)
{
    bool dead = true;
    if ((gc_object_state(object) & GC_STATE_CARE) != 0) dead = eager_care(m, object);
    if (dead) eager_cascade_run(m, object);
    if (gc_unlikely(m->deferred_count > 0) && m->death_depth == 0) eager_drop_deferred(m);
    return true;
}

#endif
