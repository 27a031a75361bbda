/* SPDX-License-Identifier: MIT */
/* test_utilisation.c - the vector, and every window of small runs by brute force. */
#include "bench/analysis/utilisation.h"

#include <gsl/gsl_rng.h>

#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

#define MS UINT64_C(1000000)

static double minimum(const struct gc_utilisation *u, uint64_t window)
{
    double value = NAN;
    CU_ASSERT(gc_utilisation_minimum(u, window, &value));
    return value;
}

static double bounded(const struct gc_utilisation *u, uint64_t window)
{
    double value = NAN;
    CU_ASSERT(gc_utilisation_bounded(u, window, &value));
    return value;
}

/* A run of 10 s, stalled in [2, 2.3], [3.2, 3.4] and [7, 7.1]. */
static void three_stalls_have_the_utilisation_of_the_vector(void)
{
    struct gc_span stalls[] = { { 2000 * MS, 2300 * MS }, { 3200 * MS, 3400 * MS },
        { 7000 * MS, 7100 * MS } };
    static const struct {
        uint64_t ms;
        double minimum;
    } rows[] = { { 300, 0 }, { 400, .25 }, { 500, .4 }, { 1000, .7 }, { 1400, .642857 },
        { 1500, .666667 }, { 2000, .75 }, { 5000, .9 }, { 10000, .94 } };
    struct gc_utilisation u;
    CU_ASSERT(gc_utilisation_init(&u, stalls, 3, (struct gc_span){ 0, 10000 * MS }));
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_NEAR(minimum(&u, rows[i].ms * MS), rows[i].minimum, 5e-7);
    CHECK_NEAR(bounded(&u, 1000 * MS), .642857, 5e-7);
    CHECK_NEAR(bounded(&u, 5000 * MS), .882353, 5e-7);
    CHECK_NEAR(gc_utilisation_share(&u), .94, 1e-12);
}

static void stalls_are_sorted_cut_and_merged(void)
{
    /* 40-50 and 45-60 overlap, 60-65 touches them, 42-44 lies within; of 0-12 and 95-200 a
     * part is in the run; 20-20 and 300-400 are nothing */
    struct gc_span stalls[] = { { 45, 60 }, { 300, 400 }, { 0, 12 }, { 40, 50 },
        { 20, 20 }, { 60, 65 }, { 95, 200 }, { 42, 44 } };
    struct gc_utilisation u;
    CU_ASSERT(gc_utilisation_init(&u, stalls, 8, (struct gc_span){ 10, 100 }));
    CU_ASSERT_EQUAL(u.n, 3);
    CU_ASSERT(u.stalls[0].begin == 10 && u.stalls[0].end == 12);
    CU_ASSERT(u.stalls[1].begin == 40 && u.stalls[1].end == 65);
    CU_ASSERT(u.stalls[2].begin == 95 && u.stalls[2].end == 100);
    CU_ASSERT_EQUAL(u.stalled, 2 + 25 + 5);
    CHECK_NEAR(gc_utilisation_share(&u), 58.0 / 90, 1e-12);
}

static void order_and_overlap_change_nothing(void)
{
    struct gc_span a[] = { { 10, 20 }, { 30, 35 }, { 60, 80 } };
    struct gc_span b[] = { { 60, 75 }, { 30, 35 }, { 62, 80 }, { 15, 20 }, { 10, 16 } };
    struct gc_utilisation u, v;
    CU_ASSERT(gc_utilisation_init(&u, a, 3, (struct gc_span){ 0, 100 }));
    CU_ASSERT(gc_utilisation_init(&v, b, 5, (struct gc_span){ 0, 100 }));
    size_t wrong = 0;
    for (uint64_t w = 1; w <= 100; w++)
        wrong += minimum(&u, w) != minimum(&v, w) || bounded(&u, w) != bounded(&v, w);
    CU_ASSERT_EQUAL(wrong, 0);
}

enum {
    LENGTH = 60, /* of a small run */
};

/* By counting each nanosecond of each window. */
static double minimum_by_hand(const bool *is_stalled, uint64_t window)
{
    uint64_t worst = 0;
    for (uint64_t from = 0; from + window <= LENGTH; from++) {
        uint64_t stalled = 0;
        for (uint64_t t = from; t < from + window; t++)
            stalled += is_stalled[t];
        if (stalled > worst) worst = stalled;
    }
    return (double)(window - worst) / (double)window;
}

