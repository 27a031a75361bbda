/* SPDX-License-Identifier: MIT */
/* block.c - regions, blocks and runs: where cells come from and go back to.
 *
 * A run takes all free cells of a block at once: allocation touches the list alone, and frees go
 * to the block. The counting (B2-B4 in block.h) makes a free one countdown; no list is counted.
 */
#include "core/block.h"

#include <string.h>

#include "core/grace.h"
#include "core/heap.h"
#include "core/mutant.h"
#include "core/os.h"
#include "core/sweep.h"
#include "core/thread.h"

#if GC_ASAN
#    include <sanitizer/asan_interface.h>
#    define shade(p, n)   __asan_poison_memory_region((p), (n))
#    define unshade(p, n) __asan_unpoison_memory_region((p), (n))
#else
#    define shade(p, n)   ((void)(p), (void)(n))
#    define unshade(p, n) ((void)(p), (void)(n))
#endif

enum {
    /* What a run builds at a time: enough to amortise the slow path, little enough to
     * stay in the first-level cache. */
    BUILD_BYTES = 4096,
    /* A countdown that no block can count down. */
    NEVER = 1 << 30,
    /* Empty blocks that a home keeps for itself before it puts them into limbo. */
    EMPTY_BLOCKS = 64,
    POISON = 0xd5,
    MARK_BYTES = GC_REGION_BYTES / GC_GRANULE / 8,
};

static size_t poisoned_bytes(struct gc_object *object)
{
    const struct gc_block *block = gc_block_of(object);
    return block->cell_bytes - block->prefix - GC_CELL_MIN_BYTES;
}

void gc_cell_poison(struct gc_object *object)
{
    char *body = (char *)object + GC_CELL_MIN_BYTES;
    size_t bytes = poisoned_bytes(object);
    unshade(body, bytes); /* of an empty block that is built again it is shaded still */
    memset(body, POISON, bytes);
    shade(body, bytes);
}

void gc_cell_unpoison(struct gc_object *object)
{
    unsigned char *body = (unsigned char *)object + GC_CELL_MIN_BYTES;
    size_t bytes = poisoned_bytes(object);
    unshade(body, bytes);
    for (size_t i = 0; i < bytes; i++)
        gc_require(body[i] == POISON, "the free cell %p was written to at byte %zu",
                (void *)object, i + GC_CELL_MIN_BYTES);
}

/* --- regions ------------------------------------------------------------------ */

static bool map_is_free(const struct gc_region *region, uint32_t i)
{
    return (region->free_map[i / 64] >> i % 64) & 1;
}

static void map_set(
        struct gc_region *region, uint32_t first, uint32_t count, bool is_free)
{
    for (uint32_t i = first; i < first + count; i++) {
        uint64_t bit = UINT64_C(1) << i % 64;
        if (is_free)
            region->free_map[i / 64] |= bit;
        else
            region->free_map[i / 64] &= ~bit;
    }
    region->free_blocks += is_free ? count : 0 - count;
}

bool gc_region_add_marks(struct gc_region *region)
{
    gc_lock_assert_held(&region->heap->blocks_lock);
    if (!gc_heap_charge(region->heap, MARK_BYTES)) return false;
    region->marks = gc_os_alloc(MARK_BYTES);
    if (region->marks == NULL) gc_heap_discharge(region->heap, MARK_BYTES);
    return region->marks != NULL;
}

static void region_unmap(struct gc_region *region)
{
    unshade(region, region->bytes);
    gc_os_free(region->marks);
    gc_os_unmap(region, region->bytes);
}

/* A new region of `bytes` (a multiple of the region size if huge). blocks_lock. */
static struct gc_region *region_new(struct gc_heap *heap, size_t bytes)
{
    gc_lock_assert_held(&heap->blocks_lock);
    size_t metadata = (size_t)heap->first_block << GC_BLOCK_SHIFT;
    if (!gc_heap_charge(heap, metadata)) return NULL;
    struct gc_region *region = gc_os_map(bytes, GC_REGION_BYTES);
    if (region == NULL) {
        gc_heap_discharge(heap, metadata);
        return NULL;
    }
    region->heap = heap;
    region->number = heap->regions_made++;
    region->bytes = bytes;
    region->first = heap->first_block;
    for (uint32_t i = 0; i < region->first; i++)
        region->blocks[i].state = GC_BLOCK_INSIDE;
    if (heap->regions_have_marks && !gc_region_add_marks(region)) {
        region_unmap(region);
        gc_heap_discharge(heap, metadata);
        return NULL;
    }
    region->next = heap->regions;
    heap->regions = region;
    return region;
}

