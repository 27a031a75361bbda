/* SPDX-License-Identifier: MIT */
/* test_plugin.c - what the library holds can be found, described, and is consistent; what
 * a plugin brings is checked first. Real files are loaded by tests/plugins. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/plugin.h"
#include "tests/suites.h"
#include "tests/support.h"

static void everything_is_found_by_its_name(void)
{
    size_t collectors = 0, protocols = 0;
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        CU_ASSERT_PTR_EQUAL(gc_collector_find((*c)->name), *c);
        collectors++;
    }
    for (const struct gc_protocol *const *p = gc_protocols(); *p != NULL; p++) {
        CU_ASSERT_PTR_EQUAL(gc_protocol_find((*p)->name), *p);
        CU_ASSERT_STRING_EQUAL(gc_protocol_name(*p), (*p)->name);
        CU_ASSERT(strlen(gc_protocol_summary(*p)) > 10);
        protocols++;
    }
    CU_ASSERT(collectors >= 4);
    CU_ASSERT(protocols >= 2);
    CU_ASSERT_PTR_NULL(gc_collector_find("nothing"));
    CU_ASSERT_PTR_NULL(gc_protocol_find(""));
}

static void every_descriptor_is_sound(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        CU_ASSERT_EQUAL((*c)->abi_version, GC_ABI_VERSION);
        CU_ASSERT_EQUAL((*c)->mutator_size, sizeof(struct gc_mutator));
        CU_ASSERT_EQUAL((*c)->heap_size, sizeof(struct gc_heap));
        CU_ASSERT_EQUAL((*c)->check_level, GC_CHECK);
        CU_ASSERT_PTR_NOT_NULL((*c)->protocols[0]);
        for (int i = 0; i < GC_COLLECTOR_NAMES && (*c)->protocols[i] != NULL; i++)
            CU_ASSERT_PTR_NOT_NULL(gc_protocol_find((*c)->protocols[i]));
        CU_ASSERT_EQUAL((*c)->options == NULL, (*c)->options_size == 0);
        CU_ASSERT(((*c)->capabilities & GC_CAP_CYCLES) == 0 || (*c)->collect != NULL);
    }
}

static void information_agrees_with_the_descriptor(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct gc_collector_info info = gc_collector_info(*c);
        CU_ASSERT_STRING_EQUAL(info.name, (*c)->name);
        CU_ASSERT(strlen(info.summary) > 10);
        CU_ASSERT_STRING_EQUAL(info.protocols[0], (*c)->protocols[0]);
        CU_ASSERT_PTR_EQUAL(info.options, (*c)->options);
        CU_ASSERT_EQUAL(info.cycles, ((*c)->capabilities & GC_CAP_CYCLES) != 0);
        CU_ASSERT_EQUAL(info.reclaims, ((*c)->capabilities & GC_CAP_RECLAIMS) != 0);
        CU_ASSERT_EQUAL(info.immediate, ((*c)->capabilities & GC_CAP_IMMEDIATE) != 0);
    }
}

static void every_promise_has_a_word(void)
{
    struct gc_collector all = *gc_collector_find("none");
    all.capabilities = (1u << 10) - 1;
    const char *word = "", *none_word;
    uint32_t words = 0;
    for (size_t i = 0; gc_collector_promises(&all, i, &word); i++) {
        CU_ASSERT_PTR_NOT_NULL(word);
        CU_ASSERT_TRUE(gc_collector_promises(gc_collector_find("none"), i, &none_word));
        CU_ASSERT_PTR_NULL(none_word);
        words++;
    }
    CU_ASSERT_EQUAL(words, 10);
}

static void the_build_says_how_much_it_checks(void)
{
    CU_ASSERT_EQUAL(gc_build_check_level(), GC_CHECK);
}

/* --- plugins ----------------------------------------------------------------------- */

static void run_nothing(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    (void)m, (void)trial, (void)thread;
}

/* A plugin in memory, good until a test changes it. */
struct sketch {
    struct gc_collector collector;
    struct gc_protocol protocol;
    struct gc_workload workload;
    struct gc_part part;
    const struct gc_collector *collectors[2];
    const struct gc_protocol *protocols[2];
    const struct gc_workload *workloads[2];
    const struct gc_part *parts[2];
    struct gc_plugin plugin;
};

