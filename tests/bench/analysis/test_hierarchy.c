/* SPDX-License-Identifier: MIT */
/* test_hierarchy.c - variances of levels by hand, and plans that nothing near them beats. */
#include "bench/analysis/hierarchy.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

/* Three processes of four iterations. Means 10.05, 10.55, 9.85. Squares of the distances
 * within: .05 each, so S1^2 = .15 / 9. Between: (.1^2 + .4^2 + .3^2) / 2 = .13. */
static const double processes[] = { 10, 10.2, 9.9, 10.1, 10.6, 10.4, 10.5, 10.7, 9.8, 10,
    9.9, 9.7 };
static const size_t four_in_three[] = { 4, 3 };
static const struct gc_hierarchy vector = { processes, four_in_three, 2 };

static void two_levels_have_the_variances_of_the_vector(void)
{
    double s2[2], t2[2];
    struct gc_estimate mean;
    CU_ASSERT_EQUAL(gc_hierarchy_count(&vector), 12);
    CU_ASSERT(gc_hierarchy_variances(&vector, s2, t2));
    CHECK_NEAR(s2[0], .0166667, 5e-8);
    CHECK_NEAR(s2[1], .13, 1e-12);
    CHECK_NEAR(t2[0], .0166667, 5e-8);
    CHECK_NEAR(t2[1], .1258333, 5e-8);
    CU_ASSERT(gc_hierarchy_mean_interval(&vector, .95, &mean));
    CHECK_NEAR(mean.value, 10.15, 1e-12);
    CHECK_NEAR(mean.interval.high - mean.value, .895669, 5e-7);
    CHECK_NEAR(mean.value - mean.interval.low, .895669, 5e-7);
}

/* sqrt(60 x .0166667 / .1258333) = 2.82 */
static void the_plan_of_the_vector_has_three_iterations(void)
{
    double s2[2], t2[2];
    static const double costs[] = { 1, 60 };
    size_t repetitions[1] = { 0 };
    CU_ASSERT(gc_hierarchy_variances(&vector, s2, t2));
    CU_ASSERT(gc_hierarchy_plan(t2, costs, 2, 1000, repetitions));
    CU_ASSERT_EQUAL(repetitions[0], 3);
}

/* Pairs {1,3} {5,7} {9,11} {13,15}: S1^2 = 2. Means 2 6, 10 14: S2^2 = 8. Means 4, 12:
 * S3^2 = 32. T2^2 = 8 - 2/2, T3^2 = 32 - 8/2. */
static void three_levels_are_those_computed_by_hand(void)
{
    static const double values[] = { 1, 3, 5, 7, 9, 11, 13, 15 };
    static const size_t twos[] = { 2, 2, 2 };
    const struct gc_hierarchy cube = { values, twos, 3 };
    double s2[3], t2[3];
    struct gc_estimate mean;
    CU_ASSERT(gc_hierarchy_variances(&cube, s2, t2));
    CU_ASSERT(s2[0] == 2 && s2[1] == 8 && s2[2] == 32);
    CU_ASSERT(t2[0] == 2 && t2[1] == 7 && t2[2] == 28);
    CU_ASSERT(gc_hierarchy_mean_interval(&cube, .95, &mean));
    CHECK_NEAR(mean.value, 8, 1e-12);
    CHECK_NEAR(mean.interval.high, 8 + 12.706205 * 4, 1e-5); /* t of 1, sqrt(32 / 2) */
    /* sqrt(4 x 2/7) = 1.07; sqrt(16 x 7/28) = 2, exactly */
    static const double costs[] = { 1, 4, 64 };
    size_t repetitions[2];
    CU_ASSERT(gc_hierarchy_plan(t2, costs, 3, 100, repetitions));
    CU_ASSERT(repetitions[0] == 2 && repetitions[1] == 2);
}

static void one_level_is_the_ordinary_interval(void)
{
    static const size_t twelve[] = { 12 };
    const struct gc_hierarchy flat = { processes, twelve, 1 };
    struct gc_estimate a, b;
    double s2[1], t2[1], variance;
    CU_ASSERT(gc_hierarchy_mean_interval(&flat, .95, &a));
    CU_ASSERT(gc_statistics_mean_interval(processes, 12, .95, &b));
    CHECK_NEAR(a.interval.low, b.interval.low, 1e-12);
    CHECK_NEAR(a.interval.high, b.interval.high, 1e-12);
    CU_ASSERT(gc_hierarchy_variances(&flat, s2, t2));
    CU_ASSERT(gc_statistics_variance(processes, 12, &variance));
    CHECK_NEAR(t2[0], variance, 1e-12);
}

