/* SPDX-License-Identifier: MIT */
/* bare.c - the slow half of `bare`: there is hardly anything to ask. */
#include "core/protocol/bare.h"

#include "core/collector.h"

/* Under collectors that stop the world a target that is not cleared is alive: it was
 * reached, or has not been looked for yet. */
static struct gc_object *weak_resolve(struct gc_mutator *m, struct gc_weak *weak)
{
    (void)m;
    return gc_atomic_load_relaxed(&weak->target);
}

static void clear_slot(gc_slot *slot, void *argument)
{
    (void)argument;
    gc_atomic_slot_store_relaxed(slot, NULL);
}

static void clear_slots(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    gc_object_trace(object, clear_slot, NULL);
}

const struct gc_protocol gc_protocol_bare = {
    .name = "bare",
    .summary = "no counts: a reference is a pointer; frames are linked",
    .flags = GC_PROTOCOL_FRAMES,
    .birth_count = 0,
    .clear_slots = clear_slots,
    .weak_resolve = weak_resolve,
};
