/* SPDX-License-Identifier: MIT */
/* inspect.c - walks one object's slots, or everybody's. */
#include "core/inspect.h"

#include "core/field.h"
#include "core/type.h"

const struct gc_field gc_count_fields[] = {
    { .name = "count", .word = GC_FIELD_COUNT, .bits = 63 },
    { .name = "DEAD", .shift = GC_FIELD_SHIFT(GC_COUNT_DEAD), .bits = 1 },
    GC_FIELD_END,
};

struct query {
    struct gc_object *wanted;
    gc_object_fn visit;
    void *argument;
    bool found, stopped;
};

static void hand_out(gc_slot *slot, void *argument)
{
    struct query *query = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL || query->stopped) return;
    query->stopped = !query->visit(object, query->argument);
}

bool gc_referents(struct gc_object *object, gc_object_fn visit, void *argument)
{
    struct query query = { .visit = visit, .argument = argument };
    gc_object_trace(object, hand_out, &query);
    return !query.stopped;
}

static void compare(gc_slot *slot, void *argument)
{
    struct query *query = argument;
    if (gc_atomic_slot_load_relaxed(slot) == query->wanted) query->found = true;
}

static bool ask(struct gc_object *object, void *argument)
{
    struct query *query = argument;
    query->found = false;
    gc_object_trace(object, compare, query);
    return !query->found || query->visit(object, query->argument);
}

bool gc_referrers_stw(struct gc_heap *heap, struct gc_object *object, gc_object_fn visit,
        void *argument)
{
    struct query query = { .wanted = object, .visit = visit, .argument = argument };
    return gc_heap_walk_stw(heap, ask, &query);
}
