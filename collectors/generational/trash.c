/* SPDX-License-Identifier: MIT */
/* trash.c - steps 9 to 13: weak references, finalizers, resurrection, clear.
 *
 * Between its stops the world runs, and finalizers, callbacks and clear functions are
 * arbitrary code. Where none of them can meet the trash it is freed in bulk: nobody else
 * has a reference into it, so only the edges that leave it need counting. Otherwise each
 * member is held by a counted reference from the stop that found it on; then only who gives
 * the hold back, by protocol->kill(), can end it, and the list of trash is the collector's
 * alone, whatever other mutators do.
 *
 * Invariants: (R1) who is marked MARK_TRASH, by detection, is in state->trash, or in a list
 *                  of this file's.
 *             (R2) in careful burials each of them counts one reference of the collector's.
 */
#include "collectors/generational/generational.h"
#include "core/home.h"
#include "core/mutant.h"
#include "core/os.h"

static bool is_trash(struct gc_object *object)
{
    return gc_object_mark(object) == MARK_TRASH;
}

/* (R2) */
static void hold_stw(struct gc_mutator *m, struct gc_links *trash)
{
    if (gc_broken(HOLD)) return;
    for (struct gc_links *at = trash->next; at != trash; at = at->next)
        m->heap->protocol->hold(m, gc_links_object(at));
}

/* Step 9: a weak reference in the trash is cleared; those to the trash are, and the
 * callbacks of those that are not trash themselves are due. World stopped. */
static struct gc_weak *clear_weak_stw(struct gc_mutator *m, struct gc_links *trash)
{
    struct gc_weak_queue due = { NULL, NULL };
    if (gc_broken(TRASH_WEAK_CLEARED)) return NULL;
    for (struct gc_links *at = trash->next; at != trash; at = at->next) {
        struct gc_object *object = gc_links_object(at);
        if ((gc_object_state(object) & GC_STATE_WEAK) != 0)
            gc_weak_forget_stw(m->heap, (struct gc_weak *)(void *)object);
        m->counters.weak_cleared += gc_weak_clear_stw(m, object, is_trash, &due);
    }
    return due.first;
}

/* --- in bulk ----------------------------------------------------------------------------- */

/* A reference from the trash to what is none. */
static void drop_leaving_slot(gc_slot *slot, void *argument)
{
    struct gc_mutator *m = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL || is_trash(object) || gc_broken(LEAVING_DROPPED)) return;
    gc_atomic_slot_store_relaxed(slot, NULL);
    m->heap->protocol->drop(m, object);
}

/* Drops that may run code come first, while every member is still whole; then the members
 * go without a look at their counts. World running. */
static void bury_in_bulk(struct gc_mutator *m, struct gc_links *trash, size_t count)
{
    for (struct gc_links *at = trash->next; at != trash; at = at->next)
        gc_object_trace(gc_links_object(at), drop_leaving_slot, m);
    for (struct gc_links *at = trash->next, *next; at != trash; at = next) {
        next = at->next;
        at->next = NULL;
        gc_discard(m, gc_links_object(at));
    }
    gc_list_init(trash);
    gc_budget_credit(m, count);
    m->counters.freed_by_cycle += count;
}

/* --- in bulk, by the owners -------------------------------------------------------------- */

/* One home's part of the trash: its members go in the stop, by who is near to them. What
 * leaves it and could die by being dropped, or is of another home, is kept in a box, and is
 * dropped by the collector when the world runs. */
struct leaving {
    struct gc_mutator *home;
    struct detect_worker *worker;
    bool full; /* there was no room in the box */
};

static void keep_leaving_slot(gc_slot *slot, void *argument)
{
    struct leaving *leaving = argument;
    struct gc_mutator *home = leaving->home;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL || is_trash(object)) return;
    if (gc_block_of(object)->home != home ||
            !home->heap->protocol->drop_unless_last(home, object)) {
        if (leaving->worker->sent[0] == DETECT_BOX_ENTRIES) {
            leaving->full = true;
            return;
        }
        leaving->worker->boxes[0][leaving->worker->sent[0]++] = object;
    }
    gc_atomic_slot_store_relaxed(slot, NULL);
}

static void keep_leaving_part(struct gc_mutator *home, void *argument)
{
    (void)argument;
    struct leaving leaving = { .home = home, .worker = detect_worker_of_home(home) };
    struct gc_links *trash = &leaving.worker->trash;
    for (struct gc_links *at = trash->next; at != trash; at = at->next)
        gc_object_trace(gc_links_object(at), keep_leaving_slot, &leaving);
    leaving.worker->overflowed = leaving.full;
}

