/* SPDX-License-Identifier: MIT */
/* test_coalescing.c - counts taken from logs, young deaths uncounted, the backup trace. */
#define GC_PROTOCOL_HEADER "core/protocol/log_object.h"

#include "collectors/coalescing/coalescing.h"
#include "core/schedule.h"
#include "tests/collectors/tracing.h"
#include "tests/suites.h"

static bool open(struct fixture *f, const char *options, size_t limit)
{
    return tracing_open(f, "coalescing", options, limit);
}

static uint64_t count_of(const struct node *node)
{
    return gc_atomic_load_relaxed(&node->header.count);
}

/* A collection by counting, and one by the trace. */
static int64_t count(struct gc_mutator *m)
{
    return gc_collect(m, 0);
}
static int64_t trace(struct gc_mutator *m)
{
    return gc_collect(m, 2);
}

static void counts_are_the_slots_that_name_an_object(void)
{
    for (int traced = 0; traced < 2; traced++) {
        int64_t (*collect)(struct gc_mutator *) = traced ? trace : count;
        struct fixture f;
        struct {
            struct gc_frame frame;
            struct node *a, *b, *c;
        } at;
        if (!open(&f, NULL, 0)) return;
        struct gc_mutator *m = f.m;
        gc_enter(m, at);
        CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
        CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
        CU_ASSERT_TRUE(gc_new(m, &at.c, &node_type));
        gc_store(m, at.a, left, at.b);
        gc_store(m, at.a, right, at.b);
        gc_store(m, at.b, left, at.c);
        CU_ASSERT_EQUAL(collect(m), 0);
        CU_ASSERT_EQUAL(count_of(at.a), 0);
        CU_ASSERT_EQUAL(count_of(at.b), 2);
        CU_ASSERT_EQUAL(count_of(at.c), 1);
        gc_store(m, at.a, left, at.c);
        gc_store_null(m, at.a, right);
        gc_store(m, at.c, left, at.c);
        CU_ASSERT_EQUAL(collect(m), 0);
        CU_ASSERT_EQUAL(count_of(at.b), 0); /* a local holds it */
        CU_ASSERT_EQUAL(count_of(at.c), 3);
        gc_clear(m, &at.b);
        CU_ASSERT_EQUAL(collect(m), 1);
        CU_ASSERT_EQUAL(count_of(at.c), 2);
        gc_clear(m, &at.a);
        gc_clear(m, &at.c);
        CU_ASSERT_EQUAL(collect(m), traced ? 2 : 1); /* c names itself */
        gc_leave(m, at);
        CU_ASSERT_EQUAL(trace(m), traced ? 0 : 1);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        fixture_close(&f);
    }
}

static void young_deaths_are_never_counted(void)
{
    enum { GARBAGE = 20000 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *kept, *chain, *ring;
    } at;
    if (!open(&f, "young=1G", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.kept, 1000));
    CU_ASSERT_TRUE(make_chain(m, &at.chain, GARBAGE));
    CU_ASSERT_TRUE(make_ring(m, &at.ring, 500));
    gc_clear(m, &at.chain);
    gc_clear(m, &at.ring); /* a cycle that dies young needs no trace */
    CU_ASSERT_EQUAL(count(m), GARBAGE + 500);
    CU_ASSERT_EQUAL(m->counters.freed_new, GARBAGE + 500);
    CU_ASSERT_EQUAL(m->counters.freed_by_count, 0);
    CU_ASSERT_EQUAL(m->counters.visited_objects, 1000); /* the kept ones, once */
    CU_ASSERT_EQUAL(m->counters.visited_edges, 2000);
    CU_ASSERT_EQUAL(count(m), 0); /* nothing has happened since, and nothing is done */
    CU_ASSERT_EQUAL(m->counters.visited_objects, 1000);
    gc_clear(m, &at.kept);
    CU_ASSERT_EQUAL(count(m), 1000);
    CU_ASSERT_EQUAL(m->counters.freed_by_count, 1000);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_leave(m, at);
    fixture_close(&f);
}

