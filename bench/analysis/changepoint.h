/* SPDX-License-Identifier: MIT */
/* changepoint.h - where a series changes its mean or its variance.
 *
 * The series is cut into segments, each of which is taken as draws from a normal distribution
 * of its own, such that the sum of their costs (twice the negative log-likelihood) and of a
 * penalty for each cut is the least of all ways to cut it. PELT finds that minimum exactly, in
 * linear time where there are many cuts, and in quadratic where there is none. [KFE12]
 */
#ifndef BENCH_ANALYSIS_CHANGEPOINT_H
#define BENCH_ANALYSIS_CHANGEPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/check.h"

enum {
    GC_CHANGEPOINT_LEAST = 2, /* values in a segment: one has no variance */
};

struct gc_segment {
    size_t begin, end; /* values from `begin` to just before `end` */
    double mean;
    double variance; /* of maximum likelihood: with n in the denominator */
};

/* Cuts n >= 2 finite values, in order. `penalty` is that of a cut, 0 or more. `resolution`
 * is the least standard deviation that a segment is taken to have, above 0, in the values'
 * unit: a series that repeats itself to the last bit would be infinitely likely. There are at
 * most n / 2 segments, for which ret_segments has room; in order, without gaps. */
bool gc_changepoint_find(const double *values, size_t n, double penalty,
        double resolution, struct gc_segment *ret_segments, size_t *ret_n) GC_NODISCARD;

#endif
