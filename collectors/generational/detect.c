/* SPDX-License-Identifier: MIT */
/* detect.c - steps 3 to 5 of a collection over lists: update and subtract (in one walk),
 * find.
 *
 * Invariants: (D1) after subtract, an object's number is the count of references to it
 *                  from outside the set; never below 0.
 *             (D2) behind the scan, every object that stays has had its slots visited,
 *                  unless it is TENTATIVE, on the stack, or has REVISIT.
 *             (D4) an object of a list is DEAD only if a death is interrupted by code of the
 *                  program (death_depth): one that is not unlinks what it kills before the
 *                  next safepoint, and what dies away from home is there when the world stands.
 * Nobody looks at the slots of such, some of which have been dropped; so it counts as held from
 * outside, and so does what it refers to.
 */
#include "collectors/generational/detect.h"

#include <errno.h>

#include "collectors/generational/detect_inside.h"
#include "core/os.h"

enum { STACK_ENTRIES = 1 << 20 };

int detect_worker_init(struct detect_worker *worker, size_t room)
{
    *worker = (struct detect_worker){ .room = room };
    gc_list_init(&worker->trash);
    gc_list_init(&worker->lent);
    worker->stack = gc_os_map(room * sizeof(struct gc_object *), 4096);
    return worker->stack != NULL ? 0 : -ENOMEM;
}

void detect_worker_finish(struct detect_worker *worker)
{
    if (worker->stack != NULL)
        gc_os_unmap(worker->stack, worker->room * sizeof(struct gc_object *));
    worker->stack = NULL;
    for (int i = 0; i < 2; i++) {
        if (worker->boxes[i] != NULL)
            gc_os_unmap(
                    worker->boxes[i], DETECT_BOX_ENTRIES * sizeof(struct gc_object *));
        worker->boxes[i] = NULL;
    }
}

void detect_worker_begin(struct detect_worker *worker, const struct detector *detector,
        enum detect_way way, struct detect_scan *only)
{
    worker->set = detector->set;
    worker->way = way;
    worker->only = only;
    worker->depth = 0;
    worker->overflowed = false;
    worker->left = worker->reached = 0;
    worker->objects = worker->edges = 0;
    worker->flags_seen = 0;
    worker->found = 0;
    worker->states = 0;
    worker->takes_part = true;
    worker->subtracted = worker->scanned = false;
    gc_atomic_store_relaxed(&worker->first_round, DETECT_UNDER_WAY);
    worker->side = 0;
    worker->sent[0] = worker->sent[1] = 0;
    worker->big = NULL;
    worker->number = 0;
    worker->cells = worker->spare = 0;
    if (only != NULL) {
        worker->next = only->list->next;
        only->last = only->list;
    }
    worker->cursor = (struct gc_block_cursor){ NULL, 0 };
    worker->block = NULL;
    worker->cell = 0;
}

void detect_worker_end(
        struct detect_worker *worker, struct detector *detector, struct gc_links *trash)
{
    detector->sum.objects += worker->objects;
    detector->sum.edges += worker->edges;
    detector->sum.flags_seen |= worker->flags_seen;
    detector->sum.found += worker->found;
    detector->sum.states |= worker->states;
    if (trash != NULL) gc_list_merge(trash, &worker->trash);
}

int detector_init(struct detector *detector, const struct gc_protocol *protocol,
        enum detect_way way)
{
    *detector = (struct detector){ .protocol = protocol, .way = way };
    return detect_worker_init(&detector->alone, STACK_ENTRIES);
}

void detector_finish(struct detector *detector)
{
    detect_worker_finish(&detector->alone);
}

/* Whether a stop has cut short a cascade: code of the program runs inside of it. */
static bool is_cascade_cut(struct gc_heap *heap)
{
    gc_for_each_mutator (m, heap)
        if (m->death_depth > 0) return true;
    return false;
}

