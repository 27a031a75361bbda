/* SPDX-License-Identifier: MIT */
/* objects.c - statements that make objects and weak references, and move references. */
#include "tests/conformance/run.h"

#include <stdlib.h>
#include <string.h>

/* --- finding things ------------------------------------------------------------------- */

static uint32_t index_value(const struct place *place, const struct index *index)
{
    return index->is_loop ? place->loops[index->value] : index->value;
}

/* The slot of `object` that the step names; NULL where it has none such. */
static gc_slot *slot_of(struct gc_object *object, uint32_t i)
{
    if (object == NULL) return NULL;
    struct gc_slots slots = gc_object_slots(object, gc_object_info(object));
    return i < slots.count ? &slots.first[i] : NULL;
}

/* Where a reference without steps is kept; NULL for self and none. */
static gc_slot *root_of(
        struct machine *machine, const struct place *place, const struct ref *ref)
{
    uint32_t i = ref->has_index ? index_value(place, &ref->index) : 0;
    switch (ref->base) {
    case REF_HANDLE:
        gc_require(i < ref->roots, "%s has no element %u", ref->name, i);
        return &machine->roots[ref->first_root + i];
    case REF_KEEP:
        return &machine_kept(machine)[i];
    case REF_GARBAGE:
        return &machine_garbage(machine)[i];
    case REF_NOT:
    case REF_NONE:
    case REF_SELF:
        break;
    }
    return NULL;
}

/* The slot that a reference names, and the object around it (NULL for a root). */
static gc_slot *place_of(struct machine *machine, const struct place *place,
        const struct ref *ref, struct gc_object **ret_holder)
{
    gc_slot *slot = root_of(machine, place, ref);
    struct gc_object *object = ref->base == REF_SELF ? place->self : NULL;
    *ret_holder = NULL;
    for (uint32_t i = 0; i < ref->steps; i++) {
        if (slot != NULL) object = gc_atomic_slot_load_relaxed(slot);
        *ret_holder = object;
        slot = slot_of(object, index_value(place, &ref->step[i]));
        if (slot == NULL) return NULL;
    }
    return slot;
}

struct gc_object *machine_peek(
        struct machine *machine, const struct place *place, const struct ref *ref)
{
    if (ref->base == REF_SELF && ref->steps == 0) return place->self;
    struct gc_object *holder;
    gc_slot *slot = place_of(machine, place, ref, &holder);
    return slot != NULL ? gc_atomic_slot_load_relaxed(slot) : NULL;
}

static void put_root(struct machine *machine, gc_slot *root, struct gc_object *value)
{
    gc_protocol_store(machine->m, NULL, root, value);
}

static gc_slot *root_at(struct machine *machine, const struct place *place,
        const struct statement *s, uint32_t i)
{
    gc_slot *root = root_of(machine, place, &machine_word(s, i)->ref);
    if (root == NULL) machine_bad(s, "a handle is wanted");
    return root;
}

static struct tag tag_at(const struct place *place, const struct statement *s, uint32_t i)
{
    const struct ref *ref = &machine_word(s, i)->ref;
    int64_t index = ref->has_index ? (int64_t)index_value(place, &ref->index) : -1;
    return (struct tag){ ref->name, index };
}

/* --- types ------------------------------------------------------------------------------ */

static int finalize_node(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    struct node *node = (struct node *)(void *)object;
    if (node->finalized)
        report_fail(machine_current->report, 0, "the finalizer of %s ran twice",
                node->tag.name);
    node->finalized = true;
    return machine_run_script(machine_current, node->finalizer, object, &node->tag, NULL);
}

static int finalize_leaf(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    struct leaf *leaf = (struct leaf *)(void *)object;
    return machine_run_script(machine_current, leaf->finalizer, object, &leaf->tag, NULL);
}

static const struct gc_type node_type = GC_TYPE(struct node, .slots = NODE_SLOTS);
static const struct gc_type finalized_node_type =
        GC_TYPE(struct node, .slots = NODE_SLOTS, .finalize = finalize_node);
static const struct gc_type leaf_type = GC_TYPE(struct leaf, .slots = 0);
static const struct gc_type finalized_leaf_type =
        GC_TYPE(struct leaf, .finalize = finalize_leaf);
