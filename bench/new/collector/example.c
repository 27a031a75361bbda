/* SPDX-License-Identifier: MIT */
/* example.c - eager counting; cycles are found by walking the whole heap in a stop.
 *
 * A count of zero frees at once. For cycles, a collection copies the counts of all objects
 * that can be in one, and subtracts the references between them: what still has some is held
 * from outside, and lives, with all that it reaches. The rest is finalized and cleared. */
#include "core/collector.h"

struct note { /* in front of every object that can be in a cycle: prefix_bytes */
    struct gc_object *next; /* of the set that is looked at */
    struct gc_object *todo; /* reached, but not looked into */
    int64_t outside;        /* references from elsewhere than the set */
};
enum { ELSEWHERE, IN_SET, REACHED }; /* mark of an object; it is born with the first */
struct set {
    const struct gc_protocol *protocol;
    uint16_t from; /* the mark that its members had before */
    struct gc_object *first, *todo;
    uint64_t work; /* slots that were looked at */
};

static struct note *note_of(struct gc_object *object)
{
    return (struct note *)(void *)object - 1;
}

static bool is_in_set(struct gc_object *object)
{
    return object != NULL && gc_object_mark(object) == IN_SET;
}

static bool add(struct gc_object *object, void *argument)
{
    struct set *set = argument;
    if ((gc_object_state(object) & GC_STATE_CYCLIC) == 0) return true;
    if (gc_object_mark(object) != set->from) return true;
    gc_object_set_mark(object, IN_SET);
    *note_of(object) =
            (struct note){ set->first, NULL, (int64_t)set->protocol->total(object) };
    set->first = object;
    return true;
}

static void subtract(gc_slot *slot, void *argument)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    ((struct set *)argument)->work++;
    if (is_in_set(object)) note_of(object)->outside--; /* all rests on this decrement */
}

static void reach(gc_slot *slot, void *argument)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    struct set *set = argument;
    if (!is_in_set(object)) return;
    gc_object_set_mark(object, REACHED);
    note_of(object)->todo = set->todo;
    set->todo = object;
}

/* In a stop: returns what is garbage among the objects with the mark `from`. It is held by us
 * then, so that nothing goes by itself, and no weak reference leads to it. */
static struct set find_garbage(struct gc_mutator *m, uint16_t from)
{
    struct set set = { .protocol = m->heap->protocol, .from = from };
    struct gc_weak_queue due = { NULL, NULL };
    gc_stop_begin(m);
    gc_heap_walk_stw(m->heap, add, &set);
    for (struct gc_object *o = set.first; o != NULL; o = note_of(o)->next)
        gc_object_trace(o, subtract, &set);
    for (struct gc_object *o = set.first, *at; o != NULL; o = note_of(o)->next) {
        gc_require(note_of(o)->outside >= 0, "refcount is too small: %p, a %s", (void *)o,
                gc_object_info(o)->type->name);
        if (note_of(o)->outside > 0) reach(&o, &set);
        for (; (at = set.todo) != NULL; gc_object_trace(at, reach, &set))
            set.todo = note_of(at)->todo;
    }
    for (struct gc_object **link = &set.first, *o; (o = *link) != NULL;) {
        if (is_in_set(o)) {
            set.protocol->hold(m, o);
            if ((gc_object_state(o) & GC_STATE_WEAK) != 0)
                gc_weak_forget_stw(m->heap, (struct gc_weak *)(void *)o);
            gc_weak_clear_stw(m, o, from == ELSEWHERE ? is_in_set : NULL, &due);
            link = &note_of(o)->next;
        } else { /* it lives */
            gc_object_set_mark(o, ELSEWHERE);
            *link = note_of(o)->next;
        }
    }
    gc_stop_end(m, set.work);
    gc_weak_run_callbacks(m, due.first);
    return set;
}

/* Gives up what we held, with a mark; what nothing else holds dies of that. */
static size_t let_go(struct gc_mutator *m, struct gc_object *list, uint16_t mark)
{
    size_t n = 0;
    for (struct gc_object *next; list != NULL; list = next, n++) {
        next = note_of(list)->next;
        gc_object_set_mark(list, mark);
        m->heap->protocol->drop(m, list);
    }
    return n;
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)generation, (void)uncollectable;
    struct set garbage = find_garbage(m, ELSEWHERE);
    uint64_t before = m->counters.finalizers;
    for (struct gc_object *o = garbage.first; o != NULL; o = note_of(o)->next)
        gc_finalize(m, o);
    if (m->counters.finalizers > before) { /* they may have brought some back */
        let_go(m, garbage.first, IN_SET);
        garbage = find_garbage(m, IN_SET);
    }
    for (struct gc_object *o = garbage.first; o != NULL; o = note_of(o)->next)
        gc_clear_slots(m, o);
    return let_go(m, garbage.first, ELSEWHERE);
}

/* Collects when the heap is twice what it was after the last time, and 4 MiB. */
static void on_pressure(struct gc_mutator *m, size_t bytes)
{
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
    .protocols = { "plain", "atomic", "biased" },
    .other_protocols = GC_PROTOCOL_COUNTED,
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_IMMEDIATE | GC_CAP_CYCLES | GC_CAP_COUNTS |
                    GC_CAP_FINALIZERS | GC_CAP_WEAK,
    .prefix_bytes = sizeof(struct note),
    .start = start,
    .collect = collect,
    .on_pressure = on_pressure,
};