static void draw(struct sketch *sketch, const char *name)
{
    *sketch = (struct sketch){
        .collector = *gc_collector_find("none"),
        .protocol = *gc_protocol_find("plain"),
        .workload = { .name = name,
                .protocol = "bare",
                .summary = "does nothing",
                .unit = "nothings",
                .run = run_nothing },
        .part = { .kind = "riddle", .protocol = name, .version = 3, .what = sketch },
        .collectors = { &sketch->collector, NULL },
        .protocols = { &sketch->protocol, NULL },
        .workloads = { &sketch->workload, NULL },
        .parts = { &sketch->part, NULL },
        .plugin = { GC_PLUGIN_HEADER, .collectors = sketch->collectors,
                .protocols = sketch->protocols, .workloads = sketch->workloads,
                .parts = sketch->parts },
    };
    sketch->collector.name = name;
    sketch->protocol.name = name;
}

/* Asserts that it is refused with a sentence that has the words, and changes nothing. */
static void refused(struct sketch *sketch, int code, const char *words)
{
    const struct gc_collector *const *collectors = gc_collectors();
    const struct gc_workload *const *workloads = gc_workloads();
    const struct gc_protocol *const *protocols = gc_protocols();
    struct gc_error error = { "" };
    CU_ASSERT_EQUAL(gc_plugin_enter("sketch.so", &sketch->plugin, &error), code);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, words));
    CU_ASSERT_EQUAL(strncmp(error.text, "sketch.so: ", 11), 0);
    CU_ASSERT_PTR_EQUAL(gc_collectors(), collectors);
    CU_ASSERT_PTR_EQUAL(gc_workloads(), workloads);
    CU_ASSERT_PTR_EQUAL(gc_protocols(), protocols);
}

/* The same, and then it is a good one, for the next fault. */
static void refused_once(struct sketch *sketch, int code, const char *words)
{
    refused(sketch, code, words);
    draw(sketch, "sketch");
}

static void a_plugin_of_another_build_is_refused(void)
{
    struct sketch sketch;
    draw(&sketch, "sketch");
    sketch.plugin.abi_version++;
    refused_once(&sketch, -EINVAL, "plugin ABI");
    sketch.plugin.check_level = GC_CHECK > 0 ? 0 : 3;
    refused_once(&sketch, -EINVAL,
            GC_CHECK > 0 ? "release flavour of gclab (GC_CHECK=0)"
                         : "checked flavour of gclab (GC_CHECK=3)");
    uint32_t *const sizes[] = { &sketch.plugin.mutator_size, &sketch.plugin.heap_size,
        &sketch.plugin.collector_size, &sketch.plugin.protocol_size,
        &sketch.plugin.workload_size };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        *sizes[i] += 8;
        refused_once(&sketch, -EINVAL, "headers of another gclab");
    }
    uint32_t *const headers[] = { &sketch.collector.abi_version,
        &sketch.collector.mutator_size, &sketch.collector.heap_size,
        &sketch.collector.check_level };
    for (size_t i = 0; i < COUNT(headers); i++) {
        ++*headers[i];
        refused_once(&sketch, -EINVAL, "GC_COLLECTOR_HEADER");
    }
}

static void a_plugin_with_gaps_is_refused(void)
{
    struct sketch sketch;
    static const char *const names[] = { NULL, "", "a b", "a@b", "a:b", "a/b", "a.so" };
    draw(&sketch, "sketch");
    for (size_t i = 0; i < COUNT(names); i++) {
        sketch.collector.name = names[i];
        refused_once(&sketch, -EINVAL, "name of a collector");
        sketch.workload.name = names[i];
        refused_once(&sketch, -EINVAL, "name of a workload");
        sketch.protocol.name = names[i];
        refused_once(&sketch, -EINVAL, "name of a protocol");
    }
    sketch.collector.protocols[0] = NULL;
    refused_once(&sketch, -EINVAL, "names no protocol");
    for (int i = 0; i < GC_COLLECTOR_NAMES; i++)
        sketch.collector.protocols[i] = "bare";
    refused_once(&sketch, -EINVAL, "names more than 7 protocols");
    sketch.protocol.summary = NULL;
    refused_once(&sketch, -EINVAL, "protocol 'sketch' lacks");
    sketch.protocol.kill = NULL;
    refused_once(&sketch, -EINVAL, "protocol 'sketch' lacks");
    sketch.part.what = NULL;
    refused_once(&sketch, -EINVAL, "a part lacks");
    sketch.collector.capabilities = GC_CAP_CYCLES;
    refused_once(&sketch, -EINVAL, "can't collect");
    sketch.workload.run = NULL;
    refused_once(&sketch, -EINVAL, "'sketch' lacks");
    sketch.plugin.collectors = NULL;
    sketch.plugin.protocols = NULL;
    sketch.plugin.workloads = NULL;
    sketch.plugin.parts = NULL;
    refused_once(&sketch, -EINVAL, "empty");
}

