/* SPDX-License-Identifier: MIT */
/* test_generational_owners.c - passes=owners: parked mutators go through their own objects.
 * Compiled once per protocol under which mutators run in parallel. */
#include <stdio.h>
#include <string.h>

#include "collectors/generational/generational.h"
#include "tests/gate.h"
#include "tests/suites.h"
#include "tests/support.h"

/* SUITE, SUITE_NAME and the protocol's header are given by the build. */
int SUITE(void);

#define QUOTE_(text) #text
#define QUOTE(text)  QUOTE_(text)
#define COLLECTOR    "generational@" QUOTE(GC_PROTOCOL_NAME)

enum {
    WORKERS = 4,
    EACH = 150,
    ALL = WORKERS * EACH,
    BIG = 70000,
    ALONE = 4000,
    ARRAYS = 120,
    SMALL = 1000
};

/* What stays of a worker's thread while the main thread collects. */
enum fate { EXITS, BLOCKS, POLLS };

struct world {
    struct fixture f;
    struct worker workers[WORKERS];
    struct gate built, left; /* left is opened when all is over */
    _Atomic(uint32_t) ended; /* relaxed: it orders nothing */
    struct gc_root_range range;
    gc_slot *roots;
    uint32_t count;
    void (*build)(struct worker *worker);
    bool finalized; /* the nodes have finalizers */
    uint64_t order; /* of the keys that finalizers have seen */
};

static struct world world;

static int write_key(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    const struct node *node = (const struct node *)(const void *)object;
    world.order = world.order * 31 + (uint64_t)node->key;
    return 0;
}
static const struct gc_type finalized_type =
        GC_TYPE(struct node, .slots = 2, .finalize = write_key);

static struct node *node_at(uint32_t i)
{
    return (struct node *)(void *)world.roots[i];
}

static void make(struct worker *worker, uint32_t i, const struct gc_type *type)
{
    worker_expect(worker, gc_new_slow(worker->m, &world.roots[i], type, 0, 0));
}

static void work(struct worker *worker)
{
    const enum fate fate = worker->number == 0   ? EXITS
                           : worker->number == 1 ? BLOCKS
                                                 : POLLS;
    world.build(worker);
    if (fate == EXITS) return;
    gate_pass(&world.built, worker->m);
    if (fate == BLOCKS) gate_pass(&world.left, worker->m);
    while (gc_atomic_load_relaxed(&world.ended) == 0)
        gc_safepoint(worker->m);
}

/* The workers have built what is in the roots, and are where their fates want them. */
static bool world_open(const char *options, void (*build)(struct worker *worker),
        uint32_t count, uint32_t workers, uint64_t seed)
{
    memset(&world.ended, 0, sizeof(world.ended));
    world.order = 0;
    world.build = build;
    world.count = count;
    if (!fixture_open(&world.f, COLLECTOR, options, 0)) return false;
    world.roots = gc_os_alloc(count * sizeof(*world.roots));
    CU_ASSERT_PTR_NOT_NULL_FATAL(world.roots);
    gc_roots_add(world.f.heap, &world.range, world.roots, count);
    gate_init(&world.built);
    gate_init(&world.left);
    if (GC_CHECK >= 1) CU_ASSERT_TRUE(gc_schedule_begin_random(seed, 3));
    workers_start(world.f.m, world.workers, workers, work, NULL, NULL);
    gate_await(&world.built, world.f.m, workers - 1);
    workers_join(world.f.m, world.workers, 1);
    return true;
}

/* From here on those who poll may be parked. */
static void world_go(void)
{
    gate_open(&world.built);
    gate_await(&world.left, world.f.m, 1);
}

/* Returns how many parts of stops were done by parked mutators. */
static uint64_t world_close(uint32_t workers)
{
    uint64_t helped = 0;
    gc_atomic_store_relaxed(&world.ended, 1);
    gate_open(&world.left);
    workers_join(world.f.m, world.workers + 1, workers - 1);
    if (GC_CHECK >= 1) gc_schedule_end();
    gc_for_each_mutator (m, world.f.heap)
        helped += m->counters.helped;
    gate_finish(&world.built);
    gate_finish(&world.left);
    gc_roots_remove(world.f.heap, &world.range);
    gc_os_free(world.roots);
    fixture_close(&world.f);
    return helped;
}

static void drop_root(uint32_t i)
{
    gc_store_root_null(world.f.m, &world.roots[i]);
}

/* --- the same as one thread does ----------------------------------------------------------- */

static bool is_leaf(uint32_t i)
{
    return i % 5 == 4;
}

