/* SPDX-License-Identifier: MIT */
/* test_random.c - the random numbers of workloads follow their laws, and the arrivals of an
 * open loop theirs. The bounds are six deviations and more; the seeds are fixed. */
#include "workloads/random.h"

#include <math.h>
#include <stdlib.h>

#include "tests/suites.h"
#include "tests/support.h"
#include "workloads/arrivals.h"

enum { DRAWS = 1000000 };

static void zipf_gives_each_number_its_share(void)
{
    static const uint32_t sizes[] = { 1, 2, 3, 7, 8, 9, 1000 };
    for (size_t s = 0; s < COUNT(sizes); s++) {
        uint32_t n = sizes[s], wrong = 0;
        uint64_t *seen = calloc(n + 1, sizeof(*seen));
        CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
        struct gc_random random = gc_random_stream(3, n);
        for (uint32_t i = 0; i < DRAWS; i++) {
            uint32_t k = gc_random_zipf(&random, n);
            if (k < 1 || k > n)
                wrong++;
            else
                seen[k]++;
        }
        double harmonic = 0;
        for (uint32_t k = 1; k <= n; k++)
            harmonic += 1.0 / k;
        for (uint32_t k = 1; k <= n; k++) {
            double expected = DRAWS / (k * harmonic);
            double off = (double)seen[k] - expected;
            wrong += off * off > 36 * expected + 1; /* at least a hundred are expected */
        }
        CU_ASSERT_EQUAL(wrong, 0);
        free(seen);
    }
    struct gc_random random = gc_random_stream(3, 0);
    uint32_t upper = 0; /* ln 2^16 / (ln 2^32 + Euler's constant) of the draws */
    for (uint32_t i = 0; i < DRAWS; i++)
        upper += gc_random_zipf(&random, UINT32_MAX) >= 1u << 16;
    CU_ASSERT(fabs(upper - 0.487321 * DRAWS) < 6 * 500);
}

static void gauss_has_its_moments_and_tails(void)
{
    static const uint32_t sigmas[] = { 0, 1, 10, 1000000, 100000000 };
    for (size_t s = 0; s < COUNT(sigmas); s++) {
        double sigma = sigmas[s], sum = 0, squares = 0;
        uint32_t beyond = 0, outside = 0;
        struct gc_random random = gc_random_stream(5, (uint32_t)s);
        for (uint32_t i = 0; i < DRAWS; i++) {
            double x = (double)gc_random_gauss(&random, sigmas[s]);
            sum += x;
            squares += x * x;
            beyond += fabs(x) > 2 * sigma;
            outside += fabs(x) > 6 * sigma;
        }
        /* rounding adds 1/12 to the variance of what is not 0 */
        double variance = sigma > 0 ? sigma * sigma + 1.0 / 12 : 0;
        CU_ASSERT(sum * sum <= 36 * variance * DRAWS);
        CU_ASSERT(fabs(squares / DRAWS - variance) <= 0.01 * variance);
        CU_ASSERT_EQUAL(outside, 0);
        if (sigma < 1000) continue; /* 4.55 % lie beyond two deviations */
        CU_ASSERT(beyond > 0.044 * DRAWS && beyond < 0.047 * DRAWS);
    }
}

static void exponential_has_its_moments_and_quantiles(void)
{
    double sum = 0, squares = 0;
    uint32_t above_ln2 = 0, above_5 = 0;
    struct gc_random random = gc_random_stream(7, 0);
    for (uint32_t i = 0; i < DRAWS; i++) {
        double x = gc_random_exponential(&random);
        sum += x;
        squares += x * x;
        above_ln2 += x > 0.6931471805599453;
        above_5 += x > 5;
    }
    CU_ASSERT(fabs(sum / DRAWS - 1) < 0.006);
    CU_ASSERT(fabs(squares / DRAWS - 2) < 0.03);
    CU_ASSERT(fabs((double)above_ln2 - DRAWS / 2) < 6 * 500);
    CU_ASSERT(fabs((double)above_5 - 6738) < 6 * 82); /* e^-5 of them */
}

static void constant_arrivals_are_evenly_spaced(void)
{
    struct gc_arrivals arrivals =
            gc_arrivals_start(gc_random_stream(1, 0), 400000000, false); /* 2.5 ns */
    uint32_t wrong = 0;
    for (uint64_t i = 1; i <= 1000; i++)
        wrong += gc_arrivals_next(&arrivals) != i * 5 / 2;
    CU_ASSERT_EQUAL(wrong, 0);
}

static void poisson_arrivals_keep_the_rate_and_come_at_random(void)
{
    struct gc_arrivals arrivals = gc_arrivals_start(gc_random_stream(1, 0), 1000, true);
    uint64_t last = 0, now = 0;
    uint32_t short_gaps = 0, backwards = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        now = gc_arrivals_next(&arrivals);
        backwards += now < last;
        short_gaps += now - last < 1000000; /* 1 - 1/e of them are below the mean */
        last = now;
    }
    CU_ASSERT_EQUAL(backwards, 0);
    CU_ASSERT(fabs((double)now / 1e6 - DRAWS) < 6 * 1000);
    CU_ASSERT(fabs(short_gaps - 0.6321206 * DRAWS) < 6 * 483);
    /* the same seed, the same times */
    struct gc_arrivals again = gc_arrivals_start(gc_random_stream(1, 0), 1000, true);
    struct gc_arrivals other = gc_arrivals_start(gc_random_stream(2, 0), 1000, true);
    arrivals = gc_arrivals_start(gc_random_stream(1, 0), 1000, true);
    uint64_t first = gc_arrivals_next(&arrivals);
    CU_ASSERT_EQUAL(gc_arrivals_next(&again), first);
    CU_ASSERT_NOT_EQUAL(gc_arrivals_next(&other), first);
}

int test_random_suite(void)
{
    static const struct test tests[] = {
        { "zipf_gives_each_number_its_share", zipf_gives_each_number_its_share },
        { "gauss_has_its_moments_and_tails", gauss_has_its_moments_and_tails },
        { "exponential_has_its_moments_and_quantiles",
                exponential_has_its_moments_and_quantiles },
        { "constant_arrivals_are_evenly_spaced", constant_arrivals_are_evenly_spaced },
        { "poisson_arrivals_keep_the_rate_and_come_at_random",
                poisson_arrivals_keep_the_rate_and_come_at_random },
    };
    return suite_add("workloads/random", tests, COUNT(tests));
}
