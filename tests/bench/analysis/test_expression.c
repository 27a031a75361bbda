/* SPDX-License-Identifier: MIT */
/* test_expression.c - what a claim says of ranges, and what is said of one that says nothing. */
#include "bench/analysis/expression.h"

#include <stdio.h>
#include <string.h>

#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

static bool value_of(void *argument, const char *name, struct gc_range *ret_range,
        char *why, size_t why_bytes)
{
    static const struct {
        const char *name;
        struct gc_range range;
    } known[] = {
        { "two", { 2, 2 } },
        { "three", { 3, 3 } },
        { "a.wall_ns", { 90, 110 } },
        { "b.wall_ns", { 100, 120 } },
        { "c.wall_ns", { 200, 220 } },
        { "near_0", { -1, 1 } },
    };
    (void)argument;
    for (size_t i = 0; i < COUNT(known); i++) {
        *ret_range = known[i].range;
        if (strcmp(known[i].name, name) == 0) return true;
    }
    snprintf(why, why_bytes, "there is no %s", name);
    return false;
}

static bool ratio_of(void *argument, const char *numerator, const char *denominator,
        struct gc_range *ret_range, char *why, size_t why_bytes)
{
    struct gc_range a, b;
    if (!value_of(argument, numerator, &a, why, why_bytes) ||
            !value_of(argument, denominator, &b, why, why_bytes))
        return false;
    double middle = (a.low + a.high) / (b.low + b.high);
    *ret_range =
            (struct gc_range){ middle * .9, middle * 1.1 }; /* closer than a.. / b.. */
    return true;
}

static const struct gc_expression_values values = { value_of, ratio_of, NULL, false };

static struct gc_range sum_of(const char *text)
{
    struct gc_expression_error error = { 0, "" };
    struct gc_range range = { 12345, 12345 };
    bool is_one = gc_expression_sum(text, &values, &range, &error);
    if (!is_one) printf("# %s: %s\n", text, error.text);
    CU_ASSERT(is_one);
    return range;
}

static enum gc_truth claim_of(const char *text)
{
    struct gc_expression_error error = { 0, "" };
    enum gc_truth truth = GC_UNDECIDED;
    bool is_one = gc_expression_claim(text, &values, &truth, &error);
    if (!is_one) printf("# %s: %s\n", text, error.text);
    CU_ASSERT(is_one);
    return truth;
}

static void expect_range(const char *text, double low, double high)
{
    struct gc_range range = sum_of(text);
    CHECK_NEAR(range.low, low, 1e-12);
    CHECK_NEAR(range.high, high, 1e-12);
}

static void sums_and_products_have_their_usual_order(void)
{
    expect_range("1 + 2 * 3 - 4 / 2", 5, 5);
    expect_range("(1 + 2) * 3", 9, 9);
    expect_range("10 - 3 - 2", 5, 5);
    expect_range("12 / 3 / 2", 2, 2);
    expect_range("-two * -(three)", 6, 6);
    expect_range("1.5k + 2M + 1G + 2e2", 1002001700, 1002001700);
    expect_range("min(two, 7) + max(two, 7) + abs(-three)", 12, 12);
}

static void ranges_hold_all_that_could_come_out(void)
{
    expect_range("a.wall_ns + b.wall_ns", 190, 230);
    expect_range("a.wall_ns - b.wall_ns", -30, 10);
    expect_range("a.wall_ns * near_0", -110, 110);
    expect_range("-a.wall_ns", -110, -90);
    expect_range("c.wall_ns / a.wall_ns", 200. / 110, 220. / 90);
    expect_range("abs(near_0)", 0, 1);
    expect_range("abs(-a.wall_ns)", 90, 110);
    expect_range("max(a.wall_ns, b.wall_ns)", 100, 120);
    expect_range("min(a.wall_ns, b.wall_ns)", 90, 110);
    expect_range("ratio(c.wall_ns, a.wall_ns)", 2.1 * .9, 2.1 * 1.1);
}

static void a_claim_is_decided_where_all_values_agree(void)
{
    CU_ASSERT_EQUAL(claim_of("a.wall_ns < c.wall_ns"), GC_TRUE);
    CU_ASSERT_EQUAL(claim_of("c.wall_ns <= a.wall_ns"), GC_FALSE);
    CU_ASSERT_EQUAL(claim_of("a.wall_ns < b.wall_ns"), GC_UNDECIDED);
    CU_ASSERT_EQUAL(claim_of("a.wall_ns == b.wall_ns"), GC_UNDECIDED);
    CU_ASSERT_EQUAL(claim_of("a.wall_ns == a.wall_ns"), GC_UNDECIDED);
    CU_ASSERT_EQUAL(claim_of("a.wall_ns != c.wall_ns"), GC_TRUE);
    CU_ASSERT_EQUAL(claim_of("two == 2"), GC_TRUE);
    CU_ASSERT_EQUAL(claim_of("two != 2"), GC_FALSE);
    CU_ASSERT_EQUAL(claim_of("two == three"), GC_FALSE);
}

