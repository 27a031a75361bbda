/* SPDX-License-Identifier: MIT */
/* generational.c - the scheme of CPython's memory manager: counts free at once, and
 * cycles are found by subtracting internal references, in three generations.
 * [CPythonGC] This file: when to collect what, and the lists of generations.
 *
 * Invariants: (G1) every tracked object is in exactly one list: a generation of its
 *                  home, its home's permanent list, or the trash; but under `walk` the
 *                  old and the frozen are each in a list of their own.
 *             (G2) outside stops all lists are doubly linked, without a bit in a link.
 *             (G3) a tracked object's mark is its generation, MARK_FROZEN, or, in the
 *                  trash, what it was or MARK_TRASH; an untracked one's MARK_UNTRACKED.
 */
#include "collectors/generational/generational.h"

#include <errno.h>
#include <limits.h>

#include "core/mutant.h"
#include "core/os.h"

struct generational_options {
    int64_t threshold[GC_GENERATIONS];
    int64_t detect;
    int64_t passes;
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
            .choices = "move|keep|walk",
            .standard = "move",
            .doc = "tentatively unreachable objects are moved out of the list and back "
                   "to its tail, or kept in place; walk: kept, and full collections go "
                   "by address" },
    { .name = "passes",
            .kind = GC_OPTION_CHOICE,
            .offset = offsetof(struct generational_options, passes),
            .choices = "serial|owners",
            .standard = "serial",
            .doc = "who goes through the objects of several homes: the mutator that "
                   "collects, or each parked mutator through its own" },
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
    static const enum detect_way ways[] = { DETECT_MOVE, DETECT_KEEP, DETECT_WALK };
    enum detect_way way = ways[o->detect];
    if (state == NULL || detector_init(&state->detector, heap->protocol, way) != 0) {
        gc_os_free(state);
        return gc_error_set(
                error, -ENOMEM, "there is no memory for the collector's stack");
    }
    state->walks = way == DETECT_WALK;
    state->owners = o->passes != 0 && (heap->protocol->flags & GC_PROTOCOL_SERIAL) == 0;
    if (state->owners) gc_share_prepare(heap);
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
    const struct generational *state = home->heap->collector_data;
    struct generational_home *lists = gc_os_alloc(sizeof(*lists));
    if (lists == NULL) return -ENOMEM;
    if (state->owners && detect_worker_init_home(&lists->worker, home) != 0) {
        gc_os_free(lists);
        return -ENOMEM;
    }
    for (int i = 0; i < GC_GENERATIONS - 1; i++)
        gc_list_init(&lists->old[i]);
    gc_list_init(&lists->permanent);
    /* Who attaches while the world is stopped may be met by passes that have begun. */
    lists->scan = (struct detect_scan){ &home->young, &home->young };
    home->collector_data = lists;
    return 0;
}

static void home_finish(struct gc_mutator *home)
{
    detect_worker_finish(&generational_home_of(home)->worker);
    gc_os_free(home->collector_data);
}

struct detect_scan *detect_scan_of_home(struct gc_mutator *home)
{
    return &generational_home_of(home)->scan;
}

struct detect_worker *detect_worker_of_home(struct gc_mutator *home)
{
    return &generational_home_of(home)->worker;
}

/* Runs run(home, argument) for each home; by the owners, if they share this collection. */
static void for_homes_stw(struct gc_mutator *m, gc_share_fn run, void *argument)
{
    const struct generational *state = m->heap->collector_data;
    if (state->shared) {
        struct gc_share share = { .run = run, .argument = argument, .wake = state->wake };
        gc_stop_share(m, &share);
    } else {
        gc_for_each_mutator (home, m->heap)
            run(home, argument);
    }
}

/* --- out of lists ---------------------------------------------------------------------- */

/* Links each object of a list to itself, with a new mark; or leaves the marks as they are,
 * where `mark` is none. */
enum { AS_IT_IS = UINT16_MAX };

