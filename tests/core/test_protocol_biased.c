/* SPDX-License-Identifier: MIT */
/* test_protocol_biased.c - who counts where, and how objects leave their owners. */
#define GC_PROTOCOL_HEADER "core/protocol/biased.h"

#include <sched.h>

#include "core/handshake.h"
#include "core/home.h"
#include "tests/gate.h"
#include "tests/suites.h"
#include "tests/support.h"

static uint64_t count(struct gc_mutator *m, struct node *node)
{
    return gc_refcount(m, &node->header);
}

static uint32_t low(const struct node *node)
{
    return gc_atomic_load_relaxed(&node->header.count_low);
}

static uint32_t high(const struct node *node)
{
    return gc_atomic_load_relaxed(&node->header.count_high);
}

static bool is_merged(const struct node *node)
{
    return (high(node) & GC_BIASED_MERGED) != 0 && low(node) == 0;
}

static void the_owner_counts_plainly(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node, *a, *b;
    } at;
    if (!fixture_open(&f, "refcount@biased", NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.node, &node_type));
    CU_ASSERT_TRUE(gc_biased_is_mine(f.m, &at.node->header));
    gc_set(f.m, &at.a, at.node);
    gc_store(f.m, at.node, left, at.node);
    gc_load_shared(f.m, &at.b, at.node, left);
    CU_ASSERT_EQUAL(low(at.node) / GC_BIASED_ONE, 4);
    CU_ASSERT_EQUAL(high(at.node), GC_BIASED_ZERO);
    CU_ASSERT_EQUAL(count(f.m, at.node), 4);
    gc_store_null(f.m, at.node, left);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

