/* SPDX-License-Identifier: MIT */
/* make.h - objects are made, in a heap that is as scarce as the settings say; and what
 * is done to the heap around that, to stress it.
 *
 * Included by execute.c alone, once per protocol.
 */
#ifndef TESTS_PROGRAM_MAKE_H
#define TESTS_PROGRAM_MAKE_H

#include "core/heap.h"
#include "core/protocol.h"
#include "core/safepoint.h"
#include "tests/program/act.h"

/* --- a heap without room ------------------------------------------------------------- */

/* From now on the heap has no more blocks than it is given: `room` at first. */
static void begin_scarcity(struct run *run)
{
    if (run->settings.room == 0) return;
    gc_heap_set_limit(run->heap, (size_t)run->settings.room * GC_BLOCK_BYTES);
}

static void end_scarcity(struct run *run)
{
    gc_heap_set_limit(run->heap, 0);
}

/* Two full collections came before a refusal. So there is none where further ones make room,
 * unless code of the program ran in the last of the two, which may have left something to be found, or
 * runs in these. */
static void check_refusal(struct run *run, struct gc_mutator *m, size_t bytes)
{
    const struct gc_heap *heap = m->heap;
    size_t limit = gc_heap_limit(heap);
    if (!is_one_thread(run) || called_so_far(run) != run->called ||
            gc_atomic_load_relaxed(&heap->bytes) + bytes <= limit)
        return;
    uint64_t called = run->called; /* each of the collections sets it anew */
    gc_quiesce(m);
    if (called_so_far(run) == called &&
            gc_atomic_load_relaxed(&heap->bytes) + bytes <= limit)
        program_fail(
                "an allocation of %zu bytes was refused, although a collection makes "
                "room for it",
                bytes);
}

/* The heap's on_exhausted: what collections made no room for gets it. So the heap is as
 * small as it can be all along. Any thread. */
static void give_room(struct gc_mutator *m, size_t bytes, void *argument)
{
    struct run *run = argument;
    if (run->settings.room == 0) return;
    check_refusal(run, m, bytes);
    gc_atomic_fetch_add_relaxed(&run->given, 1);
    size_t taken = gc_atomic_load_relaxed(&m->heap->bytes);
    size_t limit = gc_heap_limit(m->heap);
    /* where that would have been enough, a region is to be made, which wants more */
    gc_heap_set_limit(m->heap, bytes + (taken + bytes > limit ? taken : limit));
}

/* A call was refused. It may be where the heap is scarce, and else once for the allocation that is
 * made to fail. It is made again. Any thread. */
static void try_again(struct actor *x, const char *what)
{
    struct run *run = x->run;
    if (run->settings.room != 0) return;
    bool first = gc_atomic_fetch_add_relaxed(&run->refusals, 1) == 0;
    if (run->settings.fail == 0 || !first) program_fail("%s", what);
}

/* Before an allocation: a collection, where it is time for one. */
static void collect_often(struct actor *x)
{
    uint32_t every = x->run->settings.collect;
    if (every == 0 || x->operation == 0) return;
    uint32_t n = ++x->run->allocations[x->thread];
    if (n % every != 0) return;
    if (gc_collect(x->m, (int)(n / every % 3)) < 0)
        program_fail("gc_collect() returns an error");
}

/* --- counts -------------------------------------------------------------------------- */

/* What must be dropped when the world runs again: it was the last reference. */
enum { MERGED_LAST = 64 };
struct merging {
    struct gc_mutator *m;
    struct gc_object *last[MERGED_LAST];
    uint32_t count;
};

/* World stopped. hold() merges an object's count, as it does for a collection; then the
 * reference is given up again. */
static bool merge_one(struct gc_object *object, void *argument)
{
    struct merging *merging = argument;
    const struct gc_protocol *protocol = merging->m->heap->protocol;
    if (merging->count == MERGED_LAST) return false;
    protocol->hold(merging->m, object);
    if (!protocol->drop_unless_last(merging->m, object))
        merging->last[merging->count++] = object;
    return true;
}

