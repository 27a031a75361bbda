/* SPDX-License-Identifier: MIT */
/* utilisation.c - minimum and bounded minimum mutator utilisation, in integers. */
#include "bench/analysis/utilisation.h"

#include <math.h>
#include <stdlib.h>

#include "bench/analysis/memory.h"

static int compare_begins(const void *a, const void *b)
{
    const struct gc_span *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

bool gc_utilisation_init(struct gc_utilisation *utilisation, struct gc_span *stalls,
        size_t n, struct gc_span run)
{
    if (run.begin >= run.end) return false;
    for (size_t i = 0; i < n; i++)
        if (stalls[i].end < stalls[i].begin) return false;
    if (n > 0) qsort(stalls, n, sizeof(*stalls), compare_begins);
    size_t kept = 0;
    uint64_t stalled = 0;
    for (size_t i = 0; i < n; i++) {
        struct gc_span stall = stalls[i];
        if (stall.begin < run.begin) stall.begin = run.begin;
        if (stall.end > run.end) stall.end = run.end;
        if (stall.begin >= stall.end) continue;
        if (kept > 0 && stall.begin <= stalls[kept - 1].end) {
            if (stall.end <= stalls[kept - 1].end) continue;
            stalled += stall.end - stalls[kept - 1].end;
            stalls[kept - 1].end = stall.end;
        } else {
            stalled += stall.end - stall.begin;
            stalls[kept++] = stall;
        }
    }
    *utilisation = (struct gc_utilisation){ stalls, kept, run, stalled };
    return true;
}

static double share(uint64_t length, uint64_t stalled)
{
    return (double)(length - stalled) / (double)length;
}

static uint64_t length_of(const struct gc_utilisation *utilisation)
{
    return utilisation->run.end - utilisation->run.begin;
}

double gc_utilisation_share(const struct gc_utilisation *utilisation)
{
    return share(length_of(utilisation), utilisation->stalled);
}

/* Reads off how long the mutator was stalled before a time; the times must not go back. */
struct cursor {
    size_t passed; /* stalls that lie before */
    uint64_t stalled;
};

static uint64_t stalled_before(
        const struct gc_utilisation *u, struct cursor *cursor, uint64_t time)
{
    while (cursor->passed < u->n && u->stalls[cursor->passed].end <= time) {
        const struct gc_span *stall = &u->stalls[cursor->passed++];
        cursor->stalled += stall->end - stall->begin;
    }
    uint64_t partly = 0;
    if (cursor->passed < u->n && u->stalls[cursor->passed].begin < time)
        partly = time - u->stalls[cursor->passed].begin;
    return cursor->stalled + partly;
}

bool gc_utilisation_minimum(
        const struct gc_utilisation *u, uint64_t window, double *ret_minimum)
{
    if (window == 0 || window > length_of(u)) return false;
    struct cursor at_begin = { 0, 0 }, at_end = { 0, 0 };
    uint64_t worst = 0;
    for (size_t i = 0; i < u->n; i++) {
        uint64_t from = u->stalls[i].begin;
        if (from > u->run.end - window) from = u->run.end - window;
        uint64_t inside = stalled_before(u, &at_end, from + window) -
                          stalled_before(u, &at_begin, from);
        if (inside > worst) worst = inside;
    }
    *ret_minimum = share(window, worst);
    return true;
}

/* --- the bounded minimum -----------------------------------------------------------------
 *
 * Let a stall's begin b be the point (b, stalled before b), its end the point (e, stalled
 * before e). The stalled share from b to e is the slope between the two, and what is sought
 * is the steepest slope over a distance of `window` or more. For each end those begins matter
 * that are far enough, and of these only their lower convex hull; along it the slope to the end
 * first rises, then falls. */

struct point {
    uint64_t time, stalled;
};

/* Whether the slope from `a` to `c` is above that from `a` to `b`. Products of 64 bits are
 * exact in 128. */
static bool is_steeper(struct point a, struct point b, struct point c)
{
    __extension__ unsigned __int128 left = c.stalled - a.stalled;
    __extension__ unsigned __int128 right = b.stalled - a.stalled;
    return left * (b.time - a.time) > right * (c.time - a.time);
}

/* The point of the hull from which `end` is steepest. */
static struct point steepest(const struct point *hull, size_t n, struct point end)
{
    size_t low = 0, high = n - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_steeper(hull[middle], hull[middle + 1], end))
            low = middle + 1;
        else
            high = middle;
    }
    return hull[low];
}

bool gc_utilisation_bounded(
        const struct gc_utilisation *u, uint64_t window, double *ret_bounded)
{
    double least;
    if (!gc_utilisation_minimum(u, window, &least)) return false;
    struct point *hull = gc_analysis_array(u->n, sizeof(*hull));
    size_t n = 0, next = 0;                 /* begins: on the hull, not looked at yet */
    struct cursor begins = { 0, 0 };        /* what is stalled before `next` */
    struct point end = { u->run.begin, 0 }; /* of stall i */
    for (size_t i = 0; i < u->n; i++) {
        end.time = u->stalls[i].end;
        end.stalled += u->stalls[i].end - u->stalls[i].begin;
        while (next <= i && end.time - u->stalls[next].begin >= window) {
            uint64_t begin = u->stalls[next++].begin;
            struct point point = { begin, stalled_before(u, &begins, begin) };
            while (n >= 2 && !is_steeper(hull[n - 2], hull[n - 1], point))
                n--;
            hull[n++] = point;
        }
        if (n == 0) continue;
        struct point from = steepest(hull, n, end);
        double there = share(end.time - from.time, end.stalled - from.stalled);
        if (there < least) least = there;
    }
    free(hull);
    *ret_bounded = least;
    return true;
}

bool gc_utilisation_of_all(const struct gc_utilisation *mutators, size_t n,
        uint64_t window, double *ret_least, double *ret_mean)
{
    double least = 1, sum = 0;
    for (size_t i = 0; i < n; i++) {
        double one;
        if (!gc_utilisation_minimum(&mutators[i], window, &one)) return false;
        if (one < least) least = one;
        sum += one;
    }
    if (n == 0) return false;
    *ret_least = least;
    *ret_mean = sum / (double)n;
    return true;
}

bool gc_utilisation_windows(uint64_t low, uint64_t high, size_t n, uint64_t *ret_windows)
{
    if (low == 0 || low >= high || high > INT64_MAX || n < 2) return false;
    double step = log((double)high / (double)low) / (double)(n - 1);
    for (size_t i = 0; i < n; i++) {
        double window = (double)low * exp(step * (double)i);
        ret_windows[i] = (uint64_t)(window + .5);
    }
    ret_windows[0] = low; /* whatever rounding made of them */
    ret_windows[n - 1] = high;
    return true;
}
