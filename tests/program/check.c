/* SPDX-License-Identifier: MIT */
/* check.c - what a heap at rest must look like, by the shadow and by what its collector
 * promises.
 *
 * The heap is walked by block, not from the roots, so that what should be gone is seen as
 * well. No pointer that the heap holds is followed before it is known to be one of a live
 * object: slots are compared with the addresses that the walk has found. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "core/collector.h"
#include "core/verify.h"
#include "tests/program/shadow.h"

enum { NOT_FOUND = 0 };

/* A refcount is asked for without the header that wants a protocol. */
extern uint64_t gc_refcount(struct gc_mutator *m, struct gc_object *object);

struct walk {
    const struct program_check *check;
    bool *found;    /* by id: the heap holds it */
    uint64_t count; /* objects that the heap holds */
    uint32_t *weak; /* those that may be in the heap, older ones first */
    size_t weak_count;
    char error[512];
};

GC_PRINTF(2, 3) static bool stop_walk(struct walk *walk, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(walk->error, sizeof(walk->error), format, list);
    va_end(list);
    return false;
}

/* Weak references hold no tag, but their data has one. It is not followed: of two weak
 * references at one address the older one is gone. */
static void list_weak(struct walk *walk)
{
    const struct shadow *shadow = walk->check->shadow;
    for (uint32_t id = 1; id < shadow->count; id++)
        if (shadow->objects[id].kind == PROGRAM_WEAK && shadow->objects[id].alive)
            walk->weak[walk->weak_count++] = id;
}

static uint32_t id_of_weak(const struct walk *walk, const struct gc_object *object)
{
    const struct shadow *shadow = walk->check->shadow;
    for (size_t i = walk->weak_count; i > 0; i--)
        if (shadow->objects[walk->weak[i - 1]].address == object)
            return walk->weak[i - 1];
    return NOT_FOUND;
}

static bool find_object(struct gc_object *object, void *argument)
{
    struct walk *walk = argument;
    const struct shadow *shadow = walk->check->shadow;
    enum program_kind kind = program_kind_of(object);
    if (kind == PROGRAM_KINDS)
        return stop_walk(walk,
                "memory is overwritten: an object of a foreign type is at %p",
                (void *)object);
    uint64_t id;
    if (kind == PROGRAM_WEAK) {
        id = id_of_weak(walk, object);
        if (id == NOT_FOUND)
            return stop_walk(walk,
                    "memory is overwritten: an unknown weak reference is at %p",
                    (void *)object);
    } else {
        const struct program_tag *tag = program_tag_of(object, kind);
        id = tag->id;
        if (id == 0 || id >= shadow->count || tag->canary != program_canary(id))
            return stop_walk(walk,
                    "memory is overwritten: so are the contents of the object at %p",
                    (void *)object);
    }
    const struct shadow_object *known = &shadow->objects[id];
    if (walk->found[id])
        return stop_walk(walk, "memory was given out twice: %s is in the heap twice",
                shadow_name(shadow, (uint32_t)id).text);
    if (!known->alive)
        return stop_walk(walk, "a dead object is back: %s was gone, and is in the heap",
                shadow_name(shadow, (uint32_t)id).text);
    if (known->kind != kind || known->address != object)
        return stop_walk(walk, "memory is overwritten: %s has become another one",
                shadow_name(shadow, (uint32_t)id).text);
    walk->found[id] = true;
    walk->count++;
    return true;
}

static void verify(struct gc_mutator *m, int level)
{
    struct gc_error error;
    int result = gc_verify(m, level, &error);
    /* It needs memory itself, which may be that which is made to fail. */
    if (result == -ENOMEM) result = gc_verify(m, level, &error);
    if (result != 0) program_fail("the heap is not what it should be: %s", error.text);
}

/* Fills walk->found; what the heap says of itself is compared on the way. */
static void walk_heap(struct gc_mutator *m, struct walk *walk)
{
    verify(m, 1);
    struct gc_heap_stats stats;
    gc_stop_begin(m);
    bool whole = gc_heap_walk_stw(m->heap, find_object, walk);
    gc_heap_read_stats(m->heap, &stats);
    gc_stop_end(m, 0);
    if (!whole) program_fail("%s", walk->error);
    uint64_t made = walk->check->shadow->count - 1;
    uint64_t freed = stats.counters.freed_by_count + stats.counters.freed_by_cycle +
                     stats.counters.freed_by_trace + stats.counters.freed_new;
    if (stats.allocated_objects != made)
        program_fail(
                "the books don't balance: %llu objects were made, but the heap says %llu",
                (unsigned long long)made, (unsigned long long)stats.allocated_objects);
    if (stats.live_objects != walk->count)
        program_fail("the books don't balance: %llu objects are in the heap, but its "
                     "blocks say "
                     "%llu",
                (unsigned long long)walk->count, (unsigned long long)stats.live_objects);
    if (freed != made - walk->count)
        program_fail("the books don't balance: %llu objects are gone, but %llu are said "
                     "to have "
                     "been freed",
                (unsigned long long)(made - walk->count), (unsigned long long)freed);
}