static const struct gc_type list_type = GC_ARRAY_TYPE("list", .flags = GC_TYPE_ARRAY);
static const struct gc_type tuple_type =
        GC_ARRAY_TYPE("tuple", .flags = GC_TYPE_ARRAY | GC_TYPE_IMMUTABLE);
static const struct gc_type string_type =
        GC_ARRAY_TYPE("string", .flags = GC_TYPE_ARRAY | GC_TYPE_LEAF);
/* What only an acyclic type can be: it holds a reference, and is not tracked. */
static const struct gc_type opaque_type =
        GC_TYPE(struct node, .slots = NODE_SLOTS, .flags = GC_TYPE_ACYCLIC);

const struct tag *machine_tag_of(struct gc_object *object)
{
    const struct gc_type *type = gc_object_info(object)->type;
    if (type == &node_type || type == &finalized_node_type || type == &opaque_type)
        return &((struct node *)(void *)object)->tag;
    if (type == &leaf_type || type == &finalized_leaf_type)
        return &((struct leaf *)(void *)object)->tag;
    return NULL;
}

/* --- objects ---------------------------------------------------------------------------- */

static void make_node(struct machine *machine, gc_slot *root, const struct gc_type *type,
        struct tag tag, const struct script *finalizer)
{
    struct gc_mutator *m = machine->m;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(m, at);
    gc_new(m, &at.node, type);
    at.node->tag = tag;
    at.node->finalizer = finalizer;
    at.node->finalized = false;
    gc_store_root(m, root, at.node);
    gc_leave(m, at);
}

static void do_node(
        struct machine *machine, struct place *place, const struct statement *s)
{
    const struct script *script = machine_script(machine, s, 2);
    const struct gc_type *type = script != NULL ? &finalized_node_type : &node_type;
    make_node(machine, root_at(machine, place, s, 1), type, tag_at(place, s, 1), script);
}

static void link_slot(struct machine *machine, struct gc_object *object, uint32_t i,
        struct gc_object *value)
{
    gc_protocol_store(machine->m, object, slot_of(object, i), value);
}

static void do_loop(
        struct machine *machine, struct place *place, const struct statement *s)
{
    do_node(machine, place, s);
    struct gc_object *object = *root_at(machine, place, s, 1);
    link_slot(machine, object, 0, object);
}

static void make_ring(struct machine *machine, const struct statement *s, bool both)
{
    const struct ref *ref = &machine_word(s, 1)->ref;
    gc_slot *roots = &machine->roots[ref->first_root];
    uint32_t n = ref->roots;
    if (machine_number(s, 2) != n) machine_bad(s, "a ring has one size in a case");
    for (uint32_t i = 0; i < n; i++) {
        const struct script *script = NULL;
        if (s->count > 3) script = machine_script(machine, s, 3 + i % (s->count - 3));
        make_node(machine, &roots[i], script != NULL ? &finalized_node_type : &node_type,
                (struct tag){ ref->name, i }, script);
    }
    for (uint32_t i = 0; i < n; i++) {
        link_slot(machine, roots[i], 0, roots[(i + 1) % n]);
        if (both) link_slot(machine, roots[i], 1, roots[(i + n - 1) % n]);
    }
}

static void do_ring(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place;
    make_ring(machine, s, false);
}

static void do_dring(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place;
    make_ring(machine, s, true);
}

static void do_leaf(
        struct machine *machine, struct place *place, const struct statement *s)
{
    struct gc_mutator *m = machine->m;
    const struct script *script = machine_script(machine, s, 2);
    struct {
        struct gc_frame frame;
        struct leaf *leaf;
    } at;
    gc_enter(m, at);
    gc_new(m, &at.leaf, script != NULL ? &finalized_leaf_type : &leaf_type);
    at.leaf->tag = tag_at(place, s, 1);
    at.leaf->finalizer = script;
    gc_store_root(m, root_at(machine, place, s, 1), at.leaf);
    gc_leave(m, at);
}

