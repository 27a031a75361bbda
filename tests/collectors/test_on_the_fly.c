/* SPDX-License-Identifier: MIT */
/* test_on_the_fly.c - the tracer that never stops anybody: what it frees, and what it may
 * hold up, as exact work. */
#define GC_PROTOCOL_HEADER "core/protocol/satb.h"

#include <string.h>

#include "collectors/on_the_fly/on_the_fly.h"
#include "tests/collectors/tracing.h"
#include "tests/gate.h"
#include "tests/suites.h"

static bool open(struct fixture *f, const char *options, size_t limit)
{
    return tracing_open(f, "on_the_fly", options, limit);
}

/* --- what it frees -------------------------------------------------------------------------- */

static void what_no_root_reaches_goes_with_one_collection(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *kept, *ring, *again;
        struct gc_array *large;
    } at;
    static struct node *root;
    struct gc_root_range range;
    if (!open(&f, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_roots_add(f.heap, &range, (gc_slot *)(void *)&root, 1);
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.kept, 100));
    CU_ASSERT_TRUE(make_ring(m, &at.ring, 1000));
    gc_store_root(m, &root, at.ring);
    gc_clear(m, &at.ring);
    CU_ASSERT_TRUE(gc_new_array(m, &at.large, &bytes_type, 0, 100000));
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 1101);
    gc_clear(m, &at.large);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 1);
    gc_store_root_null(m, &root);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 1000);
    /* what was freed is used again, and dies again */
    size_t bytes = gc_atomic_load_relaxed(&f.heap->bytes);
    CU_ASSERT_TRUE(make_ring(m, &at.again, 1000));
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->bytes) <= bytes + 4 * GC_BLOCK_BYTES);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 1100);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(fixture_allocated(&f), 2101);
    CU_ASSERT_EQUAL(fixture_counters(&f).freed_by_trace, 2101);
    fixture_verify(&f);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

/* More objects than the collector's stack has room for are reached at once. */
static void a_wide_object_keeps_all_that_it_names(void)
{
    enum { WIDE = OTF_STACK_ENTRIES + 2000 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *first, *last;
        struct node *node, *child;
    } at;
    if (!open(&f, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.first, &array_type, WIDE, 0));
    for (int64_t i = 0; i < WIDE; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
        CU_ASSERT_TRUE(gc_new(m, &at.child, &node_type));
        at.node->key = at.child->key = i;
        gc_store_new(m, at.node, left, at.child);
        gc_store(m, at.first, slot[i], at.node);
    }
    CU_ASSERT_TRUE(gc_new_array(m, &at.last, &array_type, WIDE, 0));
    gc_copy_slots(m, at.last, slot[0], at.first, slot[0], WIDE);
    gc_clear(m, &at.first);
    gc_clear(m, &at.node);
    gc_clear(m, &at.child);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 1);
    CU_ASSERT_EQUAL(fixture_live(&f), 2 * WIDE + 1);
    fixture_verify(&f);
    int64_t wrong = 0;
    for (int64_t i = 0; i < WIDE; i++) {
        const struct node *node = (const struct node *)(void *)at.last->slot[i];
        wrong += node->key != i || node->left->key != i;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 2 * WIDE + 1);
    fixture_close(&f);
}

static void a_heap_at_its_limit_is_collected_again_and_again(void)
{
    const size_t limit = (size_t)2 << 20;
    struct fixture f;
    if (!open(&f, NULL, limit)) return;
    churn_at_limit(&f, limit, 0);
    gc_quiesce(f.m);
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->collections) > 10);
    CU_ASSERT_EQUAL(fixture_counters(&f).stops, 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_verify(&f);
    fixture_close(&f);
}

static void a_finalized_object_goes_with_the_next_collection(void)
{
    expect_finalized_then_freed("on_the_fly");
}

static void weak_references_are_cleared_and_call_back_once(void)
{
    expect_weak_cleared("on_the_fly", 400);
}

