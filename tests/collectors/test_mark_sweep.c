/* SPDX-License-Identifier: MIT */
/* test_mark_sweep.c - the tracer: what is not reached goes, under any limit and stack. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

static uint32_t finalized, called;

static int finalize(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    finalized++;
    return 0;
}

static int call_back(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    (void)m, (void)weak, (void)data;
    called++;
    return 0;
}

static const struct gc_type finalized_type =
        GC_TYPE(struct node, .slots = 2, .finalize = finalize);

static bool open(struct fixture *f, const char *options, size_t limit)
{
    finalized = called = 0;
    return fixture_open(f, "mark_sweep", options, limit);
}

static void a_heap_at_its_limit_is_collected_again_and_again(void)
{
    const size_t limit = (size_t)2 << 20;
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *kept, *chain;
        struct gc_array *large;
    } at;
    if (!open(&f, NULL, limit)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.kept, 5000));
    for (int i = 0; i < 200; i++) {
        CU_ASSERT_TRUE(make_chain(m, &at.chain, 3000));
        CU_ASSERT_TRUE(gc_new_array(m, &at.large, &bytes_type, 0, 100000));
    }
    CU_ASSERT_EQUAL(f.exhausted, 0);
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->peak_bytes) <= limit);
    CU_ASSERT(f.heap->collections > 10);
    int64_t kept = 0;
    for (gc_clear(m, &at.chain); at.kept != NULL; kept++)
        gc_load(m, &at.kept, at.kept, left);
    CU_ASSERT_EQUAL(kept, 5000);
    gc_leave(m, at);
    gc_quiesce(m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_verify(&f);
    fixture_close(&f);
}

/* Collections of one program whose live size is constant. */
static uint64_t collections_with(const char *options)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *kept, *chain;
    } at;
    if (!open(&f, options, 0)) return 0;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(make_chain(f.m, &at.kept, 50000));
    for (int i = 0; i < 100; i++)
        CU_ASSERT_TRUE(make_chain(f.m, &at.chain, 5000));
    uint64_t collections = f.heap->collections;
    gc_leave(f.m, at);
    fixture_close(&f);
    return collections;
}

static void more_growth_means_fewer_collections(void)
{
    uint64_t tight = collections_with("minimum=64K:growth=125");
    uint64_t standard = collections_with("minimum=64K");
    uint64_t loose = collections_with("minimum=64K:growth=400");
    CU_ASSERT(loose > 0);
    CU_ASSERT(loose < standard);
    CU_ASSERT(standard < tight);
    CU_ASSERT_EQUAL(collections_with("minimum=1G"), 0);
}

static void memory_that_was_swept_is_used_again(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *kept;
        struct node *node;
    } at;
    if (!open(&f, "minimum=1G", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.kept, &array_type, 2000, 0));
    size_t bytes = 0;
    for (int round = 0; round < 6; round++) {
        for (uint32_t i = 0; i < 20000; i++) { /* every tenth stays: all blocks do */
            CU_ASSERT_TRUE_FATAL(gc_new(m, &at.node, &node_type));
            if (i % 10 == 0) gc_store(m, at.kept, slot[i / 10], at.node);
        }
        gc_collect(m, 2);
        CU_ASSERT_EQUAL(fixture_live(&f), 2001 + (at.node != NULL));
        if (round == 1) bytes = gc_atomic_load_relaxed(&f.heap->peak_bytes);
    }
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->peak_bytes) <= bytes + bytes / 4);
    gc_leave(m, at);
    fixture_close(&f);
}

static void a_tiny_mark_stack_finds_everything(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *wide;
        struct node *chain;
    } at;
    if (!open(&f, "mark_stack=1", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.wide, &array_type, 50, 0));
    for (uint32_t i = 0; i < 50; i++) {
        CU_ASSERT_TRUE(make_ring(m, &at.chain, 20));
        gc_give(m, at.wide, slot[i], &at.chain);
    }
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 1001);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 1001);
    fixture_close(&f);
}

