/* SPDX-License-Identifier: MIT */
/* stalled.c - a program whose stalls are known.
 *
 * Time without stops is its own; own_to_wall() and wall_to_own() translate. */
#include "bench/analysis/stalled.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "bench/analysis/latency.h"
#include "bench/analysis/memory.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)

static uint64_t own_to_wall(uint64_t own, uint64_t stall)
{
    return own + own / SECOND * stall;
}

static uint64_t wall_to_own(uint64_t wall, uint64_t stall)
{
    uint64_t round = SECOND + stall, rest = wall % round;
    return wall / round * SECOND + (rest < SECOND ? rest : SECOND);
}

void gc_stalled_closed_loop(
        uint64_t stall, uint32_t threads, size_t n, struct gc_span *ret_requests)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    uint64_t *own = gc_analysis_array(threads, sizeof(*own));
    for (size_t i = 0; i < n; i++) {
        size_t next = 0; /* the thread that is first to be done */
        for (size_t k = 1; k < threads; k++)
            if (own[k] < own[next]) next = k;
        ret_requests[i].begin = own_to_wall(own[next], stall);
        own[next] += (uint64_t)gsl_ran_exponential(random, (double)MS);
        ret_requests[i].end = own_to_wall(own[next], stall);
    }
    free(own);
    gsl_rng_free(random);
    gc_latency_sort_requests(ret_requests, n);
}

void gc_stalled_open_loop(uint64_t stall, double service, bool is_random,
        const uint64_t *arrivals, size_t n, uint64_t *ret_ends)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(random, 99);
    uint64_t free_from = 0; /* own time */
    for (size_t i = 0; i < n; i++) {
        uint64_t begin = wall_to_own(arrivals[i], stall);
        if (begin < free_from) begin = free_from;
        double takes = is_random ? gsl_ran_exponential(random, service) : service;
        free_from = begin + (uint64_t)takes;
        ret_ends[i] = own_to_wall(free_from, stall);
    }
    gsl_rng_free(random);
}
