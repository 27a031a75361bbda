/* SPDX-License-Identifier: MIT */
/* test_warmup.c - processes of every class, made with a known shape. */
#include "bench/analysis/warmup.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

enum {
    N = 2000,
};

static double times[N];

/* `levels` of the same length after each other, with 1 % of noise. */
static void make(const double *levels, size_t n, unsigned long seed)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(random, seed);
    for (size_t i = 0; i < N; i++)
        times[i] = levels[i * n / N] * (1 + gsl_ran_gaussian(random, .01));
    gsl_rng_free(random);
}

#define MAKE(seed, ...)                                                                  \
    make((const double[]){ __VA_ARGS__ }, COUNT(((const double[]){ __VA_ARGS__ })), seed)

static struct gc_warmup_result classified(void)
{
    struct gc_warmup_result result = { GC_WARMUP_INCONSISTENT, 0, 0, 0, 0 };
    CU_ASSERT(gc_warmup_classify(times, N, &gc_warmup_defaults, &result));
    return result;
}

/* {100, 50, 12, 10.1, 10, 9.9}: CoV of three in a row: .82, .86, .11, .01. */
static void georges_begins_where_variation_falls_below_the_threshold(void)
{
    static const double falling[] = { 100, 50, 12, 10.1, 10, 9.9 }, zero[] = { 0, 0, 0 };
    static const double same[] = { 3, 3, 3 }, bad[] = { -1, 3, 3 };
    size_t first = 77;
    CU_ASSERT(gc_warmup_steady(falling, 6, 3, .02, &first));
    CU_ASSERT_EQUAL(first, 3);
    CU_ASSERT(gc_warmup_steady(falling, 6, 3, .12, &first));
    CU_ASSERT_EQUAL(first, 2);
    CU_ASSERT(gc_warmup_steady(same, 3, 3, .01, &first));
    CU_ASSERT_EQUAL(first, 0);
    first = 77;
    CU_ASSERT_FALSE(gc_warmup_steady(falling, 6, 3, .009, &first));
    CU_ASSERT_FALSE(gc_warmup_steady(falling, 6, 7, .5, &first));
    CU_ASSERT_FALSE(gc_warmup_steady(falling, 6, 1, .5, &first));
    CU_ASSERT_FALSE(gc_warmup_steady(falling, 0, 2, .5, &first));
    CU_ASSERT_FALSE(gc_warmup_steady(zero, 3, 2, .5, &first)); /* it has no CoV */
    CU_ASSERT_FALSE(gc_warmup_steady(bad, 3, 2, .5, &first));
    CU_ASSERT_EQUAL(first, 77);
}

/* Windows of 10 of the numbers 0..9 over and over: median 4.5, P90 - P10 = 8.1 - .9, so that
 * outliers are those beyond 4.5 +- 21.6. */
static void outliers_lie_beyond_three_times_the_spread(void)
{
    double values[40];
    bool is_outlier[40];
    for (size_t i = 0; i < 40; i++)
        values[i] = (double)(i % 10);
    CU_ASSERT(gc_warmup_outliers(values, 40, 10, is_outlier));
    for (size_t i = 0; i < 40; i++)
        CU_ASSERT_FALSE(is_outlier[i]);
    /* One 9 becomes x, and P90 that of 0..8 and x, 8 + .1 (x - 8): x - 4.5 is more than
     * 3 (7.2 + .1 x - .9) from 33.4 on. */
    for (unsigned x = 33; x <= 34; x++) {
        values[29] = x;
        CU_ASSERT(gc_warmup_outliers(values, 40, 10, is_outlier));
        for (size_t i = 0; i < 40; i++)
            CU_ASSERT_EQUAL(is_outlier[i], i == 29 && x == 34);
    }
    values[29] = 9;
    values[3] = 60; /* slow at the start: the window before it is not full */
    CU_ASSERT(gc_warmup_outliers(values, 40, 10, is_outlier));
    CU_ASSERT_FALSE(is_outlier[3]);
    CU_ASSERT_FALSE(gc_warmup_outliers(values, 40, 1, is_outlier));
    CU_ASSERT_FALSE(gc_warmup_outliers(values, 4, 10, is_outlier));
    values[0] = -1;
    CU_ASSERT_FALSE(gc_warmup_outliers(values, 40, 10, is_outlier));
}

static void a_process_that_only_has_noise_is_flat(void)
{
    for (unsigned long seed = 1; seed <= 10; seed++) {
        MAKE(seed, .001);
        struct gc_warmup_result result = classified();
        CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_FLAT);
        CU_ASSERT_EQUAL(result.steady, 0);
        CHECK_NEAR(result.steady_mean, .001, 2e-6);
    }
}

