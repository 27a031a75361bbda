/* SPDX-License-Identifier: MIT */
/* example.c - eager counting; cycles are found by walking the whole heap in a stop.
 *
 * The protocol counts, and frees at once what a count of zero says: only cyclic garbage is
 * left over. A collection copies the counts of all objects that can be in a cycle, and
 * subtracts the references between them. What still has some is held from outside; that, and
 * what it reaches, lives. The rest is garbage: finalized, looked at again, and cleared.
 */
#include "core/collector.h"

struct note { /* in front of every object that can be in a cycle: prefix_bytes */
    struct gc_object *next; /* of the set that is looked at */
    struct gc_object *todo; /* reached, but not looked into */
    int64_t outside;        /* references from elsewhere than the set */
};

enum { ELSEWHERE, IN_SET, REACHED }; /* mark of an object; it is born with the first */

#define for_each(object, set)                                                            \
    for (struct gc_object *object = (set), *next_;                                       \
            object != NULL && (next_ = note_of(object)->next, true); object = next_)

static struct note *note_of(struct gc_object *object)
{
    return (struct note *)(void *)object - 1;
}

static bool is_in_set(struct gc_object *object)
{
    return object != NULL && gc_object_mark(object) == IN_SET;
}

static void add(struct gc_object **set, struct gc_object *object, uint16_t mark)
{
    gc_object_set_mark(object, mark);
    note_of(object)->next = *set;
    *set = object;
}

static bool add_if_cyclic(struct gc_object *object, void *set)
{
    if ((gc_object_state(object) & GC_STATE_CYCLIC) != 0) add(set, object, IN_SET);
    return true;
}

static void subtract(gc_slot *slot, void *argument)
{
    (void)argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (is_in_set(object)) note_of(object)->outside--; /* all rests on this decrement */
}

static void reach(gc_slot *slot, void *argument)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot), **todo = argument;
    if (!is_in_set(object)) return;
    gc_object_set_mark(object, REACHED);
    note_of(object)->todo = *todo;
    *todo = object;
}

/* In a stop: leaves in the set what is garbage, and returns the rest. The first time the set
 * is the whole heap; from then on we hold what stays in it, so that nothing goes by itself. */
static struct gc_object *take_out(
        struct gc_mutator *m, struct gc_object **set, bool is_first)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    struct gc_object *todo = NULL, *garbage = NULL, *survivors = NULL;
    struct gc_weak_queue due = { NULL, NULL };
    uint64_t work = 0;
    gc_stop_begin(m);
    if (is_first) gc_heap_walk_stw(m->heap, add_if_cyclic, set);
    for_each(object, *set) note_of(object)->outside =
            (int64_t)protocol->total(object) - (is_first ? 0 : 1);
    for_each(object, *set) gc_object_trace(object, subtract, NULL);
    for_each(object, *set)
    {
        gc_require(note_of(object)->outside >= 0, "refcount is too small: %p, a %s",
                (void *)object, gc_object_info(object)->type->name);
        if (note_of(object)->outside > 0) reach(&object, &todo);
        for (struct gc_object *at; (at = todo) != NULL;) {
            todo = note_of(at)->todo;
            gc_object_trace(at, reach, &todo);
        }
    }
    for_each(object, *set)
    {
        bool lives = gc_object_mark(object) == REACHED;
        add(lives ? &survivors : &garbage, object, lives ? ELSEWHERE : IN_SET);
        if (is_first && !lives) protocol->take(m, object);
        work++;
    }
    for_each(object, garbage)
    {
        if ((gc_object_state(object) & GC_STATE_WEAK) != 0)
            gc_weak_forget_stw(m->heap, (struct gc_weak *)(void *)object);
        m->counters.weak_cleared += gc_weak_clear_stw(m, object, is_in_set, &due);
    }
    gc_stop_end(m, work);
    *set = garbage;
    gc_weak_run_callbacks(m, due.first);
    return survivors;
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)generation, (void)uncollectable;
    struct gc_object *set = NULL;
    size_t found = 0;
    take_out(m, &set, true);
    for_each(object, set) gc_finalize(m, object);
    struct gc_object *survivors =
            take_out(m, &set, false); /* what finalizers brought back */
    for_each(object, survivors) protocol->drop(m, object);
    for_each(object, set) gc_clear_slots(m, object);
    for_each(object, set)
    {
        gc_object_set_mark(object, ELSEWHERE);
        m->heap->protocol->drop(m, object);
        found++;
    }
    return found;
}

/* Collects when the heap is twice what it was after the last time, and 4 MiB. */
static void on_pressure(struct gc_mutator *m, size_t bytes)
{
    (void)bytes;
    gc_collect_automatic(m, GC_GENERATIONS - 1);
    bytes = gc_atomic_load_relaxed(&m->heap->bytes);
    gc_atomic_store_relaxed(&m->heap->trigger_bytes, 2 * bytes + (4 << 20));
}

static int start(struct gc_heap *heap, struct gc_error *error)
{
    (void)error;
    gc_atomic_store_relaxed(&heap->trigger_bytes, 4 << 20);
    return 0;
}

GC_COLLECTOR(example) = {
    GC_COLLECTOR_HEADER,
    .name = "example",
    .summary = "eager counting; cycles by a walk over the whole heap, in a stop",
    .protocols = { "plain", "atomic" },
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_IMMEDIATE | GC_CAP_CYCLES | GC_CAP_COUNTS |
                    GC_CAP_FINALIZERS | GC_CAP_WEAK,
    .prefix_bytes = sizeof(struct note),
    .start = start,
    .collect = collect,
    .on_pressure = on_pressure,
};
