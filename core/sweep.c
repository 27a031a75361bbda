/* SPDX-License-Identifier: MIT */
/* sweep.c - lists of swept and unswept blocks, and sweeping one block.
 *
 * The lists are under one lock of the heap, which is taken once for each block that a
 * mutator fills: what it protects are a few pointers. A block itself is swept outside.
 *
 * Sync edges: [sync AT2] a large object's fields come before its count
 *             [sync SE1] an owner has swept a block, against who marks for the next cycle
 */
#include "core/sweep.h"

#include <errno.h>

#include "core/collector.h"
#include "core/os.h"
#include "core/schedule.h"

static void push(struct gc_block **list, struct gc_block *block)
{
    block->next = *list;
    *list = block;
}

static struct gc_block *pop(struct gc_block **list)
{
    struct gc_block *block = *list;
    if (block == NULL) return NULL;
    *list = block->next;
    block->next = NULL;
    return block;
}

static struct gc_sweep_lists *lists_of(const struct gc_block *block)
{
    return &block->home->sweep->lists[block->cyclic][block->class];
}

/* Puts a block that was swept, or filled, where its use says. */
static void put(struct gc_sweeper *sweeper, struct gc_block *block)
{
    struct gc_sweep_lists *lists = lists_of(block);
    bool is_full = gc_block_used(block) == block->cells;
    block->state = is_full ? GC_BLOCK_FULL : GC_BLOCK_PARTIAL;
    gc_lock_acquire(&sweeper->lock);
    push(is_full ? &lists->full : &lists->partial, block);
    gc_lock_release(&sweeper->lock);
}

/* --- one block --------------------------------------------------------------------- */

uint32_t gc_sweep_count_live(const struct gc_block *block)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < block->built; i++)
        live += !gc_object_is_dead(gc_block_object(block, i));
    return live;
}

/* Frees what is dead in a block that the caller has taken (SW1), and links all free cells
 * in the order of their addresses. */
static void sweep_block(struct gc_mutator *by, struct gc_block *block)
{
    struct gc_sweeper *sweeper = by->heap->sweeper;
    const uint16_t dead = sweeper->dead;
    struct gc_object *free = NULL;
    uint32_t freed = 0, used = 0;
    for (uint32_t i = block->built; i-- > 0;) {
        struct gc_object *object = gc_block_object(block, i);
        if (!gc_object_is_dead(object)) {
            if (gc_object_mark(object) != dead) {
                used++;
                continue;
            }
            gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
            if (GC_POISONS) gc_cell_poison(object);
            freed++;
        }
        *gc_cell_link(object) = free;
        free = object;
    }
    /* What a run had when the block was handed over has not been used after all. */
    by->counters.cells_taken -= gc_block_used(block) - (used + freed);
    by->counters.freed_by_trace += freed;
    gc_atomic_fetch_add_relaxed(&sweeper->freed, freed);
    if (used > 0) gc_atomic_fetch_add_relaxed(&sweeper->kept_bytes, GC_BLOCK_BYTES);
    block->free = free;
    gc_block_set_used(block, used);
}

/* --- the owner ---------------------------------------------------------------------- */

/* A block of the class with free cells, swept if need be; NULL: there is none at hand. */
static struct gc_block *find(struct gc_mutator *m, struct gc_sweep_lists *lists)
{
    struct gc_sweeper *sweeper = m->heap->sweeper;
    gc_lock_acquire(&sweeper->lock);
    struct gc_block *block = pop(&lists->partial);
    const bool is_swept = block != NULL;
    for (int i = 0; i < 2 && block == NULL && sweeper->open; i++)
        block = pop(&lists->unswept[i]);
    const bool sweeps = block != NULL && !is_swept;
    if (sweeps) gc_atomic_fetch_add_relaxed(&sweeper->sweeping, 1);
    gc_lock_release(&sweeper->lock);
    if (!sweeps) return block;
    gc_schedule_yield(); /* between taking and sweeping */
    uint64_t start = gc_stall_clock();
    sweep_block(m, block);
    /* [sync SE1] release: the looks at marks come before those marks that are made when none
     * is under way; pairs with gc_sweep_is_under_way(). */
    gc_atomic_fetch_sub_release(&sweeper->sweeping, 1);
    gc_stall_record(m->stalls, GC_STALL_allocation, start, block->built);
    if (gc_block_used(block) < block->cells) return block;
    put(sweeper, block);
    return NULL;
}

