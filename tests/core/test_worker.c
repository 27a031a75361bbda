/* SPDX-License-Identifier: MIT */
/* test_worker.c - the collector thread: who collects, who waits, and when it ends. */
#define GC_PROTOCOL_HEADER "core/protocol/satb.h"

#include "core/worker.h"

#include "tests/suites.h"
#include "tests/support.h"

static bool open(struct fixture *f)
{
    return fixture_open(f, "on_the_fly", NULL, 0);
}

/* Who has collected. */
struct seen {
    struct gc_mutator *by;
    bool was_worker;
};

static int note(struct gc_mutator *m, enum gc_collection_event event, int generation,
        size_t collected, size_t uncollectable, void *argument)
{
    (void)event, (void)generation, (void)collected, (void)uncollectable;
    struct seen *seen = argument;
    seen->by = m;
    seen->was_worker = gc_worker_is(&m->heap->worker, m);
    return 0;
}

static void collections_run_on_a_thread_of_their_own(void)
{
    struct fixture f;
    struct seen seen = { NULL, false };
    struct gc_observer observer = { .notify = note, .argument = &seen };
    if (!open(&f)) return;
    gc_observer_add(f.m, &observer);
    CU_ASSERT_EQUAL(f.heap->mutator_count, 1); /* nobody has asked yet */
    make_garbage_ring(f.m, 10);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 10);
    CU_ASSERT_EQUAL(f.heap->mutator_count, 2);
    CU_ASSERT_PTR_NOT_EQUAL(seen.by, f.m);
    CU_ASSERT_TRUE(seen.was_worker);
    CU_ASSERT_FALSE(gc_worker_is(&f.heap->worker, f.m));
    gc_observer_remove(f.m, &observer);
    fixture_close(&f);
}

static void who_asks_and_does_not_wait_is_served_later(void)
{
    struct fixture f;
    if (!open(&f)) return;
    make_garbage_ring(f.m, 10);
    CU_ASSERT_FALSE(gc_worker_await(f.m)); /* there is nothing to wait for */
    gc_worker_ask(f.m);
    CU_ASSERT_TRUE(gc_worker_await(f.m));
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_FALSE(gc_worker_await(f.m));
    fixture_close(&f);
}

static void without_a_thread_who_asks_collects(void)
{
    struct fixture f;
    struct seen seen = { NULL, false };
    struct gc_observer observer = { .notify = note, .argument = &seen };
    if (!open(&f)) return;
    gc_observer_add(f.m, &observer);
    make_garbage_ring(f.m, 10);
    gc_os_fail_allocation(1); /* the thread's record */
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 10);
    gc_os_fail_allocation(0);
    CU_ASSERT_PTR_EQUAL(seen.by, f.m);
    CU_ASSERT_FALSE(seen.was_worker);
    make_garbage_ring(f.m, 10);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 10);
    CU_ASSERT_TRUE(seen.was_worker);
    gc_observer_remove(f.m, &observer);
    fixture_close(&f);
}

static int64_t asked_within;

static int collect_again(struct gc_mutator *m, struct gc_object *object)
{
    (void)object;
    asked_within = gc_collect(m, 2);
    return 0;
}

static const struct gc_type collecting_type =
        GC_TYPE(struct node, .slots = 2, .finalize = collect_again);

static void a_finalizer_that_collects_gets_0_at_once(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!open(&f)) return;
    asked_within = -1;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new(f.m, &at.node, &collecting_type));
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 0);
    CU_ASSERT_EQUAL(asked_within, 0);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void collect_often(struct worker *worker)
{
    for (int i = 0; i < 20; i++) {
        struct {
            struct gc_frame frame;
            struct node *ring;
        } at;
        gc_enter(worker->m, at);
        worker_expect(worker, make_ring(worker->m, &at.ring, 20));
        gc_leave(worker->m, at);
        worker_expect(worker, gc_collect(worker->m, 2) >= 0);
    }
}

static void many_may_ask_at_a_time(void)
{
    struct fixture f;
    struct worker workers[8];
    if (!open(&f)) return;
    workers_run(f.m, workers, 8, collect_often, NULL, NULL);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(fixture_allocated(&f), 8 * 20 * 20);
    fixture_close(&f);
}

/* The thread that was started under a schedule ends with it, and another one follows. */
static void a_schedule_owns_its_waits(void)
{
    struct fixture f;
    if (!open(&f)) return;
    for (uint32_t period = 1; period < 6; period++) {
        struct worker workers[2];
        make_garbage_ring(f.m, 10);
        CU_ASSERT_TRUE_FATAL(gc_schedule_begin(period));
        workers_run(f.m, workers, 2, collect_often, NULL, NULL);
        gc_quiesce(f.m);
        CU_ASSERT(gc_schedule_end() > 0);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        make_garbage_ring(f.m, 10);
        CU_ASSERT_EQUAL(gc_collect(f.m, 2), 10);
    }
    fixture_close(&f);
}

int test_worker_suite(void)
{
    static const struct test tests[] = {
        { "collections_run_on_a_thread_of_their_own",
                collections_run_on_a_thread_of_their_own },
        { "who_asks_and_does_not_wait_is_served_later",
                who_asks_and_does_not_wait_is_served_later },
        { "without_a_thread_who_asks_collects", without_a_thread_who_asks_collects },
        { "a_finalizer_that_collects_gets_0_at_once",
                a_finalizer_that_collects_gets_0_at_once },
        { "many_may_ask_at_a_time", many_may_ask_at_a_time },
        /* checked builds only */
        { "a_schedule_owns_its_waits", a_schedule_owns_its_waits },
    };
    return suite_add(
            "core/worker", tests, GC_CHECK >= 1 ? COUNT(tests) : COUNT(tests) - 1);
}
