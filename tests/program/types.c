/* SPDX-License-Identifier: MIT */
/* types.c - the kinds of objects that heap programs are made of. */
#include "core/collector.h"
#include "tests/program/shadow.h"

#define FIXED(kind, n)                                                                   \
    struct kind {                                                                        \
        struct gc_object header;                                                         \
        gc_slot slot[n];                                                                 \
        struct program_tag tag;                                                          \
    }

FIXED(node2, 2);
FIXED(node3, 3);
FIXED(node4, 4);
FIXED(finalized, 3);
FIXED(tuple2, 2);
FIXED(tuple3, 3);
FIXED(box, 1);

struct leaf {
    struct gc_object header;
    struct program_tag tag;
};

struct irregular {
    struct gc_object header;
    uint64_t before; /* so that the slots are not where a regular type has them */
    gc_slot slot[3];
    struct program_tag tag;
};

int (*program_on_finalize)(struct gc_mutator *m, struct gc_object *object);

static int finalize(struct gc_mutator *m, struct gc_object *object)
{
    return program_on_finalize(m, object);
}

static void irregular_trace(struct gc_object *object, gc_visit_fn visit, void *argument)
{
    struct irregular *irregular = (struct irregular *)(void *)object;
    for (int i = 0; i < 3; i++)
        visit(&irregular->slot[i], argument);
}

/* What core would do itself: the way through a callback is what is tried. */
static int irregular_clear(struct gc_mutator *m, struct gc_object *object)
{
    m->heap->protocol->clear_slots(m, object);
    return 0;
}

static const struct gc_type node2_type = GC_TYPE(struct node2, .slots = 2);
static const struct gc_type node3_type = GC_TYPE(struct node3, .slots = 3);
static const struct gc_type node4_type = GC_TYPE(struct node4, .slots = 4);
static const struct gc_type finalized_type =
        GC_TYPE(struct finalized, .slots = 3, .finalize = finalize);
static const struct gc_type irregular_type =
        GC_TYPE(struct irregular, .trace = irregular_trace, .clear = irregular_clear);
static const struct gc_type tuple2_type =
        GC_TYPE(struct tuple2, .slots = 2, .flags = GC_TYPE_IMMUTABLE);
static const struct gc_type tuple3_type =
        GC_TYPE(struct tuple3, .slots = 3, .flags = GC_TYPE_IMMUTABLE);
static const struct gc_type array_type = GC_ARRAY_TYPE("array", .flags = GC_TYPE_ARRAY);
static const struct gc_type leaf_type = GC_TYPE(struct leaf, .slots = 0);
static const struct gc_type leaf_array_type =
        GC_ARRAY_TYPE("leaf array", .flags = GC_TYPE_ARRAY | GC_TYPE_LEAF);
static const struct gc_type box_type =
        GC_TYPE(struct box, .slots = 1, .flags = GC_TYPE_ACYCLIC);

const struct gc_type *const program_types[PROGRAM_KINDS] = {
    [PROGRAM_NODE2] = &node2_type,
    [PROGRAM_NODE3] = &node3_type,
    [PROGRAM_NODE4] = &node4_type,
    [PROGRAM_FINALIZED] = &finalized_type,
    [PROGRAM_IRREGULAR] = &irregular_type,
    [PROGRAM_TUPLE2] = &tuple2_type,
    [PROGRAM_TUPLE3] = &tuple3_type,
    [PROGRAM_ARRAY] = &array_type,
    [PROGRAM_LEAF] = &leaf_type,
    [PROGRAM_LEAF_ARRAY] = &leaf_array_type,
    [PROGRAM_BOX] = &box_type,
    [PROGRAM_WEAK] = &gc_weak_type,
};

enum program_kind program_kind_of(const struct gc_object *object)
{
    const struct gc_type *type = gc_object_info(object)->type;
    for (int kind = 0; kind < PROGRAM_KINDS; kind++)
        if (program_types[kind] == type) return (enum program_kind)kind;
    return PROGRAM_KINDS;
}

uint32_t program_first_slot(enum program_kind kind)
{
    bool later = kind == PROGRAM_ARRAY || kind == PROGRAM_IRREGULAR;
    return later ? 1 : 0;
}

struct program_tag *program_tag_of(struct gc_object *object, enum program_kind kind)
{
    if (kind == PROGRAM_ARRAY || kind == PROGRAM_LEAF_ARRAY)
        return gc_array_bytes((struct gc_array *)(void *)object);
    char *end = (char *)object + program_types[kind]->size;
    return (struct program_tag *)(void *)(end - sizeof(struct program_tag));
}

uint64_t program_canary(uint64_t id)
{
    return (id + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ UINT64_C(0x5ca1ab1e0ddba11);
}

bool program_is_mutable(enum program_kind kind)
{
    return kind <= PROGRAM_IRREGULAR || kind == PROGRAM_ARRAY;
}