static void several_weak_references_to_one_object_are_all_cleared(void)
{
    enum { EACH = 5, TARGETS = 40 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *weak, *kept;
        struct gc_weak *one;
        struct node *target;
    } at;
    if (!open(&f, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.weak, &array_type, EACH * TARGETS, 0));
    CU_ASSERT_TRUE(gc_new_array(m, &at.kept, &array_type, TARGETS, 0));
    for (uint32_t i = 0; i < TARGETS; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.target, &node_type));
        for (uint32_t k = 0; k < EACH; k++) {
            CU_ASSERT_TRUE(gc_new_weak(m, &at.one, at.target, call_back, at.kept));
            gc_give(m, at.weak, slot[i * EACH + k], &at.one);
        }
        if (i % 4 == 0) gc_store(m, at.kept, slot[i], at.target);
    }
    gc_clear(m, &at.target);
    CU_ASSERT_EQUAL(gc_collect(m, 2), TARGETS * 3 / 4);
    CU_ASSERT_EQUAL(called, EACH * TARGETS * 3 / 4);
    CU_ASSERT_EQUAL(f.heap->weak_count, EACH * TARGETS / 4);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < TARGETS * EACH; i++) {
        gc_load(m, &at.one, at.weak, slot[i]);
        gc_load_weak(m, &at.target, at.one);
        wrong += (at.target != NULL) != (i / EACH % 4 == 0);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    fixture_verify(&f);
    gc_leave(m, at);
    gc_quiesce(m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void a_finalized_object_goes_with_the_next_collection(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *a, *b;
    } at;
    if (!open(&f, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.a, &finalized_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    gc_store(m, at.a, left, at.b);
    gc_store(m, at.b, left, at.a);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    CU_ASSERT_EQUAL(finalized, 1);
    CU_ASSERT_EQUAL(fixture_live(&f), 2);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 2);
    CU_ASSERT_EQUAL(finalized, 1);
    CU_ASSERT_EQUAL(f.heap->finalizable_count, 0);
    fixture_close(&f);
}

/* Under a schedule: another thread holds the coordinator when the collector, which has
 * counted the finalizers that can be due, asks for its stop; it makes some more first. */
struct late {
    _Atomic(uint32_t) turn;
};

static int let_others_go_first(struct gc_mutator *m, enum gc_collection_event event,
        int generation, size_t collected, size_t uncollectable, void *argument)
{
    (void)m, (void)generation, (void)collected, (void)uncollectable;
    struct late *late = argument;
    if (event != GC_COLLECTION_START) return 0;
    gc_atomic_store_relaxed(&late->turn, 1);
    for (int i = 0; i < 4; i++)
        gc_schedule_yield();
    return 0;
}

static void make_late_ones(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct late *late = worker->shared;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    while (gc_atomic_load_relaxed(&late->turn) == 0)
        gc_safepoint(m);
    gc_enter(m, at);
    gc_stop_begin(m);
    gc_stop_end(m, 0);
    for (int i = 0; i < 5; i++)
        worker_expect(worker, gc_new(m, &at.node, &finalized_type));
    gc_leave(m, at);
}

static void finalizers_of_objects_born_just_before_the_stop_run(void)
{
    for (uint32_t period = 1; period < 12; period++) {
        struct fixture f;
        struct worker workers[1];
        struct late late = { 0 };
        struct gc_observer observer = { .notify = let_others_go_first,
            .argument = &late };
        if (!open(&f, NULL, 0)) return;
        gc_observer_add(f.m, &observer);
        CU_ASSERT_TRUE_FATAL(gc_schedule_begin(period));
        workers_start(f.m, workers, 1, make_late_ones, &late, NULL);
        gc_collect(f.m, 2);
        workers_join(f.m, workers, 1);
        gc_schedule_end();
        gc_observer_remove(f.m, &observer);
        gc_quiesce(f.m);
        CU_ASSERT_EQUAL(finalized, 5);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        fixture_close(&f);
    }
}

static void build_and_drop(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct {
        struct gc_frame frame;
        struct node *kept, *ring;
    } at;
    gc_enter(m, at);
    worker_expect(worker, make_chain(m, &at.kept, 500));
    for (int i = 0; i < 300; i++)
        worker_expect(worker, make_ring(m, &at.ring, 50));
    for (; at.kept != NULL; worker->result++)
        gc_load(m, &at.kept, at.kept, left);
    worker_expect(worker, worker->result == 500);
    gc_leave(m, at);
}

static void threads_that_collect_each_other_s_garbage_lose_nothing(void)
{
    struct fixture f;
    struct worker workers[4];
    if (!open(&f, "minimum=64K:growth=150", 0)) return;
    workers_run(f.m, workers, 4, build_and_drop, NULL, NULL);
    CU_ASSERT(f.heap->collections > 2);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(fixture_allocated(&f), 4 * (500 + 300 * 50));
    fixture_close(&f);
}

/* The counterpart of on_the_fly's test: the same program, in a heap of ten times its size. */
static uint64_t most_work_in_a_stop(size_t live)
{
    struct fixture f;
    if (!open(&f, NULL, 10 * live * sizeof(struct node))) return 0;
    CU_ASSERT_TRUE(keep_and_churn(f.m, live, 12 * live));
    uint64_t most = f.m->stalls->causes[GC_STALL_stop].max_work;
    fixture_close(&f);
    return most;
}

static void work_in_a_stop_grows_with_the_heap(void)
{
    uint64_t little = most_work_in_a_stop(10000);
    CU_ASSERT(little >= 10000);
    CU_ASSERT(most_work_in_a_stop(100000) >= 8 * little);
}

int test_mark_sweep_suite(void)
{
    static const struct test tests[] = {
        { "a_heap_at_its_limit_is_collected_again_and_again",
                a_heap_at_its_limit_is_collected_again_and_again },
        { "more_growth_means_fewer_collections", more_growth_means_fewer_collections },
        { "memory_that_was_swept_is_used_again", memory_that_was_swept_is_used_again },
        { "a_tiny_mark_stack_finds_everything", a_tiny_mark_stack_finds_everything },
        { "several_weak_references_to_one_object_are_all_cleared",
                several_weak_references_to_one_object_are_all_cleared },
        { "a_finalized_object_goes_with_the_next_collection",
                a_finalized_object_goes_with_the_next_collection },
        { "threads_that_collect_each_other_s_garbage_lose_nothing",
                threads_that_collect_each_other_s_garbage_lose_nothing },
        { "work_in_a_stop_grows_with_the_heap", work_in_a_stop_grows_with_the_heap },
        /* checked builds only */
        { "finalizers_of_objects_born_just_before_the_stop_run",
                finalizers_of_objects_born_just_before_the_stop_run },
    };
    return suite_add("collectors/mark_sweep", tests,
            GC_CHECK >= 1 ? COUNT(tests) : COUNT(tests) - 1);
}
