/* SPDX-License-Identifier: MIT */
/* generational.c - the scheme of CPython's memory manager: counts free at once, and
 * cycles are found by subtracting internal references, in three generations.
 * [CPythonGC] This file: when to collect what, and the lists of generations.
 *
 * Invariants: (G1) every tracked object is in exactly one list: a generation of its
 *                  home, its home's permanent list, or the trash.
 *             (G2) outside stops all lists are doubly linked, without a bit in a link.
 *             (G3) a tracked object's mark is its generation, MARK_FROZEN, or, in the
 *                  trash, what it was or MARK_TRASH; an untracked one's MARK_UNTRACKED.
 */
#include "collectors/generational/generational.h"

#include <errno.h>
#include <limits.h>

#include "core/os.h"

struct generational_options {
    int64_t threshold[GC_GENERATIONS];
    int64_t detect;
    int64_t quarter_rule;
};

#define THRESHOLD(g)                                                                     \
    .kind = GC_OPTION_INT,                                                               \
    .offset = offsetof(struct generational_options, threshold[g]), .min = 0,             \
    .max = INT_MAX

static const struct gc_option options[] = {
    { .name = "threshold0",
            THRESHOLD(0),
            .standard = "700",
            .doc = "net allocations beyond which the young are collected; 0: never" },
    { .name = "threshold1",
            THRESHOLD(1),
            .standard = "10",
            .doc = "collections of generation 0 beyond which generation 1 is due" },
    { .name = "threshold2",
            THRESHOLD(2),
            .standard = "10",
            .doc = "collections of generation 1 beyond which generation 2 is due" },
    { .name = "detect",
            .kind = GC_OPTION_CHOICE,
            .offset = offsetof(struct generational_options, detect),
            .choices = "move|keep",
            .standard = "move",
            .doc = "what becomes of tentatively unreachable objects: moved out of the "
                   "list "
                   "and back to its tail, or kept in place" },
    { .name = "quarter_rule",
            .kind = GC_OPTION_BOOL,
            .offset = offsetof(struct generational_options, quarter_rule),
            .standard = "yes",
            .doc = "a full collection also needs a quarter of the long-lived to be new" },
    GC_OPTION_END,
};

static int start(struct gc_heap *heap, struct gc_error *error)
{
    const struct generational_options *o = heap->collector_options;
    struct generational *state = gc_os_alloc(sizeof(*state));
    enum detect_way way = o->detect == 0 ? DETECT_MOVE : DETECT_KEEP;
    if (state == NULL || detector_init(&state->detector, heap->protocol, way) != 0) {
        gc_os_free(state);
        return gc_error_set(
                error, -ENOMEM, "there is no memory for the collector's stack");
    }
    gc_list_init(&state->trash);
    for (int g = 0; g < GC_GENERATIONS; g++)
        gc_atomic_store_relaxed(&heap->generations[g].threshold, (int)o->threshold[g]);
    heap->collector_data = state;
    return 0;
}

static void finish(struct gc_heap *heap)
{
    struct generational *state = heap->collector_data;
    detector_finish(&state->detector);
    gc_os_free(state);
}

static int home_start(struct gc_mutator *home)
{
    struct generational_home *lists = gc_os_alloc(sizeof(*lists));
    if (lists == NULL) return -ENOMEM;
    for (int i = 0; i < GC_GENERATIONS - 1; i++)
        gc_list_init(&lists->old[i]);
    gc_list_init(&lists->permanent);
    home->collector_data = lists;
    return 0;
}

static void home_finish(struct gc_mutator *home)
{
    gc_os_free(home->collector_data);
}

struct detect_scan *detect_scan_of_home(struct gc_mutator *home)
{
    return &generational_home_of(home)->scan;
}

/* --- a collection --------------------------------------------------------------------- */

/* Step 2: counts, and the younger lists join the one that is collected. */
static void merge_young_stw(struct gc_heap *heap, int g)
{
    if (g + 1 < GC_GENERATIONS)
        gc_atomic_fetch_add_relaxed(&heap->generations[g + 1].count, 1);
    for (int i = 1; i <= g; i++)
        gc_atomic_store_relaxed(&heap->generations[i].count, 0);
    gc_budget_reset_stw(heap);
    gc_for_each_mutator (home, heap) {
        struct gc_links *list = generational_list(home, g);
        for (int younger = g - 1; younger >= 0; younger--)
            gc_list_merge(list, generational_list(home, younger));
        generational_home_of(home)->scan.list = list;
    }
}