/* After an operation: all counts become what they are when other threads have references too,
 * where it is time for that. */
static void merge_often(struct actor *x)
{
    uint32_t every = x->run->settings.merge;
    const struct gc_protocol *protocol = x->run->heap->protocol;
    if (every == 0 || x->operation % every != 0 || protocol->hold == NULL) return;
    struct merging merging = { .m = x->m };
    gc_stop_begin(x->m);
    gc_heap_walk_stw(x->run->heap, merge_one, &merging);
    gc_stop_end_unlogged(x->m);
    for (uint32_t i = 0; i < merging.count; i++)
        protocol->drop(x->m, merging.last[i]);
}

/* --- objects ------------------------------------------------------------------------- */

/* temp = a new object; the temp is empty. */
static void make(struct actor *x, struct scope *s, int t, enum program_kind kind,
        uint32_t slots, uint32_t bytes)
{
    const struct gc_type *type = program_types[kind];
    struct shadow *shadow = &x->run->shadow;
    collect_often(x);
    if (kind == PROGRAM_ARRAY || kind == PROGRAM_LEAF_ARRAY) {
        bytes += sizeof(struct program_tag);
        while (!gc_new_array(x->m, &s->temps.at[t], type, slots, bytes))
            try_again(x, "an array can't be made");
    } else {
        slots = kind == PROGRAM_IRREGULAR ? 3 : type->slots;
        while (!gc_new(x->m, &s->temps.at[t], type))
            try_again(x, "an object can't be made");
    }
    struct gc_object *object = &s->temps.at[t]->header;
    shadow_lock(x->run);
    uint32_t id = shadow_new(shadow, kind, slots, object);
    shadow->objects[id].name = next_name(x);
    s->shadow.id[t] = id;
    shadow_unlock(x->run);
    *program_tag_of(object, kind) =
            (struct program_tag){ .id = id, .canary = program_canary(id) };
    program_trace(x->thread, "makes", id);
    life_tell(x->run, id, "it is made");
}

static void make_finalized(struct actor *x, struct scope *s, int t, uint32_t behaviour)
{
    make(x, s, t, PROGRAM_FINALIZED, 3, 0);
    shadow_lock(x->run);
    x->run->shadow.objects[s->shadow.id[t]].behaviour =
            (enum program_behaviour)(behaviour % PROGRAM_BEHAVIOURS);
    shadow_unlock(x->run);
}

static int call_back(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data);

/* `tag` = a new weak reference to what `target` holds; its data says which one it is. */
static void make_weak(
        struct actor *x, struct scope *s, int target, int tag, bool has_callback)
{
    struct shadow *shadow = &x->run->shadow;
    make(x, s, tag, PROGRAM_NODE2, 2, 0);
    gc_weak_fn callback = has_callback ? call_back : NULL;
    while (!gc_new_weak(
            x->m, &s->temps.weak, s->temps.at[target], callback, s->temps.at[tag]))
        try_again(x, "a weak reference can't be made");
    shadow_lock(x->run);
    uint32_t id = shadow_new(shadow, PROGRAM_WEAK, 1, &s->temps.weak->header);
    struct shadow_object *object = &shadow->objects[id];
    object->name = next_name(x);
    object->slot[0] = s->shadow.id[tag];
    object->target = s->shadow.id[target];
    object->made_at = ++shadow->clock;
    object->by_finalizer = x->operation == 0;
    object->has_callback = has_callback;
    shadow->objects[s->shadow.id[tag]].weak = id;
    s->shadow.id[WEAK] = id;
    shadow_unlock(x->run);
    shadow_lock(x->run);
    s->shadow.id[tag] = id;
    s->shadow.id[WEAK] = 0;
    shadow_unlock(x->run);
    gc_move(x->m, &s->temps.at[tag], &s->temps.weak);
    program_trace(x->thread, "makes", id);
    life_tell(x->run, id, "it is made");
}

#endif
