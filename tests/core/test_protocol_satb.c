/* SPDX-License-Identifier: MIT */
/* test_protocol_satb.c - what a store logs, in each phase, and what weak references yield. */
#define GC_PROTOCOL_HEADER "core/protocol/satb.h"

#include "tests/suites.h"
#include "tests/support.h"

enum { BLACK = 0, WHITE = 5, MOST = 8 };

struct world {
    struct gc_frame frame;
    struct node *holder, *white, *black, *local;
    struct gc_weak *weak;
};

static bool open(struct fixture *f, struct world *at)
{
    if (!fixture_open(f, "on_the_fly", NULL, 0)) return false;
    struct gc_mutator *m = f->m;
    gc_enter(m, *at);
    CU_ASSERT_TRUE(gc_new(m, &at->holder, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at->white, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at->black, &node_type));
    gc_object_set_mark(&at->white->header, WHITE);
    return true;
}

static void close(struct fixture *f, struct world *at)
{
    gc_satb_set(f->m, false, false, WHITE);
    gc_leave(f->m, *at);
    fixture_close(f);
}

/* Whether all that was logged since the last time is `count` times `object`. */
static bool logged(struct fixture *f, const struct node *object, uint32_t count)
{
    struct gc_log *log = f->heap->log;
    uint32_t found = 0, others = 0;
    gc_log_flush(f->m);
    gc_log_take(log);
    for (struct gc_log_chunk *c = gc_log_first(log); c != NULL; c = gc_log_next(log, c))
        for (uint32_t i = 0; i < c->used; i++) {
            found += c->words[i] == (uintptr_t)object;
            others += c->words[i] != (uintptr_t)object;
        }
    gc_log_give_back(log);
    return found == count && others == 0;
}

static void nothing_is_logged_while_the_flag_is_down(void)
{
    struct fixture f;
    struct world at;
    if (!open(&f, &at)) return;
    gc_satb_set(f.m, false, false, WHITE);
    gc_store(f.m, at.holder, left, at.white);
    gc_store_null(f.m, at.holder, left);
    gc_store_shared(f.m, at.holder, left, at.white);
    gc_set(f.m, &at.local, at.black);
    gc_exchange(f.m, at.holder, left, &at.local);
    CU_ASSERT_PTR_EQUAL(at.local, at.white);
    CU_ASSERT_TRUE(gc_compare_exchange(f.m, at.holder, left, at.black, at.white));
    gc_give(f.m, at.holder, left, &at.local);
    CU_ASSERT_PTR_NULL(at.local);
    CU_ASSERT_TRUE(logged(&f, NULL, 0));
    close(&f, &at);
}

static void every_kind_of_store_logs_what_it_replaces(void)
{
    struct fixture f;
    struct world at;
    static struct node *root;
    struct gc_root_range range;
    if (!open(&f, &at)) return;
    struct gc_mutator *m = f.m;
    gc_roots_add(f.heap, &range, (gc_slot *)(void *)&root, 1);
    gc_store(m, at.holder, left, at.white);
    gc_store(m, at.black, left, at.white);
    gc_satb_set(m, true, false, WHITE);
    gc_store(m, at.holder, left, at.black);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    gc_store(m, at.holder, left, at.white); /* what it replaces is black */
    CU_ASSERT_TRUE(logged(&f, NULL, 0));
    gc_store_shared(m, at.holder, left, at.black);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    gc_store(m, at.holder, left, at.white);
    gc_store_null(m, at.holder, left);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    gc_store(m, at.holder, left, at.white);
    gc_set(m, &at.local, at.black);
    gc_exchange(m, at.holder, left, &at.local);
    CU_ASSERT_TRUE(at.local == at.white && at.holder->left == at.black);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    CU_ASSERT_FALSE(gc_compare_exchange(m, at.holder, left, at.white, at.black));
    CU_ASSERT_TRUE(gc_compare_exchange(m, at.holder, left, at.black, at.white));
    CU_ASSERT_TRUE(logged(&f, NULL, 0));
    CU_ASSERT_TRUE(gc_compare_exchange(m, at.holder, left, at.white, at.black));
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    gc_store(m, at.holder, left, at.white);
    gc_set(m, &at.local, at.black);
    gc_give(m, at.holder, left, &at.local);
    CU_ASSERT_TRUE(at.local == NULL && at.holder->left == at.black);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    gc_store(m, at.holder, left, at.white);
    gc_store(m, at.holder, right, at.white);
    CU_ASSERT_TRUE(logged(&f, NULL, 0));
    gc_copy_slots(m, at.holder, left, at.black, left, 2);
    CU_ASSERT_TRUE(at.holder->left == at.white && at.holder->right == NULL);
    CU_ASSERT_TRUE(logged(&f, at.white, 2));
    gc_store_root(m, &root, at.white);
    gc_store_root_null(m, &root);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    gc_roots_remove(f.heap, &range);
    close(&f, &at);
}

