/* SPDX-License-Identifier: MIT */
/* example.c - the slow half of the protocol: what core itself must be able to ask. */
#include "example.h"

#include "core/collector.h"
#include "core/serial.h"

/* Counts and deaths are as core/protocol/eager_slow.h asks for them. */
#define EAGER_WORD /* the count word is the number of references */
enum eager_fate { EAGER_LIVES, EAGER_DEAD, EAGER_CARE };

static inline enum eager_fate eager_release(
        struct gc_mutator *m, struct gc_object *object, uint32_t care)
{
    (void)m;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_assert(count != 0 && (count & GC_COUNT_DEAD) == 0, "a dead object is dropped");
    if (--count != 0) {
        gc_atomic_store_relaxed(&object->count, count);
        return EAGER_LIVES;
    }
    if ((gc_object_state(object) & care) != 0) return EAGER_CARE;
    gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
    return EAGER_DEAD;
}

/* Who runs, runs alone, and may act for every home. */
static inline bool eager_is_at_home(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    return true;
}

#include "core/protocol/eager_slow.h"

bool gc_example_drop_last(struct gc_mutator *m, struct gc_object *object)
{
    return eager_drop_last(m, object);
}

static bool eager_drop_unless_last(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    if (count == 1) return false;
    gc_atomic_store_relaxed(&object->count, count - 1);
    return true;
}

static bool kill(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (gc_atomic_load_relaxed(&object->count) != 1) return false;
    gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
    return true;
}

extern const struct gc_protocol gc_protocol_example;
const struct gc_protocol gc_protocol_example = {
    .name = "example",
    .summary = "eager counting by plain additions; one mutator runs at a time",
    .flags = GC_PROTOCOL_COUNTED | GC_PROTOCOL_SERIAL | GC_PROTOCOL_WORD |
             (GC_EAGER_LINKS_FRAMES ? GC_PROTOCOL_FRAMES : 0),
    EAGER_OPERATIONS,
    EAGER_WORD_OPERATIONS,
    GC_SERIAL_OPERATIONS,
    .kill = kill,
};
