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
#include "core/collect.h"
#include "core/object.h"
#include "core/type.h"

struct gc_heap;

struct gc_tracer {
    struct gc_heap *heap;
    struct gc_object *
            *stack; /* of objects to visit; of a counting tracer: one entry a slot */
    size_t depth, room, deepest;
    bool overflowed;
    bool counts; /* write, into the count word of each marked object, how many slots of
                    marked objects name it. Set between init and begin */
    uint64_t objects, edges; /* marked objects, visited slots */
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

/* Marks an object (NULL is passed over; no slot names a DEAD one); its slots are visited by
 * the next drain. */
GC_EXPORT void gc_tracer_mark_stw(struct gc_tracer *tracer, struct gc_object *object);

/* Marks all roots. */
GC_EXPORT void gc_tracer_mark_roots_stw(struct gc_tracer *tracer);

/* Marks everything that marked objects reach. */
GC_EXPORT void gc_tracer_drain_stw(struct gc_tracer *tracer);

/* For who only looks, and does not sweep: blocks forget how many of their objects are marked,
 * for a collector may count on finding nothing there. */
GC_EXPORT void gc_tracer_forget_stw(struct gc_tracer *tracer);

static inline bool gc_trace_is_marked(const struct gc_object *object)
{
    struct gc_region *region = gc_region_of(object);
    size_t granule = ((uintptr_t)object - (uintptr_t)region) / GC_GRANULE;
    return (region->marks[granule / 64] >> granule % 64) & 1;
}

/* --- visiting, for tracers of any kind --------------------------------------------------
 *
 * What comes off the stack is looked at a little later, and fetched from memory meanwhile.
 * [CHL04] The functions are to be constant inline ones; `argument` is theirs.
 */

/* Whether an object goes onto the stack, which a slot names: it need not be in the cache.
 * And, of one that was on the stack, whether its own slots are to be visited. */
typedef bool (*gc_visits_fn)(struct gc_object *object, void *argument);
/* The stack is full: what it has no room for. */
typedef void (*gc_spill_fn)(struct gc_object *object, void *argument);

static inline bool gc_visits_any(struct gc_object *object, void *argument)
{
    (void)object, (void)argument;
    return true;
}

GC_INLINE void gc_tracer_push(struct gc_tracer *tracer, struct gc_object *object,
        gc_spill_fn spill, void *argument)
{
    if (gc_unlikely(tracer->depth == tracer->room)) {
        spill(object, argument);
        return;
    }
    tracer->stack[tracer->depth++] = object;
    if (tracer->depth > tracer->deepest) tracer->deepest = tracer->depth;
}

struct gc_tracer_visit {
    struct gc_tracer *tracer;
    gc_visits_fn enters;
    gc_spill_fn spill;
    void *argument;
};

GC_INLINE void gc_tracer_visit_slot(gc_slot *slot, void *argument)
{
    const struct gc_tracer_visit *visit = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    visit->tracer->edges++;
    if (object != NULL && visit->enters(object, visit->argument))
        gc_tracer_push(visit->tracer, object, visit->spill, visit->argument);
}

/* Visits the slots of an object, whatever its type. */
GC_INLINE void gc_tracer_open(struct gc_tracer *tracer, struct gc_object *object,
        gc_visits_fn enters, gc_spill_fn spill, void *argument)
{
    struct gc_tracer_visit visit = { tracer, enters, spill, argument };
    gc_object_trace(object, gc_tracer_visit_slot, &visit);
}

/* Visits what is on the stack, and what comes onto it, until it is empty. */
GC_INLINE void gc_tracer_drain_by(struct gc_tracer *tracer, gc_visits_fn enters,
        gc_visits_fn opens, gc_spill_fn spill, void *argument)
{
    enum { AHEAD = 8 };
    struct gc_object *coming[AHEAD]; /* a ring */
    struct gc_object **const stack = tracer->stack;
    size_t depth = tracer->depth; /* here: a register */
    uint32_t first = 0, count = 0;
    while (depth > 0 || count > 0) {
        if (depth > 0 && count < AHEAD) {
            coming[(first + count++) % AHEAD] = stack[--depth];
            __builtin_prefetch(stack[depth]);
            continue;
        }
        struct gc_object *object = coming[first];
        if (depth > 0) {
            coming[first] = stack[--depth];
            __builtin_prefetch(stack[depth]);
        } else {
            count--;
        }
        first = (first + 1) % AHEAD;
        gc_collection_step(tracer->heap, "goes on with what it has marked");
        if (!opens(object, argument)) continue;
        const struct gc_type_info *info = gc_object_info(object);
        const uint32_t slots = info->slots;
        if (gc_unlikely(info->irregular || slots > tracer->room - depth)) {
            tracer->depth = depth;
            gc_tracer_open(tracer, object, enters, spill, argument);
            depth = tracer->depth;
            continue;
        }
        /* The last first: then the first comes off the stack next. */
        gc_slot *slot = (gc_slot *)(void *)(object + 1);
        for (uint32_t i = slots; i-- > 0;) {
            struct gc_object *named = gc_atomic_slot_load_relaxed(&slot[i]);
            if (named != NULL && enters(named, argument)) stack[depth++] = named;
        }
        tracer->edges += slots;
        if (depth > tracer->deepest) tracer->deepest = depth;
    }
    tracer->depth = 0;
}

#endif
