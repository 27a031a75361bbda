/* SPDX-License-Identifier: MIT */
/* mutator.h - all that a workload or an embedding runtime includes.
 *
 * It is compiled once per protocol: GC_PROTOCOL_HEADER names the protocol's header,
 * e.g. -DGC_PROTOCOL_HEADER='"core/protocol/plain.h"'. Every reference lives in a slot
 * of an object, in a global root, or in a *local* of a frame:
 *
 *     struct { struct gc_frame frame; struct node *self, *child; } at;
 *     gc_enter(m, at);                         locals start as NULL
 *     gc_new(m, &at.self, &node_type);
 *     gc_load(m, &at.child, at.self, left);    local = object->field
 *     gc_store(m, at.self, left, at.child);    object->field = local
 *     gc_leave(m, at);                         drops what the locals still hold
 *
 * Every operation names its destination, so that one program is correct under eager
 * counting, deferred counting and tracing. A raw pointer is valid until the next
 * safepoint. Safepoints are: allocation, gc_safepoint(), blocked regions, gc_collect(),
 * and any operation that drops a reference, after its effect. gc_load(), gc_move() and
 * gc_give() are none by themselves: only when what their local held before dies.
 *
 * All operations: on a running mutator. Locals are written by their mutator alone.
 *
 * With -DGC_COUNT_OPS the operations are counted: see operation.h.
 */
#ifndef CORE_MUTATOR_H
#define CORE_MUTATOR_H

#include "core/allocate.h"
#include "core/collect.h"
#include "core/heap.h"
#include "core/object.h"
#include "core/root.h"
#include "core/safepoint.h"
#include "core/thread.h"
#include "core/type.h"
#include "core/weak.h"

#ifndef GC_PROTOCOL_HEADER
#    error "compile with -DGC_PROTOCOL_HEADER=..., the header of a protocol"
#endif
#include GC_PROTOCOL_HEADER

/* The address of a local or of a field, as a slot. The operand must be (the address
 * of) a pointer to a struct that starts with a gc_object named `header`. */
#define GC_SLOT(address)                                                                 \
    ((void)sizeof((*(address))->header.count), (gc_slot *)(void *)(address))
#define GC_REFERENCE(value)                                                              \
    ((void)sizeof((value)->header.count), (struct gc_object *)(void *)(value))

/* The object around a field. It is not NULL: roots have operations of their own. */
GC_INLINE struct gc_object *gc_holder(struct gc_object *object)
{
    gc_assert(object != NULL, "a field of NULL is written to");
    if (object == NULL) __builtin_unreachable();
    return object;
}

/* Frames. `at` is a struct whose first member is `struct gc_frame frame` and whose
 * others are all locals. */
#define GC_FRAME_LOCALS(at) ((sizeof(at) - sizeof((at).frame)) / sizeof(void *))
#define gc_enter(m, at)     gc_protocol_enter_frame((m), (void *)&(at), GC_FRAME_LOCALS(at))
#define gc_leave(m, at)     gc_protocol_leave_frame((m), (void *)&(at), GC_FRAME_LOCALS(at))

/* *local = a new object: slots NULL, raw bytes undefined. False, with *local NULL,
 * only where the heap's on_exhausted returns (so for anything beyond 4 GiB). */
#define gc_new(m, local, type) gc_new_object((m), GC_SLOT(local), (type))
#define gc_new_array(m, local, type, slots, bytes)                                       \
    gc_new_array_object((m), GC_SLOT(local), (type), (slots), (bytes))

/* local = object->field: for a field that nobody writes meanwhile; _shared for one
 * that others may write at the same time. */
#define gc_load(m, local, object, field)                                                 \
    gc_protocol_load((m), GC_SLOT(local), (gc_slot *)(void *)&(object)->field)
#define gc_load_shared(m, local, object, field)                                          \
    gc_protocol_load_shared((m), GC_SLOT(local), (gc_slot *)(void *)&(object)->field)

/* object->field = value (a local, or NULL cast to its type): for a field that no other
 * mutator writes at the same time (others may read it); _shared where several do;
 * _new for the first store into a field of a new object. */
#define gc_store(m, object, field, value)                                                \
    gc_protocol_store((m), gc_holder(&(object)->header),                                 \
            (gc_slot *)(void *)&(object)->field, GC_REFERENCE(value))
#define gc_store_shared(m, object, field, value)                                         \
    gc_protocol_store_shared((m), gc_holder(&(object)->header),                          \
            (gc_slot *)(void *)&(object)->field, GC_REFERENCE(value))
#define gc_store_new(m, object, field, value)                                            \
    gc_protocol_store_new((m), gc_holder(&(object)->header),                             \
            (gc_slot *)(void *)&(object)->field, GC_REFERENCE(value))

/* object->field = NULL. */
#define gc_store_null(m, object, field)                                                  \
    gc_protocol_store((m), gc_holder(&(object)->header),                                 \
            (gc_slot *)(void *)&(object)->field, NULL)

/* object->field = *local, *local = NULL: hands the reference over. As gc_store(). */
#define gc_give(m, object, field, local)                                                 \
    gc_protocol_give((m), gc_holder(&(object)->header),                                  \
            (gc_slot *)(void *)&(object)->field, GC_SLOT(local))

