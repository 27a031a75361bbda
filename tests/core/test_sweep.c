/* SPDX-License-Identifier: MIT */
/* test_sweep.c - blocks are handed over, and swept by whoever comes first. No collection runs
 * here: what is dead is marked by hand. */
#define GC_PROTOCOL_HEADER "core/protocol/satb.h"

#include "core/sweep.h"

#include "tests/suites.h"
#include "tests/support.h"

enum { ALIVE = 0, DEAD_MARK = 7, NODES = 5000 };

static bool open(struct fixture *f)
{
    return fixture_open(f, "on_the_fly", "minimum=1G", 0);
}

/* Every third of a chain gets the mark; the chain is let go. */
static void make_some_dead(struct gc_mutator *m)
{
    struct {
        struct gc_frame frame;
        struct node *at;
    } at;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.at, NODES));
    for (int i = 0; at.at != NULL; i++) {
        if (i % 3 == 0) gc_object_set_mark(&at.at->header, DEAD_MARK);
        gc_load(m, &at.at, at.at, left);
    }
    gc_leave(m, at);
}

static uint64_t sweep_all(struct fixture *f)
{
    while (gc_sweep_some(f->m))
        ;
    return gc_atomic_load_relaxed(&f->heap->sweeper->freed);
}

static void what_is_marked_dead_is_freed_and_used_again(void)
{
    const uint64_t dead = (NODES + 2) / 3;
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *again;
    } at;
    if (!open(&f)) return;
    make_some_dead(f.m);
    gc_sweep_hand_over(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), NODES); /* exact, with the free cells of its run */
    CU_ASSERT_EQUAL(fixture_allocated(&f), NODES);
    gc_sweep_open(f.heap, DEAD_MARK);
    CU_ASSERT_EQUAL(sweep_all(&f), dead);
    CU_ASSERT_EQUAL(fixture_live(&f), NODES - dead);
    CU_ASSERT_EQUAL(fixture_allocated(&f), NODES);
    fixture_verify(&f);
    size_t bytes = gc_atomic_load_relaxed(&f.heap->bytes);
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(make_chain(f.m, &at.again, dead));
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes), bytes);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), NODES);
    fixture_verify(&f);
    fixture_close(&f);
}

/* Whose blocks are all unswept makes as many objects as there are dead ones: each time that it
 * needs a block it sweeps one, and that is all that holds it up. */
static void an_allocation_sweeps_one_block(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *again;
    } at;
    if (!open(&f)) return;
    make_some_dead(f.m);
    const uint64_t cells = GC_BLOCK_BYTES / sizeof(struct node);
    gc_sweep_hand_over(f.m);
    gc_sweep_open(f.heap, DEAD_MARK);
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(make_chain(f.m, &at.again, 1000));
    gc_leave(f.m, at);
    const struct gc_stall_sum *sum = &f.m->stalls->causes[GC_STALL_allocation];
    CU_ASSERT(sum->count > 1);
    CU_ASSERT(sum->max_work <= cells);
    CU_ASSERT(sum->total_work <= sum->count * cells);
    /* no more than it needed: a third of each block became free */
    CU_ASSERT(sum->count <= 1000 / (cells / 3) + 2);
    CU_ASSERT_EQUAL(sweep_all(&f), (NODES + 2) / 3);
    fixture_verify(&f);
    fixture_close(&f);
}

/* Who helps begins with the blocks that were full: those with free cells, as the one that its
 * owner was allocating from, are what the owner needs first. */
static void the_block_of_a_run_is_left_to_its_owner(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *last;
    } at;
    if (!open(&f)) return;
    make_some_dead(f.m);
    gc_enter(f.m, at);
    do { /* a block that it goes on with */
        CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.last, &node_type));
    } while (gc_block_of(at.last)->built == gc_block_of(at.last)->cells);
    struct gc_block *block = gc_block_of(at.last);
    gc_sweep_hand_over(f.m);
    gc_sweep_open(f.heap, DEAD_MARK);
    CU_ASSERT_TRUE(gc_sweep_some(f.m));
    CU_ASSERT_EQUAL(block->state, GC_BLOCK_UNSWEPT);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(sweep_all(&f), (NODES + 2) / 3);
    fixture_verify(&f);
    fixture_close(&f);
}