/* More references than the owner's half can count. */
static void a_full_half_goes_on_in_the_other(void)
{
    enum { MANY = 70000 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node;
        struct gc_array *array;
    } at;
    if (!fixture_open(&f, "refcount@biased", NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.node, &node_type));
    CU_ASSERT_TRUE_FATAL(gc_new_array(f.m, &at.array, &array_type, MANY, 0));
    for (int i = 0; i < MANY; i++)
        gc_protocol_store(f.m, &at.array->header, &at.array->slot[i], &at.node->header);
    CU_ASSERT_EQUAL(count(f.m, at.node), MANY + 1);
    CU_ASSERT(high(at.node) > GC_BIASED_ZERO);
    fixture_verify(&f);
    gc_clear(f.m, &at.array);
    CU_ASSERT_EQUAL(count(f.m, at.node), 1);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

/* --- dropped by others ------------------------------------------------------------------- */

struct hand_off {
    struct gate made, dropped;
    gc_slot root;
};

/* Makes an object, keeps one reference of two, and waits, blocked, until others dropped
 * theirs. */
static void make_and_wait(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct hand_off *hand_off = worker->shared;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(m, at);
    worker_expect(worker, gc_new(m, &at.node, &node_type));
    gc_store_root_shared(m, &hand_off->root, at.node);
    gate_open(&hand_off->made);
    gate_pass(&hand_off->dropped, m);
    worker_expect(worker, is_merged(at.node));
    gc_leave(m, at);
}

static void hand_off_open(struct hand_off *hand_off)
{
    gate_init(&hand_off->made);
    gate_init(&hand_off->dropped);
    hand_off->root = NULL;
}

static void hand_off_close(struct hand_off *hand_off)
{
    gate_finish(&hand_off->made);
    gate_finish(&hand_off->dropped);
}

static void a_drop_merges_the_object_of_an_owner_who_is_blocked(void)
{
    struct fixture f;
    struct worker worker[1];
    struct hand_off hand_off;
    struct gc_root_range range;
    if (!fixture_open(&f, "refcount@biased", NULL, 0)) return;
    hand_off_open(&hand_off);
    gc_roots_add(f.heap, &range, &hand_off.root, 1);
    workers_start(f.m, worker, 1, make_and_wait, &hand_off, NULL);
    gate_pass(&hand_off.made, f.m);
    gate_await(&hand_off.dropped, f.m, 1);
    struct node *node = (struct node *)(void *)hand_off.root;
    CU_ASSERT_EQUAL(low(node) / GC_BIASED_ONE, 2);
    gc_store_root_null(f.m, &hand_off.root);
    CU_ASSERT_TRUE(is_merged(node));
    CU_ASSERT_EQUAL(high(node), GC_BIASED_MERGED | (GC_BIASED_ZERO + 1));
    gate_open(&hand_off.dropped);
    workers_join(f.m, worker, 1);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    hand_off_close(&hand_off);
    fixture_close(&f);
}

/* Makes a chain that others drop, and runs on, polling, until they have. */
static void make_and_run(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct hand_off *hand_off = worker->shared;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    gc_enter(m, at);
    worker_expect(worker, make_chain(m, &at.chain, 1000));
    gc_store_root_shared(m, &hand_off->root, at.chain);
    gc_clear(m, &at.chain);
    gate_open(&hand_off->made);
    do {
        gc_safepoint(m);
        gc_load_root_shared(m, &at.chain, &hand_off->root);
    } while (at.chain != NULL);
    gc_leave(m, at);
}

/* Whoever the owner is meanwhile: running, on his way out, or gone. */
static void what_others_drop_dies_with_its_owner_running(void)
{
    static const char *const collectors[] = { "refcount@biased", "generational@biased" };
    for (size_t i = 0; i < COUNT(collectors) * 20; i++) {
        struct fixture f;
        struct worker worker[1];
        struct hand_off hand_off;
        struct gc_root_range range;
        if (!fixture_open(&f, collectors[i % COUNT(collectors)], NULL, 0)) return;
        hand_off_open(&hand_off);
        gc_roots_add(f.heap, &range, &hand_off.root, 1);
        workers_start(f.m, worker, 1, make_and_run, &hand_off, NULL);
        gate_pass(&hand_off.made, f.m);
        gc_store_root_shared(f.m, &hand_off.root, (struct node *)NULL);
        gc_safepoint(f.m);
        workers_join(f.m, worker, 1);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        fixture_verify(&f);
        gc_roots_remove(f.heap, &range);
        hand_off_close(&hand_off);
        fixture_close(&f);
    }
}

/* `by` drops the only reference to an object of `owner`, which dies where `owner` polls. */
static void drop_of_another(
        struct gc_mutator *by, struct gc_mutator *owner, gc_slot *root)
{
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(owner, at);
    CU_ASSERT_TRUE(gc_new(owner, &at.node, &node_type));
    gc_store_root_shared(owner, root, at.node);
    gc_leave(owner, at);
    gc_store_root_null(by, root);
}

/* Two mutators of one thread, which so are at known places of their ways. */
static void what_is_queued_is_sent_at_a_safepoint_and_its_memory_used_again(void)
{
    enum { ROUNDS = 20 };
    struct fixture f;
    struct gc_mutator *other;
    struct gc_root_range range;
    gc_slot root = NULL;
    uint64_t requests = 0;
    if (!fixture_open(&f, "refcount@biased", NULL, 0)) return;
    gc_roots_add(f.heap, &range, &root, 1);
    CU_ASSERT_EQUAL_FATAL(gc_attach(f.heap, &other), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct gc_mutator *by = round % 2 == 0 ? f.m : other;
        struct gc_mutator *owner = round % 2 == 0 ? other : f.m;
        for (int i = 0; i < 3; i++)
            drop_of_another(by, owner, &root);
        CU_ASSERT_FALSE(gc_home_was_sent(owner));
        gc_safepoint(by);
        CU_ASSERT_TRUE(gc_home_was_sent(owner));
        CU_ASSERT_EQUAL(fixture_live(&f), 3);
        gc_safepoint(owner);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        if (round == 1) requests = memory_requests();
    }
    CU_ASSERT_EQUAL(memory_requests(), requests);
    gc_detach(other);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

/* Makes objects that outlive it. */
static void make_and_exit(struct worker *worker)
{
    struct hand_off *hand_off = worker->shared;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    gc_enter(worker->m, at);
    worker_expect(worker, make_chain(worker->m, &at.chain, 100000));
    gc_store_root(worker->m, &hand_off->root, at.chain);
    gc_leave(worker->m, at);
}

static void a_long_chain_of_an_owner_who_is_gone_dies_at_once(void)
{
    struct fixture f;
    struct worker worker[1];
    struct hand_off hand_off;
    struct gc_root_range range;
    if (!fixture_open(&f, "refcount@biased", NULL, 0)) return;
    hand_off_open(&hand_off);
    gc_roots_add(f.heap, &range, &hand_off.root, 1);
    workers_run(f.m, worker, 1, make_and_exit, &hand_off, NULL);
    CU_ASSERT_EQUAL(fixture_live(&f), 100000);
    gc_store_root_null(f.m, &hand_off.root);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    hand_off_close(&hand_off);
    fixture_close(&f);
}

/* --- what is sent, where no code of the program may run ------------------------------------ */

static _Atomic(uint32_t) ended; /* finalizers that ran; relaxed */
static _Atomic(uint32_t) told;  /* relaxed: watched, it orders nothing */

/* Waits for the lock of who stops and shakes hands. */
static int collect_at_the_end(struct gc_mutator *m, struct gc_object *object)
{
    (void)object;
    gc_collect(m, 2);
    gc_atomic_fetch_add_relaxed(&ended, 1);
    return 0;
}
static const struct gc_type collecting_type =
        GC_TYPE(struct node, .slots = 2, .finalize = collect_at_the_end);

static void do_nothing(struct gc_mutator *m, void *argument)
{
    (void)m, (void)argument;
}

static void drop_and_tell(struct worker *worker)
{
    gc_slot *root = worker->shared;
    gc_store_root_null(worker->m, root);
    gc_safepoint(worker->m); /* sends it */
    gc_atomic_store_relaxed(&told, 1);
}

static void who_shakes_hands_runs_no_finalizer_meanwhile(void)
{
    struct fixture f;
    struct worker worker[1];
    gc_slot root = NULL;
    struct gc_root_range range;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "generational@biased", NULL, 0)) return;
    gc_atomic_store_relaxed(&ended, 0);
    gc_atomic_store_relaxed(&told, 0);
    gc_roots_add(f.heap, &range, &root, 1);
    gc_enter(f.m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.node, &collecting_type));
    gc_store_root(f.m, &root, at.node);
    gc_clear(f.m, &at.node);
    workers_start(f.m, worker, 1, drop_and_tell, &root, NULL);
    while (gc_atomic_load_relaxed(&told) == 0) /* no safepoint: it stays in our queue */
        sched_yield();
    gc_handshake(f.m, do_nothing, NULL);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&ended), 0);
    gc_safepoint(f.m);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&ended), 1);
    gc_leave(f.m, at);
    workers_join(f.m, worker, 1);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

