/* SPDX-License-Identifier: MIT */
/* test_protocol_bare.c - references are pointers: operations move them, nothing counts. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include "tests/suites.h"
#include "tests/support.h"

static void every_operation_does_what_it_says(void)
{
    struct fixture f;
    gc_slot root = NULL;
    struct gc_root_range range;
    struct {
        struct gc_frame frame;
        struct node *a, *b, *x, *y;
    } at;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_roots_add(f.heap, &range, &root, 1);
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    gc_store_new(m, at.a, left, at.b);
    gc_load(m, &at.x, at.a, left);
    CU_ASSERT_PTR_EQUAL(at.x, at.b);
    gc_load_shared(m, &at.y, at.a, right);
    CU_ASSERT_PTR_NULL(at.y);
    gc_move(m, &at.y, &at.x);
    CU_ASSERT_PTR_EQUAL(at.y, at.b);
    CU_ASSERT_PTR_NULL(at.x);
    gc_give(m, at.a, right, &at.y);
    CU_ASSERT_PTR_EQUAL(at.a->right, at.b);
    CU_ASSERT_PTR_NULL(at.y);
    gc_exchange(m, at.a, right, &at.x);
    CU_ASSERT_PTR_NULL(at.a->right);
    CU_ASSERT_PTR_EQUAL(at.x, at.b);
    CU_ASSERT_FALSE(gc_compare_exchange(m, at.a, right, at.a, at.b));
    CU_ASSERT_TRUE(gc_compare_exchange(m, at.a, right, (struct node *)NULL, at.a));
    CU_ASSERT_PTR_EQUAL(at.a->right, at.a);
    gc_copy_slots(m, at.b, left, at.a, left, 2);
    CU_ASSERT_PTR_EQUAL(at.b->left, at.b);
    CU_ASSERT_PTR_EQUAL(at.b->right, at.a);
    gc_store_null(m, at.b, right);
    CU_ASSERT_PTR_NULL(at.b->right);
    gc_store_root(m, &root, at.a);
    gc_load_root(m, &at.y, &root);
    CU_ASSERT_PTR_EQUAL(at.y, at.a);
    gc_store_root_null(m, &root);
    gc_set(m, &at.x, at.a);
    gc_clear(m, &at.y);
    CU_ASSERT_PTR_EQUAL(at.x, at.a);
    CU_ASSERT_PTR_NULL(at.y);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.a->header), 0);
    gc_leave(m, at);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void locals_are_null_on_entry_and_frames_are_linked(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *a, *b;
    } at;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    at.a = at.b = (struct node *)(uintptr_t)8;
    gc_enter(f.m, at);
    CU_ASSERT_PTR_NULL(at.a);
    CU_ASSERT_PTR_NULL(at.b);
    CU_ASSERT_PTR_EQUAL(f.m->frames, &at.frame);
    CU_ASSERT_EQUAL(at.frame.locals, 2);
    gc_leave(f.m, at);
    CU_ASSERT_PTR_NULL(f.m->frames);
    fixture_close(&f);
}

enum { WRITERS = 4 };

/* Everybody publishes new nodes in one slot, and looks into what the others published. */
static void publish(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct {
        struct gc_frame frame;
        struct node *hub, *mine, *theirs;
    } at;
    gc_enter(m, at);
    gc_take_start(m, &at.hub);
    for (int64_t i = 1; i < 3000; i++) {
        worker_expect(worker, gc_new(m, &at.mine, &node_type));
        at.mine->key = i;
        gc_store_new(m, at.mine, left, at.mine);
        gc_store_shared(m, at.hub, left, at.mine);
        gc_load_shared(m, &at.theirs, at.hub, left);
        worker_expect(worker, at.theirs->key > 0 && at.theirs->left == at.theirs);
    }
    gc_leave(m, at);
}

static void who_loads_a_reference_sees_the_object_behind_it(void)
{
    struct fixture f;
    struct worker workers[WRITERS];
    struct {
        struct gc_frame frame;
        struct node *hub;
    } at;
    if (!fixture_open(&f, "mark_sweep", "minimum=64K", 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new(f.m, &at.hub, &node_type));
    workers_run(f.m, workers, WRITERS, publish, NULL, &at.hub->header);
    CU_ASSERT(f.heap->collections > 0);
    gc_leave(f.m, at);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void leave_in_the_wrong_order(void *argument)
{
    struct gc_mutator *m = argument;
    struct {
        struct gc_frame frame;
        struct node *a;
    } outer, inner;
    gc_enter(m, outer);
    gc_enter(m, inner);
    gc_leave(m, outer);
}

static void frames_left_in_the_wrong_order_are_found_in_checked_builds(void)
{
    struct fixture f;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    if (GC_ASSERTS >= 1)
        CU_ASSERT_TRUE(aborts_with(leave_in_the_wrong_order, f.m, "frames are left"));
    CU_ASSERT_PTR_NULL(f.m->frames);
    fixture_close(&f);
}

int test_protocol_bare_suite(void)
{
    static const struct test tests[] = {
        { "every_operation_does_what_it_says", every_operation_does_what_it_says },
        { "locals_are_null_on_entry_and_frames_are_linked",
                locals_are_null_on_entry_and_frames_are_linked },
        { "who_loads_a_reference_sees_the_object_behind_it",
                who_loads_a_reference_sees_the_object_behind_it },
        { "frames_left_in_the_wrong_order_are_found_in_checked_builds",
                frames_left_in_the_wrong_order_are_found_in_checked_builds },
    };
    return suite_add("core/protocol_bare", tests, COUNT(tests));
}
