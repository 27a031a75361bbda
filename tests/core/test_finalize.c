/* SPDX-License-Identifier: MIT */
/* test_finalize.c - finalizers: once, before reclamation, with all references intact. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

enum { CALLS = 32 };

/* What the finalizer does besides writing itself down. */
enum deed { NOTHING, RESURRECT, FAIL, DROP_RIGHT, RESURRECT_AND_DROP_RIGHT };

struct person {
    struct gc_object header;
    struct person *left, *right;
    int64_t key;
    enum deed deed;
};

static struct {
    uint32_t count;
    int64_t keys[CALLS];
    uint32_t with_left; /* whose slot was still filled */
    uint32_t depth, deepest;
    const char *base, *lowest; /* of the stack */
} ran;

enum { HAVENS = 60 };
static gc_slot haven;          /* a root, for who resurrects itself */
static gc_slot havens[HAVENS]; /* and for many of them, by their keys */
static struct gc_root_range range, ranges;

static int finalize(struct gc_mutator *m, struct gc_object *object)
{
    struct person *self = (struct person *)(void *)object;
    /* not a local's address: that may lie on a sanitizer's own stack */
    const char *here = __builtin_frame_address(0);
    if (ran.count < CALLS) ran.keys[ran.count] = self->key;
    ran.count++;
    ran.with_left += self->left != NULL;
    if (++ran.depth > ran.deepest) ran.deepest = ran.depth;
    if (ran.lowest == NULL || here < ran.lowest) ran.lowest = here;
    if (self->deed == RESURRECT) gc_store_root(m, &haven, self);
    if (self->deed == RESURRECT_AND_DROP_RIGHT)
        gc_store_root(m, &havens[self->key % HAVENS], self);
    if (self->deed == DROP_RIGHT || self->deed == RESURRECT_AND_DROP_RIGHT)
        gc_store_null(m, self, right);
    ran.depth--;
    return self->deed == FAIL ? 13 : 0;
}

static const struct gc_type person_type =
        GC_TYPE(struct person, .slots = 2, .finalize = finalize);

static bool open(struct fixture *f, const char *collector)
{
    memset(&ran, 0, sizeof(ran));
    haven = NULL;
    if (!fixture_open(f, collector, NULL, 0)) return false;
    gc_roots_add(f->heap, &range, &haven, 1);
    gc_roots_add(f->heap, &ranges, havens, HAVENS);
    return true;
}

static void close(struct fixture *f)
{
    for (int i = 0; i < HAVENS; i++)
        gc_store_root_null(f->m, &havens[i]);
    gc_roots_remove(f->heap, &ranges);
    gc_roots_remove(f->heap, &range);
    CU_ASSERT_EQUAL(fixture_live(f), 0);
    fixture_close(f);
}

static void make(struct gc_mutator *m, struct person **out, int64_t key, enum deed deed)
{
    CU_ASSERT_TRUE_FATAL(gc_new(m, out, &person_type));
    (*out)->key = key;
    (*out)->deed = deed;
}

static void runs_once_with_its_references_intact(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct person *a, *b;
    } at;
    if (!open(&f, "refcount")) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    make(m, &at.a, 1, NOTHING);
    make(m, &at.b, 2, NOTHING);
    gc_give(m, at.a, left, &at.b);
    gc_clear(m, &at.a);
    CU_ASSERT_EQUAL(ran.count, 2);
    CU_ASSERT_EQUAL(ran.keys[0], 1); /* the holder first, then what it held */
    CU_ASSERT_EQUAL(ran.keys[1], 2);
    CU_ASSERT_EQUAL(ran.with_left, 1);
    CU_ASSERT_EQUAL(m->counters.finalizers, 2);
    gc_leave(m, at);
    close(&f);
}

