/* SPDX-License-Identifier: MIT */
/* operation.h - what fast paths do, counted in a variant of a program, never in the one
 * that is timed.
 *
 * A file that is compiled with -DGC_COUNT_OPS counts, in its mutator's record, every
 * operation of mutator.h, and every reference that it takes and drops by what that costs
 * under its protocol (protocol/counted_ops.h). Without it nothing is counted, and no
 * instruction is spent on it. What the runtime does out of line (deaths, collections,
 * thread starts) is in the counters of event.h, not here.
 */
#ifndef CORE_OPERATION_H
#define CORE_OPERATION_H

#include <stdint.h>

#include "core/check.h"

/* What it costs to take or drop a reference. */
#define GC_COSTS(X)                                                                      \
    X(uncounted, "nothing: a pointer and no more")                                       \
    X(plain, "a plain addition")                                                         \
    X(atomic, "an atomic read-modify-write")                                             \
    X(buffered, "an entry in a log or table, counted later")                             \
    X(coalesced, "a look: the old value was logged already in this epoch")               \
    X(stuck, "a look: the count is stuck, and stays as it is")

/* The four things that can happen to a reference, at each cost. */
#define GC_REFERENCE_OPERATIONS(X, cost)                                                 \
    X(local_taken_##cost, "references that a local took: " #cost)                        \
    X(local_dropped_##cost, "references that a local dropped: " #cost)                   \
    X(slot_taken_##cost, "references that a field or root took: " #cost)                 \
    X(slot_dropped_##cost, "references that a field or root dropped: " #cost)

/* name, meaning. Calls are counted whether or not they meet a reference; NULL is none. */
#define GC_OPERATIONS(X)                                                                 \
    GC_REFERENCE_OPERATIONS(X, uncounted)                                                \
    GC_REFERENCE_OPERATIONS(X, plain)                                                    \
    GC_REFERENCE_OPERATIONS(X, atomic)                                                   \
    GC_REFERENCE_OPERATIONS(X, buffered)                                                 \
    GC_REFERENCE_OPERATIONS(X, coalesced)                                                \
    GC_REFERENCE_OPERATIONS(X, stuck)                                                    \
    X(elided, "references handed on by move, give or exchange: nobody counts")           \
    X(objects, "objects made, each with the reference that its local holds")             \
    X(frames_entered, "frames entered")                                                  \
    X(frames_left, "frames left")                                                        \
    X(frame_locals, "locals of the frames entered")                                      \
    X(loads, "loads of a field or root that nobody writes meanwhile")                    \
    X(loads_shared, "loads that may race with stores")                                   \
    X(loads_weak, "loads of a weak reference's target")                                  \
    X(stores, "stores with one writer")                                                  \
    X(stores_shared, "stores that may race with each other")                             \
    X(stores_new, "first stores into a new object")                                      \
    X(slots_copied, "fields stored by copy_slots")                                       \
    X(gives, "stores that hand a local's reference over")                                \
    X(exchanges, "exchanges of a field and a local")                                     \
    X(compare_exchanges, "compare-and-exchanges that succeeded")                         \
    X(compare_exchanges_failed, "compare-and-exchanges that found something else")       \
    X(sets, "copies of a local")                                                         \
    X(moves, "moves from local to local")                                                \
    X(clears, "locals cleared")                                                          \
    X(read_sections, "read-only sections over shared fields")                            \
    X(polls, "safepoints polled, those of allocations left out")                         \
    X(slow_allocations, "allocations that left the fast path")                           \
    X(slow_drops, "drops of what seemed to be the last reference")                       \
    X(slow_loads, "racing loads that had to look again")                                 \
    X(slow_stores, "barriers that left the fast path")                                   \
    X(slow_polls, "safepoints that had something to do")

enum gc_operation {
#define X(name, doc) GC_OPERATION_##name,
    GC_OPERATIONS(X)
#undef X
            GC_OPERATION_COUNT
};

enum gc_cost {
#define X(name, doc) GC_COST_##name,
    GC_COSTS(X)
#undef X
            GC_COST_COUNT
};

GC_EXPORT extern const char *const gc_operation_names[GC_OPERATION_COUNT];
GC_EXPORT extern const char *const gc_operation_docs[GC_OPERATION_COUNT];

/* Adds `from` to `to`. */
void gc_operations_add(
        uint64_t to[GC_OPERATION_COUNT], const uint64_t from[GC_OPERATION_COUNT]);

/* Where an inline function calls its slow path, with `what` out of allocations, drops,
 * loads, stores and polls: the call alone where nothing is counted. */
#ifdef GC_COUNT_OPS
#    define gc_slow_path(m, what, call)                                                  \
        ((m)->operations[GC_OPERATION_slow_##what]++, (call))
#else
#    define gc_slow_path(m, what, call) (call)
#endif

#endif
