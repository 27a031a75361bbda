/* SPDX-License-Identifier: MIT */
/* test_statistics.c - against published results, and where there is none. */
#include "bench/analysis/statistics.h"

#include <float.h>
#include <string.h>

#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

/* Student's sleep data (Biometrika 6, 1908): hours gained with two drugs. What R 4 says of
 * it under ?t.test is in every textbook. */
static const double sleep_1[] = { .7, -1.6, -.2, -1.2, -.1, 3.4, 3.7, .8, 0, 2 };
static const double sleep_2[] = { 1.9, .8, 1.1, .1, -.1, 4.4, 5.5, 1.6, 4.6, 3.4 };
static const double sleep_gain[] = { 1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, .8, 4.6, 1.4 };

static void mean_and_variance_are_those_of_a_textbook(void)
{
    static const double values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
    double mean, variance;
    CU_ASSERT(gc_statistics_mean(values, 8, &mean));
    CHECK_NEAR(mean, 5, 1e-12);
    /* squares of the distances: 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32, over 7 */
    CU_ASSERT(gc_statistics_variance(values, 8, &variance));
    CHECK_NEAR(variance, 32.0 / 7, 1e-12);
}

static void quantiles_of_t_are_those_of_the_tables(void)
{
    double t;
    CU_ASSERT(gc_statistics_t(.95, 1, &t));
    CHECK_NEAR(t, 12.7062, 5e-5);
    CU_ASSERT(gc_statistics_t(.95, 2, &t));
    CHECK_NEAR(t, 4.30265, 5e-6);
    CU_ASSERT(gc_statistics_t(.99, 9, &t));
    CHECK_NEAR(t, 3.24984, 5e-6);
    CU_ASSERT(gc_statistics_t(.95, 1e6, &t));
    CHECK_NEAR(t, 1.95996, 1e-5); /* the normal distribution's */
    CU_ASSERT_FALSE(gc_statistics_t(1, 5, &t));
    CU_ASSERT_FALSE(gc_statistics_t(0, 5, &t));
    CU_ASSERT_FALSE(gc_statistics_t(NAN, 5, &t));
    CU_ASSERT_FALSE(gc_statistics_t(.95, 0, &t));
    CU_ASSERT_FALSE(gc_statistics_t(.95, INFINITY, &t));
}

static void interval_of_students_sleep_data_is_the_published_one(void)
{
    struct gc_estimate mean;
    CU_ASSERT(gc_statistics_mean_interval(sleep_gain, 10, .95, &mean));
    CHECK_NEAR(mean.value, 1.58, 1e-12);
    CHECK_NEAR(mean.interval.low, .7001142, 5e-8);
    CHECK_NEAR(mean.interval.high, 2.4598858, 5e-8);
}

static void welch_of_students_sleep_data_is_the_published_one(void)
{
    struct gc_welch welch;
    CU_ASSERT(gc_statistics_welch(sleep_1, 10, sleep_2, 10, .95, &welch));
    CHECK_NEAR(welch.degrees, 17.776, 5e-4);
    CHECK_NEAR(welch.difference.value, .75 - 2.33, 1e-12);
    CHECK_NEAR(welch.difference.interval.low, -3.3654832, 5e-8);
    CHECK_NEAR(welch.difference.interval.high, .2054832, 5e-8);
}

static void welch_takes_samples_of_different_sizes(void)
{
    /* Variances 1 and 4 / 3, of 3 and 4: v/n = 1/3 each. Degrees: (2/3)^2 over (1/3)^2/2 +
     * (1/3)^2/3 = 4.8 */
    static const double a[] = { 1, 2, 3 }, b[] = { 4, 6, 4, 6 };
    struct gc_welch welch;
    double t;
    CU_ASSERT(gc_statistics_welch(a, 3, b, 4, .95, &welch));
    CHECK_NEAR(welch.degrees, 4.8, 1e-12);
    CU_ASSERT(gc_statistics_t(.95, 4.8, &t));
    CHECK_NEAR(welch.difference.interval.high, -3 + t * sqrt(2.0 / 3), 1e-12);
}

