/* SPDX-License-Identifier: MIT */
/* test_latency.c - by hand, and at the ends of the clock's range. */
#include "bench/analysis/latency.h"

#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

static void simple_latency_is_end_minus_begin(void)
{
    static const struct gc_span requests[] = { { 5, 9 }, { 3, 3 }, { 0, UINT64_MAX } };
    static const struct gc_span backwards[] = { { 0, 1 }, { 2, 1 } };
    uint64_t latencies[3] = { 77, 77, 77 };
    CU_ASSERT_FALSE(gc_latency_simple(backwards, 2, latencies));
    CU_ASSERT_EQUAL(latencies[0], 77);
    CU_ASSERT(gc_latency_simple(requests, 3, latencies));
    CU_ASSERT(latencies[0] == 4 && latencies[1] == 0 && latencies[2] == UINT64_MAX);
    CU_ASSERT(gc_latency_simple(requests, 0, latencies));
}

/* Begins 0, 7, 8, 9, each takes 1. Evenly they would begin at 0, 3, 6, 9. */
static void metered_latency_counts_from_an_even_begin(void)
{
    static const struct gc_span requests[] = { { 0, 1 }, { 7, 8 }, { 8, 9 }, { 9, 10 } };
    uint64_t l[4];
    CU_ASSERT(gc_latency_metered(requests, 4, GC_LATENCY_FULL, l));
    CU_ASSERT(l[0] == 1 && l[1] == 5 && l[2] == 3 && l[3] == 1);
    /* 20 reaches from any to all of them */
    CU_ASSERT(gc_latency_metered(requests, 4, 20, l));
    CU_ASSERT(l[0] == 1 && l[1] == 5 && l[2] == 3 && l[3] == 1);
    /* 4: of the second, s is itself (5 <= 7) and e the last; of the third, s is the second:
     * nobody looks back as far as 0 */
    CU_ASSERT(gc_latency_metered(requests, 4, 4, l));
    CU_ASSERT(l[0] == 1 && l[1] == 1 && l[2] == 1 && l[3] == 1);
    /* 14: of the second s is the first, of the third as well no more (8 - 7 = 1) */
    CU_ASSERT(gc_latency_metered(requests, 4, 14, l));
    CU_ASSERT(l[0] == 1 && l[1] == 5 && l[2] == 1 && l[3] == 1);
}

