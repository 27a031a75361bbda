/* SPDX-License-Identifier: MIT */
/* detect_inside.h - what the files of the detector share: the number in `prev`, and what
 * passes over lists and passes by address do to one object. */
#ifndef COLLECTORS_GENERATIONAL_DETECT_INSIDE_H
#define COLLECTORS_GENERATIONAL_DETECT_INSIDE_H

#include "collectors/generational/detect.h"

enum {
    TENTATIVE = 1,  /* in prev */
    COLLECTING = 2, /* in prev */
    REVISIT = 4,    /* in prev */
    PREV_BITS = 7,
    REFS_SHIFT = 3,
    UNREACHABLE = 1, /* in next */
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

static inline struct gc_links *prev_of(const struct gc_links *links)
{
    return links_at(prev_bits(links) & ~(uintptr_t)PREV_BITS);
}

/* Most objects of a list lie in the order of their birth, which is the list's: so what comes a
 * few lines behind this one is soon wanted, and is asked for. The processor's own look ahead
 * ends with the page, and the first that wants a line is often a reference to it. Where the
 * order says nothing a line is brought for nothing. */
static inline void look_ahead(const struct gc_links *links)
{
    enum { BYTES_AHEAD = 2048 };
    __builtin_prefetch((const void *)(bits_of(links) + BYTES_AHEAD), 1);
}

/* What a slot refers to, if it can be in a cycle; otherwise NULL. */
static inline struct gc_object *cyclic_in(gc_slot *slot)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL || (gc_object_state(object) & GC_STATE_CYCLIC) == 0) return NULL;
    return object;
}

static inline bool is_in_set(const struct detect_set *set, const struct gc_object *object)
{
    return (uint16_t)(gc_object_mark(object) - set->lowest) <= set->span;
}

/* Whether an object of a list is DEAD. */
static inline bool is_cut_short(
        const struct detect_set *set, const struct gc_object *object)
{
    gc_assert(set->cut || !gc_object_is_dead(object),
            "an object that is DEAD is in a list, and no cascade was cut short (D4)");
    return gc_unlikely(set->cut) && gc_object_is_dead(object);
}

/* --- steps 3 and 4: the count, minus the references from inside ------------------------ */

GC_COLD void detect_count_is_too_small(struct gc_links *target);

/* An object of the set has been met for the first time: its number is its count. */
static inline uintptr_t draw_in(
        const struct detect_set *set, const struct gc_links *links)
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

/* A reference from inside the set to an object that may be in it. */
static inline void subtract_reference(
        const struct detect_set *set, struct gc_object *object)
{
    if ((gc_object_state(object) & GC_STATE_CYCLIC) == 0) return;
    if (!is_in_set(set, object)) return;
    struct gc_links *target = gc_links_of(object);
    uintptr_t prev = prev_bits(target);
    if ((prev & COLLECTING) == 0) prev = draw_in(set, target);
    if (GC_CHECK >= 1 && prev < ONE_REF) detect_count_is_too_small(target);
    target->prev = links_at(prev - ONE_REF);
}

/* The sums of a pass; kept apart so that they stay in registers. */
struct detect_tally {
    uint64_t objects, edges;
    uint32_t flags;
};

static inline void tally_add(
        struct detect_worker *worker, const struct detect_tally *tally)
{
    worker->objects += tally->objects;
    worker->edges += tally->edges;
    worker->flags_seen |= tally->flags;
}

/* Calls visit, a constant inline function, for the slots of an object of the set. */
GC_INLINE void subtract_object(struct detect_tally *tally, struct gc_object *object,
        gc_visit_fn visit, void *argument)
{
    const struct gc_type_info *info = gc_object_info(object);
    struct gc_slots slots = gc_object_slots(object, info);
    for (uint32_t i = 0; i < slots.count; i++)
        visit(&slots.first[i], argument);
    tally->edges += slots.count;
    tally->flags |= info->flags;
    if (gc_unlikely(info->irregular) && info->type->trace != NULL)
        info->type->trace(object, visit, argument);
}

/* --- step 5, in place ------------------------------------------------------------------ */

/* A reference from an object that is alive. Whoever was passed over already is put on the
 * stack. */
static inline void reach(struct detect_worker *worker, struct gc_links *target)
{
    uintptr_t prev = prev_bits(target);
    if ((prev & COLLECTING) != 0) {
        if (prev < ONE_REF) target->prev = links_at(ONE_REF | COLLECTING);
    } else if (gc_unlikely((prev & TENTATIVE) != 0)) {
        worker->reached++;
        if (gc_unlikely(worker->depth == worker->room)) {
            target->prev = links_at((prev & ~(uintptr_t)TENTATIVE) | REVISIT);
            worker->overflowed = true;
        } else {
            target->prev = links_at(prev & ~(uintptr_t)TENTATIVE);
            worker->stack[worker->depth++] = gc_links_object(target);
        }
    }
}

