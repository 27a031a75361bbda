/* SPDX-License-Identifier: MIT */
/* trial_deletion.c - cycles by trial deletion from candidates, all in one stop.
 * [BaconRajan01] synchronous cycle collection, iterative; all candidates at once.
 *
 * References inside of what the candidates reach are taken off the counts: what then has a
 * count is held from outside, and gets all of it back, with what it reaches. The rest is
 * garbage. Between collections every mark is BLACK, and every count is exact.
 */
#include "core/collector.h"
#include "core/home.h"

enum { BLACK, GRAY, WHITE, GARBAGE }; /* mark of an object */
enum { ROUNDS = 4 };                  /* of finalizers in one collection */

struct note {               /* in front of what can be in a cycle: prefix_bytes */
    struct gc_object *todo; /* grayed or whitened, not yet looked into; then: garbage */
    struct gc_object *lift; /* blackened again, not yet looked into */
    struct gc_links links;  /* the protocol's */
};

struct trial {
    struct gc_mutator *m;
    struct gc_object *todo, *lift, *garbage; /* lists by the notes */
    uint32_t states;                         /* of the garbage, or-ed */
    uint64_t objects, slots;                 /* that were looked at */
};

static struct note *note_of(struct gc_object *object)
{
    return (struct note *)(void *)object - 1;
}

static struct gc_object *candidate_of(struct gc_links *links)
{
    return (struct gc_object *)(void *)(links + 1);
}

/* What the slot refers to, if that can be in a cycle; NULL otherwise. */
static struct gc_object *child_of(struct trial *trial, gc_slot *slot)
{
    struct gc_object *child = gc_atomic_slot_load_relaxed(slot);
    trial->slots++;
    bool is_cyclic = child != NULL && (gc_object_state(child) & GC_STATE_CYCLIC) != 0;
    return is_cyclic ? child : NULL;
}

static void change_count(struct gc_object *object, uint64_t change)
{
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_atomic_store_relaxed(&object->count, count + change);
}

static void push(struct trial *trial, struct gc_object *object, uint16_t mark)
{
    gc_object_set_mark(object, mark);
    note_of(object)->todo = trial->todo;
    trial->todo = object;
}

static struct gc_object *pop(struct trial *trial)
{
    struct gc_object *object = trial->todo;
    if (object != NULL) trial->todo = note_of(object)->todo;
    trial->objects += object != NULL;
    return object;
}

/* --- MarkRoots, MarkGray -------------------------------------------------------------- */

static void subtract(gc_slot *slot, void *argument)
{
    struct gc_object *child = child_of(argument, slot);
    if (child == NULL) return;
    gc_require(gc_atomic_load_relaxed(&child->count) != 0,
            "refcount is too small: %p, a %s", (void *)child,
            gc_object_info(child)->type->name);
    change_count(child, (uint64_t)-1);
    if (gc_object_mark(child) != GRAY) push(argument, child, GRAY);
}

static void mark_gray(struct trial *trial, struct gc_object *root)
{
    if (gc_object_mark(root) != GRAY) push(trial, root, GRAY);
    for (struct gc_object *o; (o = pop(trial)) != NULL;)
        gc_object_trace(o, subtract, trial);
}

/* --- ScanRoots, Scan, ScanBlack ------------------------------------------------------- */

static void lift(struct trial *trial, struct gc_object *object)
{
    gc_object_set_mark(object, BLACK);
    note_of(object)->lift = trial->lift;
    trial->lift = object;
}

static void restore_black(gc_slot *slot, void *argument)
{
    struct gc_object *child = child_of(argument, slot);
    if (child == NULL) return;
    change_count(child, 1);
    if (gc_object_mark(child) != BLACK) lift(argument, child);
}

static void scan_one(struct trial *trial, struct gc_object *object)
{
    if (gc_object_mark(object) != GRAY) return;
    if (gc_atomic_load_relaxed(&object->count) == 0) {
        push(trial, object, WHITE);
        return;
    }
    lift(trial, object);
    for (struct gc_object *o; (o = trial->lift) != NULL;) {
        trial->lift = note_of(o)->lift;
        gc_object_trace(o, restore_black, trial);
    }
}

static void scan_child(gc_slot *slot, void *argument)
{
    struct gc_object *child = child_of(argument, slot);
    if (child != NULL) scan_one(argument, child);
}

static void scan(struct trial *trial, struct gc_object *root)
{
    scan_one(trial, root);
    for (struct gc_object *o; (o = pop(trial)) != NULL;) /* black: lifted meanwhile */
        if (gc_object_mark(o) == WHITE) gc_object_trace(o, scan_child, trial);
}

/* --- CollectRoots, CollectWhite ------------------------------------------------------- */

/* Counts are to be exact when others look at them again. */
static void restore_white(gc_slot *slot, void *argument)
{
    struct gc_object *child = child_of(argument, slot);
    if (child == NULL) return;
    change_count(child, 1);
    if (gc_object_mark(child) == WHITE) push(argument, child, GARBAGE);
}

