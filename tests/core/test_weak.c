/* SPDX-License-Identifier: MIT */
/* test_weak.c - weak references: cleared once, called back in order. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

enum { CALLS = 64 };

static struct {
    uint32_t count;
    int64_t keys[CALLS]; /* of the data that the callbacks got; -1: none */
    struct gc_weak *weak[CALLS];
    bool target_was_alive;
} called;

static int note(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    gc_slot target = NULL;
    gc_weak_load(m, &target, weak);
    called.target_was_alive |= target != NULL;
    if (called.count < CALLS) {
        called.weak[called.count] = weak;
        called.keys[called.count] =
                data != NULL ? ((struct leaf *)(void *)data)->key : -1;
    }
    called.count++;
    return 0;
}

static int fail(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    note(m, weak, data);
    return 7;
}

static bool open(struct fixture *f)
{
    memset(&called, 0, sizeof(called));
    return fixture_open(f, "refcount", NULL, 0);
}

/* *out = a weak reference whose callback gets a leaf with this key. */
static void make_weak(struct gc_mutator *m, struct gc_weak **out,
        struct gc_object *target, gc_weak_fn callback, int64_t key)
{
    struct {
        struct gc_frame frame;
        struct leaf *data;
        struct gc_weak *weak;
    } at;
    gc_enter(m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(m, &at.data, &leaf_type));
    at.data->key = key;
    CU_ASSERT_TRUE_FATAL(gc_weak_new(m, &at.weak, target, callback, &at.data->header));
    gc_move(m, out, &at.weak);
    gc_leave(m, at);
}

static void is_cleared_and_called_once_with_its_data(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *target, *loaded;
        struct gc_weak *weak;
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.target, &node_type));
    make_weak(m, &at.weak, &at.target->header, note, 41);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.target->header), 1);
    gc_load_weak(m, &at.loaded, at.weak);
    CU_ASSERT_PTR_EQUAL(at.loaded, at.target);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.target->header), 2);
    gc_clear(m, &at.target);
    CU_ASSERT_EQUAL(called.count, 0);
    gc_clear(m, &at.loaded);
    CU_ASSERT_EQUAL(called.count, 1);
    CU_ASSERT_EQUAL(called.keys[0], 41);
    CU_ASSERT_PTR_EQUAL(called.weak[0], at.weak);
    CU_ASSERT_FALSE(called.target_was_alive);
    gc_load_weak(m, &at.loaded, at.weak);
    CU_ASSERT_PTR_NULL(at.loaded);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.weak->header), 1);
    CU_ASSERT_EQUAL(m->counters.weak_cleared, 1);
    CU_ASSERT_EQUAL(m->counters.callbacks, 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(called.count, 1);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void callbacks_run_newest_first(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *target, *other;
        struct gc_weak *weak[10];
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.target, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.other, &node_type));
    for (int i = 0; i < 10; i++)
        make_weak(m, &at.weak[i], i == 4 ? &at.other->header : &at.target->header,
                i == 6 ? NULL : note, i);
    gc_clear(m, &at.weak[2]); /* dropped before its target: no callback */
    gc_clear(m, &at.target);
    static const int64_t expected[] = { 9, 8, 7, 5, 3, 1, 0 };
    CU_ASSERT_EQUAL(called.count, COUNT(expected));
    CU_ASSERT_EQUAL(memcmp(called.keys, expected, sizeof(expected)), 0);
    CU_ASSERT_EQUAL(m->counters.weak_cleared, 8);
    gc_clear(m, &at.other);
    CU_ASSERT_EQUAL(called.keys[7], 4);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void the_table_grows_and_loses_nobody(void)
{
    enum { TARGETS = 700, EACH = 3 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *targets, *weak;
        struct node *target;
        struct gc_weak *one;
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.targets, &array_type, TARGETS, 0));
    CU_ASSERT_TRUE(gc_new_array(m, &at.weak, &array_type, TARGETS * EACH, 0));
    for (uint32_t i = 0; i < TARGETS; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.target, &node_type));
        at.target->key = i;
        gc_give(m, at.targets, slot[i], &at.target);
    }
    for (uint32_t i = 0; i < TARGETS * EACH; i++) { /* each target's are far apart */
        gc_load(m, &at.target, at.targets, slot[i % TARGETS]);
        make_weak(m, &at.one, &at.target->header, note, i);
        gc_give(m, at.weak, slot[i], &at.one);
    }
    CU_ASSERT_EQUAL(f.heap->weak_count, TARGETS * EACH);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < TARGETS * EACH; i++) {
        gc_load(m, &at.one, at.weak, slot[i]);
        gc_load_weak(m, &at.target, at.one);
        wrong += at.target == NULL || at.target->key != i % TARGETS;
    }
    gc_clear(m, &at.target);
    fixture_verify(&f);
    for (uint32_t i = 0; i < TARGETS; i++) {
        called.count = 0;
        gc_store_null(m, at.targets, slot[i]);
        wrong += called.count != EACH;
        for (uint32_t k = 0; k < EACH; k++)
            wrong += called.keys[k] != (EACH - 1 - k) * TARGETS + i;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(f.heap->weak_count, 0);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void an_error_of_a_callback_is_reported_and_the_others_run(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *target;
        struct gc_weak *weak[3];
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.target, &node_type));
    for (int i = 0; i < 3; i++)
        make_weak(m, &at.weak[i], &at.target->header, i == 1 ? fail : note, i);
    gc_clear(m, &at.target);
    CU_ASSERT_EQUAL(called.count, 3);
    CU_ASSERT_EQUAL(f.errors, 1);
    CU_ASSERT_EQUAL(f.last_error, 7);
    CU_ASSERT_PTR_EQUAL(f.last_object, &at.weak[1]->header);
    CU_ASSERT_EQUAL(m->counters.callback_errors, 1);
    gc_leave(m, at);
    fixture_close(&f);
}