struct untrack {
    bool possible;
};

/* A slot that is not filled yet, or holds what is tracked, keeps its object tracked. */
static inline void untrack_slot(gc_slot *slot, void *argument)
{
    struct untrack *untrack = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL)
        untrack->possible = false;
    else if ((gc_object_state(object) & GC_STATE_CYCLIC) != 0 &&
             gc_links_are_tracked(gc_links_of(object)))
        untrack->possible = false;
}

/* Step 6: immutable objects that refer to untracked ones only can't be in a cycle. */
static size_t untrack_stw(struct gc_links *list)
{
    size_t n = 0;
    for (struct gc_links *at = list->next, *next; at != list; at = next) {
        next = at->next;
        struct gc_object *object = gc_links_object(at);
        if ((gc_object_info(object)->flags & GC_TYPE_IMMUTABLE) == 0) continue;
        if (gc_object_is_dead(object)) continue;
        struct untrack untrack = { .possible = true };
        gc_object_trace(object, untrack_slot, &untrack);
        if (!untrack.possible) continue;
        gc_list_unlink(at);
        gc_object_set_mark(object, MARK_UNTRACKED);
        n++;
    }
    return n;
}

/* Step 7: survivors grow older. */
static void promote_stw(struct gc_heap *heap, int g, size_t survivors)
{
    struct generational *state = heap->collector_data;
    if (g + 1 < GC_GENERATIONS)
        gc_for_each_mutator (home, heap)
            gc_list_merge(generational_list(home, g + 1), generational_list(home, g));
    if (g == 1) {
        size_t pending = gc_atomic_load_relaxed(&state->long_lived_pending);
        gc_atomic_store_relaxed(&state->long_lived_pending, pending + survivors);
    }
    if (g == 2) {
        gc_atomic_store_relaxed(&state->long_lived_pending, 0);
        gc_atomic_store_relaxed(&state->long_lived_total, survivors);
    }
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)uncollectable; /* there are no legacy finalizers here */
    struct gc_heap *heap = m->heap;
    struct generational *state = heap->collector_data;
    struct detector *detector = &state->detector;
    gc_stop_begin(m);
    merge_young_stw(heap, generation);
    detector->lowest = 0;
    detector->highest = (uint16_t)generation;
    detector->survivor = (uint16_t)generational_older(generation);
    detector->held = 0;
    struct gc_mutator *first = gc_next_mutator(&heap->mutators);
    bool alone = gc_next_mutator(&first->next) == NULL;
    size_t gone = detect_unreachable_stw(
            detector, heap, alone ? detect_scan_of_home(first) : NULL, &state->trash);
    m->counters.visited_objects += detector->objects;
    m->counters.visited_edges += detector->edges;
    const uint64_t work = detector->objects + detector->edges;
    if ((detector->flags_seen & GC_TYPE_IMMUTABLE) != 0)
        gc_for_each_mutator (home, heap)
            gone += untrack_stw(generational_list(home, generation));
    promote_stw(heap, generation, detector->objects - gone);
    return generational_bury(m, generation, work);
}

/* --- when ------------------------------------------------------------------------------- */

static bool is_due(const struct gc_heap *heap, int g)
{
    const struct gc_generation *row = &heap->generations[g];
    return gc_atomic_load_relaxed(&row->count) > gc_atomic_load_relaxed(&row->threshold);
}

/* The oldest generation that is due; a full collection also needs enough that is new, so
 * that their total cost stays linear in what is allocated. */
static int choose_generation(const struct gc_heap *heap)
{
    const struct generational_options *o = heap->collector_options;
    const struct generational *state = heap->collector_data;
    size_t pending = gc_atomic_load_relaxed(&state->long_lived_pending);
    size_t total = gc_atomic_load_relaxed(&state->long_lived_total);
    bool enough = !o->quarter_rule || pending >= total / 4;
    if (is_due(heap, 2) && enough) return 2;
    return is_due(heap, 1) ? 1 : 0;
}

static void on_budget(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    int threshold = gc_threshold_get(m, 0);
    int sum = gc_budget_flush(m) + 1; /* with the object that is about to be made */
    if (threshold == 0 || sum <= threshold) return;
    bool can = gc_is_enabled(m) && gc_atomic_load_relaxed(&heap->collecting) == 0;
    if (can) {
        gc_collect_automatic(m, choose_generation(heap));
    } else {
        gc_budget_postpone(m); /* or each allocation would ask again */
    }
}

