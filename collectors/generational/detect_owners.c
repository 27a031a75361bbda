/* SPDX-License-Identifier: MIT */
/* detect_owners.c - steps 3 to 5 by the owners: each parked mutator on the objects of its
 * own home, which are near its processor.
 *
 * By address, where the order of birth says nothing, whole blocks are lent to those that
 * would have less to do.
 *
 * No number of an object is touched by two workers, so none is an atom. A reference to an
 * object of another worker is put into a box, and taken from there by that worker in
 * the next round. A round ends when all workers are through with it (share.h); while boxes
 * have something in them, or were too small, there is another one.
 *
 * Invariant (D3): in a round a worker writes the prefixes and marks of the objects that are
 *                 its (is_its()), and its own box of this round; it reads the others' boxes
 *                 of the round before.
 */
#include <errno.h>

#include "collectors/generational/detect.h"
#include "collectors/generational/detect_inside.h"
#include "core/os.h"
#include "core/share.h"

enum { HOME_STACK_ENTRIES = 1 << 16 };

int detect_worker_init_home(struct detect_worker *worker, struct gc_mutator *home)
{
    if (detect_worker_init(worker, HOME_STACK_ENTRIES) != 0) return -ENOMEM;
    worker->heap = home->heap;
    worker->home = home;
    for (int i = 0; i < 2; i++) {
        worker->boxes[i] =
                gc_os_map(DETECT_BOX_ENTRIES * sizeof(struct gc_object *), 4096);
        if (worker->boxes[i] != NULL) continue;
        detect_worker_finish(worker);
        return -ENOMEM;
    }
    return 0;
}

static void count_slot(gc_slot *slot, void *argument)
{
    (void)slot;
    ++*(size_t *)argument;
}

bool detect_has_room_slow(const struct detect_worker *worker, struct gc_object *object)
{
    const struct gc_type_info *info = gc_object_info(object);
    size_t n = gc_object_slots(object, info).count;
    if (info->irregular && info->type->trace != NULL)
        info->type->trace(object, count_slot, &n);
    return n <= worker->room_left;
}

void detect_postpone(struct detect_worker *worker, struct gc_object *object)
{
    if (worker->big == NULL && worker->sent[worker->side] == 0) {
        worker->big = object; /* it would not fit into a whole box */
        return;
    }
    struct gc_links *links = gc_links_of(object);
    links->prev = links_at(prev_bits(links) | REVISIT);
    worker->overflowed = true;
}

/* --- a worker's part of a round ---------------------------------------------------------- */

struct run {
    struct gc_heap *heap;
    const struct detect_passes *passes;
    bool wake;
    bool first; /* round of steps 3 and 4 */
};

/* Calls take(worker, object) for what others sent to it in the round before. */
GC_INLINE void take_in(const struct run *run, struct detect_worker *worker,
        void (*take)(const struct run *run, struct detect_worker *worker,
                struct gc_object *object))
{
    gc_for_each_mutator (other, run->heap) {
        const struct detect_worker *from = detect_worker_of_home(other);
        if (from == worker || !from->takes_part || gc_broken(BOXES_TAKEN)) continue;
        struct gc_object *const *box = from->boxes[!worker->side];
        for (size_t i = 0, n = from->sent[!worker->side]; i < n; i++)
            if (is_its(worker, gc_block_of(box[i]))) take(run, worker, box[i]);
    }
}

/* The box that was read in the round before is to be filled. */
static bool begin_part(struct detect_worker *worker)
{
    if (!worker->takes_part) return false; /* its home came after the run began */
    worker->side = !worker->side;
    worker->sent[worker->side] = 0;
    worker->room_left = DETECT_BOX_ENTRIES;
    return true;
}

static inline void take_subtract(
        const struct run *run, struct detect_worker *worker, struct gc_object *object)
{
    (void)run;
    subtract_reference(&worker->set, object);
}

static void subtract_part(struct gc_mutator *home, void *argument)
{
    const struct run *run = argument;
    struct detect_worker *worker = detect_worker_of_home(home);
    if (!begin_part(worker)) return;
    if (!run->first) take_in(run, worker, take_subtract);
    if (!worker->subtracted) run->passes->subtract(worker);
    const bool settled =
            worker->subtracted && worker->big == NULL && worker->sent[worker->side] == 0;
    gc_atomic_store_relaxed(
            &worker->first_round, settled ? DETECT_SETTLED : DETECT_UNSETTLED);
}

/* Mostly no reference leads from home to home, and who is through may begin the scan when all
 * are, without another round of offers. That is a good part of a young collection. In one
 * that is worth waking for, the others can take longer than who is through would wait; then he
 * had to scan after them, not beside them. Relaxed: who has sent nothing has left nothing that
 * others look at in the scan. */