static void build_some(struct worker *worker)
{
    for (uint32_t i = worker->number * EACH; i < (worker->number + 1) * EACH; i++) {
        make(worker, i,
                is_leaf(i)        ? &leaf_type
                : world.finalized ? &finalized_type
                                  : &node_type);
        if (!is_leaf(i)) node_at(i)->key = i;
    }
}

/* One of the same cluster, which has objects of all homes. `upwards`: of no earlier home. */
static struct node *draw_partner(struct random *random, uint32_t i, bool upwards)
{
    enum { CLUSTERS = 50 };
    uint32_t partner;
    do {
        partner = i % CLUSTERS + CLUSTERS * random_below(random, ALL / CLUSTERS);
    } while (upwards && partner / EACH < i / EACH);
    return node_at(partner);
}

/* Links objects of all homes at random, and lets go of most. */
static void link_some(struct random *random, bool upwards)
{
    for (uint32_t i = 0; i < ALL; i++) {
        if (is_leaf(i)) continue;
        gc_store(world.f.m, node_at(i), left, draw_partner(random, i, upwards));
        gc_store(world.f.m, node_at(i), right, draw_partner(random, i, upwards));
    }
    for (uint32_t i = 0; i < ALL; i++)
        if (random_below(random, 20) != 0) drop_root(i);
}

/* What has been sent to other homes, and merged there, is dropped. */
static void settle(void)
{
    for (int i = 0; i < 2; i++) {
        gc_stop_begin(world.f.m);
        gc_stop_end(world.f.m, 0);
        gc_safepoint(world.f.m);
    }
}

struct outcome {
    uint64_t found, helped;
    uint64_t order; /* of finalizers in the first collection */
};

static struct outcome collect_some(uint64_t seed, const char *detect, const char *passes)
{
    char options[128];
    struct random random = { seed };
    struct outcome outcome = { 0, 0, 0 };
    snprintf(
            options, sizeof(options), "threshold0=0:detect=%s:passes=%s", detect, passes);
    if (!world_open(options, build_some, ALL, WORKERS, seed)) return outcome;
    struct gc_mutator *m = world.f.m;
    /* Of every second seed the last home sends nothing and is sent much; and a collection
     * comes before in which nobody sends anything, so that this home would not wait for the
     * others if it took what they found out then for news. */
    const int first = (int)(seed % 2);
    if (first > 0) CU_ASSERT_EQUAL(gc_collect(m, 0), 0);
    link_some(&random, first > 0);
    world_go();
    for (int g = first; g < 3; g++) { /* all are young at first, and grow old */
        settle();
        uint64_t live = fixture_live(&world.f);
        int64_t found = gc_collect(m, g);
        CU_ASSERT(g == first ? found > 0 : found == 0);
        CU_ASSERT(fixture_live(&world.f) <= live - (uint64_t)found); /* and leaves */
        outcome.found = outcome.found * 31 + (uint64_t)found;
        fixture_verify(&world.f);
        if (g == first) outcome.order = world.order;
    }
    for (uint32_t i = 0; i < ALL; i++)
        drop_root(i);
    settle();
    outcome.found = outcome.found * 31 + (uint64_t)gc_collect(m, 2);
    settle();
    CU_ASSERT_EQUAL(fixture_live(&world.f), 0);
    outcome.helped = world_close(WORKERS);
    return outcome;
}

static void compare(bool finalized)
{
    static const char *const ways[] = { "move", "keep", "walk" };
    uint64_t helped = 0;
    world.finalized = finalized;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        uint64_t found = 0;
        for (size_t i = 0; i < COUNT(ways); i++) {
            struct outcome serial = collect_some(seed, ways[i], "serial");
            struct outcome owners = collect_some(seed, ways[i], "owners");
            if (i == 0) found = serial.found;
            CU_ASSERT_EQUAL(serial.found, found);
            CU_ASSERT_EQUAL(owners.found, found);
            /* by address, owners go home by home, and one thread does not; from the second
             * on, `move` has brought survivors back in another order */
            if (i < 2) CU_ASSERT_EQUAL(owners.order, serial.order);
            CU_ASSERT_EQUAL(serial.helped, 0);
            helped += owners.helped;
        }
    }
    if (GC_CHECK >= 1) CU_ASSERT(helped > 0);
}

static void owners_free_the_same_as_one_thread(void)
{
    compare(false);
}

static void owners_finalize_in_the_same_order_as_one_thread(void)
{
    compare(true);
}

/* --- more references to other homes than a box can hold ---------------------------------- */

static void build_many(struct worker *worker)
{
    uint32_t first = worker->number == 1 ? 0 : ARRAYS;
    uint32_t end = worker->number == 1   ? ARRAYS
                   : worker->number == 2 ? ARRAYS + SMALL
                                         : 0;
    for (uint32_t i = first; i < end; i++) {
        if (i >= ARRAYS)
            make(worker, i, &node_type);
        else
            worker_expect(worker, gc_new_slow(worker->m, &world.roots[i], &array_type,
                                          i == 0 ? BIG : SMALL, 0));
    }
}