static void requests_that_begin_evenly_are_metered_as_they_are(void)
{
    static const uint64_t windows[] = { 1, 2, 99, 100, 1000, 123456, GC_LATENCY_FULL };
    struct gc_span requests[1000];
    uint64_t latencies[1000];
    size_t wrong = 0;
    for (size_t i = 0; i < 1000; i++)
        requests[i] = (struct gc_span){ i * 100, i * 100 + 7 + i % 13 };
    for (size_t w = 0; w < COUNT(windows); w++) {
        wrong += !gc_latency_metered(requests, 1000, windows[w], latencies);
        for (size_t i = 0; i < 1000; i++)
            wrong += latencies[i] != 7 + i % 13;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void metered_latency_is_exact_at_any_time_of_the_clock(void)
{
    struct gc_span requests[4] = { { 0, 1 }, { 7, 8 }, { 8, 9 }, { 9, 10 } };
    uint64_t l[4];
    for (size_t i = 0; i < 4; i++) { /* a double has a step of 2048 there */
        requests[i].begin += UINT64_MAX - 10;
        requests[i].end += UINT64_MAX - 10;
    }
    CU_ASSERT(gc_latency_metered(requests, 4, GC_LATENCY_FULL, l));
    CU_ASSERT(l[0] == 1 && l[1] == 5 && l[2] == 3 && l[3] == 1);
    /* products beyond 64 bits: of four over the whole range the third begins at 2/3 of it */
    static const struct gc_span wide[] = { { 0, 0 }, { UINT64_MAX, UINT64_MAX },
        { UINT64_MAX, UINT64_MAX }, { UINT64_MAX, UINT64_MAX } };
    CU_ASSERT(gc_latency_metered(wide, 4, GC_LATENCY_FULL, l));
    CU_ASSERT(l[0] == 0 && l[1] == UINT64_MAX / 3 * 2 && l[2] == UINT64_MAX / 3 &&
              l[3] == 0);
}

static void metered_latency_wants_order_and_a_window(void)
{
    struct gc_span requests[] = { { 7, 8 }, { 0, 1 }, { 7, 7 } };
    static const struct gc_span backwards[] = { { 2, 1 } };
    uint64_t l[3];
    CU_ASSERT_FALSE(gc_latency_metered(requests, 3, 10, l));
    gc_latency_sort_requests(requests, 3);
    CU_ASSERT(requests[0].begin == 0 && requests[1].end == 7 && requests[2].end == 8);
    CU_ASSERT(gc_latency_metered(requests, 3, 10, l));
    CU_ASSERT_FALSE(gc_latency_metered(requests, 3, 0, l));
    CU_ASSERT_FALSE(gc_latency_metered(backwards, 1, 10, l));
    CU_ASSERT(gc_latency_metered(requests, 1, 10, l));
    CU_ASSERT_EQUAL(l[0], 1);
    CU_ASSERT(gc_latency_metered(requests, 0, 10, l));
    gc_latency_sort_requests(requests, 0);
    struct gc_span same[] = { { 7, 9 }, { 7, 8 }, { 7, 7 }, { 7, 8 }, { 7, 9 },
        { 7, 7 } };
    gc_latency_sort_requests(
            same, 6); /* who began together is in the order of the ends */
    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(same[i].end, 7 + i / 2);
}

static void percentiles_of_latencies_are_refused_as_others_are(void)
{
    uint64_t values[1000], value = 77;
    for (size_t i = 0; i < 1000; i++)
        values[i] = 1000 - i;
    gc_latency_sort(values, 1000);
    CU_ASSERT(gc_latency_percentile(values, 1000, .99, &value));
    CU_ASSERT_EQUAL(value, 990);
    CU_ASSERT_FALSE(gc_latency_percentile(values, 1000, .999, &value));
    CU_ASSERT_FALSE(gc_latency_percentile(values, 0, 1, &value));
    CU_ASSERT_EQUAL(value, 990);
    gc_latency_sort(values, 0);
}

static void arrivals_are_even_without_drift(void)
{
    uint64_t arrivals[1000];
    CU_ASSERT(gc_latency_arrive_evenly(1000, 333.25, 1000, arrivals));
    CU_ASSERT(arrivals[0] == 1000 && arrivals[1] == 1333 && arrivals[4] == 2333);
    CU_ASSERT_EQUAL(arrivals[999], 1000 + 332916); /* 999 x 333.25 = 332916.75 */
    CU_ASSERT_FALSE(gc_latency_arrive_evenly(0, 0, 10, arrivals));
    CU_ASSERT_FALSE(gc_latency_arrive_evenly(0, -1, 10, arrivals));
    CU_ASSERT_FALSE(gc_latency_arrive_evenly(0, NAN, 10, arrivals));
    CU_ASSERT_FALSE(gc_latency_arrive_evenly(UINT64_MAX - 100, 50, 10, arrivals));
    CU_ASSERT_FALSE(gc_latency_arrive_evenly(0, 1e18, 1000, arrivals));
}

/* Of a Poisson process the distances have mean and standard deviation alike, and are longer
 * than the mean in a share of 1/e. */
static void poisson_arrivals_are_a_poisson_process(void)
{
    enum {
        COUNT_OF = 20000,
    };
    static uint64_t arrivals[COUNT_OF], again[COUNT_OF];
    CU_ASSERT(gc_latency_arrive_poisson(5000, 1000, 1, COUNT_OF, arrivals));
    CU_ASSERT(gc_latency_arrive_poisson(5000, 1000, 1, COUNT_OF, again));
    double squares = 0;
    size_t longer = 0, wrong = arrivals[0] < 5000;
    for (size_t i = 1; i < COUNT_OF; i++) {
        wrong += arrivals[i] < arrivals[i - 1] || arrivals[i] != again[i];
        double gap = (double)(arrivals[i] - arrivals[i - 1]);
        squares += (gap - 1000) * (gap - 1000);
        longer += gap > 1000;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CHECK_NEAR((double)(arrivals[COUNT_OF - 1] - 5000) / COUNT_OF, 1000, 25);
    CHECK_NEAR(sqrt(squares / COUNT_OF), 1000, 35);
    CHECK_NEAR((double)longer / COUNT_OF, exp(-1), .012);
    CU_ASSERT(gc_latency_arrive_poisson(5000, 1000, 2, COUNT_OF, again));
    CU_ASSERT_NOT_EQUAL(arrivals[0], again[0]);
    CU_ASSERT_FALSE(gc_latency_arrive_poisson(0, 0, 1, 10, again));
    CU_ASSERT_FALSE(gc_latency_arrive_poisson(0, INFINITY, 1, 10, again));
    CU_ASSERT_FALSE(gc_latency_arrive_poisson(UINT64_MAX - 3, 1000, 1, 10, again));
}

static void open_loop_counts_from_the_arrival(void)
{
    static const uint64_t arrivals[] = { 0, 10, 20 }, ends[] = { 0, 105, 110 };
    static const uint64_t early[] = { 5, 9, 110 };
    uint64_t l[3] = { 77, 0, 0 };
    CU_ASSERT_FALSE(gc_latency_open_loop(arrivals, early, 3, l));
    CU_ASSERT_EQUAL(l[0], 77);
    CU_ASSERT(gc_latency_open_loop(arrivals, ends, 3, l));
    CU_ASSERT(l[0] == 0 && l[1] == 95 && l[2] == 90);
}

static void critical_throughput_is_the_mean_over_limits(void)
{
    /* .5 at 9, .7 at 20, .8 at 24, .9 at 80: limits 10, 25 and 100 are met by .5, .8 and .9;
     * .5 x .8 x .9 = .36, its third root .71138 */
    static const struct gc_latency_load loads[] = { { .5, 9 }, { .9, 80 }, { .7, 20 },
        { .8, 24 } };
    static const struct gc_latency_load bad[] = { { .5, 9 }, { NAN, 1 } };
    static const struct gc_latency_load idle[] = { { .5, 9 }, { 0, 1 } };
    static const uint64_t limits[] = { 10, 25, 100 }, strict[] = { 25, 8 };
    double rate = 77;
    CU_ASSERT(gc_latency_critical_rate(loads, 4, 24, &rate));
    CU_ASSERT_EQUAL(rate, .8);
    CU_ASSERT(gc_latency_critical_rate(loads, 4, 23, &rate));
    CU_ASSERT_EQUAL(rate, .7);
    CU_ASSERT_FALSE(gc_latency_critical_rate(loads, 4, 8, &rate));
    CU_ASSERT_FALSE(gc_latency_critical_rate(loads, 0, 8, &rate));
    CU_ASSERT_FALSE(gc_latency_critical_rate(bad, 2, 10, &rate));
    CU_ASSERT_FALSE(gc_latency_critical_rate(idle, 2, 10, &rate));
    CU_ASSERT_EQUAL(rate, .7);
    CU_ASSERT(gc_latency_critical_throughput(loads, 4, limits, 3, &rate));
    CHECK_NEAR(rate, .71138, 5e-6);
    CU_ASSERT(gc_latency_critical_throughput(loads, 4, strict, 2, &rate));
    CU_ASSERT_EQUAL(rate, 0);
    CU_ASSERT_FALSE(gc_latency_critical_throughput(loads, 4, limits, 0, &rate));
    CU_ASSERT_FALSE(gc_latency_critical_throughput(loads, 0, limits, 3, &rate));
    CU_ASSERT_FALSE(gc_latency_critical_throughput(bad, 2, limits, 3, &rate));
}

int test_latency_suite(void)
{
    static const struct test tests[] = {
        { "simple_latency_is_end_minus_begin", simple_latency_is_end_minus_begin },
        { "metered_latency_counts_from_an_even_begin",
                metered_latency_counts_from_an_even_begin },
        { "requests_that_begin_evenly_are_metered_as_they_are",
                requests_that_begin_evenly_are_metered_as_they_are },
        { "metered_latency_is_exact_at_any_time_of_the_clock",
                metered_latency_is_exact_at_any_time_of_the_clock },
        { "metered_latency_wants_order_and_a_window",
                metered_latency_wants_order_and_a_window },
        { "percentiles_of_latencies_are_refused_as_others_are",
                percentiles_of_latencies_are_refused_as_others_are },
        { "arrivals_are_even_without_drift", arrivals_are_even_without_drift },
        { "poisson_arrivals_are_a_poisson_process",
                poisson_arrivals_are_a_poisson_process },
        { "open_loop_counts_from_the_arrival", open_loop_counts_from_the_arrival },
        { "critical_throughput_is_the_mean_over_limits",
                critical_throughput_is_the_mean_over_limits },
    };
    return suite_add("bench/analysis/latency", tests, COUNT(tests));
}
