/* SPDX-License-Identifier: MIT */
/* pace.h - pacing: who needs more memory while a collection is about to give some back waits
 * for it.
 *
 * Otherwise mutators outrun a collector: one that works beside them, but also one who is to
 * stop the world, or has just done so, and whose thread does not get a processor for some time.
 * Only memory that the heap does not have yet is waited for: what its homes' blocks have is
 * taken as ever.
 *
 * A mutator is held up while all of this is so:
 *   - a collection is under way, or the collector thread was asked for one
 *   - it has not come to code of the program: an observer, a callback, a finalizer
 *   - no handshake has been without all of its answers for GC_PACE_LAG_NS
 *   - the heap would become larger than pace.bytes, or, if that is 0, than its trigger
 *
 * Invariants: (PC1) who is waited for runs no code of the program, which might need somebody
 *                   who waits, and does not wait for who runs it for long: so there is an end
 *                   to it.
 *             (PC2) who waits is in a blocked region: stops and handshakes go on. Whatever
 *                   becomes of (PC1), who has had no news for patience_ns waits for that
 *                   collection no more.
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

/* A mutator that is only kept from its processor answers sooner than that. */
#define GC_PACE_LAG_NS UINT64_C(50000000)

#define GC_PACE_PATIENCE_NS UINT64_C(10000000000) /* of a heap that says nothing else */

/* Of a heap. */
struct gc_pace {
    /* any thread; relaxed: sums and hints that order nothing */
    _Atomic(size_t)
            bytes; /* in use, above which nobody goes without waiting; 0: the trigger */
    _Atomic(uint32_t) asked; /* the collector thread is about to begin */
    _Atomic(uint32_t)
            lets_go; /* the collection has come to code of the program; raised under
                                  the lock */
    _Atomic(uint32_t) waiters; /* written under the lock */

    uint64_t patience_ns; /* written while nobody waits */

    /* registry_lock */
    uint64_t ended;              /* collections */
    uint64_t news;               /* times that homes got blocks which they may use */
    struct gc_condition changed; /* any of these */
};

/* For heap.c. */
void gc_pace_init(struct gc_heap *heap);
void gc_pace_finish(struct gc_heap *heap);

/* For worker.c: whether the collector thread is asked for a collection. */
void gc_pace_ask(struct gc_heap *heap, bool is_asked);

/* For collect.c: a collection begins, behind its observers; it has ended (registry_lock). */
void gc_pace_begin(struct gc_heap *heap);
void gc_pace_end(struct gc_heap *heap);

/* The mutator is about to run code of the program. If that belongs to its collection nobody
 * waits for that any more. Under no lock. */
void gc_pace_let_go(struct gc_mutator *m);

/* For collectors that work beside mutators: homes have got blocks that they may use (who waits
 * looks again); the heap has become smaller, or its pace.bytes larger (who waits goes on if
 * that is enough). By who collects, under no lock. */
GC_EXPORT void gc_pace_tell(struct gc_heap *heap);
GC_EXPORT void gc_pace_tell_freed(struct gc_heap *heap);

/* Waits, if the mutator has to, before it makes the heap larger by `bytes`, until there is news,
 * and returns true: what it needs may be at hand now, but it has to ask again. False: it need
 * not wait. On a running mutator, under no lock; a safepoint if it waits. */
bool gc_pace_wait(struct gc_mutator *m, size_t bytes) GC_NODISCARD;

#endif