static void fill_arrays(struct gc_mutator *m)
{
    struct random random = { 3 };
    for (uint32_t i = 0; i < ARRAYS; i++) {
        struct gc_array *array = (struct gc_array *)(void *)world.roots[i];
        for (uint32_t k = 0; k < array->slots; k++)
            gc_store(m, array, slot[k], node_at(ARRAYS + random_below(&random, SMALL)));
    }
    for (uint32_t i = 0; i < SMALL; i++) {
        struct node *node = node_at(ARRAYS + i);
        gc_store(m, node, left, (struct node *)(void *)world.roots[i % ARRAYS]);
        gc_store(m, node, right, node);
    }
}

static void many_references_to(const char *detect)
{
    char options[128];
    snprintf(options, sizeof(options), "threshold0=0:detect=%s:passes=owners", detect);
    if (!world_open(options, build_many, ARRAYS + SMALL, 3, 5)) return;
    struct gc_mutator *m = world.f.m;
    fill_arrays(m);
    world_go();
    for (uint32_t i = 0; i < ARRAYS + SMALL; i++)
        if (i != ARRAYS + 7) drop_root(i); /* one node holds them all */
    settle();
    CU_ASSERT_EQUAL(gc_collect(m, 0), 0);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    CU_ASSERT_EQUAL(fixture_live(&world.f), ARRAYS + SMALL);
    fixture_verify(&world.f);
    drop_root(ARRAYS + 7);
    settle();
    CU_ASSERT_EQUAL(gc_collect(m, 2), ARRAYS + SMALL);
    CU_ASSERT_EQUAL(fixture_live(&world.f), 0);
    world_close(3);
}

static void references_that_fill_the_boxes_are_all_met(void)
{
    many_references_to("move");
    many_references_to("keep");
    many_references_to("walk");
}

/* Arrays, each the last that the one above it names, beside nodes: all of these nodes are on the
 * stack at once, and there is no room for those of the lowest. Born from below, so that all
 * are passed over before the uppermost shows that they live. */
enum {
    LEVELS = 18,
    WIDE = 4000, /* nodes of a level */
    CHILDREN = LEVELS * WIDE,
    LEVEL = CHILDREN +
            WIDE, /* the lowest array; in front of it a child for each of its nodes */
    DEEP = LEVEL + LEVELS
};

static void build_levels(struct worker *worker, uint32_t bytes)
{
    for (uint32_t i = LEVEL; i < DEEP; i++)
        worker_expect(worker,
                gc_new_slow(worker->m, &world.roots[i], &array_type, WIDE + 1, bytes));
}

static void build_deep(struct worker *worker)
{
    if (worker->number != 1) return;
    for (uint32_t i = 0; i < LEVEL; i++)
        make(worker, i, &node_type);
    build_levels(worker, 0);
}

/* By address the region that is made last is gone through first: there the nodes are. */
static void build_deep_by_address(struct worker *worker)
{
    if (worker->number != 1) return;
    build_levels(worker, GC_REGION_BYTES / LEVELS - (WIDE + 1) * sizeof(gc_slot));
    for (uint32_t i = 0; i < LEVEL; i++)
        make(worker, i, &node_type);
}

static void fill_levels(struct gc_mutator *m)
{
    for (uint32_t i = 0; i < WIDE; i++)
        gc_store(m, node_at(i), left, node_at(CHILDREN + i));
    for (uint32_t level = 0; level < LEVELS; level++) {
        struct gc_array *array = (struct gc_array *)(void *)world.roots[LEVEL + level];
        for (uint32_t i = 0; i < WIDE; i++)
            gc_store(m, array, slot[i], node_at(level * WIDE + i));
        if (level > 0) gc_store(m, array, slot[WIDE], node_at(LEVEL + level - 1));
    }
}

static void deep_objects_with(const char *detect, void (*build)(struct worker *worker))
{
    char options[128];
    snprintf(options, sizeof(options), "threshold0=0:detect=%s:passes=owners", detect);
    if (!world_open(options, build, DEEP, 2, 6)) return;
    struct gc_mutator *m = world.f.m;
    fill_levels(m);
    world_go();
    for (uint32_t i = 0; i < DEEP - 1; i++)
        drop_root(i);
    settle();
    CU_ASSERT_EQUAL(gc_collect(m, 0), 0);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    CU_ASSERT_EQUAL(fixture_live(&world.f), DEEP);
    fixture_verify(&world.f);
    drop_root(DEEP - 1);
    settle();
    gc_collect(m, 2);
    CU_ASSERT_EQUAL(fixture_live(&world.f), 0);
    world_close(2);
}

