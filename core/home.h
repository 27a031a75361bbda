/* SPDX-License-Identifier: MIT */
/* home.h - acting for a home, and what comes home from elsewhere.
 *
 * An object's home is the record whose block it lies in. Where mutators run in parallel,
 * only who may act for the home touches its lists and blocks: an object that dies on
 * another mutator is sent home, is taken out of its list there, and freed. Homes of threads
 * that wait or have ended are acted for by whoever sent something: he claims them.
 * What else mutators send to each other's homes is the protocol's (protocol.h: has_sent,
 * drain, settle), by the same rules.
 *
 * Invariants: (H1) what is sent is noticed: a sender sets the home's poll bit, and looks at
 *                  its state, after he has pushed; who ceases to be RUNNING, or gives a
 *                  claim back, looks at the arrivals after that. Who adopts a record, which
 *                  can be claimed before and after, finds the poll bit as it was.
 *             (H2) who holds a claim does not wait, allocate, or run code of the program.
 *             (H3) a mutator that is not RUNNING has no drops, nothing in a parcel, and
 *                  nothing to settle; but the stopper may have, until it resumes, and
 *                  who parks in the middle of a drop (gc_park()).
 * Sync edges: [sync HO2] what was sent home comes before the poll bit that says so
 */
#ifndef CORE_HOME_H
#define CORE_HOME_H

#include <stdbool.h>

#include "core/heap.h"
#include "core/thread.h"

/* Claims a record that is BLOCKED or EXITED. False: it is RUNNING, or claimed. */
GC_EXPORT bool gc_home_claim(struct gc_mutator *home) GC_NODISCARD;

/* Gives the claim back, and looks at what has arrived meanwhile, as gc_home_look() does. */
GC_EXPORT void gc_home_release(struct gc_mutator *home, struct gc_mutator *by);

/* Takes in what has arrived, if the record is BLOCKED or EXITED; what the protocol has sent
 * only for `by`, a running mutator that will settle, if that is not NULL. No lock is held. */
GC_EXPORT void gc_home_look(struct gc_mutator *home, struct gc_mutator *by);

/* Takes in what has arrived. By who may act for the home; `by` as above. */
void gc_home_drain(struct gc_mutator *home, struct gc_mutator *by);

/* Tells a home that something has been sent to it that was empty before. Any thread, after the
 * push, and before the look at the home's state. */
static inline void gc_home_tell(struct gc_mutator *home)
{
    /* [sync HO2] release: who takes the bit away finds what was sent, or the home would keep
     * it, unseen, for nobody sets the bit again before it is taken in. Pairs with
     * gc_safepoint_slow(). */
    gc_atomic_fetch_or_release(&home->poll, GC_POLL_DRAIN);
}

/* Whether the protocol has sent something that the home has not taken in. */
bool gc_home_was_sent(struct gc_mutator *home);

/* Sends a DEAD object home, whose slots have been dropped. On a running mutator. */
GC_EXPORT void gc_home_send(
        struct gc_mutator *m, struct gc_object *object, struct gc_mutator *home);

/* Frees the cell of an object that is dead, whose slots are dropped, and that is in no
 * list, whatever its home. On a running mutator. */
static inline void gc_discard(struct gc_mutator *m, struct gc_object *object)
{
    struct gc_mutator *home = gc_block_of(object)->home;
    if (home == m || !m->heap->type_stable)
        gc_cell_free(object);
    else
        gc_home_send(m, object, home);
}

/* Keeps a reference, to drop it at the mutator's next safepoint; a safepoint itself where
 * GC_DROPS are kept already. On a running mutator. */
GC_EXPORT GC_COLD void gc_drop_later(struct gc_mutator *m, struct gc_object *object);

/* Drops what was kept for later, and sends off what was collected for other homes, until
 * nothing is left (H3). A safepoint. On a running mutator. */
void gc_settle(struct gc_mutator *m);

#endif
