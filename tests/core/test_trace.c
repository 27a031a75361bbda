/* SPDX-License-Identifier: MIT */
/* test_trace.c - marking finds what is reachable, all of it and nothing else. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

enum { NODES = 3000, ROOTS = 20, EDGES = 3 };

/* A random graph, and what is reachable in it by a search of our own. */
struct graph {
    struct gc_object *nodes[NODES]; /* raw: nothing is ever freed here */
    uint32_t edges[NODES][EDGES];   /* NODES: none */
    uint32_t roots[ROOTS];
    bool reachable[NODES];
    uint32_t count;
    uint64_t slots; /* of reachable nodes */
};

static struct graph graph;
static gc_slot root_slots[ROOTS];

static void search(void)
{
    static uint32_t queue[NODES];
    uint32_t head = 0, tail = 0;
    for (uint32_t i = 0; i < ROOTS; i++) {
        uint32_t node = graph.roots[i];
        if (!graph.reachable[node]) queue[tail++] = node;
        graph.reachable[node] = true;
    }
    while (head < tail) {
        uint32_t node = queue[head++];
        graph.count++;
        graph.slots += node % 4 == 0 ? EDGES : 2;
        for (uint32_t e = 0; e < EDGES; e++) {
            uint32_t next = graph.edges[node][e];
            if (next == NODES || graph.reachable[next]) continue;
            graph.reachable[next] = true;
            queue[tail++] = next;
        }
    }
}

/* Every fourth node is an array, the others have two slots. */
static void build(struct gc_mutator *m, uint64_t seed)
{
    struct random random = { seed };
    memset(&graph, 0, sizeof(graph));
    for (uint32_t i = 0; i < NODES; i++) {
        gc_slot local = NULL;
        bool made = i % 4 == 0 ? gc_new_slow(m, &local, &array_type, EDGES, 0)
                               : gc_new_slow(m, &local, &node_type, 0, 0);
        CU_ASSERT_TRUE_FATAL(made);
        graph.nodes[i] = local;
    }
    for (uint32_t i = 0; i < NODES; i++) {
        for (uint32_t e = 0; e < EDGES; e++) {
            /* sparse, and chains: so that both deep and unreachable parts exist */
            uint32_t to = random_below(&random, 4) == 0 ? random_below(&random, NODES)
                          : e == 0                      ? (i + 1) % NODES
                                                        : NODES;
            if (e == 2 && i % 4 != 0) to = NODES;
            if (random_below(&random, 8) == 0) to = NODES;
            graph.edges[i][e] = to;
            if (to == NODES) continue;
            gc_slot *slots = i % 4 == 0
                                     ? ((struct gc_array *)(void *)graph.nodes[i])->slot
                                     : (gc_slot *)(void *)(graph.nodes[i] + 1);
            slots[e] = graph.nodes[to];
        }
    }
    for (uint32_t i = 0; i < ROOTS; i++) {
        graph.roots[i] = random_below(&random, NODES);
        root_slots[i] = graph.nodes[graph.roots[i]];
    }
    search();
}

/* How many slots of reachable nodes name the node. */
static uint64_t slots_that_name(uint32_t node)
{
    uint64_t slots = 0;
    for (uint32_t i = 0; i < NODES; i++)
        for (uint32_t e = 0; e < EDGES; e++)
            slots += graph.reachable[i] && graph.edges[i][e] == node;
    return slots;
}

static void add_kept(struct gc_block *block, void *argument)
{
    *(uint64_t *)argument += block->kept;
}

/* What blocks have counted of marked objects, all together. */
static uint64_t kept_stw(struct gc_heap *heap)
{
    uint64_t kept = 0;
    gc_heap_walk_blocks_stw(heap, add_kept, &kept);
    return kept;
}

/* Marks with a stack of so many entries, and counts the nodes that it got wrong; their counts
 * too, for a tracer that counts. */
static uint32_t mark_and_compare(struct fixture *f, size_t entries, bool counts)
{
    struct gc_tracer tracer;
    uint32_t wrong = 0;
    CU_ASSERT_EQUAL_FATAL(gc_tracer_init(&tracer, f->heap, entries), 0);
    tracer.counts = counts;
    gc_stop_begin(f->m);
    for (int round = 0; round < 2; round++) { /* marks of a former round do not count */
        gc_tracer_begin_stw(&tracer);
        gc_tracer_mark_roots_stw(&tracer);
        gc_tracer_drain_stw(&tracer);
        for (uint32_t i = 0; i < NODES; i++)
            wrong += gc_trace_is_marked(graph.nodes[i]) != graph.reachable[i];
        wrong += tracer.objects != graph.count;
        wrong += kept_stw(f->heap) != graph.count;
        for (uint32_t i = 0; i < NODES && counts; i += 7)
            wrong += graph.reachable[i] &&
                     gc_atomic_load_relaxed(&graph.nodes[i]->count) != slots_that_name(i);
    }
    gc_tracer_forget_stw(&tracer);
    wrong += kept_stw(f->heap) != 0;
    gc_stop_end(f->m, 0);
    CU_ASSERT(tracer.deepest <= tracer.room);
    if (entries == 0) {
        CU_ASSERT_EQUAL(tracer.edges, graph.slots);
        CU_ASSERT_FALSE(tracer.overflowed);
    }
    gc_tracer_finish(&tracer);
    return wrong;
}

