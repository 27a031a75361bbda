/* SPDX-License-Identifier: MIT */
/* test_pace.c - who waits for a collection before the heap grows, and until when. */
#define GC_PROTOCOL_HEADER "core/protocol/satb.h"

#include "core/pace.h"

#include <sched.h>

#include "tests/gate.h"
#include "tests/suites.h"
#include "tests/support.h"

enum { NODES = 20000 }; /* more than a home has cells for */

static const size_t unbounded = SIZE_MAX, as_it_is = 1;
static const uint64_t an_hour = UINT64_C(3600000000000);

/* As if f->m had begun a collection. */
static void begin(struct fixture *f, size_t bytes)
{
    gc_atomic_store_relaxed(&f->heap->pace.bytes, bytes);
    gc_atomic_store_relaxed(&f->heap->collecting_mutator, f->m);
    gc_atomic_store_relaxed(&f->heap->collecting, 1);
    gc_pace_begin(f->heap);
}

static void end(struct fixture *f)
{
    gc_lock_acquire(&f->heap->registry_lock);
    gc_atomic_store_relaxed(&f->heap->collecting_mutator, NULL);
    gc_atomic_store_relaxed(&f->heap->collecting, 0);
    gc_pace_end(f->heap);
    gc_lock_release(&f->heap->registry_lock);
}

static void make_nodes(struct gc_mutator *m)
{
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < NODES; i++)
        (void)gc_new(m, &at.node, &node_type);
    gc_leave(m, at);
}

/* Times that somebody waited for room, so far. */
static uint64_t times_waited(struct fixture *f)
{
    uint64_t sum = 0;
    gc_for_each_mutator (m, f->heap)
        sum += m->stalls->causes[GC_STALL_backpressure].count;
    return sum;
}

static void make(struct worker *worker)
{
    make_nodes(worker->m);
}

/* Waits until the worker waits, having been told to look again so many times. */
static void await_waiter(struct fixture *f, struct worker *worker, uint64_t times)
{
    const struct gc_pace *pace = &f->heap->pace;
    gc_blocked_begin(f->m);
    for (bool waits = false; !waits; sched_yield()) {
        gc_lock_acquire(&f->heap->registry_lock);
        waits = gc_atomic_load_relaxed(&pace->waiters) == 1 &&
                worker->thread.mutator != NULL && pace->news == times;
        gc_lock_release(&f->heap->registry_lock);
    }
    gc_blocked_end(f->m);
}

/* A worker that waits for its first block. */
static bool open(struct fixture *f, struct worker *worker)
{
    if (!fixture_open(f, "on_the_fly", NULL, 0)) return false;
    begin(f, as_it_is);
    workers_start(f->m, worker, 1, make, NULL, NULL);
    await_waiter(f, worker, 0);
    CU_ASSERT_EQUAL(fixture_allocated(f), 0);
    return true;
}

static void close(struct fixture *f, struct worker *worker)
{
    workers_join(f->m, worker, 1);
    CU_ASSERT_EQUAL(fixture_allocated(f), NODES);
    fixture_close(f);
}

static void who_needs_more_memory_waits_for_the_end(void)
{
    struct fixture f;
    struct worker worker;
    if (!open(&f, &worker)) return;
    end(&f);
    close(&f, &worker);
}

static void a_stop_need_not_wait_for_who_waits(void)
{
    struct fixture f;
    struct worker worker;
    if (!open(&f, &worker)) return;
    gc_stop_begin(f.m);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->pace.waiters), 1);
    gc_stop_end(f.m, 0);
    end(&f);
    close(&f, &worker);
}

static void who_waits_is_told_when_there_is_room(void)
{
    struct fixture f;
    struct worker worker;
    if (!open(&f, &worker)) return;
    gc_pace_tell_freed(f.heap); /* there is none yet */
    gc_pace_tell(f.heap);       /* it looks, and finds no block that it may use */
    await_waiter(&f, &worker, 1);
    CU_ASSERT_EQUAL(fixture_allocated(&f), 0);
    gc_atomic_store_relaxed(&f.heap->pace.bytes, unbounded);
    gc_pace_tell_freed(f.heap);
    workers_join(f.m, &worker, 1); /* before the end */
    CU_ASSERT_EQUAL(fixture_allocated(&f), NODES);
    end(&f);
    fixture_close(&f);
}

static _Atomic(uint32_t) looks; /* relaxed: watched */

static void look(struct worker *worker)
{
    while (gc_pace_wait(worker->m, GC_BLOCK_BYTES))
        gc_atomic_fetch_add_relaxed(&looks, 1);
}

static void each_news_is_looked_at(void)
{
    enum { TIMES = 5 };
    struct fixture f;
    struct worker worker;
    if (!fixture_open(&f, "on_the_fly", NULL, 0)) return;
    gc_atomic_store_relaxed(&looks, 0);
    f.heap->pace.patience_ns = an_hour;
    begin(&f, as_it_is);
    workers_start(f.m, &worker, 1, look, NULL, NULL);
    for (uint32_t i = 0; i < TIMES; i++) {
        await_waiter(&f, &worker, i);
        CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&looks), i);
        gc_pace_tell(f.heap);
        while (gc_atomic_load_relaxed(&looks) == i)
            sched_yield(); /* it is BLOCKED, or on its way to be */
    }
    await_waiter(&f, &worker, TIMES);
    end(&f);
    workers_join(f.m, &worker, 1);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&looks), TIMES + 1);
    fixture_close(&f);
}

