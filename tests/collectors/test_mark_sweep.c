/* SPDX-License-Identifier: MIT */
/* test_mark_sweep.c - the tracer: what is not reached goes, under any limit and stack. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include "tests/collectors/tracing.h"
#include "tests/suites.h"

static bool open(struct fixture *f, const char *options, size_t limit)
{
    return tracing_open(f, "mark_sweep", options, limit);
}

static void a_heap_at_its_limit_is_collected_again_and_again(void)
{
    const size_t limit = (size_t)2 << 20;
    struct fixture f;
    if (!open(&f, NULL, limit)) return;
    churn_at_limit(&f, limit, 0);
    CU_ASSERT(f.heap->collections > 10);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_verify(&f);
    fixture_close(&f);
}

/* Collections of one program whose live size is constant. */
static uint64_t collections_with(const char *options)
{
    struct fixture f;
    if (!open(&f, options, 0)) return 0;
    churn_chains(f.m);
    uint64_t collections = f.heap->collections;
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

static void the_trigger_is_the_growth_of_what_lives(void)
{
    enum { LIVE = 20000 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *kept;
    } at;
    if (!open(&f, "minimum=64K:growth=400", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.kept, LIVE));
    gc_collect(m, 2);
    const size_t live = LIVE * (size_t)gc_block_of(at.kept)->cell_bytes;
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->trigger_bytes), live / 100 * 400);
    gc_leave(m, at);
    fixture_close(&f);
}

/* Few objects live, but in every block: there is room for some more blocks. */
static void the_trigger_is_above_blocks_that_are_sparsely_used(void)
{
    enum { NODES = 20000, ONE_IN = 50 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *kept, *next;
    } at;
    if (!open(&f, "minimum=64K:growth=125", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    gc_disable(m);
    for (int i = 0; i < NODES; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.next, &node_type));
        if (i % ONE_IN != 0) continue;
        gc_store(m, at.next, left, at.kept);
        gc_move(m, &at.kept, &at.next);
    }
    gc_enable(m);
    gc_collect(m, 2);
    const size_t live = NODES / ONE_IN * (size_t)gc_block_of(at.kept)->cell_bytes;
    const size_t held = gc_atomic_load_relaxed(&f.heap->bytes);
    CU_ASSERT(held > 10 * live);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->trigger_bytes), held + held / 8);
    gc_leave(m, at);
    fixture_close(&f);
}

/* Also those of blocks that are given back as a whole. */
static void what_was_freed_does_not_look_alive(void)
{
    enum { KEY = 4711 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    if (!GC_POISONS || GC_ASAN) return; /* it may not be read under ASan */
    if (!open(&f, "minimum=1G", 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(make_chain(f.m, &at.chain, 2000));
    struct node *freed = at.chain;
    freed->key = KEY;
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 2000);
    CU_ASSERT_TRUE(gc_object_is_dead(&freed->header));
    CU_ASSERT_NOT_EQUAL(freed->key, KEY);
    fixture_close(&f);
}

/* The second time memory comes of it. */
static int note_collection(struct gc_mutator *m, enum gc_collection_event event,
        int generation, size_t collected, size_t uncollectable, void *argument)
{
    uint32_t *collections = argument;
    (void)m, (void)generation, (void)collected, (void)uncollectable;
    if (event == GC_COLLECTION_STOP && ++*collections == 2) memory_refuse(false);
    return 0;
}

static void a_full_register_is_asked_to_grow_again_after_each_of_two_collections(void)
{
    enum { MANY = 1000 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *head, *next;
    } at;
    uint32_t collections = 0;
    struct gc_observer observer = { .notify = note_collection, .argument = &collections };
    if (!open(&f, "minimum=1G", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.head, &finalized_type));
    gc_observer_add(m, &observer);
    memory_refuse(true);
    bool made = true;
    for (int k = 1; k < MANY && made && collections == 0; k++) {
        made = gc_new(m, &at.next, &finalized_type);
        if (made) gc_give(m, at.next, left, &at.head);
        gc_move(m, &at.head, &at.next);
    }
    memory_refuse(false);
    gc_observer_remove(m, &observer);
    CU_ASSERT_TRUE(made);
    CU_ASSERT_EQUAL(collections, 2);
    gc_leave(m, at);
    gc_quiesce(m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void large_objects_alone_make_collections_due(void)
{
    enum { BYTES = 100000, MANY = 200 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *large;
    } at;
    if (!open(&f, "minimum=1M", 0)) return;
    gc_enter(f.m, at);
    for (int i = 0; i < MANY; i++)
        CU_ASSERT_TRUE(gc_new_array(f.m, &at.large, &bytes_type, 0, BYTES));
    CU_ASSERT(f.heap->collections >= MANY * BYTES / (2 << 20));
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->peak_bytes) < 2 << 20);
    gc_leave(f.m, at);
    fixture_close(&f);
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
    } at;
    if (!open(&f, "mark_stack=1", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    make_wide(m, &at.wide);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 1001);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 1001);
    fixture_close(&f);
}

static void several_weak_references_to_one_object_are_all_cleared(void)
{
    expect_weak_cleared("mark_sweep", 40);
}

static void a_weak_reference_that_cannot_be_made_empties_its_local(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *local;
    } at;
    if (!tracing_open(&f, "mark_sweep", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.local, &node_type));
    struct gc_weak **local = (struct gc_weak **)(void *)&at.local;
    memory_refuse(true);
    bool made = gc_weak_new(m, local, &at.local->header, NULL, NULL);
    memory_refuse(false);
    CU_ASSERT_FALSE(made);
    CU_ASSERT_PTR_NULL(at.local);
    gc_leave(m, at);
    fixture_close(&f);
}

static void a_finalized_object_goes_with_the_next_collection(void)
{
    expect_finalized_then_freed("mark_sweep");
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
        CU_ASSERT_EQUAL(finalized(), 5);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        fixture_close(&f);
    }
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
    CU_ASSERT_EQUAL(fixture_allocated(&f), 4 * BUILT);
    fixture_close(&f);
}

/* The counterpart of on_the_fly's test: the same program, in a heap of ten times its size. */
static uint64_t most_work_in_a_stop(size_t live)
{
    struct fixture f;
    if (!open(&f, NULL, 10 * live * sizeof(struct node))) return 0;
    CU_ASSERT_TRUE(keep_and_churn(f.m, live, 12 * live, NULL));
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
        { "the_trigger_is_the_growth_of_what_lives",
                the_trigger_is_the_growth_of_what_lives },
        { "the_trigger_is_above_blocks_that_are_sparsely_used",
                the_trigger_is_above_blocks_that_are_sparsely_used },
        { "what_was_freed_does_not_look_alive", what_was_freed_does_not_look_alive },
        { "a_full_register_is_asked_to_grow_again_after_each_of_two_collections",
                a_full_register_is_asked_to_grow_again_after_each_of_two_collections },
        { "large_objects_alone_make_collections_due",
                large_objects_alone_make_collections_due },
        { "memory_that_was_swept_is_used_again", memory_that_was_swept_is_used_again },
        { "a_tiny_mark_stack_finds_everything", a_tiny_mark_stack_finds_everything },
        { "several_weak_references_to_one_object_are_all_cleared",
                several_weak_references_to_one_object_are_all_cleared },
        { "a_weak_reference_that_cannot_be_made_empties_its_local",
                a_weak_reference_that_cannot_be_made_empties_its_local },
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