void detect_choose(struct detector *detector, struct gc_heap *heap, uint16_t lowest,
        uint16_t highest, uint16_t survivor, uint16_t held)
{
    detector->set = (struct detect_set){
        .lowest = lowest,
        .span = (uint16_t)(highest - lowest),
        .held = held,
        .survivor = survivor,
        .cut = is_cascade_cut(heap),
        .layout = detector->protocol->layout,
        .total = detector->protocol->total,
    };
    detector->sum = (struct detect_sum){ .objects = 0 };
}

/* --- steps 3 and 4 ----------------------------------------------------------------------- */

void detect_count_is_too_small(struct gc_links *target)
{
    const struct gc_object *object = gc_links_object(target);
    gc_fatal("refcount is too small: object %p of type %s has count %llu, but more "
             "references to it are in the heap",
            (const void *)object, gc_object_info(object)->type->name,
            (unsigned long long)gc_atomic_load_relaxed(&object->count));
}

static inline void subtract_slot(gc_slot *slot, void *argument)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object != NULL) subtract_reference(argument, object);
}

static void subtract(struct detect_worker *worker, struct detect_scan *scan)
{
    struct detect_set set = worker->set;
    struct detect_tally tally = { 0, 0, 0 };
    struct gc_links *list = scan->list;
    scan->last = list;
    for (struct gc_links *at = list->next; at != list; at = at->next) {
        struct gc_object *object = gc_links_object(at);
        look_ahead(at);
        if ((prev_bits(at) & COLLECTING) == 0) at->prev = links_at(draw_in(&set, at));
        tally.objects++;
        if (gc_unlikely(is_cut_short(&set, object))) continue;
        subtract_object(&tally, object, gc_object_info(object), subtract_slot, &set);
    }
    tally_add(worker, &tally);
}

/* --- step 5, as it is published: move and move back ------------------------------------ */

static inline struct gc_links *next_of(const struct gc_links *links)
{
    return links_at(bits_of(links->next) & ~(uintptr_t)UNREACHABLE);
}

/* For who watches: the scan comes to the next object. Not by owners: they are several threads. */
static inline void step(const struct detect_worker *worker, const struct gc_links *at)
{
    if (GC_CHECK >= 1 && worker->home == NULL)
        gc_collection_step(gc_region_of(at)->heap, "scans the next one");
}

static struct detect_scan *scan_of(struct detect_worker *worker, struct gc_links *links)
{
    if (worker->only != NULL) return worker->only;
    return detect_scan_of_home(gc_block_of(links)->home);
}

/* Appends to the tail of a list whose prev pointers are not valid, but for the head's.
 * Returns what the object's prev is to be. */
static struct gc_links *append_raw(
        struct gc_links *list, struct gc_links *at, uintptr_t mark)
{
    struct gc_links *last = list->prev;
    last->next = links_at(bits_of(at) | (last == list ? 0 : mark));
    at->next = links_at(bits_of(list) | mark);
    list->prev = at;
    return last;
}

static inline void reach_move(struct detect_worker *worker, struct gc_links *target)
{
    if ((prev_bits(target) & COLLECTING) == 0) return;
    if ((bits_of(target->next) & UNREACHABLE) != 0) {
        if (gc_broken(REACHED_LIVES)) return;
        /* Moved too early: back to the tail of its own list, to be scanned there. */
        struct gc_links *before = prev_of(target), *behind = next_of(target);
        before->next =
                links_at(bits_of(behind) | (before == &worker->trash ? 0 : UNREACHABLE));
        if (behind == &worker->trash)
            behind->prev = before;
        else
            behind->prev = links_at(bits_of(before) | COLLECTING);
        append_raw(scan_of(worker, target)->list, target, 0);
        target->prev = links_at(ONE_REF | COLLECTING);
    } else if (prev_bits(target) < ONE_REF) {
        target->prev = links_at(ONE_REF | COLLECTING);
    }
}

static inline void reach_slot_move(gc_slot *slot, void *argument)
{
    struct gc_object *object = cyclic_in(slot);
    if (object != NULL) reach_move(argument, gc_links_of(object));
}

