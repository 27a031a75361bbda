/* SPDX-License-Identifier: MIT */
/* test_block.c - regions, blocks and cells: their counts always add up. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

enum { ROOTS = 600 };

struct audit {
    struct gc_heap *heap;
    uint32_t wrong; /* a block that breaks an invariant, by line */
    uint32_t partial, live;
};

#define must(condition)                                                                  \
    do {                                                                                 \
        if (!(condition) && audit->wrong == 0) audit->wrong = __LINE__;                  \
    } while (0)

static uint32_t length_of(struct gc_object *list)
{
    uint32_t n = 0;
    for (; list != NULL; list = *gc_cell_link(list))
        n++;
    return n;
}

/* Invariants B2 to B4 of block.h, with the cells themselves as witnesses. */
static void audit_block(struct gc_block *block, void *argument)
{
    struct audit *audit = argument;
    uint32_t used = gc_block_used(block), alive = 0;
    for (uint32_t i = 0; i < block->built; i++)
        alive += !gc_object_is_dead(gc_block_object(block, i));
    must(used + length_of(block->free) == block->built);
    if (block->state == GC_BLOCK_CURRENT) {
        struct gc_run *run = &block->home->runs[0][block->class];
        if (run->block != block) run = &block->home->runs[1][block->class];
        must(run->block == block);
        used -= length_of(run->free);
    }
    must(used == alive);
    must(block->built <= block->cells);
    audit->live += alive;
    switch ((enum gc_block_state)block->state) {
    case GC_BLOCK_CURRENT:
        must(block->countdown > block->cells);
        break;
    case GC_BLOCK_PARTIAL:
        audit->partial++;
        must(used > 0 && used < block->cells && block->countdown == used);
        break;
    case GC_BLOCK_FULL:
        must(used == block->cells && block->countdown == 1);
        break;
    case GC_BLOCK_SPAN:
        must(used == 1 && block->countdown == 1);
        break;
    case GC_BLOCK_EMPTY:
        must(used == 0 && alive == 0);
        break;
    case GC_BLOCK_LIMBO:
        must(alive == 0);
        break;
    case GC_BLOCK_FREE:
    case GC_BLOCK_UNSWEPT:
    case GC_BLOCK_INSIDE:
        must(false);
        break;
    }
}

static void audit_partial_lists(struct audit *audit)
{
    gc_for_each_mutator (m, audit->heap) {
        for (uint32_t i = 0; i < 2 * GC_CLASSES; i++) {
            struct gc_block *before = NULL;
            struct gc_block *at = m->partial[i / GC_CLASSES][i % GC_CLASSES];
            for (; at != NULL; before = at, at = at->next) {
                must(at->state == GC_BLOCK_PARTIAL && at->prev == before);
                must(at->class == i % GC_CLASSES && at->home == m);
                audit->partial--;
            }
        }
    }
    must(audit->partial == 0);
}

static void audit_regions(struct audit *audit)
{
    for (struct gc_region *r = audit->heap->regions; r != NULL; r = r->next) {
        uint32_t is_free = 0, in_map = 0;
        if (r->bytes > GC_REGION_BYTES) continue;
        for (uint32_t i = 0; i < GC_REGION_BLOCKS; i++) {
            bool mapped = (r->free_map[i / 64] >> i % 64) & 1;
            must(mapped == (r->blocks[i].state == GC_BLOCK_FREE));
            is_free += r->blocks[i].state == GC_BLOCK_FREE;
            in_map += mapped;
        }
        must(is_free == r->free_blocks && in_map == r->free_blocks);
    }
}

/* The line of the first broken invariant; 0 when all hold. Sets *ret_live. */
static uint32_t audit_heap(struct fixture *f, uint32_t *ret_live)
{
    struct audit result = { .heap = f->heap }, *audit = &result;
    gc_stop_begin(f->m);
    gc_heap_walk_blocks_stw(f->heap, audit_block, audit);
    audit_partial_lists(audit);
    audit_regions(audit);
    gc_stop_end(f->m, 0);
    *ret_live = audit->live;
    return audit->wrong;
}