bool gc_sweep_refill(struct gc_mutator *m, bool prefixed, uint32_t class)
{
    struct gc_run *run = &m->runs[prefixed][class];
    if (run->block != NULL) {
        if (gc_block_take_cells(m, run)) return true;
        gc_block_set_used(run->block, run->block->cells);
        put(m->heap->sweeper, run->block);
        run->block = NULL;
    }
    struct gc_block *block = find(m, &m->sweep->lists[prefixed][class]);
    return block != NULL && gc_run_begin(m, run, block);
}

/* Takes the run's block from it, with the cells that are left. */
static struct gc_block *detach(struct gc_run *run)
{
    struct gc_block *block = run->block;
    if (block == NULL) return NULL;
    gc_assert(block->free == NULL, "a cell was freed without a sweep");
    block->free = run->free;
    run->free = NULL;
    run->block = NULL;
    return block;
}

void gc_sweep_flush(struct gc_mutator *m)
{
    for (uint32_t i = 0; i < 2 * GC_CLASSES; i++) {
        struct gc_run *run = &m->runs[i / GC_CLASSES][i % GC_CLASSES];
        struct gc_block *block = detach(run);
        if (block == NULL) continue;
        uint32_t left = 0;
        for (struct gc_object *o = block->free; o != NULL; o = *gc_cell_link(o))
            left++;
        m->counters.cells_taken -= left;
        gc_block_set_used(block, block->built - left);
        put(m->heap->sweeper, block);
    }
}

void gc_sweep_hand_over(struct gc_mutator *home)
{
    struct gc_sweeper *sweeper = home->heap->sweeper;
    gc_lock_acquire(&sweeper->lock);
    for (uint32_t i = 0; i < 2 * GC_CLASSES; i++) {
        struct gc_sweep_lists *lists =
                &home->sweep->lists[i / GC_CLASSES][i % GC_CLASSES];
        gc_assert(lists->unswept[0] == NULL && lists->unswept[1] == NULL,
                "SW2: a sweep has not ended");
        lists->unswept[0] = lists->partial;
        lists->unswept[1] = lists->full;
        lists->partial = lists->full = NULL;
        struct gc_block *block = detach(&home->runs[i / GC_CLASSES][i % GC_CLASSES]);
        if (block == NULL) continue;
        block->state = GC_BLOCK_UNSWEPT;
        push(&lists->unswept[0], block);
    }
    sweeper->open = false;
    gc_lock_release(&sweeper->lock);
}

/* --- the collector ---------------------------------------------------------------------- */

void gc_sweep_open(struct gc_heap *heap, uint16_t dead)
{
    struct gc_sweeper *sweeper = heap->sweeper;
    gc_atomic_store_relaxed(&sweeper->freed, 0);
    gc_atomic_store_relaxed(&sweeper->kept_bytes, 0);
    sweeper->home = gc_next_mutator(&heap->mutators);
    sweeper->at = 0;
    gc_lock_acquire(&sweeper->lock);
    sweeper->unswept_spans = sweeper->spans;
    sweeper->spans = NULL;
    sweeper->dead = dead;
    sweeper->open = true;
    gc_lock_release(&sweeper->lock);
}