/* Finds `count` consecutive free blocks and takes them. blocks_lock. */
static struct gc_block *take_blocks(struct gc_region *region, uint32_t count)
{
    if (region->free_blocks < count) return NULL;
    uint32_t length = 0;
    for (uint32_t i = region->first; i < GC_REGION_BLOCKS; i++) {
        length = map_is_free(region, i) ? length + 1 : 0;
        if (length < count) continue;
        uint32_t first = i + 1 - count;
        map_set(region, first, count, false);
        return &region->blocks[first];
    }
    return NULL;
}

/* Gives the blocks of a cell block (1) or a span back to their region. blocks_lock. */
static void release_blocks(struct gc_block *block, uint32_t count)
{
    struct gc_region *region = gc_region_of(block);
    struct gc_heap *heap = region->heap;
    gc_lock_assert_held(&heap->blocks_lock);
    unshade(gc_block_start(block), (size_t)count << GC_BLOCK_SHIFT);
    for (uint32_t i = 0; i < count; i++)
        block[i].state = GC_BLOCK_FREE;
    map_set(region, (uint32_t)(block - region->blocks), count, true);
    heap->region_hint = region;
    gc_heap_discharge(heap, (size_t)count << GC_BLOCK_SHIFT);
}

/* Unmaps the region of a huge object. blocks_lock. */
static void release_huge(struct gc_region *region)
{
    struct gc_heap *heap = region->heap;
    size_t charged = region->bytes + (region->marks != NULL ? MARK_BYTES : 0);
    struct gc_region **link = &heap->regions;
    while (*link != region)
        link = &(*link)->next;
    *link = region->next;
    region_unmap(region);
    gc_heap_discharge(heap, charged);
}

/* blocks_lock */
static void release_any(struct gc_block *block)
{
    struct gc_region *region = gc_region_of(block);
    if (region->bytes > GC_REGION_BYTES)
        release_huge(region);
    else
        release_blocks(block, block->span > 0 ? block->span : 1);
}

/* blocks_lock */
static void release_list(struct gc_block **list)
{
    while (*list != NULL) {
        struct gc_block *block = *list;
        *list = block->next;
        release_any(block);
    }
}

/* `count` blocks for a home, charged; NULL when the limit or the system refuses. */
static struct gc_block *blocks_new(struct gc_heap *heap, uint32_t count)
{
    size_t bytes = (size_t)count << GC_BLOCK_SHIFT;
    gc_lock_acquire(&heap->blocks_lock);
    release_list(&heap->ripe);
    if (!gc_heap_charge(heap, bytes)) {
        gc_lock_release(&heap->blocks_lock);
        return NULL;
    }
    struct gc_region *region = heap->region_hint;
    struct gc_block *block = region != NULL ? take_blocks(region, count) : NULL;
    for (region = heap->regions; region != NULL && block == NULL; region = region->next)
        block = take_blocks(region, count);
    if (block == NULL && (region = region_new(heap, GC_REGION_BYTES)) != NULL) {
        map_set(region, region->first, GC_REGION_BLOCKS - region->first, true);
        block = take_blocks(region, count);
    }
    if (block != NULL) heap->region_hint = gc_region_of(block);
    gc_lock_release(&heap->blocks_lock);
    if (block == NULL) gc_heap_discharge(heap, bytes);
    return block;
}

void gc_block_release(struct gc_heap *heap, struct gc_block *block)
{
    gc_lock_acquire(&heap->blocks_lock);
    release_any(block);
    gc_lock_release(&heap->blocks_lock);
}

/* --- limbo ----------------------------------------------------------------------- */

/* blocks_lock */
static void limbo_push(struct gc_heap *heap, struct gc_block *block)
{
    block->state = GC_BLOCK_LIMBO;
    block->prev = NULL;
    block->next = heap->limbo;
    heap->limbo = block;
}

