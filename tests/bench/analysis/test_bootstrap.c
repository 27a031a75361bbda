/* SPDX-License-Identifier: MIT */
/* test_bootstrap.c - intervals that are repeatable, cover, and notice what a pool hides. */
#include "bench/analysis/bootstrap.h"

#include <gsl/gsl_randist.h>

#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

static const double a_times[] = { 100, 102, 98, 101, 99 };
static const double b_times[] = { 110, 113, 108, 111, 109 };
static const size_t five[] = { 5 };
static const struct gc_hierarchy a = { a_times, five, 1 }, b = { b_times, five, 1 };
static const struct gc_bootstrap usual = { GC_BOOTSTRAP_RESAMPLES, .95, 1 };

static bool is_same(const struct gc_estimate *x, const struct gc_estimate *y)
{
    return x->value == y->value && x->interval.low == y->interval.low &&
           x->interval.high == y->interval.high;
}

static void the_same_seed_gives_the_same_interval(void)
{
    struct gc_bootstrap other = usual;
    struct gc_estimate first, again, different;
    CU_ASSERT(gc_bootstrap_ratio(&b, &a, &usual, &first));
    CU_ASSERT(gc_bootstrap_ratio(&b, &a, &usual, &again));
    CU_ASSERT(is_same(&first, &again));
    other.seed = 2;
    CU_ASSERT(gc_bootstrap_ratio(&b, &a, &other, &different));
    CU_ASSERT_FALSE(is_same(&first, &different));
    CHECK_NEAR(first.interval.low, different.interval.low, .002);
    CHECK_NEAR(first.interval.high, different.interval.high, .002);
}

/* Of the mean of n values, all resamples together have the variance (n - 1) / n s^2 / n. Here
 * s^2 = 3.7 and 2.5: relative .77 % and .71 % with that, 1.04 % together; x 1.96 x 1.102. */
static void an_interval_of_a_ratio_is_as_wide_as_theory_says(void)
{
    struct gc_estimate ratio;
    CU_ASSERT(gc_bootstrap_ratio(&b, &a, &usual, &ratio));
    CHECK_NEAR(ratio.value, 1.102, 1e-12);
    double of_a = sqrt(.8 * 2.5 / 5) / 100, of_b = sqrt(.8 * 3.7 / 5) / 110.2;
    double half = 1.96 * 1.102 * sqrt(of_a * of_a + of_b * of_b);
    CHECK_NEAR(ratio.interval.low, 1.102 - half, .1 * half);
    CHECK_NEAR(ratio.interval.high, 1.102 + half, .1 * half);
}

static void more_confidence_is_wider(void)
{
    struct gc_bootstrap sure = usual;
    struct gc_estimate narrow, wide;
    sure.confidence = .99;
    CU_ASSERT(gc_bootstrap_ratio(&b, &a, &usual, &narrow));
    CU_ASSERT(gc_bootstrap_ratio(&b, &a, &sure, &wide));
    CU_ASSERT(wide.interval.low < narrow.interval.low);
    CU_ASSERT(wide.interval.high > narrow.interval.high);
}

/* Iterations that never vary, in processes that do: all of the variance is between processes,
 * which each draw moves as a whole. The interval is that of the four processes alone. */
static void processes_are_drawn_before_their_iterations(void)
{
    static const double iterations[] = { 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4 };
    static const double means[] = { 1, 2, 3, 4 };
    static const size_t three_in_four[] = { 3, 4 }, four[] = { 4 }, twelve[] = { 12 };
    const struct gc_hierarchy deep = { iterations, three_in_four, 2 };
    const struct gc_hierarchy high = { means, four, 1 }, pool = { iterations, twelve, 1 };
    struct gc_estimate of_deep, of_high, of_pool;
    CU_ASSERT(gc_bootstrap_mean(&deep, &usual, &of_deep));
    CU_ASSERT(gc_bootstrap_mean(&high, &usual, &of_high));
    CU_ASSERT(gc_bootstrap_mean(&pool, &usual, &of_pool));
    CHECK_NEAR(of_deep.interval.low, of_high.interval.low, .26);
    CHECK_NEAR(of_deep.interval.high, of_high.interval.high, .26);
    double deep_width = of_deep.interval.high - of_deep.interval.low;
    double pool_width = of_pool.interval.high - of_pool.interval.low;
    CU_ASSERT(deep_width > 1.4 * pool_width); /* sqrt(3) times, were they normal */
}