/* Takes an unswept block of whatever home. */
static struct gc_block *take_any(struct gc_sweeper *sweeper)
{
    struct gc_block *block = NULL;
    gc_lock_acquire(&sweeper->lock);
    while (sweeper->home != NULL) {
        if (sweeper->at == 2 * GC_CLASSES) {
            sweeper->home = gc_next_mutator(&sweeper->home->next);
            sweeper->at = 0;
            continue;
        }
        uint32_t class = sweeper->at % GC_CLASSES;
        struct gc_sweep_lists *lists =
                &sweeper->home->sweep->lists[sweeper->at / GC_CLASSES][class];
        block = pop(&lists->unswept[1]);
        if (block == NULL) block = pop(&lists->unswept[0]);
        if (block != NULL) break;
        sweeper->at++; /* nothing comes to these lists before the next hand-over */
    }
    gc_lock_release(&sweeper->lock);
    return block;
}

/* False: none is left. */
static bool sweep_span(struct gc_mutator *by, struct gc_sweeper *sweeper)
{
    gc_lock_acquire(&sweeper->lock);
    struct gc_block *block = pop(&sweeper->unswept_spans);
    gc_lock_release(&sweeper->lock);
    if (block == NULL) return false;
    struct gc_object *object = gc_block_object(block, 0);
    /* [sync AT2] acquire: one that is being born says DEAD, and one that does not has its
     * mark; pairs with the release in gc_new_slow(). */
    bool is_born = (gc_atomic_load_acquire(&object->count) & GC_COUNT_DEAD) == 0;
    if (is_born && gc_object_mark(object) == sweeper->dead) {
        by->counters.freed_by_trace++;
        gc_atomic_fetch_add_relaxed(&sweeper->freed, 1);
        gc_block_release(by->heap, block);
        return true;
    }
    gc_atomic_fetch_add_relaxed(
            &sweeper->kept_bytes, (size_t)block->span << GC_BLOCK_SHIFT);
    gc_lock_acquire(&sweeper->lock);
    push(&sweeper->spans, block);
    gc_lock_release(&sweeper->lock);
    return true;
}

bool gc_sweep_some(struct gc_mutator *by)
{
    struct gc_sweeper *sweeper = by->heap->sweeper;
    struct gc_block *block = take_any(sweeper);
    if (block == NULL) return sweep_span(by, sweeper);
    sweep_block(by, block);
    if (gc_block_used(block) == 0)
        gc_block_release(by->heap, block);
    else
        put(sweeper, block);
    return true;
}

bool gc_sweep_is_under_way(const struct gc_heap *heap)
{
    /* [sync SE1] acquire: pairs with find(). Test: core/sweep, collectors/on_the_fly. */
    return gc_atomic_load_acquire(&heap->sweeper->sweeping) != 0;
}

void gc_sweep_add_span(struct gc_heap *heap, struct gc_block *block)
{
    gc_lock_acquire(&heap->sweeper->lock);
    push(&heap->sweeper->spans, block);
    gc_lock_release(&heap->sweeper->lock);
}

/* --- life --------------------------------------------------------------------------- */

int gc_sweep_start(struct gc_heap *heap)
{
    heap->sweeper = gc_os_alloc(sizeof(*heap->sweeper));
    if (heap->sweeper == NULL) return -ENOMEM;
    gc_lock_init(&heap->sweeper->lock, GC_RANK_SWEEP);
    return 0;
}

void gc_sweep_finish(struct gc_heap *heap)
{
    if (heap->sweeper == NULL) return;
    gc_lock_finish(&heap->sweeper->lock);
    gc_os_free(heap->sweeper);
    heap->sweeper = NULL;
}

int gc_sweep_home_start(struct gc_mutator *home)
{
    if (home->heap->sweeper == NULL) return 0;
    home->sweep = gc_os_alloc(sizeof(*home->sweep));
    return home->sweep != NULL ? 0 : -ENOMEM;
}

void gc_sweep_home_finish(struct gc_mutator *home)
{
    gc_os_free(home->sweep);
}
