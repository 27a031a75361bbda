/* SPDX-License-Identifier: MIT */
/* test_collect.c - asking for collections: thresholds, counts, observers, switches. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <errno.h>
#include <string.h>

#include "tests/gate.h"
#include "tests/suites.h"
#include "tests/support.h"

struct watcher {
    struct gc_observer observer;
    struct gc_heap *heap;
    uint32_t starts, stops;
    int generation;
    size_t collected;
    int64_t nested; /* what a collection inside returned */
    bool removes_itself, collects;
    int error;
};

static int watch(struct gc_mutator *m, enum gc_collection_event event, int generation,
        size_t collected, size_t uncollectable, void *argument)
{
    struct watcher *watcher = argument;
    (void)uncollectable;
    watcher->generation = generation;
    if (event == GC_COLLECTION_START) {
        watcher->starts++;
    } else {
        watcher->stops++;
        watcher->collected = collected;
    }
    if (watcher->collects) watcher->nested += gc_collect(m, 2);
    if (watcher->removes_itself) gc_observer_remove(m, &watcher->observer);
    return watcher->error;
}

static void watch_begin(struct gc_mutator *m, struct watcher *watcher)
{
    memset(watcher, 0, sizeof(*watcher));
    watcher->observer.notify = watch;
    watcher->observer.argument = watcher;
    gc_observer_add(m, &watcher->observer);
}

static void a_generation_that_does_not_exist_is_refused(void)
{
    struct fixture f;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    CU_ASSERT_EQUAL(gc_collect(f.m, -1), -EINVAL);
    CU_ASSERT_EQUAL(gc_collect(f.m, 3), -EINVAL);
    CU_ASSERT_EQUAL(gc_threshold_set(f.m, 3, 1), -EINVAL);
    CU_ASSERT_EQUAL(gc_threshold_get(f.m, -1), -EINVAL);
    CU_ASSERT_EQUAL(gc_generation_count(f.m, 3), -EINVAL);
    CU_ASSERT_EQUAL(f.heap->collections, 0);
    fixture_close(&f);
}

static void the_701st_allocation_collects(void)
{
    struct fixture f;
    struct watcher watcher;
    struct {
        struct gc_frame frame;
        struct gc_array *all;
        struct node *node;
    } at;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    watch_begin(m, &watcher);
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.all, &array_type, 2000, 0)); /* the first */
    for (uint32_t i = 0; i < 699; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
        gc_give(m, at.all, slot[i], &at.node);
    }
    CU_ASSERT_EQUAL(gc_generation_count(m, 0), 700);
    CU_ASSERT_EQUAL(watcher.starts, 0);
    CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
    CU_ASSERT_EQUAL(watcher.starts, 1);
    CU_ASSERT_EQUAL(watcher.stops, 1);
    CU_ASSERT_EQUAL(watcher.generation, 0);
    CU_ASSERT_EQUAL(gc_generation_count(m, 0), 0);
    CU_ASSERT_EQUAL(gc_generation_count(m, 1), 1);
    gc_leave(m, at);
    gc_observer_remove(m, &watcher.observer);
    fixture_close(&f);
}

static void deaths_count_against_births(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node, *kept;
        struct leaf *leaf;
    } at;
    if (!fixture_open(&f, "generational", "threshold0=5", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type)); /* one at a time */
        CU_ASSERT_TRUE(gc_new(m, &at.leaf, &leaf_type)); /* does not count */
    }
    CU_ASSERT_EQUAL(f.heap->collections, 0);
    CU_ASSERT(gc_generation_count(m, 0) <= 2);
    CU_ASSERT_TRUE(make_chain(m, &at.kept, 5));
    CU_ASSERT_EQUAL(f.heap->collections, 1);
    CU_ASSERT_EQUAL(gc_threshold_set(m, 0, 2), 0);
    CU_ASSERT_EQUAL(gc_threshold_get(m, 0), 2);
    gc_leave(m, at);
    fixture_close(&f);
}

