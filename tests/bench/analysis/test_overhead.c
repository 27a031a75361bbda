/* SPDX-License-Identifier: MIT */
/* test_overhead.c - the lower bound of the vector, what is missing, and what k folds tell. */
#include "bench/analysis/overhead.h"

#include <gsl/gsl_randist.h>

#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

enum {
    MS,
    RC,
    ORACLE,
};

static const struct gc_bootstrap usual = { 2000, .95, 1 };

/* One benchmark, two collectors, heaps 2 and 6: totals 12, 10.5, 11.6, 11.5, of which are
 * stopped 3, 1.2, .2, .1. What is left: 9, 9.3, 11.4, 11.4; the least is 9. */
static const double totals[] = { 12, 10.5, 11.6, 11.5 }, stops[] = { 3, 1.2, .2, .1 };
static const struct gc_overhead_point vector[] = {
    { 0, MS, 2, true, 1, &totals[0], &stops[0] },
    { 0, MS, 6, true, 1, &totals[1], &stops[1] },
    { 0, RC, 2, true, 1, &totals[2], &stops[2] },
    { 0, RC, 6, true, 1, &totals[3], &stops[3] },
};

static void the_vector_has_a_base_of_nine(void)
{
    static const double expected[] = { 1.3333, 1.1667, 1.2889, 1.2778 };
    double overheads[4], one;
    CU_ASSERT(gc_overhead_find(vector, 4, overheads));
    for (size_t i = 0; i < 4; i++) {
        CHECK_NEAR(overheads[i], expected[i], 5e-5);
        CHECK_NEAR(overheads[i], totals[i] / 9, 1e-12);
    }
    CU_ASSERT(gc_overhead_mean(vector, 4, RC, 6, &one));
    CHECK_NEAR(one, 11.5 / 9, 1e-12);
}

/* Were only counting schemes measured, they would hide their counting in the base: 11.5 / 11.4.
 * An oracle of 8 shows it. */
static void a_further_base_shows_what_counting_hides(void)
{
    static const double oracle = 8;
    struct gc_overhead_point points[] = { vector[2], vector[3],
        { 0, ORACLE, 6, false, 1, &oracle, NULL } };
    double overheads[3];
    CU_ASSERT(gc_overhead_find(points, 3, overheads));
    CHECK_NEAR(overheads[1], 11.5 / 11.4, 1e-12);
    CHECK_NEAR(overheads[2], 8 / 11.4, 1e-12);
    points[2].is_base = true;
    CU_ASSERT(gc_overhead_find(points, 3, overheads));
    CHECK_NEAR(overheads[1], 11.5 / 8, 1e-12);
    CHECK_NEAR(overheads[2], 1, 1e-12);
    /* over the oracle alone, though another one were cheaper without its stops */
    struct gc_overhead_point all[] = { vector[0], vector[1], points[2] };
    static const double slow_oracle = 10;
    all[0].is_base = all[1].is_base = false;
    all[2].total = &slow_oracle;
    CU_ASSERT(gc_overhead_find(all, 3, overheads));
    CHECK_NEAR(overheads[0], 1.2, 1e-12);
}

/* Two benchmarks: the second ran out of memory under MS in the small heap. */
static void what_is_missing_is_dropped_and_leaves_a_hole_in_the_mean(void)
{
    static const double other[] = { 20, 16 };
    const struct gc_overhead_point points[] = { vector[0], vector[1], vector[2],
        vector[3], { 1, MS, 2, true, 0, NULL, NULL },
        { 1, MS, 6, true, 1, &other[0], NULL }, { 1, RC, 2, true, 1, &other[1], NULL },
        { 1, RC, 6, true, 1, &other[1], NULL } };
    double overheads[8], mean = 77;
    CU_ASSERT(gc_overhead_find(points, 8, overheads));
    CU_ASSERT(isnan(overheads[4]));
    CHECK_NEAR(overheads[0], 12.0 / 9, 1e-12); /* the other benchmark is not touched */
    CHECK_NEAR(overheads[5], 1.25, 1e-12);
    CU_ASSERT_FALSE(gc_overhead_mean(points, 8, MS, 2, &mean));
    CU_ASSERT_EQUAL(mean, 77);
    CU_ASSERT(gc_overhead_mean(points, 8, MS, 6, &mean));
    CHECK_NEAR(mean, sqrt(10.5 / 9 * 1.25), 1e-12);
    CU_ASSERT_FALSE(gc_overhead_mean(points, 8, ORACLE, 6, &mean));
    CU_ASSERT_FALSE(gc_overhead_mean(points, 8, RC, 3, &mean));
    /* and without a line that says so it is just as missing */
    CU_ASSERT_FALSE(gc_overhead_mean(points + 5, 3, MS, 2, &mean));
}

