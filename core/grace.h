/* SPDX-License-Identifier: MIT */
/* grace.h - grace periods: when no mutator holds a stale reference any more.
 *
 * For type-stable heaps only (block.h). A mutator takes references from racing slots that
 * may be stale, but never across a safepoint: there it is *quiet*. While it is RUNNING it
 * is online for liburcu's quiescent-state based reclamation, and offline otherwise. A
 * service thread of each heap awaits grace periods for the blocks in limbo.
 *
 * liburcu names threads by TLS, so a thread can run on one such heap at a time.
 */
#ifndef CORE_GRACE_H
#define CORE_GRACE_H

#include "core/heap.h"
#include "core/thread.h"

/* A thread becomes one that may be waited for, offline; ceases to be one, and is waited for no
 * more. Other heaps than type-stable ones: nothing, like all below. On the thread. */
void gc_grace_enter(struct gc_heap *heap);
void gc_grace_leave(struct gc_heap *heap);

/* The mutator has just become RUNNING; is about to become BLOCKED; is quiet. */
void gc_grace_online(struct gc_mutator *m);
void gc_grace_offline(struct gc_mutator *m);
void gc_grace_quiet(struct gc_mutator *m);

/* Makes sure that somebody awaits a grace period for what is in limbo; where no thread can
 * be had, the next stop has to do. blocks_lock. */
void gc_grace_ask(struct gc_heap *heap);

/* Ends the service thread. When the heap is destroyed. */
void gc_grace_finish(struct gc_heap *heap);

#endif
