/* SPDX-License-Identifier: MIT */
/* test_thread.c - a mutator's life: attach, adopt, spawn, exit. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/suites.h"
#include "tests/support.h"

enum { MANY = 64 };

static uint32_t attached(struct gc_heap *heap)
{
    return gc_atomic_load_relaxed(&heap->attached);
}

static void a_record_is_adopted_with_all_that_is_in_it(void)
{
    struct fixture f;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_mutator *first = f.m;
    static gc_slot root;
    static struct gc_root_range range;
    root = NULL;
    gc_roots_add(f.heap, &range, &root, 1);
    CU_ASSERT_TRUE(gc_new_slow(f.m, &root, &node_type, 0, 0));
    struct gc_block *block = gc_block_of(root);
    gc_detach(f.m);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&first->state), GC_MUTATOR_EXITED);
    CU_ASSERT_EQUAL(attached(f.heap), 0);
    CU_ASSERT_EQUAL_FATAL(gc_attach(f.heap, &f.m), 0);
    CU_ASSERT_PTR_EQUAL(f.m, first);
    CU_ASSERT_EQUAL(f.heap->mutator_count, 1);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.m->state), GC_MUTATOR_RUNNING);
    /* the home's partly used block is used again */
    gc_slot more = NULL;
    CU_ASSERT_TRUE(gc_new_slow(f.m, &more, &node_type, 0, 0));
    CU_ASSERT_PTR_EQUAL(gc_block_of(more), block);
    gc_eager_drop(f.m, more);
    gc_store_root_null(f.m, &root);
    gc_roots_remove(f.heap, &range);
    fixture_verify(&f);
    fixture_close(&f);
}

static void exit_gives_unused_memory_back(void)
{
    struct fixture f;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_slot local = NULL;
    for (uint32_t slots = 0; slots < 600; slots += 7)
        CU_ASSERT_TRUE(gc_new_slow(f.m, &local, &array_type, slots, 0));
    gc_eager_drop(f.m, local);
    gc_detach(f.m);
    CU_ASSERT_EQUAL(
            gc_atomic_load_relaxed(&f.heap->bytes), f.heap->first_block * GC_BLOCK_BYTES);
    CU_ASSERT_EQUAL_FATAL(gc_attach(f.heap, &f.m), 0);
    fixture_close(&f);
}

static void make_rings(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct {
        struct gc_frame frame;
        struct node *ring;
    } at;
    gc_enter(m, at);
    for (size_t i = 1; i <= 20; i++) {
        worker_expect(worker, make_ring(m, &at.ring, i));
        worker->result += i;
    }
    gc_leave(m, at);
}

static void start_run_exit(const char *collector, const char *options)
{
    struct fixture f;
    static struct worker workers[MANY];
    if (!fixture_open(&f, collector, options, 0)) return;
    for (int round = 0; round < 3; round++) {
        workers_run(f.m, workers, MANY, make_rings, NULL, NULL);
        CU_ASSERT_EQUAL(attached(f.heap), 1);
    }
    CU_ASSERT(f.heap->mutator_count <= MANY + 1);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(fixture_allocated(&f), 3 * MANY * 210);
    gc_runs_flush(f.m);
    fixture_verify(&f);
    uint32_t regions = 0;
    for (struct gc_region *r = f.heap->regions; r != NULL; r = r->next)
        regions++;
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes),
            regions * f.heap->first_block * GC_BLOCK_BYTES);
    fixture_close(&f);
}

static void threads_by_the_dozen_leave_nothing(void)
{
    start_run_exit("generational", NULL);
    start_run_exit("generational", "threshold0=10");
    start_run_exit("generational", "threshold0=0:detect=keep");
    start_run_exit("generational", "threshold0=10:threshold1=2:threshold2=2:detect=walk");
}

static void take_it(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(m, at);
    gc_take_start(m, &at.node);
    worker_expect(worker, at.node != NULL && at.node->key == 99);
    worker_expect(worker, m->start == NULL);
    worker_expect(worker, gc_refcount(m, &at.node->header) >= 2);
    gc_leave(m, at);
}

static void do_not_take_it(struct worker *worker)
{
    worker_expect(worker, worker->m->start != NULL);
}

