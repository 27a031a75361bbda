/* SPDX-License-Identifier: MIT */
/* changepoint.c - PELT with the cost of a normal distribution of unknown mean and variance.
 * Invariants: (P1) best[t] is the least cost of the first t values, each segment of which
 *                  has GC_CHANGEPOINT_LEAST values or more.
 *             (P2) a start s is dropped once s can't be the last cut of any best[u] to come:
 *                  best[s] + cost(s, t) > best[t] says that a cut at t is better than one
 *                  at s for all u that t may be cut for, u >= t + GC_CHANGEPOINT_LEAST. */
#include "bench/analysis/changepoint.h"

#include <gsl/gsl_math.h>
#include <math.h>
#include <stdint.h>

#include "bench/analysis/memory.h"
#include "bench/analysis/statistics.h"

/* Sums over the first t values, about a middle value: the squares of what is far from 0 and
 * close together cancel out. With 64 bits of mantissa where the machine has them. */
struct sums {
    long double sum, squares;
};

/* A candidate for the last cut of what is still to come. */
struct start {
    size_t at;
    size_t end;  /* from which t on it is none any more, by (P2); SIZE_MAX: not known */
    double cost; /* of the first t values with this last cut, without its penalty */
};

struct search {
    const struct sums *sums;
    double penalty, least_variance;
    double *best;
    size_t *last; /* the last cut of best[t] */
    struct start *starts;
    size_t start_count;
};

static double variance_of(const struct sums *sums, size_t begin, size_t end)
{
    long double n = (long double)(end - begin);
    long double sum = sums[end].sum - sums[begin].sum;
    long double squares = sums[end].squares - sums[begin].squares;
    long double variance = (squares - sum * sum / n) / n;
    return variance > 0 ? (double)variance : 0;
}

/* That of the likeliest distribution whose variance is the least one or more. It must be that
 * one, not merely the usual cost with a variance that is cut off: (P2) stands on the cost of
 * two segments being at most that of the two as one, which a minimum over distributions is. */
static double cost_of(const struct search *search, size_t begin, size_t end)
{
    double variance = variance_of(search->sums, begin, end);
    double n = (double)(end - begin);
    double taken = fmax(variance, search->least_variance);
    return n * (log(2 * M_PI) + log(taken) + variance / taken);
}

/* (P1) for t, and (P2). */
static void extend(struct search *search, size_t t)
{
    search->best[t] = INFINITY;
    for (size_t i = 0; i < search->start_count; i++) {
        struct start *start = &search->starts[i];
        start->cost = search->best[start->at] + cost_of(search, start->at, t);
        if (start->cost + search->penalty < search->best[t]) {
            search->best[t] = start->cost + search->penalty;
            search->last[t] = start->at;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < search->start_count; i++) {
        struct start start = search->starts[i];
        if (start.end == SIZE_MAX && start.cost > search->best[t])
            start.end = t + GC_CHANGEPOINT_LEAST;
        if (t + 1 < start.end) search->starts[kept++] = start;
    }
    search->start_count = kept;
}

static void find(struct search *search, size_t n)
{
    search->best[0] = -search->penalty; /* the first segment needs no cut */
    for (size_t t = 1; t < GC_CHANGEPOINT_LEAST; t++)
        search->best[t] = INFINITY;
    for (size_t t = GC_CHANGEPOINT_LEAST; t <= n; t++) {
        size_t newest = t - GC_CHANGEPOINT_LEAST;
        if (newest == 0 || newest >= GC_CHANGEPOINT_LEAST) {
            search->starts[search->start_count++] = (struct start){ newest, SIZE_MAX, 0 };
        }
        extend(search, t);
    }
}

/* From the last segment to the first, then turned round. */
static size_t collect(
        const struct search *search, size_t n, double middle, struct gc_segment *segments)
{
    size_t count = 0;
    for (size_t end = n; end > 0; end = search->last[end]) {
        size_t begin = search->last[end];
        long double sum = search->sums[end].sum - search->sums[begin].sum;
        segments[count++] = (struct gc_segment){
            begin,
            end,
            middle + (double)(sum / (long double)(end - begin)),
            variance_of(search->sums, begin, end),
        };
    }
    for (size_t i = 0; i < count / 2; i++) {
        struct gc_segment segment = segments[i];
        segments[i] = segments[count - 1 - i];
        segments[count - 1 - i] = segment;
    }
    return count;
}

bool gc_changepoint_find(const double *values, size_t n, double penalty,
        double resolution, struct gc_segment *ret_segments, size_t *ret_n)
{
    double middle;
    if (n < GC_CHANGEPOINT_LEAST || !gc_statistics_mean(values, n, &middle)) return false;
    if (!(penalty >= 0) || isinf(penalty) || !(resolution > 0)) return false;
    double least_variance = resolution * resolution;
    if (least_variance == 0 || isinf(least_variance)) return false;
    struct sums *sums = gc_analysis_array(n + 1, sizeof(*sums));
    for (size_t i = 0; i < n; i++) {
        long double value = (long double)values[i] - middle;
        sums[i + 1].sum = sums[i].sum + value;
        sums[i + 1].squares = sums[i].squares + value * value;
    }
    struct search search = {
        .sums = sums,
        .penalty = penalty,
        .least_variance = least_variance,
        .best = gc_analysis_array(n + 1, sizeof(*search.best)),
        .last = gc_analysis_array(n + 1, sizeof(*search.last)),
        .starts = gc_analysis_array(n + 1, sizeof(*search.starts)),
    };
    find(&search, n);
    *ret_n = collect(&search, n, middle, ret_segments);
    free(sums);
    free(search.best);
    free(search.last);
    free(search.starts);
    return true;
}