static void spikes_change_nothing(void)
{
    MAKE(1, .001);
    for (size_t i = 150; i < N; i += 97)
        times[i] *= 20;
    struct gc_warmup_result result = classified();
    CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_FLAT);
    CU_ASSERT_EQUAL(result.outliers, 20);
    CHECK_NEAR(result.steady_mean, .001, 2e-6);
}

static void slow_at_first_is_warmup(void)
{
    MAKE(1, .003, .001, .001, .001, .001);
    struct gc_warmup_result result = classified();
    CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_WARMUP);
    CU_ASSERT(result.steady >= 399 && result.steady <= 401);
    CHECK_NEAR(result.steady_mean, .001, 2e-6);
    /* in two steps, the second smaller than the first */
    MAKE(2, .003, .0012, .001, .001, .001);
    result = classified();
    CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_WARMUP);
    CU_ASSERT(result.steady >= 798 && result.steady <= 802);
}

static void fast_at_any_time_before_is_a_slowdown(void)
{
    MAKE(1, .001, .001, .0011, .0011, .0011);
    CU_ASSERT_EQUAL(classified().warmup, GC_WARMUP_SLOWDOWN);
    /* it warms up, and then leaks */
    MAKE(2, .003, .001, .0012, .0012, .0012);
    CU_ASSERT_EQUAL(classified().warmup, GC_WARMUP_SLOWDOWN);
    /* what is slower still before that makes no warmup of it */
    MAKE(3, .001, .003, .0012, .0012, .0012);
    struct gc_warmup_result result = classified();
    CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_SLOWDOWN);
    CU_ASSERT(result.steady >= 798 && result.steady <= 802);
}

static void a_change_within_the_last_500_is_no_steady_state(void)
{
    MAKE(1, .001, .001, .001, .001, .0011);
    struct gc_warmup_result result = classified();
    CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_NO_STEADY_STATE);
    CU_ASSERT_EQUAL(result.steady, N);
    CU_ASSERT_EQUAL(result.steady_mean, 0);
    MAKE(2, .0011, .0011, .0011, .0011, .001); /* to the better as well */
    CU_ASSERT_EQUAL(classified().warmup, GC_WARMUP_NO_STEADY_STATE);
    MAKE(3, .0011, .0011, .0011, .001, .001, .001); /* at 1000 */
    CU_ASSERT_EQUAL(classified().warmup, GC_WARMUP_WARMUP);
}

/* Noise of .1 %, so that 1.005 is seen for certain, and is nevertheless the same. */
static void a_change_of_less_than_a_percent_is_none(void)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    for (size_t i = 0; i < N; i++)
        times[i] = (i < 600 ? 1.005 : 1) * .001 * (1 + gsl_ran_gaussian(random, .001));
    struct gc_warmup_result result = classified();
    CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_FLAT);
    CU_ASSERT_EQUAL(result.segments, 2);
    for (size_t i = 0; i < 600; i++)
        times[i] *= 1.01;
    CU_ASSERT_EQUAL(classified().warmup, GC_WARMUP_WARMUP);
    gsl_rng_free(random);
}

/* Two that differ by .8 %, which is more than 1 % of another one that is twice as fast. */
static void what_is_the_same_depends_on_the_fastest(void)
{
    static const double levels[] = { .001, .0005, .001008, .001, .001 };
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    for (size_t i = 0; i < N; i++)
        times[i] = levels[i / 400] * (1 + gsl_ran_gaussian(random, .0005));
    struct gc_warmup_result result = classified();
    CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_SLOWDOWN);
    CU_ASSERT_EQUAL(result.steady, 1200);
    for (size_t i = 400; i < 800; i++)
        times[i] *= 2.5;
    result = classified();
    CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_WARMUP);
    CU_ASSERT_EQUAL(result.steady, 800);
    gsl_rng_free(random);
}

/* What the rule adds to a mean is a variance, which is of another unit: the same process is
 * warming up when told in seconds, and flat in microseconds. */
static void the_rule_holds_for_seconds_only(void)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    for (size_t i = 0; i < N; i++)
        times[i] = (i < 600 ? 1.1 : 1) * .001 * (1 + gsl_ran_gaussian(random, .02));
    gsl_rng_free(random);
    CU_ASSERT_EQUAL(classified().warmup, GC_WARMUP_WARMUP);
    for (size_t i = 0; i < N; i++)
        times[i] *= 1e6; /* the variance of 20 us is 400, of a mean of 1000 */
    CU_ASSERT_EQUAL(classified().warmup, GC_WARMUP_FLAT);
}

