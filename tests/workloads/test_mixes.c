/* SPDX-License-Identifier: MIT */
/* test_mixes.c - what the options of the newer workloads promise: hit shares, latencies of an
 * open loop, who drops what, which garbage arises. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"
#include "workloads/random.h"
#include "workloads/registry.h"

static struct gc_sample sample;

enum { SEED = 11 };

/* One sample of "NAME:OPTIONS", in `sample`; what gc_sample_run() returned. */
static int run_on(const char *collector, const char *protocol, const char *workload,
        const char *options, uint32_t threads, bool counting)
{
    struct gc_error error = { "" };
    struct gc_sample_request request = {
        .collector = gc_collector_find(collector),
        .protocol = gc_protocol_find(protocol),
        .workload = (counting ? gc_workload_find_counting : gc_workload_find)(
                gc_all_workloads, workload, protocol),
        .workload_options = options,
        .threads = threads,
        .seed = SEED,
    };
    CU_ASSERT_PTR_NOT_NULL_FATAL(request.workload);
    struct memory before = memory_now();
    int status = gc_sample_run(&request, &sample, &error);
    CU_ASSERT_TRUE(memory_is_equal(memory_now(), before));
    if (status == 0 && sample.outcome != GC_OUTCOME_OK)
        printf("# %s:%s: %s\n", workload, options, sample.message);
    return status;
}

static void run_well(const char *collector, const char *protocol, const char *workload,
        const char *options, uint32_t threads)
{
    CU_ASSERT_EQUAL(run_on(collector, protocol, workload, options, threads, false), 0);
    CU_ASSERT_EQUAL(sample.outcome, GC_OUTCOME_OK);
}

/* --- cache -------------------------------------------------------------------------- */

/* The misses of a cache that is full of keys 1 .. entries, the first one used last, when this
 * thread's requests are for keys of 1 .. keys that are all alike. */
static uint64_t misses_of_model(uint32_t entries, uint32_t keys, uint32_t count)
{
    uint32_t *used = calloc(keys + 1, sizeof(*used)); /* when; 0: not cached */
    CU_ASSERT_PTR_NOT_NULL_FATAL(used);
    struct gc_random random = gc_random_stream(SEED, 0);
    uint64_t misses = 0;
    uint32_t now = 0;
    for (uint32_t key = entries; key > 0; key--)
        used[key] = ++now;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = 1 + gc_random_below(&random, keys), oldest = 0;
        for (uint32_t k = 1; used[key] == 0 && k <= keys; k++)
            if (used[k] > 0 && (oldest == 0 || used[k] < used[oldest])) oldest = k;
        if (used[key] == 0) used[oldest] = 0;
        misses += oldest > 0;
        used[key] = ++now;
    }
    free(used);
    return misses;
}

static void what_was_used_longest_ago_is_evicted(void)
{
    static const uint32_t sizes[] = { 1, 2, 7, 50 };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint32_t entries = sizes[i];
        char options[128];
        snprintf(options, sizeof(options),
                "entries=%u:count=5000:tree=1:keys=uniform:hit=50", entries);
        run_well("refcount", "plain", "cache", options, 1);
        uint64_t misses = misses_of_model(entries, 2 * entries, 5000);
        CU_ASSERT_EQUAL(sample.allocated_objects, 2 + 2 * entries + 2 * misses + 5000);
    }
}

/* Requests of `count` that missed: each made an entry and its value. */
static double share_of_misses(uint64_t entries, uint64_t count, uint64_t caches)
{
    uint64_t others = caches * 2 + entries * 2 + count; /* tree=1 */
    return (double)(sample.allocated_objects - others) / 2 / (double)count;
}

