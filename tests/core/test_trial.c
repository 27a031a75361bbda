/* SPDX-License-Identifier: MIT */
/* test_trial.c - what a workload's threads call: parts of their share, and checks behind them. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include "core/trial.h"

#include <errno.h>
#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

enum { ITEMS = 1001 };

/* What each thread keeps in the heap, and what the model says that it does. */
static struct {
    _Atomic(uint64_t) sum; /* of all items */
    uint32_t kept, modelled, parts;
    _Atomic(uint32_t) checked; /* parts that threads have come to the end of */
} account;

static void run_in_parts(struct gc_mutator *m, struct gc_trial *trial, uint32_t i)
{
    struct {
        struct gc_frame frame;
        struct node *chain, *more;
    } at;
    struct gc_trial_part part = { 0 };
    gc_enter(m, at);
    make_chain(m, &at.chain, account.kept);
    while (part.number != account.parts &&
            gc_trial_next_part(trial, m, i, ITEMS, &part)) {
        make_chain(m, &at.more, 100);
        gc_clear(m, &at.more);
        for (uint64_t k = part.first; k < part.end; k++)
            gc_atomic_fetch_add_relaxed(&account.sum, k);
        gc_atomic_fetch_add_relaxed(&account.checked, 1);
    }
    gc_leave(m, at);
}

static void expect(struct gc_mutator *m, struct gc_trial *trial, struct gc_live *ret_live)
{
    if (gc_atomic_load_relaxed(&account.checked) % trial->threads != 0)
        gc_trial_fail(trial, "somebody is still on the way");
    gc_live_add(
            ret_live, m, &node_type, 0, 0, (uint64_t)account.modelled * trial->threads);
}

static const struct gc_workload accountable = {
    .name = "accountable",
    .protocol = "plain",
    .run = run_in_parts,
    .expect = expect,
};

static struct gc_sample_request checks_for(const char *collector, uint32_t threads)
{
    memset(&account, 0, sizeof(account));
    account.kept = account.modelled = 10;
    account.parts = UINT32_MAX;
    return (struct gc_sample_request){
        .collector = gc_collector_find(collector),
        .protocol = gc_protocol_find("plain"),
        .workload = &accountable,
        .threads = threads,
        .checks = 7,
    };
}

static void what_is_live_is_checked_on_the_way(void)
{
    static struct gc_sample result;
    struct gc_error error;
    for (uint32_t threads = 1; threads <= 4; threads++) {
        struct gc_sample_request request = checks_for("generational", threads);
        CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
        CU_ASSERT_EQUAL(result.outcome, GC_OUTCOME_OK);
        CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&account.sum),
                (uint64_t)ITEMS * (ITEMS - 1) / 2); /* in whatever parts */
        CU_ASSERT_EQUAL(result.check_count, 7);
        for (uint32_t i = 0; i < result.check_count; i++) {
            const struct gc_check *check = &result.checks[i];
            CU_ASSERT_EQUAL(check->live.objects, 10 * threads);
            CU_ASSERT_EQUAL(check->expected.objects, 10 * threads);
            CU_ASSERT_EQUAL(check->live.bytes, check->expected.bytes);
            CU_ASSERT_TRUE(check->rss_bytes > 0);
            CU_ASSERT_TRUE(i == 0 || check->at_ns >= check[-1].at_ns);
        }
        request.checks = 0;
        CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
        CU_ASSERT_EQUAL(result.check_count, 0);
    }
}

static void a_model_that_differs_makes_the_result_wrong(void)
{
    static struct gc_sample result;
    struct gc_error error;
    struct gc_sample_request request = checks_for("refcount", 2);
    account.kept = 11;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(result.outcome, GC_OUTCOME_WRONG_RESULT);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.message, "at check 1 of 7 22 objects"));
    CU_ASSERT_PTR_NOT_NULL(strstr(result.message, "where 20 "));
    request = checks_for("refcount", 2);
    account.parts = 3; /* it leaves before the third check */
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    CU_ASSERT_EQUAL(result.outcome, GC_OUTCOME_WRONG_RESULT);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.message, "checked 2 times, not 7"));
}

static void what_can_not_be_checked_is_refused(void)
{
    static struct gc_sample result;
    struct gc_error error;
    struct gc_workload cyclic = accountable;
    cyclic.drops_cycles = true;
    struct gc_sample_request request = checks_for("refcount", 1);
    request.workload = &cyclic;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "keeps cyclic garbage"));
    request.collector = gc_collector_find("generational");
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), 0);
    request = checks_for("generational", 1);
    struct gc_workload naive = accountable;
    naive.expect = NULL;
    request.workload = &naive;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "has no model"));
    request.workload = &accountable;
    request.checks = GC_CHECKS_MOST + 1;
    CU_ASSERT_EQUAL(sample_run(&request, &result, &error), -EINVAL);
    CU_ASSERT_EQUAL(
            gc_trial_check_possible(gc_collector_find("none"), &accountable, &error),
            -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "reclaims nothing"));
}

static void a_model_knows_the_cells_of_its_objects(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node;
        struct leaf *leaf;
        struct gc_array *small, *large;
    } at;
    struct gc_heap_stats stats;
    struct gc_live live = { 0, 0 };
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new(f.m, &at.node, &node_type));
    CU_ASSERT_TRUE(gc_new(f.m, &at.leaf, &leaf_type));
    CU_ASSERT_TRUE(gc_new_array(f.m, &at.small, &array_type, 100, 3));
    CU_ASSERT_TRUE(gc_new_array(f.m, &at.large, &array_type, 5000, 1));
    gc_live_add(&live, f.m, &node_type, 0, 0, 1);
    gc_live_add(&live, f.m, &leaf_type, 0, 0, 1);
    gc_live_add(&live, f.m, &array_type, 100, 3, 1);
    gc_live_add(&live, f.m, &array_type, 5000, 1, 1);
    gc_heap_read_stats(f.heap, &stats);
    CU_ASSERT_EQUAL(live.objects, stats.live_objects);
    CU_ASSERT_EQUAL(live.bytes, stats.live_bytes);
    gc_leave(f.m, at);
    fixture_close(&f);
}

int test_trial_suite(void)
{
    static const struct test tests[] = {
        { "what_is_live_is_checked_on_the_way", what_is_live_is_checked_on_the_way },
        { "a_model_that_differs_makes_the_result_wrong",
                a_model_that_differs_makes_the_result_wrong },
        { "what_can_not_be_checked_is_refused", what_can_not_be_checked_is_refused },
        { "a_model_knows_the_cells_of_its_objects",
                a_model_knows_the_cells_of_its_objects },
    };
    return suite_add("core/trial", tests, COUNT(tests));
}
