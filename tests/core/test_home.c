/* SPDX-License-Identifier: MIT */
/* test_home.c - what dies elsewhere goes home, whatever its home is doing; claims. */
#define GC_PROTOCOL_HEADER "core/protocol/atomic.h"

#include "core/home.h"
#include "tests/gate.h"
#include "tests/suites.h"
#include "tests/support.h"

static uint32_t state_of(struct gc_mutator *m)
{
    return gc_atomic_load_relaxed(&m->state);
}

static bool has_arrivals(struct gc_mutator *m)
{
    return gc_atomic_load_relaxed(&m->arrivals) != NULL;
}

struct stage {
    struct gate gate;
    gc_slot slots[4];
    struct gc_root_range range;
};

static void stage_init(struct stage *stage, struct gc_heap *heap)
{
    *stage = (struct stage){ .slots = { NULL } };
    gate_init(&stage->gate);
    gc_roots_add(heap, &stage->range, stage->slots, COUNT(stage->slots));
}

static void stage_finish(struct stage *stage, struct gc_heap *heap)
{
    gc_roots_remove(heap, &stage->range);
    gate_finish(&stage->gate);
}

/* Puts a chain of 100 into the stage's first slot. */
static void leave_chain(struct worker *worker)
{
    struct stage *stage = worker->shared;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    gc_enter(worker->m, at);
    worker_expect(worker, make_chain(worker->m, &at.chain, 100));
    gc_store_root(worker->m, &stage->slots[0], at.chain);
    gc_leave(worker->m, at);
}

static void leave_chain_and_block(struct worker *worker)
{
    struct stage *stage = worker->shared;
    leave_chain(worker);
    gate_pass(&stage->gate, worker->m);
}

/* --- claims ------------------------------------------------------------------------------ */

static void only_who_waits_or_is_gone_can_be_claimed(void)
{
    struct fixture f;
    struct stage stage;
    struct worker workers[2];
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    stage_init(&stage, f.heap);
    CU_ASSERT_FALSE(gc_home_claim(f.m)); /* it runs */
    workers_start(f.m, workers, 1, leave_chain_and_block, &stage, NULL);
    gate_await(&stage.gate, f.m, 1);
    struct gc_mutator *blocked = workers[0].thread.mutator;
    CU_ASSERT_TRUE(gc_home_claim(blocked));
    CU_ASSERT_EQUAL(state_of(blocked), GC_MUTATOR_BLOCKED | GC_MUTATOR_CLAIMED);
    CU_ASSERT_FALSE(gc_home_claim(blocked)); /* twice */
    gc_home_release(blocked, NULL);
    CU_ASSERT_EQUAL(state_of(blocked), GC_MUTATOR_BLOCKED);
    gate_open(&stage.gate);
    workers_join(f.m, workers, 1);
    CU_ASSERT_EQUAL(state_of(blocked), GC_MUTATOR_EXITED);
    CU_ASSERT_TRUE(gc_home_claim(blocked));
    CU_ASSERT_EQUAL(state_of(blocked), GC_MUTATOR_EXITED | GC_MUTATOR_CLAIMED);
    /* who comes now makes a record of his own */
    workers_run(f.m, &workers[1], 1, leave_chain, &stage, NULL);
    CU_ASSERT_PTR_NOT_EQUAL(workers[1].thread.mutator, blocked);
    gc_home_release(blocked, NULL);
    gc_store_root_null(f.m, &stage.slots[0]);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    stage_finish(&stage, f.heap);
    fixture_close(&f);
}

static void come_back(struct worker *worker)
{
    struct stage *stage = worker->shared;
    gate_pass(&stage->gate, worker->m);
    worker->result = 1; /* read by who holds the claim, who is sure to see 0 */
}