static void what_the_stack_has_no_room_for_is_met(void)
{
    deep_objects_with("move", build_deep);
    deep_objects_with("keep", build_deep);
    deep_objects_with("walk", build_deep_by_address);
}

/* Garbage that holds more leaves of another home than a box: none is forgotten. */
static void hold_leaves(struct worker *worker)
{
    if (worker->number == 1)
        worker_expect(worker,
                gc_new_slow(worker->m, &world.roots[BIG], &array_type, BIG + 1, 0));
    for (uint32_t i = 0; i < BIG && worker->number == 2; i++)
        make(worker, i, &leaf_type);
}

static void what_leaves_the_trash_is_dropped_however_much_it_is(void)
{
    if (!world_open("threshold0=0:detect=keep:passes=owners", hold_leaves, BIG + 1, 3, 9))
        return;
    struct gc_mutator *m = world.f.m;
    struct gc_array *array = (struct gc_array *)(void *)world.roots[BIG];
    for (uint32_t i = 0; i < BIG; i++)
        gc_store(m, array, slot[i], (struct leaf *)(void *)world.roots[i]);
    gc_store(m, array, slot[BIG], array);
    world_go();
    for (uint32_t i = 0; i <= BIG; i++)
        drop_root(i);
    settle();
    CU_ASSERT_EQUAL(fixture_live(&world.f), BIG + 1);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 1);
    settle();
    CU_ASSERT_EQUAL(fixture_live(&world.f), 0);
    world_close(3);
}

/* --- one home has it all, and its blocks are lent to the others --------------------------- */

static void build_alone(struct worker *worker)
{
    for (uint32_t i = 0; i < ALONE && worker->number == 2; i++) {
        make(worker, i, &node_type);
        struct node *node = node_at(i);
        gc_store(worker->m, node, left, node);
        if (i >= 2)
            gc_store(worker->m, node, right, node_at(i % 2)); /* into other blocks */
    }
}

/* How many workers have gone through blocks of the home that has the most. */
static uint32_t workers_of_blocks(void)
{
    struct gc_block_cursor cursor = { NULL, 0 };
    uint32_t workers = 0;
    uint16_t last = 0;
    gc_stop_begin(world.f.m);
    for (struct gc_block *block;
            (block = gc_next_block_stw(world.f.heap, &cursor)) != NULL;) {
        if (block->prefix == 0 || block->kept == last) continue;
        last = block->kept;
        workers++;
    }
    gc_stop_end(world.f.m, 0);
    return workers;
}

static void who_has_less_to_do_is_lent_blocks(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        if (!world_open("threshold0=0:detect=walk:passes=owners", build_alone, ALONE,
                    WORKERS, seed))
            return;
        struct gc_mutator *m = world.f.m;
        world_go();
        CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
        CU_ASSERT_EQUAL(gc_collect(m, 2), 0); /* by address alone */
        if (GC_CHECK >= 1) CU_ASSERT(workers_of_blocks() > 1);
        fixture_verify(&world.f);
        for (uint32_t i = 0; i < ALONE; i++)
            if (i % 3 != 0) drop_root(i);
        settle();
        uint32_t kept = 1 + ALONE / 3; /* those, and number 1, which they refer to */
        CU_ASSERT_EQUAL(gc_collect(m, 2), ALONE - kept - 1);
        fixture_verify(&world.f);
        CU_ASSERT_EQUAL(fixture_live(&world.f), kept + 1);
        for (uint32_t i = 0; i < ALONE; i++)
            drop_root(i);
        settle();
        CU_ASSERT_EQUAL(gc_collect(m, 2), kept + 1);
        settle();
        CU_ASSERT_EQUAL(fixture_live(&world.f), 0);
        CU_ASSERT(world_close(WORKERS) > 0 || GC_CHECK == 0);
    }
}

int SUITE(void)
{
    static const struct test tests[] = {
        { "owners_free_the_same_as_one_thread", owners_free_the_same_as_one_thread },
        { "owners_finalize_in_the_same_order_as_one_thread",
                owners_finalize_in_the_same_order_as_one_thread },
        { "references_that_fill_the_boxes_are_all_met",
                references_that_fill_the_boxes_are_all_met },
        { "what_the_stack_has_no_room_for_is_met",
                what_the_stack_has_no_room_for_is_met },
        { "what_leaves_the_trash_is_dropped_however_much_it_is",
                what_leaves_the_trash_is_dropped_however_much_it_is },
        { "who_has_less_to_do_is_lent_blocks", who_has_less_to_do_is_lent_blocks },
    };
    return suite_add(SUITE_NAME, tests, COUNT(tests));
}