static void a_thread_gets_the_reference_that_it_is_started_with(void)
{
    struct fixture f;
    struct worker workers[4];
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(m, &at.node, &node_type));
    at.node->key = 99;
    workers_run(m, workers, 4, take_it, NULL, &at.node->header);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.node->header), 1);
    workers_run(m, workers, 4, do_not_take_it, NULL, &at.node->header);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.node->header), 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void the_start_reference_alone_keeps_an_object(void)
{
    struct fixture f;
    struct worker workers[1];
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(m, &at.node, &node_type));
    workers_start(m, workers, 1, do_not_take_it, NULL, &at.node->header);
    gc_clear(m, &at.node);
    workers_join(m, workers, 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void do_nothing(struct worker *worker)
{
    worker->result = 1;
}

static void nothing_run(struct gc_mutator *m, void *argument)
{
    (void)m, (void)argument;
}

static void spawning_without_memory_fails_cleanly(void)
{
    struct fixture f;
    struct gc_mutator_thread thread;
    struct worker workers[2];
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(m, &at.node, &node_type));
    struct memory before = memory_now();
    for (uint64_t n = 1; n <= 3; n++) { /* record, stall log, lists of the home */
        gc_os_fail_allocation(n);
        int result = gc_spawn(m, &thread, nothing_run, NULL, &at.node->header);
        CU_ASSERT_EQUAL(result, -ENOMEM);
    }
    gc_os_fail_allocation(0);
    CU_ASSERT_TRUE(memory_is_equal(memory_now(), before));
    CU_ASSERT_EQUAL(gc_refcount(m, &at.node->header), 1);
    CU_ASSERT_EQUAL(attached(f.heap), 1);
    workers_run(m, workers, 2, do_nothing, NULL, NULL);
    gc_leave(m, at);
    fixture_close(&f);
}

static void attach_and_detach(void *argument)
{
    struct gc_heap *heap = argument;
    struct gc_mutator *m;
    for (int i = 0; i < 200; i++) {
        gc_require(gc_attach(heap, &m) == 0, "attach failed");
        gc_slot local = NULL;
        gc_require(gc_new_slow(m, &local, &leaf_type, 0, 0), "no memory");
        gc_protocol_clear(m, &local);
        gc_detach(m);
    }
}

static void stops_and_births_of_mutators_may_overlap(void)
{
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        struct gc_thread threads[3];
        if (!fixture_open(&f, "refcount", NULL, 0)) return;
        gc_blocked_begin(f.m);
        for (int k = 0; k < 3; k++)
            CU_ASSERT_EQUAL_FATAL(
                    gc_thread_start(&threads[k], attach_and_detach, f.heap), 0);
        gc_blocked_end(f.m);
        for (int k = 0; k < 200; k++) {
            gc_stop_begin(f.m);
            gc_stop_end(f.m, 0);
            gc_safepoint(f.m);
        }
        gc_blocked_begin(f.m);
        for (int k = 0; k < 3; k++)
            gc_thread_join(&threads[k]);
        gc_blocked_end(f.m);
        CU_ASSERT_EQUAL(attached(f.heap), 1);
        CU_ASSERT(f.heap->mutator_count <= 4);
        CU_ASSERT_EQUAL(fixture_allocated(&f), 600);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        fixture_close(&f);
    }
}

static void detach_in_a_frame(void *argument)
{
    struct gc_mutator *m = argument;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(m, at);
    gc_detach(m);
}

static void a_mutator_does_not_exit_with_frames_left(void)
{
    struct fixture f;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    if (GC_CHECK >= 1) /* frames are linked */
        CU_ASSERT_TRUE(aborts_with(detach_in_a_frame, f.m, "with frames left"));
    CU_ASSERT_PTR_NULL(f.m->frames);
    fixture_close(&f);
}

/* --- under a schedule: what a spawn that fails, and an adoption, may meet ---------------- */

static void stop_and_go(struct worker *worker)
{
    for (int i = 0; i < 8; i++) {
        gc_stop_begin(worker->m);
        gc_schedule_yield();
        gc_stop_end(worker->m, 0);
        gc_safepoint(worker->m);
    }
}

