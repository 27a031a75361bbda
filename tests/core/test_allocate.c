/* SPDX-License-Identifier: MIT */
/* test_allocate.c - what an object is like when it is born, and when it can't be. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

/* Slots behind and between raw bytes, as no regular type has them. */
struct odd {
    struct gc_object header;
    int64_t key;
    struct odd *first;
    int64_t more;
    struct odd *second;
};

static void trace_odd(struct gc_object *object, gc_visit_fn visit, void *argument)
{
    struct odd *odd = (struct odd *)(void *)object;
    visit((gc_slot *)(void *)&odd->first, argument);
    visit((gc_slot *)(void *)&odd->second, argument);
}

static int ignore(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    return 0;
}

struct wide {
    struct gc_object header;
    struct node *slot[50]; /* near the end of the fast path */
};

struct wider {
    struct gc_object header;
    struct node *slot[500];
};

static const struct gc_type odd_type = GC_TYPE(struct odd, .trace = trace_odd);
static const struct gc_type odd_finalized_type =
        GC_TYPE(struct odd, .trace = trace_odd, .finalize = ignore);
static const struct gc_type wide_type = GC_TYPE(struct wide, .slots = 50);
static const struct gc_type wider_type = GC_TYPE(struct wider, .slots = 500);
static const struct gc_type acyclic_type =
        GC_TYPE(struct node, .slots = 2, .flags = GC_TYPE_ACYCLIC);

static void count_full(gc_slot *slot, void *argument)
{
    uint32_t *full = argument;
    *full += *slot != NULL;
}

/* Makes and drops many, so that cells are used again with what was in them. */
static uint32_t full_slots_at_birth(
        struct gc_mutator *m, const struct gc_type *type, uint32_t slots)
{
    uint32_t full = 0;
    for (int i = 0; i < 500; i++) {
        struct {
            struct gc_frame frame;
            struct gc_object *object;
        } at;
        gc_enter(m, at);
        gc_slot *local = (gc_slot *)(void *)&at.object;
        bool made = slots > 0 ? gc_new_array_object(m, local, type, slots, 16)
                              : gc_new_object(m, local, type);
        CU_ASSERT_TRUE_FATAL(made);
        gc_object_trace(at.object, count_full, &full);
        char *body = (char *)(at.object + 1);
        size_t fixed = (type->flags & GC_TYPE_ARRAY) != 0 ? 8 : 0;
        if (type->slots == 0) /* the raw bytes are ours */
            memset(body + fixed, 0,
                    gc_object_size(at.object) - sizeof(*at.object) - fixed);
        gc_leave(m, at);
        CU_ASSERT_PTR_NULL(at.object);
    }
    return full;
}

static void slots_are_null_at_birth(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct fixture f;
        if (((*c)->capabilities & GC_CAP_COUNTS) == 0) continue;
        if (!fixture_open(&f, (*c)->name, NULL, 0)) continue;
        CU_ASSERT_EQUAL(full_slots_at_birth(f.m, &node_type, 0), 0);
        CU_ASSERT_EQUAL(full_slots_at_birth(f.m, &wide_type, 0), 0);
        CU_ASSERT_EQUAL(full_slots_at_birth(f.m, &wider_type, 0), 0);
        CU_ASSERT_EQUAL(full_slots_at_birth(f.m, &acyclic_type, 0), 0);
        for (uint32_t slots = 1; slots < 20000; slots *= 4)
            CU_ASSERT_EQUAL(full_slots_at_birth(f.m, &array_type, slots), 0);
        fixture_close(&f);
    }
}

static void irregular_objects_are_born_empty(void)
{
    struct fixture f;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    CU_ASSERT_EQUAL(full_slots_at_birth(f.m, &odd_type, 0), 0);
    CU_ASSERT_EQUAL(full_slots_at_birth(f.m, &odd_finalized_type, 0), 0);
    fixture_close(&f);
}

