/* SPDX-License-Identifier: MIT */
/* test_grace.c - empty blocks wait for a grace period or a stop, and for nothing else. */
#define GC_PROTOCOL_HEADER "core/protocol/atomic.h"

#include <dirent.h>
#include <stdlib.h>

#include "tests/suites.h"
#include "tests/support.h"

enum {
    SECONDS = 20,     /* a grace period that takes longer has been forgotten */
    CELL_BYTES = 4000 /* few cells a block, and a block is soon empty */
};

struct big {
    struct gc_object header;
    struct big *next;
    char bytes[CELL_BYTES];
};
static const struct gc_type big_type = GC_TYPE(struct big, .slots = 1);

/* Makes a chain of n and drops it, which empties n / 4 blocks. */
static void fill_and_empty(struct gc_mutator *m, int n)
{
    struct {
        struct gc_frame frame;
        struct big *head, *next;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < n; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.next, &big_type));
        gc_give(m, at.next, next, &at.head);
        gc_move(m, &at.head, &at.next);
    }
    gc_leave(m, at);
}

static bool has_limbo(struct gc_heap *heap)
{
    gc_lock_acquire(&heap->blocks_lock);
    bool has = heap->limbo != NULL || heap->limbo_aging != NULL;
    gc_lock_release(&heap->blocks_lock);
    return has;
}

/* The threads of the process, by number. One that was joined may be among them for a while:
 * the system forgets it later. */
struct threads {
    long numbers[64];
    uint32_t count;
};

static struct threads threads_of_process(void)
{
    struct threads threads = { .count = 0 };
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) return threads;
    const struct dirent *task;
    while ((task = readdir(tasks)) != NULL) { /* one thread at a time looks here */
        long number = strtol(task->d_name, NULL, 10);
        if (number > 0 && threads.count < COUNT(threads.numbers))
            threads.numbers[threads.count++] = number;
    }
    closedir(tasks);
    return threads;
}

/* How many threads there are that were not there before. */
static uint32_t threads_since(const struct threads *before)
{
    const struct threads now = threads_of_process();
    uint32_t count = now.count;
    for (uint32_t i = 0; i < now.count; i++)
        for (uint32_t k = 0; k < before->count; k++)
            count -= now.numbers[i] == before->numbers[k];
    return count;
}

static bool are_gone_soon(const struct threads *before)
{
    uint64_t start = gc_os_now_ns();
    while (threads_since(before) > 0)
        if (gc_os_now_ns() - start > SECONDS * UINT64_C(1000000000)) return false;
    return true;
}

/* A mutator that neither blocks nor allocates, but comes to safepoints. */
static bool is_over_soon(struct gc_mutator *m)
{
    uint64_t start = gc_os_now_ns();
    while (has_limbo(m->heap)) {
        gc_safepoint(m);
        if (gc_os_now_ns() - start > SECONDS * UINT64_C(1000000000)) return false;
    }
    return true;
}

static void a_busy_mutator_is_quiet_at_its_safepoints(void)
{
    struct fixture f;
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    bool over = true;
    for (int i = 0; i < 200 && over; i++) {
        fill_and_empty(f.m, 300);
        over = is_over_soon(f.m);
    }
    CU_ASSERT_TRUE(over);
    fixture_close(&f);
}

static void wait_blocked(struct worker *worker)
{
    _Atomic(uint32_t) *ended = worker->shared;
    gc_blocked_begin(worker->m);
    gc_atomic_fetch_add_relaxed(&ended[1], 1);
    while (gc_atomic_load_relaxed(&ended[0]) == 0)
        gc_os_now_ns();
    gc_blocked_end(worker->m);
}

static void a_blocked_mutator_does_not_delay_a_grace_period(void)
{
    struct fixture f;
    struct worker workers[2];
    _Atomic(uint32_t) ended[2] = { 0, 0 }; /* relaxed: watched, they order nothing */
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    workers_start(f.m, workers, 2, wait_blocked, ended, NULL);
    while (gc_atomic_load_relaxed(&ended[1]) < 2)
        gc_safepoint(f.m);
    fill_and_empty(f.m, 600);
    CU_ASSERT_TRUE(is_over_soon(f.m));
    gc_atomic_store_relaxed(&ended[0], 1);
    workers_join(f.m, workers, 2);
    fixture_close(&f);
}

