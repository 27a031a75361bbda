/* SPDX-License-Identifier: MIT */
/* test_protocol_plain.c - counts are exact after every operation; the lock goes round. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include "tests/suites.h"
#include "tests/support.h"

static uint64_t count(struct gc_mutator *m, struct node *node)
{
    return gc_refcount(m, &node->header);
}

static void every_operation_counts_exactly(void)
{
    struct fixture f;
    gc_slot root = NULL;
    struct gc_root_range range;
    struct {
        struct gc_frame frame;
        struct node *a, *b, *x, *y;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_roots_add(f.heap, &range, &root, 1);
    gc_enter(m, at);
    CU_ASSERT_PTR_NULL(at.a);
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    CU_ASSERT_EQUAL(count(m, at.a), 1);
    gc_store_new(m, at.a, left, at.b);
    CU_ASSERT_EQUAL(count(m, at.b), 2);
    gc_load(m, &at.x, at.a, left);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_load(m, &at.x, at.a, left); /* over itself */
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_load_shared(m, &at.y, at.a, left);
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    gc_set(m, &at.y, at.a);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    CU_ASSERT_EQUAL(count(m, at.a), 2);
    gc_set(m, &at.y, at.y);
    CU_ASSERT_EQUAL(count(m, at.a), 2);
    gc_clear(m, &at.y);
    CU_ASSERT_EQUAL(count(m, at.a), 1);
    gc_move(m, &at.y, &at.x);
    CU_ASSERT_PTR_NULL(at.x);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_store(m, at.a, left, at.b); /* over itself */
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_store_shared(m, at.a, right, at.b);
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    gc_store_null(m, at.a, right);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_give(m, at.a, right, &at.y);
    CU_ASSERT_PTR_NULL(at.y);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_exchange(m, at.a, right, &at.x);
    CU_ASSERT_PTR_EQUAL(at.x, at.b);
    CU_ASSERT_PTR_NULL(at.a->right);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_store_root(m, &root, at.b);
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    gc_load_root(m, &at.y, &root);
    CU_ASSERT_EQUAL(count(m, at.b), 5);
    gc_store_root_null(m, &root);
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    fixture_verify(&f);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void compare_exchange_stores_only_over_what_is_expected(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *holder, *a, *b;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.holder, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    gc_store(m, at.holder, left, at.a);
    CU_ASSERT_FALSE(gc_compare_exchange(m, at.holder, left, at.b, at.holder));
    CU_ASSERT_EQUAL(count(m, at.a), 2);
    CU_ASSERT_EQUAL(count(m, at.holder), 1);
    CU_ASSERT_TRUE(gc_compare_exchange(m, at.holder, left, at.a, at.b));
    CU_ASSERT_EQUAL(count(m, at.a), 1);
    CU_ASSERT_EQUAL(count(m, at.b), 2);
    CU_ASSERT_TRUE(gc_compare_exchange(m, at.holder, left, at.b, (struct node *)NULL));
    CU_ASSERT_EQUAL(count(m, at.b), 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void copied_slots_are_counted(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *from, *to;
        struct node *a, *b;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.from, &array_type, 5, 0));
    CU_ASSERT_TRUE(gc_new_array(m, &at.to, &array_type, 4, 0));
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    gc_store(m, at.from, slot[1], at.a);
    gc_store(m, at.from, slot[3], at.a);
    gc_store(m, at.to, slot[1], at.b);
    gc_copy_slots(m, at.to, slot[0], at.from, slot[1], 3);
    CU_ASSERT_PTR_EQUAL(at.to->slot[0], at.a);
    CU_ASSERT_PTR_NULL(at.to->slot[1]);
    CU_ASSERT_PTR_EQUAL(at.to->slot[2], at.a);
    CU_ASSERT_EQUAL(count(m, at.a), 5);
    CU_ASSERT_EQUAL(count(m, at.b), 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

enum { LONG = 1000000 };

struct deep {
    struct gc_heap *heap;
    bool ring;
    uint64_t left; /* objects, in the end */
};

static void die_deep(void *argument)
{
    struct deep *deep = argument;
    struct gc_mutator *m;
    struct {
        struct gc_frame frame;
        struct node *head;
    } at;
    if (gc_attach(deep->heap, &m) != 0) return;
    gc_enter(m, at);
    if (deep->ring)
        deep->left = !make_ring(m, &at.head, LONG);
    else
        deep->left = !make_chain(m, &at.head, LONG);
    gc_clear(m, &at.head);
    gc_leave(m, at);
    gc_quiesce(m);
    struct gc_heap_stats stats;
    gc_heap_read_stats(deep->heap, &stats);
    deep->left += stats.live_objects;
    gc_detach(m);
}

static void a_million_objects_die_on_a_small_stack(void)
{
    static const struct {
        const char *collector, *options;
        bool ring;
    } cases[] = {
        { "refcount", NULL, false },
        { "generational", NULL, false },
        { "generational", NULL, true },
        { "generational", "detect=keep", true },
        { "generational", "detect=walk", true },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fixture f;
        if (!fixture_open(&f, cases[i].collector, cases[i].options, 0)) continue;
        struct deep deep = { .heap = f.heap, .ring = cases[i].ring, .left = 1 };
        gc_blocked_begin(f.m);
        run_on_small_stack((size_t)256 << 10, die_deep, &deep);
        gc_blocked_end(f.m);
        CU_ASSERT_EQUAL(deep.left, 0);
        CU_ASSERT(fixture_allocated(&f) == LONG);
        fixture_close(&f);
    }
}

enum { SWITCHERS = 3 };

static void be_busy(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    _Atomic(uint32_t) *waiting = worker->shared;
    /* Runs on until every one has been given the lock often, though nobody blocks. */
    uint64_t before = m->counters.lock_switches;
    bool counted = false;
    while (gc_atomic_load_relaxed(waiting) < SWITCHERS) {
        if (!counted && m->counters.lock_switches >= before + 3) {
            gc_atomic_fetch_add_relaxed(waiting, 1);
            counted = true;
        }
        gc_safepoint(m);
    }
    worker->result = m->counters.lock_switches - before;
}

static void the_lock_switches_between_busy_threads(void)
{
    struct fixture f;
    struct worker workers[SWITCHERS];
    _Atomic(uint32_t) waiting = 0;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    workers_run(f.m, workers, SWITCHERS, be_busy, &waiting, NULL);
    for (int i = 0; i < SWITCHERS; i++)
        CU_ASSERT(workers[i].result >= 3);
    uint64_t waits = 0;
    gc_for_each_mutator (m, f.heap)
        waits += m->stalls->causes[GC_STALL_lock].count;
    CU_ASSERT(waits >= 3);
    fixture_close(&f);
}

struct shared_node {
    uint64_t plain; /* no atom: the lock orders it */
};

static void share(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct shared_node *shared = worker->shared;
    struct {
        struct gc_frame frame;
        struct node *node, *copy;
    } at;
    gc_enter(m, at);
    gc_take_start(m, &at.node);
    for (int i = 0; i < 20000; i++) {
        shared->plain++;
        gc_set(m, &at.copy, at.node);
        gc_clear(m, &at.copy);
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void counts_of_a_shared_object_stay_exact(void)
{
    struct fixture f;
    struct worker workers[4];
    struct shared_node shared = { 0 };
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new(f.m, &at.node, &node_type));
    workers_run(f.m, workers, 4, share, &shared, &at.node->header);
    CU_ASSERT_EQUAL(count(f.m, at.node), 1);
    CU_ASSERT_EQUAL(shared.plain, 80000);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void a_cascade_is_counted_and_timed(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_enter(f.m, at);
    const struct gc_stall_sum *cascades = &f.m->stalls->causes[GC_STALL_cascade];
    CU_ASSERT_TRUE(make_chain(f.m, &at.chain, 20));
    gc_clear(f.m, &at.chain);
    CU_ASSERT_EQUAL(cascades->count, 0); /* not worth a clock reading */
    CU_ASSERT_TRUE(make_chain(f.m, &at.chain, 5000));
    gc_clear(f.m, &at.chain);
    CU_ASSERT_EQUAL(cascades->count, 1);
    CU_ASSERT_EQUAL(cascades->max_work, 5000);
    CU_ASSERT_EQUAL(f.m->counters.freed_by_count, 5020);
    gc_leave(f.m, at);
    fixture_close(&f);
}

int test_protocol_plain_suite(void)
{
    static const struct test tests[] = {
        { "every_operation_counts_exactly", every_operation_counts_exactly },
        { "compare_exchange_stores_only_over_what_is_expected",
                compare_exchange_stores_only_over_what_is_expected },
        { "copied_slots_are_counted", copied_slots_are_counted },
        { "a_million_objects_die_on_a_small_stack",
                a_million_objects_die_on_a_small_stack },
        { "the_lock_switches_between_busy_threads",
                the_lock_switches_between_busy_threads },
        { "counts_of_a_shared_object_stay_exact", counts_of_a_shared_object_stay_exact },
        { "a_cascade_is_counted_and_timed", a_cascade_is_counted_and_timed },
    };
    return suite_add("core/protocol_plain", tests, COUNT(tests));
}