static void a_threshold_of_zero_means_never(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    if (!fixture_open(&f, "generational", "threshold0=0", 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(make_chain(f.m, &at.chain, 5000));
    CU_ASSERT_EQUAL(f.heap->collections, 0);
    CU_ASSERT_EQUAL(gc_threshold_set(f.m, 0, 10), 0);
    CU_ASSERT_TRUE(gc_new(f.m, &at.chain, &node_type));
    CU_ASSERT(f.heap->collections <= 1);
    gc_leave(f.m, at);
    fixture_close(&f);
}

static void switched_off_it_does_not_collect_by_itself(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    if (!fixture_open(&f, "generational", "threshold0=10", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_is_enabled(m));
    gc_disable(m);
    CU_ASSERT_FALSE(gc_is_enabled(m));
    CU_ASSERT_TRUE(make_chain(m, &at.chain, 1000));
    CU_ASSERT_EQUAL(f.heap->collections, 0);
    CU_ASSERT_EQUAL(gc_generation_count(m, 0), 1000);
    make_garbage_ring(m, 3);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 3); /* asked for, it does */
    gc_enable(m);
    CU_ASSERT_TRUE(make_chain(m, &at.chain, 100));
    CU_ASSERT(f.heap->collections > 1);
    gc_leave(m, at);
    fixture_close(&f);
}

static void stand_at_gate(struct worker *worker)
{
    gate_pass(worker->shared, worker->m);
}

/* Half of it, in equal parts: so that they go beyond it by no more than the other half. */
static void mutators_side_by_side_get_parts_of_what_the_threshold_leaves(void)
{
    struct fixture f;
    struct worker other[1];
    struct gate gate;
    if (!fixture_open(&f, "generational@atomic", "threshold0=1000", 0)) return;
    int sum = gc_budget_flush(f.m);
    CU_ASSERT_EQUAL(f.m->budget_granted, 1000 - sum); /* alone */
    gate_init(&gate);
    workers_start(f.m, other, 1, stand_at_gate, &gate, NULL);
    gate_await(&gate, f.m, 1);
    sum = gc_budget_flush(f.m);
    CU_ASSERT_EQUAL(f.m->budget_granted, (1000 - sum) / (2 * 2));
    gate_open(&gate);
    workers_join(f.m, other, 1);
    gate_finish(&gate);
    fixture_close(&f);
}

/* As much as the threshold after a collection; what is left of it, while BLOCKED, stays with
 * who shares the sum with others. (This file's operations are those of `plain`: under `atomic` it
 * makes nothing.) */
static void a_budget_is_whole_after_a_collection_and_outlives_a_blocked_region(void)
{
    enum { LEFT = 900 };
    struct fixture f;
    if (!fixture_open(&f, "generational@atomic", "threshold0=1000", 0)) return;
    f.m->budget = LEFT;
    gc_stop_begin(f.m);
    gc_budget_reset_stw(f.heap);
    CU_ASSERT_EQUAL(f.m->budget, 1000);
    CU_ASSERT_EQUAL(f.m->budget_granted, 1000);
    CU_ASSERT_EQUAL(f.m->budget_limit, 1000);
    gc_stop_end(f.m, 0);
    f.m->budget = LEFT;
    gc_blocked_begin(f.m);
    gc_blocked_end(f.m);
    CU_ASSERT_EQUAL(f.m->budget, LEFT);
    CU_ASSERT_EQUAL(f.m->budget_granted, 1000);
    fixture_close(&f);
}

static void a_collection_inside_a_collection_returns_0(void)
{
    static const char *const collectors[] = { "generational", "mark_sweep" };
    for (size_t i = 0; i < COUNT(collectors); i++) {
        struct fixture f;
        struct watcher watcher;
        if (!fixture_open(&f, collectors[i], NULL, 0)) continue;
        watch_begin(f.m, &watcher);
        watcher.collects = true;
        gc_collect(f.m, 1);
        CU_ASSERT_EQUAL(watcher.starts, 1);
        CU_ASSERT_EQUAL(watcher.stops, 1);
        CU_ASSERT_EQUAL(watcher.nested, 0);
        CU_ASSERT_EQUAL(f.heap->collections, 1);
        gc_observer_remove(f.m, &watcher.observer);
        fixture_close(&f);
    }
}

static void observers_hear_the_counts_and_errors_are_reported(void)
{
    struct fixture f;
    struct watcher first, second;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    watch_begin(f.m, &first);
    watch_begin(f.m, &second);
    first.error = 9;
    make_garbage_ring(f.m, 3);
    CU_ASSERT_EQUAL(gc_collect(f.m, 1), 3);
    CU_ASSERT_EQUAL(first.generation, 1);
    CU_ASSERT_EQUAL(second.collected, 3);
    CU_ASSERT_EQUAL(second.starts, 1);
    CU_ASSERT_EQUAL(second.stops, 1);
    CU_ASSERT_EQUAL(f.errors, 2);
    CU_ASSERT_EQUAL(f.last_error, 9);
    gc_observer_remove(f.m, &first.observer);
    gc_collect(f.m, 0);
    CU_ASSERT_EQUAL(first.starts, 1);
    CU_ASSERT_EQUAL(second.starts, 2);
    gc_observer_remove(f.m, &second.observer);
    gc_observer_remove(f.m, &second.observer); /* not there: nothing */
    gc_collect(f.m, 0);
    CU_ASSERT_EQUAL(second.starts, 2);
    fixture_close(&f);
}

static void an_observer_may_remove_itself_and_no_other_is_passed_over(void)
{
    struct fixture f;
    struct watcher first, leaving, last;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    watch_begin(f.m, &first);
    watch_begin(f.m, &leaving);
    watch_begin(f.m, &last);
    leaving.removes_itself = true;
    gc_collect(f.m, 0);
    CU_ASSERT_EQUAL(leaving.starts, 1);
    CU_ASSERT_EQUAL(leaving.stops, 0);
    CU_ASSERT_EQUAL(first.starts, 1);
    CU_ASSERT_EQUAL(last.starts, 1);
    CU_ASSERT_EQUAL(last.stops, 1);
    gc_observer_remove(f.m, &first.observer);
    gc_observer_remove(f.m, &last.observer);
    fixture_close(&f);
}

static void statistics_are_kept_by_generation(void)
{
    struct fixture f;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    make_garbage_ring(f.m, 4);
    gc_collect(f.m, 0);
    make_garbage_ring(f.m, 5);
    gc_collect(f.m, 1);
    gc_collect(f.m, 1);
    struct gc_generation_stats g0 = gc_generation_stats_get(f.m, 0);
    struct gc_generation_stats g1 = gc_generation_stats_get(f.m, 1);
    struct gc_generation_stats g2 = gc_generation_stats_get(f.m, 2);
    CU_ASSERT_EQUAL(g0.collections, 1);
    CU_ASSERT_EQUAL(g0.collected, 4);
    CU_ASSERT_EQUAL(g1.collections, 2);
    CU_ASSERT_EQUAL(g1.collected, 5);
    CU_ASSERT_EQUAL(g2.collections + g2.collected + g2.uncollectable, 0);
    CU_ASSERT_EQUAL(f.heap->collections, 3);
    fixture_close(&f);
}

static void collect_often(struct worker *worker)
{
    for (int i = 0; i < 50; i++) {
        make_garbage_ring(worker->m, 3);
        worker->result += (uint64_t)gc_collect(worker->m, 2);
        gc_collect_wait(worker->m);
    }
}

static void collections_asked_for_at_once_count_each_object_once(void)
{
    struct fixture f;
    struct worker workers[4];
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    workers_run(f.m, workers, 4, collect_often, NULL, NULL);
    int64_t found = gc_collect(f.m, 2);
    for (int i = 0; i < 4; i++)
        found += (int64_t)workers[i].result;
    CU_ASSERT_EQUAL(found, 4 * 50 * 3);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void quiescence_takes_as_many_collections_as_find_something_and_one(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *ring;
    } at;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(f.heap->collections, 1);
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(make_ring(f.m, &at.ring, 1));
    gc_leave(f.m, at);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(f.heap->collections, 3);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void a_full_heap_gets_rid_of_old_garbage(void)
{
    enum { HALF = 40000 }; /* nodes; of twice as many the heap has no room for all */
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *ring, *chain;
    } at;
    if (!fixture_open(&f, "generational", "threshold0=0", (size_t)4 << 20)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_ring(m, &at.ring, HALF));
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    gc_clear(m, &at.ring);
    CU_ASSERT_TRUE(make_chain(m, &at.chain, HALF));
    CU_ASSERT_EQUAL(f.exhausted, 0);
    CU_ASSERT_EQUAL(f.heap->collections, 2);
    CU_ASSERT_EQUAL(fixture_live(&f), HALF);
    gc_leave(m, at);
    fixture_close(&f);
}

static void collectors_without_a_promise_answer_harmlessly(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new(f.m, &at.node, &node_type));
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 0);
    gc_freeze(f.m);
    CU_ASSERT_EQUAL(gc_freeze_count(f.m), 0);
    gc_unfreeze(f.m);
    CU_ASSERT_EQUAL(gc_generation_of(f.m, &at.node->header), -1);
    gc_leave(f.m, at);
    fixture_close(&f);
}

