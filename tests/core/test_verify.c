/* SPDX-License-Identifier: MIT */
/* test_verify.c - the verifier finds what is broken, and nothing else. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <errno.h>
#include <string.h>

#include "core/verify.h"
#include "tests/suites.h"
#include "tests/support.h"

struct world {
    struct fixture f;
    struct gc_root_range range;
    gc_slot roots[3];
};

static bool open(struct world *world, const char *collector)
{
    memset(world->roots, 0, sizeof(world->roots));
    if (!fixture_open(&world->f, collector, NULL, 0)) return false;
    gc_roots_add(world->f.heap, &world->range, world->roots, 3);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_TRUE_FATAL(gc_new_slow(world->f.m, &world->roots[i], &node_type, 0, 0));
    return true;
}

static void close(struct world *world)
{
    for (int i = 0; i < 3; i++)
        gc_store_root_null(world->f.m, &world->roots[i]);
    gc_roots_remove(world->f.heap, &world->range);
    fixture_close(&world->f);
}

static int verify(struct world *world, int level, const char *text)
{
    struct gc_error error = { "" };
    int result = gc_verify(world->f.m, level, &error);
    bool says = result == 0 || strstr(error.text, text) != NULL;
    CU_ASSERT_TRUE(says);
    if (!says) printf("# %s\n", error.text);
    return result;
}

static void a_wrong_count_is_found(void)
{
    struct world w;
    if (!open(&w, "refcount")) return;
    CU_ASSERT_EQUAL(verify(&w, 3, ""), 0);
    gc_atomic_fetch_add_relaxed(&w.roots[1]->count, 1);
    CU_ASSERT_EQUAL(verify(&w, 3, "but 1 references"), -EINVAL);
    CU_ASSERT_EQUAL(verify(&w, 2, ""), 0);
    gc_atomic_fetch_sub_relaxed(&w.roots[1]->count, 1);
    CU_ASSERT_EQUAL(verify(&w, 3, ""), 0);
    close(&w);
}

static void a_reference_to_a_dead_object_is_found(void)
{
    struct world w;
    if (!open(&w, "refcount")) return;
    uint64_t count = gc_atomic_load_relaxed(&w.roots[2]->count);
    gc_atomic_store_relaxed(&w.roots[2]->count, GC_COUNT_DEAD);
    CU_ASSERT_EQUAL(verify(&w, 3, "no live object"), -EINVAL);
    gc_atomic_store_relaxed(&w.roots[2]->count, count);
    close(&w);
}

static void a_root_that_names_no_object_is_found(void)
{
    struct world w;
    if (!open(&w, "refcount")) return;
    struct gc_object *object = w.roots[2];
    struct gc_block *block = gc_block_of(object);
    struct gc_object *beyond = gc_block_object(block, block->built);
    struct gc_object *nothing[] = { object + 1, beyond, /* in a block, no cell of it */
        (void *)(gc_region_of(object)->blocks + 1),     /* metadata */
        (void *)(gc_block_start(block) + GC_BLOCK_BYTES) /* a free block */ };
    for (size_t i = 0; i < COUNT(nothing); i++) {
        w.roots[2] = nothing[i];
        CU_ASSERT_EQUAL(verify(&w, 3, "no live object"), -EINVAL);
    }
    w.roots[2] = object;
    CU_ASSERT_EQUAL(verify(&w, 3, ""), 0);
    close(&w);
}

static void a_broken_free_list_is_found(void)
{
    struct world w;
    if (!open(&w, "refcount")) return;
    struct gc_object *freed = w.roots[0];
    gc_store_root_null(w.f.m, &w.roots[0]);
    struct gc_object *link = *gc_cell_link(freed);
    *gc_cell_link(freed) = freed;
    CU_ASSERT_EQUAL(verify(&w, 1, "free list"), -EINVAL);
    *gc_cell_link(freed) = w.roots[1] + 1;
    CU_ASSERT_EQUAL(verify(&w, 1, "free list"), -EINVAL);
    *gc_cell_link(freed) = link;
    CU_ASSERT_EQUAL(verify(&w, 1, ""), 0);
    close(&w);
}

static void a_block_that_its_region_does_not_know_is_found(void)
{
    struct world w;
    if (!open(&w, "refcount")) return;
    struct gc_block *block = gc_block_of(w.roots[0]);
    struct gc_region *region = gc_region_of(block);
    struct gc_block *last = &region->blocks[GC_REGION_BLOCKS - 1];
    CU_ASSERT_EQUAL_FATAL(last->state, GC_BLOCK_FREE);
    last->state = GC_BLOCK_LIMBO;
    CU_ASSERT_EQUAL(verify(&w, 1, "region's map"), -EINVAL);
    last->state = GC_BLOCK_FREE;
    uint8_t state = block->state;
    block->state = GC_BLOCK_FREE;
    CU_ASSERT_EQUAL(verify(&w, 1, "region's map"), -EINVAL);
    block->state = state;
    region->free_blocks--;
    CU_ASSERT_EQUAL(verify(&w, 1, "add up"), -EINVAL);
    region->free_blocks++;
    block->span = 2; /* that of a large object, the next block inside of it */
    CU_ASSERT_EQUAL(verify(&w, 1, "a span"), -EINVAL);
    block->span = 0;
    CU_ASSERT_EQUAL(verify(&w, 1, ""), 0);
    close(&w);
}

