/* SPDX-License-Identifier: MIT */
/* counted_ops.h - the operations of whatever protocol, with counters around them.
 *
 * mutator.h includes this last, in files that are compiled with -DGC_COUNT_OPS: each
 * operation of the protocol gets a function around it that counts, and the name of the
 * operation then means that function. No protocol knows of a counter. What it says is what
 * it costs to take or drop a reference, an enum gc_cost, in two macros that may look at
 * their arguments, and yield a constant in most:
 *
 *     GC_PROTOCOL_LOCAL_COST(m, object)            a reference that a local holds
 *     GC_PROTOCOL_SLOT_COST(m, holder, object)     one in a field of `holder`, or a root
 *                                                  (then `holder` is NULL)
 *
 * and it calls its slow paths through gc_slow_path() (operation.h).
 *
 * They are not forced inline, as a protocol's are: nobody times them.
 *
 * What a call drops is read before the call. With one thread that is exact; of a slot that
 * several write at once it is what the slot held a moment before. For the same reason
 * `object` may be dead where a protocol's loads race: its header may be read, atomically.
 */
#ifndef CORE_PROTOCOL_COUNTED_OPS_H
#define CORE_PROTOCOL_COUNTED_OPS_H

#if !defined(GC_PROTOCOL_LOCAL_COST) || !defined(GC_PROTOCOL_SLOT_COST)
#    error "the protocol does not say what references cost: see core/protocol/README.md"
#endif

/* The four operations of GC_REFERENCE_OPERATIONS, in its order. */
enum gc_reference_event {
    GC_LOCAL_TAKEN,
    GC_LOCAL_DROPPED,
    GC_SLOT_TAKEN,
    GC_SLOT_DROPPED,
    GC_REFERENCE_EVENTS
};

_Static_assert((int)GC_OPERATION_slot_dropped_stuck ==
                       (int)GC_COST_stuck * GC_REFERENCE_EVENTS + GC_SLOT_DROPPED,
        "operations on references come first, by cost");

static inline void gc_count(struct gc_mutator *m, enum gc_operation operation)
{
    m->operations[operation]++;
}

static inline void gc_count_local(
        struct gc_mutator *m, enum gc_reference_event event, struct gc_object *object)
{
    if (object != NULL)
        m->operations[GC_PROTOCOL_LOCAL_COST(m, object) * GC_REFERENCE_EVENTS + event]++;
}

static inline void gc_count_slot(struct gc_mutator *m, enum gc_reference_event event,
        struct gc_object *holder, struct gc_object *object)
{
    (void)holder;
    if (object != NULL)
        m->operations[GC_PROTOCOL_SLOT_COST(m, holder, object) * GC_REFERENCE_EVENTS +
                      event]++;
}

/* `slot` is about to hold something else. */
static inline void gc_count_replaced(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot)
{
    gc_count_slot(m, GC_SLOT_DROPPED, holder, gc_atomic_slot_load_relaxed(slot));
}

static inline void gc_count_elided(struct gc_mutator *m, struct gc_object *object)
{
    m->operations[GC_OPERATION_elided] += object != NULL;
}

static inline void gc_counted_enter_frame(struct gc_mutator *m, void *at, size_t locals)
{
    gc_count(m, GC_OPERATION_frames_entered);
    m->operations[GC_OPERATION_frame_locals] += locals;
    gc_protocol_enter_frame(m, at, locals);
}

static inline void gc_counted_leave_frame(struct gc_mutator *m, void *at, size_t locals)
{
    struct gc_frame *frame = at;
    gc_count(m, GC_OPERATION_frames_left);
    for (size_t i = 0; i < locals; i++)
        gc_count_local(m, GC_LOCAL_DROPPED, gc_frame_locals(frame)[i]);
    gc_protocol_leave_frame(m, at, locals);
}

static inline void gc_counted_load(struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
    gc_count(m, GC_OPERATION_loads);
    gc_count_local(m, GC_LOCAL_DROPPED, *local);
    gc_protocol_load(m, local, slot);
    gc_count_local(m, GC_LOCAL_TAKEN, *local);
}

static inline void gc_counted_load_shared(
        struct gc_mutator *m, gc_slot *local, gc_slot *slot)
{
    gc_count(m, GC_OPERATION_loads_shared);
    gc_count_local(m, GC_LOCAL_DROPPED, *local);
    gc_protocol_load_shared(m, local, slot);
    gc_count_local(m, GC_LOCAL_TAKEN, *local);
}

static inline void gc_counted_weak_load(
        struct gc_mutator *m, gc_slot *local, struct gc_weak *weak)
{
    gc_count(m, GC_OPERATION_loads_weak);
    gc_count_local(m, GC_LOCAL_DROPPED, *local);
    gc_weak_load(m, local, weak);
    gc_count_local(m, GC_LOCAL_TAKEN, *local);
}

static inline void gc_counted_store(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    gc_count(m, GC_OPERATION_stores);
    gc_count_slot(m, GC_SLOT_TAKEN, holder, value);
    gc_count_replaced(m, holder, slot);
    gc_protocol_store(m, holder, slot, value);
}

static inline void gc_counted_store_shared(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    gc_count(m, GC_OPERATION_stores_shared);
    gc_count_slot(m, GC_SLOT_TAKEN, holder, value);
    gc_count_replaced(m, holder, slot);
    gc_protocol_store_shared(m, holder, slot, value);
}

static inline void gc_counted_store_new(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *value)
{
    gc_count(m, GC_OPERATION_stores_new);
    gc_count_slot(m, GC_SLOT_TAKEN, holder, value);
    gc_protocol_store_new(m, holder, slot, value);
}

