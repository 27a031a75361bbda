/* SPDX-License-Identifier: MIT */
/* test_share.c - the work of a stop is done once for each home, whoever does it. */
#define GC_PROTOCOL_HEADER "core/protocol/atomic.h"

#include "core/share.h"
#include "tests/gate.h"
#include "tests/suites.h"
#include "tests/support.h"

enum { MOST = 64, STOPS = 60, PHASES = 4 };

struct count {
    uint64_t parts[MOST]; /* by number of the home; no atoms: parts do not overlap */
    _Atomic(uint32_t) ended, started; /* relaxed: watched, they order nothing */
    struct gate gate;
    uint64_t phase; /* written by the stopper, read by parts */
};

static void do_part(struct gc_mutator *home, void *argument)
{
    struct count *count = argument;
    gc_require(home->number < MOST, "more records than a test has threads");
    gc_require(count->parts[home->number] == count->phase, "a part is done twice");
    count->parts[home->number]++;
}

/* Parts of which every second home has one, and that go on once all of these have run. */
struct chain {
    struct count count;
    _Atomic(uint32_t) ran; /* seq_cst after a part, acquire where it is looked at */
    uint32_t parts;        /* of all */
    bool never;            /* they do not go on */
    uint64_t then[MOST];   /* no atoms: what goes on is at its home alone */
    uint64_t went_on;      /* all of them */
};

static bool has_part(struct gc_mutator *home, void *argument)
{
    (void)argument;
    return home->number % 2 == 0;
}

static void run_part(struct gc_mutator *home, void *argument)
{
    struct chain *chain = argument;
    do_part(home, &chain->count);
    gc_atomic_fetch_add_seq_cst(&chain->ran, 1);
}

static enum gc_share_go may_go_on(struct gc_heap *heap, void *argument)
{
    (void)heap;
    struct chain *chain = argument;
    if (chain->never) return GC_SHARE_END;
    return gc_atomic_load_acquire(&chain->ran) == chain->parts ? GC_SHARE_GO_ON
                                                               : GC_SHARE_NOT_YET;
}

static void go_on(struct gc_mutator *home, void *argument)
{
    struct chain *chain = argument;
    gc_require(may_go_on(NULL, chain) == GC_SHARE_GO_ON, "a part goes on too early");
    gc_require(chain->count.parts[home->number] == chain->count.phase + 1,
            "a part goes on that has not run");
    chain->then[home->number]++;
}

/* Shares out parts that go on, or not; how many were not done as they should. */
static uint32_t share_chain(struct gc_mutator *m, struct chain *chain, bool wake)
{
    const struct gc_share share = {
        .run = run_part,
        .has_part = has_part,
        .then = go_on,
        .may_go_on = may_go_on,
        .argument = chain,
        .wake = wake,
    };
    uint32_t wrong = 0;
    gc_stop_begin(m);
    chain->parts = 0;
    gc_for_each_mutator (home, m->heap)
        chain->parts += has_part(home, NULL);
    for (int i = 0; i < PHASES; i++) {
        gc_atomic_store_relaxed(&chain->ran, 0);
        chain->never = i == PHASES - 1;
        uint64_t before = chain->went_on;
        gc_stop_share(m, &share);
        chain->count.phase++;
        chain->went_on = 0;
        gc_for_each_mutator (home, m->heap) {
            if (has_part(home, NULL))
                wrong += chain->count.parts[home->number] != chain->count.phase;
            else
                wrong += chain->count.parts[home->number] != 0;
            chain->went_on += chain->then[home->number];
        }
        wrong += gc_atomic_load_relaxed(&chain->ran) != chain->parts;
        wrong += chain->went_on - before > chain->parts;
        if (chain->never) wrong += chain->went_on != before;
    }
    gc_stop_end(m, 0);
    return wrong;
}

/* Shares out several phases in one stop; how many parts were not done. */
static uint32_t share_phases(struct gc_mutator *m, struct count *count, bool wake)
{
    const struct gc_share share = { .run = do_part, .argument = count, .wake = wake };
    uint32_t wrong = 0;
    gc_stop_begin(m);
    for (int i = 0; i < PHASES; i++) {
        gc_stop_share(m, &share);
        count->phase++;
        gc_for_each_mutator (home, m->heap)
            wrong += count->parts[home->number] != count->phase;
    }
    gc_stop_end(m, 0);
    return wrong;
}

static uint64_t helped(struct gc_heap *heap)
{
    uint64_t sum = 0;
    gc_for_each_mutator (m, heap)
        sum += m->counters.helped;
    return sum;
}

static void be_busy(struct worker *worker)
{
    struct count *count = worker->shared;
    gc_atomic_fetch_add_relaxed(&count->started, 1);
    while (gc_atomic_load_relaxed(&count->ended) == 0)
        gc_safepoint(worker->m);
}

static void be_blocked(struct worker *worker)
{
    struct count *count = worker->shared;
    gate_pass(&count->gate, worker->m);
}

static void be_gone(struct worker *worker)
{
    worker->result = 1;
}