static void dissolve_stw(struct gc_links *list, uint16_t mark)
{
    for (struct gc_links *at = list->next, *next; at != list; at = next) {
        next = at->next;
        gc_list_init(at);
        if (mark != AS_IT_IS) gc_object_set_mark(gc_links_object(at), mark);
    }
    gc_list_init(list);
}

/* The survivors of a generation get old, whose objects are in no list. */
static void dissolve_part(struct gc_mutator *home, void *argument)
{
    const int *g = argument;
    dissolve_stw(generational_list(home, *g), AS_IT_IS);
}

void generational_send_home_stw(
        const struct generational *state, struct gc_links *at, int g)
{
    gc_object_set_mark(gc_links_object(at), (uint16_t)g);
    if (state->walks && g == GC_GENERATIONS - 1) {
        gc_list_unlink(at);
        gc_list_init(at);
    } else {
        gc_list_move(generational_list(gc_block_of(at)->home, g), at);
    }
}

/* --- a collection --------------------------------------------------------------------- */

/* Step 2: counts, and the younger lists join the one that is collected. */
static void merge_young_stw(struct gc_mutator *m, int g)
{
    struct gc_heap *heap = m->heap;
    if (g + 1 < GC_GENERATIONS)
        gc_atomic_fetch_add_relaxed(&heap->generations[g + 1].count, 1);
    for (int i = 1; i <= g && !gc_broken(COUNTS_RESET); i++)
        gc_atomic_store_relaxed(&heap->generations[i].count, 0);
    gc_budget_reset_stw(heap);
    const struct generational *state = heap->collector_data;
    gc_for_each_mutator (home, heap) {
        struct gc_links *list = generational_list(home, g);
        for (int younger = g - 1; younger >= 0; younger--)
            if (!gc_broken(YOUNGER_JOIN))
                gc_list_merge(list, generational_list(home, younger));
        generational_home_of(home)->scan.list = list;
    }
    if (state->walks && g == GC_GENERATIONS - 1) for_homes_stw(m, dissolve_part, &g);
}

/* Whether there is one home alone. */
static bool is_alone(struct gc_heap *heap)
{
    struct gc_mutator *first = gc_next_mutator(&heap->mutators);
    return gc_next_mutator(&first->next) == NULL;
}

/* Whether a home has objects in the lists that are collected. */
static bool has_part(struct gc_mutator *home, int g)
{
    for (int i = 0; i <= g; i++)
        if (!gc_list_is_empty(generational_list(home, i))) return true;
    return false;
}

/* Whether nothing is to be looked at but what is in the lists of this home. */
static bool is_all_of(struct gc_mutator *m, int g)
{
    const struct generational *state = m->heap->collector_data;
    if (state->walks && g == GC_GENERATIONS - 1) return is_alone(m->heap);
    gc_for_each_mutator (home, m->heap)
        if (home != m && has_part(home, g) && !gc_broken(OTHERS_HAVE_PARTS)) return false;
    return true;
}

/* Owners share a collection if somebody else has a part in it; those who sleep, one that
 * takes longer than it takes to wake them. */
static void choose_who_stw(struct gc_mutator *m, int g)
{
    enum { WORTH_WAKING = 8192 };
    struct gc_heap *heap = m->heap;
    struct generational *state = heap->collector_data;
    const struct gc_generation *young = &heap->generations[0];
    state->alone = is_all_of(m, g);
    state->shared = state->owners && !state->alone;
    state->wake = g == GC_GENERATIONS - 1 ||
                  gc_atomic_load_relaxed(&young->threshold) >= WORTH_WAKING;
}

