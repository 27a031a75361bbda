/* SPDX-License-Identifier: MIT */
/* plain_slow.h - the slow half of every protocol that counts with plain increments: a
 * template. A protocol's .c file includes its own header, then this file, and fills its
 * struct gc_protocol in with PLAIN_FLAGS, PLAIN_OPERATIONS, and GC_SERIAL_OPERATIONS or hooks
 * that do the same.
 */
#ifndef CORE_PROTOCOL_PLAIN_SLOW_H
#define CORE_PROTOCOL_PLAIN_SLOW_H

#include "core/collector.h"
#include "core/serial.h"

#define EAGER_WORD
#include "core/protocol/eager_slow.h"

static inline enum eager_fate eager_release(
        struct gc_mutator *m, struct gc_object *object, uint32_t care)
{
    (void)m;
    const uint64_t count = gc_locked(&object->count);
    gc_assert(count != 0 && !gc_object_is_dead(object), "a dead object is dropped");
    if (gc_unlikely(count != 1)) { /* in a cascade most are */
        gc_locked(&object->count) = count - 1;
        (void)GC_PLAIN_LEFT(m, object);
        return EAGER_LIVES;
    }
    if (gc_unlikely((gc_object_state(object) & care) != 0)) return EAGER_CARE;
    gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
    return EAGER_GONE;
}

/* Who holds the global lock may act for every home. */
static inline bool eager_is_at_home(struct gc_mutator *m, struct gc_block *block)
{
    (void)m, (void)block;
    return true;
}

static bool eager_drop_unless_last(struct gc_mutator *m, struct gc_object *object)
{
    if (gc_atomic_load_relaxed(&object->count) == 1) return false;
    return gc_eager_drop(m, object);
}

static bool plain_kill(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (gc_atomic_load_relaxed(&object->count) != 1) return false;
    gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
    return true;
}

/* The count has reached 0. */
bool GC_PLAIN_DROP_LAST(struct gc_mutator *m, struct gc_object *object)
{
    gc_locked(&object->count) = 1; /* as everybody expects a last reference */
    return eager_drop_last(m, object);
}

#define PLAIN_FLAGS                                                                      \
    (GC_PROTOCOL_COUNTED | GC_PROTOCOL_SERIAL |                                          \
            (GC_EAGER_LINKS_FRAMES ? GC_PROTOCOL_FRAMES : 0))

#define PLAIN_OPERATIONS EAGER_OPERATIONS, EAGER_WORD_OPERATIONS, .kill = plain_kill

#endif