/* With every cell free and every run flushed, all blocks are back in their regions. */
static void expect_all_blocks_back(struct fixture *f)
{
    size_t regions = 0;
    gc_runs_flush(f->m);
    for (struct gc_region *r = f->heap->regions; r != NULL; r = r->next)
        regions++;
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f->heap->bytes),
            regions * f->heap->first_block * GC_BLOCK_BYTES);
}

static gc_slot roots[ROOTS];

/* Makes root i hold a new object of about that size; of a container every second time. */
static bool replace(struct fixture *f, uint32_t i, uint32_t bytes)
{
    struct {
        struct gc_frame frame;
        struct gc_array *array;
    } at;
    gc_enter(f->m, at);
    bool made =
            i % 2 == 0 ? gc_new_array(f->m, &at.array, &bytes_type, 0, bytes)
                       : gc_new_array(f->m, &at.array, &array_type, bytes / 8, bytes % 8);
    if (made && bytes > 0) memset(gc_array_bytes(at.array), 7, at.array->bytes);
    gc_store_root(f->m, &roots[i], at.array);
    gc_leave(f->m, at);
    return made;
}

static void drop(struct fixture *f, uint32_t i)
{
    gc_store_root_null(f->m, &roots[i]);
}

static uint32_t draw_size(struct random *random)
{
    uint32_t kind = random_below(random, 100);
    if (kind < 70) return random_below(random, 600);
    if (kind < 95) return random_below(random, 5000);
    if (kind < 99) return random_below(random, 200000);
    return (4u << 20) + random_below(random, 6u << 20);
}