static void a_return_waits_for_a_claim(void)
{
    if (GC_CHECK < 1) return; /* release builds have no schedule */
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct fixture f;
        struct stage stage;
        struct worker workers[1];
        if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
        stage_init(&stage, f.heap);
        CU_ASSERT_TRUE_FATAL(gc_schedule_begin_random(seed, 3));
        workers_start(f.m, workers, 1, come_back, &stage, NULL);
        gate_await(&stage.gate, f.m, 1);
        CU_ASSERT_TRUE(gc_home_claim(workers[0].m));
        gate_open(&stage.gate);
        for (int i = 0; i < 50; i++)
            gc_schedule_yield();
        CU_ASSERT_EQUAL(workers[0].result, 0);
        gc_home_release(workers[0].m, NULL);
        workers_join(f.m, workers, 1);
        gc_schedule_end();
        CU_ASSERT_EQUAL(workers[0].result, 1);
        stage_finish(&stage, f.heap);
        fixture_close(&f);
    }
}

static void stop_for_a_while(struct worker *worker)
{
    gc_stop_begin(worker->m);
    worker->result = 1;
    gc_stop_end(worker->m, 0);
}

static void a_stop_waits_for_a_claim(void)
{
    if (GC_CHECK < 1) return;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct fixture f;
        struct stage stage;
        struct worker workers[2];
        if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
        stage_init(&stage, f.heap);
        CU_ASSERT_TRUE_FATAL(gc_schedule_begin_random(seed, 3));
        workers_start(f.m, &workers[0], 1, come_back, &stage, NULL);
        gate_await(&stage.gate, f.m, 1);
        CU_ASSERT_TRUE(gc_home_claim(workers[0].m));
        workers_start(f.m, &workers[1], 1, stop_for_a_while, &stage, NULL);
        gc_blocked_begin(f.m);
        for (int i = 0; i < 50; i++)
            gc_schedule_yield();
        CU_ASSERT_EQUAL(workers[1].result, 0);
        gc_home_release(workers[0].m, NULL);
        gc_blocked_end(f.m);
        gate_open(&stage.gate);
        workers_join(f.m, workers, 2);
        gc_schedule_end();
        CU_ASSERT_EQUAL(workers[1].result, 1);
        stage_finish(&stage, f.heap);
        fixture_close(&f);
    }
}

/* --- arrivals ---------------------------------------------------------------------------- */

/* Drops what the stage's first slot names, and sends off what has died by that. */
static void drop_chain(struct gc_mutator *m, struct stage *stage)
{
    gc_store_root_null(m, &stage->slots[0]);
    gc_settle(m);
}

static uint64_t cells_in_use(struct gc_mutator *home)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < 2 * GC_CLASSES; i++) {
        const struct gc_run *run = &home->runs[i / GC_CLASSES][i % GC_CLASSES];
        if (run->block == NULL) continue;
        used += gc_block_used(run->block);
        for (struct gc_object *o = run->free; o != NULL; o = *gc_cell_link(o))
            used--;
    }
    return used;
}

static void a_blocked_home_is_acted_for(void)
{
    static const char *const collectors[] = { "refcount@atomic", "generational@atomic" };
    for (size_t i = 0; i < COUNT(collectors); i++) {
        struct fixture f;
        struct stage stage;
        struct worker workers[1];
        if (!fixture_open(&f, collectors[i], NULL, 0)) continue;
        stage_init(&stage, f.heap);
        workers_start(f.m, workers, 1, leave_chain_and_block, &stage, NULL);
        gate_await(&stage.gate, f.m, 1);
        struct gc_mutator *home = workers[0].thread.mutator;
        CU_ASSERT_EQUAL(cells_in_use(home), 100);
        drop_chain(f.m, &stage);
        CU_ASSERT_FALSE(has_arrivals(home));
        CU_ASSERT_EQUAL(cells_in_use(home), 0);
        CU_ASSERT_TRUE(gc_list_is_empty(&home->young));
        CU_ASSERT_EQUAL(state_of(home), GC_MUTATOR_BLOCKED);
        gate_open(&stage.gate);
        workers_join(f.m, workers, 1);
        stage_finish(&stage, f.heap);
        fixture_close(&f);
    }
}

