/* SPDX-License-Identifier: MIT */
/* test_safepoint.c - stops: everybody is stopped, whatever he is doing, and nobody runs. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#include "tests/suites.h"
#include "tests/support.h"

enum { RUNNERS = 4, STOPS = 50 };

struct world {
    _Atomic(uint64_t) bumps[RUNNERS]; /* relaxed: watched, they order nothing */
    _Atomic(uint32_t) ended, started;
    struct gc_lock lock;
    struct gc_condition changed;
    bool released;     /* lock */
    uint64_t unlocked; /* in stops alone */
};

static void world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    gc_lock_init(&world->lock, GC_RANK_TRIAL);
    gc_condition_init(&world->changed);
}

static void world_finish(struct world *world)
{
    gc_condition_finish(&world->changed);
    gc_lock_finish(&world->lock);
}

static uint64_t sum_of(struct world *world)
{
    uint64_t sum = 0;
    for (int i = 0; i < RUNNERS; i++)
        sum += gc_atomic_load_relaxed(&world->bumps[i]);
    return sum;
}

static void bump(struct worker *worker)
{
    struct world *world = worker->shared;
    gc_atomic_fetch_add_relaxed(&world->started, 1);
    while (gc_atomic_load_relaxed(&world->ended) == 0) {
        gc_atomic_fetch_add_relaxed(&world->bumps[worker->number], 1);
        gc_safepoint(worker->m);
    }
}

/* Lets others run until the condition holds. */
#define let_others_run_until(m, condition)                                               \
    do {                                                                                 \
        while (!(condition)) {                                                           \
            gc_blocked_begin(m);                                                         \
            sched_yield();                                                               \
            gc_schedule_yield();                                                         \
            gc_blocked_end(m);                                                           \
        }                                                                                \
    } while (0)

static void nobody_runs_in_a_stop_of(const char *collector)
{
    struct fixture f;
    struct world world;
    struct worker workers[RUNNERS];
    if (!fixture_open(&f, collector, NULL, 0)) return;
    world_init(&world);
    workers_start(f.m, workers, RUNNERS, bump, &world, NULL);
    let_others_run_until(f.m, gc_atomic_load_relaxed(&world.started) == RUNNERS);
    uint32_t moved = 0, unclaimed = 0;
    for (int i = 0; i < STOPS; i++) {
        gc_stop_begin(f.m);
        CU_ASSERT_TRUE(gc_world_is_stopped_by(f.m));
        uint64_t before = sum_of(&world);
        for (int k = 0; k < 20; k++)
            sched_yield();
        moved += sum_of(&world) != before;
        gc_for_each_mutator (m, f.heap) {
            uint32_t state = gc_atomic_load_relaxed(&m->state);
            if (m != f.m && (state & GC_MUTATOR_CLAIMED) == 0) unclaimed++;
        }
        gc_stop_end(f.m, 0);
        CU_ASSERT_FALSE(gc_world_is_stopped_by(f.m));
        let_others_run_until(f.m, sum_of(&world) != before);
    }
    gc_atomic_store_relaxed(&world.ended, 1);
    workers_join(f.m, workers, RUNNERS);
    CU_ASSERT_EQUAL(moved, 0);
    CU_ASSERT_EQUAL(unclaimed, 0);
    CU_ASSERT_EQUAL(f.m->counters.stops, STOPS);
    world_finish(&world);
    fixture_close(&f);
}

static void nobody_runs_in_a_stop(void)
{
    nobody_runs_in_a_stop_of("none");
    nobody_runs_in_a_stop_of("refcount"); /* over a protocol with a global lock */
}

static void block(struct worker *worker)
{
    struct world *world = worker->shared;
    gc_blocked_begin(worker->m);
    gc_lock_acquire(&world->lock);
    gc_atomic_fetch_add_relaxed(&world->started, 1);
    gc_condition_broadcast(&world->changed);
    while (!world->released)
        gc_condition_wait(&world->changed, &world->lock);
    gc_lock_release(&world->lock);
    gc_blocked_end(worker->m);
    worker->result = 1;
}

static void leave_at_once(struct worker *worker)
{
    worker->result = 1;
}