static void targets_may_be_leaves_arrays_or_weak_references(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct leaf *leaf;
        struct gc_array *bytes;
        struct gc_weak *a, *b, *c, *none;
        struct node *loaded;
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.leaf, &leaf_type));
    CU_ASSERT_TRUE(gc_new_array(m, &at.bytes, &bytes_type, 0, 100000));
    make_weak(m, &at.a, &at.leaf->header, note, 1);
    make_weak(m, &at.b, &at.bytes->header, note, 2);
    make_weak(m, &at.c, &at.a->header, note, 3);
    make_weak(m, &at.none, NULL, note, 4);
    gc_load_weak(m, &at.loaded, at.none);
    CU_ASSERT_PTR_NULL(at.loaded);
    gc_clear(m, &at.bytes);
    CU_ASSERT_EQUAL(called.count, 1);
    CU_ASSERT_EQUAL(called.keys[0], 2);
    gc_clear(m, &at.a); /* a weak reference dies, and with it its own duty */
    CU_ASSERT_EQUAL(called.count, 2);
    CU_ASSERT_EQUAL(called.keys[1], 3);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(called.count, 2);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(f.heap->weak_count, 0);
    fixture_close(&f);
}

static void the_local_may_hold_the_target_itself(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_weak *weak;
        struct node *loaded;
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_weak_new(m, &at.weak, NULL, NULL, NULL));
    /* The local held the only reference to the target: it dies, and is never seen. */
    CU_ASSERT_TRUE(gc_weak_new(m, &at.weak, &at.weak->header, note, NULL));
    gc_load_weak(m, &at.loaded, at.weak);
    CU_ASSERT_PTR_NULL(at.loaded);
    CU_ASSERT_EQUAL(f.heap->weak_count, 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 1);
    /* And the data: the weak reference keeps it. */
    CU_ASSERT_TRUE(gc_weak_new(m, &at.weak, NULL, NULL, &at.weak->header));
    CU_ASSERT_EQUAL(fixture_live(&f), 2);
    fixture_verify(&f);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static int drop_the_other(
        struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    note(m, weak, NULL);
    struct node *holder = (struct node *)(void *)data;
    if (holder != NULL) gc_store_null(m, holder, left);
    return 0;
}