static enum gc_share_go may_scan(struct gc_heap *heap, void *argument)
{
    (void)argument;
    gc_for_each_mutator (home, heap) {
        struct detect_worker *worker = detect_worker_of_home(home);
        if (!worker->takes_part) continue;
        uint32_t outcome = gc_atomic_load_relaxed(&worker->first_round);
        if (outcome == DETECT_UNDER_WAY) return GC_SHARE_NOT_YET;
        if (outcome == DETECT_UNSETTLED) return GC_SHARE_END;
    }
    return GC_SHARE_GO_ON;
}

static inline void take_reach(
        const struct run *run, struct detect_worker *worker, struct gc_object *object)
{
    if ((gc_object_state(object) & GC_STATE_CYCLIC) != 0)
        run->passes->reach(worker, object);
}

/* Whoever has scanned in the round before the others has filled the same box as they do. */
static void scan_part(struct gc_mutator *home, void *argument)
{
    const struct run *run = argument;
    struct detect_worker *worker = detect_worker_of_home(home);
    if (worker->scanned || !begin_part(worker)) return;
    worker->scanned = true;
    run->passes->scan(worker);
}

static void go_on_part(struct gc_mutator *home, void *argument)
{
    const struct run *run = argument;
    struct detect_worker *worker = detect_worker_of_home(home);
    if (!begin_part(worker)) return;
    take_in(run, worker, take_reach);
    run->passes->go_on(worker);
}

static void sweep_part(struct gc_mutator *home, void *argument)
{
    const struct run *run = argument;
    struct detect_worker *worker = detect_worker_of_home(home);
    if (worker->takes_part) run->passes->sweep(worker);
}

/* --- the stopper, between rounds --------------------------------------------------------- */

static void subtract_slot_anywhere(gc_slot *slot, void *argument)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object != NULL) subtract_reference(argument, object);
}

static void reach_slot_anywhere(gc_slot *slot, void *argument)
{
    const struct run *run = argument;
    struct gc_object *object = cyclic_in(slot);
    if (object == NULL) return;
    const struct gc_block *block = gc_block_of(object);
    gc_for_each_mutator (home, run->heap) {
        struct detect_worker *worker = detect_worker_of_home(home);
        if (!worker->takes_part || !is_its(worker, block)) continue;
        run->passes->reach(worker, object);
        break;
    }
}

/* Looks at what was too big, and whether there is to be another round. */
static bool ends_round(struct run *run, bool subtracts)
{
    bool again = false;
    gc_for_each_mutator (home, run->heap) {
        struct detect_worker *worker = detect_worker_of_home(home);
        if (!worker->takes_part) continue;
        struct gc_object *big = worker->big;
        worker->big = NULL;
        if (big != NULL && subtracts)
            gc_object_trace(big, subtract_slot_anywhere, &worker->set);
        else if (big != NULL)
            gc_object_trace(big, reach_slot_anywhere, run);
        again |= big != NULL || worker->sent[worker->side] > 0;
        if (!gc_broken(ROUND_AGAIN))
            again |= subtracts ? !worker->subtracted : worker->overflowed;
    }
    return !again;
}

static bool takes_part(struct gc_mutator *home, void *argument)
{
    (void)argument;
    return detect_worker_of_home(home)->takes_part;
}

static void share(
        struct run *run, struct gc_mutator *m, gc_share_fn part, gc_share_fn then)
{
    const struct gc_share share = {
        .run = part,
        .has_part = takes_part,
        .then = then,
        .may_go_on = then != NULL ? may_scan : NULL,
        .argument = run,
        .wake = run->wake,
    };
    gc_stop_share(m, &share);
}

static void subtract_and_scan(struct run *run, struct gc_mutator *m)
{
    run->first = true;
    share(run, m, subtract_part, run->wake ? NULL : scan_part);
    run->first = false;
    bool all_scanned = true;
    gc_for_each_mutator (home, run->heap)
        all_scanned &= !takes_part(home, run) || detect_worker_of_home(home)->scanned;
    if (!all_scanned) {
        if (may_scan(run->heap, NULL) != GC_SHARE_GO_ON)
            while (!ends_round(run, true))
                share(run, m, subtract_part, NULL);
        share(run, m, scan_part, NULL);
    }
    while (!ends_round(run, false))
        share(run, m, go_on_part, NULL);
}

/* --- blocks for who has less to do -------------------------------------------------------- */