static void nothing_is_swept_before_all_have_handed_over(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *more;
    } at;
    if (!open(&f)) return;
    make_some_dead(f.m);
    gc_sweep_hand_over(f.m);
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(make_chain(f.m, &at.more, 1000)); /* in new blocks */
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(f.m->stalls->causes[GC_STALL_allocation].count, 0);
    CU_ASSERT_EQUAL(fixture_live(&f), NODES + 1000);
    gc_sweep_open(f.heap, DEAD_MARK);
    CU_ASSERT_EQUAL(sweep_all(&f), (NODES + 2) / 3);
    fixture_close(&f);
}

static _Atomic(uint32_t) is_through; /* relaxed: watched */

static void watch_sweeps(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    for (; gc_atomic_load_relaxed(&is_through) == 0; gc_schedule_yield()) {
        worker->result += gc_sweep_is_under_way(m->heap);
        gc_safepoint(m);
    }
}

static void others_see_that_an_owner_is_sweeping(void)
{
    struct fixture f;
    struct worker watcher[1];
    struct {
        struct gc_frame frame;
        struct node *again;
    } at;
    if (GC_CHECK < 1) return; /* release builds have no schedule */
    if (!open(&f)) return;
    make_some_dead(f.m);
    gc_sweep_hand_over(f.m);
    gc_sweep_open(f.heap, DEAD_MARK);
    gc_atomic_store_relaxed(&is_through, 0);
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(1));
    workers_start(f.m, watcher, 1, watch_sweeps, NULL, NULL);
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(make_chain(f.m, &at.again, 1000));
    gc_leave(f.m, at);
    CU_ASSERT_FALSE(gc_sweep_is_under_way(f.heap));
    gc_atomic_store_relaxed(&is_through, 1);
    workers_join(f.m, watcher, 1);
    gc_schedule_end();
    CU_ASSERT(watcher->result > 0);
    CU_ASSERT_EQUAL(sweep_all(&f), (NODES + 2) / 3);
    CU_ASSERT_FALSE(gc_sweep_is_under_way(f.heap));
    fixture_close(&f);
}

static void large_objects_and_empty_blocks_go_back(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *large, *kept;
        struct node *node;
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.kept, &bytes_type, 0, 50000));
    size_t bytes = gc_atomic_load_relaxed(&f.heap->bytes);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_TRUE(
                gc_new_array(m, &at.large, &bytes_type, 0, i < 2 ? 50000 : 5 << 20));
        gc_object_set_mark(&at.large->header, DEAD_MARK);
    }
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
        gc_object_set_mark(&at.node->header, DEAD_MARK);
    }
    gc_leave(m, at);
    gc_sweep_hand_over(m);
    gc_sweep_open(f.heap, DEAD_MARK);
    CU_ASSERT_EQUAL(sweep_all(&f), 1003);
    CU_ASSERT_EQUAL(fixture_live(&f), 1);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes), bytes);
    fixture_verify(&f);
    fixture_close(&f);
}

int test_sweep_suite(void)
{
    static const struct test tests[] = {
        { "what_is_marked_dead_is_freed_and_used_again",
                what_is_marked_dead_is_freed_and_used_again },
        { "an_allocation_sweeps_one_block", an_allocation_sweeps_one_block },
        { "the_block_of_a_run_is_left_to_its_owner",
                the_block_of_a_run_is_left_to_its_owner },
        { "nothing_is_swept_before_all_have_handed_over",
                nothing_is_swept_before_all_have_handed_over },
        { "others_see_that_an_owner_is_sweeping", others_see_that_an_owner_is_sweeping },
        { "large_objects_and_empty_blocks_go_back",
                large_objects_and_empty_blocks_go_back },
    };
    return suite_add("core/sweep", tests, COUNT(tests));
}