static void a_benchmark_that_is_there_twice_or_has_no_base_has_no_mean(void)
{
    struct gc_overhead_point points[] = { vector[0], vector[0], vector[3] };
    double overheads[3], mean;
    CU_ASSERT_FALSE(gc_overhead_mean(points, 3, MS, 2, &mean));
    for (size_t i = 0; i < 3; i++)
        points[i].is_base = false;
    CU_ASSERT(gc_overhead_find(points, 3, overheads));
    CU_ASSERT(isnan(overheads[0]));
    CU_ASSERT_FALSE(gc_overhead_mean(points, 3, RC, 6, &mean));
    struct gc_estimate estimates[3];
    static const double pair[] = { 1, 1 };
    for (size_t i = 0; i < 3; i++) {
        points[i].invocations = 2;
        points[i].total = pair;
        points[i].stopped = NULL;
    }
    CU_ASSERT(gc_overhead_bootstrap(points, 3, &usual, estimates));
    CU_ASSERT(isnan(estimates[0].value) && isnan(estimates[0].interval.low));
}

static void what_can_not_be_a_time_is_refused(void)
{
    static const double bad[] = { 0, -1, NAN, INFINITY }, ten = 10, minus = -1,
                        eleven = 11;
    struct gc_overhead_point point = { 0, MS, 2, true, 1, NULL, NULL };
    double overhead = 77;
    for (size_t i = 0; i < COUNT(bad); i++) {
        point.total = &bad[i];
        CU_ASSERT_FALSE(gc_overhead_find(&point, 1, &overhead));
    }
    point.total = &ten;
    point.stopped = &minus;
    CU_ASSERT_FALSE(gc_overhead_find(&point, 1, &overhead));
    point.stopped = &eleven; /* more than all */
    CU_ASSERT_FALSE(gc_overhead_find(&point, 1, &overhead));
    point.stopped = &ten; /* all of it: nothing is left for a base */
    CU_ASSERT_FALSE(gc_overhead_find(&point, 1, &overhead));
    point.stopped = NULL;
    point.benchmark = 1; /* of one point */
    CU_ASSERT_FALSE(gc_overhead_find(&point, 1, &overhead));
    CU_ASSERT_FALSE(gc_overhead_find(&point, 0, &overhead));
    CU_ASSERT_EQUAL(overhead, 77);
    point.benchmark = 0;
    CU_ASSERT(gc_overhead_find(&point, 1, &overhead));
    CU_ASSERT_EQUAL(overhead, 1);
    static const double half = .5;
    point.total = &half;
    CU_ASSERT(gc_overhead_find(&point, 1, &overhead));
}