/* --- safety -------------------------------------------------------------------------- */

static void check_slot(const struct walk *walk, uint32_t holder, uint32_t number,
        const gc_slot *slot, uint32_t due)
{
    const struct shadow *shadow = walk->check->shadow;
    const struct gc_object *is = gc_atomic_slot_load_relaxed(slot);
    const struct gc_object *should = due != 0 ? shadow->objects[due].address : NULL;
    char where[64] = "a root or local";
    if (holder != 0) snprintf(where, sizeof(where), "object %u .slot %u", holder, number);
    if (is != should)
        program_fail(
                "a slot holds what nobody stored there: %s holds %p instead of %s at "
                "%p",
                where, (const void *)is,
                due != 0 ? shadow_name(shadow, due).text : "nothing",
                (const void *)should);
    if (due != 0 && !walk->found[due])
        program_fail("an object was freed before what refers to it: %s is gone, but %s "
                     "still leads there",
                shadow_name(shadow, due).text, where);
}

static void check_slots(const struct walk *walk)
{
    const struct shadow *shadow = walk->check->shadow;
    const struct program_roots *roots = walk->check->roots;
    for (int w = 0; w < PROGRAM_WORKERS; w++) {
        for (int i = 0; i < PROGRAM_ROOTS; i++)
            check_slot(walk, 0, 0, &roots->places[w][i], shadow->places[w][i]);
        for (int i = 0; i < PROGRAM_LOCALS; i++)
            check_slot(walk, 0, 0, &walk->check->locals[w][i],
                    shadow->places[w][PROGRAM_ROOTS + i]);
        for (int i = 0; i < PROGRAM_VIEWS; i++)
            check_slot(walk, 0, 0, &roots->views[w][i], shadow->views[w][i]);
    }
    for (int t = 0; t < PROGRAM_THREADS; t++)
        for (int i = 0; i < PROGRAM_BACKS; i++)
            check_slot(walk, 0, 0, &roots->backs[t][i], shadow->backs[t][i]);
    check_slot(walk, 0, 0, &roots->board, shadow->board);
    for (uint32_t id = 1; id < shadow->count; id++) {
        if (!walk->found[id]) continue;
        const struct shadow_object *known = &shadow->objects[id];
        struct program_any *any = (struct program_any *)(void *)known->address;
        uint32_t first = program_first_slot(known->kind);
        for (uint32_t i = 0; i < known->slots; i++)
            check_slot(walk, id, i, &any->slot[first + i], known->slot[i]);
    }
}

static void check_reachable(const struct walk *walk)
{
    struct shadow *shadow = walk->check->shadow;
    uint32_t reached = shadow_reach(shadow, 0);
    for (uint32_t id = 1; id < shadow->count; id++)
        if (shadow_is(shadow, id, reached) && !walk->found[id])
            program_fail(
                    "a reachable object was freed: %s is gone, but can be reached: %s",
                    shadow_name(shadow, id).text, shadow_path(shadow, id).text);
}

/* --- completeness -------------------------------------------------------------------- */

static const char *difference(uint64_t count, uint64_t due)
{
    if (count == due + 1) return "one too high";
    if (count + 1 == due) return "one too low";
    return count > due ? "too high" : "too low";
}

/* Slots of objects that name it. A collector may have emptied some. */
static uint64_t count_slots(const struct walk *walk, const struct gc_object *address)
{
    const struct shadow *shadow = walk->check->shadow;
    uint64_t count = 0;
    for (uint32_t id = 1; id < shadow->count; id++) {
        if (!walk->found[id]) continue;
        const struct shadow_object *known = &shadow->objects[id];
        const struct program_any *any =
                (const struct program_any *)(const void *)known->address;
        uint32_t first = program_first_slot(known->kind);
        for (uint32_t i = 0; i < known->slots; i++)
            count += gc_atomic_slot_load_relaxed(&any->slot[first + i]) == address;
    }
    return count;
}