static void a_plugin_whose_name_is_taken_is_refused(void)
{
    struct sketch sketch;
    draw(&sketch, "refcount");
    refused_once(&sketch, -EEXIST, "there is a collector 'refcount' already");
    struct gc_collector again = sketch.collector;
    const struct gc_collector *twice[] = { &sketch.collector, &again, NULL };
    sketch.plugin.collectors = twice;
    refused_once(&sketch, -EEXIST, "there is a collector 'sketch' already");
    sketch.protocol.name = "plain";
    refused_once(&sketch, -EEXIST, "there is a protocol 'plain' already");
    const struct gc_protocol *same[] = { &sketch.protocol, &sketch.protocol, NULL };
    sketch.plugin.protocols = same;
    refused_once(&sketch, -EEXIST, "there is a protocol 'sketch' already");
    const struct gc_workload *pair[] = { &sketch.workload, &sketch.workload, NULL };
    sketch.plugin.workloads = pair;
    refused_once(
            &sketch, -EEXIST, "workload 'sketch' is here for protocol 'bare' already");
}

/* A workload of that name may come from another file, for another protocol; but only it. */
static void a_workload_is_the_same_for_each_protocol(void)
{
    static struct sketch sketch, pack; /* they stay in the registry */
    static const struct gc_option options[] = {
        { .name = "count", .kind = GC_OPTION_INT, .max = 9, .standard = "1" },
        GC_OPTION_END,
    };
    struct gc_error error = { "" };
    draw(&sketch, "shared");
    CU_ASSERT_EQUAL(gc_plugin_enter("sketch.so", &sketch.plugin, &error), 0);

    draw(&pack, "shared");
    pack.collector.name = pack.protocol.name = pack.part.protocol = "private";
    refused(&pack, -EEXIST, "workload 'shared' is here for protocol 'bare' already");
    pack.workload.protocol = "private";
    struct gc_workload good = pack.workload;
    pack.workload.summary = "does something";
    refused(&pack, -EEXIST, "there is another workload 'shared' already");
    pack.workload = good;
    pack.workload.race_free = true;
    refused(&pack, -EEXIST, "there is another workload 'shared' already");
    pack.workload = good;
    pack.workload.options = options;
    refused(&pack, -EEXIST, "there is another workload 'shared' already");
    pack.workload = good;
    CU_ASSERT_EQUAL(gc_plugin_enter("pack.so", &pack.plugin, &error), 0);
    CU_ASSERT_PTR_EQUAL(
            gc_workload_find(gc_workloads(), "shared", "private"), &pack.workload);
    CU_ASSERT_PTR_EQUAL(
            gc_workload_find(gc_workloads(), "shared", "bare"), &sketch.workload);
    CU_ASSERT_PTR_EQUAL(gc_protocol_find("private"), &pack.protocol);
    CU_ASSERT_PTR_EQUAL(gc_part_find("riddle", "private", 3), &pack);
    CU_ASSERT_PTR_NULL(gc_part_find("riddle", "private", 4));
    CU_ASSERT_PTR_NULL(gc_part_find("riddle", "plain", 3));
    CU_ASSERT_PTR_NULL(gc_part_find("rhyme", "private", 3));
}

static void a_collector_takes_what_it_names_and_what_is_like_that(void)
{
    struct gc_collector collector = { .protocols = { "plain" } };
    struct gc_protocol protocol = { .name = "private", .flags = GC_PROTOCOL_COUNTED };
    CU_ASSERT_TRUE(gc_collector_takes(&collector, gc_protocol_find("plain")));
    CU_ASSERT_FALSE(gc_collector_takes(&collector, gc_protocol_find("bare")));
    CU_ASSERT_FALSE(gc_collector_takes(&collector, &protocol));
    collector.other_protocols = GC_PROTOCOL_COUNTED | GC_PROTOCOL_SERIAL;
    CU_ASSERT_FALSE(gc_collector_takes(&collector, &protocol));
    protocol.flags |= GC_PROTOCOL_SERIAL;
    CU_ASSERT_TRUE(gc_collector_takes(&collector, &protocol));
    CU_ASSERT_FALSE(gc_collector_takes(&collector, gc_protocol_find("bare")));
    protocol.flags |= GC_PROTOCOL_PRIVATE;
    CU_ASSERT_FALSE(gc_collector_takes(&collector, &protocol));
    collector.protocols[1] = "private";
    CU_ASSERT_TRUE(gc_collector_takes(&collector, &protocol));
}