static void intervals_are_repeatable_and_want_two_invocations(void)
{
    static const double x[] = { 12, 13, 11, 12 }, y[] = { 10, 9, 11, 10 };
    static const double sx[] = { 3, 4, 2, 3 };
    struct gc_overhead_point points[] = { { 0, MS, 2, true, 4, x, sx },
        { 0, RC, 2, true, 4, y, NULL } };
    struct gc_estimate a[2], b[2], mean;
    CU_ASSERT(gc_overhead_bootstrap(points, 2, &usual, a));
    CU_ASSERT(gc_overhead_bootstrap(points, 2, &usual, b));
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT(a[i].interval.low == b[i].interval.low);
        CU_ASSERT(a[i].interval.high == b[i].interval.high);
    }
    /* a total is drawn with its own stops: 12 - 3, 13 - 4, 11 - 2 are all 9. So the base is 9, or
     * less where RC happens to be: at least 1 for RC, and 12 / 9 for MS */
    CHECK_NEAR(a[0].value, 12.0 / 9, 1e-12);
    CHECK_NEAR(a[1].interval.low, 1, .03);
    CU_ASSERT(a[0].interval.low < a[0].value && a[0].value < a[0].interval.high);
    /* of one benchmark the mean is that benchmark's */
    CU_ASSERT(gc_overhead_bootstrap_mean(points, 2, MS, 2, &usual, &mean));
    CHECK_NEAR(mean.value, a[0].value, 1e-12);
    CHECK_NEAR(mean.interval.low, a[0].interval.low, 1e-12);
    CHECK_NEAR(mean.interval.high, a[0].interval.high, 1e-12);
    points[1].invocations = 1;
    CU_ASSERT_FALSE(gc_overhead_bootstrap(points, 2, &usual, a));
    CU_ASSERT_FALSE(gc_overhead_bootstrap_mean(points, 2, MS, 2, &usual, &mean));
    points[1].invocations = 0;
    CU_ASSERT(gc_overhead_bootstrap(points, 2, &usual, a));
    CU_ASSERT(isnan(a[1].value));
    CU_ASSERT_FALSE(gc_overhead_bootstrap_mean(points, 2, RC, 2, &usual, &mean));
    const struct gc_bootstrap wrong = { 1, .95, 1 };
    CU_ASSERT_FALSE(gc_overhead_bootstrap(points, 2, &wrong, a));
}

/* The collector measured is exact, its base is not. Were the base held still, the interval would
 * have no width. */
static void the_base_is_as_uncertain_as_the_rest(void)
{
    static const double exact[] = { 20, 20, 20, 20 }, noisy[] = { 9, 11, 10, 10 };
    const struct gc_overhead_point points[] = { { 0, RC, 2, false, 4, exact, NULL },
        { 0, ORACLE, 2, true, 4, noisy, NULL } };
    struct gc_estimate estimates[2];
    CU_ASSERT(gc_overhead_bootstrap(points, 2, &usual, estimates));
    CHECK_NEAR(estimates[0].value, 2, 1e-12);
    /* the mean of four has a deviation of sqrt(.5 / 4) = .35: 20 / 10.7 and 20 / 9.3 */
    CHECK_NEAR(estimates[0].interval.low, 1.87, .06);
    CHECK_NEAR(estimates[0].interval.high, 2.15, .07);
    CU_ASSERT(estimates[1].interval.low == 1 && estimates[1].interval.high == 1);
}

/* Of 200 experiments on two benchmarks the true mean, sqrt(2 x 1.5), lies in most intervals. */
static void intervals_of_the_mean_cover_the_truth(void)
{
    enum {
        INVOCATIONS = 12,
    };
    static const double means[] = { 20, 10, 15, 10 };
    const struct gc_bootstrap quick = { 300, .95, 5 };
    double values[4][INVOCATIONS];
    struct gc_overhead_point points[4];
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    unsigned covered = 0;
    for (int trial = 0; trial < 200; trial++) {
        for (size_t i = 0; i < 4; i++) {
            points[i] = (struct gc_overhead_point){ i / 2, i % 2 == 0 ? RC : ORACLE, 2,
                i % 2 == 1, INVOCATIONS, values[i], NULL };
            for (size_t k = 0; k < INVOCATIONS; k++)
                values[i][k] = means[i] + gsl_ran_gaussian(random, 1);
        }
        struct gc_estimate mean = { 0, { 0, 0 } };
        CU_ASSERT(gc_overhead_bootstrap_mean(points, 4, RC, 2, &quick, &mean));
        covered += mean.interval.low <= sqrt(3) && mean.interval.high >= sqrt(3);
    }
    gsl_rng_free(random);
    CU_ASSERT(covered >= 176); /* 88 % */
    CU_ASSERT(covered < 200);
}

