/* SPDX-License-Identifier: MIT */
/* thread.h - mutators: the record of a thread that runs the program.
 *
 * A record is also the *home* of the objects that were made with it: it owns their
 * blocks and lists, outlives its thread, and is adopted whole by a later one.
 *
 *   from             to        by
 *   (new)            BLOCKED   attach, spawn (CLAIMED too, while the world is stopped)
 *   EXITED           BLOCKED   the same, which adopt the record
 *   BLOCKED          RUNNING   its thread, returning from a wait
 *   RUNNING          BLOCKED   its thread, at a safepoint or for a wait
 *   RUNNING          EXITED    its thread, detaching
 *   BLOCKED          EXITED    its parent, where the thread could not be started
 *   BLOCKED, EXITED  | CLAIMED a stop, a handshake, or who has sent something (home.c);
 *                              they also give the claim back
 *
 * Invariant (MU2): who is alone is told before another mutator runs, and has answered; so
 *                  what he does between two safepoints needs no atomic read-modify-write.
 * Sync edges: [sync MU1] a record is complete before it is in the list of all
 *
 * Only who made a record CLAIMED, from BLOCKED or EXITED, may act for it. Only its
 * thread leaves BLOCKED for RUNNING.
 */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/atomic.h"
#include "core/block.h"
#include "core/event.h"
#include "core/list.h"
#include "core/lock.h"
#include "core/object.h"
#include "core/operation.h"

struct gc_heap;
struct gc_root_callback;
struct gc_type;

/* A local is a reference in a frame. Protocols that don't count locals link the
 * frames into the mutator's shadow stack; the others leave this struct alone. */
struct gc_frame {
    struct gc_frame *caller;
    size_t locals; /* their number; they follow the frame */
};

static inline gc_slot *gc_frame_locals(struct gc_frame *frame)
{
    return (gc_slot *)(void *)(frame + 1);
}

enum gc_mutator_state {
    GC_MUTATOR_RUNNING,
    GC_MUTATOR_BLOCKED,
    GC_MUTATOR_EXITED,
    GC_MUTATOR_CLAIMED = 4, /* a bit, beside BLOCKED or EXITED */
};

/* Why a mutator should enter the slow path of a safepoint. */
enum gc_poll_bit {
    GC_POLL_STOP = 1u << 0,   /* somebody wants to stop the world */
    GC_POLL_SWITCH = 1u << 1, /* somebody wants the global lock */
    GC_POLL_SETTLE = 1u << 2, /* it has references to drop: gc_drop_later() */
    GC_POLL_DRAIN = 1u << 3,  /* something was sent to its home */
    GC_POLL_QUIET = 1u << 4,  /* somebody awaits a grace period */
    GC_POLL_SHAKE = 1u << 5,  /* somebody awaits its answer to a handshake */
    GC_POLL_JOINED = 1u << 6, /* somebody awaits that it knows it is not alone */
};

/* A home's part in what a stop shares (gc_stop_share). */
enum gc_share_state {
    GC_SHARE_NONE, /* or done */
    GC_SHARE_OFFERED,
    GC_SHARE_TAKEN,
};

enum {
    GC_DROPS = 64,        /* references that a mutator can keep to drop them later */
    GC_PARCELS = 8,       /* homes that it keeps dead objects for at a time */
    GC_PARCEL_CELLS = 64, /* objects that it sends at once; a large one goes right away */
    GC_PROTOCOL_AREA = 64, /* bytes of a mutator that are the protocol's own */
};

/* Dead objects on their way to another home, linked by gc_object_link_dead(). */
struct gc_parcel {
    struct gc_mutator *home;
    struct gc_object *first, *last;
    uint32_t count;
};

struct gc_mutator {
    /* any thread, atomic: read at each safepoint. Relaxed there: what the poll
     * leads to is ordered by the state and the locks behind it. */
    _Atomic(uint32_t) poll;

    /* owner only, read by every allocation; const while a collector runs */
    uint32_t prefix_bytes; /* of objects that can be in a cycle */
    uint32_t birth_links;  /* GC_BIRTH_LINK is selected */
    uint64_t
            birth_bits; /* `noted` and mark of a new object, in their places in `words` */
    struct gc_run *cyclic_runs; /* runs[1], behind as many as the prefix has granules */
    uint64_t birth_count;       /* count word of a new object; const */
    uint64_t free_count;        /* of a free cell, GC_COUNT_DEAD or birth_count; const */

    /* no other mutator runs, or comes to run before this one, or who has claimed it, has
     * cleared this: (MU2). Who may act for the record, between two safepoints */
    bool alone;

    /* owner only: it has stored over a reference since its last fence (eager.h) */
    bool has_removed;

    /* as the protocol says: what its fast paths read, near the front */
    alignas(8) char protocol_area[GC_PROTOCOL_AREA];

    /* owner only: one less for each cyclic object made, one more, up to the limit,
     * for each that dies; at zero the collector's on_budget is due. A stopper resets it */
    int32_t budget;
    int32_t budget_limit;
    int32_t budget_granted; /* what it started from */