static size_t random_stalls(gsl_rng *random, struct gc_span *stalls, bool *is_stalled)
{
    size_t n = gsl_rng_uniform_int(random, 8);
    for (size_t t = 0; t < LENGTH; t++)
        is_stalled[t] = false;
    for (size_t i = 0; i < n; i++) {
        uint64_t begin = gsl_rng_uniform_int(random, LENGTH + 1);
        uint64_t end = begin + gsl_rng_uniform_int(random, 9);
        for (uint64_t t = begin; t < end && t < LENGTH; t++)
            is_stalled[t] = true;
        /* the run begins at 1000: what is absolute and what relative must not be mixed up */
        stalls[i] = (struct gc_span){ 1000 + begin, 1000 + end };
    }
    return n;
}

/* Between whole numbers MMU may only be worse for windows that are none, from a begin to an
 * end; all of these are whole. So the least over whole windows is BMU. */
static void every_window_of_small_runs_is_as_counted(void)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    size_t wrong = 0, dips = 0;
    for (int trial = 0; trial < 300; trial++) {
        struct gc_span stalls[8];
        bool is_stalled[LENGTH];
        struct gc_utilisation u;
        size_t n = random_stalls(random, stalls, is_stalled);
        wrong += !gc_utilisation_init(
                &u, stalls, n, (struct gc_span){ 1000, 1000 + LENGTH });
        double least = 1;
        for (uint64_t w = LENGTH; w >= 1; w--) {
            double by_hand = minimum_by_hand(is_stalled, w);
            dips += by_hand > least;
            least = fmin(least, by_hand);
            wrong += !is_near(minimum(&u, w), by_hand, 1e-12);
            wrong += !is_near(bounded(&u, w), least, 1e-12);
        }
    }
    gsl_rng_free(random);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(dips > 100); /* MMU does fall in places */
}