static void nothing_is_said_of_too_few_values_or_of_none_that_are_numbers(void)
{
    static const double one[] = { 3 }, bad[] = { 1, NAN, 3 }, huge[] = { 1, INFINITY };
    double value = 77;
    struct gc_estimate estimate;
    struct gc_welch welch;
    CU_ASSERT_FALSE(gc_statistics_mean(one, 0, &value));
    CU_ASSERT_FALSE(gc_statistics_mean(bad, 3, &value));
    CU_ASSERT_FALSE(gc_statistics_mean(huge, 2, &value));
    CU_ASSERT_FALSE(gc_statistics_variance(one, 1, &value));
    CU_ASSERT_FALSE(gc_statistics_variance(bad, 3, &value));
    CU_ASSERT_FALSE(gc_statistics_geometric_mean(one, 0, &value));
    CU_ASSERT_FALSE(gc_statistics_mean_interval(one, 1, .95, &estimate));
    CU_ASSERT_FALSE(gc_statistics_mean_interval(sleep_1, 10, 1, &estimate));
    CU_ASSERT_FALSE(gc_statistics_welch(one, 1, sleep_1, 10, .95, &welch));
    CU_ASSERT_FALSE(gc_statistics_welch(sleep_1, 10, one, 1, .95, &welch));
    CU_ASSERT_EQUAL(value, 77);
    CU_ASSERT(gc_statistics_mean(one, 1, &value));
    CU_ASSERT_EQUAL(value, 3);
}

static void without_variance_an_interval_has_no_width(void)
{
    static const double same[] = { 5, 5, 5 }, other[] = { 7, 7 };
    struct gc_estimate mean;
    struct gc_welch welch;
    CU_ASSERT(gc_statistics_mean_interval(same, 3, .95, &mean));
    CU_ASSERT(mean.interval.low == 5 && mean.interval.high == 5);
    CU_ASSERT(gc_statistics_welch(same, 3, other, 2, .95, &welch));
    CU_ASSERT(
            welch.difference.interval.low == -2 && welch.difference.interval.high == -2);
    CHECK_NEAR(welch.degrees, 3, 0);
}

static void geometric_mean_neither_overflows_nor_takes_zero(void)
{
    static const double powers[] = { 1, 2, 4, 8, 16 }, huge[] = { 1e300, 1e300, 1e306 };
    static const double tiny[] = { 4e-310, 1e-310 }, zero[] = { 1, 0 };
    double mean;
    CU_ASSERT(gc_statistics_geometric_mean(powers, 5, &mean));
    CHECK_NEAR(mean, 4, 1e-12);
    CU_ASSERT(gc_statistics_geometric_mean(huge, 3, &mean));
    CHECK_NEAR(mean / 1e302, 1, 1e-10);
    CU_ASSERT(gc_statistics_geometric_mean(tiny, 2, &mean));
    CHECK_NEAR(mean / 2e-310, 1, 1e-10);
    CU_ASSERT_FALSE(gc_statistics_geometric_mean(zero, 2, &mean));
}

/* a = 100, s^2 = 2.5; b = 110.2, s^2 = 3.7; t = 2.776445 with 4 degrees of freedom:
 * h_a^2 = 3.854323, h_b^2 = 5.704399; Fieller's roots of those are 1.07019 and 1.13466. */
static void fieller_gives_the_interval_of_the_vector(void)
{
    static const double a[] = { 100, 102, 98, 101, 99 },
                        b[] = { 110, 113, 108, 111, 109 };
    struct gc_estimate of_a, of_b, ratio;
    CU_ASSERT(gc_statistics_mean_interval(a, 5, .95, &of_a));
    CU_ASSERT(gc_statistics_mean_interval(b, 5, .95, &of_b));
    CU_ASSERT(gc_statistics_ratio(&of_b, &of_a, &ratio));
    CHECK_NEAR(ratio.value, 1.102, 1e-12);
    CHECK_NEAR(ratio.interval.low, 1.07019, 5e-6);
    CHECK_NEAR(ratio.interval.high, 1.13466, 5e-6);
}

static void fieller_of_an_exact_denominator_only_scales(void)
{
    static const struct gc_estimate ten = { 10, { 8, 12 } }, two = { 2, { 2, 2 } };
    static const struct gc_estimate minus = { -2, { -2, -2 } };
    struct gc_estimate ratio;
    CU_ASSERT(gc_statistics_ratio(&ten, &two, &ratio));
    CU_ASSERT(ratio.value == 5 && ratio.interval.low == 4 && ratio.interval.high == 6);
    static const struct gc_estimate small = { 2, { 1, 3 } },
                                    exact_ten = { 10, { 10, 10 } };
    CU_ASSERT(gc_statistics_ratio(&small, &exact_ten, &ratio));
    CHECK_NEAR(ratio.interval.low, .1, 1e-12);
    CHECK_NEAR(ratio.interval.high, .3, 1e-12);
    CU_ASSERT(gc_statistics_ratio(&ten, &minus, &ratio));
    CU_ASSERT(ratio.value == -5 && ratio.interval.low == -6 && ratio.interval.high == -4);
}

