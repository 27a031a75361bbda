/* SPDX-License-Identifier: MIT */
/* block.h - regions, blocks and cells: where objects lie.
 *
 *   region  4 MiB, aligned to its size: metadata first, then blocks
 *   block   16 KiB of cells of one size and one header offset, or part of a span
 *   span    consecutive blocks that hold one large object
 *   huge    a mapping of its own for an object that no region can hold
 *
 * From an object's address its region, block and side metadata are found by
 * arithmetic. Only cells below `built` have headers; each of those is alive or
 * dead, and tells (gc_object_is_dead()), so a block can be enumerated at any time by who
 * may act for its home.
 *
 * Under a protocol with racing loads memory is *type-stable*: a mutator that read a slot
 * a moment ago may still look at the count of what has died since. There a block whose
 * cells are all dead keeps its class, and its headers, until every mutator has been quiet
 * (grace.h) or the world is stopped; its own class may use it again at once.
 *
 * Invariants: (B1) a block is touched only by who may act for its home: its mutator,
 *                  under `plain` the holder of the global lock, in a stop the stopper. Where
 *                  a collector sweeps beside the mutators, sweep.h says by whom.
 *             (B2) used + |free| == built; used includes the cells of a run's list
 *             (B3) used == countdown + bias
 *             (B4) countdown reaches 0 exactly when the block must change its state.
 * Sync edges: [sync EA3] what is dead is named by nothing before others may count it again
 */
#ifndef CORE_BLOCK_H
#define CORE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/mutant.h"
#include "core/object.h"

struct gc_heap;
struct gc_mutator;

enum {
    GC_BLOCK_SHIFT = 14,
    GC_BLOCK_BYTES = 1 << GC_BLOCK_SHIFT,
    GC_REGION_SHIFT = 22,
    GC_REGION_BYTES = 1 << GC_REGION_SHIFT,
    GC_REGION_BLOCKS = GC_REGION_BYTES / GC_BLOCK_BYTES,

    GC_GRANULE = 8,       /* objects are aligned to it, and no further */
    GC_SMALL_BYTES = 512, /* up to here a class is a number of granules */
    GC_SMALL_CLASSES = GC_SMALL_BYTES / GC_GRANULE + 1,
    GC_MEDIUM_BYTES = 4096, /* up to here four classes for each doubling */
    GC_CLASSES = GC_SMALL_CLASSES + 12,
    GC_CELL_MIN_BYTES = 24, /* header and free-list link */
    GC_PREFIX_MAX = 64,     /* bytes that a collector may ask for before the header */
};

enum gc_block_state {
    GC_BLOCK_FREE,    /* in its region's map of free blocks */
    GC_BLOCK_CURRENT, /* a mutator's run allocates from it */
    GC_BLOCK_PARTIAL, /* in its home's list of blocks with free cells */
    GC_BLOCK_FULL,
    GC_BLOCK_EMPTY, /* in its home's list of blocks of dead cells; type-stable heaps */
    GC_BLOCK_LIMBO, /* of no home any more: awaits a grace period */
    GC_BLOCK_SPAN,  /* the first block of a large object */
    GC_BLOCK_UNSWEPT, /* was a run's, and is to be swept (sweep.h): `free` holds what the run
                         had, and `used` counts it */
    GC_BLOCK_INSIDE, /* a further block of a span, or metadata */
};

/* What a block got since a collector has looked: gc_block_forget_births(). */
enum gc_block_births {
    GC_BIRTHS_NONE,
    GC_BIRTHS_SOME, /* cells of it became objects */
    GC_BIRTHS_ALL,  /* all its objects did */
};

struct gc_block {
    /* who may act for the home (B1) */
    struct gc_object *free; /* cells freed since the run took the list */
    uint32_t countdown;     /* frees until the state changes (B4) */
    int32_t bias;           /* (B3) */
    uint16_t built;         /* cells that have a header */
    uint8_t state;          /* enum gc_block_state */
    uint8_t births;         /* enum gc_block_births */
    uint16_t formed;        /* cells that had a header since the block got its class */
    uint16_t kept;          /* in stops: objects that a collector or tracer found alive */
    /* const while the block is in use */
    uint8_t class;
    bool cyclic; /* of objects that can be in a cycle, with a prefix or without */
    uint16_t cells;
    uint16_t prefix;     /* bytes between a cell's start and its object */
    uint32_t cell_bytes; /* of a span: of the object with its prefix */
    uint32_t span;       /* blocks of a span */
    uint64_t free_count; /* of its home: the count word of a free cell */
    struct gc_mutator *home;
    /* home's list of partial blocks */
    struct gc_block *next, *prev;
};