static void collect_white(struct trial *trial, struct gc_object *root)
{
    if (gc_object_mark(root) == WHITE) push(trial, root, GARBAGE);
    for (struct gc_object *o; (o = pop(trial)) != NULL;) {
        note_of(o)->todo = trial->garbage;
        trial->garbage = o;
        trial->states |= gc_object_state(o);
        gc_object_trace(o, restore_white, trial);
    }
}

/* --- a collection ---------------------------------------------------------------------- */

static bool is_garbage(struct gc_object *object)
{
    return gc_object_mark(object) == GARBAGE;
}

/* In a stop. What is found is held by us then, with no weak reference to it, if finalizers or
 * callbacks could meet it. Returns whether they could. */
static bool find_garbage(struct trial *trial, struct gc_weak_queue *due)
{
    struct gc_mutator *m = trial->m;
    struct gc_links *roots = m->heap->protocol_data;
    for (struct gc_links *at = roots->next; at != roots; at = at->next)
        mark_gray(trial, candidate_of(at));
    for (struct gc_links *at = roots->next; at != roots; at = at->next)
        scan(trial, candidate_of(at));
    while (!gc_list_is_empty(roots)) {
        struct gc_object *root = candidate_of(roots->next);
        gc_list_unlink(roots->next);
        gc_atomic_store_relaxed(&root->noted, 0);
        collect_white(trial, root);
    }
    if ((trial->states & GC_STATE_CARE) == 0) return false;
    for (struct gc_object *o = trial->garbage; o != NULL; o = note_of(o)->todo) {
        m->heap->protocol->hold(m, o);
        if ((gc_object_state(o) & GC_STATE_WEAK) != 0)
            gc_weak_forget_stw(m->heap, (struct gc_weak *)(void *)o);
        m->counters.weak_cleared += gc_weak_clear_stw(m, o, is_garbage, due);
    }
    return true;
}

static void drop_leaving(gc_slot *slot, void *argument)
{
    struct gc_mutator *m = argument;
    struct gc_object *child = gc_atomic_slot_load_relaxed(slot);
    if (child == NULL || is_garbage(child)) return;
    gc_atomic_slot_store_relaxed(slot, NULL);
    m->heap->protocol->drop(m, child);
}

/* Frees garbage that nobody can meet: only the references that leave it are counted. */
static size_t free_all(struct gc_mutator *m, struct gc_object *garbage)
{
    size_t n = 0;
    for (struct gc_object *o = garbage; o != NULL; o = note_of(o)->todo)
        gc_object_trace(o, drop_leaving, m);
    for (struct gc_object *o = garbage, *next; o != NULL; o = next, n++) {
        next = note_of(o)->todo;
        gc_discard(m, o);
    }
    gc_budget_credit(m, n);
    m->counters.freed_by_cycle += n;
    return n;
}

/* Gives up what we hold; what nothing else holds dies of that, the rest is a candidate. */
static size_t let_go(struct gc_mutator *m, struct gc_object *garbage)
{
    size_t n = 0;
    for (struct gc_object *o = garbage, *next; o != NULL; o = next, n++) {
        next = note_of(o)->todo;
        gc_object_set_mark(o, BLACK);
        m->heap->protocol->drop(m, o);
    }
    return n;
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)generation, (void)uncollectable;
    for (int round = 0; round < ROUNDS; round++) {
        struct trial trial = { .m = m };
        struct gc_weak_queue due = { NULL, NULL };
        gc_stop_begin(m);
        bool care = find_garbage(&trial, &due);
        gc_stop_end(m, trial.slots);
        m->counters.visited_objects += trial.objects;
        m->counters.visited_edges += trial.slots;
        if (!care) return free_all(m, trial.garbage);
        gc_weak_run_callbacks(m, due.first);
        uint64_t before = m->counters.finalizers;
        for (struct gc_object *o = trial.garbage; o != NULL; o = note_of(o)->todo)
            gc_finalize(m, o);
        if (m->counters.finalizers == before) { /* nobody can have brought one back */
            for (struct gc_object *o = trial.garbage; o != NULL; o = note_of(o)->todo)
                gc_clear_slots(m, o);
            return let_go(m, trial.garbage);
        }
        let_go(m, trial.garbage); /* and look again */
    }
    return 0;
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

GC_COLLECTOR(trial_deletion) = {
    GC_COLLECTOR_HEADER,
    .name = "trial_deletion",
    .summary = "eager counting; cycles by trial deletion from candidates, in a stop",
    .paper = "BaconRajan01",
    .protocols = { "plain_candidates" },
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_IMMEDIATE | GC_CAP_CYCLES | GC_CAP_COUNTS |
                    GC_CAP_FINALIZERS | GC_CAP_WEAK,
    .prefix_bytes = sizeof(struct note),
    .start = start,
    .collect = collect,
    .on_pressure = on_pressure,
};
