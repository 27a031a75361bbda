/* SPDX-License-Identifier: MIT */
/* export_benchmark.c - samples as JSON of Google Benchmark, as its compare.py reads it.
 *
 * The names are those of gclab-benchmark: workload/collector@protocol/threads:N. A process is
 * a repetition, so that its test (of Mann and Whitney) is one of processes. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "bench/analysis/program/export.h"
#include "bench/analysis/program/kinds.h"
#include "bench/analysis/program/metric.h"
#include "bench/command.h"
#include "bench/json.h"
#include "bench/text.h"

static char *name_of(const struct gc_result *result)
{
    char *name = gc_need_text(
            "%s/%s/threads:%" PRIu32, result->program, result->spec, result->threads);
    if (result->heap_limit == 0) return name;
    char *longer = gc_need_text("%s/heap:%" PRIu64, name, result->heap_limit);
    free(name);
    return longer;
}

static uint64_t whole(double value)
{
    return value > 0 && value < 0x1p63 ? (uint64_t)value : 0;
}

static void write_context(struct gc_json *json, const struct gc_results *results)
{
    const struct gc_result *first = &results->items[0];
    const char *started = gc_result_text(first, "started");
    double cpus = gc_result_number(first, "environment.cpus_online");
    gc_json_begin(json, "context");
    gc_json_text(json, "date", started != NULL ? started : "");
    gc_json_text(json, "executable", "gclab");
    gc_json_number(json, "num_cpus", whole(cpus));
    gc_json_text(
            json, "library_build_type", first->check_level > 0 ? "debug" : "release");
    gc_json_number(json, "gclab_check", (uint64_t)first->check_level);
    gc_json_end(json);
}

static void write_counter(struct gc_json *json, const char *name,
        const struct gc_result *result, const char *path, double scale)
{
    double value = gc_result_number(result, path);
    if (isfinite(value)) gc_json_real(json, name, value * scale);
}

static void write_counters(struct gc_json *json, const struct gc_result *result)
{
    double rate = gc_metric_value(result, GC_METRIC_THROUGHPUT);
    if (isfinite(rate)) gc_json_real(json, "ops/s", rate);
    write_counter(json, "collections", result, "collections", 1);
    write_counter(json, "stops", result, "stalls.stop.count", 1);
    write_counter(json, "stop_p50_us", result, "stalls.stop.p50_ns", 1e-3);
    write_counter(json, "stop_p99_us", result, "stalls.stop.p99_ns", 1e-3);
    write_counter(json, "stop_max_us", result, "stalls.stop.max_ns", 1e-3);
    write_counter(json, "request_p99_us", result, "latency.p99_ns", 1e-3);
    write_counter(json, "collector_cpu_ms", result, "collector_cpu_ns", 1e-6);
    write_counter(json, "peak_heap_MiB", result, "peak_heap_bytes", 0x1p-20);
    write_counter(json, "peak_rss_MiB", result, "peak_rss_bytes", 0x1p-20);
    write_counter(json, "reclaimed", result, "reclaimed", 1);
}

static void write_sample(struct gc_json *json, const struct gc_result *result,
        const char *name, const struct gc_kind *kind)
{
    gc_json_begin(json, NULL);
    gc_json_text(json, "name", name);
    gc_json_number(json, "family_index", kind->number);
    gc_json_number(json, "per_family_instance_index", 0);
    gc_json_text(json, "run_name", name);
    gc_json_text(json, "run_type", "iteration");
    gc_json_number(json, "repetitions", kind->count);
    gc_json_number(json, "repetition_index", kind->index);
    gc_json_number(json, "threads", result->threads);
    if (!result->is_good) {
        const char *message = gc_result_text(result, "message");
        gc_json_bool(json, "error_occurred", true);
        gc_json_text(json, "error_message",
                message != NULL ? message : gc_result_text(result, "outcome"));
    }
    gc_json_number(json, "iterations", 1);
    gc_json_number(json, "real_time", whole(gc_result_number(result, "wall_ns")));
    gc_json_number(json, "cpu_time", whole(gc_result_number(result, "cpu_ns")));
    gc_json_text(json, "time_unit", "ns");
    write_counters(json, result);
    gc_json_end(json);
}

int gc_export_benchmark(const struct gc_results *results, const char *name, FILE *file)
{
    (void)name;
    char **names = gc_need(results->count * sizeof(*names));
    for (size_t i = 0; i < results->count; i++)
        if (!results->items[i].counts) names[i] = name_of(&results->items[i]);
    struct gc_kind *kinds = gc_kinds_of(names, results->count);
    struct gc_json json = { .file = file };
    gc_json_begin(&json, NULL);
    write_context(&json, results);
    gc_json_begin_array(&json, "benchmarks");
    for (size_t i = 0; i < results->count; i++)
        if (names[i] != NULL)
            write_sample(&json, &results->items[i], names[i], &kinds[i]);
    gc_json_end_array(&json);
    gc_json_end(&json);
    fputc('\n', file);
    for (size_t i = 0; i < results->count; i++)
        free(names[i]);
    free(names);
    free(kinds);
    return GC_EXIT_OK;
}
