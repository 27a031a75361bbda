/* SPDX-License-Identifier: MIT */
/* sweep.h - sweeping block by block, beside mutators that allocate.
 *
 * For collectors that say `sweeps`: every death is found by a sweep, which compares the mark
 * of an object with the colour of what is dead. A home's blocks are then in one of its
 * lists, or in a run:
 *
 *   a run --full--> full          by the owner, at refill
 *   a run, partial, full --hand_over--> unswept     by who acts for the home
 *   unswept --sweep--> partial, full, the region    by a collector
 *   unswept --sweep--> a run, full                  by the owner, at refill: one block
 *   partial --> a run             by the owner, at refill
 *
 * Invariants: (SW1) a block outside of runs is touched by who has taken it off its list,
 *                   and while it is in one by nobody.
 *             (SW2) a block that holds dead objects is in `unswept`, or being swept, until
 *                   the next hand-over.
 *             (SW3) between a cell's leaving its run and its birth its owner comes to no
 *                   safepoint: a DEAD cell of a block that was handed over is free.
 */
#ifndef CORE_SWEEP_H
#define CORE_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/block.h"
#include "core/lock.h"

struct gc_heap;
struct gc_mutator;

/* Of one class of a home; all under the sweeper's lock, linked by `next`. */
struct gc_sweep_lists {
    struct gc_block *partial, *full;
    struct gc_block *unswept[2]; /* what was partial or current; what was full */
};

struct gc_sweep_home {
    struct gc_sweep_lists lists[2][GC_CLASSES]; /* as gc_mutator's runs */
};

struct gc_sweeper {
    /* any thread; relaxed: sums */
    _Atomic(uint64_t) freed; /* objects, since gc_sweep_open() */
    _Atomic(size_t)
            kept_bytes; /* of the blocks, and large objects, that it has not emptied */

    /* any thread; up under the lock, with the block's leaving its list */
    _Atomic(uint32_t) sweeping; /* blocks that their owners are sweeping */

    /* lock: held for a few steps, never across a wait. A handshake's function may take it. */
    struct gc_lock lock;
    bool open;     /* sweeping may begin: nobody has a stale reference to what is dead */
    uint16_t dead; /* mark of what is dead; const while open */
    struct gc_block *spans, *unswept_spans;

    /* who sweeps for others: where he is */
    struct gc_mutator *home;
    uint32_t at;
};

/* For heap.c and thread.c. 0 or -ENOMEM. */
int gc_sweep_start(struct gc_heap *heap) GC_NODISCARD;
void gc_sweep_finish(struct gc_heap *heap);
int gc_sweep_home_start(struct gc_mutator *home) GC_NODISCARD;
void gc_sweep_home_finish(struct gc_mutator *home);

/* For block.c: gc_run_refill(), gc_runs_flush() and gc_span_new() where there is a sweeper.
 * A refill sweeps one block at most, and logs that as a stall. */
bool gc_sweep_refill(struct gc_mutator *m, bool prefixed, uint32_t class) GC_NODISCARD;
void gc_sweep_flush(struct gc_mutator *m);
void gc_sweep_add_span(struct gc_heap *heap, struct gc_block *block);

/* All blocks of the home are unswept from now on, those of its runs included: it goes on
 * with others. A fixed number of steps. By who may act for the home, at a safepoint. */
GC_EXPORT void gc_sweep_hand_over(struct gc_mutator *home);

/* When all homes have done so, and nobody can hold a reference to an object marked `dead`
 * any more, however stale: they may be freed. By the collector, like the rest. */
GC_EXPORT void gc_sweep_open(struct gc_heap *heap, uint16_t dead);

/* Sweeps one block of whatever home, or a large object. False: none is left, and all that
 * is freed since gc_sweep_open() is in sweeper->freed, but for blocks that mutators are
 * sweeping just now. On a running mutator. */
GC_EXPORT bool gc_sweep_some(struct gc_mutator *by);

/* Whether mutators are sweeping what the last gc_sweep_some() has left to them: to them what
 * was dead is so still, whatever the mark means by now. Once false it stays so until the next
 * gc_sweep_open(). By the collector. */
GC_EXPORT bool gc_sweep_is_under_way(const struct gc_heap *heap);

/* Cells of a block in use that hold an object: exact for unswept ones too, whose `used`
 * still counts the free cells that a run had. World stopped. */
uint32_t gc_sweep_count_live(const struct gc_block *block);

#endif