static void a_stack_that_overflows_loses_nothing(void)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct fixture f;
        struct gc_root_range range;
        if (!fixture_open(&f, "none", NULL, 0)) return;
        memset(root_slots, 0, sizeof(root_slots));
        gc_roots_add(f.heap, &range, root_slots, ROOTS);
        build(f.m, seed);
        CU_ASSERT(graph.count > ROOTS && graph.count < NODES);
        CU_ASSERT_EQUAL(mark_and_compare(&f, 0, false), 0);
        CU_ASSERT_EQUAL(mark_and_compare(&f, 1, false), 0);
        CU_ASSERT_EQUAL(mark_and_compare(&f, 2, false), 0);
        CU_ASSERT_EQUAL(mark_and_compare(&f, 16, false), 0);
        CU_ASSERT_EQUAL(mark_and_compare(&f, 0, true), 0);
        CU_ASSERT_EQUAL(mark_and_compare(&f, 2, true), 0);
        memset(root_slots, 0, sizeof(root_slots));
        gc_roots_remove(f.heap, &range);
        fixture_close(&f);
    }
}

static void a_wide_object_overflows_a_small_stack(void)
{
    struct fixture f;
    struct gc_tracer tracer;
    struct {
        struct gc_frame frame;
        struct gc_array *wide;
        struct node *chain;
    } at;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE_FATAL(gc_new_array(m, &at.wide, &array_type, 1000, 0));
    for (uint32_t i = 0; i < 1000; i++) {
        CU_ASSERT_TRUE(make_chain(m, &at.chain, 3));
        gc_give(m, at.wide, slot[i], &at.chain);
    }
    CU_ASSERT_EQUAL_FATAL(gc_tracer_init(&tracer, f.heap, 8), 0);
    gc_stop_begin(m);
    gc_tracer_begin_stw(&tracer);
    gc_tracer_mark_stw(&tracer, NULL);
    gc_tracer_mark_stw(&tracer, &at.wide->header);
    gc_tracer_mark_stw(&tracer, &at.wide->header);
    gc_tracer_drain_stw(&tracer);
    gc_stop_end(m, 0);
    CU_ASSERT_EQUAL(tracer.objects, 3001);
    CU_ASSERT_EQUAL(tracer.deepest, 8);
    CU_ASSERT(tracer.edges >= 1000 + 3000 * 2);
    gc_tracer_finish(&tracer);
    gc_leave(m, at);
    fixture_close(&f);
}

static void regions_that_come_later_get_their_marks(void)
{
    struct fixture f;
    struct gc_tracer tracer;
    struct {
        struct gc_frame frame;
        struct gc_array *all, *one;
    } at;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    CU_ASSERT_EQUAL_FATAL(gc_tracer_init(&tracer, f.heap, 0), 0); /* no region yet */
    gc_enter(m, at);
    CU_ASSERT_TRUE_FATAL(gc_new_array(m, &at.all, &array_type, 12, 0));
    for (uint32_t i = 0; i < 12; i++) { /* spans, and huge ones */
        CU_ASSERT_TRUE(gc_new_array(m, &at.one, &array_type, 1u << (10 + i), 0));
        gc_store(m, at.one, slot[5], at.all);
        gc_give(m, at.all, slot[i], &at.one);
    }
    CU_ASSERT_TRUE(gc_tracer_reserve(&tracer));
    gc_stop_begin(m);
    gc_tracer_begin_stw(&tracer);
    gc_tracer_mark_roots_stw(&tracer);
    gc_tracer_drain_stw(&tracer);
    gc_stop_end(m, 0);
    CU_ASSERT_EQUAL(tracer.objects, 13);
    gc_tracer_finish(&tracer);
    gc_leave(m, at);
    fixture_close(&f);
}

static void a_tracer_without_memory_is_refused(void)
{
    struct fixture f;
    struct gc_tracer tracer;
    gc_slot local = NULL;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    CU_ASSERT_TRUE(gc_new_slow(f.m, &local, &node_type, 0, 0));
    struct memory before = memory_now();
    for (uint64_t n = 1; n <= 2; n++) { /* the stack, the region's marks */
        gc_os_fail_allocation(n);
        CU_ASSERT_EQUAL(gc_tracer_init(&tracer, f.heap, 0), -12);
    }
    gc_os_fail_allocation(0);
    CU_ASSERT_TRUE(memory_is_equal(memory_now(), before));
    gc_tracer_finish(&tracer);
    fixture_close(&f);
}

int test_trace_suite(void)
{
    static const struct test tests[] = {
        { "a_stack_that_overflows_loses_nothing", a_stack_that_overflows_loses_nothing },
        { "a_wide_object_overflows_a_small_stack",
                a_wide_object_overflows_a_small_stack },
        { "regions_that_come_later_get_their_marks",
                regions_that_come_later_get_their_marks },
        { "a_tracer_without_memory_is_refused", a_tracer_without_memory_is_refused },
    };
    return suite_add("core/trace", tests, COUNT(tests));
}
