/* SPDX-License-Identifier: MIT */
/* type.h - what the runtime knows of a program's types.
 *
 *   static const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);
 *
 * The reference slots of a fixed type follow its header at once; an array type
 * has them per object; an irregular type names them through `trace`.
 * A type is registered, process-wide, when its first object is made.
 */
#ifndef CORE_TYPE_H
#define CORE_TYPE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/atomic.h"
#include "core/object.h"

struct gc_mutator;

/* Is handed the address of each slot, never a value. */
typedef void (*gc_visit_fn)(gc_slot *slot, void *argument);

enum gc_type_flag {
    GC_TYPE_ARRAY = 1u << 0,     /* struct gc_array: slots and bytes per object */
    GC_TYPE_LEAF = 1u << 1,      /* an array type whose objects have no slots */
    GC_TYPE_ACYCLIC = 1u << 2,   /* has slots, but can never be part of a cycle */
    GC_TYPE_IMMUTABLE = 1u << 3, /* slots never change once filled: no clear */
    GC_TYPE_WEAK = 1u << 4,      /* core's own: weak references */
    GC_TYPE_CLEARS = 1u << 5,    /* core's own, in gc_type_info: has a `clear` */
};

/* The mutable part of a constant type: its id, once it has one. */
struct gc_type_cell {
    _Atomic(uint32_t) id; /* written once, under the table's lock */
};

struct gc_type {
    const char *name;
    uint32_t size;  /* bytes of an object, header included; of an array's fixed part */
    uint32_t slots; /* of a fixed type */
    uint32_t flags; /* enum gc_type_flag */

    /* Calls visit(slot, argument) for each slot of an irregular type. Any thread,
     * world running or stopped; no safepoint, no allocation. */
    void (*trace)(struct gc_object *object, gc_visit_fn visit, void *argument);

    /* Runs once, before the object is reclaimed, with its slots intact; may store
     * the object somewhere (resurrection). World running, on any mutator, under no
     * lock of the core; may allocate and collect. Non-zero is reported to the
     * heap's on_callback_error and changes nothing else. */
    int (*finalize)(struct gc_mutator *m, struct gc_object *object);

    /* Drops the references that close cycles; NULL: core clears all slots. Never
     * called for an immutable type. Context as for finalize. */
    int (*clear)(struct gc_mutator *m, struct gc_object *object);

    struct gc_type_cell *cell;
};

/* A fixed type of the program's struct `structure`, whose first member is its
 * gc_object and whose slots follow at once. */
#define GC_TYPE(structure, ...)                                                          \
    {                                                                                    \
        .name = #structure, .size = sizeof(structure),                                   \
        .cell = &(struct gc_type_cell){ 0 }, __VA_ARGS__                                 \
    }

/* An array type; add .flags = GC_TYPE_ARRAY (and GC_TYPE_LEAF where it applies). */
#define GC_ARRAY_TYPE(type_name, ...)                                                    \
    {                                                                                    \
        .name = type_name, .size = sizeof(struct gc_array),                              \
        .cell = &(struct gc_type_cell){ 0 }, __VA_ARGS__                                 \
    }

/* What loops over objects read of a type, by id. */
struct gc_type_info { /* 32 bytes: an index is a shift */
    alignas(32) const struct gc_type *type;
    uint32_t slots; /* of a fixed, regular type; otherwise 0 */
    uint32_t flags; /* enum gc_type_flag */
    bool irregular; /* array or trace: look further than `slots` */
    bool cyclic;    /* its objects have the prefix and are tracked */
};

enum { GC_TYPE_LIMIT = 1 << 16 };

/* Entry 0 is never used. Entries are constant once their id has been handed out. */
GC_EXPORT extern struct gc_type_info gc_type_table[GC_TYPE_LIMIT];

/* Gives the type an id, if it has none. Returns 0, -ENOSPC when the table is full,
 * or -EINVAL for a descriptor that contradicts itself. Any thread. */
GC_EXPORT int gc_type_register(const struct gc_type *type) GC_NODISCARD;

static inline uint32_t gc_type_id(const struct gc_type *type)
{
    /* [sync TY1] acquire: who sees the id sees the table's entry; pairs with the
     * release in gc_type_register(). Test: core/type. */
    return gc_atomic_load_acquire(&type->cell->id);
}

static inline const struct gc_type_info *gc_object_info(const struct gc_object *object)
{
    return &gc_type_table[gc_object_type_id(object)];
}

/* Whether objects of this type have slots. */
static inline bool gc_type_is_container(const struct gc_type *type)
{
    return type->slots > 0 || type->trace != NULL ||
           (type->flags & (GC_TYPE_ARRAY | GC_TYPE_LEAF)) == GC_TYPE_ARRAY;
}

/* Whether they can be in a cycle. Constant where the type is. */
static inline bool gc_type_is_cyclic(const struct gc_type *type)
{
    return gc_type_is_container(type) && (type->flags & GC_TYPE_ACYCLIC) == 0;
}

/* Bytes of an object, header included, prefix not. */
static inline size_t gc_type_size(
        const struct gc_type *type, uint32_t slots, uint32_t bytes)
{
    if ((type->flags & GC_TYPE_ARRAY) == 0) return type->size;
    return type->size + (size_t)slots * sizeof(gc_slot) + bytes;
}

static inline size_t gc_object_size(const struct gc_object *object)
{
    const struct gc_type *type = gc_object_info(object)->type;
    if ((type->flags & GC_TYPE_ARRAY) == 0) return type->size;
    const struct gc_array *array = (const struct gc_array *)(const void *)object;
    return gc_type_size(type, array->slots, array->bytes);
}

/* The slots of a regular object lie side by side. */
struct gc_slots {
    gc_slot *first;
    uint32_t count;
};

static inline struct gc_slots gc_object_slots(
        struct gc_object *object, const struct gc_type_info *info)
{
    if (gc_likely(!info->irregular)) {
        return (struct gc_slots){ (gc_slot *)(void *)(object + 1), info->slots };
    }
    if ((info->flags & (GC_TYPE_ARRAY | GC_TYPE_LEAF)) == GC_TYPE_ARRAY) {
        struct gc_array *array = (struct gc_array *)(void *)object;
        return (struct gc_slots){ array->slot, array->slots };
    }
    return (struct gc_slots){ NULL, 0 };
}

/* Calls visit for each slot. `visit` is to be a constant inline function, so that
 * the loop over a regular object holds no call. */
GC_INLINE void gc_object_trace(
        struct gc_object *object, gc_visit_fn visit, void *argument)
{
    const struct gc_type_info *info = gc_object_info(object);
    struct gc_slots slots = gc_object_slots(object, info);
    for (uint32_t i = 0; i < slots.count; i++)
        visit(&slots.first[i], argument);
    if (gc_unlikely(info->irregular) && info->type->trace != NULL)
        info->type->trace(object, visit, argument);
}

#endif