static void a_callback_may_drop_another_pending_weak_reference(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *target, *holder;
        struct gc_weak *older, *newer;
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.target, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.holder, &node_type));
    make_weak(m, &at.older, &at.target->header, note, 5);
    gc_protocol_give(m, &at.holder->header, (gc_slot *)(void *)&at.holder->left,
            (gc_slot *)(void *)&at.older);
    CU_ASSERT_TRUE(gc_weak_new(
            m, &at.newer, &at.target->header, drop_the_other, &at.holder->header));
    gc_clear(m, &at.target);
    /* It was pending when it was dropped, so it is still called; then it goes. */
    CU_ASSERT_EQUAL(called.count, 2);
    CU_ASSERT_EQUAL(called.keys[1], 5);
    CU_ASSERT_EQUAL(fixture_live(&f), 2);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void a_table_that_cannot_grow_is_relieved_and_tried_again(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *target;
        struct leaf *data;
        struct gc_weak *weak;
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.target, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.data, &leaf_type));
    CU_ASSERT_TRUE(gc_weak_new(m, &at.weak, NULL, NULL, NULL)); /* its block is there */
    gc_clear(m, &at.weak);
    gc_os_fail_allocation(1); /* the table */
    bool made = gc_weak_new(m, &at.weak, &at.target->header, note, &at.data->header);
    gc_os_fail_allocation(0);
    CU_ASSERT_TRUE(made);
    CU_ASSERT_PTR_NOT_NULL(at.weak);
    CU_ASSERT_EQUAL(fixture_live(&f), 3);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.data->header), 2);
    fixture_verify(&f);
    gc_clear(m, &at.weak); /* before its target: it is not called */
    gc_leave(m, at);
    CU_ASSERT_EQUAL(called.count, 0);
    fixture_close(&f);
}

static void what_cannot_be_made_holds_nothing(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *target;
        struct leaf *data;
        struct gc_weak *weak;
    } at;
    if (!open(&f)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.target, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.data, &leaf_type));
    memory_refuse(true);
    bool made = gc_weak_new(m, &at.weak, &at.target->header, note, &at.data->header);
    memory_refuse(false);
    CU_ASSERT_FALSE(made);
    CU_ASSERT_EQUAL(f.exhausted, 1);
    CU_ASSERT_PTR_NULL(at.weak);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.target->header), 1);
    CU_ASSERT_EQUAL(gc_refcount(m, &at.data->header), 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

int test_weak_suite(void)
{
    static const struct test tests[] = {
        { "is_cleared_and_called_once_with_its_data",
                is_cleared_and_called_once_with_its_data },
        { "callbacks_run_newest_first", callbacks_run_newest_first },
        { "the_table_grows_and_loses_nobody", the_table_grows_and_loses_nobody },
        { "an_error_of_a_callback_is_reported_and_the_others_run",
                an_error_of_a_callback_is_reported_and_the_others_run },
        { "targets_may_be_leaves_arrays_or_weak_references",
                targets_may_be_leaves_arrays_or_weak_references },
        { "the_local_may_hold_the_target_itself", the_local_may_hold_the_target_itself },
        { "a_callback_may_drop_another_pending_weak_reference",
                a_callback_may_drop_another_pending_weak_reference },
        { "what_cannot_be_made_holds_nothing", what_cannot_be_made_holds_nothing },
        { "a_table_that_cannot_grow_is_relieved_and_tried_again",
                a_table_that_cannot_grow_is_relieved_and_tried_again },
    };
    return suite_add("core/weak", tests, COUNT(tests));
}