static void a_broken_list_of_blocks_is_found(void)
{
    struct world w;
    if (!open(&w, "refcount")) return;
    gc_runs_flush(w.f.m);
    struct gc_block *block = gc_block_of(w.roots[0]);
    CU_ASSERT_EQUAL_FATAL(block->state, GC_BLOCK_PARTIAL);
    CU_ASSERT_EQUAL(verify(&w, 1, ""), 0);
    struct gc_block *next = block->next, *prev = block->prev;
    block->next = block;
    CU_ASSERT_EQUAL(verify(&w, 1, "partial blocks"), -EINVAL);
    block->next = next;
    block->prev = block;
    CU_ASSERT_EQUAL(verify(&w, 1, "partial blocks"), -EINVAL);
    block->prev = prev;
    CU_ASSERT_EQUAL(verify(&w, 1, ""), 0);
    close(&w);
}

static void a_broken_list_of_the_collector_is_found(void)
{
    struct world w;
    if (!open(&w, "generational")) return;
    struct gc_links *links = gc_links_of(w.roots[1]), *before = links->prev;
    links->prev = links;
    CU_ASSERT_EQUAL(verify(&w, 2, "disagree"), -EINVAL);
    CU_ASSERT_EQUAL(verify(&w, 1, ""), 0);
    links->prev = before;
    uint16_t mark = gc_object_mark(w.roots[0]);
    gc_object_set_mark(w.roots[0], (uint16_t)(mark + 1));
    CU_ASSERT_EQUAL(verify(&w, 2, "mark is wrong"), -EINVAL);
    gc_object_set_mark(w.roots[0], mark);
    gc_object_clear_state(w.roots[2], GC_STATE_CYCLIC);
    CU_ASSERT_EQUAL(verify(&w, 2, "no prefix"), -EINVAL);
    gc_object_set_state(w.roots[2], GC_STATE_CYCLIC);
    CU_ASSERT_EQUAL(verify(&w, 2, ""), 0);
    close(&w);
}

static void a_weak_reference_whose_target_does_not_know_is_found(void)
{
    struct world w;
    struct {
        struct gc_frame frame;
        struct gc_weak *weak;
    } at;
    if (!open(&w, "refcount")) return;
    gc_enter(w.f.m, at);
    CU_ASSERT_TRUE(gc_weak_new(w.f.m, &at.weak, w.roots[0], NULL, NULL));
    CU_ASSERT_EQUAL(verify(&w, 1, ""), 0);
    gc_object_clear_state(w.roots[0], GC_STATE_REFERENCED);
    CU_ASSERT_EQUAL(verify(&w, 1, "W1"), -EINVAL);
    gc_object_set_state(w.roots[0], GC_STATE_REFERENCED);
    gc_leave(w.f.m, at);
    close(&w);
}

static void without_memory_it_says_so(void)
{
    struct world w;
    if (!open(&w, "refcount")) return;
    struct memory before = memory_now();
    for (uint64_t n = 1; n <= 2; n++) { /* the regions, and the cells of one */
        gc_os_fail_allocation(n);
        CU_ASSERT_EQUAL(verify(&w, 3, "no memory"), -ENOMEM);
    }
    gc_os_fail_allocation(0);
    CU_ASSERT_TRUE(memory_is_equal(memory_now(), before));
    close(&w);
}

int test_verify_suite(void)
{
    static const struct test tests[] = {
        { "a_broken_free_list_is_found", a_broken_free_list_is_found },
        { "a_block_that_its_region_does_not_know_is_found",
                a_block_that_its_region_does_not_know_is_found },
        { "a_broken_list_of_blocks_is_found", a_broken_list_of_blocks_is_found },
        { "a_broken_list_of_the_collector_is_found",
                a_broken_list_of_the_collector_is_found },
        { "a_weak_reference_whose_target_does_not_know_is_found",
                a_weak_reference_whose_target_does_not_know_is_found },
        /* checked builds only: the others do not know the locals */
        { "a_wrong_count_is_found", a_wrong_count_is_found },
        { "a_reference_to_a_dead_object_is_found",
                a_reference_to_a_dead_object_is_found },
        { "a_root_that_names_no_object_is_found", a_root_that_names_no_object_is_found },
        { "without_memory_it_says_so", without_memory_it_says_so },
    };
    return suite_add(
            "core/verify", tests, GC_CHECK >= 1 ? COUNT(tests) : COUNT(tests) - 4);
}