/* Swaps object->field and *local, atomically. */
#define gc_exchange(m, object, field, local)                                             \
    gc_protocol_exchange((m), gc_holder(&(object)->header),                              \
            (gc_slot *)(void *)&(object)->field, GC_SLOT(local))

/* If object->field is `expected`, makes it `value` and returns true. */
#define gc_compare_exchange(m, object, field, expected, value)                           \
    gc_protocol_compare_exchange((m), gc_holder(&(object)->header),                      \
            (gc_slot *)(void *)&(object)->field, GC_REFERENCE(expected),                 \
            GC_REFERENCE(value))

/* Copies `count` fields, from array->slot[i..] or fields side by side, into fields of
 * `object` that no other mutator writes at the same time. */
#define gc_copy_slots(m, object, to_field, from, from_field, count)                      \
    gc_protocol_copy_slots((m), gc_holder(&(object)->header),                            \
            (gc_slot *)(void *)&(object)->to_field,                                      \
            (gc_slot *)(void *)&(from)->from_field, (count))

/* Locals: *local = value; *to = *from and *from = NULL; *local = NULL. */
#define gc_set(m, local, value) gc_protocol_set((m), GC_SLOT(local), GC_REFERENCE(value))
#define gc_move(m, to, from)    gc_protocol_move((m), GC_SLOT(to), GC_SLOT(from))
#define gc_clear(m, local)      gc_protocol_clear((m), GC_SLOT(local))

/* Global roots (root.h): like fields, without an object around them. */
#define gc_load_root(m, local, root)                                                     \
    gc_protocol_load((m), GC_SLOT(local), (gc_slot *)(void *)(root))
#define gc_load_root_shared(m, local, root)                                              \
    gc_protocol_load_shared((m), GC_SLOT(local), (gc_slot *)(void *)(root))
#define gc_store_root(m, root, value)                                                    \
    gc_protocol_store((m), NULL, (gc_slot *)(void *)(root), GC_REFERENCE(value))
#define gc_store_root_shared(m, root, value)                                             \
    gc_protocol_store_shared((m), NULL, (gc_slot *)(void *)(root), GC_REFERENCE(value))
#define gc_store_root_null(m, root)                                                      \
    gc_protocol_store((m), NULL, (gc_slot *)(void *)(root), NULL)

/* *local = the reference that this mutator's thread was started with. */
#define gc_take_start(m, local) gc_protocol_move((m), GC_SLOT(local), &(m)->start)

/* *local = a weak reference to `target`; *local = the target of one, or NULL. */
#define gc_new_weak(m, local, target, callback, data)                                    \
    gc_weak_new((m), (local), GC_REFERENCE(target), (callback), GC_REFERENCE(data))
#define gc_load_weak(m, local, weak) gc_weak_load((m), GC_SLOT(local), (weak))

/* A read-only section over shared slots: nothing but under `guarded`. */
#define gc_read_begin(m) gc_protocol_read_begin(m)
#define gc_read_end(m)   gc_protocol_read_end(m)

/* All references to an object, the caller's own included; 0 where they are not counted,
 * GC_REFCOUNT_IMMORTAL for an immortal object. On a running mutator; a safepoint, for where
 * mutators run in parallel it stops the world. */
#define GC_REFCOUNT_IMMORTAL UINT64_MAX
GC_EXPORT uint64_t gc_refcount(struct gc_mutator *m, struct gc_object *object);

/* Makes an object live for ever, under a protocol that counts: its count is still kept,
 * but never brings death. Where nothing is counted a root has to do. */
GC_EXPORT void gc_immortalize(struct gc_mutator *m, struct gc_object *object);

GC_INLINE bool gc_new_object(
        struct gc_mutator *m, gc_slot *local, const struct gc_type *type)
{
    const bool cyclic = gc_type_is_cyclic(type);
    if (type->size + GC_PREFIX_MAX > GC_SMALL_BYTES || type->finalize != NULL ||
            type->trace != NULL)
        return gc_slow_path(m, allocations, gc_new_slow(m, local, type, 0, 0));
    struct gc_run *runs = cyclic ? m->cyclic_runs : m->runs[0];
    struct gc_run *run = &runs[gc_class_of_small(type->size)];
    struct gc_object *object = run->free;
    const uint32_t id = gc_type_id(type);
    if (gc_unlikely(object == NULL || id == 0 || gc_safepoint_is_due(m)))
        return gc_slow_path(m, allocations, gc_new_slow(m, local, type, 0, 0));
    if (cyclic) {
        if (gc_unlikely(m->budget <= 0))
            return gc_slow_path(m, allocations, gc_new_slow(m, local, type, 0, 0));
        m->budget--;
    }
    run->free = *gc_cell_link(object);
    gc_birth(m, object, type, id, cyclic);
    gc_slot *slots = (gc_slot *)(void *)(object + 1);
    for (uint32_t i = 0; i < type->slots; i++)
        gc_atomic_slot_store_relaxed(&slots[i], NULL);
    return gc_protocol_put_new(m, local, object);
}

static inline bool gc_new_array_object(struct gc_mutator *m, gc_slot *local,
        const struct gc_type *type, uint32_t slots, uint32_t bytes)
{
    return gc_slow_path(m, allocations, gc_new_slow(m, local, type, slots, bytes));
}

#ifdef GC_COUNT_OPS
#    include "core/protocol/counted_ops.h"
#endif

#endif