    /* owner, read in stops: deaths that the program's code interrupts, by finalizers and
     * callbacks. Objects that are DEAD wait in them for the end of others */
    uint32_t death_depth;

    /* who may act for the home */
    struct gc_links young; /* new objects, under GC_BIRTH_LINK */
    struct gc_frame *frames;
    struct gc_root_callback *root_callbacks; /* root.h */
    struct gc_run runs[2][GC_CLASSES];       /* [cells have the prefix][class] */
    struct gc_block *partial[2][GC_CLASSES];
    struct gc_block *empty[2][GC_CLASSES]; /* blocks of dead cells (block.c) */
    uint32_t empty_blocks;
    struct gc_counters counters;
    struct gc_stall_log *stalls;
    void *collector_data;        /* of the collector, per home */
    void *protocol_data;         /* of the protocol, per home */
    struct gc_sweep_home *sweep; /* the home's blocks, where collectors sweep (sweep.h) */
    uint64_t shake_work;         /* what the last handshake did for it: slots, ... */
    struct gc_object **deferred; /* references to drop later */
    size_t deferred_count, deferred_room;
    struct gc_object *drops[GC_DROPS]; /* references to drop at the next safepoint */
    uint32_t drop_count;
    struct gc_parcel parcels[GC_PARCELS];

    /* const after the record was made */
    struct gc_heap *heap;
    uint32_t number; /* its place in the registry, from 0 */

    /* written under the registry lock, read also by a stopper without it */
    _Atomic(struct gc_mutator *) next;

    /* registry lock */
    bool stop_claimed; /* by the stop that is under way */

    gc_slot start;          /* the reference that its thread was given */
    uint64_t switched_at;   /* owner: see protocol/plain.c */
    uint64_t unpaced_until; /* owner: collections that have to end before it waits for one
                               again: pace.h */

    /* owner: what files compiled with GC_COUNT_OPS have counted */
    uint64_t operations[GC_OPERATION_COUNT];

    struct gc_event_log events; /* owner; read by who tells of a crash */

    /* any thread; every change sequentially consistent (safepoint.c, home.c) */
    char apart[GC_CACHE_LINE];            /* from what the owner writes all the time */
    _Atomic(uint32_t) state;              /* enum gc_mutator_state */
    _Atomic(struct gc_object *) arrivals; /* dead objects that were sent home */
    _Atomic(uint64_t) answered; /* number of the last handshake that ran for it */
    _Atomic(uint32_t) share;    /* enum gc_share_state: [sync ST3], safepoint.c */
    _Atomic(uint32_t) watches;  /* it looks out for its part; relaxed */
    uint64_t share_ns;          /* time that its thread spent on its part; who did it */
    bool share_own;             /* the stopper does its part himself; the stopper */
};

/* Makes the calling thread a mutator of the heap: RUNNING on return. A thread is one
 * mutator at a time. Returns 0 or -ENOMEM. */
GC_EXPORT int gc_attach(struct gc_heap *heap, struct gc_mutator **ret_mutator)
        GC_NODISCARD;

/* It is not alone any more (MU2). At its safepoint. */
void gc_joined(struct gc_mutator *m);

/* Ends the calling thread's life as a mutator: no frame may be left. The record
 * stays, EXITED, with all that is in it. */
GC_EXPORT void gc_detach(struct gc_mutator *m);

/* Starts a thread that runs run(its mutator, argument) and detaches. `reference` may
 * be NULL; the new mutator takes it with gc_take_start(). `thread` must live until it
 * was joined, in a blocked region. By a running mutator; returns 0 or -errno. */
struct gc_mutator_thread {
    struct gc_thread thread;
    struct gc_mutator *mutator;
    void (*run)(struct gc_mutator *m, void *argument);
    void *argument;
};
GC_EXPORT int gc_spawn(struct gc_mutator *m, struct gc_mutator_thread *thread,
        void (*run)(struct gc_mutator *m, void *argument), void *argument,
        struct gc_object *reference) GC_NODISCARD;

/* Waits for the thread's end, in a blocked region of `m` (may be NULL). */
GC_EXPORT void gc_join(struct gc_mutator *m, struct gc_mutator_thread *thread);

/* Records are only ever added, at the end, so a stopper may walk them while somebody
 * attaches: he then sees a record with nothing in it, or does not see it.
 * [sync MU1] acquire: pairs with the release in append_new() (thread.c). Test: core/thread. */
static inline struct gc_mutator *gc_next_mutator(const _Atomic(struct gc_mutator *) *link)
{
    return gc_atomic_load_acquire(link);
}

/* NOLINTBEGIN(bugprone-macro-parentheses): it declares m */
#define gc_for_each_mutator(m, heap)                                                     \
    for (struct gc_mutator *m = gc_next_mutator(&(heap)->mutators); (m) != NULL;         \
            (m) = gc_next_mutator(&(m)->next))
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