static void blocks_of_dead_new_objects_are_given_back_whole(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *kept, *chain;
    } at;
    if (!open(&f, "young=1G", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_TRUE(make_chain(m, &at.chain, 5000));
        gc_clear(m, &at.chain);
        CU_ASSERT_TRUE(make_chain(m, &at.kept, 10)); /* the next block is shared */
        CU_ASSERT_EQUAL(count(m), 5000 + (i > 0 ? 10 : 0));
        CU_ASSERT_EQUAL(fixture_live(&f), 10);
        fixture_verify(&f);
    }
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->bytes) < 32 * GC_BLOCK_BYTES);
    gc_leave(m, at);
    gc_quiesce(m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void what_is_counted_and_dies_at_once_hides_no_garbage_of_its_block(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *root, *holder; /* of another class than nodes */
        struct node *chain, *garbage;
    } at;
    if (!open(&f, "young=1G", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.root, &array_type, 1, 0));
    CU_ASSERT_TRUE(gc_new_array(m, &at.holder, &array_type, 1, 0));
    gc_store(m, at.root, slot[0], at.holder);
    CU_ASSERT_EQUAL(count(m), 0);
    CU_ASSERT_TRUE(make_chain(m, &at.chain, 50));
    CU_ASSERT_TRUE(make_chain(m, &at.garbage, 10));
    gc_store(m, at.holder, slot[0], at.chain);
    gc_store_null(m, at.root, slot[0]);
    gc_clear(m, &at.chain);
    gc_clear(m, &at.garbage);
    gc_clear(m, &at.holder);
    CU_ASSERT_EQUAL(count(m), 1 + 50 + 10);
    CU_ASSERT_EQUAL(m->counters.freed_new, 10);
    CU_ASSERT_EQUAL(fixture_live(&f), 1);
    gc_leave(m, at);
    fixture_close(&f);
}

static void an_old_cycle_waits_for_the_trace(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *ring, *tail;
    } at;
    if (!open(&f, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_ring(m, &at.ring, 100));
    CU_ASSERT_TRUE(make_chain(m, &at.tail, 50));
    gc_store(m, at.tail, right, at.ring);
    CU_ASSERT_EQUAL(count(m), 0);
    CU_ASSERT_EQUAL(count_of(at.ring), 3);
    gc_clear(m, &at.ring);
    gc_clear(m, &at.tail);
    CU_ASSERT_EQUAL(count(m), 50);
    CU_ASSERT_EQUAL(fixture_live(&f), 100);
    CU_ASSERT_EQUAL(trace(m), 100);
    CU_ASSERT_EQUAL(m->counters.freed_by_trace, 100);
    gc_leave(m, at);
    fixture_close(&f);
}