static void blocked_and_exited_threads_do_not_delay_a_stop(void)
{
    struct fixture f;
    struct world world;
    struct worker workers[RUNNERS], exited[2];
    if (!fixture_open(&f, "none", NULL, 0)) return;
    world_init(&world);
    workers_start(f.m, workers, RUNNERS, block, &world, NULL);
    workers_run(f.m, exited, 2, leave_at_once, NULL, NULL);
    let_others_run_until(f.m, gc_atomic_load_relaxed(&world.started) == RUNNERS);
    /* They wait until we let them; a stop that waited for them would never stand. */
    for (int i = 0; i < STOPS; i++) {
        gc_stop_begin(f.m);
        gc_stop_end(f.m, 0);
    }
    gc_stop_begin(f.m);
    gc_lock_acquire(&world.lock);
    world.released = true;
    gc_condition_broadcast(&world.changed);
    gc_lock_release(&world.lock);
    for (int k = 0; k < 100; k++)
        sched_yield();
    uint32_t came_back = 0;
    gc_for_each_mutator (m, f.heap)
        came_back +=
                m != f.m && (gc_atomic_load_relaxed(&m->state) & GC_MUTATOR_CLAIMED) == 0;
    CU_ASSERT_EQUAL(came_back, 0);
    gc_stop_end(f.m, 0);
    workers_join(f.m, workers, RUNNERS);
    for (int i = 0; i < RUNNERS; i++)
        CU_ASSERT_EQUAL(workers[i].result, 1);
    world_finish(&world);
    fixture_close(&f);
}

enum { LATE_NS = 2000000 };

static void come_late(struct worker *worker)
{
    struct world *world = worker->shared;
    gc_atomic_fetch_add_relaxed(&world->started, 1);
    while (!gc_safepoint_is_due(worker->m))
        ;
    /* who asks has the lock until it waits: it may have lost its processor before */
    gc_lock_acquire(&worker->m->heap->registry_lock);
    gc_lock_release(&worker->m->heap->registry_lock);
    uint64_t start = gc_os_now_ns();
    while (gc_os_now_ns() - start < LATE_NS)
        ;
    gc_safepoint(worker->m);
}

static void time_to_safepoint_is_counted(void)
{
    struct fixture f;
    struct world world;
    struct worker workers[1];
    if (!fixture_open(&f, "none", NULL, 0)) return;
    world_init(&world);
    workers_start(f.m, workers, 1, come_late, &world, NULL);
    let_others_run_until(f.m, gc_atomic_load_relaxed(&world.started) == 1);
    gc_stop_begin(f.m);
    gc_stop_end(f.m, 5);
    gc_stop_begin(f.m);
    gc_stop_end(f.m, 6);
    workers_join(f.m, workers, 1);
    CU_ASSERT(f.m->counters.stop_wait_ns >= LATE_NS);
    CU_ASSERT_EQUAL(f.m->counters.stops, 2);
    const struct gc_stall_sum *stops = &f.m->stalls->causes[GC_STALL_stop];
    CU_ASSERT_EQUAL(stops->count, 2);
    CU_ASSERT_EQUAL(stops->total_work, 11);
    CU_ASSERT_EQUAL(stops->max_work, 6);
    world_finish(&world);
    fixture_close(&f);
}

static void a_mutator_that_was_held_up_says_so(void)
{
    struct fixture f;
    struct world world;
    struct worker workers[1];
    if (!fixture_open(&f, "none", NULL, 0)) return;
    world_init(&world);
    workers_start(f.m, workers, 1, bump, &world, NULL);
    let_others_run_until(f.m, gc_atomic_load_relaxed(&world.started) == 1);
    const struct gc_stall_sum *stops =
            &workers[0].thread.mutator->stalls->causes[GC_STALL_stop];
    gc_stop_begin(f.m);
    /* The thread has parked; it finds itself held up when it wants to go on. */
    while (gc_atomic_load_relaxed(&f.heap->claim_waiters) == 0)
        sched_yield();
    const uint64_t before = sum_of(&world);
    nanosleep(&(struct timespec){ .tv_nsec = LATE_NS }, NULL);
    gc_stop_end(f.m, 0);
    /* who has bumped again has said so before */
    let_others_run_until(f.m, sum_of(&world) != before);
    gc_stop_begin(f.m);
    const uint64_t longest = stops->max_ns;
    gc_stop_end(f.m, 0);
    gc_atomic_store_relaxed(&world.ended, 1);
    workers_join(f.m, workers, 1);
    CU_ASSERT(longest >= LATE_NS / 2);
    CU_ASSERT(stops->count >= 1 && stops->total_ns >= longest);
    world_finish(&world);
    fixture_close(&f);
}

static void stop_often(struct worker *worker)
{
    struct world *world = worker->shared;
    for (int i = 0; i < STOPS; i++) {
        gc_stop_begin(worker->m);
        world->unlocked++;
        gc_stop_end(worker->m, 0);
        gc_safepoint(worker->m);
    }
}

static void stops_exclude_each_other(void)
{
    static const char *const collectors[] = { "none", "refcount" };
    for (size_t i = 0; i < COUNT(collectors); i++) {
        struct fixture f;
        struct world world;
        struct worker workers[RUNNERS];
        if (!fixture_open(&f, collectors[i], NULL, 0)) continue;
        world_init(&world);
        workers_run(f.m, workers, RUNNERS, stop_often, &world, NULL);
        CU_ASSERT_EQUAL(world.unlocked, RUNNERS * STOPS);
        world_finish(&world);
        fixture_close(&f);
    }
}