static void uniform_keys_hit_as_often_as_asked_for(void)
{
    static const struct {
        const char *options;
        double misses;
    } cases[] = {
        { "entries=500:count=40000:tree=1:keys=uniform:hit=80", .2 },
        { "entries=500:count=40000:tree=1:keys=uniform:hit=25", .75 },
        { "entries=500:count=40000:tree=1:keys=uniform:hit=100", 0 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (uint32_t threads = 1; threads <= 2; threads++) {
            run_well("refcount", "plain", "cache", cases[i].options, threads);
            double misses = share_of_misses(500, 40000, threads);
            /* six deviations of 40000 draws */
            CU_ASSERT(misses > cases[i].misses - .015 && misses < cases[i].misses + .015);
            if (cases[i].misses == 0) CU_ASSERT_EQUAL(misses, 0);
        }
    }
}

/* LRU keeps nearly, but not quite, what is asked for most. */
static void zipf_keys_hit_less_often_than_the_best_cache_would(void)
{
    run_well("refcount", "plain", "cache", "entries=500:count=40000:tree=1:hit=80", 1);
    double misses = share_of_misses(500, 40000, 1);
    CU_ASSERT(misses > .2 && misses < .35);
    run_well("refcount", "plain", "cache", "entries=500:count=40000:tree=1:hit=100", 1);
    CU_ASSERT_EQUAL(share_of_misses(500, 40000, 1), 0);
}

static void a_cache_of_one_entry_has_no_cycle(void)
{
    run_well("refcount", "plain", "cache", "entries=1:count=500:tree=3:hit=50", 1);
    CU_ASSERT_EQUAL(sample.reclaimed, sample.planted);
    run_well("refcount", "plain", "cache", "entries=2:count=500:tree=3:hit=50", 1);
    CU_ASSERT_EQUAL(sample.reclaimed + 4, sample.planted);
}

static void every_request_is_timed_once(void)
{
    for (uint32_t threads = 1; threads <= 8; threads *= 2) {
        run_well("refcount", "atomic", "cache", "entries=100:count=1003:tree=2", threads);
        CU_ASSERT_EQUAL(sample.latency.count, 1003);
        CU_ASSERT(sample.latency.max_ns > 0 && sample.latency.max_ns <= sample.wall_ns);
        CU_ASSERT_TRUE(sample.latency.percentiles.has_p90);
        CU_ASSERT_FALSE(sample.latency.percentiles.has_p999);
    }
}

/* All requests are due at once: each waits for all before it, and its latency says so. In a
 * closed loop nobody would notice. */
static void an_open_loop_counts_the_time_in_the_queue(void)
{
    static const char *const common = "entries=100:count=3000:tree=50";
    char options[128];
    run_well("refcount", "plain", "cache", common, 1);
    uint64_t closed = sample.latency.percentiles.p50_ns, sum = sample.checksum;
    snprintf(options, sizeof(options), "%s:rate=1000000000:arrivals=constant", common);
    run_well("refcount", "plain", "cache", options, 1);
    CU_ASSERT_TRUE(sample.latency.percentiles.has_p50);
    CU_ASSERT(sample.latency.percentiles.p50_ns > 100 * closed);
    CU_ASSERT(sample.latency.max_ns <= sample.wall_ns);
    CU_ASSERT_EQUAL(sample.checksum, sum); /* when they come changes no answer */
}

static void an_open_loop_keeps_its_rate(void)
{
    /* 200 requests at 10000 a second on each of two threads: 20 ms, whatever they cost */
    run_well("generational", "plain", "cache",
            "entries=100:count=400:tree=2:rate=10000:arrivals=constant", 2);
    CU_ASSERT(sample.wall_ns >= 20000000);
    CU_ASSERT_EQUAL(sample.latency.count, 400);
    run_well("mark_sweep", "bare", "cache", "entries=100:count=400:tree=2:rate=10000", 2);
    run_well("coalescing", "log_object", "cache",
            "entries=100:count=400:tree=2:rate=10000", 2);
    CU_ASSERT(sample.wall_ns >= 10000000);
}

static void what_cannot_be_had_is_refused(void)
{
    CU_ASSERT_EQUAL(run_on("none", "bare", "cache", "hit=1", 1, false), -EINVAL);
    CU_ASSERT_EQUAL(run_on("none", "bare", "cache", "keys=pareto", 1, false), -EINVAL);
    CU_ASSERT_EQUAL(run_on("none", "bare", "cache", "hit=0", 1, false), -EINVAL);
    CU_ASSERT_EQUAL(run_on("none", "bare", "cache", "rate=-1", 1, false), -EINVAL);
    CU_ASSERT_EQUAL(
            run_on("none", "bare", "contend", "shared=60:handoff=41", 1, false), -EINVAL);
    CU_ASSERT_EQUAL(run_on("none", "bare", "contend", "pairs=0", 1, false), -EINVAL);
    CU_ASSERT_EQUAL(
            run_on("none", "bare", "random_graph", "sigma=-1", 1, false), -EINVAL);
    CU_ASSERT_EQUAL(run_on("none", "bare", "random_graph", "group=0", 1, false), -EINVAL);
}

/* --- cascade ------------------------------------------------------------------------ */

static void every_drop_of_a_chain_is_timed(void)
{
    run_well("refcount", "plain", "cascade", "n=50000:count=30", 4);
    CU_ASSERT_EQUAL(sample.latency.count, 30);
    /* to visit 50000 objects takes more than 1 ns each */
    CU_ASSERT_TRUE(sample.latency.percentiles.has_p50);
    CU_ASSERT(sample.latency.percentiles.p50_ns > 50000);
    CU_ASSERT_FALSE(sample.latency.percentiles.has_p90);
}

/* --- contend ------------------------------------------------------------------------ */

static uint64_t count_of(enum gc_operation operation)
{
    return sample.operations[operation];
}

static void the_mix_of_contend_is_the_one_asked_for(void)
{
    static const char *const mix = "count=20000:shared=30:handoff=20:pairs=5:objects=100";
    CU_ASSERT_EQUAL(run_on("refcount", "atomic", "contend", mix, 4, true), 0);
    CU_ASSERT_EQUAL(sample.outcome, GC_OUTCOME_OK);
    uint64_t handed = count_of(GC_OPERATION_objects) - 4 * (100 + 1) - 100;
    uint64_t shared = count_of(GC_OPERATION_loads_shared);
    CU_ASSERT(handed > 3660 && handed < 4340); /* six deviations */
    CU_ASSERT(shared > 5600 && shared < 6400);
    /* two boxes an operation, and each thread's 64 at the end */
    CU_ASSERT_EQUAL(count_of(GC_OPERATION_exchanges), 2 * handed + 4 * 64);
    /* one reference by the load, four more by hand */
    CU_ASSERT_EQUAL(count_of(GC_OPERATION_sets), (20000 - handed) * 4);
}

static void handing_over_loses_no_parcel(void)
{
    for (uint32_t threads = 1; threads <= 8; threads *= 2) {
        run_well("refcount", "atomic", "contend",
                "count=4000:shared=0:handoff=100:parcel=3:objects=10", threads);
        CU_ASSERT_EQUAL(sample.planted, 12000 + threads * 11);
        CU_ASSERT_EQUAL(sample.reclaimed, sample.planted);
    }
}

static void all_private_and_all_shared_are_mixes_too(void)
{
    run_well("refcount", "atomic", "contend", "count=4000:shared=0:handoff=0", 2);
    CU_ASSERT_EQUAL(sample.planted, 2 * 1001);
    run_well("refcount", "atomic", "contend", "count=4000:shared=100:handoff=0", 2);
    CU_ASSERT_EQUAL(sample.planted, 2 * 1001);
}

/* --- random_graph ------------------------------------------------------------------- */

/* Of one thread all that was replaced is garbage, and nothing else is. */
static void what_one_thread_replaces_is_garbage(void)
{
    static const char *const all[] = {
        "nodes=500:count=2000:sigma=4:group=20:replace=10",
        "nodes=500:count=2000:sigma=0:group=1:replace=50",
        "nodes=40:count=2000:sigma=20:group=7:replace=10", /* neighbours all round */
        "nodes=10:count=500:sigma=3:group=32:replace=10",  /* all of them at once */
        "nodes=1:count=500:sigma=3:group=1:replace=10",
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        run_well("generational", "plain", "random_graph", all[i], 1);
        CU_ASSERT(sample.allocated_objects > 0);
        CU_ASSERT_EQUAL(sample.reclaimed, sample.allocated_objects);
        run_well("mark_sweep", "bare", "random_graph", all[i], 1);
        run_well("coalescing", "log_object", "random_graph", all[i], 1);
        CU_ASSERT_EQUAL(sample.reclaimed, sample.allocated_objects);
    }
}

static void most_garbage_of_random_graph_is_cyclic(void)
{
    run_well("refcount", "plain", "random_graph",
            "nodes=500:count=5000:sigma=8:group=32:replace=10", 1);
    CU_ASSERT(sample.reclaimed > 0);
    CU_ASSERT(sample.reclaimed * 10 < sample.allocated_objects);
    CU_ASSERT_EQUAL(sample.floating + sample.reclaimed, sample.allocated_objects);
    /* with neighbours far outside of a group counting finds most of it */
    run_well("refcount", "plain", "random_graph",
            "nodes=5000:count=5000:sigma=500:group=8:replace=1", 1);
    CU_ASSERT(sample.reclaimed * 2 > sample.allocated_objects);
}

/* Threads that meet may leave an edge to what was replaced; what it holds is bounded. */
static void threads_that_meet_leave_little_behind(void)
{
    for (uint32_t threads = 2; threads <= 8; threads *= 2) {
        run_well("generational", "atomic", "random_graph",
                "nodes=200:count=8000:sigma=4:group=20:replace=20", threads);
        uint64_t left = sample.allocated_objects - sample.reclaimed;
        CU_ASSERT(left < sample.allocated_objects / 10);
    }
}

int test_mixes_suite(void)
{
    static const struct test tests[] = {
        { "what_was_used_longest_ago_is_evicted", what_was_used_longest_ago_is_evicted },
        { "uniform_keys_hit_as_often_as_asked_for",
                uniform_keys_hit_as_often_as_asked_for },
        { "zipf_keys_hit_less_often_than_the_best_cache_would",
                zipf_keys_hit_less_often_than_the_best_cache_would },
        { "a_cache_of_one_entry_has_no_cycle", a_cache_of_one_entry_has_no_cycle },
        { "every_request_is_timed_once", every_request_is_timed_once },
        { "an_open_loop_counts_the_time_in_the_queue",
                an_open_loop_counts_the_time_in_the_queue },
        { "an_open_loop_keeps_its_rate", an_open_loop_keeps_its_rate },
        { "what_cannot_be_had_is_refused", what_cannot_be_had_is_refused },
        { "every_drop_of_a_chain_is_timed", every_drop_of_a_chain_is_timed },
        { "the_mix_of_contend_is_the_one_asked_for",
                the_mix_of_contend_is_the_one_asked_for },
        { "handing_over_loses_no_parcel", handing_over_loses_no_parcel },
        { "all_private_and_all_shared_are_mixes_too",
                all_private_and_all_shared_are_mixes_too },
        { "what_one_thread_replaces_is_garbage", what_one_thread_replaces_is_garbage },
        { "most_garbage_of_random_graph_is_cyclic",
                most_garbage_of_random_graph_is_cyclic },
        { "threads_that_meet_leave_little_behind",
                threads_that_meet_leave_little_behind },
    };
    return suite_add("workloads/mixes", tests, COUNT(tests));
}
