/* SPDX-License-Identifier: MIT */
/* trace.c - the serial marker: a bounded stack, and rescans where it overflows.
 *
 * Invariants: (M1) every marked object has had its slots visited, or is on the stack,
 *                  or `overflowed` is set.
 *             (M2) a counting tracer has counted each visited slot once, unless it has
 *                  overflowed: then it counts anew, once everything is marked.
 */
#include "core/trace.h"

#include <errno.h>
#include <string.h>

#include "core/heap.h"
#include "core/mutant.h"
#include "core/os.h"
#include "core/root.h"
#include "core/type.h"

enum {
    STACK_ENTRIES = 1 << 20, /* 8 MiB of addresses, of which what is used gets pages */
    MARK_BYTES = GC_REGION_BYTES / GC_GRANULE / 8,
};

int gc_tracer_init(struct gc_tracer *tracer, struct gc_heap *heap, size_t entries)
{
    if (entries == 0) entries = STACK_ENTRIES;
    *tracer = (struct gc_tracer){ .heap = heap, .room = entries };
    tracer->stack = gc_os_map(entries * sizeof(struct gc_object *), 4096);
    if (tracer->stack == NULL) return -ENOMEM;
    if (gc_tracer_reserve(tracer)) return 0;
    gc_tracer_finish(tracer);
    return -ENOMEM;
}

void gc_tracer_finish(struct gc_tracer *tracer)
{
    if (tracer->stack == NULL) return;
    gc_os_unmap(tracer->stack, tracer->room * sizeof(struct gc_object *));
    tracer->stack = NULL;
}

bool gc_tracer_reserve(struct gc_tracer *tracer)
{
    struct gc_heap *heap = tracer->heap;
    bool complete = true;
    gc_lock_acquire(&heap->blocks_lock);
    heap->regions_have_marks = true;
    for (struct gc_region *region = heap->regions; region != NULL; region = region->next)
        if (region->marks == NULL && !gc_region_add_marks(region)) complete = false;
    gc_lock_release(&heap->blocks_lock);
    return complete;
}

static void forget_kept(struct gc_block *block, void *argument)
{
    (void)argument;
    block->kept = 0;
}

void gc_tracer_forget_stw(struct gc_tracer *tracer)
{
    gc_heap_walk_blocks_stw(tracer->heap, forget_kept, NULL);
}

void gc_tracer_begin_stw(struct gc_tracer *tracer)
{
    for (struct gc_region *r = tracer->heap->regions; r != NULL; r = r->next)
        memset(r->marks, 0, MARK_BYTES);
    gc_tracer_forget_stw(tracer);
    tracer->depth = tracer->deepest = 0;
    tracer->overflowed = false;
    tracer->objects = tracer->edges = 0;
}

/* Sets the mark; false if it was set. */
static inline bool set_mark(struct gc_object *object)
{
    struct gc_region *region = gc_region_of(object);
    size_t granule = ((uintptr_t)object - (uintptr_t)region) / GC_GRANULE;
    uint64_t *word = &region->marks[granule / 64];
    uint64_t bit = UINT64_C(1) << granule % 64;
    if ((*word & bit) != 0) return false;
    *word |= bit;
    return true;
}

/* The same, and takes note of it. */
static inline bool is_fresh(struct gc_tracer *tracer, struct gc_object *object)
{
    gc_assert(!gc_object_is_dead(object), "a DEAD object is referenced");
    if (!set_mark(object)) return false;
    tracer->objects++;
    gc_block_of(object)->kept++;
    return true;
}

static inline void spill(struct gc_object *object, void *argument)
{
    struct gc_tracer *tracer = argument;
    (void)object; /* it is marked, or what names it is */
    if (!gc_broken(SPILL_RESCANNED)) tracer->overflowed = true;
}

/* Of a tracer that does not count, the stack holds what is marked: an object is looked at
 * once. */
static inline bool enters_fresh(struct gc_object *object, void *argument)
{
    return is_fresh(argument, object);
}

static void drain_marking(struct gc_tracer *tracer)
{
    gc_tracer_drain_by(tracer, enters_fresh, gc_visits_any, spill, tracer);
}

/* Of one that counts, it holds an object for each slot that names it: the count lies beside
 * the object, so it is marked when it has come, too. */
static inline bool opens_fresh(struct gc_object *object, void *argument)
{
    const bool fresh = is_fresh(argument, object);
    const uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_atomic_store_relaxed(&object->count, fresh ? 1 : count + 1);
    return fresh;
}

static void drain_counting(struct gc_tracer *tracer)
{
    gc_tracer_drain_by(tracer, gc_visits_any, opens_fresh, spill, tracer);
}

static void mark(struct gc_tracer *tracer, struct gc_object *object)
{
    if (object == NULL || !is_fresh(tracer, object)) return;
    if (!tracer->counts) {
        gc_tracer_push(tracer, object, spill, tracer);
        return;
    }
    gc_atomic_store_relaxed(&object->count, 0);
    gc_tracer_open(tracer, object, gc_visits_any, spill, tracer);
}

static void mark_root(gc_slot *slot, void *argument)
{
    mark(argument, gc_atomic_slot_load_relaxed(slot));
}

void gc_tracer_mark_stw(struct gc_tracer *tracer, struct gc_object *object)
{
    mark(tracer, object);
}

void gc_tracer_mark_roots_stw(struct gc_tracer *tracer)
{
    gc_roots_visit_stw(tracer->heap, mark_root, tracer);
}

/* Visits a marked object again: whatever it still reaches unmarked was dropped. */
static bool rescan(struct gc_object *object, void *argument)
{
    struct gc_tracer *tracer = argument;
    if (!gc_trace_is_marked(object)) return true;
    gc_tracer_open(tracer, object, enters_fresh, spill, tracer);
    drain_marking(tracer);
    return true;
}

static bool clear_count(struct gc_object *object, void *argument)
{
    (void)argument;
    if (gc_trace_is_marked(object)) gc_atomic_store_relaxed(&object->count, 0);
    return true;
}

static void add_slot(gc_slot *slot, void *argument)
{
    (void)argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL) return;
    gc_atomic_store_relaxed(&object->count, gc_atomic_load_relaxed(&object->count) + 1);
}

static bool add_slots(struct gc_object *object, void *argument)
{
    if (gc_trace_is_marked(object)) gc_object_trace(object, add_slot, argument);
    return true;
}

void gc_tracer_drain_stw(struct gc_tracer *tracer)
{
    if (tracer->counts)
        drain_counting(tracer);
    else
        drain_marking(tracer);
    if (!tracer->overflowed) return;
    while (tracer->overflowed) {
        tracer->overflowed = false;
        gc_heap_walk_stw(tracer->heap, rescan, tracer);
    }
    if (!tracer->counts) return;
    /* (M2): what was visited again was counted again. */
    gc_heap_walk_stw(tracer->heap, clear_count, NULL);
    gc_heap_walk_stw(tracer->heap, add_slots, NULL);
}
