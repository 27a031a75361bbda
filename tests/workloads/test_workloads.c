/* SPDX-License-Identifier: MIT */
/* test_workloads.c - every workload on every collector: the same checksum wherever it is
 * free of races, and what was planted is reclaimed, exactly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plugin.h"
#include "tests/suites.h"
#include "tests/support.h"
#include "workloads/registry.h"

/* Small sizes. A workload that is not named here runs with its defaults. */
static const struct {
    const char *name, *options;
    bool needs_file;
    bool parts_count; /* the result depends on the number of threads */
} sizes[] = {
    { "gcbench", "depth=8:array=1000", false, false },
    { "binary_trees", "depth=8", false, false },
    { "rings", "k=6:count=3000:window=40", false, true },
    { "graph", "nodes=300:count=8000", false, true },
    { "random_graph", "nodes=300:count=1000:sigma=4:group=20", false, true },
    { "contend", "count=8000:shared=30:handoff=30:objects=50:parcel=3", false, true },
    { "cascade", "n=20000:count=2", false, false },
    { "cache", "entries=200:count=2000:tree=20", false, true },
    { "live_heap", "nodes=5000:k=10:collections=3", false, false },
    { "snapshot", NULL, true, false },
};

/* Beside each collector with its defaults. */
static const struct setting {
    const char *collector, *options;
} settings[] = {
    { "generational", "detect=keep:threshold0=100" },
    { "generational", "detect=walk:threshold0=100:threshold1=2:threshold2=2" },
    { "generational", "detect=keep:passes=owners:threshold0=100" },
    { "mark_sweep", "minimum=64K:growth=120:mark_stack=8" },
    { "coalescing", NULL },
    { "coalescing", "young=64K:log=4K:backup=3:mark_stack=8" },
};

static const uint32_t thread_counts[] = { 1, 2, 4, 8 };

/* In place of what stands in `sizes`, or NULL. */
static const char *other_options;

static const char *options_of(const char *workload, char *buffer, size_t room)
{
    if (other_options != NULL) return other_options;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        if (strcmp(sizes[i].name, workload) != 0) continue;
        if (!sizes[i].needs_file) return sizes[i].options;
        const char *data = getenv("GCLAB_TEST_DATA");
        /* each step is a collection, and a look at all objects where levels are high */
        const char *steps = GC_TSAN || GC_ASAN ? ":steps=4"
                            : GC_CHECK >= 2    ? ":steps=8"
                                               : "";
        snprintf(buffer, room, "file=%s/cpython_small.gcs%s", data != NULL ? data : "",
                steps);
        return buffer;
    }
    return NULL;
}

static bool parts_count(const char *workload)
{
    for (size_t i = 0; i < COUNT(sizes); i++)
        if (strcmp(sizes[i].name, workload) == 0) return sizes[i].parts_count;
    return false;
}

struct agreement {
    bool known;
    uint64_t checksum;
};

static void run_one(const struct gc_workload *workload, const struct setting *setting,
        uint32_t threads, struct agreement *agreement)
{
    static struct gc_sample sample;
    struct gc_error error = { "" };
    char buffer[1024];
    struct gc_sample_request request = {
        .collector = gc_collector_find(setting->collector),
        .collector_options = setting->options,
        .protocol = gc_protocol_find(workload->protocol),
        .workload = workload,
        .workload_options = options_of(workload->name, buffer, sizeof(buffer)),
        .threads = threads,
        .seed = 7,
    };
    struct memory before = memory_now();
    int status = gc_sample_run(&request, &sample, &error);
    bool well = status == 0 && sample.outcome == GC_OUTCOME_OK &&
                memory_is_equal(memory_now(), before);
    CU_ASSERT_TRUE(well);
    if (status == 0) {
        CU_ASSERT(sample.ops > 0);
        uint64_t counted = 0;
        for (int i = 0; i < GC_OPERATION_COUNT; i++)
            counted += sample.operations[i];
        /* live_heap makes all its objects before run() */
        bool idle = strcmp(workload->name, "live_heap") == 0;
        CU_ASSERT_EQUAL(counted > 0, workload->counts_operations && !idle);
        CU_ASSERT_EQUAL(sample.has_operations, workload->counts_operations);
        if (!agreement->known) *agreement = (struct agreement){ true, sample.checksum };
        if (workload->race_free && sample.checksum != agreement->checksum) well = false;
        CU_ASSERT_TRUE(well);
    }
    if (!well)
        printf("# %s on %s@%s:%s, %u threads: %s%s\n", workload->name, setting->collector,
                workload->protocol, setting->options != NULL ? setting->options : "",
                threads, error.text, sample.message);
}

/* Not everything is tried in every combination, least of all under sanitizers. */
static bool is_tried(bool counting, uint32_t threads)
{
    if (counting) return threads == 2;
    return threads == 8 || (!GC_TSAN && !GC_ASAN);
}