struct gc_region {
    struct gc_heap *heap;
    struct gc_region *next; /* heap->blocks_lock */
    size_t bytes;           /* of the mapping: GC_REGION_BYTES unless huge */
    uint32_t first;         /* index of the first block behind the metadata */
    uint32_t free_blocks;   /* heap->blocks_lock */
    uint64_t free_map[GC_REGION_BLOCKS / 64]; /* heap->blocks_lock; 1 = free */
    uint64_t number; /* in the order in which the heap has made them */
    uint64_t *marks; /* one bit a granule (trace.h), or NULL */
    struct gc_block blocks[GC_REGION_BLOCKS];
    /* behind it: the collector's side metadata, then the blocks */
};

/* What a mutator allocates cells of one class from. */
struct gc_run {
    struct gc_object *free; /* cells that are ready to be taken */
    struct gc_block *block; /* where they lie, or NULL */
};

static inline struct gc_region *gc_region_of(const void *address)
{
    return (struct gc_region *)((uintptr_t)address & ~(uintptr_t)(GC_REGION_BYTES - 1));
}

static inline struct gc_block *gc_block_of(const void *address)
{
    struct gc_region *region = gc_region_of(address);
    return &region->blocks[((uintptr_t)address - (uintptr_t)region) >> GC_BLOCK_SHIFT];
}

static inline char *gc_block_start(const struct gc_block *block)
{
    struct gc_region *region = gc_region_of(block);
    return (char *)region + ((size_t)(block - region->blocks) << GC_BLOCK_SHIFT);
}

static inline struct gc_object *gc_block_object(const struct gc_block *block, uint32_t i)
{
    return (struct gc_object *)(void *)(gc_block_start(block) +
                                        (size_t)i * block->cell_bytes + block->prefix);
}

static inline uint32_t gc_block_used(const struct gc_block *block)
{
    return (uint32_t)((int64_t)block->countdown + block->bias);
}

/* The class of a small cell; larger ones: gc_class_of_bytes(). */
static inline uint32_t gc_class_of_small(size_t bytes)
{
    return (uint32_t)((bytes + GC_GRANULE - 1) / GC_GRANULE);
}

/* Four classes to a doubling from GC_SMALL_BYTES to GC_MEDIUM_BYTES. */
static inline uint32_t gc_class_cell_bytes(uint32_t class)
{
    if (class < GC_SMALL_CLASSES) {
        uint32_t bytes = class * GC_GRANULE;
        return bytes < GC_CELL_MIN_BYTES ? GC_CELL_MIN_BYTES : bytes;
    }
    uint32_t step = class - GC_SMALL_CLASSES;
    uint32_t base = (uint32_t)GC_SMALL_BYTES << step / 4;
    return base + base / 4 * (step % 4 + 1);
}

/* The smallest class whose cells hold `bytes` (<= GC_MEDIUM_BYTES). */
static inline uint32_t gc_class_of_bytes(size_t bytes)
{
    if (bytes <= GC_SMALL_BYTES) return gc_class_of_small(bytes);
    uint32_t class = GC_SMALL_CLASSES;
    while (gc_class_cell_bytes(class) < bytes)
        class ++;
    return class;
}

/* The link of a free cell. */
static inline gc_slot *gc_cell_link(struct gc_object *object)
{
    return (gc_slot *)(void *)(object + 1);
}

/* Hooks of checked builds: a cell is filled with poison, and shown to ASan, when it
 * is freed; gc_cell_unpoison() finds a write to it in between. */
GC_EXPORT void gc_cell_poison(struct gc_object *object);
GC_EXPORT void gc_cell_unpoison(struct gc_object *object);

/* The countdown reached 0: moves the block to its next state. (B1) */
GC_EXPORT GC_COLD void gc_block_event(struct gc_block *block);

