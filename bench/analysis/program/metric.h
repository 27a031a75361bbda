/* SPDX-License-Identifier: MIT */
/* metric.h - what samples are compared by. */
#ifndef BENCH_ANALYSIS_PROGRAM_METRIC_H
#define BENCH_ANALYSIS_PROGRAM_METRIC_H

#include "bench/analysis/program/results.h"
#include "bench/analysis/statistics.h"
#include "bench/text.h"

enum gc_metric {
    GC_METRIC_WALL,
    GC_METRIC_THROUGHPUT,
    GC_METRIC_COLLECTOR_CPU,
    GC_METRIC_PEAK_HEAP,
    GC_METRIC_LONGEST_STOP,
    GC_METRIC_STOP_P99,
    GC_METRIC_LONGEST_STALL,
    GC_METRIC_LATENCY_P99,
    GC_METRIC_COUNT
};

struct gc_metric_info {
    const char *name;           /* in JSON; the unit is its last word */
    const char *title;          /* for people, without the unit */
    const char *unit;           /* of the figures that people read */
    const char *better, *worse; /* the verdicts */
    bool is_rate;               /* more is better */
    bool is_compared;           /* `gclab compare` has a row for it */

    /* Three digits or so, in `unit`. */
    void (*write)(char cell[GC_CELL], double value);
};

extern const struct gc_metric_info gc_metrics[GC_METRIC_COUNT];

/* In the unit of the name; NaN where it was not measured. A stop that did not happen took 0. */
double gc_metric_value(const struct gc_result *result, enum gc_metric metric);

/* The same of a metric's name, or of the member at a path (results.h). */
double gc_metric_value_named(const struct gc_result *result, const char *name);

/* The verdict on two intervals of this metric, and on that of a ratio candidate / base. */
enum gc_verdict gc_metric_verdict(
        enum gc_metric metric, struct gc_interval candidate, struct gc_interval base);
enum gc_verdict gc_metric_verdict_of_ratio(
        enum gc_metric metric, struct gc_interval ratio);

/* "faster", "more", "no claim": as this metric's words have it. */
const char *gc_metric_word(enum gc_metric metric, enum gc_verdict verdict);

#endif
