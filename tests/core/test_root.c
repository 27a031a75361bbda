/* SPDX-License-Identifier: MIT */
/* test_root.c - references from outside: ranges, callbacks, starts and locals. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include "tests/suites.h"
#include "tests/support.h"

struct found {
    uint32_t slots, full;
    int64_t keys;
};

static void find(gc_slot *slot, void *argument)
{
    struct found *found = argument;
    found->slots++;
    if (*slot == NULL) return;
    found->full++;
    found->keys += ((struct node *)(void *)*slot)->key;
}

static struct found find_all(struct fixture *f)
{
    struct found found = { 0, 0, 0 };
    gc_stop_begin(f->m);
    gc_roots_visit_stw(f->heap, find, &found);
    gc_stop_end(f->m, 0);
    return found;
}

static void make(struct gc_mutator *m, struct node **local, int64_t key)
{
    CU_ASSERT_TRUE_FATAL(gc_new(m, local, &node_type));
    (*local)->key = key;
}

static void ranges_can_be_added_and_removed_in_any_order(void)
{
    struct fixture f;
    struct gc_root_range ranges[3];
    gc_slot slots[6] = { NULL };
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    uint32_t others = find_all(&f).slots; /* the mutator's start */
    for (size_t i = 0; i < 3; i++)
        gc_roots_add(f.heap, &ranges[i], &slots[2 * i], 2);
    gc_enter(f.m, at);
    for (int i = 0; i < 6; i++) {
        make(f.m, &at.node, 1 << i);
        gc_store_root(f.m, &slots[i], at.node);
    }
    gc_clear(f.m, &at.node);
    gc_leave(f.m, at);
    struct found found = find_all(&f);
    CU_ASSERT_EQUAL(found.slots, others + 6);
    CU_ASSERT_EQUAL(found.keys, 63);
    gc_store_root_null(f.m, &slots[2]);
    gc_store_root_null(f.m, &slots[3]);
    gc_roots_remove(f.heap, &ranges[1]);
    found = find_all(&f);
    CU_ASSERT_EQUAL(found.slots, others + 4);
    CU_ASSERT_EQUAL(found.keys, 63 - 4 - 8);
    for (int i = 0; i < 6; i++)
        gc_store_root_null(f.m, &slots[i]);
    gc_roots_remove(f.heap, &ranges[0]);
    gc_roots_remove(f.heap, &ranges[2]);
    CU_ASSERT_EQUAL(find_all(&f).slots, others);
    fixture_close(&f);
}

struct stack {
    gc_slot values[3];
    uint32_t height;
};

static void enumerate(gc_visit_fn visit, void *visit_argument, void *argument)
{
    struct stack *stack = argument;
    for (uint32_t i = 0; i < stack->height; i++)
        visit(&stack->values[i], visit_argument);
}

static void callbacks_name_an_interpreter_s_stack(void)
{
    struct fixture f;
    struct stack stack = { { NULL }, 0 }, other = { { NULL }, 0 };
    struct gc_root_callback callback = { enumerate, &stack, NULL };
    struct gc_root_callback second = { enumerate, &other, NULL };
    if (!fixture_open(&f, "mark_sweep", NULL, 0)) return;
    uint32_t others = find_all(&f).slots;
    gc_root_callback_add(f.m, &callback);
    gc_root_callback_add(f.m, &second);
    for (int i = 0; i < 3; i++) {
        gc_slot *top = &stack.values[stack.height++];
        CU_ASSERT_TRUE_FATAL(gc_new_object(f.m, top, &node_type));
        ((struct node *)(void *)*top)->key = 100;
    }
    CU_ASSERT_EQUAL(find_all(&f).full, 3);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 0);
    while (stack.height > 1)
        gc_protocol_clear(f.m, &stack.values[--stack.height]);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 2);
    gc_protocol_clear(f.m, &stack.values[0]);
    gc_root_callback_remove(f.m, &callback);
    CU_ASSERT_EQUAL(find_all(&f).slots, others);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 1);
    gc_root_callback_remove(f.m, &second);
    fixture_close(&f);
}