static void what_is_stored_is_logged_until_the_frames_were_scanned(void)
{
    struct fixture f;
    struct world at;
    if (!open(&f, &at)) return;
    struct gc_mutator *m = f.m;
    gc_satb_set(m, true, true, WHITE);
    gc_store(m, at.holder, left, at.white);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    gc_store(m, at.holder, left, at.black);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    gc_set(m, &at.local, at.white);
    gc_exchange(m, at.holder, left, &at.local);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    gc_store_new(m, at.holder, right, at.white); /* into what is its own */
    CU_ASSERT_TRUE(logged(&f, NULL, 0));
    close(&f, &at);
}

static void more_than_a_chunk_may_be_logged(void)
{
    enum { STORES = 5000 };
    struct fixture f;
    struct world at;
    if (!open(&f, &at)) return;
    gc_satb_set(f.m, true, false, WHITE);
    gc_store(f.m, at.holder, left, at.white);
    for (int i = 0; i < STORES; i++)
        gc_store(f.m, at.holder, left, at.white);
    CU_ASSERT_TRUE(logged(&f, at.white, STORES));
    close(&f, &at);
}

static void weak_references_yield_what_the_state_allows(void)
{
    struct fixture f;
    struct world at;
    if (!open(&f, &at)) return;
    struct gc_mutator *m = f.m;
    CU_ASSERT_TRUE(gc_new_weak(m, &at.weak, at.white, NULL, (struct node *)NULL));
    /* not scanned yet: its local will be */
    gc_satb_set(m, true, true, WHITE);
    gc_satb_weak_set(f.heap, GC_SATB_CLEARING);
    gc_load_weak(m, &at.local, at.weak);
    CU_ASSERT_PTR_EQUAL(at.local, at.white);
    CU_ASSERT_TRUE(logged(&f, NULL, 0));
    gc_satb_set(m, true, false, WHITE);
    gc_load_weak(m, &at.local, at.weak);
    CU_ASSERT_PTR_NULL(at.local);
    gc_satb_weak_set(f.heap, GC_SATB_MARK);
    gc_load_weak(m, &at.local, at.weak);
    CU_ASSERT_PTR_EQUAL(at.local, at.white);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    /* it takes the end of marking back */
    gc_satb_weak_set(f.heap, GC_SATB_CLOSING);
    gc_load_weak(m, &at.local, at.weak);
    CU_ASSERT_PTR_EQUAL(at.local, at.white);
    CU_ASSERT_TRUE(logged(&f, at.white, 1));
    CU_ASSERT_FALSE(gc_satb_weak_close(f.heap));
    gc_satb_weak_set(f.heap, GC_SATB_CLOSING);
    CU_ASSERT_TRUE(gc_satb_weak_close(f.heap));
    gc_load_weak(m, &at.local, at.weak);
    CU_ASSERT_PTR_NULL(at.local);
    gc_object_set_mark(&at.white->header, BLACK);
    gc_load_weak(m, &at.local, at.weak);
    CU_ASSERT_PTR_EQUAL(at.local, at.white);
    CU_ASSERT_TRUE(logged(&f, NULL, 0));
    close(&f, &at);
}

int test_protocol_satb_suite(void)
{
    static const struct test tests[] = {
        { "nothing_is_logged_while_the_flag_is_down",
                nothing_is_logged_while_the_flag_is_down },
        { "every_kind_of_store_logs_what_it_replaces",
                every_kind_of_store_logs_what_it_replaces },
        { "what_is_stored_is_logged_until_the_frames_were_scanned",
                what_is_stored_is_logged_until_the_frames_were_scanned },
        { "more_than_a_chunk_may_be_logged", more_than_a_chunk_may_be_logged },
        { "weak_references_yield_what_the_state_allows",
                weak_references_yield_what_the_state_allows },
    };
    return suite_add("core/protocol_satb", tests, COUNT(tests));
}
