/* SPDX-License-Identifier: MIT */
/* verify.h - is the heap what it should be? For tests, and for checked builds. */
#ifndef CORE_VERIFY_H
#define CORE_VERIFY_H

#include "core/check.h"

struct gc_heap;
struct gc_mutator;

/* Checks, at a growing level:
 *   1  blocks against their cells, free lists, types, weak references
 *   2  the collector's own invariants
 *   3  counts against all references (where the protocol counts and frames are linked)
 * World stopped by the caller, or nobody attached. 0; -EINVAL with the first violation
 * in `error`; -ENOMEM. */
GC_EXPORT int gc_verify_stw(struct gc_heap *heap, int level, struct gc_error *error)
        GC_NODISCARD;

/* For collectors to which the count word belongs: whether that of each object is the number
 * of slots of objects that name it; roots and locals do not count. World stopped. As above. */
GC_EXPORT int gc_verify_slot_counts_stw(struct gc_heap *heap, struct gc_error *error)
        GC_NODISCARD;

/* What checked builds do at the end of a collection, at GC_CHECK 2 and above: all of that
 * but the counts (a reference may be in flight in a register), and at 3 also that no live
 * object and no root refers to a dead one. Full collections are all checked, of the others
 * one in 64. A violation is fatal. On the mutator that collected. */
void gc_verify_collection(struct gc_mutator *m, int generation);

/* Stops the world, verifies, resumes. On a running mutator. */
GC_EXPORT int gc_verify(struct gc_mutator *m, int level, struct gc_error *error)
        GC_NODISCARD;

#endif
