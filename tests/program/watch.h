/* SPDX-License-Identifier: MIT */
/* watch.h - finalizers and callbacks, which check on the spot that they are due.
 *
 * Included by execute.c alone, once per protocol.
 */
#ifndef TESTS_PROGRAM_WATCH_H
#define TESTS_PROGRAM_WATCH_H

#include <errno.h>

#include "core/verify.h"
#include "tests/program/act.h"
#include "tests/program/shape.h"

/* A process runs one program at a time; finalizers find it here. */
static struct run *running;

static bool promises(const struct run *run, uint32_t capability)
{
    return (run->capabilities & capability) != 0;
}

/* The collection that is under way, or the next one: never 0. Read by who collects, or
 * by who can't be run beside it. */
static uint64_t batch_of(const struct run *run)
{
    return run->heap->collections + 1;
}

/* --- finalizers ---------------------------------------------------------------------- */

/* Shadow's lock. The object that a finalizer got, if it is one that may be finalized. */
static uint32_t finalized_id(struct run *run, struct gc_object *object)
{
    if (program_kind_of(object) != PROGRAM_FINALIZED)
        program_fail("memory is overwritten: a finalizer gets an object of another type");
    const struct program_tag *tag = program_tag_of(object, PROGRAM_FINALIZED);
    struct shadow *shadow = &run->shadow;
    if (tag->id == 0 || tag->id >= shadow->count ||
            tag->canary != program_canary(tag->id))
        program_fail("memory is overwritten: so is an object that a finalizer gets");
    uint32_t id = (uint32_t)tag->id;
    struct shadow_object *known = &shadow->objects[id];
    if (!promises(run, GC_CAP_FINALIZERS))
        program_fail("a finalizer ran that nobody has promised: that of %s",
                shadow_name(shadow, id).text);
    if (!known->alive || known->address != object)
        program_fail("a finalizer runs too late: %s is gone already",
                shadow_name(shadow, id).text);
    if (++known->finalized > 1)
        program_fail("a finalizer ran twice: that of %s", shadow_name(shadow, id).text);
    return id;
}

/* Shadow's lock. What the object refers to must be there, where a finalizer gets it, or where a
 * finalizer or callback gets it from a weak reference (0: not from one). */
static void check_intact(const struct shadow *shadow, uint32_t id, uint32_t weak)
{
    const struct shadow_object *known = &shadow->objects[id];
    const struct program_any *any =
            (const struct program_any *)(const void *)known->address;
    uint32_t first = program_first_slot(known->kind);
    for (uint32_t i = 0; i < known->slots; i++) {
        uint32_t child = known->slot[i];
        struct gc_object *is = gc_atomic_slot_load_relaxed(&any->slot[first + i]);
        bool same = is == (child != 0 ? shadow->objects[child].address : NULL);
        enum program_kind kind = shadow->objects[child].kind;
        bool whole =
                same &&
                (child == 0 || (!gc_object_is_dead(is) && program_kind_of(is) == kind &&
                                       (kind == PROGRAM_WEAK ||
                                               program_tag_of(is, kind)->id == child)));
        if (whole) continue;
        if (weak != 0)
            program_fail(
                    "a weak reference was left: %s still leads to %s, which is being "
                    "taken apart: its slot %u %s",
                    shadow_name(shadow, weak).text, shadow_name(shadow, id).text, i,
                    same ? "leads to a freed object" : "is not what was stored there");
        if (!same)
            program_fail(
                    "a finalizer sees what is not intact: %s .slot %u holds %p, which "
                    "nobody stored there",
                    shadow_name(shadow, id).text, i, (const void *)is);
        program_fail("a finalizer sees a freed object: %s .slot %u leads to %s",
                shadow_name(shadow, id).text, i, shadow_name(shadow, child).text);
    }
}

/* Shadow's lock. Who is found dead by a collection is finalized with the weak references
 * to it cleared; those that finalizers of the same collection made stay. `mark` is of
 * what is reachable. */
static void check_cleared(const struct run *run, uint32_t id, uint32_t mark)
{
    const struct shadow *shadow = &run->shadow;
    if (!promises(run, GC_CAP_WEAK)) return;
    for (uint32_t i = 1; i < shadow->count; i++) {
        const struct shadow_object *known = &shadow->objects[i];
        if (known->kind != PROGRAM_WEAK || known->target != id || known->by_finalizer ||
                !shadow_is(shadow, i, mark))
            continue;
        const struct gc_weak *weak = (const struct gc_weak *)(const void *)known->address;
        if (gc_atomic_load_relaxed(&weak->target) != NULL)
            program_fail("a weak reference was left: a collection finalizes %s, but %s "
                         "still leads there",
                    shadow_name(shadow, id).text, shadow_name(shadow, i).text);
    }
}

