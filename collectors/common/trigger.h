/* SPDX-License-Identifier: MIT */
/* trigger.h - a trigger that the heap's blocks alone do not reach. */
#ifndef COLLECTORS_COMMON_TRIGGER_H
#define COLLECTORS_COMMON_TRIGGER_H

#include "core/collector.h"

/* The trigger, or as much as leaves room above what the heap's blocks take now: those that
 * are sparsely used count whole, and every new one would bring a collection. Any thread; the
 * world running or stopped. */
static inline size_t gc_trigger_above_blocks(const struct gc_heap *heap, size_t trigger)
{
    const size_t held = gc_atomic_load_relaxed(&heap->bytes);
    const size_t least = held + held / 8;
    return trigger < least ? least : trigger;
}

#endif
