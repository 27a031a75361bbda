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
enum { STRIDE = GC_TSAN ? 23 : GC_ASAN ? 5 : 1 };

/* The n-th allocation fails, n = 1, 2, ..., until a run does not get that far. */
static void fail_each(const char *collector, const char *protocol, const char *options)
{
    const struct gc_collector *found = gc_collector_find(collector);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    static uint64_t first;
    first = first % STRIDE + 1;
    uint64_t failures = 0;
    for (uint64_t n = first; n < 1000; n += STRIDE) {
        struct outcome outcome = {
            .collector = found,
            .protocol = gc_protocol_find(protocol),
            .options = options,
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
            printf("# %s@%s: allocation %llu: %s\n", collector, protocol,
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

static void each_failing_allocation_is_survived_without_a_collector(void)
{
    fail_each("none", "bare", NULL);
    fail_each("refcount", "plain", NULL);
    fail_each("refcount", "atomic", NULL);
    fail_each("refcount", "biased", NULL);
}

static void each_failing_allocation_is_survived_by_generational(void)
{
    fail_each("generational", "plain", "threshold0=20");
    fail_each("generational", "plain", "threshold0=20:detect=keep");
    fail_each("generational", "plain", "threshold0=20:threshold1=1:detect=walk");
    fail_each("generational", "atomic", "threshold0=20");
    fail_each("generational", "biased", "threshold0=20");
}

static void each_failing_allocation_is_survived_by_mark_sweep(void)
{
    fail_each("mark_sweep", "bare", NULL);
    fail_each("mark_sweep", "bare", "minimum=64K:mark_stack=4");
}

static void each_failing_allocation_is_survived_by_on_the_fly(void)
{
    fail_each("on_the_fly", "satb", NULL);
    fail_each("on_the_fly", "satb", "minimum=64K:log=64K");
}

static void each_failing_allocation_is_survived_by_coalescing(void)
{
    fail_each("coalescing", "log_object", NULL);
    fail_each("coalescing", "log_object", "young=64K:log=4K:mark_stack=4");
}

int test_out_of_memory_suite(void)
{
    static const struct test tests[] = {
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