static void random_sequence(uint64_t seed, const char *collector)
{
    struct fixture f;
    struct gc_root_range range;
    struct random random = { seed };
    uint32_t held = 0, live, wrong = 0;
    if (!fixture_open(&f, collector, NULL, 0)) return;
    gc_roots_add(f.heap, &range, roots, ROOTS);
    for (uint32_t step = 0; step < 6000 && wrong == 0; step++) {
        /* grows to all roots, shrinks to none, and so on */
        uint32_t i = random_below(&random, ROOTS);
        bool grow = step / 1500 % 2 == 0;
        held -= roots[i] != NULL;
        if (random_below(&random, 10) < (grow ? 9 : 1)) {
            CU_ASSERT_TRUE(replace(&f, i, draw_size(&random)));
            held++;
        } else {
            drop(&f, i);
        }
        if (step % 100 != 0 && step % 1500 < 1490) continue;
        wrong = audit_heap(&f, &live);
        if (wrong == 0 && live != held) wrong = 1;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    if (wrong != 0)
        printf("# %s, seed %llu, line %u\n", collector, (unsigned long long)seed, wrong);
    for (uint32_t i = 0; i < ROOTS; i++)
        drop(&f, i);
    CU_ASSERT_EQUAL(audit_heap(&f, &live), 0);
    CU_ASSERT_EQUAL(live, 0);
    fixture_verify(&f);
    expect_all_blocks_back(&f);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void counts_add_up_after_random_allocations_and_frees(void)
{
    for (uint64_t seed = 1; seed <= (GC_TSAN ? 1 : 3); seed++) {
        random_sequence(seed, "refcount");
        random_sequence(seed, "generational");
    }
}

static void classes_are_tight_and_ordered(void)
{
    uint32_t wrong = 0;
    for (uint32_t class = 1; class + 1 < GC_CLASSES; class ++)
        wrong += gc_class_cell_bytes(class + 1) < gc_class_cell_bytes(class);
    for (uint32_t bytes = 1; bytes <= GC_MEDIUM_BYTES; bytes++) {
        uint32_t class = gc_class_of_bytes(bytes);
        wrong += class >= GC_CLASSES || gc_class_cell_bytes(class) < bytes;
        wrong += class > 1 && bytes > GC_CELL_MIN_BYTES &&
                 gc_class_cell_bytes(class - 1) >= bytes;
        wrong += gc_class_cell_bytes(class) % GC_GRANULE != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(gc_class_cell_bytes(GC_CLASSES - 1), GC_MEDIUM_BYTES);
    CU_ASSERT_EQUAL(gc_class_of_bytes(GC_MEDIUM_BYTES), GC_CLASSES - 1);
}

static void every_size_up_to_a_span_can_be_made(void)
{
    struct fixture f;
    struct gc_root_range range;
    uint32_t live, made = 0;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_roots_add(f.heap, &range, roots, ROOTS);
    for (uint32_t bytes = 0; bytes < 40000; bytes += bytes < 5000 ? 8 : 501) {
        made += replace(&f, bytes / 8 % ROOTS, bytes);
        struct gc_block *block = gc_block_of(roots[bytes / 8 % ROOTS]);
        bool span = bytes + sizeof(struct gc_array) > GC_MEDIUM_BYTES;
        if ((block->state == GC_BLOCK_SPAN) != span) CU_FAIL("the wrong kind of block");
    }
    CU_ASSERT(made > 600);
    CU_ASSERT_EQUAL(audit_heap(&f, &live), 0);
    CU_ASSERT_EQUAL(live, ROOTS);
    for (uint32_t i = 0; i < ROOTS; i++)
        drop(&f, i);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void a_huge_object_has_a_mapping_of_its_own_and_gives_it_back(void)
{
    struct fixture f;
    struct gc_root_range range;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_roots_add(f.heap, &range, roots, ROOTS);
    CU_ASSERT_TRUE(replace(&f, 1, 100)); /* a region is there */
    struct memory before = memory_now();
    size_t bytes = gc_atomic_load_relaxed(&f.heap->bytes);
    CU_ASSERT_TRUE_FATAL(replace(&f, 0, 10u << 20));
    struct gc_array *array = (struct gc_array *)(void *)roots[0];
    CU_ASSERT_EQUAL(((unsigned char *)gc_array_bytes(array))[(10u << 20) - 1], 7);
    CU_ASSERT_EQUAL(memory_now().mappings, before.mappings + 1);
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->bytes) >= bytes + (10u << 20));
    CU_ASSERT_EQUAL(fixture_live(&f), 2);
    drop(&f, 0);
    CU_ASSERT_TRUE(memory_is_equal(memory_now(), before));
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes), bytes);
    /* what just fits in a region, and what just does not */
    uint32_t room = (GC_REGION_BLOCKS - f.heap->first_block) * GC_BLOCK_BYTES -
                    (uint32_t)sizeof(struct gc_array);
    CU_ASSERT_TRUE(replace(&f, 0, room));
    CU_ASSERT_EQUAL(gc_region_of(roots[0])->bytes, GC_REGION_BYTES);
    CU_ASSERT_TRUE(replace(&f, 2, room + 1));
    CU_ASSERT(gc_region_of(roots[2])->bytes > GC_REGION_BYTES);
    for (uint32_t i = 0; i < 3; i++)
        drop(&f, i);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void an_empty_block_goes_back_to_its_region(void)
{
    struct fixture f;
    struct gc_root_range range;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_roots_add(f.heap, &range, roots, ROOTS);
    for (uint32_t i = 0; i < ROOTS; i += 2)
        CU_ASSERT_TRUE(replace(&f, i, 1000)); /* 15 or 16 a block */
    struct gc_region *region = gc_region_of(roots[0]);
    size_t bytes = gc_atomic_load_relaxed(&f.heap->bytes);
    uint32_t free_blocks = region->free_blocks;
    for (uint32_t i = 0; i < ROOTS; i += 2)
        drop(&f, i);
    uint32_t back = region->free_blocks - free_blocks;
    CU_ASSERT(back >= 300 / 16 - 1); /* all but the run's current one */
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes),
            bytes - back * (size_t)GC_BLOCK_BYTES);
    gc_runs_flush(f.m);
    uint32_t first = f.heap->first_block;
    CU_ASSERT_EQUAL(region->free_blocks, GC_REGION_BLOCKS - first);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes), first * GC_BLOCK_BYTES);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void cells_of_freed_containers_are_used_again(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct fixture f;
        struct gc_root_range range;
        if (((*c)->capabilities & GC_CAP_IMMEDIATE) == 0) continue;
        if (!fixture_open(&f, (*c)->name, NULL, 0)) continue;
        gc_roots_add(f.heap, &range, roots, ROOTS);
        for (uint32_t i = 0; i < ROOTS; i++)
            CU_ASSERT_TRUE(replace(&f, i, 1000));
        size_t bytes = gc_atomic_load_relaxed(&f.heap->bytes);
        for (uint32_t i = 0; i < ROOTS; i += 3)
            drop(&f, i);
        for (uint32_t i = 0; i < ROOTS; i += 3)
            CU_ASSERT_TRUE(replace(&f, i, 1000));
        CU_ASSERT(gc_atomic_load_relaxed(&f.heap->bytes) <= bytes + 2 * GC_BLOCK_BYTES);
        for (uint32_t i = 0; i < ROOTS; i++)
            drop(&f, i);
        gc_roots_remove(f.heap, &range);
        fixture_close(&f);
    }
}

