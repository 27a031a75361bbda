/* SPDX-License-Identifier: MIT */
/* test_harness.c - one sample: its phases, its threads, its verdict. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

enum { ITEMS = 1001, THREADS_MOST = 8 };

/* A workload whose every step is written down. */
static struct {
    uint32_t setups, reports, finishes;
    _Atomic(uint32_t) runs;
    _Atomic(uint64_t) items, sum;
    _Atomic(uint32_t) met, early; /* at the meeting point in the middle */
    int setup_result;
    bool fails;
    int64_t planted_too_much;
    uint32_t ring_nodes;
    uint64_t latencies; /* of each thread: 1 us, 2 us, ... */
} seen;

static int setup(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    seen.setups++;
    if (seen.setup_result != 0) gc_trial_fail(trial, "the set-up has its reasons");
    return seen.setup_result;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t i)
{
    struct {
        struct gc_frame frame;
        struct node *ring;
    } at;
    uint64_t first, end;
    gc_atomic_fetch_add_relaxed(&seen.runs, 1);
    gc_trial_share(trial, i, ITEMS, &first, &end);
    gc_atomic_fetch_add_relaxed(&seen.items, end - first);
    for (uint64_t k = first; k < end; k++)
        gc_atomic_fetch_add_relaxed(&seen.sum, k);
    gc_atomic_fetch_add_relaxed(&seen.met, 1);
    gc_trial_wait(trial, m);
    if (gc_atomic_load_relaxed(&seen.met) != trial->threads)
        gc_atomic_fetch_add_relaxed(&seen.early, 1);
    gc_enter(m, at);
    make_ring(m, &at.ring, seen.ring_nodes);
    gc_leave(m, at);
    if (seen.fails) gc_trial_fail(trial, "thread %u is unhappy", i);
    struct gc_histogram *latencies = gc_os_alloc(sizeof(*latencies));
    if (latencies == NULL) {
        gc_trial_fail(trial, "no memory");
        return;
    }
    for (uint64_t us = 1; us <= seen.latencies; us++)
        gc_histogram_record(latencies, us * 1000);
    gc_trial_add_latencies(trial, latencies);
    gc_os_free(latencies);
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    seen.reports++;
    trial->checksum = gc_atomic_load_relaxed(&seen.sum);
    trial->ops = gc_atomic_load_relaxed(&seen.items);
    trial->planted_is_known = true;
    trial->planted_cyclic = trial->threads * (uint64_t)seen.ring_nodes;
    trial->planted = trial->planted_cyclic + (uint64_t)seen.planted_too_much;
}

static void finish(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m, (void)trial;
    seen.finishes++;
}

static const struct gc_workload workload = {
    .name = "witness",
    .protocol = "plain",
    .setup = setup,
    .run = run,
    .report = report,
    .finish = finish,
};

static struct gc_sample_request request_for(const char *collector, uint32_t threads)
{
    memset(&seen, 0, sizeof(seen));
    seen.ring_nodes = 10;
    return (struct gc_sample_request){
        .collector = gc_collector_find(collector),
        .protocol = gc_protocol_find("plain"),
        .workload = &workload,
        .threads = threads,
        .seed = 1,
    };
}

static void every_item_is_done_once_whatever_the_threads(void)
{
    for (uint32_t threads = 1; threads <= THREADS_MOST; threads++) {
        struct gc_sample_request request = request_for("generational", threads);
        static struct gc_sample result;
        struct gc_error error;
        CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
        CU_ASSERT_EQUAL(result.outcome, GC_OUTCOME_OK);
        CU_ASSERT_EQUAL(result.ops, ITEMS);
        CU_ASSERT_EQUAL(result.checksum, ITEMS * (ITEMS - 1) / 2);
        CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&seen.runs), threads);
        CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&seen.early), 0);
        CU_ASSERT_EQUAL(seen.setups * 100 + seen.reports * 10 + seen.finishes, 111);
        CU_ASSERT_EQUAL(result.allocated_objects, threads * 10);
        CU_ASSERT_EQUAL(result.reclaimed, threads * 10);
        CU_ASSERT(result.wall_ns > 0 && result.cpu_ns > 0);
    }
}

static void weak_scaling_gives_each_thread_the_whole(void)
{
    struct gc_sample_request request = request_for("generational", 3);
    static struct gc_sample result;
    struct gc_error error;
    request.weak_scaling = true;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(result.ops, 3 * ITEMS);
}

