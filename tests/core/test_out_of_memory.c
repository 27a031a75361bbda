/* SPDX-License-Identifier: MIT */
/* test_out_of_memory.c - every allocation of the runtime fails once, by number: the program
 * that met it ends cleanly and leaves nothing. The program is compiled for each protocol.
 */
#include "tests/core/out_of_memory.h"

#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

static const struct {
    const char *protocol;
    void (*run)(struct outcome *outcome);
} programs[] = {
    { "bare", out_of_memory_run_bare },
    { "plain", out_of_memory_run_plain },
    { "atomic", out_of_memory_run_atomic },
    { "biased", out_of_memory_run_biased },
    { "satb", out_of_memory_run_satb },
    { "log_object", out_of_memory_run_log_object },
};

static void run_program(struct outcome *outcome)
{
    for (size_t i = 0; i < COUNT(programs); i++)
        if (strcmp(programs[i].protocol, outcome->protocol->name) == 0)
            programs[i].run(outcome);
}

/* Runs under sanitizers are slow: those try every so many allocations, and another set of
 * them for each collector. */
enum { STRIDE = GC_TSAN ? 7 : GC_ASAN ? 2 : 1 };

/* Every collector on each of its protocols, and the options that choose other code; several
 * mutators run in each. */
struct combination {
    const char *collector, *protocol, *options;
};
static const struct combination combinations[] = {
    { "none", "bare", NULL },
    { "refcount", "plain", NULL },
    { "refcount", "atomic", NULL },
    { "refcount", "biased", NULL },
    { "generational", "plain", "threshold0=20" },
    { "generational", "plain", "threshold0=20:detect=keep" },
    { "generational", "plain", "threshold0=20:threshold1=1:detect=walk" },
    { "generational", "atomic", "threshold0=20" },
    { "generational", "atomic", "threshold0=20:detect=keep" },
    { "generational", "atomic", "threshold0=20:threshold1=1:detect=walk" },
    { "generational", "atomic", "threshold0=20:passes=owners" },
    { "generational", "atomic", "threshold0=20:detect=keep:passes=owners" },
    { "generational", "atomic", "threshold0=20:threshold1=1:detect=walk:passes=owners" },
    { "generational", "biased", "threshold0=20" },
    { "generational", "biased", "threshold0=20:detect=keep" },
    { "generational", "biased", "threshold0=20:threshold1=1:detect=walk" },
    { "generational", "biased", "threshold0=20:passes=owners" },
    { "generational", "biased", "threshold0=20:detect=keep:passes=owners" },
    { "generational", "biased", "threshold0=20:threshold1=1:detect=walk:passes=owners" },
    { "mark_sweep", "bare", NULL },
    { "mark_sweep", "bare", "minimum=64K:mark_stack=4" },
    { "on_the_fly", "satb", NULL },
    { "on_the_fly", "satb", "minimum=64K:log=64K" },
    { "coalescing", "log_object", NULL },
    { "coalescing", "log_object", "young=64K:log=4K:mark_stack=4" },
};

/* A collector or a protocol that is new has to be added above. */
static void every_collector_is_tried_on_each_of_its_protocols(void)
{
    const struct gc_collector *const *c = gc_collectors();
    for (; *c != NULL; c++) {
        for (const char *const *protocol = (*c)->protocols; *protocol != NULL;
                protocol++) {
            size_t i = 0;
            while (i < COUNT(combinations) &&
                    (strcmp(combinations[i].collector, (*c)->name) != 0 ||
                            strcmp(combinations[i].protocol, *protocol) != 0))
                i++;
            if (i == COUNT(combinations)) printf("# %s@%s\n", (*c)->name, *protocol);
            CU_ASSERT(i < COUNT(combinations));
        }
    }
}

/* The n-th request for memory or a thread fails, n = 1, 2, ..., until a run does not get that
 * far. */
static void fail_each(const struct combination *combination)
{
    const char *protocol = combination->protocol;
    const struct gc_collector *found = gc_collector_find(combination->collector);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    static uint64_t first;
    first = first % STRIDE + 1;
    uint64_t failures = 0;
    for (uint64_t n = first; n < 1000; n += STRIDE) {
        struct outcome outcome = {
            .collector = found,
            .protocol = gc_protocol_find(protocol),
            .options = combination->options,
        };
        struct memory before = memory_now();
        uint64_t asked = memory_requests();
        gc_os_fail_allocation(n);
        run_program(&outcome);
        gc_os_fail_allocation(0);
        asked = memory_requests() - asked;
        bool clean = memory_is_equal(memory_now(), before);
        CU_ASSERT_TRUE(clean);
        CU_ASSERT_EQUAL(outcome.unsound, 0);
        if (!clean || outcome.unsound != 0)
            printf("# %s@%s: request %llu: %s\n", found->name, protocol,
                    (unsigned long long)n, outcome.error.text);
        if (asked < n) {
            CU_ASSERT_TRUE(outcome.completed && outcome.refusals == 0);
            break;
        }
        failures += STRIDE;
    }
    CU_ASSERT(failures >= 8); /* heap, lock, record, stall log, region, table, ... */
    CU_ASSERT(failures < 900);
}

static void fail_each_of(const char *collector)
{
    for (size_t i = 0; i < COUNT(combinations); i++)
        if (strcmp(combinations[i].collector, collector) == 0)
            fail_each(&combinations[i]);
}

static void each_failing_allocation_is_survived_without_a_collector(void)
{
    fail_each_of("none");
    fail_each_of("refcount");
}

static void each_failing_allocation_is_survived_by_generational(void)
{
    fail_each_of("generational");
}

static void each_failing_allocation_is_survived_by_mark_sweep(void)
{
    fail_each_of("mark_sweep");
}

static void each_failing_allocation_is_survived_by_on_the_fly(void)
{
    fail_each_of("on_the_fly");
}

static void each_failing_allocation_is_survived_by_coalescing(void)
{
    fail_each_of("coalescing");
}

int test_out_of_memory_suite(void)
{
    static const struct test tests[] = {
        { "every_collector_is_tried_on_each_of_its_protocols",
                every_collector_is_tried_on_each_of_its_protocols },
        { "each_failing_allocation_is_survived_without_a_collector",
                each_failing_allocation_is_survived_without_a_collector },
        { "each_failing_allocation_is_survived_by_generational",
                each_failing_allocation_is_survived_by_generational },
        { "each_failing_allocation_is_survived_by_mark_sweep",
                each_failing_allocation_is_survived_by_mark_sweep },
        { "each_failing_allocation_is_survived_by_on_the_fly",
                each_failing_allocation_is_survived_by_on_the_fly },
        { "each_failing_allocation_is_survived_by_coalescing",
                each_failing_allocation_is_survived_by_coalescing },
    };
    return suite_add("core/out_of_memory", tests, COUNT(tests));
}
