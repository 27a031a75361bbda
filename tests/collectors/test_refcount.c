/* SPDX-License-Identifier: MIT */
/* test_refcount.c - what counts free is freed at once; cycles leak, exactly. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include "tests/suites.h"
#include "tests/support.h"

static void acyclic_garbage_goes_with_its_last_reference(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain, *middle;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.chain, 100));
    gc_set(m, &at.middle, at.chain);
    for (int i = 0; i < 60; i++)
        gc_load(m, &at.middle, at.middle, left);
    gc_clear(m, &at.chain);
    CU_ASSERT_EQUAL(fixture_live(&f), 40);
    gc_clear(m, &at.middle);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(m->counters.freed_by_count, 100);
    gc_leave(m, at);
    fixture_close(&f);
}

static void cyclic_garbage_leaks_exactly(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *ring, *tail;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    for (size_t n = 1; n <= 10; n++)
        CU_ASSERT_TRUE(make_ring(m, &at.ring, n));
    CU_ASSERT_TRUE(make_chain(m, &at.tail, 7));
    gc_store(m, at.ring, right, at.tail); /* what a leaked ring holds leaks as well */
    gc_leave(m, at);
    gc_quiesce(m);
    CU_ASSERT_EQUAL(fixture_live(&f), 55 + 7);
    CU_ASSERT_EQUAL(f.heap->collections, 0);
    fixture_verify(&f);
    fixture_close(&f);
}

static void a_ring_that_is_cut_open_dies(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *ring, *next;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_ring(m, &at.ring, 50));
    for (int i = 0; i < 50; i++) {
        gc_load(m, &at.next, at.ring, left);
        gc_store_null(m, at.ring, right);
        gc_move(m, &at.ring, &at.next);
    }
    gc_store_null(m, at.ring, left);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

int test_refcount_suite(void)
{
    static const struct test tests[] = {
        { "acyclic_garbage_goes_with_its_last_reference",
                acyclic_garbage_goes_with_its_last_reference },
        { "cyclic_garbage_leaks_exactly", cyclic_garbage_leaks_exactly },
        { "a_ring_that_is_cut_open_dies", a_ring_that_is_cut_open_dies },
    };
    return suite_add("collectors/refcount", tests, COUNT(tests));
}