static void a_flush_gives_back_cells_that_were_not_taken(void)
{
    struct fixture f;
    struct gc_root_range range;
    uint32_t live;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_roots_add(f.heap, &range, roots, ROOTS);
    for (uint32_t i = 0; i < ROOTS; i++)
        CU_ASSERT_TRUE(replace(&f, i, 8 * (i % 50)));
    for (int round = 0; round < 2; round++) {
        gc_runs_flush(f.m);
        CU_ASSERT_EQUAL(audit_heap(&f, &live), 0);
        CU_ASSERT_EQUAL(live, ROOTS);
        CU_ASSERT_EQUAL(fixture_allocated(&f), ROOTS);
    }
    for (uint32_t i = 0; i < ROOTS; i++)
        drop(&f, i);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(
            gc_atomic_load_relaxed(&f.heap->bytes), f.heap->first_block * GC_BLOCK_BYTES);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void spans_take_consecutive_blocks_even_in_a_holed_region(void)
{
    struct fixture f;
    struct gc_root_range range;
    uint32_t live;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_roots_add(f.heap, &range, roots, ROOTS);
    for (uint32_t i = 0; i < 240; i += 2)
        CU_ASSERT_TRUE(replace(&f, i, 2 * GC_BLOCK_BYTES - 100));
    for (uint32_t i = 0; i < 240; i += 4)
        drop(&f, i); /* holes of two blocks */
    for (uint32_t i = 300; i < 320; i += 2)
        CU_ASSERT_TRUE(replace(&f, i, 3 * GC_BLOCK_BYTES - 100)); /* fit in none */
    CU_ASSERT_EQUAL(audit_heap(&f, &live), 0);
    CU_ASSERT_EQUAL(live, 70);
    size_t bytes = gc_atomic_load_relaxed(&f.heap->bytes);
    for (uint32_t i = 0; i < 240; i += 4)
        CU_ASSERT_TRUE(replace(&f, i, 2 * GC_BLOCK_BYTES - 100)); /* the holes again */
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes),
            bytes + 60 * 2 * (size_t)GC_BLOCK_BYTES);
    CU_ASSERT_EQUAL(audit_heap(&f, &live), 0);
    for (uint32_t i = 0; i < ROOTS; i++)
        drop(&f, i);
    expect_all_blocks_back(&f);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

int test_block_suite(void)
{
    static const struct test tests[] = {
        { "classes_are_tight_and_ordered", classes_are_tight_and_ordered },
        { "counts_add_up_after_random_allocations_and_frees",
                counts_add_up_after_random_allocations_and_frees },
        { "every_size_up_to_a_span_can_be_made", every_size_up_to_a_span_can_be_made },
        { "a_huge_object_has_a_mapping_of_its_own_and_gives_it_back",
                a_huge_object_has_a_mapping_of_its_own_and_gives_it_back },
        { "an_empty_block_goes_back_to_its_region",
                an_empty_block_goes_back_to_its_region },
        { "cells_of_freed_containers_are_used_again",
                cells_of_freed_containers_are_used_again },
        { "a_flush_gives_back_cells_that_were_not_taken",
                a_flush_gives_back_cells_that_were_not_taken },
        { "spans_take_consecutive_blocks_even_in_a_holed_region",
                spans_take_consecutive_blocks_even_in_a_holed_region },
    };
    return suite_add("core/block", tests, COUNT(tests));
}
