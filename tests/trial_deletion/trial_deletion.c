/* SPDX-License-Identifier: MIT */
/* trial_deletion.c - cycles by trial deletion from all candidates at once, in one stop.
 * [BR01] synchronous cycle collection, without recursion.
 * References inside of what the candidates reach are taken off the counts: what then has a
 * count is held from outside, and gets it back, with all that it reaches. */
#include "core/collector.h"
#include "core/home.h"
#include "plain_candidates.h"

enum { BLACK, GRAY, WHITE, GARBAGE, ROUNDS = 4 }; /* marks; how often finalizers run */
struct note {               /* in front of what can be in a cycle: prefix_bytes */
    struct gc_object *todo; /* painted, but not looked into; then the list of garbage */
    struct gc_object *lift; /* the same, of what turns black again */
    struct gc_links links;  /* the protocol's */
};

struct trial {
    struct gc_object *todo, *lift, *garbage; /* lists by the notes */
    uint32_t states;                         /* of the garbage, or-ed */
    uint64_t objects, slots;                 /* that were looked at */
};

static struct note *note_of(struct gc_object *object)
{
    return (struct note *)(void *)object - 1;
}

static void paint(struct trial *trial, struct gc_object *object, uint16_t mark)
{
    gc_object_set_mark(object, mark);
    note_of(object)->todo = trial->todo;
    trial->todo = object;
}

/* Looks into what was painted, unless it has another mark by now. */
static inline void drain(struct trial *trial, uint16_t mark, gc_visit_fn visit)
{
    for (struct gc_object *o; (o = trial->todo) != NULL; trial->objects++) {
        trial->todo = note_of(o)->todo;
        if (gc_object_mark(o) != mark) continue;
        gc_object_trace(o, visit, trial);
        if (mark != GARBAGE) continue;
        note_of(o)->todo = trial->garbage;
        trial->garbage = o;
        trial->states |= gc_object_state(o);
    }
}

/* What the slot refers to, with a changed count; NULL if that can't be in a cycle. */
static inline struct gc_object *child_of(void *trial, gc_slot *slot, uint64_t change)
{
    struct gc_object *child = gc_atomic_slot_load_relaxed(slot);
    ((struct trial *)trial)->slots++;
    if (child == NULL || (gc_object_state(child) & GC_STATE_CYCLIC) == 0) return NULL;
    if (change == 0) return child; /* or a DEAD candidate, whose slots count */
    uint64_t count = gc_atomic_load_relaxed(&child->count) + change;
    gc_require((count & GC_COUNT_DEAD) == 0, "refcount is too small: %p, a %s",
            (void *)child, gc_object_info(child)->type->name);
    gc_atomic_store_relaxed(&child->count, count);
    return child;
}

static void mark_gray(gc_slot *slot, void *trial)
{
    struct gc_object *child = child_of(trial, slot, UINT64_MAX);
    if (child != NULL && gc_object_mark(child) != GRAY) paint(trial, child, GRAY);
}

static void lift(struct trial *trial, struct gc_object *object)
{
    gc_object_set_mark(object, BLACK);
    note_of(object)->lift = trial->lift;
    trial->lift = object;
}

static void scan_black(gc_slot *slot, void *trial)
{
    struct gc_object *child = child_of(trial, slot, 1);
    if (child != NULL && gc_object_mark(child) != BLACK) lift(trial, child);
}

static void scan(gc_slot *slot, void *argument)
{
    struct trial *trial = argument;
    struct gc_object *child = child_of(trial, slot, 0);
    if (child == NULL || gc_object_mark(child) != GRAY) return;
    if (gc_atomic_load_relaxed(&child->count) == 0)
        paint(trial, child, WHITE);
    else
        lift(trial, child);
    for (struct gc_object *o; (o = trial->lift) != NULL;) {
        trial->lift = note_of(o)->lift;
        gc_object_trace(o, scan_black, trial);
    }
}

/* The counts of garbage are restored, too: it will be looked at by others. */
static void collect_white(gc_slot *slot, void *trial)
{
    struct gc_object *child = child_of(trial, slot, 1);
    if (child != NULL && gc_object_mark(child) == WHITE) paint(trial, child, GARBAGE);
}

/* MarkRoots, ScanRoots, CollectRoots. In a stop. No candidate is left. */
static void find_garbage(struct gc_mutator *m, struct trial *t, struct gc_links *roots)
{
    gc_collection_at(m, "marks gray");
    for (struct gc_links *at = roots->next; at != roots; at = at->next)
        paint(t, gc_links_object(at), GRAY);
    drain(t, GRAY, mark_gray);
    gc_collection_at(m, "scans");
    for (struct gc_links *at = roots->next; at != roots; at = at->next)
        scan(&(gc_slot){ gc_links_object(at) }, t);
    drain(t, WHITE, scan);
    gc_collection_at(m, "collects white");
    while (!gc_list_is_empty(roots)) {
        struct gc_object *root = gc_links_object(roots->next);
        gc_list_unlink(roots->next);
        gc_atomic_store_relaxed(&root->noted, 0);
        if (gc_object_mark(root) == WHITE) paint(t, root, GARBAGE);
    }
    drain(t, GARBAGE, collect_white);
}