/* Of 300 experiments, each with 10 processes of 5 iterations. Processes vary by 1, iterations by
 * a half. The true mean has to lie in most of the intervals; a pool of all iterations is sure
 * of itself, and wrong in a third. */
static void intervals_cover_the_truth_and_those_of_a_pool_do_not(void)
{
    static const size_t five_in_ten[] = { 5, 10 }, fifty[] = { 50 };
    double values[50];
    const struct gc_hierarchy deep = { values, five_in_ten, 2 },
                              pool = { values, fifty, 1 };
    const struct gc_bootstrap quick = { 400, .95, 3 };
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    unsigned covered = 0, covered_by_pool = 0;
    for (int trial = 0; trial < 300; trial++) {
        for (size_t process = 0; process < 10; process++) {
            double of_process = gsl_ran_gaussian(random, 1);
            for (size_t i = 0; i < 5; i++)
                values[process * 5 + i] = 10 + of_process + gsl_ran_gaussian(random, .5);
        }
        struct gc_estimate mean = { 0, { 0, 0 } };
        CU_ASSERT(gc_bootstrap_mean(&deep, &quick, &mean));
        covered += mean.interval.low <= 10 && mean.interval.high >= 10;
        CU_ASSERT(gc_bootstrap_mean(&pool, &quick, &mean));
        covered_by_pool += mean.interval.low <= 10 && mean.interval.high >= 10;
    }
    gsl_rng_free(random);
    CU_ASSERT(covered >= 264); /* 88 %: of ten processes it is a little too narrow */
    CU_ASSERT(covered_by_pool <= 225); /* 75 % */
}

static void a_geometric_mean_of_exact_ratios_is_exact(void)
{
    static const double ones[] = { 1, 1 }, twos[] = { 2, 2 }, eights[] = { 8, 8 };
    static const size_t two[] = { 2 };
    const struct gc_hierarchy over[] = { { twos, two, 1 }, { eights, two, 1 } };
    const struct gc_hierarchy under[] = { { ones, two, 1 }, { ones, two, 1 } };
    struct gc_estimate mean;
    CU_ASSERT(gc_bootstrap_geometric_mean(over, under, 2, &usual, &mean));
    CHECK_NEAR(mean.value, 4, 1e-12);
    CHECK_NEAR(mean.interval.low, 4, 1e-12);
    CHECK_NEAR(mean.interval.high, 4, 1e-12);
    CU_ASSERT(gc_bootstrap_geometric_mean(under, over, 2, &usual, &mean));
    CHECK_NEAR(mean.value, .25, 1e-12);
}

/* Four times the same benchmark: a mean over four independent ones is half as uncertain. */
static void more_benchmarks_make_a_geometric_mean_surer(void)
{
    const struct gc_hierarchy over[] = { b, b, b, b }, under[] = { a, a, a, a };
    struct gc_estimate one, four;
    CU_ASSERT(gc_bootstrap_geometric_mean(over, under, 1, &usual, &one));
    CU_ASSERT(gc_bootstrap_geometric_mean(over, under, 4, &usual, &four));
    CHECK_NEAR(four.value, one.value, 1e-12);
    double ratio = (four.interval.high - four.interval.low) /
                   (one.interval.high - one.interval.low);
    CHECK_NEAR(ratio, .5, .05);
}