/* Targets of ever other addresses, until one is of the chain that comes first. */
static void the_first_chain_of_the_table_is_cleared_like_the_others(void)
{
    enum { ROUNDS = 60, EACH = 60 /* for which the table does not grow */ };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *target;
        struct gc_weak *weak;
    } at;
    if (!open(&f, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    bool is_there = false;
    gc_enter(m, at);
    for (uint32_t round = 0; round < ROUNDS && !is_there; round++) {
        gc_collect(m, 2);
        for (uint32_t i = 0; i < EACH && !is_there; i++) {
            CU_ASSERT_TRUE(gc_new_array(m, &at.target, &bytes_type, 0, 8 * round));
            CU_ASSERT_TRUE(gc_weak_new(m, &at.weak, &at.target->header, NULL, NULL));
            is_there = f.heap->weak_table[0] != NULL;
        }
    }
    CU_ASSERT_TRUE(is_there);
    gc_clear(m, &at.target);
    gc_collect(m, 2);
    CU_ASSERT_EQUAL(f.heap->weak_count, 0);
    fixture_verify(&f);
    gc_leave(m, at);
    fixture_close(&f);
}

/* --- many mutators ------------------------------------------------------------------------- */

enum { SHARED = 64, MOVES = 20000, MOVES_EACH = 500 /* between collections */ };

/* A racing table: each of its entries is a ring of five, or nothing. */
struct table {
    struct gc_root_range range;
    gc_slot slots[SHARED];
    _Atomic(uint32_t) all_collected; /* relaxed: watched */
};

/* From the call to the return one collection ends, at least, whatever others ask for. */
static void see_a_collection_end(struct gc_mutator *m)
{
    gc_collect(m, 2);
    gc_collect_wait(m); /* if one was under way */
}

static struct node **entry(struct table *table, uint32_t i)
{
    return (struct node **)(void *)&table->slots[i];
}

static void expect_ring(struct worker *worker, struct gc_mutator *m, struct node *ring)
{
    struct {
        struct gc_frame frame;
        struct node *at;
    } at;
    gc_enter(m, at);
    gc_set(m, &at.at, ring);
    for (int i = 0; i < 5; i++) {
        worker_expect(worker, at.at->key == i);
        gc_load_shared(m, &at.at, at.at, left);
    }
    worker_expect(worker, at.at == ring);
    gc_leave(m, at);
}

/* The first worker waits for its collections; the others' are taken as they come. */
static void collect_as(struct worker *worker)
{
    if (worker->number == 0)
        see_a_collection_end(worker->m);
    else
        gc_collect(worker->m, 2);
}

/* Whether there is an i-th move: the others go on until the first has seen all of its own
 * collections end. */
static bool moves_on(const struct worker *worker, const struct table *table, uint32_t i)
{
    if (i < MOVES) return true;
    return worker->number > 0 && gc_atomic_load_relaxed(&table->all_collected) == 0;
}

static void move_rings(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct table *table = worker->shared;
    struct random random = { worker->number + 1 };
    struct {
        struct gc_frame frame;
        struct node *ring, *other;
        struct gc_weak *weak;
    } at;
    gc_enter(m, at);
    for (uint32_t i = 0; moves_on(worker, table, i); i++) {
        uint32_t from = random_below(&random, SHARED), to = random_below(&random, SHARED);
        gc_load_root_shared(m, &at.ring, entry(table, from));
        if (at.ring == NULL || random_below(&random, 8) == 0)
            worker_expect(worker, make_ring(m, &at.ring, 5));
        else
            expect_ring(worker, m, at.ring);
        if (random_below(&random, 16) == 0) {
            worker_expect(
                    worker, gc_new_weak(m, &at.weak, at.ring, NULL, (struct node *)NULL));
        } else if (at.weak != NULL) {
            gc_load_weak(m, &at.other, at.weak);
            if (at.other != NULL) expect_ring(worker, m, at.other);
            if (at.other != NULL) gc_store_root_shared(m, entry(table, from), at.other);
        }
        gc_store_root_shared(m, entry(table, to), at.ring);
        if (random_below(&random, 4) == 0)
            gc_store_root_shared(m, entry(table, from), (struct node *)NULL);
        if (i % MOVES_EACH == 0) collect_as(worker);
        gc_safepoint(m);
    }
    if (worker->number == 0) gc_atomic_store_relaxed(&table->all_collected, 1);
    gc_leave(m, at);
}

static void nothing_is_lost_while_threads_move_it_about(void)
{
    struct fixture f;
    struct worker workers[4];
    static struct table table;
    memset(&table, 0, sizeof(table));
    if (!open(&f, "minimum=64K:growth=110:log=64K", 0)) return;
    gc_roots_add(f.heap, &table.range, table.slots, SHARED);
    workers_run(f.m, workers, 4, move_rings, &table, NULL);
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->collections) >= MOVES / MOVES_EACH);
    CU_ASSERT_EQUAL(fixture_counters(&f).stops, 0);
    fixture_verify(&f);
    for (uint32_t i = 0; i < SHARED; i++)
        gc_store_root_null(f.m, entry(&table, i));
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &table.range);
    fixture_close(&f);
}

