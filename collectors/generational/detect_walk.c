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

/* What lies in one block with what refers to it has been read a moment ago, or is about
 * to be. */
static inline bool is_near(const void *slot, const struct gc_object *object)
{
    return ((uintptr_t)slot ^ (uintptr_t)object) >> GC_BLOCK_SHIFT == 0;
}

struct walk {
    struct detect_worker *worker;
    struct detect_tally tally;
    struct detect_set set;
    struct ring ring;
};

/* The blocks in which objects of the set can be. */
static bool is_of_interest(const struct gc_block *block)
{
    return block->prefix > 0 && block->state != GC_BLOCK_EMPTY &&
           block->state != GC_BLOCK_LIMBO;
}

/* Calls visit(walk, links) for each object of the set in a block. */
GC_INLINE void for_each_in(struct gc_block *block, struct walk *walk,
        void (*visit)(struct walk *walk, struct gc_links *at))
{
    if (!is_of_interest(block)) return;
    for (uint32_t i = 0, n = block->built; i < n; i++) {
        struct gc_object *object = gc_block_object(block, i);
        if (gc_object_is_dead(object) || !is_in_set(&walk->set, object)) continue;
        visit(walk, gc_links_of(object));
    }
}

/* --- subtract ---------------------------------------------------------------------------- */

static inline void subtract_slot(gc_slot *slot, void *argument)
{
    struct walk *walk = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL) return;
    if (!is_near(slot, object)) {
        ask_for(object);
        object = exchange(&walk->ring, object);
        if (object == NULL) return;
    }
    subtract_reference(&walk->set, object);
}

static inline void subtract(struct walk *walk, struct gc_links *at)
{
    if ((prev_bits(at) & COLLECTING) == 0) at->prev = links_at(draw_in(&walk->set, at));
    walk->tally.objects++;
    subtract_object(&walk->tally, gc_links_object(at), subtract_slot, walk);
}

static void subtract_block(struct gc_block *block, void *argument)
{
    for_each_in(block, argument, subtract);
}

/* --- scan -------------------------------------------------------------------------------- */

static inline void reach_slot(gc_slot *slot, void *argument)
{
    struct walk *walk = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL) return;
    if (!is_near(slot, object)) {
        ask_for(object);
        object = exchange(&walk->ring, object);
        if (object == NULL) return;
    }
    if ((gc_object_state(object) & GC_STATE_CYCLIC) != 0)
        reach(walk->worker, gc_links_of(object));
}

static inline void visit(struct walk *walk, struct gc_object *object)
{
    struct detect_worker *worker = walk->worker;
    survive(worker, object, reach_slot, walk);
    while (worker->depth > 0)
        survive(worker, worker->stack[--worker->depth], reach_slot, walk);
}

static inline void scan(struct walk *walk, struct gc_links *at)
{
    if (scan_one(walk->worker, at, at)) visit(walk, gc_links_object(at));
}

static void scan_block(struct gc_block *block, void *argument)
{
    for_each_in(block, argument, scan);
}

/* Looks at all that waits, and at what comes of it. */
static void reach_waiting(struct walk *walk)
{
    struct detect_worker *worker = walk->worker;
    for (uint32_t empty = 0; empty < AHEAD;) {
        struct gc_object *due = exchange(&walk->ring, NULL);
        empty = due == NULL ? empty + 1 : 0;
        if (due == NULL) continue;
        if ((gc_object_state(due) & GC_STATE_CYCLIC) != 0)
            reach(worker, gc_links_of(due));
        if (worker->depth > 0) visit(walk, worker->stack[--worker->depth]);
    }
}

static inline void revisit(struct walk *walk, struct gc_links *at)
{
    if ((prev_bits(at) & REVISIT) == 0) return;
    at->prev = at;
    visit(walk, gc_links_object(at));
}

static void revisit_block(struct gc_block *block, void *argument)
{
    for_each_in(block, argument, revisit);
}

static inline void sweep(struct walk *walk, struct gc_links *at)
{
    if ((prev_bits(at) & TENTATIVE) != 0) find_trash(walk->worker, at);
}

static void sweep_block(struct gc_block *block, void *argument)
{
    for_each_in(block, argument, sweep);
}

/* --- all of it --------------------------------------------------------------------------- */

void detect_by_address_stw(
        struct detector *detector, struct gc_heap *heap, struct gc_links *trash)
{
    struct detect_worker *worker = &detector->alone;
    detect_worker_begin(worker, detector, DETECT_WALK);
    struct walk walk = { .worker = worker, .set = worker->set };
    gc_heap_walk_blocks_stw(heap, subtract_block, &walk);
    for (uint32_t i = 0; i < AHEAD; i++) {
        struct gc_object *due = exchange(&walk.ring, NULL);
        if (due != NULL) subtract_reference(&walk.set, due);
    }
    tally_add(worker, &walk.tally);
    gc_heap_walk_blocks_stw(heap, scan_block, &walk);
    reach_waiting(&walk);
    while (worker->overflowed) {
        worker->overflowed = false;
        gc_heap_walk_blocks_stw(heap, revisit_block, &walk);
        reach_waiting(&walk);
    }
    if (worker->left > worker->reached) gc_heap_walk_blocks_stw(heap, sweep_block, &walk);
    detect_worker_end(worker, detector, trash);
}