static void memory_comes_back_without_a_stop(void)
{
    struct fixture f;
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    gc_slot large = NULL;
    size_t most = 0;
    /* Each round would need other blocks than the ones before, if none came back. */
    for (uint32_t i = 0; i < 100; i++) {
        fill_and_empty(f.m, 600);
        CU_ASSERT_TRUE(is_over_soon(f.m));
        CU_ASSERT_TRUE(gc_new_slow(f.m, &large, &bytes_type, 0, 1u << 20));
        gc_protocol_clear(f.m, &large);
        CU_ASSERT_TRUE(is_over_soon(f.m));
        if (i == 10) most = gc_atomic_load_relaxed(&f.heap->peak_bytes);
    }
    CU_ASSERT_EQUAL(f.m->counters.stops, 0);
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->peak_bytes) <= most + (4u << 20));
    fixture_close(&f);
}

static void the_service_thread_ends_with_its_heap(void)
{
    struct fixture f;
    const struct threads before = threads_of_process();
    CU_ASSERT(before.count > 0);
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    CU_ASSERT_EQUAL(threads_since(&before), 0); /* none before there is a limbo */
    fill_and_empty(f.m, 600);
    CU_ASSERT_TRUE(f.heap->grace_runs);
    CU_ASSERT_EQUAL(threads_since(&before), 1);
    fixture_close(&f);
    CU_ASSERT_TRUE(are_gone_soon(&before));
}

static void a_schedule_gives_limbo_back_in_stops_alone(void)
{
    struct fixture f;
    if (GC_CHECK < 1) return; /* release builds have no schedule */
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(1));
    fill_and_empty(f.m, 600);
    CU_ASSERT_FALSE(f.heap->grace_runs);
    CU_ASSERT_TRUE(has_limbo(f.heap));
    gc_stop_begin(f.m);
    CU_ASSERT_FALSE(has_limbo(f.heap));
    gc_stop_end(f.m, 0);
    gc_schedule_end();
    fixture_close(&f);
}

static void without_a_thread_a_stop_has_to_do(void)
{
    struct fixture f;
    if (GC_CHECK < 1) return; /* under a schedule there is no thread */
    if (!fixture_open(&f, "refcount@atomic", NULL, 4u << 20)) return;
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(1));
    /* The heap has room for some 250 blocks: limbo alone would fill it. */
    for (int i = 0; i < 20; i++)
        fill_and_empty(f.m, 700);
    CU_ASSERT_FALSE(f.heap->grace_runs);
    gc_schedule_end();
    CU_ASSERT_EQUAL(f.exhausted, 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void enter_two(void *argument)
{
    struct gc_heap *heap = argument;
    struct gc_mutator *m;
    int result = gc_attach(heap, &m);
    (void)result;
}

static void a_thread_runs_on_one_heap_at_a_time(void)
{
    struct fixture f, other;
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    fixture_close(&f);
    if (!fixture_open(&f, "generational@atomic", NULL, 0)) return; /* one after another */
    const struct gc_heap_config config = {
        .collector = gc_collector_find("refcount"),
        .protocol = gc_protocol_find("atomic"),
    };
    CU_ASSERT_EQUAL_FATAL(gc_heap_create(&config, &other.heap, NULL), 0);
    CU_ASSERT_TRUE(aborts_with(enter_two, other.heap, "second heap"));
    gc_heap_destroy(other.heap);
    /* Heaps without racing loads are another matter. */
    if (fixture_open(&other, "refcount@plain", NULL, 0)) fixture_close(&other);
    fixture_close(&f);
}

int test_grace_suite(void)
{
    static const struct test tests[] = {
        { "a_busy_mutator_is_quiet_at_its_safepoints",
                a_busy_mutator_is_quiet_at_its_safepoints },
        { "a_blocked_mutator_does_not_delay_a_grace_period",
                a_blocked_mutator_does_not_delay_a_grace_period },
        { "memory_comes_back_without_a_stop", memory_comes_back_without_a_stop },
        { "the_service_thread_ends_with_its_heap",
                the_service_thread_ends_with_its_heap },
        { "a_schedule_gives_limbo_back_in_stops_alone",
                a_schedule_gives_limbo_back_in_stops_alone },
        { "without_a_thread_a_stop_has_to_do", without_a_thread_a_stop_has_to_do },
        { "a_thread_runs_on_one_heap_at_a_time", a_thread_runs_on_one_heap_at_a_time },
    };
    return suite_add("core/grace", tests, COUNT(tests));
}
