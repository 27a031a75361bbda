/* SPDX-License-Identifier: MIT */
/* detect.c - steps 3 to 5 of a collection: update and subtract (in one walk), find.
 *
 * Invariants: (D1) after subtract, an object's number is the count of references to it
 *                  from outside the lists; never below 0.
 *             (D2) behind the scan, every object that stays has had its slots visited,
 *                  unless it is TENTATIVE, on the stack, or has REVISIT.
 * An object that says DEAD while it is still in a list is in a cascade that the stop has
 * cut short. It counts as held from outside, and so does what it refers to.
 */
#include "collectors/generational/detect.h"

#include <errno.h>

#include "core/os.h"

enum {
    TENTATIVE = 1,  /* in prev */
    COLLECTING = 2, /* in prev */
    REVISIT = 4,    /* in prev */
    PREV_BITS = 7,
    REFS_SHIFT = 3,
    UNREACHABLE = 1, /* in next */
    STACK_ENTRIES = 1 << 20,
};

#define ONE_REF  ((uintptr_t)1 << REFS_SHIFT)
#define IMMORTAL (UINT64_C(1) << 48) /* more references than there can be */

static inline uintptr_t bits_of(const struct gc_links *pointer)
{
    return (uintptr_t)pointer;
}

static inline struct gc_links *links_at(uintptr_t bits)
{
    return (struct gc_links *)bits;
}

static inline uintptr_t prev_bits(const struct gc_links *links)
{
    return bits_of(links->prev);
}

static inline struct gc_links *next_of(const struct gc_links *links)
{
    return links_at(bits_of(links->next) & ~(uintptr_t)UNREACHABLE);
}

static inline struct gc_links *prev_of(const struct gc_links *links)
{
    return links_at(prev_bits(links) & ~(uintptr_t)PREV_BITS);
}

/* The links of what a slot refers to, if it can be in a list; otherwise NULL. */
static inline struct gc_links *target_of(gc_slot *slot)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL || (gc_object_state(object) & GC_STATE_CYCLIC) == 0) return NULL;
    return gc_links_of(object);
}

int detector_init(struct detector *detector, const struct gc_protocol *protocol,
        enum detect_way way)
{
    *detector = (struct detector){
        .protocol = protocol,
        .way = way,
        .room = STACK_ENTRIES,
    };
    detector->stack = gc_os_map(STACK_ENTRIES * sizeof(struct gc_object *), 4096);
    return detector->stack != NULL ? 0 : -ENOMEM;
}

void detector_finish(struct detector *detector)
{
    if (detector->stack != NULL)
        gc_os_unmap(detector->stack, detector->room * sizeof(struct gc_object *));
    detector->stack = NULL;
}

/* --- steps 3 and 4: the count, minus the references from inside --------------------------- */

static GC_COLD void refcount_is_too_small(struct gc_links *target)
{
    const struct gc_object *object = gc_links_object(target);
    gc_fatal("refcount is too small: object %p of type %s has count %llu, but more "
             "references to it are in the heap",
            (const void *)object, gc_object_info(object)->type->name,
            (unsigned long long)gc_atomic_load_relaxed(&object->count));
}

/* What the loop over slots reads; kept apart so that it stays in registers. */
struct set {
    uint16_t lowest, span, held;
    struct gc_count_layout layout;
    uint64_t (*total)(const struct gc_object *object);
};

/* An object of the set has been met for the first time: its number is its count. */
static inline uintptr_t draw_in(const struct set *set, const struct gc_links *links)
{
    const struct gc_object *object = (const struct gc_object *)(const void *)(links + 1);
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    if (gc_likely((count & set->layout.mask) == set->layout.value))
        count = (count ^ set->layout.value) >> set->layout.shift;
    else
        count = set->total(object);
    count -= set->held;
    /* What is immortal, or says DEAD (the top bit), must survive the shift. */
    if (gc_unlikely(count >= IMMORTAL)) count = IMMORTAL;
    return (uintptr_t)count << REFS_SHIFT | COLLECTING;
}