static void variances_of_levels_are_found_again(void)
{
    static double values[40 * 20 * 10];
    static const size_t repetitions[] = { 10, 20, 40 };
    const struct gc_hierarchy hierarchy = { values, repetitions, 3 };
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    double *next = values, s2[3], t2[3];
    for (size_t build = 0; build < 40; build++) {
        double of_build = gsl_ran_gaussian(random, 3);
        for (size_t process = 0; process < 20; process++) {
            double of_process = gsl_ran_gaussian(random, 2);
            for (size_t i = 0; i < 10; i++)
                *next++ = 100 + of_build + of_process + gsl_ran_gaussian(random, 1);
        }
    }
    gsl_rng_free(random);
    /* standard errors of the estimates: about .02, .2 and 2.1 */
    CU_ASSERT(gc_hierarchy_variances(&hierarchy, s2, t2));
    CHECK_NEAR(t2[0], 1, .07);
    CHECK_NEAR(t2[1], 4, .7);
    CHECK_NEAR(t2[2], 9, 6);
}

/* The mean's variance times what it costs, for r repetitions of the first level, `twos` levels
 * of two above, and any number of the last. */
static double badness(const double *t2, const double *costs, size_t twos, double r)
{
    double cost = costs[twos + 1], below = 1;
    for (size_t k = twos; k > 0; k--) {
        below *= 2;
        cost += (below / 2) * 2 * costs[k];
    }
    return (t2[twos + 1] + t2[0] / (below * r)) * (cost + below * costs[0] * r);
}

static void nothing_near_a_plan_is_better(void)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    size_t wrong = 0, above_one = 0;
    for (int trial = 0; trial < 3000; trial++) {
        size_t twos = (size_t)trial % 3, repetitions[3];
        double t2[4], costs[4];
        for (size_t i = 0; i < twos + 2; i++) {
            bool adds = i == 0 || i == twos + 1;
            t2[i] = adds ? exp(gsl_ran_gaussian(random, 2)) : -gsl_rng_uniform(random);
            costs[i] = exp(gsl_ran_gaussian(random, 2) + 2.0 * (double)i);
        }
        wrong += !gc_hierarchy_plan(t2, costs, twos + 2, 1000000, repetitions);
        for (size_t i = 1; i <= twos; i++)
            wrong += repetitions[i] != 2;
        /* the best real number lies in (r - 1, r], and badness is convex */
        double r = (double)repetitions[0];
        wrong += badness(t2, costs, twos, r) >
                 badness(t2, costs, twos, r + 1) * (1 + 1e-9);
        if (r > 2) {
            above_one++;
            wrong += badness(t2, costs, twos, r - 1) >
                     badness(t2, costs, twos, r - 2) * (1 + 1e-9);
        }
    }
    gsl_rng_free(random);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(above_one > 500);
}

static void a_level_that_adds_no_variance_is_repeated_twice(void)
{
    static const double costs[] = { 1, 3, 10 };
    static const double middle[] = { 4, -1, 1 }, top[] = { 4, 1, 0 },
                        none[] = { 0, 0, 0 };
    size_t repetitions[2];
    /* (10 + 2 x 3) x 4 = 64, its root over 2 */
    CU_ASSERT(gc_hierarchy_plan(middle, costs, 3, 100, repetitions));
    CU_ASSERT(repetitions[0] == 4 && repetitions[1] == 2);
    /* sqrt(3 x 4) = 3.5; processes as many as may be, for builds are all the same */
    CU_ASSERT(gc_hierarchy_plan(top, costs, 3, 100, repetitions));
    CU_ASSERT(repetitions[0] == 4 && repetitions[1] == 100);
    /* counts that never differ */
    CU_ASSERT(gc_hierarchy_plan(none, costs, 3, 100, repetitions));
    CU_ASSERT(repetitions[0] == 1 && repetitions[1] == 2);
}