static void a_resurrected_object_lives_and_is_not_finalized_again(void)
{
    static const char *const collectors[] = { "refcount", "generational" };
    for (size_t i = 0; i < COUNT(collectors); i++) {
        struct fixture f;
        struct {
            struct gc_frame frame;
            struct person *a, *b;
        } at;
        if (!open(&f, collectors[i])) continue;
        struct gc_mutator *m = f.m;
        gc_enter(m, at);
        make(m, &at.a, 1, RESURRECT);
        make(m, &at.b, 2, NOTHING);
        gc_give(m, at.a, left, &at.b);
        gc_clear(m, &at.a);
        CU_ASSERT_EQUAL(ran.count, 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(haven);
        struct person *back = (struct person *)(void *)haven;
        CU_ASSERT_EQUAL(back->key, 1);
        CU_ASSERT_EQUAL(back->left->key, 2);
        CU_ASSERT_EQUAL(gc_refcount(m, haven), 1);
        CU_ASSERT_EQUAL(gc_refcount(m, &back->left->header), 1);
        fixture_verify(&f);
        gc_store_root_null(m, &haven);
        CU_ASSERT_EQUAL(ran.count, 2);
        CU_ASSERT_EQUAL(ran.keys[1], 2);
        gc_leave(m, at);
        close(&f);
    }
}

static void cyclic_trash_is_finalized_whole_before_any_is_cleared(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct person *a, *b, *c;
    } at;
    if (!open(&f, "generational")) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    make(m, &at.a, 1, NOTHING);
    make(m, &at.b, 2, NOTHING);
    make(m, &at.c, 3, NOTHING);
    gc_store(m, at.a, left, at.b);
    gc_store(m, at.b, left, at.c);
    gc_store(m, at.c, left, at.a);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 3);
    CU_ASSERT_EQUAL(ran.count, 3);
    CU_ASSERT_EQUAL(ran.with_left, 3);
    CU_ASSERT_EQUAL(ran.keys[0] + 10 * ran.keys[1] + 100 * ran.keys[2], 321);
    close(&f);
}

static void one_resurrection_keeps_what_it_reaches_and_nothing_else(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct person *a, *b, *c;
    } at;
    if (!open(&f, "generational")) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    make(m, &at.a, 1, RESURRECT);
    make(m, &at.b, 2, NOTHING);
    gc_store(m, at.a, left, at.b);
    gc_store(m, at.b, left, at.a);
    make(m, &at.c, 3, NOTHING);
    gc_store(m, at.c, left, at.c);
    gc_store(m, at.c, right, at.a); /* reaches the others, but is not reached */
    gc_leave(m, at);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 1);
    CU_ASSERT_EQUAL(ran.count, 3);
    CU_ASSERT_EQUAL(m->counters.resurrected, 2);
    CU_ASSERT_EQUAL(fixture_live(&f), 2);
    fixture_verify(&f);
    gc_store_root_null(m, &haven);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 2);
    CU_ASSERT_EQUAL(ran.count, 3);
    close(&f);
}

static void an_error_is_reported_and_the_object_dies(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct person *a;
    } at;
    if (!open(&f, "refcount")) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    make(m, &at.a, 1, FAIL);
    struct gc_object *object = &at.a->header;
    gc_clear(m, &at.a);
    CU_ASSERT_EQUAL(f.errors, 1);
    CU_ASSERT_EQUAL(f.last_error, 13);
    CU_ASSERT_PTR_EQUAL(f.last_object, object);
    CU_ASSERT_EQUAL(m->counters.callback_errors, 1);
    gc_leave(m, at);
    close(&f);
}

/* A finalizer that drops the next of a chain, whose finalizer drops the next, and so on; the first
 * one's also brings its object back, every other time. */