int test_collect_suite(void)
{
    static const struct test tests[] = {
        { "a_generation_that_does_not_exist_is_refused",
                a_generation_that_does_not_exist_is_refused },
        { "the_701st_allocation_collects", the_701st_allocation_collects },
        { "deaths_count_against_births", deaths_count_against_births },
        { "a_threshold_of_zero_means_never", a_threshold_of_zero_means_never },
        { "switched_off_it_does_not_collect_by_itself",
                switched_off_it_does_not_collect_by_itself },
        { "mutators_side_by_side_get_parts_of_what_the_threshold_leaves",
                mutators_side_by_side_get_parts_of_what_the_threshold_leaves },
        { "a_budget_is_whole_after_a_collection_and_outlives_a_blocked_region",
                a_budget_is_whole_after_a_collection_and_outlives_a_blocked_region },
        { "a_collection_inside_a_collection_returns_0",
                a_collection_inside_a_collection_returns_0 },
        { "observers_hear_the_counts_and_errors_are_reported",
                observers_hear_the_counts_and_errors_are_reported },
        { "an_observer_may_remove_itself_and_no_other_is_passed_over",
                an_observer_may_remove_itself_and_no_other_is_passed_over },
        { "statistics_are_kept_by_generation", statistics_are_kept_by_generation },
        { "collections_asked_for_at_once_count_each_object_once",
                collections_asked_for_at_once_count_each_object_once },
        { "quiescence_takes_as_many_collections_as_find_something_and_one",
                quiescence_takes_as_many_collections_as_find_something_and_one },
        { "a_full_heap_gets_rid_of_old_garbage", a_full_heap_gets_rid_of_old_garbage },
        { "collectors_without_a_promise_answer_harmlessly",
                collectors_without_a_promise_answer_harmlessly },
    };
    return suite_add("core/collect", tests, COUNT(tests));
}
