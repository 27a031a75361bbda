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
 * all. run() may not wait, allocate, or run code of the program; of core's locks it may take
 * one that nobody waits with (sweep.h). What it sets m->shake_work to is the work in the
 * mutator's stall.
 * On a running mutator, under no lock; a safepoint. Stops and other handshakes are awaited
 * in a blocked region, like the answers. */
GC_EXPORT void gc_handshake(struct gc_mutator *m,
        void (*run)(struct gc_mutator *m, void *argument), void *argument);

/* The same from within a drop, or where things are settled: settles nothing before. */
GC_EXPORT void gc_handshake_unsettled(struct gc_mutator *m,
        void (*run)(struct gc_mutator *m, void *argument), void *argument);

/* The same for one that changes what mutators do from then on: heap->phase becomes
 * `argument`, in one step with the post. Who makes a record (home_start, under the registry
 * lock) copies from there what has been posted. `argument` stays as it is until the next.
 * While answers are awaited meanwhile(m) is called about once a millisecond, with `m` running;
 * it does not wait, and reaches no safepoint. NULL: nothing. */
GC_EXPORT void gc_handshake_phase(struct gc_mutator *m,
        void (*run)(struct gc_mutator *m, void *argument), void *argument,
        void (*meanwhile)(struct gc_mutator *m));

/* Runs the one that the mutator has not answered yet. At its safepoint. */
void gc_handshake_answer(struct gc_mutator *m);

#endif