static void a_file_that_is_no_plugin_is_refused(void)
{
    struct gc_error error = { "" };
    const struct gc_plugin *plugin;
    CU_ASSERT_EQUAL(gc_plugin_load("/nowhere/at-all.so", &plugin, &error), -ENOENT);
    CU_ASSERT_STRING_EQUAL(error.text, "/nowhere/at-all.so: No such file or directory");
    char path[] = "/tmp/gclab-test-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, "junk", 4), 4);
    close(fd);
    CU_ASSERT_EQUAL(gc_plugin_load(path, &plugin, &error), -ENOEXEC);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "can't be loaded: "));
    unlink(path);
}

static void what_a_plugin_holds_is_found(void)
{
    static struct sketch sketch, other; /* they stay in the registry */
    struct gc_error error = { "" };
    draw(&sketch, "sketch");
    gc_os_fail_allocation(2);
    refused(&sketch, -ENOMEM, "no memory");
    gc_os_fail_allocation(0);

    CU_ASSERT_EQUAL(gc_plugin_enter("sketch.so", &sketch.plugin, &error), 0);
    CU_ASSERT_PTR_EQUAL(gc_collector_find("sketch"), &sketch.collector);
    CU_ASSERT_PTR_NOT_NULL(gc_collector_find("none"));
    CU_ASSERT_PTR_EQUAL(
            gc_workload_find(gc_workloads(), "sketch", "bare"), &sketch.workload);
    CU_ASSERT_PTR_NULL(gc_workload_find(gc_workloads(), "sketch", "plain"));
    CU_ASSERT_PTR_EQUAL(gc_plugin_collectors(&sketch.plugin)[0], &sketch.collector);
    CU_ASSERT_PTR_EQUAL(gc_plugin_protocols(&sketch.plugin)[0], &sketch.protocol);
    CU_ASSERT_PTR_EQUAL(gc_plugin_parts(&sketch.plugin)[0], &sketch.part);
    CU_ASSERT_PTR_EQUAL(gc_protocol_find("sketch"), &sketch.protocol);

    /* The same once more is no error; another one with that name is. */
    const struct gc_collector *const *before = gc_collectors();
    CU_ASSERT_EQUAL(gc_plugin_enter("sketch.so", &sketch.plugin, &error), 0);
    CU_ASSERT_PTR_EQUAL(gc_collectors(), before);
    draw(&other, "sketch");
    refused(&other, -EEXIST, "there is a collector 'sketch' already");
    other.collector.name = "other";
    refused(&other, -EEXIST, "there is a protocol 'sketch' already");
    other.protocol.name = "other";
    refused(&other, -EEXIST, "workload 'sketch' is here for protocol 'bare' already");
    other.workload.name = "other";
    refused(&other, -EEXIST, "there is a part 'riddle' for protocol 'sketch' already");
    other.part.protocol = "other";
    CU_ASSERT_EQUAL(gc_plugin_enter("other.so", &other.plugin, &error), 0);
    CU_ASSERT_PTR_EQUAL(gc_collector_find("sketch"), &sketch.collector);
    CU_ASSERT_PTR_EQUAL(gc_collector_find("other"), &other.collector);
}

int test_plugin_suite(void)
{
    static const struct test tests[] = {
        { "everything_is_found_by_its_name", everything_is_found_by_its_name },
        { "every_descriptor_is_sound", every_descriptor_is_sound },
        { "information_agrees_with_the_descriptor",
                information_agrees_with_the_descriptor },
        { "every_promise_has_a_word", every_promise_has_a_word },
        { "the_build_says_how_much_it_checks", the_build_says_how_much_it_checks },
        { "a_plugin_of_another_build_is_refused", a_plugin_of_another_build_is_refused },
        { "a_plugin_with_gaps_is_refused", a_plugin_with_gaps_is_refused },
        { "a_plugin_whose_name_is_taken_is_refused",
                a_plugin_whose_name_is_taken_is_refused },
        { "a_file_that_is_no_plugin_is_refused", a_file_that_is_no_plugin_is_refused },
        { "what_a_plugin_holds_is_found", what_a_plugin_holds_is_found },
        { "a_workload_is_the_same_for_each_protocol",
                a_workload_is_the_same_for_each_protocol },
        { "a_collector_takes_what_it_names_and_what_is_like_that",
                a_collector_takes_what_it_names_and_what_is_like_that },
    };
    return suite_add("core/plugin", tests, COUNT(tests));
}