static void what_waits_to_be_dropped_is_still_held(void)
{
    struct fixture f;
    struct gc_object *deferred[3];
    struct {
        struct gc_frame frame;
        struct node *a, *b, *c;
    } at;
    struct found without = { 0, 0, 0 }, with = { 0, 0, 0 };
    if (!fixture_open(&f, "none", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    make(m, &at.a, 1);
    make(m, &at.b, 10);
    make(m, &at.c, 100);
    gc_stop_begin(m);
    gc_roots_visit_mutator(m, find, &without);
    deferred[0] = &at.a->header;
    deferred[1] = deferred[2] = &at.b->header;
    m->deferred = deferred;
    m->deferred_count = 2; /* of room for three */
    m->drops[0] = &at.c->header;
    m->drop_count = 1;
    gc_roots_visit_mutator(m, find, &with);
    m->deferred = NULL;
    m->deferred_count = m->drop_count = 0;
    gc_stop_end(m, 0);
    CU_ASSERT_EQUAL(with.slots, without.slots + 3);
    CU_ASSERT_EQUAL(with.keys, without.keys + 111);
    gc_leave(m, at);
    fixture_close(&f);
}

/* Counted as the other locals are: a check of all counts needs the callback. */
static void slots_that_callbacks_name_count_where_locals_do(void)
{
    static const char *const collectors[] = { "refcount@plain", "generational@atomic" };
    for (size_t i = 0; i < COUNT(collectors); i++) {
        struct fixture f;
        struct stack stack = { { NULL }, 3 };
        struct gc_root_callback callback = { enumerate, &stack, NULL };
        if (!fixture_open(&f, collectors[i], NULL, 0)) continue;
        const struct gc_protocol *protocol = f.heap->protocol;
        gc_root_callback_add(f.m, &callback);
        CU_ASSERT_TRUE_FATAL(gc_new_slow(f.m, &stack.values[0], &node_type, 0, 0));
        stack.values[2] = stack.values[0];
        protocol->take(f.m, stack.values[2]);
        fixture_verify(&f);
        CU_ASSERT_EQUAL(gc_collect(f.m, 2), 0);
        for (int k = 0; k < 3; k++) {
            gc_slot value = stack.values[k];
            stack.values[k] = NULL;
            if (value != NULL) protocol->drop(f.m, value);
        }
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        gc_root_callback_remove(f.m, &callback);
        fixture_close(&f);
    }
}

static void detach_with_a_callback(void *argument)
{
    struct stack stack = { { NULL }, 0 };
    struct gc_root_callback callback = { enumerate, &stack, NULL };
    gc_root_callback_add(argument, &callback);
    gc_detach(argument);
}

static void a_mutator_does_not_exit_with_callbacks_left(void)
{
    struct fixture f;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    CU_ASSERT_TRUE(aborts_with(detach_with_a_callback, f.m, "with root callbacks left"));
    fixture_close(&f);
}

static void frames_are_found_down_to_the_first(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *a, *b;
    } outer;
    struct {
        struct gc_frame frame;
        struct node *c;
    } inner;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    gc_enter(f.m, outer);
    make(f.m, &outer.a, 1);
    make(f.m, &outer.b, 2);
    gc_enter(f.m, inner);
    make(f.m, &inner.c, 4);
    CU_ASSERT_EQUAL(find_all(&f).keys, 7);
    gc_leave(f.m, inner);
    CU_ASSERT_EQUAL(find_all(&f).keys, 3);
    gc_leave(f.m, outer);
    CU_ASSERT_EQUAL(find_all(&f).full, 0);
    fixture_close(&f);
}

static void park(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct {
        struct gc_frame frame;
        struct node *taken, *own;
    } at;
    _Atomic(uint32_t) *parked = worker->shared;
    gc_enter(m, at);
    gc_take_start(m, &at.taken);
    worker_expect(worker, gc_new(m, &at.own, &node_type));
    at.own->key = 1000;
    gc_atomic_fetch_add_relaxed(parked, 1);
    while (gc_atomic_load_relaxed(parked) != 0)
        gc_safepoint(m);
    gc_leave(m, at);
}

static void other_threads_locals_and_starts_are_roots(void)
{
    struct fixture f;
    struct worker workers[2];
    _Atomic(uint32_t) parked = 0;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "mark_sweep", NULL, 0)) return;
    gc_enter(f.m, at);
    make(f.m, &at.node, 7);
    workers_start(f.m, workers, 2, park, &parked, &at.node->header);
    gc_clear(f.m, &at.node); /* a start, or a local of its, holds it alone */
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 0);
    while (gc_atomic_load_relaxed(&parked) != 2)
        gc_safepoint(f.m);
    CU_ASSERT_EQUAL(find_all(&f).keys, 2014);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 0);
    gc_atomic_store_relaxed(&parked, 0);
    workers_join(f.m, workers, 2);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 3);
    gc_leave(f.m, at);
    fixture_close(&f);
}

static void remove_a_full_range(void *argument)
{
    struct gc_mutator *m = argument;
    static gc_slot slot;
    struct gc_root_range range;
    gc_roots_add(m->heap, &range, &slot, 1);
    if (gc_new_slow(m, &slot, &node_type, 0, 0)) gc_roots_remove(m->heap, &range);
}

static void a_range_that_holds_something_is_not_removed(void)
{
    struct fixture f;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    CU_ASSERT_TRUE(aborts_with(remove_a_full_range, f.m, "still holds a reference"));
    fixture_close(&f);
}

int test_root_suite(void)
{
    static const struct test tests[] = {
        { "ranges_can_be_added_and_removed_in_any_order",
                ranges_can_be_added_and_removed_in_any_order },
        { "callbacks_name_an_interpreter_s_stack",
                callbacks_name_an_interpreter_s_stack },
        { "what_waits_to_be_dropped_is_still_held",
                what_waits_to_be_dropped_is_still_held },
        { "slots_that_callbacks_name_count_where_locals_do",
                slots_that_callbacks_name_count_where_locals_do },
        { "a_mutator_does_not_exit_with_callbacks_left",
                a_mutator_does_not_exit_with_callbacks_left },
        { "frames_are_found_down_to_the_first", frames_are_found_down_to_the_first },
        { "other_threads_locals_and_starts_are_roots",
                other_threads_locals_and_starts_are_roots },
        { "a_range_that_holds_something_is_not_removed",
                a_range_that_holds_something_is_not_removed },
    };
    return suite_add("core/root", tests, COUNT(tests));
}