/* All protocols of a collector, both variants of the workload, all thread counts. */
static void run_setting(
        const char *name, const struct setting *setting, struct agreement *agreements)
{
    const struct gc_collector *collector = gc_collector_find(setting->collector);
    CU_ASSERT_PTR_NOT_NULL_FATAL(collector);
    for (size_t p = 0; collector->protocols[p] != NULL; p++) {
        const struct gc_workload *variants[] = {
            gc_workload_find(gc_all_workloads, name, collector->protocols[p]),
            gc_workload_find_counting(gc_all_workloads, name, collector->protocols[p]),
        };
        for (size_t v = 0; v < COUNT(variants); v++) {
            CU_ASSERT_PTR_NOT_NULL_FATAL(variants[v]);
            for (size_t t = 0; t < COUNT(thread_counts); t++)
                if (is_tried(v > 0, thread_counts[t]))
                    run_one(variants[v], setting, thread_counts[t],
                            &agreements[parts_count(name) ? t : 0]);
        }
    }
}

/* Every collector that is built in. */
static void run_all(const char *name)
{
    struct agreement agreements[COUNT(thread_counts)] = { { false, 0 } };
    for (size_t i = 0; gc_static_collectors[i] != NULL; i++) {
        struct setting setting = { gc_static_collectors[i]->name, NULL };
        run_setting(name, &setting, agreements);
    }
    for (size_t i = 0; i < COUNT(settings); i++)
        run_setting(name, &settings[i], agreements);
}

static void gcbench_agrees(void)
{
    run_all("gcbench");
}

static void binary_trees_agree(void)
{
    run_all("binary_trees");
}

static void rings_agree(void)
{
    run_all("rings");
}

static void graph_is_reclaimed(void)
{
    run_all("graph");
}

static void cascade_agrees(void)
{
    run_all("cascade");
}

static void cache_agrees(void)
{
    run_all("cache");
}

static void random_graph_is_reclaimed(void)
{
    run_all("random_graph");
}

static void contend_agrees(void)
{
    run_all("contend");
}

static void live_heap_agrees(void)
{
    run_all("live_heap");
    other_options = "nodes=3000:k=10:collections=2:shape=scrambled:holder=last";
    run_all("live_heap");
    other_options = "nodes=3000:k=10:collections=2:shape=random";
    run_all("live_heap");
    other_options = NULL;
}

static void snapshot_agrees(void)
{
    run_all("snapshot");
}

/* Far more mutators than processors start, hand objects to each other, and exit. */
static void many_threads_come_and_go(void)
{
    enum { MANY = 64 };
    other_options = "count=6400:shared=30:handoff=30:objects=50:parcel=3";
    for (size_t i = 0; gc_static_collectors[i] != NULL; i++) {
        struct setting setting = { gc_static_collectors[i]->name, NULL };
        for (size_t p = 0; gc_static_collectors[i]->protocols[p] != NULL; p++) {
            struct agreement agreement = { false, 0 };
            run_one(gc_workload_find(gc_all_workloads, "contend",
                            gc_static_collectors[i]->protocols[p]),
                    &setting, MANY, &agreement);
        }
    }
    other_options = NULL;
}

static void every_workload_has_its_test(void)
{
    for (const struct gc_workload *const *w = gc_all_workloads; *w != NULL; w++) {
        bool known = false;
        for (size_t i = 0; i < COUNT(sizes); i++)
            known |= strcmp(sizes[i].name, (*w)->name) == 0;
        CU_ASSERT_TRUE(known);
        if (!known) printf("# %s\n", (*w)->name);
        CU_ASSERT_PTR_EQUAL(
                ((*w)->counts_operations ? gc_workload_find_counting : gc_workload_find)(
                        gc_all_workloads, (*w)->name, (*w)->protocol),
                *w);
    }
}

/* Of one program of one thread nothing depends on anything but the seed. */
static void a_seed_repeats_a_run(void)
{
    const struct gc_workload *graph =
            gc_workload_find(gc_all_workloads, "graph", "plain");
    CU_ASSERT_PTR_NOT_NULL_FATAL(graph);
    static struct gc_sample samples[3];
    for (uint32_t i = 0; i < 3; i++) {
        struct gc_sample_request request = {
            .collector = gc_collector_find("generational"),
            .protocol = gc_protocol_find("plain"),
            .workload = graph,
            .workload_options = "nodes=300:count=8000",
            .threads = 1,
            .seed = i == 2 ? 8 : 7,
        };
        CU_ASSERT_EQUAL(gc_sample_run(&request, &samples[i], NULL), 0);
    }
    CU_ASSERT_EQUAL(samples[0].checksum, samples[1].checksum);
    CU_ASSERT_EQUAL(samples[0].collections, samples[1].collections);
    CU_ASSERT_EQUAL(samples[0].allocated_objects, samples[1].allocated_objects);
    CU_ASSERT_NOT_EQUAL(samples[0].checksum, samples[2].checksum);
}

int test_workloads_suite(void)
{
    static const struct test tests[] = {
        { "every_workload_has_its_test", every_workload_has_its_test },
        { "gcbench_agrees", gcbench_agrees },
        { "binary_trees_agree", binary_trees_agree },
        { "rings_agree", rings_agree },
        { "graph_is_reclaimed", graph_is_reclaimed },
        { "cascade_agrees", cascade_agrees },
        { "cache_agrees", cache_agrees },
        { "random_graph_is_reclaimed", random_graph_is_reclaimed },
        { "contend_agrees", contend_agrees },
        { "live_heap_agrees", live_heap_agrees },
        { "snapshot_agrees", snapshot_agrees },
        { "many_threads_come_and_go", many_threads_come_and_go },
        { "a_seed_repeats_a_run", a_seed_repeats_a_run },
    };
    return suite_add("workloads/all", tests, COUNT(tests));
}