static inline void visit_move(struct detect_worker *worker, struct gc_object *object)
{
    survive(worker, object, reach_slot_move, worker);
}

/* Scans a list to its end. False if it was there already. */
GC_INLINE bool scan_move_with(struct detect_worker *worker, struct detect_scan *scan,
        void (*visit)(struct detect_worker *worker, struct gc_object *object))
{
    struct gc_links *list = scan->list, *last = scan->last;
    if (last->next == list) return false;
    while (last->next != list) {
        struct gc_links *at = last->next;
        look_ahead(at);
        step(worker, at);
        if (prev_bits(at) >= ONE_REF) {
            at->prev = last;
            visit(worker, gc_links_object(at));
            last = at;
        } else {
            last->next = at->next;
            if (at->next == list) list->prev = last; /* so that appending goes on here */
            struct gc_links *before = append_raw(&worker->trash, at, UNREACHABLE);
            at->prev = links_at(bits_of(before) | COLLECTING);
        }
    }
    list->prev = last;
    scan->last = last;
    return true;
}

static bool scan_move(struct detect_worker *worker, struct detect_scan *scan)
{
    return scan_move_with(worker, scan, visit_move);
}

/* The trash is an ordinary list again. */
static void settle_trash(struct detect_worker *worker)
{
    struct gc_links *trash = &worker->trash, *first = trash->next;
    gc_list_init(trash);
    for (struct gc_links *at = first, *next; at != trash; at = next) {
        next = next_of(at);
        find_trash(worker, at);
    }
}

/* --- step 5, in place ------------------------------------------------------------------ */

static inline void reach_slot_keep(gc_slot *slot, void *argument)
{
    struct gc_object *object = cyclic_in(slot);
    if (object != NULL) reach(argument, gc_links_of(object));
}

static inline void visit_keep(struct detect_worker *worker, struct gc_object *object)
{
    survive(worker, object, reach_slot_keep, worker);
    while (worker->depth > 0)
        survive(worker, worker->stack[--worker->depth], reach_slot_keep, worker);
}

GC_INLINE void scan_keep_with(struct detect_worker *worker, struct detect_scan *scan,
        void (*visit)(struct detect_worker *worker, struct gc_object *object))
{
    struct gc_links *list = scan->list, *last = list;
    for (struct gc_links *at = list->next; at != list; at = at->next) {
        look_ahead(at);
        step(worker, at);
        if (scan_one(worker, at, last)) visit(worker, gc_links_object(at));
        last = at;
    }
}

static void scan_keep(struct detect_worker *worker, struct detect_scan *scan)
{
    scan_keep_with(worker, scan, visit_keep);
}

/* Visits again, or for the first time, what has REVISIT. */
GC_INLINE void revisit_with(struct detect_worker *worker, struct detect_scan *scan,
        void (*visit)(struct detect_worker *worker, struct gc_object *object))
{
    struct gc_links *list = scan->list;
    for (struct gc_links *at = list->next; at != list; at = at->next) {
        if ((prev_bits(at) & REVISIT) == 0) continue;
        at->prev = prev_of(at);
        visit(worker, gc_links_object(at));
    }
}

static void revisit_keep(struct detect_worker *worker, struct detect_scan *scan)
{
    revisit_with(worker, scan, visit_keep);
}

static void sweep_keep(struct detect_worker *worker, struct detect_scan *scan)
{
    struct gc_links *list = scan->list, *last = list;
    for (struct gc_links *at = list->next, *next; at != list; at = next) {
        next = at->next;
        if ((prev_bits(at) & TENTATIVE) != 0) {
            last->next = next;
            find_trash(worker, at);
        } else {
            at->prev = last;
            last = at;
        }
    }
    list->prev = last;
}

/* --- by a worker that has a home ------------------------------------------------------- */