static void plans_stay_within_their_bounds(void)
{
    static const double costs[] = { 1e-9, 1e9 }, noisy[] = { 1e300, 1e-300 };
    static const double quiet[] = { 1e-300, 1e300 }, bad[] = { 1, NAN },
                        free_one[] = { 0, 1 };
    size_t repetitions[8];
    CU_ASSERT(gc_hierarchy_plan(noisy, costs, 2, 50, repetitions));
    CU_ASSERT_EQUAL(repetitions[0], 50);
    CU_ASSERT(gc_hierarchy_plan(quiet, costs, 2, 50, repetitions));
    CU_ASSERT_EQUAL(repetitions[0], 1);
    CU_ASSERT_FALSE(gc_hierarchy_plan(bad, costs, 2, 50, repetitions));
    CU_ASSERT_FALSE(gc_hierarchy_plan(quiet, free_one, 2, 50, repetitions));
    CU_ASSERT_FALSE(gc_hierarchy_plan(quiet, costs, 1, 50, repetitions));
    CU_ASSERT_FALSE(gc_hierarchy_plan(quiet, costs, 2, 1, repetitions));
    CU_ASSERT_FALSE(
            gc_hierarchy_plan(quiet, costs, GC_HIERARCHY_LEVELS + 1, 9, repetitions));
}

static void what_is_not_repeated_has_no_variance_to_speak_of(void)
{
    static const size_t once[] = { 12, 1 }, ones[] = { 1, 12 }, none[] = { 4, 0 };
    static const size_t huge[] = { SIZE_MAX / 4, 8 };
    static const size_t too_many_bytes[] = { SIZE_MAX / 8, 2 };
    static const size_t nine[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    struct gc_hierarchy bad[] = { { processes, once, 2 }, { processes, ones, 2 },
        { processes, none, 2 }, { processes, huge, 2 }, { processes, nine, 9 },
        { processes, four_in_three, 0 }, { processes, too_many_bytes, 2 } };
    double s2[9], t2[9];
    struct gc_estimate mean;
    for (size_t i = 0; i < COUNT(bad); i++) {
        CU_ASSERT_FALSE(gc_hierarchy_variances(&bad[i], s2, t2));
        CU_ASSERT_FALSE(gc_hierarchy_mean_interval(&bad[i], .95, &mean));
    }
    CU_ASSERT_FALSE(gc_hierarchy_mean_interval(&vector, 1, &mean));
    for (size_t i = 2; i < COUNT(bad); i++)
        CU_ASSERT_EQUAL(gc_hierarchy_count(&bad[i]), 0);
}

static void without_variance_all_levels_have_none(void)
{
    static const double same[] = { 3, 3, 3, 3 };
    static const size_t twos[] = { 2, 2 };
    const struct gc_hierarchy hierarchy = { same, twos, 2 };
    double s2[2], t2[2];
    struct gc_estimate mean;
    CU_ASSERT(gc_hierarchy_variances(&hierarchy, s2, t2));
    CU_ASSERT(s2[0] == 0 && s2[1] == 0 && t2[0] == 0 && t2[1] == 0);
    CU_ASSERT(gc_hierarchy_mean_interval(&hierarchy, .95, &mean));
    CU_ASSERT(mean.interval.low == 3 && mean.interval.high == 3);
}

int test_hierarchy_suite(void)
{
    static const struct test tests[] = {
        { "two_levels_have_the_variances_of_the_vector",
                two_levels_have_the_variances_of_the_vector },
        { "the_plan_of_the_vector_has_three_iterations",
                the_plan_of_the_vector_has_three_iterations },
        { "three_levels_are_those_computed_by_hand",
                three_levels_are_those_computed_by_hand },
        { "one_level_is_the_ordinary_interval", one_level_is_the_ordinary_interval },
        { "variances_of_levels_are_found_again", variances_of_levels_are_found_again },
        { "nothing_near_a_plan_is_better", nothing_near_a_plan_is_better },
        { "a_level_that_adds_no_variance_is_repeated_twice",
                a_level_that_adds_no_variance_is_repeated_twice },
        { "plans_stay_within_their_bounds", plans_stay_within_their_bounds },
        { "what_is_not_repeated_has_no_variance_to_speak_of",
                what_is_not_repeated_has_no_variance_to_speak_of },
        { "without_variance_all_levels_have_none",
                without_variance_all_levels_have_none },
    };
    return suite_add("bench/analysis/hierarchy", tests, COUNT(tests));
}