static void an_exited_home_is_acted_for(void)
{
    struct fixture f;
    struct stage stage;
    struct worker workers[1];
    if (!fixture_open(&f, "generational@atomic", NULL, 0)) return;
    stage_init(&stage, f.heap);
    workers_run(f.m, workers, 1, leave_chain, &stage, NULL);
    struct gc_mutator *home = workers[0].thread.mutator;
    struct gc_block *block = gc_block_of(stage.slots[0]);
    CU_ASSERT_PTR_EQUAL(block->home, home);
    drop_chain(f.m, &stage);
    CU_ASSERT_FALSE(has_arrivals(home));
    CU_ASSERT_EQUAL(gc_block_used(block), 0);
    CU_ASSERT_TRUE(gc_list_is_empty(&home->young));
    CU_ASSERT_EQUAL(state_of(home), GC_MUTATOR_EXITED);
    stage_finish(&stage, f.heap);
    fixture_close(&f);
}

static void leave_chain_and_wait_for_its_death(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct stage *stage = worker->shared;
    leave_chain(worker);
    gate_pass(&stage->gate, m);
    /* Nobody acts for who runs; the first safepoint after the death takes everything in. */
    uint64_t start = gc_os_now_ns();
    while (cells_in_use(m) > 0 && gc_os_now_ns() - start < UINT64_C(20000000000))
        gc_safepoint(m);
    worker->result = cells_in_use(m);
}

static void a_running_home_takes_in_what_has_arrived(void)
{
    struct fixture f;
    struct stage stage;
    struct worker workers[1];
    if (!fixture_open(&f, "generational@atomic", NULL, 0)) return;
    stage_init(&stage, f.heap);
    workers_start(f.m, workers, 1, leave_chain_and_wait_for_its_death, &stage, NULL);
    gate_await(&stage.gate, f.m, 1);
    gate_open(&stage.gate);
    struct gc_mutator *home = workers[0].thread.mutator;
    while (state_of(home) != GC_MUTATOR_RUNNING)
        gc_safepoint(f.m);
    drop_chain(f.m, &stage);
    workers_join(f.m, workers, 1);
    CU_ASSERT_EQUAL(workers[0].result, 0);
    CU_ASSERT_FALSE(has_arrivals(home));
    stage_finish(&stage, f.heap);
    fixture_close(&f);
}

static void the_dead_wait_in_a_parcel_until_there_are_enough(void)
{
    struct fixture f;
    struct stage stage;
    struct worker workers[1];
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    stage_init(&stage, f.heap);
    workers_run(f.m, workers, 1, leave_chain, &stage, NULL);
    struct gc_mutator *home = workers[0].thread.mutator;
    struct gc_block *block = gc_block_of(stage.slots[0]);
    gc_store_root_null(f.m, &stage.slots[0]);
    const struct gc_parcel *parcel = &f.m->parcels[home->number % GC_PARCELS];
    CU_ASSERT_PTR_EQUAL(parcel->home, home);
    CU_ASSERT_EQUAL(parcel->count, 100 - GC_PARCEL_CELLS);
    CU_ASSERT_EQUAL(gc_block_used(block), parcel->count);
    gc_blocked_begin(f.m); /* (H3) */
    CU_ASSERT_EQUAL(parcel->count, 0);
    CU_ASSERT_EQUAL(gc_block_used(block), 0);
    gc_blocked_end(f.m);
    stage_finish(&stage, f.heap);
    fixture_close(&f);
}

static void leave_large(struct worker *worker)
{
    struct stage *stage = worker->shared;
    struct {
        struct gc_frame frame;
        struct gc_array *large;
    } at;
    gc_enter(worker->m, at);
    worker_expect(worker, gc_new_array(worker->m, &at.large, &bytes_type, 0, 1 << 20));
    gc_store_root(worker->m, &stage->slots[0], at.large);
    gc_leave(worker->m, at);
}

/* A parcel counts objects, not bytes. */
static void what_is_large_does_not_wait_in_a_parcel(void)
{
    struct fixture f;
    struct stage stage;
    struct worker workers[1];
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    stage_init(&stage, f.heap);
    workers_run(f.m, workers, 1, leave_large, &stage, NULL);
    struct gc_block *block = gc_block_of(stage.slots[0]);
    CU_ASSERT_EQUAL(block->state, GC_BLOCK_SPAN);
    gc_store_root_null(f.m, &stage.slots[0]);
    CU_ASSERT_NOT_EQUAL(block->state, GC_BLOCK_SPAN); /* in limbo, or free again */
    const struct gc_mutator *home = workers[0].thread.mutator;
    CU_ASSERT_EQUAL(f.m->parcels[home->number % GC_PARCELS].count, 0);
    stage_finish(&stage, f.heap);
    fixture_close(&f);
}

