/* SPDX-License-Identifier: MIT */
/* plain_candidates.h - `plain`, and a list of candidates for each mutator: what a drop leaves
 * alive. DEVIATION from [BR01]: what is referred to again stays one; else every copy of a
 * reference would have to store a colour. */
#ifndef PLAIN_CANDIDATES_H
#define PLAIN_CANDIDATES_H

#include "core/thread.h"

#define GC_PROTOCOL_NAME         plain_candidates
#define GC_PLAIN_DROP_LAST       gc_candidates_drop_last
#define GC_PLAIN_LEFT(m, object) gc_candidates_left(m, object)

/* It becomes a candidate. Returns true. */
GC_EXPORT GC_NOINLINE bool gc_candidates_add(
        struct gc_mutator *m, struct gc_object *object);

/* [BR01] Decrement. What can be in a cycle, and is in no list: its `noted` is 0. */
GC_INLINE bool gc_candidates_left(struct gc_mutator *m, struct gc_object *object)
{
    const uint64_t cyclic = (uint64_t)GC_STATE_CYCLIC << GC_STATE_SHIFT;
    uint64_t words = gc_atomic_load_relaxed(&object->words);
    if (gc_likely((words & (cyclic | 0xffff0000)) != cyclic)) return true;
    return gc_slow_path(m, drops, gc_candidates_add(m, object));
}

#include "core/protocol/plain_counts.h"
#endif