static void irregular_cycles_are_found(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct odd *a, *b;
        struct node *tail;
    } at;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.a, &odd_type));
        CU_ASSERT_TRUE(gc_new(m, &at.b, &odd_type));
        gc_store(m, at.a, second, at.b);
        gc_store(m, at.b, first, at.a);
        CU_ASSERT_TRUE(make_chain(m, &at.tail, 3));
        gc_protocol_give(m, &at.b->header, (gc_slot *)(void *)&at.b->second,
                (gc_slot *)(void *)&at.tail);
    }
    gc_clear(m, &at.a);
    fixture_verify(&f);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 9 * 5);
    gc_clear(m, &at.b);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 5);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_leave(m, at);
    fixture_close(&f);
}

static void arrays_hold_slots_and_bytes_of_any_number(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *array;
    } at;
    static const uint32_t numbers[] = { 0, 1, 7, 8, 63, 500, 2000, 40000 };
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    gc_enter(f.m, at);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        for (size_t k = 0; k < COUNT(numbers); k++) {
            CU_ASSERT_TRUE_FATAL(
                    gc_new_array(f.m, &at.array, &array_type, numbers[i], numbers[k]));
            CU_ASSERT_EQUAL(at.array->slots, numbers[i]);
            CU_ASSERT_EQUAL(at.array->bytes, numbers[k]);
            memset(gc_array_bytes(at.array), 0xff, numbers[k]);
            CU_ASSERT_EQUAL((uintptr_t)at.array % GC_GRANULE, 0);
            uint32_t full = 0;
            gc_object_trace(&at.array->header, count_full, &full);
            CU_ASSERT_EQUAL(full, 0);
            const struct gc_block *block = gc_block_of(at.array);
            CU_ASSERT(block->cell_bytes >= gc_object_size(&at.array->header));
        }
    }
    gc_leave(f.m, at);
    fixture_verify(&f);
    fixture_close(&f);
}

static void only_what_can_be_in_a_cycle_has_the_prefix(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node, *acyclic;
        struct leaf *leaf;
        struct gc_array *bytes;
    } at;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.acyclic, &acyclic_type));
    CU_ASSERT_TRUE(gc_new(m, &at.leaf, &leaf_type));
    CU_ASSERT_TRUE(gc_new_array(m, &at.bytes, &bytes_type, 0, 10));
    CU_ASSERT_EQUAL(gc_block_of(at.node)->prefix, sizeof(struct gc_links));
    CU_ASSERT_EQUAL(gc_block_of(at.acyclic)->prefix, 0);
    CU_ASSERT_EQUAL(gc_block_of(at.leaf)->prefix, 0);
    CU_ASSERT_EQUAL(gc_block_of(at.bytes)->prefix, 0);
    CU_ASSERT_EQUAL(gc_list_length(&m->young), 1);
    CU_ASSERT_EQUAL(gc_generation_count(m, 0), 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(gc_list_length(&m->young), 0);
    CU_ASSERT_EQUAL(gc_generation_count(m, 0), 0);
    fixture_close(&f);
}

static void the_local_s_former_object_is_dropped_once(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node, *kept;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
    gc_set(m, &at.kept, at.node);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.kept->header), 2);
    CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type)); /* the fast path */
    CU_ASSERT_EQUAL(gc_refcount(m, &at.kept->header), 1);
    CU_ASSERT_TRUE(gc_new_slow(m, (gc_slot *)(void *)&at.node, &node_type, 0, 0));
    CU_ASSERT_EQUAL(fixture_live(&f), 2);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.node->header), 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void write_to_a_free_cell(void *argument)
{
    struct gc_mutator *m = argument;
    struct {
        struct gc_frame frame;
        struct node *node, *neighbour;
    } at;
    gc_enter(m, at);
    if (!gc_new(m, &at.neighbour, &node_type)) return; /* keeps the block */
    if (!gc_new(m, &at.node, &node_type)) return;
    struct node *stale = at.node;
    gc_clear(m, &at.node);
    *(volatile int64_t *)&stale->key = 1;
    gc_runs_flush(m);
    for (int i = 0; i < 1000; i++)
        if (!gc_new(m, &at.node, &node_type)) return;
}