/* Says what keeps it: references, or a count that is too high. */
GC_NORETURN static void fail_complete(
        struct gc_mutator *m, const struct walk *walk, uint32_t id, const char *when)
{
    const struct shadow *shadow = walk->check->shadow;
    struct gc_object *address = shadow->objects[id].address;
    uint64_t due = count_slots(walk, address), count = due;
    if ((walk->check->capabilities & GC_CAP_COUNTS) != 0) count = gc_refcount(m, address);
    if (count != due)
        program_fail(
                "garbage was not reclaimed: %s can't be reached, and is still in the "
                "heap%s; %llu references to it are left, but its count is %llu, %s",
                shadow_name(shadow, id).text, when, (unsigned long long)due,
                (unsigned long long)count, difference(count, due));
    program_fail(
            "garbage was not reclaimed: %s can't be reached, and is still in the heap%s; "
            "it is held by: %s",
            shadow_name(shadow, id).text, when, shadow_holders(shadow, id).text);
}

static void check_complete(struct gc_mutator *m, const struct walk *walk)
{
    struct shadow *shadow = walk->check->shadow;
    uint32_t promises = walk->check->capabilities;
    bool cycles = (promises & GC_CAP_CYCLES) != 0;
    bool reclaims = (promises & GC_CAP_RECLAIMS) != 0;
    uint32_t due = 0; /* the mark of what must be there */
    if (cycles && walk->check->quiesced)
        due = shadow_reach(shadow, 0);
    else if (reclaims && !cycles)
        due = shadow_count_out(shadow);
    for (uint32_t id = 1; id < shadow->count; id++) {
        const struct shadow_object *known = &shadow->objects[id];
        if (!known->alive) continue;
        if (due != 0 && walk->found[id] && !shadow_is(shadow, id, due))
            fail_complete(m, walk, id, cycles ? " after gc_quiesce()" : "");
        bool kept = reclaims ? !cycles && shadow_is(shadow, id, due) : true;
        if (kept && !walk->found[id])
            program_fail(
                    "an object was freed that this collector does not promise to find: "
                    "%s, held by: %s",
                    shadow_name(shadow, id).text, shadow_holders(shadow, id).text);
    }
}

/* After the shadow has learnt what is gone. */
static void check_counts(struct gc_mutator *m, const struct walk *walk)
{
    struct shadow *shadow = walk->check->shadow;
    uint32_t promises = walk->check->capabilities;
    shadow_count(shadow);
    for (uint32_t id = 1; id < shadow->count; id++) {
        const struct shadow_object *known = &shadow->objects[id];
        if (!known->alive) continue;
        bool counts = (promises & GC_CAP_COUNTS) != 0;
        uint64_t count = counts ? gc_refcount(m, known->address) : 0;
        if ((promises & GC_CAP_IMMEDIATE) != 0 && known->degree == 0)
            program_fail(
                    "garbage was not freed at once: nothing refers to %s any more, and "
                    "it is still in the heap%s",
                    shadow_name(shadow, id).text,
                    count > 0 ? "; its count is too high" : "");
        if (counts && count != known->degree)
            program_fail(
                    "a count is %s: %s has count %llu, and %u references to it exist: "
                    "%s",
                    difference(count, known->degree), shadow_name(shadow, id).text,
                    (unsigned long long)count, known->degree,
                    shadow_holders(shadow, id).text);
    }
}

/* --- finalizers and weak references -------------------------------------------------- */

static void check_finalized(const struct walk *walk, uint32_t id, bool is_result)
{
    const struct shadow *shadow = walk->check->shadow;
    const struct shadow_object *known = &shadow->objects[id];
    bool promised = (walk->check->capabilities & GC_CAP_FINALIZERS) != 0;
    if (promised && !walk->found[id] && known->finalized == 0)
        program_fail(
                "a finalizer did not run: %s is gone, and its finalizer has never run",
                shadow_name(shadow, id).text);
    if (promised && !walk->found[id] && known->finalized > 1)
        program_fail("a finalizer ran twice: that of %s, %u times",
                shadow_name(shadow, id).text, known->finalized);
    if (is_result && known->finalized != 0)
        program_fail("a reachable object was finalized: %s was never garbage, but its "
                     "finalizer has run",
                shadow_name(shadow, id).text);
}