enum { HOMES = GC_PARCELS + 3 };

static void homes_that_share_a_parcel_do_not_disturb_each_other(void)
{
    struct fixture f;
    struct stage stages[HOMES];
    struct worker workers[HOMES];
    if (!fixture_open(&f, "generational@atomic", NULL, 0)) return;
    for (int i = 0; i < HOMES; i++) {
        stage_init(&stages[i], f.heap);
        workers_start(f.m, &workers[i], 1, leave_chain_and_block, &stages[i], NULL);
        gate_await(&stages[i].gate, f.m, 1);
    }
    struct {
        struct gc_frame frame;
        struct node *at[HOMES], *next;
    } at;
    gc_enter(f.m, at);
    for (int i = 0; i < HOMES; i++) {
        gc_load_root(f.m, &at.at[i], &stages[i].slots[0]);
        gc_store_root_null(f.m, &stages[i].slots[0]);
    }
    for (int k = 0; k < 100; k++) { /* one of each chain in turn */
        for (int i = 0; i < HOMES; i++) {
            gc_load(f.m, &at.next, at.at[i], left);
            gc_move(f.m, &at.at[i], &at.next);
        }
    }
    gc_leave(f.m, at);
    gc_settle(f.m);
    for (int i = 0; i < HOMES; i++) {
        CU_ASSERT_EQUAL(cells_in_use(workers[i].thread.mutator), 0);
        CU_ASSERT_FALSE(has_arrivals(workers[i].thread.mutator));
        gate_open(&stages[i].gate);
        workers_join(f.m, &workers[i], 1);
        stage_finish(&stages[i], f.heap);
    }
    fixture_verify(&f);
    fixture_close(&f);
}

struct adopter {
    struct gc_heap *heap;
    _Atomic(uint32_t) ended, safepoints; /* relaxed: watched, they order nothing */
    struct gc_mutator *m;
    uint64_t delay; /* so that it comes at every moment of the sending */
};

static void adopt_and_run(void *argument)
{
    struct adopter *adopter = argument;
    for (uint64_t i = 0; i < adopter->delay; i++)
        gc_schedule_yield();
    gc_require(gc_attach(adopter->heap, &adopter->m) == 0, "attach failed");
    while (gc_atomic_load_relaxed(&adopter->ended) == 0) {
        gc_safepoint(adopter->m);
        gc_atomic_fetch_add_relaxed(&adopter->safepoints, 1);
    }
    gc_detach(adopter->m);
}

/* Who sends while the record is adopted may find it EXITED, and then not. */
static void nothing_is_lost_while_a_record_is_adopted(void)
{
    if (GC_CHECK < 1) return;
    for (uint64_t seed = 1; seed <= 600; seed++) {
        struct fixture f;
        struct stage stage;
        struct worker workers[1];
        struct gc_thread thread;
        if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
        struct adopter adopter = { .heap = f.heap, .delay = seed % 100 };
        stage_init(&stage, f.heap);
        CU_ASSERT_TRUE_FATAL(gc_schedule_begin_random(seed, 2));
        workers_run(f.m, workers, 1, leave_chain, &stage, NULL);
        struct gc_mutator *home = workers[0].thread.mutator;
        CU_ASSERT_EQUAL_FATAL(gc_thread_start(&thread, adopt_and_run, &adopter), 0);
        drop_chain(f.m, &stage);
        uint32_t before = gc_atomic_load_relaxed(&adopter.safepoints);
        while (gc_atomic_load_relaxed(&adopter.safepoints) < before + 3)
            gc_schedule_yield();
        CU_ASSERT_FALSE(has_arrivals(home));
        gc_atomic_store_relaxed(&adopter.ended, 1);
        gc_blocked_begin(f.m);
        gc_thread_join(&thread);
        gc_blocked_end(f.m);
        gc_schedule_end();
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        stage_finish(&stage, f.heap);
        fixture_close(&f);
    }
}