static void a_tiny_stack_counts_the_same(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *wide;
        struct node *ring;
    } at;
    if (!open(&f, "mark_stack=1:young=1G", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    make_wide(m, &at.wide);
    CU_ASSERT_EQUAL(count(m), 0); /* counts are checked: CO1 */
    CU_ASSERT_EQUAL(m->counters.visited_objects, 1001);
    gc_load(m, &at.ring, at.wide, slot[7]);
    CU_ASSERT_EQUAL(count_of(at.ring), 3);
    CU_ASSERT_EQUAL(trace(m), 0);
    CU_ASSERT_EQUAL(count_of(at.ring), 3);
    CU_ASSERT_EQUAL(fixture_live(&f), 1001);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(count(m), 1); /* the array; its rings hold themselves */
    CU_ASSERT_EQUAL(trace(m), 1000);
    fixture_close(&f);
}

static void make_deep(struct gc_mutator *m, int depth, uint64_t *live)
{
    struct {
        struct gc_frame frame;
        struct node *a, *b;
    } at;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    if (depth > 0) {
        make_deep(m, depth - 1, live);
    } else {
        count(m);
        gc_clear(m, &at.b);
        *live = (uint64_t)count(m); /* as many roots as before, less one */
    }
    gc_leave(m, at);
}

static void a_deep_stack_of_roots_is_no_matter(void)
{
    struct fixture f;
    uint64_t died = 0;
    if (!open(&f, NULL, 0)) return;
    make_deep(f.m, 3000, &died);
    CU_ASSERT_EQUAL(died, 1);
    CU_ASSERT_EQUAL(count(f.m), 3001 * 2 - 1);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void a_heap_at_its_limit_is_collected_again_and_again(void)
{
    const size_t limit = (size_t)3 << 20;
    struct fixture f;
    if (!open(&f, NULL, limit)) return;
    churn_at_limit(&f, limit, 1000);
    CU_ASSERT(f.heap->collections > 10);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_verify(&f);
    fixture_close(&f);
}

/* Collections, by kind, of one program. */
static uint64_t collections_with(const char *options, int generation)
{
    struct fixture f;
    if (!open(&f, options, 0)) return 0;
    churn_chains(f.m);
    uint64_t collections = gc_generation_stats_get(f.m, generation).collections;
    fixture_close(&f);
    return collections;
}

static void options_say_how_often(void)
{
    uint64_t often = collections_with("young=256K", 0);
    uint64_t seldom = collections_with("young=1M", 0);
    CU_ASSERT(seldom >= 10);
    CU_ASSERT(often >= 3 * seldom);
    CU_ASSERT_EQUAL(collections_with("young=1G", 0), 0);
    uint64_t counted = collections_with("young=256K:backup=4:minimum=1G", 0);
    uint64_t traced = collections_with("young=256K:backup=4:minimum=1G", 2);
    CU_ASSERT(traced > 0 && counted >= 4 * traced && counted <= 4 * traced + 4);
    CU_ASSERT_EQUAL(collections_with("young=256K:minimum=1G", 2), 0);
    CU_ASSERT(collections_with("young=256K:minimum=64K", 2) > 0); /* it grows */
    CU_ASSERT(collections_with("young=256K:minimum=64K", 2) < 10);
}

/* Stores alone, no allocation: the log's budget makes a collection due. */
static void a_full_log_is_collected(void)
{
    enum { HOLDERS = 10000 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *holders;
        struct node *node, *value;
    } at;
    if (!open(&f, "young=1G:log=64K", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.holders, &array_type, HOLDERS, 0));
    for (uint32_t i = 0; i < HOLDERS; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
        gc_store(m, at.holders, slot[i], at.node);
    }
    CU_ASSERT_TRUE(gc_new(m, &at.value, &node_type));
    count(m);
    uint64_t before = f.heap->collections;
    size_t bytes = gc_atomic_load_relaxed(&f.heap->bytes);
    for (uint32_t i = 0; i < 10 * HOLDERS; i++) {
        gc_load(m, &at.node, at.holders, slot[i % HOLDERS]);
        gc_store(m, at.node, left, at.value);
    }
    const struct gc_stall_sum *held = &m->stalls->causes[GC_STALL_backpressure];
    uint64_t collections = f.heap->collections - before;
    CU_ASSERT(collections >= 5);
    CU_ASSERT_EQUAL(held->count, collections);
    CU_ASSERT(held->total_work > 0);
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->bytes) <= bytes + 2 * 65536);
    gc_disable(m); /* then the budget gives way */
    before = f.heap->collections;
    count(m);
    for (uint32_t i = 0; i < HOLDERS; i++) {
        gc_load(m, &at.node, at.holders, slot[i]);
        gc_store_null(m, at.node, left);
    }
    CU_ASSERT_EQUAL(f.heap->collections, before + 1);
    gc_enable(m);
    gc_leave(m, at);
    gc_quiesce(m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void weak_references_are_cleared_by_both_kinds_of_collection(void)
{
    enum { TARGETS = 40 };
    for (int kind = 0; kind < 4; kind++) {
        const bool traced = kind & 1, old = kind & 2;
        struct fixture f;
        struct {
            struct gc_frame frame;
            struct gc_array *weak, *kept, *strong;
        } at;
        if (!open(&f, NULL, 0)) return;
        struct gc_mutator *m = f.m;
        gc_enter(m, at);
        CU_ASSERT_TRUE(gc_new_array(m, &at.weak, &array_type, WEAK_EACH * TARGETS, 0));
        CU_ASSERT_TRUE(gc_new_array(m, &at.kept, &array_type, TARGETS, 0));
        CU_ASSERT_TRUE(gc_new_array(m, &at.strong, &array_type, TARGETS, 0));
        make_weak_targets(m, at.weak, at.kept, at.strong, TARGETS);
        if (old) CU_ASSERT_EQUAL(count(m), 0);
        gc_clear(m, &at.strong);
        /* a weak reference that dies with its target is not called */
        gc_store_null(m, at.weak, slot[WEAK_EACH]);
        CU_ASSERT_EQUAL(gc_collect(m, traced ? 2 : 0), TARGETS * 3 / 4 + 2);
        CU_ASSERT_EQUAL(called(), WEAK_EACH * TARGETS * 3 / 4 - 1);
        CU_ASSERT_EQUAL(f.heap->weak_count, WEAK_EACH * TARGETS / 4);
        CU_ASSERT_EQUAL(count_wrong_weak(m, at.weak, TARGETS), 1); /* the empty one */
        fixture_verify(&f);
        gc_leave(m, at);
        gc_quiesce(m);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        fixture_close(&f);
    }
}

static void finalizers_run_once_before_the_object_goes(void)
{
    for (int kind = 0; kind < 4; kind++) {
        const bool traced = kind & 1, old = kind & 2;
        const int generation = traced ? 2 : 0;
        struct fixture f;
        struct {
            struct gc_frame frame;
            struct node *a, *b;
            struct gc_weak *weak;
        } at;
        if (!open(&f, NULL, 0)) return;
        struct gc_mutator *m = f.m;
        gc_enter(m, at);
        CU_ASSERT_TRUE(gc_new(m, &at.a, &finalized_type));
        CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
        CU_ASSERT_TRUE(gc_new_weak(m, &at.weak, at.a, NULL, (struct node *)NULL));
        gc_store(m, at.a, left, at.b);
        if (traced) gc_store(m, at.b, left, at.a);
        if (old) CU_ASSERT_EQUAL(gc_collect(m, 0), 0);
        gc_clear(m, &at.a);
        gc_clear(m, &at.b);
        CU_ASSERT_EQUAL(gc_collect(m, generation), 0);
        CU_ASSERT_EQUAL(finalized(), 1);
        gc_load_weak(m, &at.b, at.weak);
        CU_ASSERT_PTR_NULL(at.b);
        CU_ASSERT_EQUAL(f.heap->finalizable_count, 0);
        CU_ASSERT_EQUAL(gc_collect(m, generation), 2);
        CU_ASSERT_EQUAL(finalized(), 1);
        gc_leave(m, at);
        CU_ASSERT_EQUAL(gc_collect(m, generation), 1);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        fixture_close(&f);
    }
}

static void half_of_what_a_limit_leaves_may_be_born_between_collections(void)
{
    const size_t limit = (size_t)8 << 20;
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *kept;
    } at;
    if (!open(&f, "young=1G", limit)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.kept, 1000));
    CU_ASSERT(gc_collect(m, 2) >= 0);
    const size_t live = coalescing_of(f.heap)->live_bytes;
    CU_ASSERT(live >= 1000 * sizeof(struct node));
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->taken_trigger), (limit - live) / 2);
    gc_leave(m, at);
    fixture_close(&f);
}