/* --- under a schedule ----------------------------------------------------------------- */

static void allocate_and_stop(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct world *world = worker->shared;
    struct {
        struct gc_frame frame;
        struct node *ring;
    } at;
    gc_enter(m, at);
    for (size_t i = 0; i < 40; i++) {
        worker_expect(worker, make_ring(m, &at.ring, i % 7 + 1));
        if (i % 10 == worker->number) {
            gc_stop_begin(m);
            world->unlocked++;
            gc_stop_end(m, 0);
        }
        if (i % 20 == 2 * worker->number) gc_collect(m, 2);
        gc_blocked_begin(m);
        gc_schedule_yield();
        gc_blocked_end(m);
    }
    gc_leave(m, at);
}

/* One run of all that can be told about it without a clock. */
static struct gc_counters run_scheduled(uint32_t period, uint64_t *ret_moves)
{
    struct fixture f;
    struct world world;
    struct worker workers[RUNNERS];
    struct gc_counters counters = { 0 };
    *ret_moves = 0;
    if (!fixture_open(&f, "mark_sweep", NULL, 0)) return counters;
    world_init(&world);
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(period));
    workers_run(f.m, workers, RUNNERS, allocate_and_stop, &world, NULL);
    *ret_moves = gc_schedule_end();
    CU_ASSERT_EQUAL(world.unlocked, RUNNERS * 4);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_for_each_mutator (m, f.heap)
        gc_counters_add(&counters, &m->counters);
    counters.stop_wait_ns = counters.stop_ns = 0;
    world_finish(&world);
    fixture_close(&f);
    return counters;
}

static void scheduled_runs_are_bit_identical(void)
{
    for (uint32_t period = 1; period <= 5; period++) {
        uint64_t moves, again;
        struct gc_counters first = run_scheduled(period, &moves);
        struct gc_counters second = run_scheduled(period, &again);
        CU_ASSERT_EQUAL(memcmp(&first, &second, sizeof(first)), 0);
        CU_ASSERT_EQUAL(moves, again);
        CU_ASSERT(moves > 20);
        CU_ASSERT_EQUAL(first.freed_by_trace, RUNNERS * 155);
    }
}

static void nobody_runs_in_a_scheduled_stop(void)
{
    struct fixture f;
    struct world world;
    struct worker workers[RUNNERS];
    if (!fixture_open(&f, "none", NULL, 0)) return;
    world_init(&world);
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(1));
    workers_start(f.m, workers, RUNNERS, bump, &world, NULL);
    uint32_t moved = 0;
    for (int i = 0; i < STOPS; i++) {
        gc_stop_begin(f.m);
        uint64_t before = sum_of(&world);
        gc_schedule_yield();
        moved += sum_of(&world) != before;
        gc_stop_end(f.m, 0);
        let_others_run_until(f.m, sum_of(&world) != before);
    }
    gc_atomic_store_relaxed(&world.ended, 1);
    workers_join(f.m, workers, RUNNERS);
    gc_schedule_end();
    CU_ASSERT_EQUAL(moved, 0);
    world_finish(&world);
    fixture_close(&f);
}

static void stop_in_a_stop(void *argument)
{
    gc_stop_begin(argument);
    gc_stop_begin(argument);
}

static void end_without_a_stop(void *argument)
{
    gc_stop_end(argument, 0);
}

static void stops_neither_nest_nor_end_unbegun(void)
{
    struct fixture f;
    if (!fixture_open(&f, "none", NULL, 0)) return;
    CU_ASSERT_TRUE(aborts_with(stop_in_a_stop, f.m, "a stop begins inside a stop"));
    CU_ASSERT_TRUE(aborts_with(end_without_a_stop, f.m, "a stop ends that did not"));
    fixture_close(&f);
}

int test_safepoint_suite(void)
{
    static const struct test tests[] = {
        { "nobody_runs_in_a_stop", nobody_runs_in_a_stop },
        { "blocked_and_exited_threads_do_not_delay_a_stop",
                blocked_and_exited_threads_do_not_delay_a_stop },
        { "time_to_safepoint_is_counted", time_to_safepoint_is_counted },
        { "a_mutator_that_was_held_up_says_so", a_mutator_that_was_held_up_says_so },
        { "stops_exclude_each_other", stops_exclude_each_other },
        { "stops_neither_nest_nor_end_unbegun", stops_neither_nest_nor_end_unbegun },
        /* checked builds only */
        { "scheduled_runs_are_bit_identical", scheduled_runs_are_bit_identical },
        { "nobody_runs_in_a_scheduled_stop", nobody_runs_in_a_scheduled_stop },
    };
    return suite_add(
            "core/safepoint", tests, GC_CHECK >= 1 ? COUNT(tests) : COUNT(tests) - 2);
}