static void a_bound_is_in_at_most_and_not_in_less(void)
{
    CU_ASSERT_EQUAL(claim_of("two <= 2"), GC_TRUE);
    CU_ASSERT_EQUAL(claim_of("two >= 2"), GC_TRUE);
    CU_ASSERT_EQUAL(claim_of("two < 2"), GC_FALSE);
    CU_ASSERT_EQUAL(claim_of("two > 2"), GC_FALSE);
    CU_ASSERT_EQUAL(claim_of("a.wall_ns <= 110"), GC_TRUE);
    CU_ASSERT_EQUAL(claim_of("a.wall_ns < 110"), GC_UNDECIDED);
    CU_ASSERT_EQUAL(claim_of("a.wall_ns < 90"), GC_FALSE);
    CU_ASSERT_EQUAL(claim_of("a.wall_ns <= 90"), GC_UNDECIDED);
}

static void of_several_the_weakest_counts(void)
{
    CU_ASSERT_EQUAL(claim_of("1 < 2 and 2 < 3"), GC_TRUE);
    CU_ASSERT_EQUAL(claim_of("1 < 2 and a.wall_ns < b.wall_ns and 2 < 3"), GC_UNDECIDED);
    CU_ASSERT_EQUAL(claim_of("a.wall_ns < b.wall_ns and 3 < 2"), GC_FALSE);
}

static void expect_error(const char *text, size_t at, const char *words)
{
    struct gc_expression_error error = { 1000, "" };
    enum gc_truth truth = GC_UNDECIDED;
    CU_ASSERT_FALSE(gc_expression_claim(text, &values, &truth, &error));
    bool fits = error.at == at && strstr(error.text, words) != NULL;
    if (!fits) printf("# %s: at %zu: %s\n", text, error.at, error.text);
    CU_ASSERT(fits);
    CU_ASSERT_EQUAL(truth, GC_UNDECIDED);
}

static void what_is_wrong_is_said_with_its_place(void)
{
    expect_error("", 0, "a name is missing");
    expect_error("two", 3, "a comparison is missing");
    expect_error("two <", 5, "a name is missing");
    expect_error("two < four", 6, "there is no four");
    expect_error("(two < 3", 5, "')' is missing");
    expect_error("two < 3 3", 8, "this is too much");
    expect_error("two < 3 andy", 8, "this is too much");
    expect_error("root(two) < 3", 0, "no function root; there are");
    expect_error("ratio(two, 3) < 3", 11, "a name is missing");
    expect_error("ratio(two, nobody) < 3", 6, "there is no nobody");
    expect_error("3x < 3", 0, "this is no number");
    expect_error("1e999 < 3", 0, "this is no number");
    expect_error("1 < 2 / near_0", 8, "may be 0");
    expect_error("max(two) < 3", 7, "',' is missing");
}

static void a_check_divides_by_what_may_be_0(void)
{
    const struct gc_expression_values checks = { value_of, ratio_of, NULL, true };
    struct gc_expression_error error;
    enum gc_truth truth;
    CU_ASSERT(gc_expression_claim("1 / near_0 < 3 / (two - 2)", &checks, &truth, &error));
    CU_ASSERT_FALSE(gc_expression_claim("1 / near_0", &checks, &truth, &error));
}

static void nothing_is_read_too_deeply(void)
{
    char text[400];
    memset(text, '(', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct gc_expression_error error;
    struct gc_range range;
    CU_ASSERT_FALSE(gc_expression_sum(text, &values, &range, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nested too deeply"));
    memset(text, '-', sizeof(text) - 1);
    CU_ASSERT_FALSE(gc_expression_sum(text, &values, &range, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nested too deeply"));
    memset(text, 'n', sizeof(text) - 1);
    CU_ASSERT_FALSE(gc_expression_sum(text, &values, &range, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "too long"));
}

int test_expression_suite(void)
{
    static const struct test tests[] = {
        { "sums_and_products_have_their_usual_order",
                sums_and_products_have_their_usual_order },
        { "ranges_hold_all_that_could_come_out", ranges_hold_all_that_could_come_out },
        { "a_claim_is_decided_where_all_values_agree",
                a_claim_is_decided_where_all_values_agree },
        { "a_bound_is_in_at_most_and_not_in_less",
                a_bound_is_in_at_most_and_not_in_less },
        { "of_several_the_weakest_counts", of_several_the_weakest_counts },
        { "what_is_wrong_is_said_with_its_place", what_is_wrong_is_said_with_its_place },
        { "a_check_divides_by_what_may_be_0", a_check_divides_by_what_may_be_0 },
        { "nothing_is_read_too_deeply", nothing_is_read_too_deeply },
    };
    return suite_add("bench/analysis/expression", tests, COUNT(tests));
}
