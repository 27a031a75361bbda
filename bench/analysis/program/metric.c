/* SPDX-License-Identifier: MIT */
/* metric.c - what samples are compared by. */
#include "bench/analysis/program/metric.h"

#include <math.h>
#include <string.h>

#define SPEED .better = "faster", .worse = "slower"
#define TIME  .better = "shorter", .worse = "longer"
#define USE   .better = "less", .worse = "more"

/* Requests take a thousandth of what stops do. */
static void write_us(char cell[GC_CELL], double ns)
{
    gc_text_ms(cell, ns * 1000);
}

const struct gc_metric_info gc_metrics[GC_METRIC_COUNT] = {
    [GC_METRIC_WALL] = { "wall_ns", "wall time", "ms", SPEED, false, true, gc_text_ms },
    [GC_METRIC_THROUGHPUT] = { "throughput_per_s", "throughput", "1/s", SPEED, true, true,
            gc_text_si },
    [GC_METRIC_COLLECTOR_CPU] = { "collector_cpu_ns", "collector CPU", "ms", USE, false,
            true, gc_text_ms },
    [GC_METRIC_PEAK_HEAP] = { "peak_heap_bytes", "peak heap", "bytes", USE, false, true,
            gc_text_bytes },
    [GC_METRIC_LONGEST_STOP] = { "longest_stop_ns", "longest stop", "ms", TIME, false,
            true, gc_text_ms },
    [GC_METRIC_STOP_P99] = { "stop_p99_ns", "stop p99", "ms", TIME, false, false,
            gc_text_ms },
    [GC_METRIC_LONGEST_STALL] = { "longest_stall_ns", "longest stall", "ms", TIME, false,
            true, gc_text_ms },
    [GC_METRIC_LATENCY_P99] = { "latency_p99_ns", "request p99", "us", SPEED, false, true,
            write_us },
};

static double throughput(const struct gc_result *result)
{
    double ns = gc_result_number(result, "wall_ns");
    return ns > 0 ? gc_result_number(result, "ops") / (ns / 1e9) : NAN;
}

/* Of one cause; 0 where it was looked for and did not happen. */
static double longest_of(const json_t *cause)
{
    const json_t *count = json_object_get(cause, "count");
    const json_t *most = json_object_get(cause, "max_ns");
    if (json_is_number(most)) return json_number_value(most);
    return json_is_number(count) && json_number_value(count) == 0 ? 0 : NAN;
}

static double longest_stall(const struct gc_result *result)
{
    const json_t *stalls = gc_result_member(result, "stalls");
    double longest = NAN;
    const char *name;
    json_t *cause;
    json_object_foreach((json_t *)(uintptr_t)stalls, name, cause)
    {
        double ns = longest_of(cause);
        if (isnan(ns)) return NAN;
        if (!(ns <= longest)) longest = ns;
    }
    return longest;
}

double gc_metric_value(const struct gc_result *result, enum gc_metric metric)
{
    if (result->counts) return NAN; /* slower than what is timed */
    switch (metric) {
    case GC_METRIC_THROUGHPUT:
        return throughput(result);
    case GC_METRIC_LONGEST_STOP:
        return longest_of(gc_result_member(result, "stalls.stop"));
    case GC_METRIC_STOP_P99:
        return gc_result_number(result, "stalls.stop.p99_ns");
    case GC_METRIC_LONGEST_STALL:
        return longest_stall(result);
    case GC_METRIC_LATENCY_P99:
        return gc_result_number(result, "latency.p99_ns");
    case GC_METRIC_WALL:
    case GC_METRIC_COLLECTOR_CPU:
    case GC_METRIC_PEAK_HEAP:
    case GC_METRIC_COUNT:
        break;
    }
    return gc_result_number(result, gc_metrics[metric].name);
}

double gc_metric_value_named(const struct gc_result *result, const char *name)
{
    for (int metric = 0; metric < GC_METRIC_COUNT; metric++)
        if (strcmp(gc_metrics[metric].name, name) == 0)
            return gc_metric_value(result, (enum gc_metric)metric);
    return gc_result_number(result, name);
}

enum gc_verdict gc_metric_verdict(
        enum gc_metric metric, struct gc_interval candidate, struct gc_interval base)
{
    return gc_metrics[metric].is_rate ? gc_verdict_of_times(base, candidate)
                                      : gc_verdict_of_times(candidate, base);
}

enum gc_verdict gc_metric_verdict_of_ratio(
        enum gc_metric metric, struct gc_interval ratio)
{
    enum gc_verdict verdict = gc_verdict_of_ratio(ratio);
    if (!gc_metrics[metric].is_rate || verdict == GC_VERDICT_NO_CLAIM) return verdict;
    return verdict == GC_VERDICT_FASTER ? GC_VERDICT_SLOWER : GC_VERDICT_FASTER;
}

const char *gc_metric_word(enum gc_metric metric, enum gc_verdict verdict)
{
    if (verdict == GC_VERDICT_NO_CLAIM) return gc_verdict_word(verdict);
    return verdict == GC_VERDICT_FASTER ? gc_metrics[metric].better
                                        : gc_metrics[metric].worse;
}
