/* SPDX-License-Identifier: MIT */
/* test_handshake.c - a function runs once for every mutator, whatever it is doing. */
#define GC_PROTOCOL_HEADER "core/protocol/atomic.h"

#include "core/handshake.h"
#include "tests/gate.h"
#include "tests/suites.h"
#include "tests/support.h"

enum { MOST = 64, SHAKES = 40 };

struct count {
    _Atomic(uint32_t) runs[MOST]; /* by number of the mutator; relaxed */
    _Atomic(uint32_t) ended;      /* relaxed: watched, it orders nothing */
    struct gate gate;
    uint64_t plain; /* no atom: a handshake's answers are seen by who asked */
};

static void count_run(struct gc_mutator *m, void *argument)
{
    struct count *count = argument;
    gc_require(m->number < MOST, "more records than a test has threads");
    gc_atomic_fetch_add_relaxed(&count->runs[m->number], 1);
}

/* How many mutators it did not run for exactly n times. */
static uint32_t wrong_runs(struct gc_heap *heap, struct count *count, uint32_t n)
{
    uint32_t wrong = 0;
    gc_for_each_mutator (m, heap)
        wrong += gc_atomic_load_relaxed(&count->runs[m->number]) != n;
    return wrong;
}

static void runs_for_who_asks_alone(void)
{
    static const char *const collectors[] = { "refcount@atomic", "refcount@plain",
        "none" };
    for (size_t i = 0; i < COUNT(collectors); i++) {
        struct fixture f;
        static struct count count;
        if (!fixture_open(&f, collectors[i], NULL, 0)) continue;
        count = (struct count){ .plain = 0 };
        gc_handshake(f.m, count_run, &count);
        gc_handshake(f.m, count_run, &count);
        CU_ASSERT_EQUAL(wrong_runs(f.heap, &count, 2), 0);
        CU_ASSERT_EQUAL(f.m->counters.handshakes, 2);
        CU_ASSERT_EQUAL(f.m->counters.stops, 0);
        fixture_close(&f);
    }
}

static void be_busy(struct worker *worker)
{
    struct count *count = worker->shared;
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

static void runs_once_for_running_blocked_and_exited_mutators(void)
{
    struct fixture f;
    static struct count count;
    struct worker busy[2], blocked[2], gone[2];
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    count = (struct count){ .plain = 0 };
    gate_init(&count.gate);
    workers_start(f.m, gone, 2, be_gone, &count, NULL);
    workers_start(f.m, blocked, 2, be_blocked, &count, NULL);
    workers_start(f.m, busy, 2, be_busy, &count, NULL);
    workers_join(f.m, gone, 2);
    gate_await(&count.gate, f.m, 2);
    /* Those at the gate wait for us: nobody else could answer for them. */
    for (uint32_t i = 1; i <= SHAKES; i++) {
        gc_handshake(f.m, count_run, &count);
        CU_ASSERT_EQUAL(wrong_runs(f.heap, &count, i), 0);
    }
    gate_open(&count.gate);
    gc_atomic_store_relaxed(&count.ended, 1);
    workers_join(f.m, blocked, 2);
    workers_join(f.m, busy, 2);
    CU_ASSERT_EQUAL(f.m->counters.stops, 0);
    gc_safepoint(f.m);
    CU_ASSERT_EQUAL(wrong_runs(f.heap, &count, SHAKES), 0);
    gate_finish(&count.gate);
    fixture_close(&f);
}

static void add_one(struct gc_mutator *m, void *argument)
{
    struct count *count = argument;
    (void)m;
    gc_atomic_fetch_add_relaxed(&count->runs[0], 1);
}

static void shake_often(struct worker *worker)
{
    struct count *count = worker->shared;
    gate_pass(&count->gate, worker->m);
    for (int i = 0; i < SHAKES; i++) {
        gc_handshake(worker->m, add_one, count);
        if (i % 8 == (int)worker->number) {
            gc_stop_begin(worker->m);
            count->plain++;
            gc_stop_end(worker->m, 0);
        }
        gc_safepoint(worker->m);
    }
}

static void handshakes_and_stops_exclude_each_other(void)
{
    struct fixture f;
    static struct count count;
    struct worker workers[4];
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    count = (struct count){ .plain = 0 };
    gate_init(&count.gate);
    workers_start(f.m, workers, 4, shake_often, &count, NULL);
    gate_await(&count.gate, f.m, 4);
    gate_open(&count.gate);
    workers_join(f.m, workers, 4);
    gate_finish(&count.gate);
    CU_ASSERT_EQUAL(f.heap->mutator_count, 5);
    /* once for each of the five records, whether their threads have begun or ended */
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&count.runs[0]), 4 * SHAKES * 5);
    CU_ASSERT_EQUAL(count.plain, 4 * SHAKES / 8);
    fixture_close(&f);
}

static void attach_often(void *argument)
{
    struct gc_heap *heap = argument;
    for (int i = 0; i < 100; i++) {
        struct gc_mutator *m;
        gc_require(gc_attach(heap, &m) == 0, "attach failed");
        gc_safepoint(m);
        gc_detach(m);
    }
}