static inline void gc_counted_give(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    gc_count(m, GC_OPERATION_gives);
    gc_count_elided(m, *local);
    gc_count_replaced(m, holder, slot);
    gc_protocol_give(m, holder, slot, local);
}

static inline void gc_counted_exchange(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    gc_count(m, GC_OPERATION_exchanges);
    gc_count_elided(m, *local);
    gc_protocol_exchange(m, holder, slot, local);
    gc_count_elided(m, *local);
}

static inline bool gc_counted_compare_exchange(struct gc_mutator *m,
        struct gc_object *holder, gc_slot *slot, struct gc_object *expected,
        struct gc_object *value)
{
    if (!gc_protocol_compare_exchange(m, holder, slot, expected, value)) {
        gc_count(m, GC_OPERATION_compare_exchanges_failed);
        return false;
    }
    gc_count(m, GC_OPERATION_compare_exchanges);
    gc_count_slot(m, GC_SLOT_TAKEN, holder, value);
    gc_count_slot(m, GC_SLOT_DROPPED, holder, expected);
    return true;
}

static inline void gc_counted_copy_slots(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *to, gc_slot *from, size_t count)
{
    m->operations[GC_OPERATION_slots_copied] += count;
    for (size_t i = 0; i < count; i++) {
        gc_count_slot(m, GC_SLOT_TAKEN, holder, gc_atomic_slot_load_relaxed(&from[i]));
        gc_count_replaced(m, holder, &to[i]);
    }
    gc_protocol_copy_slots(m, holder, to, from, count);
}

static inline void gc_counted_set(
        struct gc_mutator *m, gc_slot *local, struct gc_object *value)
{
    gc_count(m, GC_OPERATION_sets);
    gc_count_local(m, GC_LOCAL_TAKEN, value);
    gc_count_local(m, GC_LOCAL_DROPPED, *local);
    gc_protocol_set(m, local, value);
}

static inline void gc_counted_move(struct gc_mutator *m, gc_slot *to, gc_slot *from)
{
    gc_count(m, GC_OPERATION_moves);
    gc_count_elided(m, *from);
    if (to != from) gc_count_local(m, GC_LOCAL_DROPPED, *to);
    gc_protocol_move(m, to, from);
}

static inline void gc_counted_clear(struct gc_mutator *m, gc_slot *local)
{
    gc_count(m, GC_OPERATION_clears);
    gc_count_local(m, GC_LOCAL_DROPPED, *local);
    gc_protocol_clear(m, local);
}

static inline void gc_counted_read_begin(struct gc_mutator *m)
{
    gc_count(m, GC_OPERATION_read_sections);
    gc_protocol_read_begin(m);
}

static inline void gc_counted_safepoint(struct gc_mutator *m)
{
    gc_count(m, GC_OPERATION_polls);
    if (gc_safepoint_is_due(m)) gc_slow_path(m, polls, gc_safepoint_slow(m));
}

static inline bool gc_counted_new_object(
        struct gc_mutator *m, gc_slot *local, const struct gc_type *type)
{
    gc_count_local(m, GC_LOCAL_DROPPED, *local);
    bool made = gc_new_object(m, local, type);
    m->operations[GC_OPERATION_objects] += made;
    return made;
}

static inline bool gc_counted_new_array_object(struct gc_mutator *m, gc_slot *local,
        const struct gc_type *type, uint32_t slots, uint32_t bytes)
{
    gc_count_local(m, GC_LOCAL_DROPPED, *local);
    bool made = gc_new_array_object(m, local, type, slots, bytes);
    m->operations[GC_OPERATION_objects] += made;
    return made;
}

/* A weak reference is an object with one field, its data. */
static inline bool gc_counted_weak_new(struct gc_mutator *m, struct gc_weak **local,
        struct gc_object *target, gc_weak_fn callback, struct gc_object *data)
{
    gc_count_local(m, GC_LOCAL_DROPPED, *(gc_slot *)(void *)local);
    bool made =
            gc_slow_path(m, allocations, gc_weak_new(m, local, target, callback, data));
    m->operations[GC_OPERATION_objects] += made;
    if (made) gc_count_slot(m, GC_SLOT_TAKEN, &(*local)->header, data);
    return made;
}

/* From here on the names mean the counted ones. gc_protocol_put_new() keeps its meaning: an
 * allocation is counted as a whole. */
#define gc_protocol_enter_frame      gc_counted_enter_frame
#define gc_protocol_leave_frame      gc_counted_leave_frame
#define gc_protocol_load             gc_counted_load
#define gc_protocol_load_shared      gc_counted_load_shared
#define gc_weak_load                 gc_counted_weak_load
#define gc_protocol_store            gc_counted_store
#define gc_protocol_store_shared     gc_counted_store_shared
#define gc_protocol_store_new        gc_counted_store_new
#define gc_protocol_give             gc_counted_give
#define gc_protocol_exchange         gc_counted_exchange
#define gc_protocol_compare_exchange gc_counted_compare_exchange
#define gc_protocol_copy_slots       gc_counted_copy_slots
#define gc_protocol_set              gc_counted_set
#define gc_protocol_move             gc_counted_move
#define gc_protocol_clear            gc_counted_clear
#define gc_protocol_read_begin       gc_counted_read_begin
#define gc_safepoint                 gc_counted_safepoint
#define gc_new_object                gc_counted_new_object
#define gc_new_array_object          gc_counted_new_array_object
#define gc_weak_new                  gc_counted_weak_new

#endif