static bool is_garbage(struct gc_object *object)
{
    return gc_object_mark(object) == GARBAGE;
}

/* In a stop: code can meet the garbage. We hold it from now on, no weak reference leads to it. */
static struct gc_weak *hold(struct gc_mutator *m, struct gc_object *o, gc_is_dead_fn dead)
{
    struct gc_weak_queue due = { NULL, NULL };
    for (; o != NULL; o = note_of(o)->todo) {
        m->heap->protocol->hold(m, o);
        if ((gc_object_state(o) & GC_STATE_WEAK) != 0)
            gc_weak_forget_stw(m->heap, (struct gc_weak *)(void *)o);
        m->counters.weak_cleared += gc_weak_clear_stw(m, o, dead, &due);
    }
    return due.first;
}

/* What nothing else holds dies of that; the rest is a candidate, in `again` unless NULL. */
static size_t let_go(struct gc_mutator *m, struct gc_object *o, struct gc_links *again)
{
    size_t n = 0;
    for (struct gc_object *next; o != NULL; o = next, n++) {
        next = note_of(o)->todo;
        gc_object_set_mark(o, BLACK);
        if (again != NULL && gc_atomic_load_relaxed(&o->noted) == 0)
            gc_candidates_add(m, o);
        if (again != NULL) gc_list_move(again, gc_links_of(o));
        m->heap->protocol->drop(m, o);
    }
    return n;
}

static void drop_leaving(gc_slot *slot, void *m)
{
    struct gc_object *child = gc_atomic_slot_load_relaxed(slot);
    if (child == NULL || is_garbage(child)) return;
    gc_atomic_slot_store_relaxed(slot, NULL);
    ((struct gc_mutator *)m)->heap->protocol->drop(m, child);
}

/* No code can meet the garbage: only the references that leave it count. */
static size_t free_all(struct gc_mutator *m, struct gc_object *garbage)
{
    size_t n = 0;
    for (struct gc_object *o = garbage; o != NULL; o = note_of(o)->todo)
        gc_object_trace(o, drop_leaving, m);
    for (struct gc_object *o = garbage, *next; o != NULL; o = next, n++) {
        next = note_of(o)->todo;
        gc_discard(m, o);
    }
    m->counters.freed_by_cycle += n;
    return n;
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)generation, (void)uncollectable;
    struct gc_links roots;
    gc_list_init(&roots);
    for (int round = 1;; round++) {
        struct trial trial = { .todo = NULL };
        gc_stop_begin(m);
        if (round == 1)
            gc_for_each_mutator (home, m->heap)
                gc_list_merge(&roots, (struct gc_links *)(void *)home->protocol_area);
        find_garbage(m, &trial, &roots);
        bool care = (trial.states & GC_STATE_CARE) != 0 || round > 1;
        struct gc_object *garbage = trial.garbage;
        struct gc_weak *due =
                care ? hold(m, garbage, round == 1 ? is_garbage : NULL) : NULL;
        gc_stop_end(m, trial.slots);
        m->counters.visited_objects += trial.objects;
        m->counters.visited_edges += trial.slots;
        if (!care) return free_all(m, garbage);
        gc_weak_run_callbacks(m, due);
        uint64_t before = m->counters.finalizers;
        for (struct gc_object *o = garbage; o != NULL; o = note_of(o)->todo)
            gc_finalize(m, o);
        bool is_sure = m->counters.finalizers == before; /* nobody has brought one back */
        for (struct gc_object *o = garbage; o != NULL && is_sure; o = note_of(o)->todo)
            gc_clear_slots(m, o);
        if (is_sure || round == ROUNDS) return let_go(m, garbage, NULL);
        let_go(m, garbage, &roots);
    }
}

/* Collects when the heap is a half more than after the last time, and 4 MiB. */
static void on_pressure(struct gc_mutator *m, size_t bytes)
{
    gc_collect_automatic(m, GC_GENERATIONS - 1);
    bytes = gc_atomic_load_relaxed(&m->heap->bytes);
    gc_atomic_store_relaxed(&m->heap->trigger_bytes, bytes + bytes / 2 + (4 << 20));
}

static int start(struct gc_heap *heap, struct gc_error *error)
{
    (void)error;
    gc_atomic_store_relaxed(&heap->trigger_bytes, 4 << 20);
    return 0;
}

static const struct gc_field fields[] = {
    { "colour", GC_FIELD_MARK, 0, 16, 0, "black|gray|white|garbage" }, GC_FIELD_END
};

GC_COLLECTOR(trial_deletion) = { GC_COLLECTOR_HEADER, .name = "trial_deletion",
    .summary = "eager counting; cycles by trial deletion from candidates, in a stop",
    .paper = "BR01", .protocols = { "plain_candidates" },
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_IMMEDIATE | GC_CAP_CYCLES | GC_CAP_COUNTS |
                    GC_CAP_FINALIZERS | GC_CAP_WEAK,
    .prefix_bytes = sizeof(struct note), .start = start, .collect = collect,
    .on_pressure = on_pressure, .fields = fields };
