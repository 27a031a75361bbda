/* SPDX-License-Identifier: MIT */
/* test_stalled.c - latency and utilisation of the program whose stalls are known: a closed loop of
 * 8 threads; and an open one, a Poisson process of 80 % of the capacity at one server as fast as
 * the 8 threads. */
#include "bench/analysis/stalled.h"

#include "bench/analysis/latency.h"
#include "bench/analysis/utilisation.h"
#include "tests/bench/analysis/near.h"
#include "tests/suite.h"
#include "tests/suites.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)

enum {
    THREADS = 8,
    REQUESTS = 150000,
    STALLS = 20, /* more than fit into the run */
};

/* In milliseconds: no stop, and around half of a window of 100 ms. */
static const uint64_t stall_ms[] = { 0, 20, 40, 52, 60, 200 };

static struct gc_span requests[REQUESTS];
static uint64_t arrivals[REQUESTS], ends[REQUESTS], latencies[REQUESTS];

/* In milliseconds; sorts the latencies. */
static double percentile(double p)
{
    uint64_t value = 0;
    gc_latency_sort(latencies, REQUESTS);
    CU_ASSERT(gc_latency_percentile(latencies, REQUESTS, p, &value));
    return (double)value / (double)MS;
}

static double simple(uint64_t ms, double p)
{
    gc_stalled_closed_loop(ms * MS, THREADS, REQUESTS, requests);
    CU_ASSERT(gc_latency_simple(requests, REQUESTS, latencies));
    return percentile(p);
}

static double metered(uint64_t ms, uint64_t window, double p)
{
    gc_stalled_closed_loop(ms * MS, THREADS, REQUESTS, requests);
    CU_ASSERT(gc_latency_metered(requests, REQUESTS, window, latencies));
    return percentile(p);
}

static double open_loop(uint64_t ms, double p)
{
    double service = (double)MS / THREADS;
    CU_ASSERT(gc_latency_arrive_poisson(0, service / .8, 7, REQUESTS, arrivals));
    gc_stalled_open_loop(ms * MS, service, true, arrivals, REQUESTS, ends);
    CU_ASSERT(gc_latency_open_loop(arrivals, ends, REQUESTS, latencies));
    return percentile(p);
}

/* -ln(.01) = 4.6 ms. A stop hits 8 of some 8,000 requests. */
static void simple_latency_sees_nothing_of_the_stops(void)
{
    for (size_t i = 0; i < COUNT(stall_ms); i++)
        CHECK_NEAR(simple(stall_ms[i], .99), 4.65, .2);
    CHECK_NEAR(simple(0, .999), 6.9, .5);
    CU_ASSERT(simple(200, .999) < 20);
}

/* At 40 ms nearly half of the window is a stop, and who came after it waited; at 52 ms the window
 * of who comes after it ends within the stop, in which nobody begins. */
static void metered_latency_falls_where_stops_become_longer_than_half_a_window(void)
{
    static const double expected[] = { 6.0, 14.2, 31.1, 6.0, 6.0, 6.2 };
    static const double tolerance[] = { .8, 2.5, 5, .8, .8, .8 };
    double p99[COUNT(stall_ms)];
    for (size_t i = 0; i < COUNT(stall_ms); i++) {
        p99[i] = metered(stall_ms[i], 100 * MS, .99);
        CHECK_NEAR(p99[i], expected[i], tolerance[i]);
    }
    CU_ASSERT(p99[0] < p99[1] && p99[1] < p99[2]);
    CU_ASSERT(p99[2] > 4 * p99[5]); /* 40 ms is said to be far worse than 200 ms */
}

/* Who is measured against the whole run sees long stops, but the rate of a closed loop drifts by
 * more than a short one, and drifts even where nothing stops. */
static void fully_metered_latency_sees_drift_for_short_stops(void)
{
    CU_ASSERT(metered(0, GC_LATENCY_FULL, .99) > 2 * simple(0, .99));
    CU_ASSERT(metered(200, GC_LATENCY_FULL, .99) > 80);
}

static void open_loop_latency_grows_with_the_stop(void)
{
    static const double expected[] = { 2.9, 18.5, 38.5, 50.5, 58.5, 198.5 };
    double before = 0;
    for (size_t i = 0; i < COUNT(stall_ms); i++) {
        double p99 = open_loop(stall_ms[i], .99);
        CHECK_NEAR(p99, expected[i], stall_ms[i] < 200 ? .7 : 4);
        CU_ASSERT(p99 > before);
        before = p99;
    }
}

/* All is exact where requests come every 125 us and take 100: who arrives as a stop begins
 * waits for all of it, who comes k later for 25 k us less. One in a hundred is worse than the
 * 80th of these, and one more for each 12.5 ms of the stop; the last round may be incomplete. */