static void a_write_to_a_free_cell_is_found_in_checked_builds(void)
{
    struct fixture f;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    /* ASan is faster: it ends the process at the write itself, in its own words. */
    if (GC_POISONS && !GC_ASAN)
        CU_ASSERT_TRUE(aborts_with(write_to_a_free_cell, f.m, "was written to"));
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void drop_what_is_dead(void *argument)
{
    struct gc_mutator *m = argument;
    gc_slot local = NULL;
    if (!gc_new_slow(m, &local, &leaf_type, 0, 0)) return;
    struct gc_object *object = local;
    gc_eager_drop(m, object);
    gc_eager_drop(m, object);
}

static void a_reference_to_a_dead_object_is_found_in_checked_builds(void)
{
    struct fixture f;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    if (GC_ASSERTS >= 1)
        CU_ASSERT_TRUE(aborts_with(drop_what_is_dead, f.m, "a dead object is dropped"));
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void exhaust_without_a_hook(void *argument)
{
    struct gc_heap_config config = { .collector = argument, .limit_bytes = 1 << 16 };
    struct gc_heap *heap;
    struct gc_mutator *m;
    if (gc_heap_create(&config, &heap, NULL) != 0 || gc_attach(heap, &m) != 0) return;
    gc_slot local = NULL;
    gc_new_slow(m, &local, &array_type, 1 << 20, 0);
}

static void without_a_hook_running_out_of_memory_ends_the_process(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++)
        CU_ASSERT_TRUE(aborts_with(
                exhaust_without_a_hook, (void *)(uintptr_t)*c, "out of memory"));
}

static void raise_the_limit(struct gc_mutator *m, size_t bytes, void *argument)
{
    *(size_t *)argument += 1;
    gc_heap_set_limit(m->heap, gc_atomic_load_relaxed(&m->heap->bytes) + 2 * bytes);
}

/* What is asked for is refused; then there is room for it, and for no more. */
static void who_is_told_that_the_heap_is_full_may_raise_its_limit(void)
{
    size_t told = 0;
    struct gc_heap_config config = {
        .collector = gc_collector_find("none"),
        .limit_bytes = 1,
        .on_exhausted = raise_the_limit,
        .hook_argument = &told,
    };
    struct gc_heap *heap;
    struct gc_mutator *m;
    CU_ASSERT_EQUAL_FATAL(gc_heap_create(&config, &heap, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(gc_attach(heap, &m), 0);
    const uint32_t bytes = 8 << 20; /* a mapping of its own */
    gc_slot first = NULL, second = NULL;
    CU_ASSERT_FALSE(gc_new_slow(m, &first, &array_type, 0, bytes));
    CU_ASSERT_EQUAL(told, 1);
    CU_ASSERT_TRUE(gc_new_slow(m, &first, &array_type, 0, bytes));
    CU_ASSERT_EQUAL(told, 1);
    gc_heap_set_limit(heap, gc_atomic_load_relaxed(&heap->bytes) + bytes / 2);
    CU_ASSERT_FALSE(gc_new_slow(m, &second, &array_type, 0, bytes));
    CU_ASSERT_EQUAL(told, 2);
    gc_detach(m);
    gc_heap_destroy(heap);
}

int test_allocate_suite(void)
{
    static const struct test tests[] = {
        { "slots_are_null_at_birth", slots_are_null_at_birth },
        { "irregular_objects_are_born_empty", irregular_objects_are_born_empty },
        { "irregular_cycles_are_found", irregular_cycles_are_found },
        { "arrays_hold_slots_and_bytes_of_any_number",
                arrays_hold_slots_and_bytes_of_any_number },
        { "only_what_can_be_in_a_cycle_has_the_prefix",
                only_what_can_be_in_a_cycle_has_the_prefix },
        { "the_local_s_former_object_is_dropped_once",
                the_local_s_former_object_is_dropped_once },
        { "a_write_to_a_free_cell_is_found_in_checked_builds",
                a_write_to_a_free_cell_is_found_in_checked_builds },
        { "a_reference_to_a_dead_object_is_found_in_checked_builds",
                a_reference_to_a_dead_object_is_found_in_checked_builds },
        { "who_is_told_that_the_heap_is_full_may_raise_its_limit",
                who_is_told_that_the_heap_is_full_may_raise_its_limit },
        { "without_a_hook_running_out_of_memory_ends_the_process",
                without_a_hook_running_out_of_memory_ends_the_process },
    };
    return suite_add("core/allocate", tests, COUNT(tests));
}