/* T = 7 + 3 k, with +1, -2, +1 at each of three k: sums of residuals and of k times these
 * are 0, so the line stays. 18 / 7 is the residuals' variance, sum (k - 2)^2 = 6; t of 7 is
 * 2.364624, and 2.364624 x sqrt(18 / 7 / 6) = 1.548010. */
static void a_fit_over_k_finds_the_cost_of_one(void)
{
    static const double k[] = { 1, 1, 1, 2, 2, 2, 3, 3, 3 };
    static const double times[] = { 11, 8, 11, 14, 11, 14, 17, 14, 17 };
    struct gc_overhead_fold fold;
    CU_ASSERT(gc_overhead_fit(k, times, 9, .95, &fold));
    CHECK_NEAR(fold.rest, 7, 1e-12);
    CHECK_NEAR(fold.cost.value, 3, 1e-12);
    CHECK_NEAR(fold.cost.interval.high, 4.548010, 5e-6);
    CHECK_NEAR(fold.cost.interval.low, 1.451990, 5e-6);
}

static void a_fit_wants_two_places_and_three_points(void)
{
    static const double k[] = { 1, 2, 3 }, same[] = { 2, 2, 2 }, exact[] = { 5, 8, 11 };
    static const double bad[] = { 5, NAN, 11 };
    struct gc_overhead_fold fold = { 77, { 0, { 0, 0 } } };
    CU_ASSERT_FALSE(gc_overhead_fit(k, exact, 2, .95, &fold));
    CU_ASSERT_FALSE(gc_overhead_fit(same, exact, 3, .95, &fold));
    CU_ASSERT_FALSE(gc_overhead_fit(k, bad, 3, .95, &fold));
    CU_ASSERT_FALSE(gc_overhead_fit(bad, exact, 3, .95, &fold));
    CU_ASSERT_FALSE(gc_overhead_fit(k, exact, 3, 1, &fold));
    CU_ASSERT_EQUAL(fold.rest, 77);
    CU_ASSERT(gc_overhead_fit(k, exact, 3, .95, &fold));
    CHECK_NEAR(fold.rest, 2, 1e-12);
    CHECK_NEAR(fold.cost.interval.low, 3, 1e-9);
    CHECK_NEAR(fold.cost.interval.high, 3, 1e-9);
    static const double back_again[] = { 1, 2, 1 }, twice[] = { 5, 8, 5 };
    CU_ASSERT(gc_overhead_fit(back_again, twice, 3, .95, &fold));
    CHECK_NEAR(fold.rest, 2, 1e-12);
}

int test_overhead_suite(void)
{
    static const struct test tests[] = {
        { "the_vector_has_a_base_of_nine", the_vector_has_a_base_of_nine },
        { "a_further_base_shows_what_counting_hides",
                a_further_base_shows_what_counting_hides },
        { "what_is_missing_is_dropped_and_leaves_a_hole_in_the_mean",
                what_is_missing_is_dropped_and_leaves_a_hole_in_the_mean },
        { "a_benchmark_that_is_there_twice_or_has_no_base_has_no_mean",
                a_benchmark_that_is_there_twice_or_has_no_base_has_no_mean },
        { "what_can_not_be_a_time_is_refused", what_can_not_be_a_time_is_refused },
        { "intervals_are_repeatable_and_want_two_invocations",
                intervals_are_repeatable_and_want_two_invocations },
        { "the_base_is_as_uncertain_as_the_rest", the_base_is_as_uncertain_as_the_rest },
        { "intervals_of_the_mean_cover_the_truth",
                intervals_of_the_mean_cover_the_truth },
        { "a_fit_over_k_finds_the_cost_of_one", a_fit_over_k_finds_the_cost_of_one },
        { "a_fit_wants_two_places_and_three_points",
                a_fit_wants_two_places_and_three_points },
    };
    return suite_add("bench/analysis/overhead", tests, COUNT(tests));
}