static void fieller_refuses_a_denominator_that_may_be_zero(void)
{
    static const struct gc_estimate one = { 1, { .5, 1.5 } }, near_zero = { 1, { 0, 2 } };
    static const struct gc_estimate zero = { 0, { 0, 0 } };
    struct gc_estimate ratio = { 77, { 0, 0 } };
    CU_ASSERT_FALSE(gc_statistics_ratio(&one, &near_zero, &ratio));
    CU_ASSERT_FALSE(gc_statistics_ratio(&one, &zero, &ratio));
    CU_ASSERT_EQUAL(ratio.value, 77);
    /* as a numerator it is as good as any */
    CU_ASSERT(gc_statistics_ratio(&near_zero, &one, &ratio));
    CU_ASSERT(gc_statistics_ratio(&zero, &one, &ratio));
    CU_ASSERT(ratio.value == 0 && ratio.interval.low == 0 && ratio.interval.high == 0);
}

/* The squares in the formula would be 0, or infinite. */
static void fieller_is_the_same_at_every_scale(void)
{
    static const double scales[] = { 1e-307, 1e-200, 1, 1e200, 1e300 };
    struct gc_estimate first = { 0, { 0, 0 } };
    for (size_t i = 0; i < COUNT(scales); i++) {
        double s = scales[i];
        struct gc_estimate a = { 100 * s, { 98 * s, 102 * s } }, ratio;
        struct gc_estimate b = { 110 * s, { 107 * s, 113 * s } };
        CU_ASSERT(gc_statistics_ratio(&b, &a, &ratio));
        if (i == 0) first = ratio;
        CHECK_NEAR(ratio.interval.low, first.interval.low, 1e-9);
        CHECK_NEAR(ratio.interval.high, first.interval.high, 1e-9);
    }
    CU_ASSERT(first.interval.low < 1.1 && first.interval.high > 1.1);
    /* a ratio that no double holds is none */
    static const struct gc_estimate huge = { 1e300, { 1e300, 1e300 } };
    static const struct gc_estimate tiny = { 4e-310, { 4e-310, 4e-310 } };
    CU_ASSERT_FALSE(gc_statistics_ratio(&huge, &tiny, &first));
    /* nor is one that only its interval leaves */
    static const struct gc_estimate wide = { 1e308, { .3e308, 1.7e308 } };
    static const struct gc_estimate below_one = { .9, { .9, .9 } };
    CU_ASSERT_FALSE(gc_statistics_ratio(&wide, &below_one, &first));
    CU_ASSERT(gc_statistics_ratio(&tiny, &tiny, &first));
    CU_ASSERT(first.value == 1 && is_near(first.interval.low, 1, 1e-12));
}

static void percentiles_are_dacapos_and_too_few_values_are_refused(void)
{
    double values[1000], value = 77;
    for (size_t i = 0; i < 1000; i++)
        values[i] = (double)i + 1;
    /* n - 1 - floor(n (1 - p)): 1000 - 1 - 10 = 989, the 990th */
    CU_ASSERT(gc_statistics_percentile(values, 1000, .99, &value));
    CU_ASSERT_EQUAL(value, 990);
    CU_ASSERT(gc_statistics_percentile(values, 1000, .5, &value));
    CU_ASSERT_EQUAL(value, 500);
    CU_ASSERT(gc_statistics_percentile(values, 1000, 1, &value));
    CU_ASSERT_EQUAL(value, 1000);
    value = 77;
    CU_ASSERT_FALSE(gc_statistics_percentile(values, 999, .99, &value));
    CU_ASSERT_FALSE(gc_statistics_percentile(values, 1000, .999, &value));
    CU_ASSERT_FALSE(gc_statistics_percentile(values, 19, .5, &value));
    CU_ASSERT_FALSE(gc_statistics_percentile(values, 1000, 0, &value));
    CU_ASSERT_FALSE(gc_statistics_percentile(values, 1000, 1.01, &value));
    CU_ASSERT_FALSE(gc_statistics_percentile(values, 1000, NAN, &value));
    CU_ASSERT_FALSE(gc_statistics_percentile(values, 0, 1, &value));
    CU_ASSERT_EQUAL(value, 77);
    CU_ASSERT(gc_statistics_percentile(values, 20, .5, &value));
    CU_ASSERT_EQUAL(value, 10);
}