/* Whether what is in a slot is the worker's to touch; if not, it is sent. */
static inline bool is_own_or_sent(
        struct detect_worker *worker, const gc_slot *slot, struct gc_object *object)
{
    if (is_near(slot, object)) return true;
    const struct gc_block *block = gc_block_of(object);
    if (gc_likely(block->home == worker->home)) return true;
    send_object(worker, block, object);
    return false;
}

struct sender {
    struct detect_set set;
    struct detect_worker *worker;
};

static inline void subtract_slot_at_home(gc_slot *slot, void *argument)
{
    struct sender *sender = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL) return;
    if (is_own_or_sent(sender->worker, slot, object))
        subtract_reference(&sender->set, object);
}

static void list_subtract(struct detect_worker *worker)
{
    struct sender sender = { worker->set, worker };
    struct detect_tally tally = { 0, 0, 0 };
    struct gc_links *list = worker->only->list, *at = worker->next;
    for (; at != list; at = at->next) {
        struct gc_object *object = gc_links_object(at);
        const struct gc_type_info *info = gc_object_info(object);
        look_ahead(at);
        const bool dead = is_cut_short(&sender.set, object);
        const bool fits = gc_likely(has_room_for(worker, info)) || dead ||
                          detect_has_room_slow(worker, object);
        if (gc_unlikely(!fits) && worker->sent[worker->side] > 0)
            break; /* the next box is empty */
        if ((prev_bits(at) & COLLECTING) == 0)
            at->prev = links_at(draw_in(&sender.set, at));
        tally.objects++;
        if (gc_unlikely(dead)) continue;
        if (gc_likely(fits)) {
            subtract_object(&tally, object, info, subtract_slot_at_home, &sender);
        } else {
            subtract_object(&tally, object, info, visit_nothing, NULL);
            worker->big = object;
            at = at->next;
            break;
        }
    }
    tally_add(worker, &tally);
    worker->next = at;
    worker->subtracted = at == list;
}

/* Whether what a slot refers to is the worker's to look at; it is in *ret_links then. */
static inline bool is_met_at_home(
        struct detect_worker *worker, gc_slot *slot, struct gc_links **ret_links)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL) return false;
    if (!is_own_or_sent(worker, slot, object)) return false;
    *ret_links = gc_links_of(object);
    return (gc_object_state(object) & GC_STATE_CYCLIC) != 0;
}

static inline void reach_slot_keep_at_home(gc_slot *slot, void *argument)
{
    struct gc_links *target;
    if (is_met_at_home(argument, slot, &target)) reach(argument, target);
}

static inline void drain_at_home(struct detect_worker *worker)
{
    while (worker->depth > 0)
        survive_at_home(
                worker, worker->stack[--worker->depth], reach_slot_keep_at_home, worker);
}

static inline void visit_keep_at_home(
        struct detect_worker *worker, struct gc_object *object)
{
    survive_at_home(worker, object, reach_slot_keep_at_home, worker);
    drain_at_home(worker);
}

static inline void reach_slot_move_at_home(gc_slot *slot, void *argument)
{
    struct gc_links *target;
    if (is_met_at_home(argument, slot, &target)) reach_move(argument, target);
}

static inline void visit_move_at_home(
        struct detect_worker *worker, struct gc_object *object)
{
    survive_at_home(worker, object, reach_slot_move_at_home, worker);
}

static void list_scan(struct detect_worker *worker)
{
    if (worker->way == DETECT_MOVE)
        scan_move_with(worker, worker->only, visit_move_at_home);
    else
        scan_keep_with(worker, worker->only, visit_keep_at_home);
}

static void list_reach(struct detect_worker *worker, struct gc_object *object)
{
    if (worker->way == DETECT_MOVE) {
        reach_move(worker, gc_links_of(object));
    } else {
        reach(worker, gc_links_of(object));
        drain_at_home(worker);
    }
}

