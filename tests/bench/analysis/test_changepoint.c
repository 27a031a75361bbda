/* SPDX-License-Identifier: MIT */
/* test_changepoint.c - PELT against all ways to cut a series. */
#include "bench/analysis/changepoint.h"

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_statistics_double.h>

#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

enum {
    LONGEST = 400,
};

static struct gc_segment segments[LONGEST];
static size_t count;

/* The least n (ln 2 pi + ln v + s^2 / v) over all v >= least, in two passes. */
static double cost_of(const double *values, size_t begin, size_t end, double least)
{
    size_t n = end - begin;
    double variance =
            gsl_stats_variance(values + begin, 1, n) * (double)(n - 1) / (double)n;
    double taken = fmax(variance, least);
    return (double)n * (log(2 * M_PI) + log(taken) + variance / taken);
}

/* The least cost of all ways to cut, by trying every last cut of every beginning. */
static double least_cost(const double *values, size_t n, double penalty, double least)
{
    static double best[LONGEST + 1];
    best[0] = -penalty;
    best[1] = INFINITY;
    for (size_t t = 2; t <= n; t++) {
        best[t] = INFINITY;
        for (size_t s = 0; s + 2 <= t; s++)
            best[t] = fmin(best[t], best[s] + cost_of(values, s, t, least) + penalty);
    }
    return best[n];
}

static double found_cost(const double *values, double penalty, double least)
{
    double sum = -penalty;
    for (size_t i = 0; i < count; i++)
        sum += cost_of(values, segments[i].begin, segments[i].end, least) + penalty;
    return sum;
}

static bool is_a_partition(size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (segments[i].begin != at || segments[i].end < at + GC_CHANGEPOINT_LEAST)
            return false;
        at = segments[i].end;
    }
    return at == n && count <= n / 2;
}

/* Steps of any size and any noise, with stretches that repeat one value: penalties from
 * none, where nearly everything is cut, to what is usual. */
static void nothing_is_cheaper_than_what_is_found(void)
{
    static const double penalties[] = { 0, 1, 5, 15, 60 };
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    double values[90];
    size_t wrong = 0, cuts = 0;
    for (int trial = 0; trial < 200; trial++) {
        size_t n = 2 + gsl_rng_uniform_int(random, 89);
        double mean = 10, noise = 1;
        for (size_t i = 0; i < n; i++) {
            if (gsl_rng_uniform(random) < .1) {
                mean = 10 + gsl_ran_gaussian(random, 3);
                noise = gsl_rng_uniform(random) < .3 ? 0 : gsl_rng_uniform(random);
            }
            values[i] = mean + gsl_ran_gaussian(random, 1) * noise;
        }
        double penalty = penalties[trial % 5], resolution = trial % 2 ? .01 : .3;
        wrong += !gc_changepoint_find(values, n, penalty, resolution, segments, &count);
        wrong += !is_a_partition(n);
        double least = least_cost(values, n, penalty, resolution * resolution);
        wrong += !is_near(found_cost(values, penalty, resolution * resolution), least,
                1e-6 * (1 + fabs(least)));
        cuts += count - 1;
    }
    gsl_rng_free(random);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(cuts > 500);
}

static void a_step_is_cut_where_it_is(void)
{
    double values[LONGEST];
    for (size_t i = 0; i < LONGEST; i++)
        values[i] = (i < 137 ? 2 : 1) + .01 * (double)(i % 3);
    CU_ASSERT(gc_changepoint_find(
            values, LONGEST, 15 * log(LONGEST), 1e-6, segments, &count));
    CU_ASSERT_EQUAL(count, 2);
    CU_ASSERT_EQUAL(segments[0].end, 137);
    CHECK_NEAR(segments[0].mean, 2.01, .001);
    /* 0, .01, .02: a third of .0002 */
    CHECK_NEAR(segments[0].variance, .0002 / 3, 1e-6);
    CHECK_NEAR(segments[1].mean, 1.01, .001);
}

static void noise_that_grows_is_a_change_as_well(void)
{
    double values[LONGEST];
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    for (size_t i = 0; i < LONGEST; i++)
        values[i] = 100 + gsl_ran_gaussian(random, i < 200 ? 1 : 10);
    gsl_rng_free(random);
    CU_ASSERT(gc_changepoint_find(
            values, LONGEST, 15 * log(LONGEST), 1e-6, segments, &count));
    CU_ASSERT_EQUAL(count, 2);
    CU_ASSERT(segments[0].end >= 190 && segments[0].end <= 210);
}

static void what_does_not_change_is_one_segment(void)
{
    double noise[LONGEST], same[LONGEST];
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    for (size_t i = 0; i < LONGEST; i++) {
        noise[i] =
                1e6 + gsl_ran_gaussian(random, 1); /* its squares cancel to 12 digits */
        same[i] = .1;
    }
    gsl_rng_free(random);
    CU_ASSERT(gc_changepoint_find(
            noise, LONGEST, 15 * log(LONGEST), 1e-3, segments, &count));
    CU_ASSERT_EQUAL(count, 1);
    CHECK_NEAR(segments[0].mean, 1e6, .2);
    CHECK_NEAR(segments[0].variance, 1, .2);
    CU_ASSERT(gc_changepoint_find(
            same, LONGEST, 15 * log(LONGEST), 1e-6, segments, &count));
    CU_ASSERT_EQUAL(count, 1);
    CHECK_NEAR(segments[0].variance, 0, 1e-30);
}

static void the_shortest_series_is_of_two(void)
{
    static const double values[] = { 1, 5, INFINITY };
    size_t n = 77;
    CU_ASSERT_FALSE(gc_changepoint_find(values, 0, 1, 1, segments, &n));
    CU_ASSERT_FALSE(gc_changepoint_find(values, 1, 1, 1, segments, &n));
    CU_ASSERT_FALSE(gc_changepoint_find(values, 3, 1, 1, segments, &n));
    CU_ASSERT_FALSE(gc_changepoint_find(values, 2, -1, 1, segments, &n));
    CU_ASSERT_FALSE(gc_changepoint_find(values, 2, NAN, 1, segments, &n));
    CU_ASSERT_FALSE(gc_changepoint_find(values, 2, 1, 0, segments, &n));
    CU_ASSERT_FALSE(gc_changepoint_find(values, 2, 1, 1e-200, segments, &n));
    CU_ASSERT_EQUAL(n, 77);
    CU_ASSERT(gc_changepoint_find(values, 2, 1, 1, segments, &n));
    CU_ASSERT_EQUAL(n, 1);
    CHECK_NEAR(segments[0].mean, 3, 1e-12);
    CHECK_NEAR(segments[0].variance, 4, 1e-12);
}

int test_changepoint_suite(void)
{
    static const struct test tests[] = {
        { "nothing_is_cheaper_than_what_is_found",
                nothing_is_cheaper_than_what_is_found },
        { "a_step_is_cut_where_it_is", a_step_is_cut_where_it_is },
        { "noise_that_grows_is_a_change_as_well", noise_that_grows_is_a_change_as_well },
        { "what_does_not_change_is_one_segment", what_does_not_change_is_one_segment },
        { "the_shortest_series_is_of_two", the_shortest_series_is_of_two },
    };
    return suite_add("bench/analysis/changepoint", tests, COUNT(tests));
}
