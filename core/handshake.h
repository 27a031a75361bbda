/* SPDX-License-Identifier: MIT */
/* handshake.h - a function that runs once for every mutator, without a stop.
 *
 * A running mutator runs it at its next safepoint; for one that is BLOCKED or EXITED who
 * asks runs it, under a claim. Records that are made meanwhile count as having answered;
 * one that is adopted meanwhile answers, if nobody has done so for it.
 */
#ifndef CORE_HANDSHAKE_H
#define CORE_HANDSHAKE_H

#include "core/thread.h"

/* Runs run(each mutator, argument), this one included, and returns when it has run for
 * all. run() may not wait, allocate, take a lock of the core, or run code of the program.
 * On a running mutator, under no lock; a safepoint. Stops and other handshakes are awaited
 * in a blocked region, like the answers. */
GC_EXPORT void gc_handshake(struct gc_mutator *m,
        void (*run)(struct gc_mutator *m, void *argument), void *argument);

/* The same from within a drop, or where things are settled: settles nothing before. */
GC_EXPORT void gc_handshake_unsettled(struct gc_mutator *m,
        void (*run)(struct gc_mutator *m, void *argument), void *argument);

/* Runs the one that the mutator has not answered yet. At its safepoint. */
void gc_handshake_answer(struct gc_mutator *m);

#endif
