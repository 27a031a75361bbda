/* SPDX-License-Identifier: MIT */
/* plain_candidates.h - `plain`, and a list of candidates: a drop that leaves an object alive
 * may have left a cycle of garbage behind. The private protocol of trial_deletion.c.
 *
 * The links of the list lie right before the header of what can be in a cycle. DEVIATION from
 * [BaconRajan01]: a candidate that is referred to again stays one; else every copy of a
 * reference would have to store a colour.
 */
#ifndef PLAIN_CANDIDATES_H
#define PLAIN_CANDIDATES_H

#define GC_PROTOCOL_NAME         plain_candidates
#define GC_PLAIN_DROP_LAST       gc_candidates_drop_last
#define GC_PLAIN_LEFT(m, object) gc_candidates_left(m, object)

struct gc_mutator;
struct gc_object;
static inline bool gc_candidates_left(struct gc_mutator *m, struct gc_object *object);

#include "core/protocol/plain_counts.h"

/* What an object says whose drop is of interest: it can be in a cycle, and its `noted`, the
 * protocol's own, is 0: it is not in the list. */
#define GC_CANDIDATES_NEW  ((uint64_t)GC_STATE_CYCLIC << GC_STATE_SHIFT)
#define GC_CANDIDATES_MASK (GC_CANDIDATES_NEW | UINT64_C(0xffff0000))

/* It becomes a candidate. Returns true. */
GC_EXPORT GC_NOINLINE bool gc_candidates_add(
        struct gc_mutator *m, struct gc_object *object);

/* [BaconRajan01] Decrement, to a count that is not 0. */
GC_INLINE bool gc_candidates_left(struct gc_mutator *m, struct gc_object *object)
{
    uint64_t words = gc_atomic_load_relaxed(&object->words);
    if (gc_likely((words & GC_CANDIDATES_MASK) != GC_CANDIDATES_NEW)) return true;
    return gc_slow_path(m, drops, gc_candidates_add(m, object));
}

#endif