/* Takes all of the home's empty blocks off their lists and into limbo. blocks_lock. */
static void retire_locked(struct gc_mutator *home)
{
    for (uint32_t i = 0; i < 2 * GC_CLASSES; i++) {
        struct gc_block **list = &home->empty[i / GC_CLASSES][i % GC_CLASSES];
        while (*list != NULL) {
            struct gc_block *block = *list;
            *list = block->next;
            limbo_push(home->heap, block);
        }
    }
    home->empty_blocks = 0;
}

void gc_blocks_retire(struct gc_mutator *home)
{
    struct gc_heap *heap = home->heap;
    if (home->empty_blocks == 0) return;
    gc_lock_acquire(&heap->blocks_lock);
    release_list(&heap->ripe);
    retire_locked(home);
    gc_grace_ask(heap);
    gc_lock_release(&heap->blocks_lock);
}

void gc_blocks_ripen(struct gc_heap *heap)
{
    gc_lock_assert_held(&heap->blocks_lock);
    while (heap->limbo_aging != NULL) {
        struct gc_block *block = heap->limbo_aging;
        heap->limbo_aging = block->next;
        block->next = heap->ripe;
        heap->ripe = block;
    }
}

void gc_blocks_reclaim_stw(struct gc_heap *heap)
{
    gc_lock_acquire(&heap->blocks_lock);
    gc_for_each_mutator (home, heap)
        if (home->empty_blocks > 0) retire_locked(home);
    release_list(&heap->limbo);
    release_list(&heap->limbo_aging);
    release_list(&heap->ripe);
    gc_lock_release(&heap->blocks_lock);
}

void gc_blocks_finish(struct gc_heap *heap)
{
    struct gc_region *region = heap->regions;
    while (region != NULL) {
        struct gc_region *next = region->next;
        region_unmap(region);
        region = next;
    }
    heap->regions = NULL;
}

/* --- blocks of cells ------------------------------------------------------------ */

static void push(struct gc_block **list, struct gc_block *block)
{
    block->prev = NULL;
    block->next = *list;
    if (*list != NULL) (*list)->prev = block;
    *list = block;
}

static void partial_push(struct gc_block *block)
{
    block->state = GC_BLOCK_PARTIAL;
    push(&block->home->partial[block->cyclic][block->class], block);
}

/* All cells of a block of no list are dead. */
static void block_died(struct gc_block *block)
{
    struct gc_mutator *home = block->home;
    if (!home->heap->type_stable || gc_broken(STABLE)) {
        gc_block_release(gc_region_of(block)->heap, block);
        return;
    }
    block->state = GC_BLOCK_EMPTY;
    push(&home->empty[block->cyclic][block->class], block);
    if (++home->empty_blocks >= EMPTY_BLOCKS) gc_blocks_retire(home);
}

static void partial_remove(struct gc_block *block)
{
    struct gc_block **list = &block->home->partial[block->cyclic][block->class];
    if (block->prev != NULL)
        block->prev->next = block->next;
    else
        *list = block->next;
    if (block->next != NULL) block->next->prev = block->prev;
    block->next = block->prev = NULL;
}

/* Keeps `used`, and lets the next event come after `countdown` frees. */
static void set_countdown(struct gc_block *block, uint32_t used, uint32_t countdown)
{
    block->countdown = countdown;
    block->bias = (int32_t)used - (int32_t)countdown;
}

void gc_block_set_used(struct gc_block *block, uint32_t used)
{
    set_countdown(block, used, NEVER);
}

struct gc_block *gc_block_new(struct gc_mutator *m, bool prefixed, uint32_t class)
{
    struct gc_block *block = blocks_new(m->heap, 1);
    if (block == NULL) return NULL;
    uint32_t cell = gc_class_cell_bytes(class);
    *block = (struct gc_block){
        .state = GC_BLOCK_CURRENT,
        .class = (uint8_t) class,
        .cyclic = prefixed,
        .cells = (uint16_t)(GC_BLOCK_BYTES / cell),
        .prefix = (uint16_t)(prefixed ? m->prefix_bytes : 0),
        .cell_bytes = cell,
        .home = m,
        .free_count = m->free_count,
    };
    set_countdown(block, 0, NEVER);
    return block;
}

/* Gives the next few unbuilt cells headers and links them in the order of their
 * addresses. Returns the first; the last one's link is NULL. Headers of an empty block that is
 * built again stay: through a stale reference somebody may be adding to a count. */