static void threads_that_come_and_go_leave_nothing(void)
{
    enum { ROUNDS = 5 };
    struct fixture f;
    struct worker workers[4];
    if (!open(&f, "minimum=64K:growth=110", 0)) return;
    for (int round = 0; round < ROUNDS; round++) {
        workers_start(f.m, workers, 4, build_and_drop, NULL, NULL);
        see_a_collection_end(f.m);
        workers_join(f.m, workers, 4);
    }
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->collections) >= ROUNDS);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(fixture_allocated(&f), ROUNDS * 4 * BUILT);
    CU_ASSERT_EQUAL(fixture_counters(&f).freed_by_trace, ROUNDS * 4 * BUILT);
    fixture_close(&f);
}

/* --- what it holds up ------------------------------------------------------------------------ */

/* Does nothing but poll while a cycle passes: nobody else can answer any of its handshakes. */
static void answer_a_cycle(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_collect_wait(m); /* the rest of another one's might be answered for us */
    const uint64_t before = gc_atomic_load_relaxed(&heap->collections);
    gc_collect_automatic(m, 2);
    while (gc_atomic_load_relaxed(&heap->collections) == before)
        gc_safepoint(m);
}

/* The most work in one stall, by cause, of a program whose heap may grow to ten times what
 * it keeps alive. */
struct most {
    uint64_t handshake, allocation, stop, stops, handshakes;
};

static struct most most_work(size_t live)
{
    const size_t limit = 10 * live * sizeof(struct node);
    struct fixture f;
    struct most most = { 0 };
    if (!open(&f, NULL, limit)) return most;
    /* so long that it gets blocks to sweep as well, if the collector is not far faster */
    const size_t least = GC_TSAN || GC_ASAN ? 1000000 : 4000000;
    CU_ASSERT_TRUE(keep_and_churn(
            f.m, live, 12 * live > least ? 12 * live : least, answer_a_cycle));
    gc_quiesce(f.m);
    const struct gc_stall_sum *causes = f.m->stalls->causes;
    most = (struct most){
        .handshake = causes[GC_STALL_handshake].max_work,
        .allocation = causes[GC_STALL_allocation].max_work,
        .stop = causes[GC_STALL_stop].max_work,
        .stops = fixture_counters(&f).stops,
        .handshakes = causes[GC_STALL_handshake].count,
    };
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->collections) > 0);
    fixture_close(&f);
    return most;
}