enum { LEVELS = 100, WIDTH = 70 }; /* more than a mutator keeps unsent */

/* A list of arrays, each full of nodes of its own. */
static void make_comb_and_run(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct hand_off *hand_off = worker->shared;
    struct {
        struct gc_frame frame;
        struct gc_array *comb, *next;
        struct node *node;
    } at;
    gc_enter(m, at);
    for (int level = 0; level < LEVELS; level++) {
        worker_expect(worker, gc_new_array(m, &at.next, &array_type, WIDTH, 0));
        gc_give(m, at.next, slot[0], &at.comb);
        for (int i = 1; i < WIDTH; i++) {
            worker_expect(worker, gc_new(m, &at.node, &node_type));
            gc_give(m, at.next, slot[i], &at.node);
        }
        gc_move(m, &at.comb, &at.next);
    }
    gc_store_root_shared(m, &hand_off->root, at.comb);
    gc_clear(m, &at.comb);
    gate_open(&hand_off->made);
    while (gc_atomic_load_relaxed(&told) == 0)
        gc_safepoint(m);
    gc_leave(m, at);
}

struct starving {
    struct gc_heap *heap;
    gc_slot *root;
};

static void drop_without_memory(void *argument)
{
    struct starving *starving = argument;
    struct gc_mutator *m;
    if (gc_attach(starving->heap, &m) != 0) return;
    memory_refuse(true);
    gc_store_root_null(m, starving->root);
    gc_safepoint(m);
    memory_refuse(false);
    gc_atomic_store_relaxed(&told, (uint32_t)m->counters.handshakes);
    gc_detach(m);
}

/* Owners who run are asked to merge, one handshake after the other: no stack grows. */
static void drops_need_no_memory(void)
{
    struct fixture f;
    struct worker worker[1];
    struct hand_off hand_off;
    struct gc_root_range range;
    if (!fixture_open(&f, "refcount@biased", NULL, 0)) return;
    gc_atomic_store_relaxed(&told, 0);
    hand_off_open(&hand_off);
    gc_roots_add(f.heap, &range, &hand_off.root, 1);
    workers_start(f.m, worker, 1, make_comb_and_run, &hand_off, NULL);
    gate_pass(&hand_off.made, f.m);
    struct starving starving = { .heap = f.heap, .root = &hand_off.root };
    gc_blocked_begin(f.m);
    run_on_small_stack((size_t)128 << 10, drop_without_memory, &starving);
    gc_blocked_end(f.m);
    CU_ASSERT(gc_atomic_load_relaxed(&told) >= LEVELS);
    workers_join(f.m, worker, 1);
    CU_ASSERT_EQUAL(fixture_allocated(&f), LEVELS * WIDTH);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    hand_off_close(&hand_off);
    fixture_close(&f);
}

int test_protocol_biased_suite(void)
{
    static const struct test tests[] = {
        { "the_owner_counts_plainly", the_owner_counts_plainly },
        { "a_full_half_goes_on_in_the_other", a_full_half_goes_on_in_the_other },
        { "a_drop_merges_the_object_of_an_owner_who_is_blocked",
                a_drop_merges_the_object_of_an_owner_who_is_blocked },
        { "what_others_drop_dies_with_its_owner_running",
                what_others_drop_dies_with_its_owner_running },
        { "what_is_queued_is_sent_at_a_safepoint_and_its_memory_used_again",
                what_is_queued_is_sent_at_a_safepoint_and_its_memory_used_again },
        { "who_shakes_hands_runs_no_finalizer_meanwhile",
                who_shakes_hands_runs_no_finalizer_meanwhile },
        { "drops_need_no_memory", drops_need_no_memory },
        { "a_long_chain_of_an_owner_who_is_gone_dies_at_once",
                a_long_chain_of_an_owner_who_is_gone_dies_at_once },
    };
    return suite_add("core/protocol_biased", tests, COUNT(tests));
}
