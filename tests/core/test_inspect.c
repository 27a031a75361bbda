/* SPDX-License-Identifier: MIT */
/* test_inspect.c - who refers to whom. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include "core/inspect.h"
#include "tests/suites.h"
#include "tests/support.h"

struct met {
    struct gc_object *objects[8];
    uint32_t count, limit;
};

static bool meet(struct gc_object *object, void *argument)
{
    struct met *met = argument;
    met->objects[met->count++] = object;
    return met->count < met->limit;
}

/* a holds b twice and c holds b; nobody holds a but the local. */
static void referents_and_referrers_are_each_others_mirror(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *a, *b, *c;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.a, &node_type));
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.b, &node_type));
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.c, &node_type));
    gc_store(f.m, at.a, left, at.b);
    gc_store(f.m, at.a, right, at.b);
    gc_store(f.m, at.c, right, at.b);

    struct met held = { .limit = 8 };
    CU_ASSERT_TRUE(gc_referents(&at.a->header, meet, &held));
    CU_ASSERT_EQUAL(held.count, 2);
    CU_ASSERT_PTR_EQUAL(held.objects[0], at.b);
    CU_ASSERT_PTR_EQUAL(held.objects[1], at.b);

    struct met holders = { .limit = 8 }, nobody = { .limit = 8 }, first = { .limit = 1 };
    gc_stop_begin(f.m);
    CU_ASSERT_TRUE(gc_referrers_stw(f.heap, &at.b->header, meet, &holders));
    CU_ASSERT_TRUE(gc_referrers_stw(f.heap, &at.a->header, meet, &nobody));
    CU_ASSERT_FALSE(gc_referrers_stw(f.heap, &at.b->header, meet, &first));
    gc_stop_end(f.m, 0);
    CU_ASSERT_EQUAL(holders.count, 2); /* each once, however many slots */
    CU_ASSERT_EQUAL(nobody.count, 0);
    CU_ASSERT_EQUAL(first.count, 1);
    bool both = holders.objects[0] != holders.objects[1];
    for (uint32_t i = 0; i < holders.count; i++)
        both = both && (holders.objects[i] == &at.a->header ||
                               holders.objects[i] == &at.c->header);
    CU_ASSERT_TRUE(both);
    gc_leave(f.m, at);
    fixture_close(&f);
}

int test_inspect_suite(void)
{
    static const struct test tests[] = {
        { "referents_and_referrers_are_each_others_mirror",
                referents_and_referrers_are_each_others_mirror },
    };
    return suite_add("core/inspect", tests, COUNT(tests));
}
