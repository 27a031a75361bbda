/* SPDX-License-Identifier: MIT */
/* trash.c - steps 9 to 13: weak references, finalizers, resurrection, clear.
 *
 * Between its stops the world runs: finalizers and callbacks are arbitrary code, and
 * under the global lock other mutators get their turn at its safepoints. The list of
 * trash is an ordinary list all the while, so that a member whose count dies leaves it
 * like any other; nothing here keeps a pointer into it across such code.
 */
#include "collectors/generational/generational.h"
#include "core/os.h"

static bool is_trash(struct gc_object *object)
{
    return gc_object_mark(object) == MARK_TRASH;
}

static bool always(struct gc_object *object)
{
    (void)object;
    return true;
}

/* Number of members; their states or-ed. */
static size_t survey(const struct gc_links *trash, uint32_t *ret_states)
{
    size_t n = 0;
    uint32_t states = 0;
    for (struct gc_links *at = trash->next; at != trash; at = at->next) {
        states |= gc_object_state(gc_links_object(at));
        n++;
    }
    *ret_states = states;
    return n;
}

/* From here on the trash is a set of its own. */
static void mark_trash_stw(struct gc_links *trash)
{
    for (struct gc_links *at = trash->next; at != trash; at = at->next)
        gc_object_set_mark(gc_links_object(at), MARK_TRASH);
}

/* Step 9: a weak reference in the trash is cleared; those to the trash are, and the
 * callbacks of those that are not trash themselves are due. World stopped. */
static struct gc_weak *clear_weak_stw(struct gc_mutator *m, struct gc_links *trash)
{
    struct gc_heap *heap = m->heap;
    struct gc_weak_queue due = { NULL, NULL };
    for (struct gc_links *at = trash->next; at != trash; at = at->next) {
        struct gc_object *object = gc_links_object(at);
        if ((gc_object_state(object) & GC_STATE_WEAK) != 0)
            gc_weak_forget_stw(heap, (struct gc_weak *)(void *)object);
        m->counters.weak_cleared += gc_weak_clear_stw(heap, object, is_trash, &due);
    }
    return due.first;
}

/* Step 10. Members that die here just leave the list. World running. */
static void finalize(struct gc_mutator *m, struct gc_links *trash)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    struct gc_links seen;
    gc_list_init(&seen);
    while (!gc_list_is_empty(trash)) {
        struct gc_links *at = trash->next;
        struct gc_object *object = gc_links_object(at);
        gc_list_move(&seen, at);
        if ((gc_object_state(object) & GC_STATE_FINALIZER) == 0) continue;
        if (gc_object_is_dead(object))
            continue; /* waits in a cascade of another mutator */
        protocol->take(object);
        gc_finalize(m, object);
        protocol->drop(m, object);
    }
    gc_list_merge(trash, &seen);
}

/* Puts an object at the end of its home's list of generation g. */
static void send_home(struct gc_links *at, int g)
{
    gc_object_set_mark(gc_links_object(at), (uint16_t)g);
    gc_list_move(generational_list(gc_block_of(at)->home, g), at);
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
    state->detector.lowest = state->detector.highest = MARK_TRASH;
    state->detector.survivor = (uint16_t)older;
    detect_unreachable_stw(&state->detector, heap, &scan, &dead);
    for (; !gc_list_is_empty(&state->trash); m->counters.resurrected++)
        send_home(state->trash.next, older);
    for (struct gc_links *at = dead.next; at != &dead; at = at->next) {
        struct gc_weak_queue nobody = { NULL, NULL };
        m->counters.weak_cleared +=
                gc_weak_clear_stw(heap, gc_links_object(at), always, &nobody);
    }
    gc_list_merge(&state->trash, &dead);
    gc_stop_end(m, state->detector.objects + state->detector.edges);
}

/* Step 13 for the member at the head of the list. */
static void clear_one(struct gc_mutator *m, struct gc_links *trash, int older)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    struct gc_links *at = trash->next;
    struct gc_object *object = gc_links_object(at);
    if (m->heap->save_all != NULL) {
        send_home(at, older);
        m->heap->save_all(object, m->heap->save_all_argument);
        return;
    }
    if (gc_object_is_dead(object)) { /* the cascade that it waits in will free it */
        send_home(at, older);
        return;
    }
    protocol->take(object);
    const struct gc_type *type = gc_object_info(object)->type;
    if (type->clear != NULL) {
        int error = type->clear(m, object);
        if (error != 0) gc_callback_error(m, object, error);
    } else if ((type->flags & GC_TYPE_IMMUTABLE) == 0) {
        protocol->clear_slots(m, object);
    }
    if (trash->next == at) send_home(at, older);
    protocol->drop(m, object);
}

size_t generational_bury(struct gc_mutator *m, int g, uint64_t work)
{
    struct generational *state = m->heap->collector_data;
    struct gc_links *trash = &state->trash;
    const int older = generational_older(g);
    uint32_t states;
    size_t collected = survey(trash, &states);
    struct gc_weak *callbacks = NULL;
    if ((states & GC_STATE_CARE) != 0) mark_trash_stw(trash);
    if ((states & (GC_STATE_WEAK | GC_STATE_REFERENCED)) != 0)
        callbacks = clear_weak_stw(m, trash);
    gc_stop_end(m, work + collected);
    if (collected == 0) return 0;
    uint64_t start = gc_os_now_ns();

    size_t freed_weak = gc_weak_run_callbacks(m, callbacks);
    if ((states & GC_STATE_FINALIZER) != 0) finalize(m, trash);
    /* A callback can't reach the trash; a finalizer can, and may have kept it. */
    if ((states & GC_STATE_FINALIZER) != 0) {
        resurrect(m, state, older);
        collected = survey(trash, &states);
    }
    uint64_t freed_before = m->counters.freed_by_count;
    while (!gc_list_is_empty(trash))
        clear_one(m, trash, older);
    uint64_t freed = m->counters.freed_by_count - freed_before;
    if (freed > collected) freed = collected; /* the rest died of its count alone */
    m->counters.freed_by_count -= freed;
    m->counters.freed_by_cycle += freed;
    gc_stall_record(m->stalls, GC_STALL_collection, start, collected);
    return collected + freed_weak;
}
