/* SPDX-License-Identifier: MIT */
/* sweep.h - a trace from the roots, and sweeping what it has not marked. */
#ifndef COLLECTORS_COMMON_SWEEP_H
#define COLLECTORS_COMMON_SWEEP_H

#include "collectors/common/due.h"

/* Marks what the roots reach; clears weak references to the rest; finds what finalizers are
 * due, and marks what those still need. World stopped. */
void gc_sweep_mark_stw(struct gc_tracer *tracer, struct gc_due *due);

/* Gives all runs' cells back to their blocks, so that blocks can be swept. World stopped. */
void gc_sweep_begin_stw(struct gc_heap *heap);

/* Frees the cells of the block's objects that `is_dead` holds for (it is asked about free cells
 * as well); calls `survives` for the others, unless it is NULL. Both are to be constant inline
 * functions. Returns how many it has freed. World stopped. */
GC_INLINE uint32_t gc_sweep_cells_stw(struct gc_block *block,
        bool (*is_dead)(struct gc_object *object),
        void (*survives)(struct gc_object *object))
{
    uint32_t freed = 0;
    /* The last first: then the free cells are linked in the order of their addresses. */
    for (uint32_t i = block->built; i-- > 0;) {
        struct gc_object *object = gc_block_object(block, i);
        if (!is_dead(object)) {
            if (survives != NULL && !gc_object_is_dead(object)) survives(object);
            continue;
        }
        if (gc_object_is_dead(object)) continue;
        const bool last = gc_block_used(block) == 1;
        gc_cell_free(object);
        freed++;
        if (last) break; /* the block is gone */
    }
    return freed;
}

static inline bool gc_sweep_is_unmarked(struct gc_object *object)
{
    return !gc_trace_is_marked(object);
}

/* What a sweep comes to. */
struct gc_swept {
    size_t freed;      /* objects */
    size_t live_bytes; /* of the cells of the others */
};

/* The same for what is not marked. Where nothing is, or everything, no object is looked at,
 * unless `survives` is there. */
GC_INLINE void gc_sweep_unmarked_stw(struct gc_swept *swept, struct gc_block *block,
        void (*survives)(struct gc_object *object))
{
    const uint32_t kept = block->kept; /* marked objects */
    block->kept = 0;
    swept->live_bytes += (size_t)kept * block->cell_bytes;
    if (kept == 0)
        swept->freed += gc_block_clear(block);
    else if (kept < gc_block_used(block) || survives != NULL)
        swept->freed += gc_sweep_cells_stw(block, gc_sweep_is_unmarked, survives);
}

#endif