/* Whose finalizer or callback runs. */
static uint32_t thread_of(const struct run *run, const struct gc_mutator *m)
{
    return gc_worker_is(&run->heap->worker, m) ? PROGRAM_THREADS - 1 : thread_index;
}

/* Reads the weak references that finalizers made: what they give must not have been
 * cleared already. */
static void read_backs(struct actor *x)
{
    struct run *run = x->run;
    struct shadow *shadow = &run->shadow;
    for (uint32_t i = 0; i < PROGRAM_BACKS; i++) {
        struct scope s;
        scope_enter(x, &s);
        shadow_lock(run);
        s.shadow.id[0] = shadow->backs[x->thread][i];
        shadow_unlock(run);
        gc_load_root(x->m, &s.temps.at[0], &run->roots.backs[x->thread][i]);
        struct held back = held_by(x, &s, 0);
        if (back.slots > 0 && back.kind == PROGRAM_WEAK)
            gc_load_weak(x->m, &s.temps.at[1], (struct gc_weak *)(void *)s.temps.at[0]);
        if (s.temps.at[1] != NULL) {
            shadow_lock(run);
            uint32_t id = shadow->objects[back.id].target;
            if (shadow->objects[id].address != &s.temps.at[1]->header)
                program_fail("a weak reference gives another object: %s gives %p, not %s",
                        shadow_name(shadow, back.id).text, (void *)s.temps.at[1],
                        shadow_name(shadow, id).text);
            shadow_revive(shadow, id);
            s.shadow.id[1] = id;
            check_intact(shadow, id, back.id);
            shadow_unlock(run);
        }
        scope_leave(x, &s);
    }
}

/* Only into what dies together with it: what lives would bring it back, and others with it
 * whose finalizers are still to run. */
static void finalize_tie(struct actor *x, struct scope *s)
{
    load(x, s, 1, 0, 0, false);
    struct held child = held_by(x, s, 1);
    if (!child.is_mutable) return;
    shadow_lock(x->run);
    uint32_t reached = shadow_reach(&x->run->shadow, batch_of(x->run));
    bool free = !shadow_is(&x->run->shadow, child.id, reached);
    shadow_unlock(x->run);
    if (free) store(x, s, 1, child.slots - 1, 0, PLAIN);
}

static void behave(struct actor *x, struct scope *s, enum program_behaviour behaviour,
        uint32_t back, uint64_t batch)
{
    switch (behaviour) {
    case PROGRAM_FINALIZE_RETURN:
        put_back(x, s, 0, back, batch);
        break;
    case PROGRAM_FINALIZE_CUT:
        for (uint32_t i = 0; i < 3; i++)
            store_null(x, s, 0, i);
        break;
    case PROGRAM_FINALIZE_WEAK:
        make_weak(x, s, 0, 1, back % 2 == 0);
        put_back(x, s, 1, back, batch);
        break;
    case PROGRAM_FINALIZE_BURST:
        make_ring(x, s, 1, 4, RING_NODES, 0);
        make_chain(x, s, 2, 3, 1);
        break;
    case PROGRAM_FINALIZE_COLLECT:
        if (gc_collect(x->m, 2) < 0)
            program_fail("gc_collect() returns an error in a finalizer");
        break;
    case PROGRAM_FINALIZE_TIE:
        finalize_tie(x, s);
        break;
    case PROGRAM_FINALIZE_LOG:
    case PROGRAM_FINALIZE_ERROR:
    case PROGRAM_BEHAVIOURS:
        break;
    }
}

static int finalize(struct gc_mutator *m, struct gc_object *object)
{
    struct run *run = running;
    struct shadow *shadow = &run->shadow;
    struct actor actor = { .run = run, .m = m, .thread = thread_of(run, m) };
    /* A death by count leaves exactly the reference that is being given up. */
    uint64_t count = gc_refcount(m, object);
    bool counted = run->heap->protocol->total != NULL;
    bool collecting = gc_atomic_load_relaxed(&run->heap->collecting) != 0;
    uint64_t batch = batch_of(run);
    shadow_lock(run);
    uint32_t id = finalized_id(run, object);
    enum program_behaviour behaviour = shadow->objects[id].behaviour;
    uint32_t mark = shadow_reach(shadow, batch);
    bool revived = counted && shadow_may_be_finalized(shadow, id, actor.thread);
    bool by_collection = count != 1 && !revived;
    if (shadow_is(shadow, id, mark) && !revived)
        program_fail(
                "a reachable object was taken for garbage: the finalizer of %s runs, "
                "but it can be reached: %s",
                shadow_name(shadow, id).text, shadow_path(shadow, id).text);
    check_intact(shadow, id, 0);
    if (by_collection) check_cleared(run, id, mark);
    if (collecting) shadow_hold_for_dead(shadow, id, mark);
    if (behaviour == PROGRAM_FINALIZE_ERROR) run->errors++;
    shadow_unlock(run);
    program_trace(actor.thread, "finalizes", id);
    life_tell(run, id,
            by_collection ? "its finalizer runs: a collection found it dead"
                          : "its finalizer runs: its last reference is given up");

    struct scope s;
    scope_enter(&actor, &s);
    set_temp(&actor, &s, 0, id);
    gc_set(m, &s.temps.at[0], (struct program_any *)(void *)object);
    behave(&actor, &s, behaviour, id, collecting ? batch : 0);
    if (id % 2 == 0) read_backs(&actor);
    scope_leave(&actor, &s);
    return behaviour == PROGRAM_FINALIZE_ERROR ? 1 : 0;
}

