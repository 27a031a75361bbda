/* SPDX-License-Identifier: MIT */
/* test_mutator.c - counts that are shown, and objects that live for ever. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include "tests/suites.h"
#include "tests/support.h"

static void an_immortal_object_never_dies_and_shows_one_count(void)
{
    static const char *const collectors[] = { "refcount", "generational" };
    for (size_t i = 0; i < COUNT(collectors); i++) {
        struct fixture f;
        struct {
            struct gc_frame frame;
            struct node *node, *copy;
        } at;
        if (!fixture_open(&f, collectors[i], NULL, 0)) continue;
        struct gc_mutator *m = f.m;
        gc_enter(m, at);
        CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
        gc_immortalize(m, &at.node->header);
        CU_ASSERT_EQUAL(gc_refcount(m, &at.node->header), GC_REFCOUNT_IMMORTAL);
        gc_set(m, &at.copy, at.node);
        CU_ASSERT_EQUAL(gc_refcount(m, &at.node->header), GC_REFCOUNT_IMMORTAL);
        CU_ASSERT_TRUE(make_chain(m, &at.copy, 1));
        gc_store(m, at.node, left, at.copy);
        gc_leave(m, at);
        gc_quiesce(m);
        CU_ASSERT_EQUAL(fixture_live(&f), 2); /* it, and what it holds */
        fixture_verify(&f);
        fixture_close(&f);
    }
}

static void a_leaf_can_be_immortal_too(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct leaf *leaf;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new(f.m, &at.leaf, &leaf_type));
    gc_immortalize(f.m, &at.leaf->header);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 1);
    fixture_close(&f);
}

static void leaving_a_frame_drops_what_its_locals_hold(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *a, *b;
    } outer;
    struct {
        struct gc_frame frame;
        struct node *a, *b, *c;
    } inner;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, outer);
    CU_ASSERT_TRUE(gc_new(m, &outer.a, &node_type));
    gc_enter(m, inner);
    gc_set(m, &inner.a, outer.a);
    gc_set(m, &inner.b, outer.a);
    CU_ASSERT_TRUE(gc_new(m, &inner.c, &node_type));
    gc_move(m, &outer.b, &inner.c); /* a result is handed out */
    CU_ASSERT_EQUAL(gc_refcount(m, &outer.a->header), 3);
    gc_leave(m, inner);
    CU_ASSERT_PTR_NULL(inner.a);
    CU_ASSERT_EQUAL(gc_refcount(m, &outer.a->header), 1);
    CU_ASSERT_EQUAL(gc_refcount(m, &outer.b->header), 1);
    gc_leave(m, outer);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

int test_mutator_suite(void)
{
    static const struct test tests[] = {
        { "an_immortal_object_never_dies_and_shows_one_count",
                an_immortal_object_never_dies_and_shows_one_count },
        { "a_leaf_can_be_immortal_too", a_leaf_can_be_immortal_too },
        { "leaving_a_frame_drops_what_its_locals_hold",
                leaving_a_frame_drops_what_its_locals_hold },
    };
    return suite_add("core/mutator", tests, COUNT(tests));
}