static inline void subtract_slot(gc_slot *slot, void *argument)
{
    const struct set *set = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL || (gc_object_state(object) & GC_STATE_CYCLIC) == 0) return;
    if ((uint16_t)(gc_object_mark(object) - set->lowest) > set->span) return;
    struct gc_links *target = gc_links_of(object);
    uintptr_t prev = prev_bits(target);
    if ((prev & COLLECTING) == 0) prev = draw_in(set, target);
    if (GC_CHECK >= 1 && prev < ONE_REF) refcount_is_too_small(target);
    target->prev = links_at(prev - ONE_REF);
}

static size_t subtract(struct detector *detector, struct detect_scan *scan)
{
    struct set set = {
        .lowest = detector->lowest,
        .span = (uint16_t)(detector->highest - detector->lowest),
        .held = detector->held,
        .layout = detector->protocol->layout,
        .total = detector->protocol->total,
    };
    struct gc_links *list = scan->list;
    uint64_t objects = 0, edges = 0;
    uint32_t flags = 0;
    scan->last = list;
    for (struct gc_links *at = list->next; at != list; at = at->next) {
        struct gc_object *object = gc_links_object(at);
        if ((prev_bits(at) & COLLECTING) == 0) at->prev = links_at(draw_in(&set, at));
        objects++;
        if (gc_unlikely(gc_object_is_dead(object))) continue;
        const struct gc_type_info *info = gc_object_info(object);
        struct gc_slots slots = gc_object_slots(object, info);
        for (uint32_t i = 0; i < slots.count; i++)
            subtract_slot(&slots.first[i], &set);
        edges += slots.count;
        flags |= info->flags;
        if (gc_unlikely(info->irregular) && info->type->trace != NULL)
            info->type->trace(object, subtract_slot, &set);
    }
    detector->objects += objects;
    detector->edges += edges;
    detector->flags_seen |= flags;
    return 0;
}

/* --- step 5, as it is published: move and move back ------------------------------------ */