static void free_part(struct gc_mutator *home, void *argument)
{
    (void)argument;
    struct detect_worker *worker = detect_worker_of_home(home);
    struct gc_links *trash = &worker->trash;
    for (struct gc_links *at = trash->next, *next; at != trash; at = next) {
        next = at->next;
        at->next = NULL;
        gc_cell_free(gc_links_object(at));
    }
    gc_list_init(trash);
    gc_budget_credit(home, worker->found);
    home->counters.freed_by_cycle += worker->found;
}

static bool has_trash(struct gc_mutator *home, void *argument)
{
    (void)argument;
    return !gc_list_is_empty(&detect_worker_of_home(home)->trash);
}

/* False: somebody's box was too small, and all members are still there. */
static bool bury_by_owners_stw(struct gc_mutator *m, bool wake)
{
    struct gc_share share = {
        .run = keep_leaving_part, .has_part = has_trash, .wake = wake
    };
    gc_for_each_mutator (home, m->heap) {
        detect_worker_of_home(home)->overflowed = false;
        detect_worker_of_home(home)->sent[0] = 0;
    }
    gc_stop_share(m, &share);
    gc_for_each_mutator (home, m->heap)
        if (detect_worker_of_home(home)->overflowed) return false;
    share.run = free_part;
    gc_stop_share(m, &share);
    return true;
}

/* World running. */
static void drop_kept(struct gc_mutator *m)
{
    gc_for_each_mutator (home, m->heap) {
        struct detect_worker *worker = detect_worker_of_home(home);
        for (size_t i = 0; i < worker->sent[0]; i++)
            if (!gc_broken(KEPT_DROPPED)) m->heap->protocol->drop(m, worker->boxes[0][i]);
        worker->sent[0] = 0;
    }
}

/* --- with care --------------------------------------------------------------------------- */

/* Step 10. World running. */
static void finalize(struct gc_mutator *m, struct gc_links *trash)
{
    for (struct gc_links *at = trash->next; at != trash; at = at->next)
        gc_finalize(m, gc_links_object(at));
}

struct release {
    struct gc_mutator *m;
    struct gc_links dead; /* killed, not yet buried */
};

/* A reference from a killed member to another, which may have kept that one alive. */
static void release_slot(gc_slot *slot, void *argument)
{
    struct release *release = argument;
    const struct gc_protocol *protocol = release->m->heap->protocol;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL || !is_trash(object)) return;
    gc_atomic_slot_store_relaxed(slot, NULL);
    bool held = protocol->drop_unless_last(release->m, object);
    gc_assert(held, "a member of the trash is not held (R2)");
    (void)held;
    if (protocol->kill(release->m, object))
        gc_list_move(&release->dead, gc_links_of(object));
}

static void bury_dead(struct release *release)
{
    struct gc_mutator *m = release->m;
    while (!gc_list_is_empty(&release->dead)) {
        struct gc_links *at = release->dead.next;
        struct gc_object *object = gc_links_object(at);
        gc_object_trace(object, release_slot, release);
        gc_list_unlink(at);
        m->heap->protocol->bury(m, object);
    }
}

/* Ends the members that nothing but the hold keeps, and those that only they kept. World
 * running. */
static void release_held(struct gc_mutator *m, struct gc_links *trash)
{
    struct release release = { .m = m };
    gc_list_init(&release.dead);
    for (struct gc_links *at = trash->next, *next; at != trash; at = next) {
        next = at->next;
        if (m->heap->protocol->kill(m, gc_links_object(at)))
            gc_list_move(&release.dead, at);
    }
    bury_dead(&release);
}

/* Steps 11 and 12, in a stop of their own: who is held from outside the trash now, or
 * reachable from such, is back; weak references that finalizers made are cleared. */
static void resurrect(struct gc_mutator *m, struct generational *state, int older)
{
    struct gc_heap *heap = m->heap;
    struct gc_links dead;
    gc_list_init(&dead);
    gc_stop_begin(m);
    struct detect_scan scan = { .list = &state->trash };
    uint16_t held = gc_broken(HOLD) ? 0 : 1;
    detect_choose(&state->detector, heap, MARK_TRASH, MARK_TRASH, (uint16_t)older, held);
    detect_in_lists_stw(&state->detector, heap, &scan, &dead);
    for (; !gc_list_is_empty(&state->trash); m->counters.resurrected++) {
        struct gc_links *at = state->trash.next;
        generational_send_home_stw(state, at, older);
        bool back = heap->protocol->drop_unless_last(m, gc_links_object(at));
        gc_assert(back, "an object is back that nobody holds");
        (void)back;
    }
    for (struct gc_links *at = dead.next; at != &dead && !gc_broken(WEAK_AGAIN);
            at = at->next) {
        m->counters.weak_cleared += gc_weak_clear_stw(m, gc_links_object(at), NULL, NULL);
    }
    gc_list_merge(&state->trash, &dead);
    gc_stop_end(m, state->detector.sum.objects + state->detector.sum.edges);
}