static void what_repeats_itself_exactly_is_flat(void)
{
    for (size_t i = 0; i < N; i++)
        times[i] = 1000;
    CU_ASSERT_EQUAL(classified().warmup, GC_WARMUP_FLAT);
    for (size_t i = 0; i < N; i++)
        times[i] = 0;
    CU_ASSERT_EQUAL(classified().warmup, GC_WARMUP_FLAT);
    for (size_t i = 0; i < N; i++)
        times[i] = i < 700 ? 3 : 2;
    struct gc_warmup_result result = classified();
    CU_ASSERT_EQUAL(result.warmup, GC_WARMUP_WARMUP);
    CU_ASSERT_EQUAL(result.steady, 700);
}

static void what_is_too_short_or_no_time_is_refused(void)
{
    struct gc_warmup_settings settings = gc_warmup_defaults;
    struct gc_warmup_result result;
    MAKE(1, .001);
    CU_ASSERT_FALSE(gc_warmup_classify(times, 500, &settings, &result));
    CU_ASSERT_FALSE(gc_warmup_classify(times, 0, &settings, &result));
    settings.steady = 1;
    settings.window = 4;
    CU_ASSERT_FALSE(gc_warmup_classify(times, 3, &settings, &result));
    CU_ASSERT(gc_warmup_classify(times, 4, &settings, &result));
    settings.tolerance = settings.penalty = 0;
    CU_ASSERT(gc_warmup_classify(times, 4, &settings, &result));
    settings.window = 1;
    CU_ASSERT_FALSE(gc_warmup_classify(times, N, &settings, &result));
    settings = gc_warmup_defaults;
    settings.tolerance = NAN;
    CU_ASSERT_FALSE(gc_warmup_classify(times, N, &settings, &result));
    times[7] = NAN;
    CU_ASSERT_FALSE(gc_warmup_classify(times, N, &gc_warmup_defaults, &result));
}

static void processes_that_differ_are_inconsistent(void)
{
    static const enum gc_warmup same[] = { GC_WARMUP_WARMUP, GC_WARMUP_WARMUP };
    static const enum gc_warmup mixed[] = { GC_WARMUP_FLAT, GC_WARMUP_FLAT,
        GC_WARMUP_SLOWDOWN };
    CU_ASSERT_EQUAL(gc_warmup_of_all(same, 2), GC_WARMUP_WARMUP);
    CU_ASSERT_EQUAL(gc_warmup_of_all(mixed + 1, 1), GC_WARMUP_FLAT);
    CU_ASSERT_EQUAL(gc_warmup_of_all(mixed, 3), GC_WARMUP_INCONSISTENT);
    CU_ASSERT_STRING_EQUAL(gc_warmup_word(GC_WARMUP_FLAT), "flat");
    CU_ASSERT_STRING_EQUAL(gc_warmup_word(GC_WARMUP_WARMUP), "warmup");
    CU_ASSERT_STRING_EQUAL(gc_warmup_word(GC_WARMUP_SLOWDOWN), "slowdown");
    CU_ASSERT_STRING_EQUAL(gc_warmup_word(GC_WARMUP_NO_STEADY_STATE), "no steady state");
    CU_ASSERT_STRING_EQUAL(gc_warmup_word(GC_WARMUP_INCONSISTENT), "inconsistent");
}

int test_warmup_suite(void)
{
    static const struct test tests[] = {
        { "georges_begins_where_variation_falls_below_the_threshold",
                georges_begins_where_variation_falls_below_the_threshold },
        { "outliers_lie_beyond_three_times_the_spread",
                outliers_lie_beyond_three_times_the_spread },
        { "a_process_that_only_has_noise_is_flat",
                a_process_that_only_has_noise_is_flat },
        { "spikes_change_nothing", spikes_change_nothing },
        { "slow_at_first_is_warmup", slow_at_first_is_warmup },
        { "fast_at_any_time_before_is_a_slowdown",
                fast_at_any_time_before_is_a_slowdown },
        { "a_change_within_the_last_500_is_no_steady_state",
                a_change_within_the_last_500_is_no_steady_state },
        { "a_change_of_less_than_a_percent_is_none",
                a_change_of_less_than_a_percent_is_none },
        { "what_is_the_same_depends_on_the_fastest",
                what_is_the_same_depends_on_the_fastest },
        { "the_rule_holds_for_seconds_only", the_rule_holds_for_seconds_only },
        { "what_repeats_itself_exactly_is_flat", what_repeats_itself_exactly_is_flat },
        { "what_is_too_short_or_no_time_is_refused",
                what_is_too_short_or_no_time_is_refused },
        { "processes_that_differ_are_inconsistent",
                processes_that_differ_are_inconsistent },
    };
    return suite_add("bench/analysis/warmup", tests, COUNT(tests));
}