static void list_go_on(struct detect_worker *worker)
{
    const bool overflowed = worker->overflowed;
    worker->overflowed = false;
    if (worker->way == DETECT_MOVE) {
        if (overflowed) revisit_with(worker, worker->only, visit_move_at_home);
        scan_move_with(worker, worker->only, visit_move_at_home);
    } else {
        drain_at_home(worker);
        if (overflowed) revisit_with(worker, worker->only, visit_keep_at_home);
    }
}

static void list_sweep(struct detect_worker *worker)
{
    if (worker->way == DETECT_MOVE)
        settle_trash(worker);
    else if (worker->left > worker->reached)
        sweep_keep(worker, worker->only);
}

const struct detect_passes detect_list_passes = {
    .subtract = list_subtract,
    .scan = list_scan,
    .reach = list_reach,
    .go_on = list_go_on,
    .sweep = list_sweep,
};

/* --- all of it --------------------------------------------------------------------------- */

/* Calls pass(worker, scan) for each list. */
typedef void (*pass_fn)(struct detect_worker *worker, struct detect_scan *scan);

static void for_all(struct detect_worker *worker, struct gc_heap *heap, pass_fn pass)
{
    if (worker->only != NULL) {
        pass(worker, worker->only);
        return;
    }
    gc_for_each_mutator (home, heap)
        pass(worker, detect_scan_of_home(home));
}

static void scan_all_move(struct detect_worker *worker, struct gc_heap *heap)
{
    bool grown;
    do {
        grown = false;
        if (worker->only != NULL) {
            grown = scan_move(worker, worker->only);
        } else {
            gc_for_each_mutator (home, heap)
                grown |= scan_move(worker, detect_scan_of_home(home));
        }
    } while (grown && !gc_broken(SCAN_GOES_ROUND));
    gc_collection_step(heap, "has scanned all");
    settle_trash(worker);
}

static void scan_all_keep(struct detect_worker *worker, struct gc_heap *heap)
{
    for_all(worker, heap, scan_keep);
    while (worker->overflowed) {
        worker->overflowed = false;
        for_all(worker, heap, revisit_keep);
    }
    gc_collection_step(heap, "has scanned all");
    /* Usually the tentative are all gone, or there never were any: then no further pass. */
    if (worker->left > worker->reached) for_all(worker, heap, sweep_keep);
}

void detect_in_lists_stw(struct detector *detector, struct gc_heap *heap,
        struct detect_scan *scan, struct gc_links *trash)
{
    struct detect_worker *worker = &detector->alone;
    detect_worker_begin(worker, detector, detector->way, scan);
    detector->runs = true;
    gc_collection_step(
            heap, "takes each count for the number of references from outside");
    for_all(worker, heap, subtract);
    detector->scans = true;
    gc_collection_step(heap, "has subtracted the references from inside");
    if (worker->way == DETECT_MOVE)
        scan_all_move(worker, heap);
    else
        scan_all_keep(worker, heap);
    detector->runs = detector->scans = false;
    detect_worker_end(worker, detector, trash);
}

bool detect_tell(const struct detector *detector, const struct gc_object *object,
        struct gc_told *ret_told)
{
    const bool is_trash = gc_object_mark(object) == MARK_TRASH;
    if (!detector->runs || (!is_trash && !is_in_set(&detector->set, object)))
        return false;
    const struct gc_links *at = gc_links_of((struct gc_object *)(uintptr_t)object);
    const uintptr_t prev = prev_bits(at);
    const bool is_met = (prev & COLLECTING) != 0;
    ret_told->number = "gc_refs";
    if (is_trash) {
        *ret_told = (struct gc_told){ .place = "unreachable" };
    } else if ((bits_of(at->next) & UNREACHABLE) != 0 ||
               (!is_met && (prev & TENTATIVE) != 0)) {
        ret_told->place = "tentatively unreachable";
    } else if (is_met || !detector->scans) {
        ret_told->place = "to scan";
        ret_told->value = (is_met ? prev : draw_in(&detector->set, at)) >> REFS_SHIFT;
    } else {
        *ret_told = (struct gc_told){ .place = "reachable" };
    }
    return true;
}
