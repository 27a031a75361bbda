/* SPDX-License-Identifier: MIT */
/* test_type.c - types: what is sound, what is a container, who gets an id. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include <errno.h>

#include "tests/suites.h"
#include "tests/support.h"

static void no_slots(struct gc_object *object, gc_visit_fn visit, void *argument)
{
    (void)object, (void)visit, (void)argument;
}

static const struct gc_type a_type = GC_TYPE(struct node, .slots = 2);
static const struct gc_type b_type = GC_TYPE(struct node, .slots = 2);
static const struct gc_type acyclic_type =
        GC_TYPE(struct node, .slots = 2, .flags = GC_TYPE_ACYCLIC);
static const struct gc_type irregular_type = GC_TYPE(struct node, .trace = no_slots);

static int register_type(struct gc_type type)
{
    struct gc_type_cell cell = { 0 };
    if (type.cell != NULL) type.cell = &cell;
    return gc_type_register(&type);
}

static void refuses_descriptors_that_contradict_themselves(void)
{
    static struct gc_type_cell cell;
    const struct gc_type sound = { .name = "t", .size = 32, .slots = 2, .cell = &cell };
    struct gc_type type = sound;
    type.name = NULL;
    CU_ASSERT_EQUAL(register_type(type), -EINVAL);
    type = sound;
    type.cell = NULL;
    CU_ASSERT_EQUAL(register_type(type), -EINVAL);
    type = sound;
    type.size = 31; /* two slots don't fit */
    CU_ASSERT_EQUAL(register_type(type), -EINVAL);
    type = sound;
    type.trace = no_slots; /* and fixed slots */
    CU_ASSERT_EQUAL(register_type(type), -EINVAL);
    type = sound;
    type.flags = GC_TYPE_ARRAY; /* and fixed slots */
    CU_ASSERT_EQUAL(register_type(type), -EINVAL);
    type.slots = 0;
    type.size = sizeof(struct gc_array) - 1;
    CU_ASSERT_EQUAL(register_type(type), -EINVAL);
    type = sound;
    type.flags = GC_TYPE_LEAF; /* not an array */
    CU_ASSERT_EQUAL(register_type(type), -EINVAL);
}

static void gives_each_type_one_id(void)
{
    CU_ASSERT_EQUAL(gc_type_id(&a_type), 0);
    CU_ASSERT_EQUAL(gc_type_register(&a_type), 0);
    CU_ASSERT_EQUAL(gc_type_register(&b_type), 0);
    uint32_t id = gc_type_id(&a_type);
    CU_ASSERT_NOT_EQUAL(id, 0);
    CU_ASSERT_NOT_EQUAL(id, gc_type_id(&b_type));
    CU_ASSERT_EQUAL(gc_type_register(&a_type), 0);
    CU_ASSERT_EQUAL(gc_type_id(&a_type), id);
    CU_ASSERT_PTR_EQUAL(gc_type_table[id].type, &a_type);
    CU_ASSERT_EQUAL(gc_type_table[id].slots, 2);
    CU_ASSERT_TRUE(gc_type_table[id].cyclic);
    CU_ASSERT_FALSE(gc_type_table[id].irregular);
}

static void knows_containers_from_leaves(void)
{
    CU_ASSERT_TRUE(gc_type_is_container(&node_type));
    CU_ASSERT_TRUE(gc_type_is_cyclic(&node_type));
    CU_ASSERT_FALSE(gc_type_is_container(&leaf_type));
    CU_ASSERT_FALSE(gc_type_is_cyclic(&leaf_type));
    CU_ASSERT_TRUE(gc_type_is_container(&array_type));
    CU_ASSERT_FALSE(gc_type_is_container(&bytes_type));
    CU_ASSERT_TRUE(gc_type_is_container(&acyclic_type));
    CU_ASSERT_FALSE(gc_type_is_cyclic(&acyclic_type));
    CU_ASSERT_TRUE(gc_type_is_cyclic(&irregular_type));
}

static void knows_how_large_objects_are(void)
{
    CU_ASSERT_EQUAL(gc_type_size(&node_type, 0, 0), sizeof(struct node));
    CU_ASSERT_EQUAL(gc_type_size(&array_type, 3, 5), sizeof(struct gc_array) + 24 + 5);
    CU_ASSERT_EQUAL(gc_type_size(&array_type, UINT32_MAX, UINT32_MAX),
            sizeof(struct gc_array) + 9 * (size_t)UINT32_MAX);
}

enum { RACERS = 8, RACED_TYPES = 50 };

static struct gc_type_cell raced_cells[RACED_TYPES];
static struct gc_type raced[RACED_TYPES];

static void race(struct worker *worker)
{
    for (uint32_t i = 0; i < RACED_TYPES; i++) {
        worker_expect(worker, gc_type_register(&raced[i]) == 0);
        uint32_t id = gc_type_id(&raced[i]);
        worker_expect(worker, id != 0 && gc_type_table[id].type == &raced[i]);
        worker->result += id;
    }
}

static void racing_threads_agree_on_the_ids(void)
{
    struct fixture f;
    struct worker workers[RACERS];
    for (uint32_t i = 0; i < RACED_TYPES; i++) {
        raced[i] = (struct gc_type){ .name = "raced", .size = 24 + 8 * i, .slots = 1 };
        raced[i].cell = &raced_cells[i];
    }
    if (!fixture_open(&f, "none", NULL, 0)) return;
    workers_run(f.m, workers, RACERS, race, NULL, NULL);
    for (uint32_t i = 1; i < RACERS; i++)
        CU_ASSERT_EQUAL(workers[i].result, workers[0].result);
    fixture_close(&f);
}

int test_type_suite(void)
{
    static const struct test tests[] = {
        { "refuses_descriptors_that_contradict_themselves",
                refuses_descriptors_that_contradict_themselves },
        { "gives_each_type_one_id", gives_each_type_one_id },
        { "knows_containers_from_leaves", knows_containers_from_leaves },
        { "knows_how_large_objects_are", knows_how_large_objects_are },
        { "racing_threads_agree_on_the_ids", racing_threads_agree_on_the_ids },
    };
    return suite_add("core/type", tests, COUNT(tests));
}