static void work_in_stalls_does_not_grow_with_the_heap(void)
{
    enum { PER_CYCLE = 4 }; /* handshakes, at least: RAISE, SCAN, DRAIN, LOWER */
    const size_t many = GC_TSAN || GC_ASAN ? 100000 : GC_CHECK > 0 ? 1000000 : 10000000;
    struct most little = most_work(10000), much = most_work(many);
    /* What there is at either size, and the most that there can be: who waits at the limit
     * may find all of his blocks swept. */
    const uint64_t slots = 3 + 1; /* the frame's locals, the start reference */
    const uint64_t cells = GC_BLOCK_BYTES / sizeof(struct node); /* of one block */
    CU_ASSERT_EQUAL(little.handshake, slots);
    CU_ASSERT_EQUAL(much.handshake, slots);
    CU_ASSERT(little.allocation <= cells && much.allocation <= cells);
    CU_ASSERT_EQUAL(little.stops + much.stops, 0);
    CU_ASSERT_EQUAL(little.stop + much.stop, 0);
    CU_ASSERT(little.handshakes >= PER_CYCLE && much.handshakes >= PER_CYCLE);
}

struct laggard {
    _Atomic(uint32_t) entered, released; /* relaxed: watched */
    struct gate gate;
};

static void reach_no_safepoint(struct worker *worker)
{
    struct laggard *laggard = worker->shared;
    gc_atomic_store_relaxed(&laggard->entered, 1);
    while (gc_atomic_load_relaxed(&laggard->released) == 0)
        ;
}

static void start_laggard(
        struct gc_mutator *m, struct worker *slow, struct laggard *laggard)
{
    gc_atomic_store_relaxed(&laggard->entered, 0);
    gc_atomic_store_relaxed(&laggard->released, 0);
    workers_start(m, slow, 1, reach_no_safepoint, laggard, NULL);
    while (gc_atomic_load_relaxed(&laggard->entered) == 0)
        gc_safepoint(m);
}

static void let_laggard_go(
        struct gc_mutator *m, struct worker *slow, struct laggard *laggard)
{
    gc_atomic_store_relaxed(&laggard->released, 1);
    workers_join(m, slow, 1);
}

static uint64_t handshakes_posted(struct gc_heap *heap)
{
    gc_lock_acquire(&heap->registry_lock);
    uint64_t number = heap->handshake.number;
    gc_lock_release(&heap->registry_lock);
    return number;
}

/* The one does not poll before the others are through: if they waited for it, in whatever
 * way, this would never end. */
static void who_reaches_no_safepoint_holds_up_nobody_else(void)
{
    struct fixture f;
    struct worker slow[1], others[3];
    static struct laggard laggard;
    struct {
        struct gc_frame frame;
        struct gc_array *array;
    } at;
    if (!open(&f, "minimum=64K:growth=110", 0)) return;
    f.heap->pace.patience_ns = UINT64_MAX;
    start_laggard(f.m, slow, &laggard);
    gc_collect_automatic(f.m, 2);
    while (handshakes_posted(f.heap) == 0)
        gc_safepoint(f.m);
    workers_run(f.m, others, 3, build_and_drop, NULL, NULL);
    gc_enter(
            f.m, at); /* who asks for more than there can be is not made to wait either */
    CU_ASSERT_FALSE(gc_new_array(f.m, &at.array, &array_type, 0, UINT32_MAX));
    CU_ASSERT_EQUAL(f.exhausted, 1);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->collections), 0); /* it waits still */
    let_laggard_go(f.m, slow, &laggard);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

/* Replaces the one by the other in a root, until more has been logged than a chunk holds. */
static void log_both(
        struct gc_mutator *m, struct node **root, struct node *one, struct node *other)
{
    for (size_t bytes = 0; bytes < 2 * GC_LOG_CHUNK_BYTES; bytes += 2 * sizeof(one)) {
        gc_store_root(m, root, other);
        gc_store_root(m, root, one);
    }
}

/* Who has not answered RAISE may be sweeping a block for the cycle before, to which the mark
 * that the log's objects would get means that they are dead. */
