/* SPDX-License-Identifier: MIT */
/* warmup.h - from which iteration on a process is measured, and whether it ever settles.
 *
 * Two answers. Georges, Buytaert and Eeckhout wait until a few iterations in a row hardly
 * vary. [GBE07] Barrett and others look back at the whole of a run: they take out the
 * outliers, cut it where its mean or variance changes (changepoint.h), and name what they
 * see. [BBKMT17] A program in C should be flat. Of a collector a slowdown is worth a look: it
 * is what a leak or a heap that falls into fragments looks like.
 *
 * False means no answer: a value that is not finite or below 0, too few, or settings out of
 * their range.
 */
#ifndef BENCH_ANALYSIS_WARMUP_H
#define BENCH_ANALYSIS_WARMUP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/check.h"

/* The first iteration of the first `k` in a row whose coefficient of variation (standard
 * deviation over mean) is below `threshold`: what is reported is the mean of these k. With
 * k = 10 and .01 or .02 in the paper. k >= 2; the mean must be above 0. False also where there
 * are no such k. Any unit. [GBE07] */
bool gc_warmup_steady(const double *times, size_t n, size_t k, double threshold,
        size_t *ret_first) GC_NODISCARD;

/* Marks the iterations that are further from the median than 3 (P90 - P10), of the `window`
 * iterations around them (half on each side, less at the end of the run). The first window / 2
 * have no full window and are never marked: a slow start is no outlier. window >= 2. Any unit.
 * [BBKMT17] */
bool gc_warmup_outliers(
        const double *times, size_t n, size_t window, bool *ret_is_outlier) GC_NODISCARD;

enum gc_warmup {
    GC_WARMUP_FLAT,
    GC_WARMUP_WARMUP,          /* slower at first */
    GC_WARMUP_SLOWDOWN,        /* faster at first */
    GC_WARMUP_NO_STEADY_STATE, /* changes until its end */
    GC_WARMUP_INCONSISTENT,    /* processes differ from each other */
};

/* As the paper's tables call them: "flat", "warmup", "slowdown", "no steady state",
 * "inconsistent". */
const char *gc_warmup_word(enum gc_warmup warmup);

struct gc_warmup_settings {
    size_t window;    /* of outliers, in iterations */
    size_t steady;    /* iterations at the end in which nothing may change; below n */
    double tolerance; /* of a mean, as a share of the fastest segment's */
    double penalty;   /* of a changepoint, in ln n */
};

/* 200, 500 (of some 2,000 iterations), .01, 15. DEVIATION: the paper's tolerance is 1 ms, for
 * iterations of a second. Ours may take a millisecond. */
extern const struct gc_warmup_settings gc_warmup_defaults;

struct gc_warmup_result {
    enum gc_warmup warmup;
    size_t steady; /* the first iteration of the steady state; n where there is none */
    double steady_mean;        /* of these, without outliers; 0 where there is none */
    size_t segments, outliers; /* how many */
};

/* Classifies the iterations of one process. `seconds` is the unit: the rule adds variances to
 * means, m +- v against the last segment's m +- max(v, tolerance), and in another unit it would be
 * another rule. A segment that differs from the last one and ends within the last
 * `settings->steady` iterations means no steady state; else, from the end to the front, the
 * first faster one a slowdown, a slower one warmup. [BBKMT17] */
bool gc_warmup_classify(const double *seconds, size_t n,
        const struct gc_warmup_settings *settings, struct gc_warmup_result *ret_result)
        GC_NODISCARD;

/* Of the n >= 1 processes of one benchmark: what all of them are, or inconsistent. */
enum gc_warmup gc_warmup_of_all(const enum gc_warmup *processes, size_t n);

#endif