static void near_its_limit_a_heap_is_traced_once_three_quarters_live(void)
{
    const size_t limit = (size_t)8 << 20;
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *kept, *more;
    } at;
    if (!open(&f, "young=1G:minimum=1G", limit)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.kept, &node_type));
    const size_t cell = gc_block_of(at.kept)->cell_bytes;
    CU_ASSERT_TRUE(make_chain(m, &at.kept, (uint32_t)(limit / 100 * 70 / cell)));
    CU_ASSERT(count(m) >= 0);
    CU_ASSERT_FALSE(coalescing_of(f.heap)->backup_due);
    CU_ASSERT_TRUE(make_chain(m, &at.more, (uint32_t)(limit / 100 * 10 / cell)));
    CU_ASSERT(count(m) >= 0);
    CU_ASSERT_TRUE(coalescing_of(f.heap)->backup_due);
    gc_leave(m, at);
    fixture_close(&f);
}

static void what_a_trace_has_finalized_goes_by_its_count(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *dead, *holder;
    } at;
    if (!open(&f, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.dead, &finalized_type));
    CU_ASSERT_TRUE(gc_new(m, &at.holder, &node_type));
    gc_store(m, at.holder, left, at.dead);
    gc_clear(m, &at.dead);
    CU_ASSERT_EQUAL(count(m), 0);
    gc_store_null(m, at.holder, left);
    CU_ASSERT_EQUAL(trace(m), 0);
    CU_ASSERT_EQUAL(finalized(), 1);
    CU_ASSERT_EQUAL(count(m), 1); /* without another trace */
    CU_ASSERT_EQUAL(fixture_live(&f), 1);
    gc_leave(m, at);
    fixture_close(&f);
}