/* The workers of one heap: all records exist before the first stop. */
static void share_among(const char *collector, bool prepared, uint64_t schedule_seed)
{
    struct fixture f;
    static struct count count;
    struct worker busy[2], blocked[2], gone[2];
    if (!fixture_open(&f, collector, NULL, 0)) return;
    if (prepared) gc_share_prepare(f.heap);
    count = (struct count){ .phase = 0 };
    gate_init(&count.gate);
    bool scheduled = schedule_seed != 0 && gc_schedule_begin_random(schedule_seed, 2);
    workers_start(f.m, gone, 2, be_gone, &count, NULL);
    workers_start(f.m, blocked, 2, be_blocked, &count, NULL);
    workers_start(f.m, busy, 2, be_busy, &count, NULL);
    workers_join(f.m, gone, 2);
    gate_await(&count.gate, f.m, 2);
    while (gc_atomic_load_relaxed(&count.started) < 2) {
        gc_blocked_begin(f.m);
        gc_schedule_yield();
        gc_blocked_end(f.m);
    }
    uint32_t wrong = 0;
    for (int i = 0; i < STOPS; i++) {
        wrong += share_phases(f.m, &count, i % 2 == 0);
        gc_safepoint(f.m);
    }
    gate_open(&count.gate);
    gc_atomic_store_relaxed(&count.ended, 1);
    workers_join(f.m, blocked, 2);
    workers_join(f.m, busy, 2);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(f.m->counters.helped, 0);
    CU_ASSERT(helped(f.heap) <= (uint64_t)STOPS * PHASES * 2); /* the busy ones alone */
    /* Those who wait for the global lock of a serial protocol are never parked. */
    bool parks = (f.heap->protocol->flags & GC_PROTOCOL_SERIAL) == 0;
    if (scheduled) {
        CU_ASSERT_EQUAL(helped(f.heap) > 0, parks);
        gc_schedule_end();
    }
    gate_finish(&count.gate);
    fixture_close(&f);
}

static void every_home_gets_its_part_once_on_real_threads(void)
{
    share_among("refcount@atomic", true, 0);
    share_among("refcount@atomic", false, 0); /* nobody looks out: sleepers are woken */
    share_among("refcount@plain", true, 0);
    share_among("none", true, 0);
}

static void parked_mutators_help_in_schedules(void)
{
    if (GC_CHECK < 1) return;
    for (uint64_t seed = 1; seed <= 10; seed++)
        share_among("refcount@atomic", seed % 2 == 0, seed);
    share_among("refcount@plain", true, 3);
}

/* Two that are parked, one that is blocked, and the stopper. */
static void chain_among(uint64_t schedule_seed)
{
    struct fixture f;
    static struct chain chain;
    struct worker busy[3];
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    gc_share_prepare(f.heap);
    chain = (struct chain){ .count = { .phase = 0 } };
    bool scheduled = schedule_seed != 0 && gc_schedule_begin_random(schedule_seed, 2);
    workers_start(f.m, busy, 3, be_busy, &chain.count, NULL);
    while (gc_atomic_load_relaxed(&chain.count.started) < 3) {
        gc_blocked_begin(f.m);
        gc_schedule_yield();
        gc_blocked_end(f.m);
    }
    uint32_t wrong = 0;
    for (int i = 0; i < STOPS; i++) {
        wrong += share_chain(f.m, &chain, i % 2 == 0);
        gc_safepoint(f.m);
    }
    gc_atomic_store_relaxed(&chain.count.ended, 1);
    workers_join(f.m, busy, 3);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(chain.went_on > 0);
    if (scheduled) {
        CU_ASSERT(helped(f.heap) > 0);
        gc_schedule_end();
    }
    fixture_close(&f);
}

static void parts_go_on_when_all_have_run(void)
{
    chain_among(0);
    for (uint64_t seed = 1; seed <= 10 && GC_CHECK >= 1; seed++)
        chain_among(seed);
}

/* Stoppers that take turns, each with parts for all. */
static void share_often(struct worker *worker)
{
    struct count *count = worker->shared;
    for (int i = 0; i < STOPS; i++) {
        worker_expect(worker, share_phases(worker->m, count, i % 3 == 0) == 0);
        gc_safepoint(worker->m);
    }
}

static void stoppers_share_in_turn(void)
{
    struct fixture f;
    static struct count count;
    struct worker workers[4];
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    gc_share_prepare(f.heap);
    count = (struct count){ .phase = 0 };
    /* Records are made first: one that comes later would lack the parts before. */
    gate_init(&count.gate);
    workers_start(f.m, workers, 4, be_blocked, &count, NULL);
    gate_await(&count.gate, f.m, 4);
    gate_open(&count.gate);
    workers_join(f.m, workers, 4);
    workers_run(f.m, workers, 4, share_often, &count, NULL);
    CU_ASSERT_EQUAL(count.phase, (uint64_t)4 * STOPS * PHASES);
    gate_finish(&count.gate);
    fixture_close(&f);
}

static void share_while_the_world_runs(void *argument)
{
    struct fixture *f = argument;
    static struct count count;
    gc_stop_share(f->m, &(struct gc_share){ .run = do_part, .argument = &count });
}

static void work_is_shared_in_stops_alone(void)
{
    struct fixture f;
    if (GC_ASSERTS < 1 || !fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    CU_ASSERT_TRUE(aborts_with(share_while_the_world_runs, &f, "has not stopped"));
    fixture_close(&f);
}

int test_share_suite(void)
{
    static const struct test tests[] = {
        { "every_home_gets_its_part_once_on_real_threads",
                every_home_gets_its_part_once_on_real_threads },
        { "parked_mutators_help_in_schedules", parked_mutators_help_in_schedules },
        { "parts_go_on_when_all_have_run", parts_go_on_when_all_have_run },
        { "stoppers_share_in_turn", stoppers_share_in_turn },
        { "work_is_shared_in_stops_alone", work_is_shared_in_stops_alone },
    };
    return suite_add("core/share", tests, COUNT(tests));
}