static void a_spawn_that_fails_in_a_stop_does_not_hang(void)
{
    if (GC_CHECK < 1) return; /* release builds have no schedule */
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct fixture f;
        struct worker workers[2];
        struct gc_mutator_thread thread;
        if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
        CU_ASSERT_TRUE_FATAL(gc_schedule_begin_random(seed, 2));
        while (f.heap->mutator_count < 3) /* one is left for the spawn to adopt */
            workers_run(f.m, workers, 2, do_nothing, NULL, NULL);
        workers_start(f.m, &workers[1], 1, stop_and_go, NULL, NULL);
        for (int i = 0; i < 4; i++) {
            /* the thread itself, and the schedule's entry for it */
            gc_os_fail_allocation(i % 2 + 1);
            CU_ASSERT_EQUAL(gc_spawn(f.m, &thread, nothing_run, NULL, NULL),
                    i % 2 == 0 ? -EAGAIN : -ENOMEM);
            gc_os_fail_allocation(0);
            gc_safepoint(f.m);
        }
        workers_join(f.m, &workers[1], 1);
        gc_schedule_end();
        CU_ASSERT_EQUAL(attached(f.heap), 1);
        fixture_close(&f);
    }
}

/* --- alone --------------------------------------------------------------------------------- */

struct visitor {
    struct gc_heap *heap;
    struct gc_mutator *host;
    _Atomic(uint32_t) is_in; /* release: what the visitor saw comes before */
    bool host_was_told;
};

static void visit(void *argument)
{
    struct visitor *visitor = argument;
    struct gc_mutator *m;
    if (gc_attach(visitor->heap, &m) != 0) abort();
    visitor->host_was_told = !visitor->host->alone && !m->alone;
    gc_atomic_store_release(&visitor->is_in, 1);
    gc_detach(m);
}

/* Whatever the one that was there does meanwhile. */
static void who_is_alone_is_told_before_another_runs(void)
{
    static const char *const collectors[] = { "refcount@plain", "none@bare" };
    for (int i = 0; i < 2 * 20; i++) {
        struct fixture f;
        struct gc_thread thread;
        const bool waits = i % 4 < 2;
        if (!fixture_open(&f, collectors[i % 2], NULL, 0)) return;
        struct visitor visitor = { .heap = f.heap, .host = f.m };
        CU_ASSERT_TRUE(f.m->alone);
        CU_ASSERT_EQUAL_FATAL(gc_thread_start(&thread, visit, &visitor), 0);
        while (!waits && gc_atomic_load_acquire(&visitor.is_in) == 0)
            gc_safepoint(f.m);
        gc_blocked_begin(f.m);
        gc_thread_join(&thread);
        gc_blocked_end(f.m);
        CU_ASSERT_TRUE(visitor.host_was_told);
        fixture_close(&f);
    }
}

static void who_spawns_is_alone_no_longer(void)
{
    struct fixture f;
    struct worker worker[1];
    if (!fixture_open(&f, "refcount@plain", NULL, 0)) return;
    workers_start(f.m, worker, 1, do_nothing, NULL, NULL);
    CU_ASSERT_FALSE(f.m->alone);
    workers_join(f.m, worker, 1);
    fixture_close(&f);
    if (!fixture_open(&f, "refcount@plain", NULL, 0)) return;
    gc_detach(f.m);
    CU_ASSERT_PTR_NULL(f.heap->alone);
    CU_ASSERT_EQUAL(gc_attach(f.heap, &f.m), 0); /* adopted, and alone again */
    CU_ASSERT_TRUE(f.m->alone);
    fixture_close(&f);
}

int test_thread_suite(void)
{
    static const struct test tests[] = {
        { "a_record_is_adopted_with_all_that_is_in_it",
                a_record_is_adopted_with_all_that_is_in_it },
        { "exit_gives_unused_memory_back", exit_gives_unused_memory_back },
        { "threads_by_the_dozen_leave_nothing", threads_by_the_dozen_leave_nothing },
        { "a_thread_gets_the_reference_that_it_is_started_with",
                a_thread_gets_the_reference_that_it_is_started_with },
        { "the_start_reference_alone_keeps_an_object",
                the_start_reference_alone_keeps_an_object },
        { "spawning_without_memory_fails_cleanly",
                spawning_without_memory_fails_cleanly },
        { "stops_and_births_of_mutators_may_overlap",
                stops_and_births_of_mutators_may_overlap },
        { "a_spawn_that_fails_in_a_stop_does_not_hang",
                a_spawn_that_fails_in_a_stop_does_not_hang },
        { "who_is_alone_is_told_before_another_runs",
                who_is_alone_is_told_before_another_runs },
        { "who_spawns_is_alone_no_longer", who_spawns_is_alone_no_longer },
        { "a_mutator_does_not_exit_with_frames_left",
                a_mutator_does_not_exit_with_frames_left },
    };
    return suite_add("core/thread", tests, COUNT(tests));
}