static void open_loop_latency_is_exactly_what_a_stop_makes_of_it(void)
{
    for (size_t i = 1; i + 1 < COUNT(stall_ms); i++) {
        uint64_t stall = stall_ms[i] * MS, worst = 0;
        CU_ASSERT(gc_latency_arrive_evenly(0, 125000, REQUESTS, arrivals));
        gc_stalled_open_loop(stall, 100000, false, arrivals, REQUESTS, ends);
        CU_ASSERT(gc_latency_open_loop(arrivals, ends, REQUESTS, latencies));
        size_t hit =
                SECOND / 125000; /* the first request that a stop keeps from beginning */
        for (size_t k = 0; k < 80; k++)
            CU_ASSERT_EQUAL(latencies[hit + k], stall + 100000 - 25000 * k);
        double p99 = percentile(.99);
        worst = latencies[REQUESTS - 1];
        CU_ASSERT_EQUAL(worst, stall + 100000);
        double in_a_round = (double)(SECOND + stall) / 125000;
        double rank = .01 * in_a_round;
        CHECK_NEAR(p99, ((double)stall + 100000 - 25000 * rank) / (double)MS, .2);
    }
}

/* The stops of 16 seconds of the program's own time, with one at the end of each. */
static struct gc_utilisation utilisation_of(uint64_t stall, struct gc_span *stalls)
{
    struct gc_utilisation u = { NULL, 0, { 0, 0 }, 0 };
    for (uint64_t i = 0; i < 16; i++) {
        uint64_t begin = (i + 1) * SECOND + i * stall;
        stalls[i] = (struct gc_span){ begin, begin + stall };
    }
    CU_ASSERT(gc_utilisation_init(
            &u, stalls, 16, (struct gc_span){ 0, 17 * SECOND + 16 * stall }));
    return u;
}

/* Up to the stop nothing is left; up to a second besides, one stop fits into a window; two of them
 * with the second between, or half of it before and after, and so on. */
static void utilisation_is_exactly_what_the_stops_say(void)
{
    struct gc_span stalls[STALLS];
    for (size_t i = 1; i < COUNT(stall_ms); i++) {
        uint64_t stall = stall_ms[i] * MS;
        double s = (double)stall, second = (double)SECOND, value = NAN;
        struct gc_utilisation u = utilisation_of(stall, stalls);
        CU_ASSERT(gc_utilisation_minimum(&u, stall, &value));
        CU_ASSERT_EQUAL(value, 0);
        CU_ASSERT(gc_utilisation_minimum(&u, 2 * stall, &value));
        CHECK_NEAR(value, .5, 1e-12);
        CU_ASSERT(gc_utilisation_minimum(&u, SECOND, &value));
        CHECK_NEAR(value, 1 - s / second, 1e-12);
        CU_ASSERT(gc_utilisation_minimum(&u, SECOND + stall, &value));
        CHECK_NEAR(value, second / (second + s), 1e-12);
        CU_ASSERT(gc_utilisation_minimum(&u, SECOND + 2 * stall, &value));
        CHECK_NEAR(value, second / (second + 2 * s), 1e-12);
        /* of a second or more: from one stop's begin to the next one's end */
        CU_ASSERT(gc_utilisation_bounded(&u, SECOND, &value));
        CHECK_NEAR(value, fmin(1 - s / second, second / (second + 2 * s)), 1e-12);
        CU_ASSERT(gc_utilisation_bounded(&u, 2 * SECOND + 2 * stall, &value));
        CHECK_NEAR(value, 2 * second / (2 * second + 3 * s), 1e-12);
        CHECK_NEAR(gc_utilisation_share(&u), 17 * second / (17 * second + 16 * s), 1e-12);
    }
    struct gc_utilisation u = utilisation_of(0, stalls);
    CU_ASSERT_EQUAL(u.n, 0);
}

int test_stalled_suite(void)
{
    static const struct test tests[] = {
        { "simple_latency_sees_nothing_of_the_stops",
                simple_latency_sees_nothing_of_the_stops },
        { "metered_latency_falls_where_stops_become_longer_than_half_a_window",
                metered_latency_falls_where_stops_become_longer_than_half_a_window },
        { "fully_metered_latency_sees_drift_for_short_stops",
                fully_metered_latency_sees_drift_for_short_stops },
        { "open_loop_latency_grows_with_the_stop",
                open_loop_latency_grows_with_the_stop },
        { "open_loop_latency_is_exactly_what_a_stop_makes_of_it",
                open_loop_latency_is_exactly_what_a_stop_makes_of_it },
        { "utilisation_is_exactly_what_the_stops_say",
                utilisation_is_exactly_what_the_stops_say },
    };
    return suite_add("bench/analysis/stalled", tests, COUNT(tests));
}