/* A new array with the slots all NULL. */
static void make_array(struct machine *machine, gc_slot *root, const struct gc_type *type,
        uint32_t slots, uint32_t bytes)
{
    struct gc_mutator *m = machine->m;
    struct {
        struct gc_frame frame;
        struct gc_array *array;
    } at;
    gc_enter(m, at);
    gc_new_array(m, &at.array, type, slots, bytes);
    gc_store_root(m, root, at.array);
    gc_leave(m, at);
}

static void do_string(
        struct machine *machine, struct place *place, const struct statement *s)
{
    make_array(machine, root_at(machine, place, s, 1), &string_type, 0, 12);
}

static void do_list(
        struct machine *machine, struct place *place, const struct statement *s)
{
    make_array(machine, root_at(machine, place, s, 1), &list_type,
            (uint32_t)machine_number(s, 2), 0);
}

static void do_tuple(
        struct machine *machine, struct place *place, const struct statement *s)
{
    gc_slot *root = root_at(machine, place, s, 1);
    make_array(machine, root, &tuple_type, s->count - 2, 0);
    for (uint32_t i = 2; i < s->count; i++)
        gc_protocol_store_new(machine->m, *root, slot_of(*root, i - 2),
                machine_peek_at(machine, place, s, i));
}

static void do_map(
        struct machine *machine, struct place *place, const struct statement *s)
{
    make_array(machine, root_at(machine, place, s, 1), &list_type, MAP_SLOTS, 0);
}

/* Keys are compared by identity; the pair of a new one comes behind the others. */
static void do_put(
        struct machine *machine, struct place *place, const struct statement *s)
{
    struct gc_object *map = machine_peek_at(machine, place, s, 1);
    struct gc_object *key = machine_peek_at(machine, place, s, 2);
    for (uint32_t i = 0; i < MAP_SLOTS; i += 2) {
        if (*slot_of(map, i) != NULL && *slot_of(map, i) != key) continue;
        link_slot(machine, map, i, key);
        link_slot(machine, map, i + 1, machine_peek_at(machine, place, s, 3));
        return;
    }
    machine_bad(s, "the map is full");
}

static void do_opaque(
        struct machine *machine, struct place *place, const struct statement *s)
{
    gc_slot *root = root_at(machine, place, s, 1);
    make_node(machine, root, &opaque_type, tag_at(place, s, 1), NULL);
    link_slot(machine, *root, 0, machine_peek_at(machine, place, s, 2));
}

static void do_immortal(
        struct machine *machine, struct place *place, const struct statement *s)
{
    gc_slot *root = root_at(machine, place, s, 1);
    make_node(machine, root, &node_type, tag_at(place, s, 1), NULL);
    gc_immortalize(machine->m, *root);
    machine->has_immortal = true;
}

/* --- weak references -------------------------------------------------------------------- */

static int on_weak(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    (void)m, (void)data;
    struct weak_note *note = machine_current->weaks;
    while (note->weak != weak)
        note = note->next;
    return machine_run_script(
            machine_current, note->script, &weak->header, &note->tag, NULL);
}

static void make_weak(struct machine *machine, struct place *place,
        const struct statement *s, const struct script *script, struct gc_object *via)
{
    struct gc_mutator *m = machine->m;
    struct {
        struct gc_frame frame;
        struct gc_weak *weak;
        struct node *target, *via;
    } at;
    gc_enter(m, at);
    gc_set(m, &at.target, (struct node *)(void *)machine_peek_at(machine, place, s, 2));
    gc_set(m, &at.via, (struct node *)(void *)via);
    if (!gc_new_weak(m, &at.weak, at.target, script != NULL ? on_weak : NULL, at.via))
        machine_bad(s, "no memory");
    struct weak_note *note = malloc(sizeof(*note));
    if (note == NULL) machine_bad(s, "no memory");
    *note = (struct weak_note){ at.weak, tag_at(place, s, 1), script, machine->weaks };
    machine->weaks = note;
    gc_store_root(m, root_at(machine, place, s, 1), at.weak);
    gc_leave(m, at);
}

static void do_weak(
        struct machine *machine, struct place *place, const struct statement *s)
{
    uint32_t i = 3;
    const struct script *script = NULL;
    struct gc_object *via = NULL;
    if (i < s->count && strcmp(s->words[i].text, "via") != 0)
        script = machine_script(machine, s, i++);
    if (i < s->count) via = machine_peek_at(machine, place, s, i + 1);
    make_weak(machine, place, s, script, via);
}