/* Makes the header of a dead cell that of a free one; by who may write its count. */
static inline void gc_cell_reset(const struct gc_block *block, struct gc_object *object)
{
    if (block->free_count != GC_COUNT_DEAD) gc_object_set_gone(object, 0);
    /* [sync EA3] release: no slot and no weak reference names the object any more, which is
     * what somebody finds at his second look who takes a stale reference from now on. Pairs
     * with the increment of a racing load. Test: weak, kernel `weak`. */
    gc_atomic_store_release(&object->count, block->free_count);
}

/* Gives the cell of an object that is GONE, or whose count is that of a free cell, back to
 * its block. The object must be unreachable and out of every list. (B1) */
static inline void gc_cell_free_in(struct gc_block *block, struct gc_object *object)
{
    gc_assert(gc_object_is_dead(object), "a live object is freed");
    if (gc_broken(OWN_BLOCK) && block->next != NULL) block = block->next;
    *gc_cell_link(object) = block->free;
    block->free = object;
    if (GC_POISONS) gc_cell_poison(object);
    if (gc_unlikely(--block->countdown == 0)) gc_block_event(block);
}

/* The same for one that need not say so; but nobody else may touch its count. (B1) */
static inline void gc_cell_free(struct gc_object *object)
{
    struct gc_block *block = gc_block_of(object);
    gc_cell_reset(block, object);
    gc_cell_free_in(block, object);
}

/* The same for one whose count says DEAD. (B1) */
static inline void gc_cell_free_dead(struct gc_object *object)
{
    gc_assert(gc_object_says_dead(object), "a live object is freed");
    gc_cell_free(object);
}

/* Takes all free cells that the run's class can get at once of what the home has: what its
 * block got back, the block's next unbuilt cells, another partial block. False: there are
 * none. The run's list must be empty. On the mutator. */
GC_NODISCARD bool gc_run_refill(struct gc_mutator *m, bool prefixed, uint32_t class);

/* All objects of the block are dead, though they need not say so, and nothing refers to
 * them; no run allocates from it. Frees them, at once where memory need not be type-stable.
 * Returns how many they were. (B1) */
GC_EXPORT uint32_t gc_block_clear(struct gc_block *block);

/* Gives the lists and current blocks of all runs back: when a mutator exits, and
 * before a sweep. (B1) */
GC_EXPORT void gc_runs_flush(struct gc_mutator *m);

/* Puts the home's empty blocks into limbo. (B1) */
void gc_blocks_retire(struct gc_mutator *home);

/* What a grace period was awaited for is ripe now. blocks_lock. */
void gc_blocks_ripen(struct gc_heap *heap);

/* Gives blocks back to all uses: those of the list `ripe`; in a stop, where no mutator can
 * hold a stale reference, limbo and all homes' empty blocks too. */
void gc_blocks_reclaim_stw(struct gc_heap *heap);

/* An object of more than GC_MEDIUM_BYTES (prefix included), at most UINT32_MAX, unlinked, its
 * header that of a free cell; NULL as above. On the mutator. */
GC_NODISCARD struct gc_object *gc_span_new(
        struct gc_mutator *m, size_t bytes, uint32_t prefix);

/* For sweep.c and allocate.c. A new block for cells, or NULL when there is no memory; the memory of a block,
 * or of a large object, goes back, whatever is in it; `used` cells are used, and no event
 * follows (B4) however many are freed. */
struct gc_block *gc_block_new(struct gc_mutator *m, bool prefixed, uint32_t class);
void gc_block_release(struct gc_heap *heap, struct gc_block *block);
void gc_block_set_used(struct gc_block *block, uint32_t used);

/* Moves what the run's block can give to the run: what was freed, or else the next unbuilt
 * cells. False: it is full. (B1) */
bool gc_block_take_cells(struct gc_mutator *m, struct gc_run *run) GC_NODISCARD;

/* Makes a block with free cells the one that the run allocates from, and takes some. Returns
 * true. (B1) */
bool gc_run_begin(struct gc_mutator *m, struct gc_run *run, struct gc_block *block);

/* Gives a region its mark table, charged against the heap. blocks_lock. */
bool gc_region_add_marks(struct gc_region *region) GC_NODISCARD;

/* Unmaps all regions. When the heap is destroyed. */
void gc_blocks_finish(struct gc_heap *heap);

#endif