/* --- drops that are put off -------------------------------------------------------------- */

static uint32_t finalized;

static int count_it(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    finalized++;
    return 0;
}
static const struct gc_type counted_type =
        GC_TYPE(struct node, .slots = 2, .finalize = count_it);

static void make_counted(struct gc_mutator *m, gc_slot *slot)
{
    *slot = NULL;
    CU_ASSERT_TRUE_FATAL(gc_new_slow(m, slot, &counted_type, 0, 0));
}

static void a_drop_waits_for_a_safepoint(void)
{
    struct fixture f;
    gc_slot slot;
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    finalized = 0;
    make_counted(f.m, &slot);
    gc_drop_later(f.m, slot);
    CU_ASSERT_EQUAL(finalized, 0);
    CU_ASSERT_EQUAL(f.m->drop_count, 1);
    CU_ASSERT_TRUE(gc_safepoint_is_due(f.m));
    gc_safepoint(f.m);
    CU_ASSERT_EQUAL(finalized, 1);
    CU_ASSERT_EQUAL(f.m->drop_count, 0);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.m->poll), 0);
    make_counted(f.m, &slot);
    gc_drop_later(f.m, slot);
    gc_blocked_begin(f.m); /* (H3) */
    CU_ASSERT_EQUAL(finalized, 2);
    gc_blocked_end(f.m);
    make_counted(f.m, &slot);
    gc_drop_later(f.m, slot);
    gc_stop_begin(f.m);
    CU_ASSERT_EQUAL(finalized, 3);
    gc_stop_end(f.m, 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void more_drops_than_can_be_kept_settle_at_once(void)
{
    struct fixture f;
    gc_slot slot;
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    finalized = 0;
    gc_slot held[GC_DROPS + 1];
    for (int i = 0; i <= GC_DROPS; i++)
        make_counted(f.m, &held[i]);
    for (int i = 0; i < GC_DROPS; i++)
        gc_drop_later(f.m, held[i]);
    CU_ASSERT_EQUAL(finalized, 0);
    CU_ASSERT_EQUAL(f.m->drop_count, GC_DROPS);
    gc_drop_later(f.m, held[GC_DROPS]);
    CU_ASSERT_EQUAL(finalized, GC_DROPS);
    CU_ASSERT_EQUAL(f.m->drop_count, 1);
    gc_safepoint(f.m);
    CU_ASSERT_EQUAL(finalized, GC_DROPS + 1);
    make_counted(f.m, &slot);
    gc_drop_later(f.m, slot);
    gc_detach(f.m); /* and at the end of a mutator's life */
    CU_ASSERT_EQUAL(finalized, GC_DROPS + 2);
    CU_ASSERT_EQUAL_FATAL(gc_attach(f.heap, &f.m), 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

int test_home_suite(void)
{
    static const struct test tests[] = {
        { "only_who_waits_or_is_gone_can_be_claimed",
                only_who_waits_or_is_gone_can_be_claimed },
        { "a_return_waits_for_a_claim", a_return_waits_for_a_claim },
        { "a_stop_waits_for_a_claim", a_stop_waits_for_a_claim },
        { "a_blocked_home_is_acted_for", a_blocked_home_is_acted_for },
        { "an_exited_home_is_acted_for", an_exited_home_is_acted_for },
        { "a_running_home_takes_in_what_has_arrived",
                a_running_home_takes_in_what_has_arrived },
        { "the_dead_wait_in_a_parcel_until_there_are_enough",
                the_dead_wait_in_a_parcel_until_there_are_enough },
        { "what_is_large_does_not_wait_in_a_parcel",
                what_is_large_does_not_wait_in_a_parcel },
        { "homes_that_share_a_parcel_do_not_disturb_each_other",
                homes_that_share_a_parcel_do_not_disturb_each_other },
        { "nothing_is_lost_while_a_record_is_adopted",
                nothing_is_lost_while_a_record_is_adopted },
        { "a_drop_waits_for_a_safepoint", a_drop_waits_for_a_safepoint },
        { "more_drops_than_can_be_kept_settle_at_once",
                more_drops_than_can_be_kept_settle_at_once },
    };
    return suite_add("core/home", tests, COUNT(tests));
}
