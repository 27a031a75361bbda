/* SPDX-License-Identifier: MIT */
/* log_object.h - coalesced counting: the first store into an object in an epoch logs it.
 * [LP01]
 *
 * A reference is a pointer; locals are found in linked frames. Of a slot that goes through
 * the values a, b, c, ... z between two collections only a and z matter to counts. So the
 * first store into an object since the last collection logs the object with what all its
 * slots hold, and the collector later takes the old values down and the current ones up.
 * Roots are not logged: a stop finds what they hold.
 *
 * `noted` of an object says how it stands to the log:
 *
 *   CLEAN   as it was at the last collection       --store-->         DIRTY
 *   DIRTY   its old slots are in the log           --collection-->    CLEAN
 *   NEW     born since: its old slots were empty   --collection-->    CLEAN
 *
 * The barrier has no read-modify-write. Two mutators may log an object at once; then both
 * have the same values, and who takes the log passes over the second: each copies the slots,
 * looks whether the object is still CLEAN, keeps the copy, makes it DIRTY, and then stores. Who
 * copies what the other has stored already therefore sees DIRTY.
 *
 * A record in the log is the object's address with the lowest bit set, and then what its
 * slots held, without NULLs.
 *
 * Invariants: (LO1) who stores into a slot has seen DIRTY or NEW, or has made it DIRTY, since
 *                   he was last at a safepoint.
 *             (LO2) an object that is DIRTY is in the log, with the slots that it had at the
 *                   last collection.
 */
#ifndef CORE_PROTOCOL_LOG_OBJECT_H
#define CORE_PROTOCOL_LOG_OBJECT_H

#include "core/atomic.h"
#include "core/object.h"
#include "core/thread.h"

#define GC_PROTOCOL_NAME log_object

enum gc_log_object_state {
    GC_LOG_OBJECT_CLEAN,
    GC_LOG_OBJECT_DIRTY,
    GC_LOG_OBJECT_NEW,
};

/* Set in the word of a record that names the object. */
enum { GC_LOG_OBJECT_HOLDER = 1 };

/* On any thread that may read the object; written by mutators (CLEAN to DIRTY), and by the
 * collector in a stop. Relaxed: who makes an object DIRTY then stores, with release. */
GC_INLINE enum gc_log_object_state gc_log_object_state(const struct gc_object *object)
{
    return (enum gc_log_object_state)gc_atomic_load_relaxed(&object->noted);
}

/* What it costs to take or drop a reference (counted_ops.h). */
#define GC_PROTOCOL_LOCAL_COST(m, object) GC_COST_uncounted
#define GC_PROTOCOL_SLOT_COST(m, holder, object)                                         \
    ((holder) == NULL                      ? GC_COST_uncounted                           \
            : gc_barrier_is_due(m, holder) ? GC_COST_buffered                            \
                                           : GC_COST_coalesced)

GC_INLINE bool gc_barrier_is_due(struct gc_mutator *m, const struct gc_object *holder)
{
    (void)m;
    return holder != NULL && gc_log_object_state(holder) == GC_LOG_OBJECT_CLEAN;
}

/* It may have got older since it was made. */
GC_INLINE bool gc_barrier_new_is_due(struct gc_mutator *m, const struct gc_object *holder)
{
    return gc_barrier_is_due(m, holder);
}

/* The operations of the same names, on an object that may have to be logged first. They are
 * safepoints before they have read anything. */
GC_EXPORT GC_NOINLINE void gc_log_object_store(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *value);
GC_EXPORT GC_NOINLINE void gc_log_object_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local);
GC_EXPORT GC_NOINLINE void gc_log_object_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local);
GC_EXPORT GC_NOINLINE bool gc_log_object_compare_exchange(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *expected,
        struct gc_object *value);
GC_EXPORT GC_NOINLINE void gc_log_object_copy_slots(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *to, gc_slot *from, size_t count);

#define gc_barrier_store            gc_log_object_store
#define gc_barrier_give             gc_log_object_give
#define gc_barrier_exchange         gc_log_object_exchange
#define gc_barrier_compare_exchange gc_log_object_compare_exchange
#define gc_barrier_copy_slots       gc_log_object_copy_slots

#include "core/protocol/uncounted.h"

#endif