static struct detect_scan *scan_of(struct detector *detector, struct gc_links *links)
{
    if (detector->only != NULL) return detector->only;
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

static inline void reach_slot_move(gc_slot *slot, void *argument)
{
    struct detector *detector = argument;
    struct gc_links *target = target_of(slot);
    if (target == NULL || (prev_bits(target) & COLLECTING) == 0) return;
    if ((bits_of(target->next) & UNREACHABLE) != 0) {
        /* Moved too early: back to the tail of its own list, to be scanned there. */
        struct gc_links *before = prev_of(target), *behind = next_of(target);
        before->next =
                links_at(bits_of(behind) | (before == detector->trash ? 0 : UNREACHABLE));
        if (behind == detector->trash)
            behind->prev = before;
        else
            behind->prev = links_at(bits_of(before) | COLLECTING);
        append_raw(scan_of(detector, target)->list, target, 0);
        target->prev = links_at(ONE_REF | COLLECTING);
    } else if (prev_bits(target) < ONE_REF) {
        target->prev = links_at(ONE_REF | COLLECTING);
    }
}

/* Scans a list to its end. False if it was there already. */
static bool scan_move(struct detector *detector, struct detect_scan *scan)
{
    struct gc_links *list = scan->list, *last = scan->last;
    if (last->next == list) return false;
    while (last->next != list) {
        struct gc_links *at = last->next;
        if (prev_bits(at) >= ONE_REF) {
            gc_object_trace(gc_links_object(at), reach_slot_move, detector);
            gc_object_set_mark(gc_links_object(at), detector->survivor);
            at->prev = last;
            last = at;
        } else {
            last->next = at->next;
            if (at->next == list) list->prev = last; /* so that appending goes on here */
            struct gc_links *before = append_raw(detector->trash, at, UNREACHABLE);
            at->prev = links_at(bits_of(before) | COLLECTING);
        }
    }
    list->prev = last;
    scan->last = last;
    return true;
}

/* The trash loses its marks and is an ordinary list again. */
static size_t settle_trash(struct gc_links *trash)
{
    size_t n = 0;
    struct gc_links *before = trash;
    for (struct gc_links *at = trash->next; at != trash; at = before->next) {
        at->next = next_of(at);
        at->prev = before;
        before = at;
        n++;
    }
    trash->prev = before;
    return n;
}

/* --- step 5, in place ------------------------------------------------------------------ */

static inline void reach_slot_keep(gc_slot *slot, void *argument)
{
    struct detector *detector = argument;
    struct gc_links *target = target_of(slot);
    if (target == NULL) return;
    uintptr_t prev = prev_bits(target);
    if ((prev & COLLECTING) != 0) {
        if (prev < ONE_REF) target->prev = links_at(ONE_REF | COLLECTING);
    } else if (gc_unlikely((prev & TENTATIVE) != 0)) {
        detector->reached++;
        if (gc_unlikely(detector->depth == detector->room)) {
            target->prev = links_at((prev & ~(uintptr_t)TENTATIVE) | REVISIT);
            detector->overflowed = true;
        } else {
            target->prev = links_at(prev & ~(uintptr_t)TENTATIVE);
            detector->stack[detector->depth++] = gc_links_object(target);
        }
    }
}

static inline void visit_keep(struct detector *detector, struct gc_object *object)
{
    gc_object_set_mark(object, detector->survivor);
    gc_object_trace(object, reach_slot_keep, detector);
    while (detector->depth > 0) {
        struct gc_object *reached = detector->stack[--detector->depth];
        gc_object_set_mark(reached, detector->survivor);
        gc_object_trace(reached, reach_slot_keep, detector);
    }
}

/* Returns how many objects were left tentative behind the scan (some may have been
 * reached since). */
static size_t scan_keep(struct detector *detector, struct detect_scan *scan)
{
    struct gc_links *list = scan->list, *last = list;
    size_t tentative = 0;
    for (struct gc_links *at = list->next; at != list; at = at->next) {
        if (prev_bits(at) >= ONE_REF) {
            at->prev = last;
            visit_keep(detector, gc_links_object(at));
        } else {
            at->prev = links_at(bits_of(last) | TENTATIVE);
            tentative++;
        }
        last = at;
    }
    return tentative;
}

static void revisit_keep(struct detector *detector, struct detect_scan *scan)
{
    struct gc_links *list = scan->list;
    for (struct gc_links *at = list->next; at != list; at = at->next) {
        if ((prev_bits(at) & REVISIT) == 0) continue;
        at->prev = prev_of(at);
        visit_keep(detector, gc_links_object(at));
    }
}

static size_t sweep_keep(struct detector *detector, struct detect_scan *scan)
{
    size_t n = 0;
    struct gc_links *list = scan->list, *last = list;
    for (struct gc_links *at = list->next, *next; at != list; at = next) {
        next = at->next;
        if ((prev_bits(at) & TENTATIVE) != 0) {
            last->next = next;
            gc_list_append(detector->trash, at);
            n++;
        } else {
            at->prev = last;
            last = at;
        }
    }
    list->prev = last;
    return n;
}

/* --- all of it --------------------------------------------------------------------------- */

/* Calls pass(detector, scan) for each list; sums what it returns. */
typedef size_t (*pass_fn)(struct detector *detector, struct detect_scan *scan);

static size_t for_all(struct detector *detector, struct gc_heap *heap, pass_fn pass)
{
    if (detector->only != NULL) return pass(detector, detector->only);
    size_t sum = 0;
    gc_for_each_mutator (home, heap)
        sum += pass(detector, detect_scan_of_home(home));
    return sum;
}

static size_t pass_move(struct detector *detector, struct detect_scan *scan)
{
    return scan_move(detector, scan);
}

static size_t pass_revisit(struct detector *detector, struct detect_scan *scan)
{
    revisit_keep(detector, scan);
    return 0;
}

size_t detect_unreachable_stw(struct detector *detector, struct gc_heap *heap,
        struct detect_scan *scan, struct gc_links *trash)
{
    detector->only = scan;
    detector->trash = trash;
    detector->depth = 0;
    detector->overflowed = false;
    detector->reached = 0;
    detector->objects = detector->edges = 0;
    detector->flags_seen = 0;
    for_all(detector, heap, subtract);
    if (detector->way == DETECT_MOVE) {
        while (for_all(detector, heap, pass_move) > 0)
            ;
        return settle_trash(trash);
    }
    size_t tentative = for_all(detector, heap, scan_keep);
    while (detector->overflowed) {
        detector->overflowed = false;
        for_all(detector, heap, pass_revisit);
    }
    /* Usually the tentative are all gone, or there never were any: then no further pass. */
    return tentative > detector->reached ? for_all(detector, heap, sweep_keep) : 0;
}
