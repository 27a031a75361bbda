/* SPDX-License-Identifier: MIT */
/* test_protocol_plain.c - the lock goes round; what counts owe is in
 * test_protocol_eager.c. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include "tests/suites.h"
#include "tests/support.h"

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
        { "the_lock_switches_between_busy_threads",
                the_lock_switches_between_busy_threads },
        { "the_lock_orders_what_is_shared", the_lock_orders_what_is_shared },
    };
    return suite_add("core/protocol_plain", tests, COUNT(tests));
}