/* A collection that does not come to its end holds up nobody twice. */
static void who_has_lost_patience_waits_for_that_collection_no_more(void)
{
    struct fixture f;
    struct worker worker;
    if (!fixture_open(&f, "on_the_fly", NULL, 0)) return;
    f.heap->pace.patience_ns = 1000000;
    for (uint64_t i = 1; i <= 2; i++) {
        begin(&f, as_it_is);
        workers_start(f.m, &worker, 1, make, NULL, NULL);
        workers_join(f.m, &worker, 1);
        CU_ASSERT_EQUAL(fixture_allocated(&f), i * NODES);
        CU_ASSERT_EQUAL(times_waited(&f), i);
        end(&f);
    }
    fixture_close(&f);
}

/* As of a handshake with somebody who comes to no safepoint. */
static void nobody_waits_long_for_answers_to_a_handshake(void)
{
    struct fixture f;
    struct worker worker;
    if (!fixture_open(&f, "on_the_fly", NULL, 0)) return;
    f.heap->pace.patience_ns = an_hour;
    begin(&f, as_it_is);
    gc_lock_acquire(&f.heap->registry_lock);
    f.heap->handshake.posted_ns = gc_os_now_ns();
    gc_atomic_store_relaxed(&f.heap->shake_pending, 1);
    gc_lock_release(&f.heap->registry_lock);
    workers_start(f.m, &worker, 1, make, NULL, NULL);
    workers_join(f.m, &worker, 1);
    CU_ASSERT_EQUAL(fixture_allocated(&f), NODES);
    CU_ASSERT(times_waited(&f) <= 1); /* until then */
    gc_atomic_store_relaxed(&f.heap->shake_pending, 0);
    end(&f);
    fixture_close(&f);
}

static void nobody_waits_for_code_of_the_program(void)
{
    struct fixture f;
    struct worker worker;
    if (!open(&f, &worker)) return;
    gc_pace_let_go(f.m);
    workers_join(f.m, &worker, 1);
    CU_ASSERT_EQUAL(fixture_allocated(&f), NODES);
    end(&f);
    fixture_close(&f);
}

static void who_collects_does_not_wait_for_himself(void)
{
    struct fixture f;
    if (!fixture_open(&f, "on_the_fly", NULL, 0)) return;
    begin(&f, as_it_is);
    make_nodes(f.m);
    CU_ASSERT_EQUAL(fixture_allocated(&f), NODES);
    end(&f);
    fixture_close(&f);
}

static struct gate gate;

static int await_gate(struct gc_mutator *m, struct gc_object *object)
{
    (void)object;
    gate_pass(&gate, m);
    return 0;
}

static const struct gc_type waiting_type =
        GC_TYPE(struct node, .slots = 2, .finalize = await_gate);

/* The finalizer ends when somebody has made objects, for which the heap has to grow. */
static void a_finalizer_may_wait_for_who_needs_memory(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "on_the_fly", NULL, 0)) return;
    gate_init(&gate);
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new(f.m, &at.node, &waiting_type));
    gc_leave(f.m, at);
    const uint64_t start = gc_os_now_ns();
    gc_worker_ask(f.m);
    gate_await(&gate, f.m, 1);
    gc_atomic_store_relaxed(&f.heap->pace.bytes, as_it_is);
    make_nodes(f.m);
    gate_open(&gate);
    while (gc_worker_await(f.m))
        ; /* unless it has ended already */
    CU_ASSERT_TRUE(gc_os_now_ns() - start < GC_PACE_PATIENCE_NS);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->finalized), 1);
    fixture_close(&f);
    gate_finish(&gate);
}

enum { BUSY = 3, ROUNDS = 20 };

static void make_often(struct worker *worker)
{
    for (int i = 0; i < ROUNDS; i++)
        make_nodes(worker->m);
}

/* The heap may become as large as what a cycle leaves, what begins the next, and what is made
 * meanwhile, 2 to 9 MB of the 48 that are made; without pacing it is as large as the system likes
 * to let the collector wait, 26 MB and more. */
static void mutators_do_not_outrun_the_collector(void)
{
    struct fixture f;
    struct worker workers[BUSY];
    struct gc_heap_stats stats;
    if (!fixture_open(&f, "on_the_fly", "minimum=1M", 0)) return;
    workers_run(f.m, workers, BUSY, make_often, NULL, NULL);
    gc_quiesce(f.m);
    gc_heap_read_stats(f.heap, &stats);
    CU_ASSERT_TRUE(stats.peak_heap_bytes < 16 << 20);
    CU_ASSERT_EQUAL(stats.allocated_objects, BUSY * ROUNDS * NODES);
    fixture_close(&f);
}

int test_pace_suite(void)
{
    static const struct test tests[] = {
        { "who_needs_more_memory_waits_for_the_end",
                who_needs_more_memory_waits_for_the_end },
        { "a_stop_need_not_wait_for_who_waits", a_stop_need_not_wait_for_who_waits },
        { "who_waits_is_told_when_there_is_room", who_waits_is_told_when_there_is_room },
        { "each_news_is_looked_at", each_news_is_looked_at },
        { "who_has_lost_patience_waits_for_that_collection_no_more",
                who_has_lost_patience_waits_for_that_collection_no_more },
        { "nobody_waits_long_for_answers_to_a_handshake",
                nobody_waits_long_for_answers_to_a_handshake },
        { "nobody_waits_for_code_of_the_program", nobody_waits_for_code_of_the_program },
        { "who_collects_does_not_wait_for_himself",
                who_collects_does_not_wait_for_himself },
        { "a_finalizer_may_wait_for_who_needs_memory",
                a_finalizer_may_wait_for_who_needs_memory },
        { "mutators_do_not_outrun_the_collector", mutators_do_not_outrun_the_collector },
    };
    return suite_add("core/pace", tests, COUNT(tests));
}