static void ratios_do_not_depend_on_the_unit(void)
{
    double tiny_a[5], tiny_b[5];
    for (size_t i = 0; i < 5; i++) {
        tiny_a[i] = a_times[i] * 1e-309;
        tiny_b[i] = b_times[i] * 1e-309;
    }
    const struct gc_hierarchy over = { tiny_b, five, 1 }, under = { tiny_a, five, 1 };
    struct gc_estimate usual_one, tiny;
    CU_ASSERT(gc_bootstrap_ratio(&b, &a, &usual, &usual_one));
    CU_ASSERT(gc_bootstrap_ratio(&over, &under, &usual, &tiny));
    CHECK_NEAR(tiny.interval.low, usual_one.interval.low, 1e-9);
    CHECK_NEAR(tiny.interval.high, usual_one.interval.high, 1e-9);
}

static void what_has_no_interval_is_refused(void)
{
    static const double zero[] = { 0, 1 }, bad[] = { 1, NAN },
                        huge[] = { 1e308, 1.5e308 };
    static const size_t two[] = { 2 }, one[] = { 1 }, two_in_one[] = { 2, 1 };
    const struct gc_hierarchy refused[] = { { zero, two, 1 }, { bad, two, 1 },
        { huge, two, 1 }, { a_times, one, 1 }, { a_times, two_in_one, 2 },
        { a_times, two, 0 } };
    const struct gc_bootstrap wrong[] = { { 1, .95, 1 }, { 100, 0, 1 }, { 100, 1, 1 },
        { 100, NAN, 1 } };
    struct gc_estimate ratio = { 77, { 0, 0 } };
    for (size_t i = 0; i < COUNT(refused); i++) {
        CU_ASSERT_FALSE(gc_bootstrap_ratio(&refused[i], &a, &usual, &ratio));
        CU_ASSERT_FALSE(gc_bootstrap_ratio(&a, &refused[i], &usual, &ratio));
        if (i > 0) CU_ASSERT_FALSE(gc_bootstrap_mean(&refused[i], &usual, &ratio));
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CU_ASSERT_FALSE(gc_bootstrap_ratio(&a, &b, &wrong[i], &ratio));
        CU_ASSERT_FALSE(gc_bootstrap_mean(&a, &wrong[i], &ratio));
    }
    CU_ASSERT_FALSE(gc_bootstrap_geometric_mean(&a, &b, 0, &usual, &ratio));
    CU_ASSERT_EQUAL(ratio.value, 77);
    const struct gc_bootstrap least = { 2, .95, 1 };
    CU_ASSERT(gc_bootstrap_mean(&a, &least, &ratio));
    /* one iteration in each of several processes is fine */
    static const size_t one_in_two[] = { 1, 2 };
    const struct gc_hierarchy processes = { a_times, one_in_two, 2 };
    CU_ASSERT(gc_bootstrap_mean(&processes, &usual, &ratio));
}

int test_bootstrap_suite(void)
{
    static const struct test tests[] = {
        { "the_same_seed_gives_the_same_interval",
                the_same_seed_gives_the_same_interval },
        { "an_interval_of_a_ratio_is_as_wide_as_theory_says",
                an_interval_of_a_ratio_is_as_wide_as_theory_says },
        { "more_confidence_is_wider", more_confidence_is_wider },
        { "processes_are_drawn_before_their_iterations",
                processes_are_drawn_before_their_iterations },
        { "intervals_cover_the_truth_and_those_of_a_pool_do_not",
                intervals_cover_the_truth_and_those_of_a_pool_do_not },
        { "a_geometric_mean_of_exact_ratios_is_exact",
                a_geometric_mean_of_exact_ratios_is_exact },
        { "more_benchmarks_make_a_geometric_mean_surer",
                more_benchmarks_make_a_geometric_mean_surer },
        { "ratios_do_not_depend_on_the_unit", ratios_do_not_depend_on_the_unit },
        { "what_has_no_interval_is_refused", what_has_no_interval_is_refused },
    };
    return suite_add("bench/analysis/bootstrap", tests, COUNT(tests));
}