static void deaths_nested_through_finalizers_stay_shallow(void)
{
    enum { LENGTH = 20000 };
    static const char *const collectors[] = { "refcount", "generational" };
    for (size_t i = 0; i < 2 * COUNT(collectors); i++) {
        const bool returns = i % 2 != 0;
        struct fixture f;
        struct {
            struct gc_frame frame;
            struct person *head, *next;
        } at;
        if (!open(&f, collectors[i / 2])) continue;
        struct gc_mutator *m = f.m;
        gc_enter(m, at);
        for (int k = 0; k < LENGTH; k++) {
            make(m, &at.next, k, DROP_RIGHT);
            gc_give(m, at.next, right, &at.head);
            gc_move(m, &at.head, &at.next);
        }
        if (returns) at.head->deed = RESURRECT_AND_DROP_RIGHT;
        ran.base = __builtin_frame_address(0);
        gc_clear(m, &at.head);
        CU_ASSERT_EQUAL(ran.count, LENGTH);
        CU_ASSERT_EQUAL(fixture_live(&f), returns);
        CU_ASSERT(ran.deepest > 1 && ran.deepest <= 51);
        CU_ASSERT(ran.base - ran.lowest < 100000);
        CU_ASSERT_EQUAL(m->death_depth, 0);
        CU_ASSERT_EQUAL(m->deferred_count, 0);
        gc_leave(m, at);
        close(&f);
    }
}

/* No other death comes, at the end of which the rest could be dropped. */
static void what_was_put_off_is_dropped_where_only_the_first_dies(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct person *head, *next;
    } at;
    if (!open(&f, "refcount")) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    for (int k = 0; k < HAVENS; k++) {
        make(m, &at.next, k, RESURRECT_AND_DROP_RIGHT);
        gc_give(m, at.next, right, &at.head);
        gc_move(m, &at.head, &at.next);
    }
    at.head->deed = DROP_RIGHT;
    gc_clear(m, &at.head);
    CU_ASSERT(ran.deepest < HAVENS);
    CU_ASSERT_EQUAL(ran.count, HAVENS);
    CU_ASSERT_EQUAL(m->deferred_count, 0);
    CU_ASSERT_EQUAL(fixture_live(&f), HAVENS - 1);
    gc_leave(m, at);
    close(&f);
}

static enum gc_finalizable_fate keep_even(struct gc_object *object, void *argument)
{
    uint32_t *seen = argument;
    (void)object;
    return ++*seen % 2 == 0 ? GC_FINALIZABLE_KEEP : GC_FINALIZABLE_REMOVE;
}

static void the_register_grows_and_can_be_weeded(void)
{
    struct fixture f;
    uint32_t seen = 0, again = 0;
    static struct gc_object objects[1000];
    if (!open(&f, "refcount")) return;
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_TRUE(gc_finalizable_reserve(f.heap));
        gc_finalizable_settle(f.heap, &objects[i]);
        CU_ASSERT(f.heap->finalizable_room <= 2 * f.heap->finalizable_count + 64);
    }
    CU_ASSERT_EQUAL(f.heap->finalizable_count, 1000);
    gc_finalizable_filter(f.heap, keep_even, &seen);
    CU_ASSERT_EQUAL(seen, 1000);
    CU_ASSERT_EQUAL(f.heap->finalizable_count, 500);
    CU_ASSERT_PTR_EQUAL(f.heap->finalizable[0], &objects[1]);
    CU_ASSERT_PTR_EQUAL(f.heap->finalizable[499], &objects[999]);
    gc_finalizable_filter(f.heap, keep_even, &again);
    CU_ASSERT_EQUAL(again, 500);
    close(&f);
}

int test_finalize_suite(void)
{
    static const struct test tests[] = {
        { "runs_once_with_its_references_intact", runs_once_with_its_references_intact },
        { "a_resurrected_object_lives_and_is_not_finalized_again",
                a_resurrected_object_lives_and_is_not_finalized_again },
        { "cyclic_trash_is_finalized_whole_before_any_is_cleared",
                cyclic_trash_is_finalized_whole_before_any_is_cleared },
        { "one_resurrection_keeps_what_it_reaches_and_nothing_else",
                one_resurrection_keeps_what_it_reaches_and_nothing_else },
        { "an_error_is_reported_and_the_object_dies",
                an_error_is_reported_and_the_object_dies },
        { "deaths_nested_through_finalizers_stay_shallow",
                deaths_nested_through_finalizers_stay_shallow },
        { "what_was_put_off_is_dropped_where_only_the_first_dies",
                what_was_put_off_is_dropped_where_only_the_first_dies },
        { "the_register_grows_and_can_be_weeded", the_register_grows_and_can_be_weeded },
    };
    return suite_add("core/finalize", tests, COUNT(tests));
}