/* Records that are made meanwhile count as having answered; none answers twice. */
static void mutators_may_come_and_go_meanwhile(void)
{
    struct fixture f;
    static struct count count;
    struct gc_thread threads[3];
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    for (size_t i = 0; i < COUNT(threads); i++)
        CU_ASSERT_EQUAL_FATAL(gc_thread_start(&threads[i], attach_often, f.heap), 0);
    uint32_t twice = 0, missed = 0;
    for (int i = 0; i < 200; i++) {
        count = (struct count){ .plain = 0 };
        gc_handshake(f.m, count_run, &count);
        for (uint32_t k = 0; k < MOST; k++)
            twice += gc_atomic_load_relaxed(&count.runs[k]) > 1;
        missed += gc_atomic_load_relaxed(&count.runs[0]) != 1;
    }
    CU_ASSERT_EQUAL(twice, 0);
    CU_ASSERT_EQUAL(missed, 0);
    gc_blocked_begin(f.m);
    for (size_t i = 0; i < COUNT(threads); i++)
        gc_thread_join(&threads[i]);
    gc_blocked_end(f.m);
    fixture_close(&f);
}

struct adoption {
    struct gc_heap *heap;
    struct count count;
    uint32_t asker;              /* number of its record */
    _Atomic(uint32_t) is_posted; /* relaxed, like the next: watched, they order nothing */
    _Atomic(uint32_t) is_adopted;
    uint32_t adopted; /* number of the record; valid once its thread was joined */
};

/* Holds the handshake up, at the one who asks, until the record has been adopted. */
static void count_run_slowly(struct gc_mutator *m, void *argument)
{
    struct adoption *adoption = argument;
    count_run(m, &adoption->count);
    if (m->number != adoption->asker) return;
    gc_atomic_store_relaxed(&adoption->is_posted, 1);
    while (gc_atomic_load_relaxed(&adoption->is_adopted) == 0)
        gc_schedule_yield();
}

static void adopt_once_posted(void *argument)
{
    struct adoption *adoption = argument;
    struct gc_mutator *m;
    while (gc_atomic_load_relaxed(&adoption->is_posted) == 0)
        gc_schedule_yield();
    gc_require(gc_attach(adoption->heap, &m) == 0, "attach failed");
    adoption->adopted = m->number;
    gc_atomic_store_relaxed(&adoption->is_adopted, 1);
    gc_safepoint(m);
    gc_detach(m);
}

/* What its home holds is not new: it owes the answer, whoever has it now. */
static void who_adopts_a_record_answers_for_it(void)
{
    struct fixture f;
    static struct adoption adoption;
    struct worker gone[1];
    struct gc_thread thread;
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    adoption = (struct adoption){ .heap = f.heap, .asker = f.m->number };
    workers_run(f.m, gone, 1, be_gone, &adoption.count, NULL);
    CU_ASSERT_EQUAL_FATAL(gc_thread_start(&thread, adopt_once_posted, &adoption), 0);
    gc_handshake(f.m, count_run_slowly, &adoption);
    gc_blocked_begin(f.m);
    gc_thread_join(&thread);
    gc_blocked_end(f.m);
    CU_ASSERT_EQUAL(adoption.adopted, gone[0].thread.mutator->number);
    CU_ASSERT_EQUAL(f.heap->mutator_count, 2);
    CU_ASSERT_EQUAL(wrong_runs(f.heap, &adoption.count, 1), 0);
    fixture_close(&f);
}

static void what_the_function_does_is_seen_by_who_asked(void)
{
    struct fixture f;
    static struct count count;
    struct worker workers[3];
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    count = (struct count){ .plain = 0 };
    workers_start(f.m, workers, 3, be_busy, &count, NULL);
    uint64_t sum = 0;
    for (int i = 0; i < SHAKES; i++) {
        gc_handshake(f.m, count_run, &count);
        gc_for_each_mutator (m, f.heap)
            sum += gc_atomic_load_relaxed(&count.runs[m->number]);
    }
    CU_ASSERT_EQUAL(sum, 4 * SHAKES * (SHAKES + 1) / 2);
    gc_atomic_store_relaxed(&count.ended, 1);
    workers_join(f.m, workers, 3);
    fixture_close(&f);
}

int test_handshake_suite(void)
{
    static const struct test tests[] = {
        { "runs_for_who_asks_alone", runs_for_who_asks_alone },
        { "runs_once_for_running_blocked_and_exited_mutators",
                runs_once_for_running_blocked_and_exited_mutators },
        { "handshakes_and_stops_exclude_each_other",
                handshakes_and_stops_exclude_each_other },
        { "mutators_may_come_and_go_meanwhile", mutators_may_come_and_go_meanwhile },
        { "who_adopts_a_record_answers_for_it", who_adopts_a_record_answers_for_it },
        { "what_the_function_does_is_seen_by_who_asked",
                what_the_function_does_is_seen_by_who_asked },
    };
    return suite_add("core/handshake", tests, COUNT(tests));
}