static struct gc_object **rescue;

static int save_itself(struct gc_mutator *m, struct gc_object *object)
{
    gc_store_root(m, rescue, (struct node *)(void *)object);
    return finalize(m, object);
}

static const struct gc_type saved_type =
        GC_TYPE(struct node, .slots = 2, .finalize = save_itself);

static void a_finalizer_can_bring_its_object_back(void)
{
    struct fixture f;
    struct gc_root_range range;
    gc_slot root = NULL;
    struct {
        struct gc_frame frame;
        struct node *a;
    } at;
    if (!open(&f, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    rescue = &root;
    gc_roots_add(f.heap, &range, &root, 1);
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.a, &saved_type));
    at.a->key = 17;
    gc_clear(m, &at.a);
    CU_ASSERT_EQUAL(count(m), 0);
    CU_ASSERT_EQUAL(finalized(), 1);
    CU_ASSERT_EQUAL(count(m), 0);
    gc_load_root(m, &at.a, &root);
    CU_ASSERT_EQUAL(at.a->key, 17);
    gc_store_root_null(m, &root);
    gc_clear(m, &at.a);
    CU_ASSERT_EQUAL(count(m), 1);
    CU_ASSERT_EQUAL(finalized(), 1);
    gc_leave(m, at);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void mutators_share_a_heap(void)
{
    enum { MOST = 64 };
    static const uint32_t counts[] = { 1, 2, 4, 8, MOST };
    static struct worker workers[MOST];
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct fixture f;
        if (!open(&f, "young=128K:log=8K:backup=5", 0)) return;
        workers_run(f.m, workers, counts[i], build_and_drop, NULL, NULL);
        CU_ASSERT(f.heap->collections > 0);
        gc_quiesce(f.m);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        fixture_verify(&f);
        fixture_close(&f);
    }
}

int test_coalescing_suite(void)
{
    static const struct test tests[] = {
        { "counts_are_the_slots_that_name_an_object",
                counts_are_the_slots_that_name_an_object },
        { "young_deaths_are_never_counted", young_deaths_are_never_counted },
        { "blocks_of_dead_new_objects_are_given_back_whole",
                blocks_of_dead_new_objects_are_given_back_whole },
        { "what_is_counted_and_dies_at_once_hides_no_garbage_of_its_block",
                what_is_counted_and_dies_at_once_hides_no_garbage_of_its_block },
        { "an_old_cycle_waits_for_the_trace", an_old_cycle_waits_for_the_trace },
        { "a_tiny_stack_counts_the_same", a_tiny_stack_counts_the_same },
        { "a_deep_stack_of_roots_is_no_matter", a_deep_stack_of_roots_is_no_matter },
        { "a_heap_at_its_limit_is_collected_again_and_again",
                a_heap_at_its_limit_is_collected_again_and_again },
        { "options_say_how_often", options_say_how_often },
        { "a_full_log_is_collected", a_full_log_is_collected },
        { "weak_references_are_cleared_by_both_kinds_of_collection",
                weak_references_are_cleared_by_both_kinds_of_collection },
        { "finalizers_run_once_before_the_object_goes",
                finalizers_run_once_before_the_object_goes },
        { "half_of_what_a_limit_leaves_may_be_born_between_collections",
                half_of_what_a_limit_leaves_may_be_born_between_collections },
        { "near_its_limit_a_heap_is_traced_once_three_quarters_live",
                near_its_limit_a_heap_is_traced_once_three_quarters_live },
        { "what_a_trace_has_finalized_goes_by_its_count",
                what_a_trace_has_finalized_goes_by_its_count },
        { "a_finalizer_can_bring_its_object_back",
                a_finalizer_can_bring_its_object_back },
        { "mutators_share_a_heap", mutators_share_a_heap },
    };
    return suite_add("collectors/coalescing", tests, COUNT(tests));
}
