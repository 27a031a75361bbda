/* SPDX-License-Identifier: MIT */
/* detect_walk.c - steps 3 to 5 by address: the whole heap, block by block.
 *
 * The objects of the set are in no list; each is linked to itself. A walk by address meets
 * them in the order in which memory is read fastest, whatever their order of birth. What
 * they refer to may lie anywhere: so its header is asked for at once, and looked at only
 * when AHEAD more references have been met. Every step may be late, for it says the same
 * of an object whenever it comes: see (D1) and (D2) in detect.c. Cells that say DEAD are
 * passed over; nothing that is alive refers to them.
 */
#include "collectors/generational/detect.h"
#include "collectors/generational/detect_inside.h"

enum { AHEAD = 32 };

/* References that have been met and not yet looked at, oldest at `next`. */
struct ring {
    struct gc_object *waiting[AHEAD];
    uint32_t next;
};

/* Asks for the object's prefix, header and first slots. */
static inline void ask_for(const struct gc_object *object)
{
    __builtin_prefetch((const char *)object - sizeof(struct gc_links), 1);
    __builtin_prefetch((const char *)object + sizeof(struct gc_object), 1);
}

/* Takes an object in, or NULL; returns the one whose turn has come, or NULL. */
static inline struct gc_object *exchange(struct ring *ring, struct gc_object *object)
{
    struct gc_object **place = &ring->waiting[ring->next++ % AHEAD];
    struct gc_object *due = *place;
    *place = object;
    return due;
}

/* What one pass of one worker looks at. */
struct walk {
    struct detect_worker *worker;
    bool at_home; /* it has a home */
    struct detect_tally tally;
    struct detect_set set;
    struct ring ring;
};

static struct walk walk_of(struct detect_worker *worker)
{
    return (struct walk){
        .worker = worker,
        .at_home = worker->home != NULL,
        .set = worker->set,
    };
}

/* The next block in which objects can be that are the worker's to look at. */
static struct gc_block *next_block(
        struct detect_worker *worker, struct gc_block_cursor *cursor)
{
    struct gc_block *block;
    while ((block = gc_next_block_stw(worker->heap, cursor)) != NULL) {
        if (!is_walked(block)) continue;
        if (worker->home == NULL || is_its(worker, block)) break;
    }
    return block;
}

/* Whether an object is looked at by this run. */
static inline bool is_wanted(const struct walk *walk, const struct gc_object *object)
{
    return !gc_object_is_dead(object) && is_in_set(&walk->set, object);
}

/* Calls visit(walk, links) for each object of the set. */
GC_INLINE void for_each(
        struct walk *walk, void (*visit)(struct walk *walk, struct gc_links *at))
{
    struct gc_block_cursor cursor = { NULL, 0 };
    for (struct gc_block *block; (block = next_block(walk->worker, &cursor)) != NULL;) {
        for (uint32_t i = 0, n = block->built; i < n; i++) {
            struct gc_object *object = gc_block_object(block, i);
            look_ahead(gc_links_of(object));
            if (is_wanted(walk, object)) visit(walk, gc_links_of(object));
        }
    }
}

/* An object that was met in `slot`: asks for it, if it is far away. Returns what is to be
 * looked at now, or NULL. */
static inline struct gc_object *meet(
        struct walk *walk, const gc_slot *slot, struct gc_object *object)
{
    if (object == NULL || is_near(slot, object)) return object;
    if (walk->at_home) {
        const struct gc_block *block = gc_block_of(object);
        if (gc_unlikely(!is_its(walk->worker, block))) {
            send_object(walk->worker, block, object);
            return NULL;
        }
    }
    ask_for(object);
    return exchange(&walk->ring, object);
}

/* --- subtract ---------------------------------------------------------------------------- */

static inline void subtract_slot(gc_slot *slot, void *argument)
{
    struct walk *walk = argument;
    struct gc_object *object = meet(walk, slot, gc_atomic_slot_load_relaxed(slot));
    if (object != NULL) subtract_reference(&walk->set, object);
}

/* False: the box is full, and it is another round's turn. */
static inline bool subtract(struct walk *walk, struct gc_object *object)
{
    struct detect_worker *worker = walk->worker;
    const struct gc_type_info *info = gc_object_info(object);
    struct gc_links *at = gc_links_of(object);
    const bool fits = !walk->at_home || has_room(worker, object);
    if (gc_unlikely(!fits) && worker->sent[worker->side] > 0) return false;
    if ((prev_bits(at) & COLLECTING) == 0) at->prev = links_at(draw_in(&walk->set, at));
    walk->tally.objects++;
    if (gc_likely(fits)) {
        subtract_object(&walk->tally, object, info, subtract_slot, walk);
    } else {
        subtract_object(&walk->tally, object, info, visit_nothing, NULL);
        worker->big = object;
    }
    return true;
}