static void the_collector_is_held_to_its_promise(void)
{
    static struct gc_sample result;
    struct gc_error error;
    /* cycles leak, exactly: that is what it promises */
    struct gc_sample_request request = request_for("refcount", 2);
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(result.outcome, GC_OUTCOME_OK);
    CU_ASSERT_EQUAL(result.planted, 20);
    CU_ASSERT_EQUAL(result.reclaimed, 0);
    CU_ASSERT_EQUAL(result.floating, 20);
    /* one object more than there was */
    request = request_for("generational", 2);
    seen.planted_too_much = 1;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(result.outcome, GC_OUTCOME_WRONG_RESULT);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.message, "20 objects"));
    /* and one fewer */
    request = request_for("generational", 2);
    seen.planted_too_much = -1;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(result.outcome, GC_OUTCOME_WRONG_RESULT);
}

static void a_workload_that_is_unhappy_makes_the_result_wrong(void)
{
    struct gc_sample_request request = request_for("generational", 2);
    static struct gc_sample result;
    struct gc_error error;
    seen.fails = true;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(result.outcome, GC_OUTCOME_WRONG_RESULT);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.message, "is unhappy"));
}

static void requests_that_make_no_sense_are_refused(void)
{
    struct gc_sample_request request = request_for("generational", 0);
    static struct gc_sample result;
    struct gc_error error;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), -EINVAL);
    request = request_for("mark_sweep", 1);
    request.protocol = gc_protocol_find("bare");
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "witness"));
    request = request_for("generational", 1);
    request.collector_options = "nonsense=1";
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), -EINVAL);
    request = request_for("generational", 1);
    request.workload_options = "nonsense=1";
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), -EINVAL);
    CU_ASSERT_EQUAL(seen.setups, 0);
    request = request_for("generational", 1);
    seen.setup_result = -EBADMSG;
    CU_ASSERT(sample_run(&request, &result, &error) < 0);
    CU_ASSERT_STRING_EQUAL(error.text, "the set-up has its reasons");
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&seen.runs), 0);
}

/* Each request for memory and for a thread is refused once: the sample fails and says why, or does
 * without. Threads that were started end, and all is given back. */
static void what_can_not_be_had_fails_the_sample(void)
{
    struct gc_sample_request request = request_for("generational", 4);
    static struct gc_sample result;
    uint32_t of_threads = 0;
    uint64_t n = 0, asked = 0;
    do {
        n++;
        struct gc_error error = { "" };
        struct memory before = memory_now();
        asked = memory_requests();
        gc_os_fail_allocation(n);
        int status = sample_run(&request, &result, &error);
        gc_os_fail_allocation(0);
        asked = memory_requests() - asked;
        CU_ASSERT_TRUE(memory_is_equal(memory_now(), before));
        CU_ASSERT_EQUAL(status == 0, error.text[0] == '\0');
        bool of_thread = strstr(error.text, " of 4 can't be started: ") != NULL;
        of_threads += of_thread;
        CU_ASSERT_TRUE(!of_thread || gc_atomic_load_relaxed(&seen.runs) == 0);
        CU_ASSERT_EQUAL(seen.finishes, seen.setups);
    } while (asked >= n && n < 200);
    CU_ASSERT(n > 10 && n < 200);
    CU_ASSERT(of_threads >= 2 * 4); /* a record, and a thread, of each */
}

static void say_and_end(const struct gc_sample *result, void *argument)
{
    (void)argument;
    bool right = result->outcome == GC_OUTCOME_OUT_OF_MEMORY && result->wall_ns > 0 &&
                 result->counter_count > 0 && result->allocated_objects > 1000;
    gc_fatal("it ran out: %s", right ? "as it should" : "in disorder");
}

static void run_out(void *argument)
{
    static struct gc_sample result;
    struct gc_error error;
    int status = gc_sample_run(argument, &result, &error);
    fprintf(stderr, "it came back with %d\n", status);
}

static void out_of_memory_hands_the_sample_over(void)
{
    struct gc_sample_request request = request_for("generational", 1);
    seen.ring_nodes = 1000000;
    request.heap_limit_bytes = (uint64_t)4 << 20;
    request.on_exhausted = say_and_end;
    CU_ASSERT_TRUE(aborts_with(run_out, &request, "it ran out: as it should"));
}

