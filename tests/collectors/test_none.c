/* SPDX-License-Identifier: MIT */
/* test_none.c - nothing is ever freed. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include "tests/suites.h"
#include "tests/support.h"

static void nothing_is_freed_and_nothing_is_collected(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    gc_enter(f.m, at);
    for (int i = 0; i < 10; i++)
        CU_ASSERT_TRUE(make_chain(f.m, &at.chain, 1000));
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 0);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 10000);
    CU_ASSERT_EQUAL(f.m->counters.freed_by_count, 0);
    fixture_verify(&f);
    fixture_close(&f);
}

static void a_full_heap_is_exhausted_at_once(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    if (!fixture_open(&f, "none", NULL, (size_t)1 << 20)) return;
    gc_enter(f.m, at);
    CU_ASSERT_FALSE(make_chain(f.m, &at.chain, 100000));
    CU_ASSERT_EQUAL(f.exhausted, 1);
    gc_clear(f.m, &at.chain);
    CU_ASSERT_FALSE(make_chain(f.m, &at.chain, 10000));
    gc_leave(f.m, at);
    fixture_close(&f);
}

int test_none_suite(void)
{
    static const struct test tests[] = {
        { "nothing_is_freed_and_nothing_is_collected",
                nothing_is_freed_and_nothing_is_collected },
        { "a_full_heap_is_exhausted_at_once", a_full_heap_is_exhausted_at_once },
    };
    return suite_add("collectors/none", tests, COUNT(tests));
}
