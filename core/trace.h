/* SPDX-License-Identifier: MIT */
/* trace.h - marking: what can be reached. For tracers, and for the liveness oracle.
 *
 * Marks are one bit a granule, in tables beside the regions, so that marking never
 * writes to an object and works under any protocol (but it counts for collectors to which
 * the count word belongs, on request). The mark stack is bounded; what
 * does not fit is found again by walking the marked part of the heap.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/block.h"
#include "core/object.h"

struct gc_heap;

struct gc_tracer {
    struct gc_heap *heap;
    struct gc_object **stack;
    size_t depth, room, deepest;
    bool overflowed;
    bool counts; /* write, into the count word of each marked object, how many slots of
                    marked objects name it. Set between init and begin */
    uint64_t objects, edges, bytes; /* marked objects, visited slots, marked bytes */
};

/* Reserves the stack, of `entries` objects (0: a default), and the mark tables of all
 * regions. Returns 0 or -ENOMEM. Any state of the world. */
GC_EXPORT int gc_tracer_init(
        struct gc_tracer *tracer, struct gc_heap *heap, size_t entries) GC_NODISCARD;
GC_EXPORT void gc_tracer_finish(struct gc_tracer *tracer);

/* The tables of regions that came since; false when there is no memory. Call it
 * before a stop. */
GC_EXPORT bool gc_tracer_reserve(struct gc_tracer *tracer) GC_NODISCARD;

/* Clears all marks and sums. World stopped, or nobody attached, like the rest. */
GC_EXPORT void gc_tracer_begin_stw(struct gc_tracer *tracer);

/* Marks an object (NULL and DEAD ones are passed over); its slots are visited by the
 * next drain. */
GC_EXPORT void gc_tracer_mark_stw(struct gc_tracer *tracer, struct gc_object *object);

/* Marks all roots. */
GC_EXPORT void gc_tracer_mark_roots_stw(struct gc_tracer *tracer);

/* Marks everything that marked objects reach. */
GC_EXPORT void gc_tracer_drain_stw(struct gc_tracer *tracer);

static inline bool gc_trace_is_marked(const struct gc_object *object)
{
    struct gc_region *region = gc_region_of(object);
    size_t granule = ((uintptr_t)object - (uintptr_t)region) / GC_GRANULE;
    return (region->marks[granule / 64] >> granule % 64) & 1;
}

/* Whether no object of the block is marked; as gc_trace_is_marked(), for all at once. */
static inline bool gc_trace_is_block_unmarked(const struct gc_block *block)
{
    enum { WORDS = GC_BLOCK_BYTES / GC_GRANULE / 64 };
    struct gc_region *region = gc_region_of(block);
    const uint64_t *marks = &region->marks[(size_t)(block - region->blocks) * WORDS];
    uint64_t any = 0;
    for (int i = 0; i < WORDS; i++)
        any |= marks[i];
    return any == 0;
}

#endif
