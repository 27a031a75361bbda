/* SPDX-License-Identifier: MIT */
/* pace.h - pacing: who needs more memory while a collection is about to give some back waits
 * for it.
 *
 * Otherwise mutators outrun a collector: one that works beside them, but also who is about to
 * stop the world, if his thread does not get a processor for some time. Only memory that the
 * heap does not have yet is waited for: what its homes' blocks have is taken as ever.
 *
 *   FREE --begin--> HELD --end--> FREE
 *
 * HELD: from when a collection was asked for, or began, until what it frees is free, or its
 * first stop has ended. Only collectors with on_pressure hold, and only who would make the heap
 * larger than pace.bytes. That is 0 unless the collector says otherwise: a stop is about to come
 * in any case; but without bound for one that has a thread.
 *
 * Invariants: (PC1) while HELD the collection runs no code of the program, for which somebody
 *                   who waits might be needed: so it comes to an end.
 *             (PC2) who waits is in a blocked region: stops and handshakes go on. Whatever
 *                   becomes of (PC1), nobody waits longer than GC_PACE_PATIENCE_NS for one hold.
 */
#ifndef CORE_PACE_H
#define CORE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/atomic.h"
#include "core/check.h"
#include "core/lock.h"

struct gc_heap;
struct gc_mutator;

#define GC_PACE_PATIENCE_NS UINT64_C(10000000000)

/* Of a heap. */
struct gc_pace {
    /* any thread; relaxed: sums and hints that order nothing */
    _Atomic(size_t) bytes;     /* in use, above which who needs more waits while HELD */
    _Atomic(uint32_t) held;    /* written under the lock */
    _Atomic(uint32_t) waiters; /* the same */

    /* registry_lock */
    uint64_t holds;              /* so far */
    uint64_t news;               /* times that homes have got blocks meanwhile */
    struct gc_condition changed; /* any of these */
};

/* For heap.c. */
void gc_pace_init(struct gc_heap *heap);
void gc_pace_finish(struct gc_heap *heap);

/* For collect.c and worker.c. Any thread; before the collection can end. */
void gc_pace_begin(struct gc_heap *heap);

/* What the collection frees is free: before callbacks and finalizers. Core does it at the end
 * of the first stop of who collects, and of the collection. Once or more often; by who collects,
 * under no lock. */
GC_EXPORT void gc_pace_end(struct gc_heap *heap);

/* Homes have got blocks that they may use: who waits looks again. The same. */
GC_EXPORT void gc_pace_tell(struct gc_heap *heap);

/* The heap has become smaller: who waits goes on if that is enough. The same. */
GC_EXPORT void gc_pace_tell_freed(struct gc_heap *heap);

/* Waits, if the mutator has to, before it makes the heap larger by `bytes`, until there is news,
 * and returns true: what it needs may be at hand now, but it has to ask again. False: it need
 * not wait. On a running mutator, under no lock; a safepoint if it waits. */
bool gc_pace_wait(struct gc_mutator *m, size_t bytes) GC_NODISCARD;

#endif