/* Steps 3 to 5. */
static void detect_stw(struct gc_mutator *m, int g)
{
    struct gc_heap *heap = m->heap;
    struct generational *state = heap->collector_data;
    struct detector *detector = &state->detector;
    const bool by_address = state->walks && g == GC_GENERATIONS - 1;
    detect_choose(detector, heap, 0, (uint16_t)g, (uint16_t)generational_older(g), 0);
    if (state->shared) {
        detect_by_owners_stw(detector, m, by_address, state->wake);
    } else if (by_address) {
        detect_by_address_stw(detector, heap, &state->trash);
    } else {
        struct detect_scan *only = state->alone ? detect_scan_of_home(m) : NULL;
        detect_in_lists_stw(detector, heap, only, &state->trash);
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
        untrack->possible = untrack->possible && gc_broken(UNFILLED_TRACKED);
    else if ((gc_object_state(object) & GC_STATE_CYCLIC) != 0 &&
             gc_links_are_tracked(gc_links_of(object)))
        untrack->possible = false;
}

static bool can_untrack(struct gc_object *object)
{
    if ((gc_object_info(object)->flags & GC_TYPE_IMMUTABLE) == 0) return false;
    if (gc_object_is_dead(object)) return false;
    struct untrack untrack = { .possible = true };
    gc_object_trace(object, untrack_slot, &untrack);
    return untrack.possible;
}

static void untrack_object(struct gc_object *object)
{
    gc_list_unlink(gc_links_of(object));
    gc_object_set_mark(object, MARK_UNTRACKED);
}

static size_t untrack_list_stw(struct gc_links *list)
{
    size_t n = 0;
    for (struct gc_links *at = list->next, *next; at != list; at = next) {
        next = at->next;
        if (!can_untrack(gc_links_object(at))) continue;
        untrack_object(gc_links_object(at));
        n++;
    }
    return n;
}

/* Whether an object that is in no list by itself has this mark. */
static bool has_mark(struct gc_object *object, uint16_t mark)
{
    return (gc_object_state(object) & GC_STATE_CYCLIC) != 0 &&
           gc_object_mark(object) == mark;
}

static bool untrack_visit(struct gc_object *object, void *argument)
{
    if (!has_mark(object, GC_GENERATIONS - 1) || !can_untrack(object)) return true;
    untrack_object(object);
    ++*(size_t *)argument;
    return true;
}

/* Step 6: immutable objects that refer to untracked ones only can't be in a cycle. */
static size_t untrack_stw(struct gc_heap *heap, int g)
{
    const struct generational *state = heap->collector_data;
    size_t n = 0;
    if (state->walks && g == GC_GENERATIONS - 1) {
        gc_heap_walk_stw(heap, untrack_visit, &n);
        return n;
    }
    gc_for_each_mutator (home, heap)
        n += untrack_list_stw(generational_list(home, g));
    return n;
}

/* Step 7: survivors grow older. */
static void promote_stw(struct gc_mutator *m, int g, size_t survivors)
{
    struct gc_heap *heap = m->heap;
    struct generational *state = heap->collector_data;
    if (g == 1 && state->walks)
        for_homes_stw(m, dissolve_part, &g);
    else if (g + 1 < GC_GENERATIONS)
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
    const struct detect_sum *sum = &state->detector.sum;
    gc_stop_begin(m);
    gc_collection_at(m, "merges the lists");
    choose_who_stw(m, generation);
    merge_young_stw(m, generation);
    gc_collection_at(m, "subtracts, and looks who is held from outside");
    detect_stw(m, generation);
    gc_collection_at(m, "untracks and promotes");
    m->counters.visited_objects += sum->objects;
    m->counters.visited_edges += sum->edges;
    size_t gone = sum->found;
    if ((sum->flags_seen & GC_TYPE_IMMUTABLE) != 0) gone += untrack_stw(heap, generation);
    promote_stw(m, generation, sum->objects - gone);
    return generational_bury(m, generation);
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
    bool enough = !o->quarter_rule || (pending >= total / 4) != gc_broken(QUARTER_RULE);
    if (is_due(heap, 2) && enough) return 2;
    return is_due(heap, 1) ? 1 : 0;
}

static void on_budget(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    int threshold = gc_threshold_get(m, 0);
    int sum = gc_budget_flush(m) + 1; /* with the object that is about to be made */
    if (threshold == 0 || sum <= threshold + (gc_broken(THRESHOLD) ? 1 : 0)) return;
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

/* Changes one mark into another wherever it is, under `walk`. */
struct remark {
    uint16_t from, to;
};

static bool remark_visit(struct gc_object *object, void *argument)
{
    const struct remark *remark = argument;
    if (has_mark(object, remark->from)) gc_object_set_mark(object, remark->to);
    return true;
}

static bool count_frozen(struct gc_object *object, void *argument)
{
    if (has_mark(object, MARK_FROZEN)) ++*(size_t *)argument;
    return true;
}

static void freeze(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    const struct generational *state = heap->collector_data;
    gc_stop_begin(m);
    gc_for_each_mutator (home, heap) {
        struct gc_links *permanent = &generational_home_of(home)->permanent;
        for (int g = 0; g < GC_GENERATIONS; g++) {
            if (state->walks)
                dissolve_stw(generational_list(home, g), MARK_FROZEN);
            else
                move_marked_stw(permanent, generational_list(home, g), MARK_FROZEN);
        }
    }
    struct remark remark = { .from = GC_GENERATIONS - 1, .to = MARK_FROZEN };
    if (state->walks) gc_heap_walk_stw(heap, remark_visit, &remark);
    for (int g = 1; g < GC_GENERATIONS; g++)
        gc_atomic_store_relaxed(&heap->generations[g].count, 0);
    gc_budget_reset_stw(heap);
    gc_stop_end(m, 0);
}

static void unfreeze(struct gc_mutator *m)
{
    const struct generational *state = m->heap->collector_data;
    gc_stop_begin(m);
    gc_for_each_mutator (home, m->heap)
        move_marked_stw(
                generational_list(home, 2), &generational_home_of(home)->permanent, 2);
    struct remark remark = { .from = MARK_FROZEN, .to = GC_GENERATIONS - 1 };
    if (state->walks) gc_heap_walk_stw(m->heap, remark_visit, &remark);
    gc_stop_end(m, 0);
}

static size_t freeze_count(struct gc_mutator *m)
{
    const struct generational *state = m->heap->collector_data;
    size_t sum = 0;
    gc_stop_begin(m);
    gc_for_each_mutator (home, m->heap)
        sum += gc_list_length(&generational_home_of(home)->permanent);
    if (state->walks) gc_heap_walk_stw(m->heap, count_frozen, &sum);
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

/* What is in no list, by its mark, is linked to itself. */
static bool check_unlisted(struct gc_object *object, void *argument)
{
    if (!has_mark(object, GC_GENERATIONS - 1) && !has_mark(object, MARK_FROZEN))
        return true;
    const struct gc_links *links = gc_links_of(object);
    if (links->next == links && links->prev == links) return true;
    gc_error_set(argument, -EINVAL, "object %p of mark %d is linked to another",
            (void *)object, gc_object_mark(object));
    return false;
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
    if (result == 0 && state->walks && !gc_heap_walk_stw(heap, check_unlisted, error))
        result = -EINVAL;
    return result;
}

static void tell(
        struct gc_heap *heap, struct gc_object *object, struct gc_told *ret_told)
{
    static const char *const places[] = { "generation 0", "generation 1", "generation 2",
        "frozen", "untracked", "unreachable" };
    const struct generational *state = heap->collector_data;
    uint16_t mark = gc_object_mark(object);
    if ((gc_object_state(object) & GC_STATE_CYCLIC) == 0) return;
    if (!detect_tell(&state->detector, object, ret_told) && mark <= MARK_TRASH)
        ret_told->place = places[mark];
}

_Static_assert(MARK_FROZEN == 3 && MARK_UNTRACKED == 4 && MARK_TRASH == 5,
        "the order of the words below");

static const struct gc_field fields[] = {
    { .name = "in",
            .word = GC_FIELD_MARK,
            .bits = 16,
            .values = "generation 0|generation 1|generation 2|frozen|untracked|trash" },
    GC_FIELD_END,
};

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
    .fields = fields,
    .tell = tell,
};