/* Step 13, but for the releases. World running. */
static void clear(struct gc_mutator *m, struct gc_links *trash)
{
    struct gc_heap *heap = m->heap;
    for (struct gc_links *at = trash->next; at != trash; at = at->next) {
        struct gc_object *object = gc_links_object(at);
        if (heap->save_all != NULL)
            heap->save_all(object, heap->save_all_argument);
        else
            gc_clear_slots(m, object);
    }
}

/* Whoever has outlived the clearing goes home, in a short stop. */
static void return_survivors(struct gc_mutator *m, struct gc_links *trash, int older)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    struct release release = { .m = m };
    gc_list_init(&release.dead);
    uint64_t work = 0;
    if (!gc_broken(HOME_IN_STOP)) gc_stop_begin(m);
    for (; !gc_list_is_empty(trash); work++) {
        struct gc_links *at = trash->next;
        struct gc_object *object = gc_links_object(at);
        if (protocol->drop_unless_last(m, object)) {
            gc_schedule_yield(); /* its holder may not let it go now */
            generational_send_home_stw(m->heap->collector_data, at, older);
        } else { /* it has lost its last holder meanwhile */
            bool killed = protocol->kill(m, object);
            gc_assert(killed, "a count changes while the world is stopped");
            (void)killed;
            gc_list_move(&release.dead, at);
        }
    }
    if (!gc_broken(HOME_IN_STOP)) gc_stop_end(m, work);
    bury_dead(&release);
}

/* Returns how many members were dead after all. */
static size_t bury_with_care(
        struct gc_mutator *m, struct generational *state, int older, uint32_t states)
{
    struct gc_links *trash = &state->trash;
    if ((states & GC_STATE_FINALIZER) != 0) {
        gc_collection_at(m, "runs finalizers");
        finalize(m, trash);
        release_held(m, trash); /* those died of their counts: nobody found them */
        gc_collection_at(m, "looks who is back");
        if (!gc_broken(FINALIZED_AGAIN_SOUGHT)) resurrect(m, state, older);
    }
    gc_collection_at(m, "clears the trash");
    size_t collected = gc_list_length(trash);
    uint64_t freed_before = m->counters.freed_by_count;
    clear(m, trash);
    release_held(m, trash);
    if (!gc_list_is_empty(trash)) return_survivors(m, trash, older);
    uint64_t freed = m->counters.freed_by_count - freed_before;
    if (freed > collected) freed = collected; /* the rest died of its count alone */
    m->counters.freed_by_count -= freed;
    m->counters.freed_by_cycle += freed;
    return collected;
}

size_t generational_bury(struct gc_mutator *m, int g)
{
    struct generational *state = m->heap->collector_data;
    struct gc_links *trash = &state->trash;
    const struct detect_sum sum = state->detector.sum;
    size_t collected = sum.found;
    const bool refers = (sum.states & (GC_STATE_WEAK | GC_STATE_REFERENCED)) != 0;
    const bool care = (sum.states & GC_STATE_FINALIZER) != 0 ||
                      m->heap->save_all != NULL || (sum.flags_seen & GC_TYPE_CLEARS) != 0;
    gc_collection_at(m, "clears weak references");
    const bool kept = state->shared && collected > 0 && !care && !refers;
    const bool buried = kept && bury_by_owners_stw(m, state->wake);
    if (state->shared && !buried) detect_gather_stw(m->heap, trash);
    struct gc_weak *callbacks = refers ? clear_weak_stw(m, trash) : NULL;
    if (care) hold_stw(m, trash);
    gc_stop_end(m, sum.objects + sum.edges + collected);
    if (collected == 0) return 0;
    uint64_t start = gc_stall_clock();
    gc_collection_at(m, "runs callbacks");
    size_t freed_weak =
            gc_broken(CALLBACKS_FIRST) ? 0 : gc_weak_run_callbacks(m, callbacks);
    gc_collection_at(m, "buries the trash");
    if (kept) drop_kept(m);
    if (care)
        collected = bury_with_care(m, state, generational_older(g), sum.states);
    else if (!buried)
        bury_in_bulk(m, trash, collected);
    if (gc_broken(CALLBACKS_FIRST)) gc_weak_run_callbacks(m, callbacks);
    gc_stall_record(m->stalls, GC_STALL_collection, start, collected);
    return collected + freed_weak;
}