static struct gc_object *build_cells(struct gc_block *block)
{
    uint32_t count = BUILD_BYTES / block->cell_bytes;
    if (count == 0) count = 1;
    if (count > (uint32_t)(block->cells - block->built))
        count = (uint32_t)(block->cells - block->built);
    struct gc_object *first = gc_block_object(block, block->built);
    struct gc_object *object = first;
    for (uint32_t i = 0; i < count; i++) {
        struct gc_object *next =
                (struct gc_object *)(void *)((char *)object + block->cell_bytes);
        if (block->built + i >= block->formed || gc_broken(REBUILT)) {
            gc_atomic_store_relaxed(&object->words, 0);
            gc_cell_reset(block, object);
        }
        *gc_cell_link(object) = i + 1 < count ? next : NULL;
        __builtin_prefetch((char *)object + BUILD_BYTES, 1); /* what is built next */
        if (GC_POISONS) gc_cell_poison(object);
        object = next;
    }
    block->built = (uint16_t)(block->built + count);
    if (block->formed < block->built) block->formed = block->built;
    return first;
}

/* Mutators get `bytes` of cells, in a block that has `used` objects so far. */
static void note_births(struct gc_block *block, uint32_t used, size_t bytes)
{
    if (block->births == GC_BIRTHS_NONE)
        block->births = used == 0 ? GC_BIRTHS_ALL : GC_BIRTHS_SOME;
    gc_atomic_fetch_add_relaxed(&gc_region_of(block)->heap->taken_bytes, bytes);
}

bool gc_block_take_cells(struct gc_mutator *m, struct gc_run *run)
{
    struct gc_block *block = run->block;
    uint32_t used = gc_block_used(block);
    if (block->free != NULL) {
        run->free = block->free;
        block->free = NULL;
    } else if (block->built < block->cells) {
        run->free = build_cells(block);
    } else {
        return false;
    }
    m->counters.cells_taken += block->built - used;
    note_births(block, used, (size_t)(block->built - used) * block->cell_bytes);
    set_countdown(block, block->built, NEVER);
    return true;
}

bool gc_run_begin(struct gc_mutator *m, struct gc_run *run, struct gc_block *block)
{
    block->state = GC_BLOCK_CURRENT;
    run->block = block;
    bool taken = gc_block_take_cells(m, run);
    gc_assert(taken, "a block with free cells has none");
    return taken;
}

bool gc_run_refill(struct gc_mutator *m, bool prefixed, uint32_t class)
{
    struct gc_run *run = &m->runs[prefixed][class];
    gc_assert(run->free == NULL, "a run is refilled that has cells left");
    if (m->sweep != NULL) return gc_sweep_refill(m, prefixed, class);
    if (run->block != NULL) {
        if (gc_block_take_cells(m, run)) return true;
        run->block->state = GC_BLOCK_FULL;
        set_countdown(run->block, run->block->cells, 1);
        run->block = NULL;
    }
    struct gc_block *block = m->partial[prefixed][class];
    struct gc_block **empty = &m->empty[prefixed][class];
    if (block == NULL && *empty == NULL) return false;
    if (block != NULL) {
        partial_remove(block);
        set_countdown(block, gc_block_used(block), NEVER);
    } else { /* built again, in the order of addresses */
        block = *empty;
        *empty = block->next;
        m->empty_blocks--;
        block->next = NULL;
        block->free = NULL;
        block->built = 0;
        set_countdown(block, 0, NEVER);
    }
    return gc_run_begin(m, run, block);
}

/* Puts a block that no run allocates from where its use says. */
static void settle(struct gc_block *block, uint32_t used)
{
    if (used == 0) {
        set_countdown(block, 0, NEVER);
        block_died(block);
    } else if (used == block->cells) {
        block->state = GC_BLOCK_FULL;
        set_countdown(block, used, 1);
    } else {
        set_countdown(block, used, used);
        partial_push(block);
    }
}

static void span_died(struct gc_block *block)
{
    struct gc_heap *heap = gc_region_of(block)->heap;
    if (!heap->type_stable || gc_broken(STABLE)) {
        gc_block_release(gc_region_of(block)->heap, block);
        return;
    }
    gc_lock_acquire(&heap->blocks_lock);
    release_list(&heap->ripe);
    limbo_push(heap, block);
    gc_grace_ask(heap);
    gc_lock_release(&heap->blocks_lock);
}