/* False: it has stopped in the block. */
static bool subtract_block(struct walk *walk, struct detect_worker *worker)
{
    struct gc_block *block = worker->block;
    for (uint32_t n = block->built; worker->cell < n; worker->cell++) {
        struct gc_object *object = gc_block_object(block, worker->cell);
        look_ahead(gc_links_of(object));
        if (!is_wanted(walk, object)) continue;
        if (gc_unlikely(worker->big != NULL) || !subtract(walk, object)) return false;
    }
    return true;
}

static void walk_subtract(struct detect_worker *worker)
{
    struct walk walk = walk_of(worker);
    for (;;) {
        if (worker->block == NULL) {
            worker->block = next_block(worker, &worker->cursor);
            worker->cell = 0;
            worker->subtracted = worker->block == NULL;
            if (worker->subtracted) break;
        }
        if (!subtract_block(&walk, worker)) break;
        worker->block = NULL;
    }
    for (uint32_t i = 0; i < AHEAD; i++) {
        struct gc_object *due = exchange(&walk.ring, NULL);
        if (due != NULL) subtract_reference(&walk.set, due);
    }
    tally_add(worker, &walk.tally);
}

/* --- scan -------------------------------------------------------------------------------- */

static inline void reach_object(struct detect_worker *worker, struct gc_object *object)
{
    if ((gc_object_state(object) & GC_STATE_CYCLIC) != 0)
        reach(worker, gc_links_of(object));
}

static inline void reach_slot(gc_slot *slot, void *argument)
{
    struct walk *walk = argument;
    struct gc_object *object = meet(walk, slot, gc_atomic_slot_load_relaxed(slot));
    if (object != NULL) reach_object(walk->worker, object);
}

static inline void visit_one(struct walk *walk, struct gc_object *object)
{
    if (walk->at_home)
        survive_at_home(walk->worker, object, reach_slot, walk);
    else
        survive(walk->worker, object, reach_slot, walk);
}

static inline void drain(struct walk *walk)
{
    struct detect_worker *worker = walk->worker;
    while (worker->depth > 0)
        visit_one(walk, worker->stack[--worker->depth]);
}

static inline void scan(struct walk *walk, struct gc_links *at)
{
    if (!scan_one(walk->worker, at, at)) return;
    visit_one(walk, gc_links_object(at));
    drain(walk);
}

/* Looks at all that waits, and at what comes of it. */
static void reach_waiting(struct walk *walk)
{
    drain(walk);
    for (uint32_t empty = 0; empty < AHEAD;) {
        struct gc_object *due = exchange(&walk->ring, NULL);
        empty = due == NULL ? empty + 1 : 0;
        if (due == NULL) continue;
        reach_object(walk->worker, due);
        drain(walk);
    }
}

static void walk_scan(struct detect_worker *worker)
{
    struct walk walk = walk_of(worker);
    for_each(&walk, scan);
    reach_waiting(&walk);
}

static inline void revisit(struct walk *walk, struct gc_links *at)
{
    if ((prev_bits(at) & REVISIT) == 0) return;
    at->prev = at;
    visit_one(walk, gc_links_object(at));
    drain(walk);
}

static void walk_go_on(struct detect_worker *worker)
{
    struct walk walk = walk_of(worker);
    const bool overflowed = worker->overflowed;
    worker->overflowed = false;
    drain(&walk);
    if (overflowed) for_each(&walk, revisit);
    reach_waiting(&walk);
}

/* What others have sent comes in no order; walk_go_on() follows. */
static void walk_reach(struct detect_worker *worker, struct gc_object *object)
{
    reach(worker, gc_links_of(object));
}

static inline void sweep(struct walk *walk, struct gc_links *at)
{
    struct detect_worker *worker = walk->worker;
    if ((prev_bits(at) & TENTATIVE) == 0) return;
    const bool is_lent = walk->at_home && gc_block_of(at)->home != worker->home;
    find_trash_for(worker, at, is_lent ? &worker->lent : &worker->trash);
}

static void walk_sweep(struct detect_worker *worker)
{
    struct walk walk = walk_of(worker);
    if (worker->left > worker->reached) for_each(&walk, sweep);
}

const struct detect_passes detect_walk_passes = {
    .subtract = walk_subtract,
    .scan = walk_scan,
    .reach = walk_reach,
    .go_on = walk_go_on,
    .sweep = walk_sweep,
};

/* --- all of it --------------------------------------------------------------------------- */

void detect_by_address_stw(
        struct detector *detector, struct gc_heap *heap, struct gc_links *trash)
{
    struct detect_worker *worker = &detector->alone;
    worker->heap = heap;
    detect_worker_begin(worker, detector, DETECT_WALK, NULL);
    walk_subtract(worker);
    walk_scan(worker);
    while (worker->overflowed)
        walk_go_on(worker);
    walk_sweep(worker);
    detect_worker_end(worker, detector, trash);
}
