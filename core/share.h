/* SPDX-License-Identifier: MIT */
/* share.h - work of a stop that is shared out among homes: who is parked does his part.
 *
 * What a home owns is near the processor of its thread. So the stopper may offer each home a
 * part of what it does; the home's mutator takes it if it is parked (or comes back while the
 * world is stopped), and the stopper does what nobody has taken: for those that are blocked
 * or have exited, and for those that are late. Who is parked looks out for parts for a time
 * before it sleeps, if there is a processor to spare.
 */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include "core/heap.h"
#include "core/thread.h"

/* One home's part. By its parked thread, or by the stopper for it: it may do what who acts
 * for the home may, and touch nothing of another home that somebody may write meanwhile. No
 * safepoint, no allocation; nothing is dropped that could die. Locks, no waits. */
typedef void (*gc_share_fn)(struct gc_mutator *home, void *argument);

/* For a collector's start(): its stops share work, so that who is parked looks out. */
GC_EXPORT void gc_share_prepare(struct gc_heap *heap);

/* Whether parts may go on. It can change from NOT_YET to one of the others, no more. */
enum gc_share_go { GC_SHARE_NOT_YET, GC_SHARE_GO_ON, GC_SHARE_END };

/* What is to be done for homes. */
struct gc_share {
    gc_share_fn run;
    /* A home without a part takes no time; NULL: each has one. By the stopper. */
    bool (*has_part)(struct gc_mutator *home, void *argument);
    /* A part that is through with run() may go on with this, without another offer, once
     * may_go_on() says so, which it awaits for a moment; both NULL: it ends there. For short
     * parts: the next offer comes when those that went on are through. What may_go_on()
     * rests on must be published by run(), for it is asked by all threads. */
    gc_share_fn then;
    enum gc_share_go (*may_go_on)(struct gc_heap *heap, void *argument);
    void *argument;
    bool wake; /* worth the time that it takes to wake those who sleep */
};

/* Runs share->run() once for each home that has a part (one that is made meanwhile may be left
 * out), and share->then() at most once, behind it; and returns when all parts are done: they
 * see what the stopper has done before, he sees what they did. By the stopper. */
GC_EXPORT void gc_stop_share(struct gc_mutator *m, const struct gc_share *share);

/* Whether a home's mutator is parked and looks out for a part, so that it will take one at
 * once. A moment later it may not. By the stopper. */
GC_EXPORT bool gc_share_looks_out(const struct gc_mutator *home);

/* For safepoint.c. Looks out for parts without sleeping, for a while, and does them. True:
 * the mutator may try to return. On a parked mutator. */
bool gc_share_watch(struct gc_mutator *m);

/* For safepoint.c. Looks out, for a while, for the moment in which all others have parked,
 * without sleeping. False: it does not do that here. On who asks for a stop and holds the
 * registry lock, which is given up meanwhile. */
bool gc_share_watch_stop(struct gc_mutator *m);

/* For safepoint.c. Whether a part is offered; having counted oneself among those who wait
 * for claims. */
bool gc_share_is_offered(struct gc_mutator *m);

/* For safepoint.c. Does the part that is offered, if nobody else has taken it. On a parked
 * mutator that holds no lock. */
void gc_share_help(struct gc_mutator *m);

#endif
