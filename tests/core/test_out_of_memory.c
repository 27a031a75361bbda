/* SPDX-License-Identifier: MIT */
/* test_out_of_memory.c - every allocation of the runtime fails once, by number: the program
 * that met it ends cleanly and leaves nothing. The program is compiled for both protocols.
 */
#include "tests/core/out_of_memory.h"

#include "tests/suites.h"
#include "tests/support.h"

/* The n-th allocation fails, n = 1, 2, ..., until a run does not get that far. */
static void fail_each(const char *collector, const char *options)
{
    const struct gc_collector *found = gc_collector_find(collector);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    bool bare = found->protocols[0][0] == 'b';
    uint32_t failures = 0;
    for (uint64_t n = 1; n < 1000; n++) {
        struct outcome outcome = { .collector = found, .options = options };
        struct memory before = memory_now();
        uint64_t asked = memory_requests();
        gc_os_fail_allocation(n);
        (bare ? out_of_memory_run_bare : out_of_memory_run_plain)(&outcome);
        gc_os_fail_allocation(0);
        asked = memory_requests() - asked;
        bool clean = memory_is_equal(memory_now(), before);
        CU_ASSERT_TRUE(clean);
        CU_ASSERT_EQUAL(outcome.unsound, 0);
        if (!clean || outcome.unsound != 0)
            printf("# %s: allocation %llu: %s\n", collector, (unsigned long long)n,
                    outcome.error.text);
        if (asked < n) {
            CU_ASSERT_TRUE(outcome.completed && outcome.refusals == 0);
            break;
        }
        failures++;
    }
    CU_ASSERT(failures >= 8); /* heap, lock, record, stall log, region, table, ... */
    CU_ASSERT(failures < 900);
}

static void each_failing_allocation_is_survived_without_a_collector(void)
{
    fail_each("none", NULL);
    fail_each("refcount", NULL);
}

static void each_failing_allocation_is_survived_by_generational(void)
{
    fail_each("generational", "threshold0=20");
    fail_each("generational", "threshold0=20:detect=keep");
}

static void each_failing_allocation_is_survived_by_mark_sweep(void)
{
    fail_each("mark_sweep", NULL);
    fail_each("mark_sweep", "minimum=64K:mark_stack=4");
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
    };
    return suite_add("core/out_of_memory", tests, COUNT(tests));
}