/* Calls visit(block, worker of its home, worker) for what is walked. */
static void for_blocks(struct gc_heap *heap, struct detect_worker *worker,
        void (*visit)(struct gc_block *block, struct detect_worker *at_home,
                struct detect_worker *worker))
{
    struct gc_block_cursor cursor = { NULL, 0 };
    for (struct gc_block *block; (block = gc_next_block_stw(heap, &cursor)) != NULL;)
        if (is_walked(block)) visit(block, detect_worker_of_home(block->home), worker);
}

static void weigh(struct gc_block *block, struct detect_worker *at_home,
        struct detect_worker *worker)
{
    (void)worker;
    at_home->cells += block->built;
}

/* A block stays with its home's worker until that one has its share; `worker`, the stopper's,
 * has what nobody else can take. */
static void give(struct gc_block *block, struct detect_worker *at_home,
        struct detect_worker *worker)
{
    const size_t cells = block->built;
    if (at_home->cells > 0) {
        at_home->cells -= cells < at_home->cells ? cells : at_home->cells;
        block->kept = at_home->number;
        return;
    }
    gc_for_each_mutator (home, worker->heap) {
        struct detect_worker *other = detect_worker_of_home(home);
        if (other->spare == 0) continue;
        other->spare -= cells < other->spare ? cells : other->spare;
        worker = other;
        break;
    }
    block->kept = worker->number;
}

/* Whoever looks out for parts gets as many cells as the next. */
static void give_blocks_stw(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    struct detect_worker *own = detect_worker_of_home(m);
    size_t cells = 0, workers = 0, homes = 0;
    for_blocks(heap, own, weigh);
    gc_for_each_mutator (home, heap) {
        if (!detect_worker_of_home(home)->takes_part) continue;
        cells += detect_worker_of_home(home)->cells;
        workers += home == m || gc_share_looks_out(home);
        homes++;
    }
    if (homes >= UINT16_MAX) return; /* each has what is its home's */
    gc_assert(workers > 0, "who collects takes no part");
    const size_t share = cells / workers + 1;
    gc_for_each_mutator (home, heap) {
        struct detect_worker *worker = detect_worker_of_home(home);
        if (!worker->takes_part) continue; /* nor had it when they were counted */
        const bool works = home == m || gc_share_looks_out(home);
        const size_t most = works ? share : 0;
        worker->number = (uint16_t)homes--;
        worker->spare = worker->cells < most ? most - worker->cells : 0;
        if (worker->cells > most) worker->cells = most;
    }
    for_blocks(heap, own, give);
}

/* Trash that was found by others goes to the worker of its home. */
static void return_lent(struct detect_worker *worker)
{
    struct gc_links *lent = &worker->lent;
    for (struct gc_links *at = lent->next, *next; at != lent; at = next) {
        next = at->next;
        struct detect_worker *other = detect_worker_of_home(gc_block_of(at)->home);
        if (!gc_broken(LENT_RETURNED)) gc_list_append(&other->trash, at);
        worker->found--;
        other->found++;
    }
    gc_list_init(lent);
}

void detect_by_owners_stw(
        struct detector *detector, struct gc_mutator *m, bool by_address, bool wake)
{
    struct gc_heap *heap = m->heap;
    enum detect_way way = by_address ? DETECT_WALK : detector->way;
    struct run run = {
        .heap = heap,
        .passes = by_address ? &detect_walk_passes : &detect_list_passes,
        .wake = wake,
    };
    gc_for_each_mutator (home, heap) {
        struct detect_scan *scan = by_address ? NULL : detect_scan_of_home(home);
        if (scan != NULL && gc_list_is_empty(scan->list))
            continue; /* nothing to look at */
        detect_worker_begin(detect_worker_of_home(home), detector, way, scan);
    }
    if (by_address) give_blocks_stw(m);
    subtract_and_scan(&run, m);
    bool found = false;
    gc_for_each_mutator (home, heap) {
        const struct detect_worker *worker = detect_worker_of_home(home);
        if (!worker->takes_part) continue;
        found |= worker->left > worker->reached || !gc_list_is_empty(&worker->trash);
    }
    if (found) share(&run, m, sweep_part, NULL);
    gc_for_each_mutator (home, heap) {
        struct detect_worker *worker = detect_worker_of_home(home);
        if (by_address) return_lent(worker);
    }
    gc_for_each_mutator (home, heap) {
        struct detect_worker *worker = detect_worker_of_home(home);
        if (worker->takes_part) detect_worker_end(worker, detector, NULL);
        worker->takes_part = false;
    }
}

void detect_gather_stw(struct gc_heap *heap, struct gc_links *trash)
{
    gc_for_each_mutator (home, heap)
        gc_list_merge(trash, &detect_worker_of_home(home)->trash);
}