static void nothing_is_marked_while_a_mutator_sweeps(void)
{
    enum { ENOUGH_NS = 20000000 }; /* the collector looks at the log once in 1 ms */
    struct fixture f;
    struct worker slow[1];
    static struct laggard laggard;
    static struct node *root;
    struct gc_root_range range;
    struct {
        struct gc_frame frame;
        struct node *one, *other;
    } at;
    if (!open(&f, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_roots_add(f.heap, &range, (gc_slot *)(void *)&root, 1);
    start_laggard(m, slow, &laggard);
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.one, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.other, &node_type));
    const uint16_t before = gc_object_mark(&at.one->header);
    /* as if the laggard were in the middle of a block */
    gc_atomic_fetch_add_relaxed(&f.heap->sweeper->sweeping, 1);
    gc_collect_automatic(m, 2);
    while (handshakes_posted(f.heap) == 0)
        gc_safepoint(m);
    gc_safepoint(m); /* answers RAISE */
    log_both(m, &root, at.one, at.other);
    for (uint64_t until = gc_os_now_ns() + ENOUGH_NS; gc_os_now_ns() < until;)
        gc_safepoint(m);
    CU_ASSERT_EQUAL(gc_object_mark(&at.one->header), before);
    CU_ASSERT_EQUAL(gc_object_mark(&at.other->header), before);
    gc_atomic_fetch_sub_release(&f.heap->sweeper->sweeping, 1);
    while (gc_object_mark(&at.one->header) == before)
        gc_safepoint(m); /* and then the log is emptied, though the laggard goes on */
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&laggard.released), 0);
    let_laggard_go(m, slow, &laggard);
    gc_leave(m, at);
    gc_store_root_null(m, &root);
    gc_quiesce(m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void hold_a_ring_and_wait(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct laggard *laggard = worker->shared;
    struct {
        struct gc_frame frame;
        struct node *ring;
    } at;
    gc_enter(m, at);
    worker_expect(worker, make_ring(m, &at.ring, 5));
    gate_pass(&laggard->gate, m);
    expect_ring(worker, m, at.ring);
    gc_leave(m, at);
}

static void who_is_blocked_is_answered_for(void)
{
    struct fixture f;
    struct worker blocked[2];
    static struct laggard laggard;
    if (!open(&f, NULL, 0)) return;
    gate_init(&laggard.gate);
    workers_start(f.m, blocked, 2, hold_a_ring_and_wait, &laggard, NULL);
    gate_await(&laggard.gate, f.m, 2);
    make_garbage_ring(f.m, 100);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 100);
    make_garbage_ring(f.m, 100);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 100);
    CU_ASSERT_EQUAL(fixture_live(&f), 10);
    gate_open(&laggard.gate);
    workers_join(f.m, blocked, 2);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gate_finish(&laggard.gate);
    fixture_close(&f);
}

int test_on_the_fly_suite(void)
{
    static const struct test tests[] = {
        { "what_no_root_reaches_goes_with_one_collection",
                what_no_root_reaches_goes_with_one_collection },
        { "a_wide_object_keeps_all_that_it_names",
                a_wide_object_keeps_all_that_it_names },
        { "a_heap_at_its_limit_is_collected_again_and_again",
                a_heap_at_its_limit_is_collected_again_and_again },
        { "a_finalized_object_goes_with_the_next_collection",
                a_finalized_object_goes_with_the_next_collection },
        { "weak_references_are_cleared_and_call_back_once",
                weak_references_are_cleared_and_call_back_once },
        { "the_first_chain_of_the_table_is_cleared_like_the_others",
                the_first_chain_of_the_table_is_cleared_like_the_others },
        { "nothing_is_lost_while_threads_move_it_about",
                nothing_is_lost_while_threads_move_it_about },
        { "threads_that_come_and_go_leave_nothing",
                threads_that_come_and_go_leave_nothing },
        { "work_in_stalls_does_not_grow_with_the_heap",
                work_in_stalls_does_not_grow_with_the_heap },
        { "who_reaches_no_safepoint_holds_up_nobody_else",
                who_reaches_no_safepoint_holds_up_nobody_else },
        { "nothing_is_marked_while_a_mutator_sweeps",
                nothing_is_marked_while_a_mutator_sweeps },
        { "who_is_blocked_is_answered_for", who_is_blocked_is_answered_for },
    };
    return suite_add("collectors/on_the_fly", tests, COUNT(tests));
}