/* Of 2,000 stalls, in a run of a minute. */
static void utilisation_is_a_share_and_its_bound_never_falls(void)
{
    enum {
        STALLS = 2000,
        WINDOWS = 60,
    };
    static struct gc_span stalls[STALLS];
    uint64_t windows[WINDOWS];
    struct gc_utilisation u;
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    for (size_t i = 0; i < STALLS; i++) {
        uint64_t begin = gsl_rng_uniform_int(random, 60000) * MS;
        stalls[i] =
                (struct gc_span){ begin, begin + gsl_rng_uniform_int(random, 20) * MS };
    }
    gsl_rng_free(random);
    CU_ASSERT(gc_utilisation_init(&u, stalls, STALLS, (struct gc_span){ 0, 60000 * MS }));
    CU_ASSERT(gc_utilisation_windows(MS, 60000 * MS, WINDOWS, windows));
    double before = 0;
    size_t wrong = 0;
    for (size_t i = 0; i < WINDOWS; i++) {
        double least = minimum(&u, windows[i]), bound = bounded(&u, windows[i]);
        wrong += !(least >= 0 && least <= 1) || bound > least || bound < before;
        before = bound;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CHECK_NEAR(before, gc_utilisation_share(&u), 1e-12);
}

static void without_stalls_all_is_the_mutators_and_in_one_nothing(void)
{
    struct gc_span whole[] = { { 0, 100 } };
    struct gc_utilisation u;
    CU_ASSERT(gc_utilisation_init(&u, whole, 0, (struct gc_span){ 0, 100 }));
    CU_ASSERT(minimum(&u, 1) == 1 && bounded(&u, 100) == 1);
    CU_ASSERT(gc_utilisation_init(&u, NULL, 0, (struct gc_span){ 0, 100 }));
    CU_ASSERT_EQUAL(bounded(&u, 1), 1);
    CU_ASSERT(gc_utilisation_init(&u, whole, 1, (struct gc_span){ 0, 100 }));
    CU_ASSERT(minimum(&u, 100) == 0 && bounded(&u, 1) == 0);
    CU_ASSERT_EQUAL(gc_utilisation_share(&u), 0);
}

static void the_whole_range_of_the_clock_is_allowed(void)
{
    const uint64_t half = UINT64_MAX / 2;
    struct gc_span stalls[] = { { 0, half }, { UINT64_MAX - 10, UINT64_MAX } };
    struct gc_utilisation u;
    CU_ASSERT(gc_utilisation_init(&u, stalls, 2, (struct gc_span){ 0, UINT64_MAX }));
    CHECK_NEAR(minimum(&u, UINT64_MAX), .5, 1e-12);
    CHECK_NEAR(minimum(&u, half), 0, 1e-12);
    CHECK_NEAR(minimum(&u, 20), 0, 1e-12);
    CHECK_NEAR(bounded(&u, half), 0, 1e-12);
    CHECK_NEAR(bounded(&u, half + 2), 2.0 / ((double)half + 2), 1e-12);
}

static void windows_that_do_not_fit_are_refused(void)
{
    struct gc_span stalls[] = { { 5, 6 } }, backwards[] = { { 1, 2 }, { 6, 5 } };
    struct gc_utilisation u = { .n = 77 };
    double value = 77, other = 77;
    CU_ASSERT_FALSE(gc_utilisation_init(&u, backwards, 2, (struct gc_span){ 0, 10 }));
    CU_ASSERT_FALSE(gc_utilisation_init(&u, stalls, 1, (struct gc_span){ 10, 10 }));
    CU_ASSERT_FALSE(gc_utilisation_init(&u, stalls, 1, (struct gc_span){ 10, 0 }));
    CU_ASSERT_EQUAL(u.n, 77);
    CU_ASSERT(gc_utilisation_init(&u, stalls, 1, (struct gc_span){ 0, 10 }));
    CU_ASSERT_FALSE(gc_utilisation_minimum(&u, 0, &value));
    CU_ASSERT_FALSE(gc_utilisation_minimum(&u, 11, &value));
    CU_ASSERT_FALSE(gc_utilisation_bounded(&u, 0, &value));
    CU_ASSERT_FALSE(gc_utilisation_bounded(&u, 11, &value));
    CU_ASSERT_FALSE(gc_utilisation_of_all(&u, 0, 5, &value, &other));
    CU_ASSERT_FALSE(gc_utilisation_of_all(&u, 1, 11, &value, &other));
    CU_ASSERT(value == 77 && other == 77);
}

/* One is stalled for 4 of 10, one for 1, one never: MMU(5) = .2, .8 and 1. */
static void of_several_mutators_the_worst_and_the_mean_are_told(void)
{
    struct gc_span long_one[] = { { 2, 6 } }, short_one[] = { { 9, 10 } };
    struct gc_utilisation mutators[3];
    const struct gc_span run = { 0, 10 };
    double least, mean;
    CU_ASSERT(gc_utilisation_init(&mutators[0], short_one, 1, run));
    CU_ASSERT(gc_utilisation_init(&mutators[1], long_one, 1, run));
    CU_ASSERT(gc_utilisation_init(&mutators[2], NULL, 0, run));
    CU_ASSERT(gc_utilisation_of_all(mutators, 3, 5, &least, &mean));
    CHECK_NEAR(least, .2, 1e-12);
    CHECK_NEAR(mean, 2.0 / 3, 1e-12);
}

static void windows_grow_by_the_same_factor(void)
{
    uint64_t windows[7];
    CU_ASSERT(gc_utilisation_windows(1000, 1000000000, 7, windows));
    uint64_t expected = 1000;
    for (size_t i = 0; i < 7; i++, expected *= 10)
        CU_ASSERT_EQUAL(windows[i], expected);
    CU_ASSERT(gc_utilisation_windows(1, 3, 7, windows)); /* less room than windows */
    for (size_t i = 1; i < 7; i++)
        CU_ASSERT(windows[i] >= windows[i - 1]);
    CU_ASSERT(windows[0] == 1 && windows[6] == 3);
    CU_ASSERT_FALSE(gc_utilisation_windows(0, 10, 7, windows));
    CU_ASSERT_FALSE(gc_utilisation_windows(10, 10, 7, windows));
    CU_ASSERT_FALSE(gc_utilisation_windows(1, 10, 1, windows));
    CU_ASSERT_FALSE(gc_utilisation_windows(1, UINT64_MAX, 7, windows));
}

int test_utilisation_suite(void)
{
    static const struct test tests[] = {
        { "three_stalls_have_the_utilisation_of_the_vector",
                three_stalls_have_the_utilisation_of_the_vector },
        { "stalls_are_sorted_cut_and_merged", stalls_are_sorted_cut_and_merged },
        { "order_and_overlap_change_nothing", order_and_overlap_change_nothing },
        { "every_window_of_small_runs_is_as_counted",
                every_window_of_small_runs_is_as_counted },
        { "utilisation_is_a_share_and_its_bound_never_falls",
                utilisation_is_a_share_and_its_bound_never_falls },
        { "without_stalls_all_is_the_mutators_and_in_one_nothing",
                without_stalls_all_is_the_mutators_and_in_one_nothing },
        { "the_whole_range_of_the_clock_is_allowed",
                the_whole_range_of_the_clock_is_allowed },
        { "windows_that_do_not_fit_are_refused", windows_that_do_not_fit_are_refused },
        { "of_several_mutators_the_worst_and_the_mean_are_told",
                of_several_mutators_the_worst_and_the_mean_are_told },
        { "windows_grow_by_the_same_factor", windows_grow_by_the_same_factor },
    };
    return suite_add("bench/analysis/utilisation", tests, COUNT(tests));
}