/* Where n (1 - p) is a whole number in mathematics, rounding must not make it one less. */
static void ranks_do_not_depend_on_rounding(void)
{
    static const struct {
        double p;
        size_t of_beyond; /* one in so many lies beyond */
    } cases[] = { { .9, 10 }, { .99, 100 }, { .999, 1000 }, { .9999, 10000 } };
    size_t wrong = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t beyond = 10; beyond < 2000; beyond++) {
            size_t n = beyond * cases[i].of_beyond, index = 0;
            wrong += !gc_statistics_rank(n, cases[i].p, &index);
            wrong += index != n - 1 - beyond;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void nothing_is_claimed_where_intervals_overlap(void)
{
    struct gc_interval low = { 1, 2 }, high = { 2.5, 3 }, across = { 1.5, 2.6 };
    struct gc_interval touching = { 2, 3 }, unknown = { NAN, NAN };
    CU_ASSERT_EQUAL(gc_verdict_of_times(low, high), GC_VERDICT_FASTER);
    CU_ASSERT_EQUAL(gc_verdict_of_times(high, low), GC_VERDICT_SLOWER);
    CU_ASSERT_EQUAL(gc_verdict_of_times(low, across), GC_VERDICT_NO_CLAIM);
    CU_ASSERT_EQUAL(gc_verdict_of_times(across, high), GC_VERDICT_NO_CLAIM);
    CU_ASSERT_EQUAL(gc_verdict_of_times(low, touching), GC_VERDICT_NO_CLAIM);
    CU_ASSERT_EQUAL(gc_verdict_of_times(touching, low), GC_VERDICT_NO_CLAIM);
    CU_ASSERT_EQUAL(gc_verdict_of_times(low, unknown), GC_VERDICT_NO_CLAIM);
    CU_ASSERT_EQUAL(gc_verdict_of_times(unknown, low), GC_VERDICT_NO_CLAIM);
    CU_ASSERT_EQUAL(
            gc_verdict_of_ratio((struct gc_interval){ .8, .9 }), GC_VERDICT_FASTER);
    CU_ASSERT_EQUAL(
            gc_verdict_of_ratio((struct gc_interval){ 1.1, 1.2 }), GC_VERDICT_SLOWER);
    CU_ASSERT_EQUAL(
            gc_verdict_of_ratio((struct gc_interval){ .9, 1 }), GC_VERDICT_NO_CLAIM);
    CU_ASSERT_EQUAL(gc_verdict_of_ratio(unknown), GC_VERDICT_NO_CLAIM);
    CU_ASSERT_STRING_EQUAL(gc_verdict_word(GC_VERDICT_NO_CLAIM), "no claim");
    CU_ASSERT_STRING_EQUAL(gc_verdict_word(GC_VERDICT_FASTER), "faster");
    CU_ASSERT_STRING_EQUAL(gc_verdict_word(GC_VERDICT_SLOWER), "slower");
}

int test_statistics_suite(void)
{
    static const struct test tests[] = {
        { "mean_and_variance_are_those_of_a_textbook",
                mean_and_variance_are_those_of_a_textbook },
        { "quantiles_of_t_are_those_of_the_tables",
                quantiles_of_t_are_those_of_the_tables },
        { "interval_of_students_sleep_data_is_the_published_one",
                interval_of_students_sleep_data_is_the_published_one },
        { "welch_of_students_sleep_data_is_the_published_one",
                welch_of_students_sleep_data_is_the_published_one },
        { "welch_takes_samples_of_different_sizes",
                welch_takes_samples_of_different_sizes },
        { "nothing_is_said_of_too_few_values_or_of_none_that_are_numbers",
                nothing_is_said_of_too_few_values_or_of_none_that_are_numbers },
        { "without_variance_an_interval_has_no_width",
                without_variance_an_interval_has_no_width },
        { "geometric_mean_neither_overflows_nor_takes_zero",
                geometric_mean_neither_overflows_nor_takes_zero },
        { "fieller_gives_the_interval_of_the_vector",
                fieller_gives_the_interval_of_the_vector },
        { "fieller_of_an_exact_denominator_only_scales",
                fieller_of_an_exact_denominator_only_scales },
        { "fieller_refuses_a_denominator_that_may_be_zero",
                fieller_refuses_a_denominator_that_may_be_zero },
        { "fieller_is_the_same_at_every_scale", fieller_is_the_same_at_every_scale },
        { "percentiles_are_dacapos_and_too_few_values_are_refused",
                percentiles_are_dacapos_and_too_few_values_are_refused },
        { "ranks_do_not_depend_on_rounding", ranks_do_not_depend_on_rounding },
        { "nothing_is_claimed_where_intervals_overlap",
                nothing_is_claimed_where_intervals_overlap },
    };
    return suite_add("bench/analysis/statistics", tests, COUNT(tests));
}
