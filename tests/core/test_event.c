/* SPDX-License-Identifier: MIT */
/* test_event.c - the stall log and the counters: recording and adding up. */
#include <string.h>

#include "core/event.h"
#include "tests/suites.h"
#include "tests/support.h"

static struct gc_stall_log stalls, other;

static void reset(void)
{
    memset(&stalls, 0, sizeof(stalls));
    memset(&other, 0, sizeof(other));
}

static void keeps_time_and_exact_work_by_cause(void)
{
    reset();
    uint64_t now = gc_os_now_ns();
    gc_stall_record(&stalls, GC_STALL_stop, now - 5000000, 7);
    gc_stall_record(&stalls, GC_STALL_stop, now - 1000000, 9);
    gc_stall_record(&stalls, GC_STALL_cascade, now - 2000000, 100);
    const struct gc_stall_sum *stop = &stalls.causes[GC_STALL_stop];
    CU_ASSERT_EQUAL(stop->count, 2);
    CU_ASSERT_EQUAL(stop->total_work, 16);
    CU_ASSERT_EQUAL(stop->max_work, 9);
    CU_ASSERT(stop->max_ns >= 5000000);
    CU_ASSERT(stop->total_ns >= stop->max_ns + 1000000);
    CU_ASSERT_EQUAL(stop->histogram.count, 2);
    CU_ASSERT_EQUAL(stop->histogram.max, stop->max_ns);
    CU_ASSERT_EQUAL(stalls.causes[GC_STALL_cascade].max_work, 100);
    CU_ASSERT_EQUAL(stalls.causes[GC_STALL_lock].count, 0);
}

static void the_ring_holds_the_latest_stalls(void)
{
    reset();
    for (uint64_t i = 0; i < GC_STALL_RING + 10; i++)
        gc_stall_record(&stalls, GC_STALL_lock, gc_os_now_ns(), i);
    CU_ASSERT_EQUAL(stalls.recorded, GC_STALL_RING + 10);
    CU_ASSERT_EQUAL(stalls.causes[GC_STALL_lock].count, GC_STALL_RING + 10);
    uint64_t wrong = 0;
    for (uint64_t i = 10; i < GC_STALL_RING + 10; i++)
        wrong += stalls.ring[i % GC_STALL_RING].work != i ||
                 stalls.ring[i % GC_STALL_RING].cause != GC_STALL_lock;
    CU_ASSERT_EQUAL(wrong, 0);
}

static void logs_add_up(void)
{
    reset();
    uint64_t now = gc_os_now_ns();
    gc_stall_record(&stalls, GC_STALL_stop, now - 3000000, 3);
    gc_stall_record(&other, GC_STALL_stop, now - 9000000, 2);
    gc_stall_record(&other, GC_STALL_barrier, now, 1);
    uint64_t total = stalls.causes[GC_STALL_stop].total_ns;
    gc_stall_log_add(&stalls, &other);
    const struct gc_stall_sum *stop = &stalls.causes[GC_STALL_stop];
    CU_ASSERT_EQUAL(stop->count, 2);
    CU_ASSERT_EQUAL(stop->total_work, 5);
    CU_ASSERT_EQUAL(stop->max_work, 3);
    CU_ASSERT_EQUAL(stop->max_ns, other.causes[GC_STALL_stop].max_ns);
    CU_ASSERT_EQUAL(stop->total_ns, total + other.causes[GC_STALL_stop].total_ns);
    CU_ASSERT_EQUAL(stop->histogram.count, 2);
    CU_ASSERT_EQUAL(stalls.causes[GC_STALL_barrier].count, 1);
    CU_ASSERT_EQUAL(stalls.recorded, 3);
}

static void every_counter_adds_up(void)
{
    struct gc_counters a, b;
    uint64_t value = 1;
#define X(name, doc)                                                                     \
    a.name = value;                                                                      \
    b.name = 1000 * value++;
    GC_COUNTERS(X)
#undef X
    gc_counters_add(&a, &b);
    uint64_t wrong = 0;
    value = 1;
#define X(name, doc) wrong += a.name != 1001 * value++;
    GC_COUNTERS(X)
#undef X
    CU_ASSERT_EQUAL(wrong, 0);
}

static void every_cause_has_its_name(void)
{
#define X(name, doc) CU_ASSERT_STRING_EQUAL(gc_stall_names[GC_STALL_##name], #name);
    GC_STALL_CAUSES(X)
#undef X
}

int test_event_suite(void)
{
    static const struct test tests[] = {
        { "keeps_time_and_exact_work_by_cause", keeps_time_and_exact_work_by_cause },
        { "the_ring_holds_the_latest_stalls", the_ring_holds_the_latest_stalls },
        { "logs_add_up", logs_add_up },
        { "every_counter_adds_up", every_counter_adds_up },
        { "every_cause_has_its_name", every_cause_has_its_name },
    };
    return suite_add("core/event", tests, COUNT(tests));
}
