/* SPDX-License-Identifier: MIT */
/* event.h - what is noted while it happens: stalls, counters and the last events of a mutator.
 *
 * Everything here belongs to one mutator and is written by it alone (or for it, by
 * who stopped it); nothing is atomic. It is summed up when the world is stopped or
 * the mutator has exited. Events are not summed up: a process that crashes tells of them, as
 * it finds them (bench/crash.h).
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdint.h>

#include "core/check.h"
#include "core/histogram.h"
#include "core/os.h"

/* name, what it is: an interval in which memory management held up a mutator */
#define GC_STALL_CAUSES(X)                                                               \
    X(stop, "the world was stopped")                                                     \
    X(handshake, "a handshake ran")                                                      \
    X(cascade, "one decrement freed many objects")                                       \
    X(collection, "a collection's work with the world running")                          \
    X(allocation, "an allocation waited for memory")                                     \
    X(barrier, "a barrier's slow path")                                                  \
    X(lock, "a lock of the runtime was awaited")                                         \
    X(backpressure, "a log was full, or a collection behind")

enum gc_stall_cause {
#define X(name, doc) GC_STALL_##name,
    GC_STALL_CAUSES(X)
#undef X
            GC_STALL_COUNT
};

/* name, unit and meaning. Counters of one mutator. */
#define GC_COUNTERS(X)                                                                   \
    X(cells_taken, "cells that runs and spans took from blocks")                         \
    X(freed_by_count, "objects that died because their count did")                       \
    X(freed_by_cycle, "objects that a cycle collection found dead")                      \
    X(freed_by_trace, "objects that a trace did not reach")                              \
    X(freed_new, "objects that died before they were ever counted")                      \
    X(log_records, "objects that collections found in logs")                             \
    X(visited_objects, "objects that collections looked at")                             \
    X(visited_edges, "slots that collections looked at")                                 \
    X(finalizers, "finalizers that ran")                                                 \
    X(resurrected, "objects that a finalizer brought back")                              \
    X(weak_cleared, "weak references that were cleared")                                 \
    X(callbacks, "weak-reference callbacks that ran")                                    \
    X(callback_errors, "finalizers and callbacks that reported an error")                \
    X(stops, "times that this mutator stopped the world to collect")                     \
    X(stop_wait_ns, "ns from asking for a stop to having it (time to safepoint)")        \
    X(stop_ns, "ns from having a stop to the world running again")                       \
    X(handshakes, "handshakes that this mutator has asked for")                          \
    X(helped, "parts of other mutators' stops that this one did while it was parked")    \
    X(lock_switches, "times that this mutator got the global lock from another")

struct gc_counters {
#define X(name, doc) uint64_t name;
    GC_COUNTERS(X)
#undef X
};

/* One stall, as it is kept in the ring. */
struct gc_stall {
    uint64_t start_ns; /* CLOCK_MONOTONIC */
    uint64_t ns;
    uint64_t work; /* objects, slots or entries: exact on any machine */
    enum gc_stall_cause cause;
};

enum { GC_STALL_RING = 1024 };

struct gc_stall_sum {
    uint64_t count, total_ns, max_ns;
    uint64_t total_work, max_work;
    struct gc_histogram histogram; /* of ns */
};

struct gc_stall_log {
    struct gc_stall_sum causes[GC_STALL_COUNT];
    uint64_t recorded; /* the ring holds the last GC_STALL_RING of them */
    struct gc_stall ring[GC_STALL_RING];
};

/* -DGC_STALLS=0 leaves the log out, for tests/stall_log.py to see what it costs. */
#ifndef GC_STALLS
#    define GC_STALLS 1
#endif

/* An empty log, in pages of its own: it is large, and most of it is never touched. NULL: no
 * memory. Any thread, any state of the world; who frees it (not NULL) is the last to know it. */
struct gc_stall_log *gc_stall_log_new(void) GC_NODISCARD;
void gc_stall_log_free(struct gc_stall_log *log);

GC_EXPORT void gc_stall_append(struct gc_stall_log *log, enum gc_stall_cause cause,
        uint64_t start_ns, uint64_t work);

/* The clock reading at the begin of what may be a stall; 0 where there is no log. */
static inline uint64_t gc_stall_clock(void)
{
    return GC_STALLS ? gc_os_now_ns() : 0;
}

/* Appends a stall of `cause` that began at start_ns and ends now. By the mutator
 * whose log it is. */
static inline void gc_stall_record(struct gc_stall_log *log, enum gc_stall_cause cause,
        uint64_t start_ns, uint64_t work)
{
    if (GC_STALLS) gc_stall_append(log, cause, start_ns, work);
}

/* Adds `from` to `to` (sums and histograms; not the ring). */
GC_EXPORT void gc_stall_log_add(struct gc_stall_log *to, const struct gc_stall_log *from);

void gc_counters_add(struct gc_counters *to, const struct gc_counters *from);

/* --- what a mutator did last ------------------------------------------------------------ */

/* Something that is rare: a stop, a collection, a finalizer. */
struct gc_event {
    uint64_t time;    /* gc_os_now_ns(); or GC_EVENT_LOGICAL | gc_schedule_now() */
    const char *what; /* stays; "begins a collection of generation" */
    uint64_t number;  /* which one, or an address; GC_EVENT_NO_NUMBER: none */
};
#define GC_EVENT_NO_NUMBER UINT64_MAX
#define GC_EVENT_LOGICAL   (UINT64_C(1) << 63)

/* In checked builds the ring holds the last ones. */
enum { GC_EVENT_RING = GC_CHECK >= 1 ? 16 : 1 };
struct gc_event_log {
    const char *phase;  /* what a collection of this mutator's is at, or NULL; stays */
    const void *thread; /* gc_thread_self() of who has the record */
    uint64_t recorded;
    struct gc_event ring[GC_EVENT_RING];
};

GC_EXPORT void gc_event_append(
        struct gc_event_log *log, const char *what, uint64_t number);

/* By the mutator whose log it is. */
static inline void gc_event_record(
        struct gc_event_log *log, const char *what, uint64_t number)
{
    if (GC_CHECK >= 1) gc_event_append(log, what, number);
}

/* The same, and a collection of this mutator's is at this from now on, also in release builds;
 * NULL: there is none. */
GC_EXPORT void gc_event_set_phase(struct gc_event_log *log, const char *phase);

GC_EXPORT extern const char *const gc_stall_names[GC_STALL_COUNT];

#endif