static void check_weak(const struct walk *walk, uint32_t id, bool is_result)
{
    const struct shadow *shadow = walk->check->shadow;
    const struct shadow_object *known = &shadow->objects[id];
    const struct gc_weak *weak = (const struct gc_weak *)(const void *)known->address;
    const struct gc_object *is = gc_atomic_load_relaxed(&weak->target);
    const struct shadow_object *target = &shadow->objects[known->target];
    bool gone = !walk->found[known->target];
    if (is != NULL && gone)
        program_fail("a weak reference was left: %s still leads to %s, which is gone",
                shadow_name(shadow, id).text, shadow_name(shadow, known->target).text);
    if (is != NULL && is != target->address)
        program_fail("a weak reference leads to another object: %s to %p, not to %s",
                shadow_name(shadow, id).text, (const void *)is,
                shadow_name(shadow, known->target).text);
    if (is == NULL && !gone && !shadow_may_be_cleared(shadow, id))
        program_fail(
                "a weak reference was cleared too early: %s leads nowhere, but %s is "
                "alive, held by: %s",
                shadow_name(shadow, id).text, shadow_name(shadow, known->target).text,
                shadow_holders(shadow, known->target).text);
    if (is != NULL && known->called != 0)
        program_fail("a callback ran too early: that of %s, before it was cleared",
                shadow_name(shadow, id).text);
    if (is_result && is == NULL && known->has_callback && known->called != 1)
        program_fail(
                "a callback ran %u times, not once: that of %s, whose target is gone",
                known->called, shadow_name(shadow, id).text);
}

static void check_care(const struct walk *walk)
{
    struct shadow *shadow = walk->check->shadow;
    uint32_t result = shadow_reach_places(shadow);
    for (uint32_t id = 1; id < shadow->count; id++) {
        const struct shadow_object *known = &shadow->objects[id];
        if (!known->alive) continue;
        bool is_result = shadow_is(shadow, id, result);
        if (known->kind == PROGRAM_FINALIZED) check_finalized(walk, id, is_result);
        if (known->kind == PROGRAM_WEAK && walk->found[id])
            check_weak(walk, id, is_result);
    }
}

/* --- the result ---------------------------------------------------------------------- */

static uint64_t mix(uint64_t digest, uint64_t value)
{
    digest = (digest ^ value) * UINT64_C(0xff51afd7ed558ccd);
    return digest ^ digest >> 29;
}

/* Of what the places reach: names, kinds, and slots in an order that only the graph
 * decides. The names are read from the heap. */
static uint64_t digest_of(struct shadow *shadow)
{
    uint64_t digest = 1;
    uint32_t mark = shadow_begin(shadow);
    size_t first = 0, end = 0;
    for (int w = 0; w < PROGRAM_WORKERS; w++) {
        for (int i = 0; i < PROGRAM_PLACES; i++) {
            uint32_t id = shadow->places[w][i];
            digest = mix(digest, id != 0 ? shadow->objects[id].name : 0);
            if (id == 0 || shadow->objects[id].mark == mark) continue;
            shadow->objects[id].mark = mark;
            shadow->stack[end++] = id;
        }
    }
    while (first < end) {
        const struct shadow_object *object = &shadow->objects[shadow->stack[first++]];
        digest = mix(digest, (uint64_t)object->kind);
        if (object->kind != PROGRAM_WEAK) {
            uint64_t id = program_tag_of(object->address, object->kind)->id;
            digest = mix(digest, shadow->objects[id].name);
        }
        for (uint32_t i = 0; i < object->slots; i++) {
            uint32_t child = object->slot[i];
            digest = mix(digest, child != 0 ? shadow->objects[child].name : 0);
            if (child == 0 || shadow->objects[child].mark == mark) continue;
            shadow->objects[child].mark = mark;
            shadow->stack[end++] = child;
        }
    }
    return digest;
}

uint64_t program_check(struct gc_mutator *m, const struct program_check *check)
{
    struct shadow *shadow = check->shadow;
    struct walk walk = {
        .check = check,
        .found = calloc(shadow->count, sizeof(bool)),
        .weak = calloc(shadow->count, sizeof(uint32_t)),
    };
    gc_require(walk.found != NULL && walk.weak != NULL, "there is no memory for a check");
    list_weak(&walk);
    walk_heap(m, &walk);
    check_reachable(&walk);
    check_complete(m, &walk);
    check_slots(&walk);
    check_care(&walk);
    for (uint32_t id = 1; id < shadow->count; id++) {
        if (shadow->objects[id].alive && !walk.found[id]) program_trace(0, "misses", id);
        shadow->objects[id].alive = walk.found[id];
    }
    check_counts(m, &walk);
    verify(m, 3); /* last: the shadow says more of what is wrong */
    free(walk.weak);
    free(walk.found);
    return digest_of(shadow);
}