/* --- freezing, and questions ------------------------------------------------------------- */

/* Appends all of `from` to `to`, with a new mark. */
static void move_marked_stw(struct gc_links *to, struct gc_links *from, uint16_t mark)
{
    for (struct gc_links *at = from->next; at != from; at = at->next)
        gc_object_set_mark(gc_links_object(at), mark);
    gc_list_merge(to, from);
}

static void freeze(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_stop_begin(m);
    gc_for_each_mutator (home, heap) {
        struct gc_links *permanent = &generational_home_of(home)->permanent;
        for (int g = 0; g < GC_GENERATIONS; g++)
            move_marked_stw(permanent, generational_list(home, g), MARK_FROZEN);
    }
    for (int g = 1; g < GC_GENERATIONS; g++)
        gc_atomic_store_relaxed(&heap->generations[g].count, 0);
    gc_budget_reset_stw(heap);
    gc_stop_end(m, 0);
}

static void unfreeze(struct gc_mutator *m)
{
    gc_stop_begin(m);
    gc_for_each_mutator (home, m->heap)
        move_marked_stw(
                generational_list(home, 2), &generational_home_of(home)->permanent, 2);
    gc_stop_end(m, 0);
}

static size_t freeze_count(struct gc_mutator *m)
{
    size_t sum = 0;
    gc_stop_begin(m);
    gc_for_each_mutator (home, m->heap)
        sum += gc_list_length(&generational_home_of(home)->permanent);
    gc_stop_end_unlogged(m);
    return sum;
}

static int generation_of(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if ((gc_object_state(object) & GC_STATE_CYCLIC) == 0) return -1;
    uint16_t mark = gc_object_mark(object);
    if (mark == MARK_FROZEN) return -2;
    return mark < GC_GENERATIONS ? mark : -1;
}

/* A list that holds the objects with this mark; MARK_TRASH: of any. */
static int check_list(const struct gc_links *list, int mark, struct gc_error *error)
{
    const struct gc_links *before = list;
    for (const struct gc_links *at = list->next; at != list; before = at, at = at->next) {
        const struct gc_object *object = (const struct gc_object *)(const void *)(at + 1);
        const char *wrong = NULL;
        if (at->prev != before) wrong = "prev and next disagree";
        if ((gc_object_state(object) & GC_STATE_CYCLIC) == 0) wrong = "it has no prefix";
        if (mark != MARK_TRASH && gc_object_mark(object) != mark)
            wrong = "its mark is wrong";
        if (wrong != NULL)
            return gc_error_set(error, -EINVAL, "object %p in the list of mark %d: %s",
                    (const void *)object, mark, wrong);
    }
    if (list->prev != before)
        return gc_error_set(
                error, -EINVAL, "the tail of the list of mark %d is wrong", mark);
    return 0;
}

static int verify(struct gc_heap *heap, struct gc_error *error)
{
    const struct generational *state = heap->collector_data;
    int result = check_list(&state->trash, MARK_TRASH, error);
    gc_for_each_mutator (home, heap) {
        for (int g = 0; g < GC_GENERATIONS && result == 0; g++)
            result = check_list(generational_list(home, g), g, error);
        if (result == 0)
            result = check_list(
                    &generational_home_of(home)->permanent, MARK_FROZEN, error);
    }
    return result;
}

GC_COLLECTOR(generational) = {
    GC_COLLECTOR_HEADER,
    .name = "generational",
    .summary = "counts free at once; cycles by subtracting internal references, in three "
               "generations",
    .paper = "CPythonGC",
    .protocols = { "plain", "atomic", "biased" },
    .other_protocols = GC_PROTOCOL_COUNTED,
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_IMMEDIATE | GC_CAP_CYCLES | GC_CAP_COUNTS |
                    GC_CAP_GENERATIONS | GC_CAP_FINALIZERS | GC_CAP_WEAK | GC_CAP_FREEZE |
                    GC_CAP_UNTRACK | GC_CAP_SAVE_ALL,
    .prefix_bytes = sizeof(struct gc_links),
    .birth = GC_BIRTH_LINK,
    .options = options,
    .options_size = sizeof(struct generational_options),
    .start = start,
    .finish = finish,
    .home_start = home_start,
    .home_finish = home_finish,
    .collect = collect,
    .on_budget = on_budget,
    .freeze = freeze,
    .unfreeze = unfreeze,
    .freeze_count = freeze_count,
    .generation_of = generation_of,
    .verify = verify,
};