static int observe(struct gc_mutator *m, enum gc_collection_event event, int generation,
        size_t collected, size_t uncollectable, void *argument)
{
    (void)uncollectable;
    struct run *run = argument;
    shadow_lock(run); /* callbacks of the other thread read it */
    run->full = event == GC_COLLECTION_START && generation == GC_GENERATIONS - 1;
    shadow_unlock(run);
    bool begins = event == GC_COLLECTION_START;
    if (begins && is_one_thread(run)) run->called = called_so_far(run);
    gc_atomic_store_relaxed(&program_host->at[PROGRAM_AT_COLLECTION],
            begins ? (uint32_t)generation + 1 : 0);
    program_trace(thread_of(run, m), begins ? "collects" : "has collected",
            begins ? (uint64_t)generation : collected);
    life_tell(run, program_host->object,
            begins ? "a collection begins" : "the collection ends");
    struct gc_error error;
    int result = begins || run->settings.verify == 0 ? 0 : gc_verify(m, 2, &error);
    if (result != 0 && result != -ENOMEM)
        program_fail(
                "the heap is not what it should be after a collection: %s", error.text);
    return 0;
}

/* Shadow's lock. A weak reference that a full collection finds dead together with its
 * target is not called back. Only where no other thread can have dropped it since (but while a
 * collector's thread calls back the program goes on), and where the target did not just die of
 * its count. */
static void check_callable(const struct run *run, uint32_t id, uint32_t mark)
{
    const struct shadow *shadow = &run->shadow;
    const struct gc_object *target = shadow->objects[shadow->objects[id].target].address;
    bool counted = run->heap->protocol->total != NULL;
    bool by_count = counted && gc_object_is_dead(target);
    bool alone = !run->heap->collector->threaded && !run->spawned; /* in this order */
    if (run->full && alone && !run->frozen && !by_count && !shadow_is(shadow, id, mark))
        program_fail("a callback ran that must not: %s died together with its target",
                shadow_name(shadow, id).text);
}

static int call_back(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    struct run *run = running;
    struct shadow *shadow = &run->shadow;
    struct actor actor = { .run = run, .m = m, .thread = thread_of(run, m) };
    shadow_lock(run);
    const struct program_tag *tag = program_tag_of(data, PROGRAM_NODE2);
    if (tag->id >= shadow->count || tag->canary != program_canary(tag->id))
        program_fail("memory is overwritten: so are the data that a callback gets");
    uint32_t id = shadow->objects[tag->id].weak;
    struct shadow_object *known = &shadow->objects[id];
    if (id == 0 || known->address != &weak->header || !known->alive)
        program_fail("a callback gets another weak reference than it was made with");
    if (!known->has_callback)
        program_fail("a callback ran that there is not: that of %s",
                shadow_name(shadow, id).text);
    if (++known->called > 1)
        program_fail("a callback ran twice: that of %s", shadow_name(shadow, id).text);
    if (gc_atomic_load_relaxed(&weak->target) != NULL)
        program_fail("a weak reference was left: %s still leads to %s in its callback",
                shadow_name(shadow, id).text, shadow_name(shadow, known->target).text);
    uint32_t mark = shadow_reach(shadow, batch_of(run));
    const struct shadow_object *target = &shadow->objects[known->target];
    if (target->found_dead_at < known->made_at && shadow_is(shadow, known->target, mark))
        program_fail("a reachable object was taken for garbage: the callback of %s runs, "
                     "but %s can be reached: %s",
                shadow_name(shadow, id).text, shadow_name(shadow, known->target).text,
                shadow_path(shadow, known->target).text);
    check_callable(run, id, mark);
    bool error = id % 8 == 5;
    if (error) run->errors++;
    uint32_t dead = known->target;
    shadow_unlock(run);
    program_trace(actor.thread, "calls back", id);
    life_tell(run, id, "it is cleared, and called back");
    life_tell(run, dead, "a weak reference to it is cleared, and called back");

    read_backs(&actor);
    struct scope s;
    scope_enter(&actor, &s);
    if (id % 4 == 3) make_ring(&actor, &s, 0, 3, RING_NODES, 0);
    scope_leave(&actor, &s);
    return error ? 1 : 0;
}

#endif
