/* SPDX-License-Identifier: MIT */
/* test_protocol_plain.c - plain counts are ordered by the lock; what counts owe is in
 * test_protocol_eager.c, the lock in test_serial.c. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include "tests/suites.h"
#include "tests/support.h"

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

static void the_lock_orders_what_is_shared(void)
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
    CU_ASSERT_EQUAL(gc_refcount(f.m, &at.node->header), 1);
    CU_ASSERT_EQUAL(shared.plain, 80000);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

int test_protocol_plain_suite(void)
{
    static const struct test tests[] = {
        { "the_lock_orders_what_is_shared", the_lock_orders_what_is_shared },
    };
    return suite_add("core/protocol_plain", tests, COUNT(tests));
}