static void counters_and_stalls_have_names(void)
{
    struct gc_sample_request request = request_for("generational", 2);
    static struct gc_sample result;
    struct gc_error error;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(result.stall_count, GC_STALL_COUNT);
    CU_ASSERT_STRING_EQUAL(result.stalls[GC_STALL_stop].cause, "stop");
    bool found = false;
    for (uint32_t i = 0; i < result.counter_count; i++)
        found |= strcmp(result.counters[i].name, "cells_taken") == 0;
    CU_ASSERT_TRUE(found);
    CU_ASSERT(result.counter_count <= GC_SAMPLE_COUNTERS);
    for (int i = 0; i < GC_OUTCOME_COUNT; i++)
        CU_ASSERT_PTR_NOT_NULL(gc_outcome_names[i]);
}

static bool is_near(bool has, uint64_t value, uint64_t right)
{
    return has && value >= right && value <= right + right / 128;
}

static void latencies_of_all_threads_are_summed_up(void)
{
    struct gc_sample_request request = request_for("generational", 4);
    static struct gc_sample result;
    struct gc_error error;
    const struct gc_latency_summary *latency = &result.latency;
    const struct gc_percentiles *p = &latency->percentiles;
    seen.latencies = 10000;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(latency->count, 40000);
    CU_ASSERT_EQUAL(latency->max_ns, 10000000);
    CU_ASSERT_TRUE(is_near(p->has_p50, p->p50_ns, 5000000));
    CU_ASSERT_TRUE(is_near(p->has_p90, p->p90_ns, 9000000));
    CU_ASSERT_TRUE(is_near(p->has_p99, p->p99_ns, 9900000));
    CU_ASSERT_TRUE(is_near(p->has_p999, p->p999_ns, 9990000));
    /* ten have to lie beyond a percentile: of 996 that is so up to the 98th */
    request = request_for("generational", 4);
    seen.latencies = 249;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(latency->max_ns, 249000);
    CU_ASSERT_TRUE(is_near(p->has_p50, p->p50_ns, 125000));
    CU_ASSERT_TRUE(p->has_p90 && !p->has_p99 && !p->has_p999);
    /* and of a workload that times nothing there is none */
    request = request_for("generational", 4);
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(latency->count, 0);
    CU_ASSERT_FALSE(p->has_p50 || p->has_p90 || p->has_p99 || p->has_p999);
}

static void workloads_are_found_by_name_and_protocol(void)
{
    static const struct gc_workload other = { .name = "witness", .protocol = "bare" };
    static const struct gc_workload *const list[] = { &workload, &other, NULL };
    CU_ASSERT_PTR_EQUAL(gc_workload_find(list, "witness", "bare"), &other);
    CU_ASSERT_PTR_EQUAL(gc_workload_find(list, "witness", "plain"), &workload);
    CU_ASSERT_PTR_EQUAL(gc_workload_find(list, "witness", NULL), &workload);
    CU_ASSERT_PTR_NULL(gc_workload_find(list, "witness", "atomic"));
    CU_ASSERT_PTR_NULL(gc_workload_find(list, "bystander", NULL));
}

int test_harness_suite(void)
{
    static const struct test tests[] = {
        { "every_item_is_done_once_whatever_the_threads",
                every_item_is_done_once_whatever_the_threads },
        { "weak_scaling_gives_each_thread_the_whole",
                weak_scaling_gives_each_thread_the_whole },
        { "the_collector_is_held_to_its_promise", the_collector_is_held_to_its_promise },
        { "a_workload_that_is_unhappy_makes_the_result_wrong",
                a_workload_that_is_unhappy_makes_the_result_wrong },
        { "requests_that_make_no_sense_are_refused",
                requests_that_make_no_sense_are_refused },
        { "what_can_not_be_had_fails_the_sample", what_can_not_be_had_fails_the_sample },
        { "out_of_memory_hands_the_sample_over", out_of_memory_hands_the_sample_over },
        { "counters_and_stalls_have_names", counters_and_stalls_have_names },
        { "latencies_of_all_threads_are_summed_up",
                latencies_of_all_threads_are_summed_up },
        { "workloads_are_found_by_name_and_protocol",
                workloads_are_found_by_name_and_protocol },
    };
    return suite_add("core/harness", tests, COUNT(tests));
}