void gc_block_event(struct gc_block *block)
{
    switch ((enum gc_block_state)block->state) {
    case GC_BLOCK_FULL:
        settle(block, gc_block_used(block));
        return;
    case GC_BLOCK_PARTIAL:
        partial_remove(block);
        block_died(block);
        return;
    case GC_BLOCK_SPAN:
        span_died(block);
        return;
    case GC_BLOCK_EMPTY:
    case GC_BLOCK_LIMBO:
    case GC_BLOCK_FREE:
    case GC_BLOCK_CURRENT:
    case GC_BLOCK_INSIDE:
    case GC_BLOCK_UNSWEPT:
        break;
    }
    gc_fatal("a cell is freed in a block of state %d of heap %p", block->state,
            (void *)gc_region_of(block)->heap);
}

uint32_t gc_block_clear(struct gc_block *block)
{
    uint32_t used = gc_block_used(block);
    const bool says_so = GC_POISONS || gc_region_of(block)->heap->type_stable;
    for (uint32_t i = 0; says_so && i < block->built; i++) {
        struct gc_object *object = gc_block_object(block, i);
        if (gc_object_is_dead(object)) continue;
        gc_cell_reset(block, object);
        if (GC_POISONS) gc_cell_poison(object);
    }
    set_countdown(block, 0, 0);
    gc_block_event(block);
    return used;
}

void gc_runs_flush(struct gc_mutator *m)
{
    if (m->sweep != NULL) {
        gc_sweep_flush(m);
        return;
    }
    for (uint32_t i = 0; i < 2 * GC_CLASSES; i++) {
        struct gc_run *run = &m->runs[i / GC_CLASSES][i % GC_CLASSES];
        struct gc_block *block = run->block;
        if (block == NULL) continue;
        uint32_t used = gc_block_used(block);
        while (run->free != NULL) {
            struct gc_object *object = run->free;
            run->free = *gc_cell_link(object);
            *gc_cell_link(object) = block->free;
            block->free = object;
            used--;
            m->counters.cells_taken--;
        }
        run->block = NULL;
        settle(block, used);
    }
}

/* --- large objects -------------------------------------------------------------- */

static struct gc_block *huge_new(struct gc_heap *heap, size_t bytes)
{
    size_t metadata = (size_t)heap->first_block << GC_BLOCK_SHIFT;
    size_t total =
            (bytes + metadata + GC_REGION_BYTES - 1) & ~(size_t)(GC_REGION_BYTES - 1);
    gc_assert(total > GC_REGION_BYTES,
            "what fits into a region's blocks is no huge object");
    if (!gc_heap_charge(heap, total - metadata)) return NULL;
    gc_lock_acquire(&heap->blocks_lock);
    struct gc_region *region = region_new(heap, total);
    gc_lock_release(&heap->blocks_lock);
    if (region == NULL) {
        gc_heap_discharge(heap, total - metadata);
        return NULL;
    }
    return &region->blocks[region->first];
}

struct gc_object *gc_span_new(struct gc_mutator *m, size_t bytes, uint32_t prefix)
{
    struct gc_heap *heap = m->heap;
    size_t blocks = (bytes + GC_BLOCK_BYTES - 1) >> GC_BLOCK_SHIFT;
    bool fits = blocks <= GC_REGION_BLOCKS - heap->first_block;
    struct gc_block *block =
            fits ? blocks_new(heap, (uint32_t)blocks) : huge_new(heap, bytes);
    if (block == NULL) return NULL;
    for (size_t i = 1; fits && i < blocks; i++)
        block[i].state = GC_BLOCK_INSIDE;
    *block = (struct gc_block){
        .state = GC_BLOCK_SPAN,
        .cells = 1,
        .built = 1,
        .prefix = (uint16_t)prefix,
        .cell_bytes = (uint32_t)bytes,
        .span = (uint32_t)blocks,
        .home = m,
        .free_count = m->free_count,
    };
    set_countdown(block, 1, 1);
    struct gc_object *object = gc_block_object(block, 0);
    gc_atomic_init(&object->words, 0);
    gc_cell_reset(block, object);
    if (GC_POISONS) gc_cell_poison(object);
    m->counters.cells_taken++;
    note_births(block, 0, bytes);
    if (heap->sweeper != NULL) gc_sweep_add_span(heap, block);
    return object;
}