/* A registry of callbacks is one weak reference for each, which its handle holds. */
static void do_registry(
        struct machine *machine, struct place *place, const struct statement *s)
{
    make_weak(machine, place, s, machine_script(machine, s, 3), NULL);
}

static void do_call(
        struct machine *machine, struct place *place, const struct statement *s)
{
    gc_slot *root = root_at(machine, place, s, 1);
    struct gc_object *object = *root;
    struct weak_note *note = machine->weaks;
    while (note != NULL && &note->weak->header != object)
        note = note->next;
    /* Already called, or its object has died: then there is nothing to call. */
    if (object == NULL || gc_atomic_load_relaxed(&note->weak->target) == NULL) return;
    put_root(machine, root, NULL);
    machine_run_script(machine, note->script, NULL, &note->tag, NULL);
}

static void do_detach(
        struct machine *machine, struct place *place, const struct statement *s)
{
    put_root(machine, root_at(machine, place, s, 1), NULL);
}

/* --- handles and slots ------------------------------------------------------------------ */

static void do_handle(
        struct machine *machine, struct place *place, const struct statement *s)
{
    put_root(machine, root_at(machine, place, s, 1),
            machine_peek_at(machine, place, s, 2));
}

static void drop_one(struct machine *machine, struct place *place, const struct ref *ref)
{
    gc_slot *first = root_of(machine, place, ref);
    uint32_t n = 1;
    if (ref->base == REF_KEEP || ref->base == REF_GARBAGE) {
        uint32_t *used = ref->base == REF_KEEP ? &machine->kept : &machine->garbage;
        n = *used;
        *used = 0;
    } else if (ref->has_last) {
        n = ref->last - ref->index.value + 1;
    } else if (ref->is_array && !ref->has_index) {
        n = ref->roots;
    }
    for (uint32_t i = 0; i < n; i++)
        put_root(machine, &first[i], NULL);
}

static void do_drop(
        struct machine *machine, struct place *place, const struct statement *s)
{
    for (uint32_t i = 1; i < s->count; i++) {
        root_at(machine, place, s, i);
        drop_one(machine, place, &s->words[i].ref);
    }
}

static void do_keep(
        struct machine *machine, struct place *place, const struct statement *s)
{
    gc_require(machine->kept < CASE_KEEP, "KEEP is full");
    put_root(machine, &machine_kept(machine)[machine->kept++],
            machine_peek_at(machine, place, s, 1));
}

static void do_store(
        struct machine *machine, struct place *place, const struct statement *s)
{
    struct gc_object *holder;
    gc_slot *slot = place_of(machine, place, &machine_word(s, 1)->ref, &holder);
    if (slot == NULL) machine_bad(s, "there is no such slot");
    gc_protocol_store(machine->m, holder, slot, machine_peek_at(machine, place, s, 2));
}

static void do_clear(
        struct machine *machine, struct place *place, const struct statement *s)
{
    struct gc_object *object = machine_peek_at(machine, place, s, 1);
    for (uint32_t i = 0; i < NODE_SLOTS; i++)
        link_slot(machine, object, i, NULL);
}

static void do_null(
        struct machine *machine, struct place *place, const struct statement *s)
{
    put_root(machine, root_at(machine, place, s, 1), NULL);
}

static void do_array(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)machine, (void)place, (void)s; /* its roots were counted by the parser */
}

const struct verb machine_object_verbs[] = {
    { "array", do_array },
    { "call", do_call },
    { "clear", do_clear },
    { "detach", do_detach },
    { "dring", do_dring },
    { "drop", do_drop },
    { "handle", do_handle },
    { "immortal", do_immortal },
    { "keep", do_keep },
    { "leaf", do_leaf },
    { "list", do_list },
    { "loop", do_loop },
    { "map", do_map },
    { "node", do_node },
    { "null", do_null },
    { "number", do_leaf },
    { "opaque", do_opaque },
    { "put", do_put },
    { "registry", do_registry },
    { "ring", do_ring },
    { "store", do_store },
    { "string", do_string },
    { "tuple", do_tuple },
    { "weak", do_weak },
    { NULL, NULL },
};