/* Whether the scan finds an object alive; restores its prev. */
static inline bool scan_one(
        struct detect_worker *worker, struct gc_links *at, struct gc_links *before)
{
    if (prev_bits(at) >= ONE_REF) {
        at->prev = before;
        return true;
    }
    at->prev = links_at(bits_of(before) | TENTATIVE);
    worker->left++;
    return false;
}

/* For slots of which only the number is wanted. */
static inline void visit_nothing(gc_slot *slot, void *argument)
{
    (void)slot, (void)argument;
}

/* A survivor gets its mark, and visit, a constant inline function, its slots. One that says
 * DEAD has none any more that could be trusted. */
GC_INLINE void survive(struct detect_worker *worker, struct gc_object *object,
        gc_visit_fn visit, void *argument)
{
    gc_object_set_mark(object, worker->set.survivor);
    if (gc_likely(!is_cut_short(&worker->set, object)))
        gc_object_trace(object, visit, argument);
}

/* An object that has lost its place is unreachable, and goes to this list. */
static inline void find_trash_for(
        struct detect_worker *worker, struct gc_links *at, struct gc_links *trash)
{
    struct gc_object *object = gc_links_object(at);
    gc_object_set_mark(object, MARK_TRASH);
    worker->states |= gc_object_state(object);
    worker->found++;
    gc_list_append(trash, at);
}

static inline void find_trash(struct detect_worker *worker, struct gc_links *at)
{
    find_trash_for(worker, at, &worker->trash);
}

/* --- owners ---------------------------------------------------------------------------- */

/* What lies in one block with a slot is of the same home, and has been read a moment ago, or
 * is about to be. */
static inline bool is_near(const void *slot, const struct gc_object *object)
{
    return ((uintptr_t)slot ^ (uintptr_t)object) >> GC_BLOCK_SHIFT == 0;
}

/* Whether objects of the set can be in a block. */
static inline bool is_walked(const struct gc_block *block)
{
    return block->prefix != 0 && block->state != GC_BLOCK_EMPTY &&
           block->state != GC_BLOCK_LIMBO;
}

/* Whether what is in a block is a worker's to touch: by address, a worker has the blocks that
 * bear its number; without one, and in lists, those of its home. */
static inline bool is_its(
        const struct detect_worker *worker, const struct gc_block *block)
{
    if (worker->number != 0) return block->kept == worker->number;
    return block->home == worker->home;
}

/* Whether a worker that has a home may touch an object. If not, it is sent, unless it can't
 * be in a cycle; there is room. */
static inline bool is_own_or_sent(struct detect_worker *worker, struct gc_object *object)
{
    const struct gc_block *block = gc_block_of(object);
    if (is_its(worker, block)) return true;
    const uint32_t side = worker->side;
    if (block->prefix > 0) worker->boxes[side][worker->sent[side]++] = object;
    return false;
}

/* Whether the box has room for all that the object refers to. */
bool detect_has_room_slow(const struct detect_worker *worker, struct gc_object *object);

static inline bool has_room(const struct detect_worker *worker, struct gc_object *object)
{
    const struct gc_type_info *info = gc_object_info(object);
    if (gc_likely(!info->irregular &&
                  info->slots <= DETECT_BOX_ENTRIES - worker->sent[worker->side]))
        return true;
    return detect_has_room_slow(worker, object);
}

/* There is no room: the object waits for the next round, or for the stopper. */
void detect_postpone(struct detect_worker *worker, struct gc_object *object);

/* survive() by a worker that has a home. Its prev is restored. */
GC_INLINE void survive_at_home(struct detect_worker *worker, struct gc_object *object,
        gc_visit_fn visit, void *argument)
{
    gc_object_set_mark(object, worker->set.survivor);
    if (gc_unlikely(is_cut_short(&worker->set, object))) return;
    if (gc_unlikely(!has_room(worker, object)))
        detect_postpone(worker, object);
    else
        gc_object_trace(object, visit, argument);
}

/* The passes of a worker, over the list of its home (it has one) and by address. */
struct detect_passes {
    /* Steps 3 and 4, from where it has stopped to where the box is full. */
    void (*subtract)(struct detect_worker *worker);
    void (*scan)(struct detect_worker *worker);
    /* A reference from another home. */
    void (*reach)(struct detect_worker *worker, struct gc_object *object);
    /* What has become of those, and what was put off. */
    void (*go_on)(struct detect_worker *worker);
    void (*sweep)(struct detect_worker *worker);
};
extern const struct detect_passes detect_list_passes, detect_walk_passes;

/* --- runs ------------------------------------------------------------------------------ */

int detect_worker_init(struct detect_worker *worker, size_t room) GC_NODISCARD;
void detect_worker_begin(struct detect_worker *worker, const struct detector *detector,
        enum detect_way way, struct detect_scan *only);

/* Adds what a worker has found to the sum, and its trash to `trash`, if that is not NULL. */
void detect_worker_end(
        struct detect_worker *worker, struct detector *detector, struct gc_links *trash);

#endif
