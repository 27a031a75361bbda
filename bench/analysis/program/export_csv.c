/* SPDX-License-Identifier: MIT */
/* export_csv.c - samples as a table: one row a sample, one column a field.
 *
 * The columns are the same whatever the samples are, in this order; behind them stand those
 * that only some collectors have: counters and operations, by their names, as they first
 * occur. What was not measured is an empty cell. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/analysis/program/export.h"
#include "bench/analysis/program/metric.h"
#include "bench/command.h"
#include "bench/text.h"

static const struct field {
    const char *name, *unit, *meaning;
    const char *path; /* in a line; NULL: as the name. "=": a metric of that name */
} fields[] = {
    { "schema", "", "version of the line", NULL },
    { "experiment", "", "of a sweep: its name", NULL },
    { "quick", "", "true: in its quick form, which is not for publication", NULL },
    { "cell", "", "what a sweep calls this sample; empty outside of one", NULL },
    { "block", "", "part of a sweep that was measured together", NULL },
    { "build", "", "build of the program that the sample ran in, in a sweep", NULL },
    { "disturbed", "", "what a sweep noticed on the machine meanwhile", NULL },
    { "started", "UTC", "when the process of the sample began", NULL },
    { "collector", "", "its name", NULL },
    { "protocol", "", "the protocol that its mutators followed", NULL },
    { "options", "", "of the collector, name=value with colons between", NULL },
    { "workload", "", "its name", NULL },
    { "workload_options", "", "of the workload, name=value with colons between", NULL },
    { "scale", "", "fixed: threads share the work; weak: each does the whole", NULL },
    { "threads", "", "number of mutator threads", NULL },
    { "heap_limit_bytes", "bytes", "hard limit of the heap; empty: none", "heap_limit" },
    { "heap_factor", "", "the limit as a multiple of the smallest one that is enough",
            NULL },
    { "seed", "", "of the workload", NULL },
    { "process", "", "number of the process among its like, from 0", NULL },
    { "in_process", "", "true: not in a process of its own", NULL },
    { "count_ops", "", "true: operations were counted and no time was taken", NULL },
    { "outcome", "", "ok, wrong result, out of memory, crash, timeout or failed", NULL },
    { "message", "", "what went wrong", NULL },
    { "checksum", "hex", "of the workload's result", NULL },
    { "wall_ns", "ns", "from the start of all threads to the end of the last", NULL },
    { "cpu_ns", "ns", "CPU time of the process meanwhile", NULL },
    { "mutator_cpu_ns", "ns", "of it: of mutators, outside of collections", NULL },
    { "collector_cpu_ns", "ns", "of it: of collections, on whatever thread", NULL },
    { "ops", "", "operations of the workload, all threads", NULL },
    { "unit", "", "what an operation is", NULL },
    { "throughput_per_s", "1/s", "ops / wall time", "=" },
    { "longest_stall_ns", "ns", "longest stall of any cause; 0: there was none", "=" },
    { "latency_of", "", "what a request is, where the workload times some",
            "latency.of" },
    { "latency_count", "", "requests that were timed", "latency.count" },
    { "latency_p50_ns", "ns", "median time of a request", "latency.p50_ns" },
    { "latency_p90_ns", "ns", "90 % of requests took at most that", "latency.p90_ns" },
    { "latency_p99_ns", "ns", "99 % of requests took at most that", "latency.p99_ns" },
    { "latency_p999_ns", "ns", "99.9 % of requests took at most that",
            "latency.p999_ns" },
    { "latency_max_ns", "ns", "the slowest request", "latency.max_ns" },
    { "peak_heap_bytes", "bytes", "largest heap during the run", NULL },
    { "peak_rss_bytes", "bytes", "largest resident set during the run", NULL },
    { "collections", "", "collections during the run", NULL },
    { "allocated_objects", "", "objects made during the run", NULL },
    { "reclaimed", "", "objects freed, after quiescence", NULL },
    { "planted", "", "objects that became garbage, where the workload knows", NULL },
    { "floating", "", "unreachable and not yet freed when the run ended", NULL },
    { "gclab_version", "", "of the program", "environment.gclab_version" },
    { "check_level", "", "of the build; figures above 0 are not to be reported",
            "environment.check_level" },
    { "compiler", "", "that the program was built by", "environment.compiler" },
    { "build_type", "", "of the program", "environment.build_type" },
    { "kernel", "", "of the machine", "environment.kernel" },
    { "machine", "", "its architecture", "environment.machine" },
    { "cpu", "", "its model", "environment.cpu" },
    { "cpus_online", "", "CPUs of the machine", "environment.cpus_online" },
    { "cpus_allowed", "", "CPUs that the process could use", "environment.cpus_allowed" },
    { "load_at_start", "", "load average before the first sample",
            "environment.load_at_start" },
    { "governor", "", "of the frequency of CPUs", "environment.governor" },
    { "aslr", "", "address layout randomisation, as the kernel numbers it",
            "environment.aslr" },
    { "transparent_huge_pages", "", "the kernel's setting",
            "environment.transparent_huge_pages" },
    { "clock_source", "", "of the kernel", "environment.clock_source" },
    { "steal_ticks", "ticks", "taken by a hypervisor during the sample",
            "environment.steal_ticks" },
};

static const struct cause {
    const char *name, *meaning;
} causes[] = {
    { "stop", "the world was stopped" },
    { "handshake", "a handshake ran" },
    { "cascade", "one decrement freed many objects" },
    { "collection", "a collection worked while the world ran" },
    { "allocation", "an allocation waited for memory" },
    { "barrier", "a barrier took its slow path" },
    { "lock", "a lock of the runtime was awaited" },
    { "backpressure", "a log was full, or a collection behind" },
};

static const struct figure {
    const char *name, *unit, *meaning;
} figures[] = {
    { "count", "", "number of stalls" },
    { "total_ns", "ns", "time of all stalls, summed over mutators" },
    { "p50_ns", "ns", "median stall" },
    { "p90_ns", "ns", "90 % of stalls took at most that" },
    { "p99_ns", "ns", "99 % of stalls took at most that" },
    { "p999_ns", "ns", "99.9 % of stalls took at most that" },
    { "max_ns", "ns", "longest stall" },
};

enum {
    FIELDS = sizeof(fields) / sizeof(*fields),
    CAUSES = sizeof(causes) / sizeof(*causes),
    FIGURES = sizeof(figures) / sizeof(*figures),
};

static void put_text(FILE *file, const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"') fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

/* What is neither a number nor a text, as a sweep's reasons may be, is its JSON. */
static void put_json(FILE *file, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text != NULL) put_text(file, text);
    free(text);
}

static void put_value(FILE *file, const json_t *value)
{
    if (value == NULL || json_is_null(value)) return;
    if (json_is_string(value))
        put_text(file, json_string_value(value));
    else if (json_is_integer(value))
        fprintf(file, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        fprintf(file, "%.15g", json_real_value(value));
    else
        put_json(file, value);
}

static void put_metric(FILE *file, const struct gc_result *result, const char *name)
{
    for (int metric = 0; metric < GC_METRIC_COUNT; metric++) {
        if (strcmp(gc_metrics[metric].name, name) != 0) continue;
        double value = gc_metric_value(result, (enum gc_metric)metric);
        if (isfinite(value)) fprintf(file, "%.15g", value);
    }
}

static void put_field(
        FILE *file, const struct gc_result *result, const struct field *field)
{
    if (field->path != NULL && strcmp(field->path, "=") == 0)
        put_metric(file, result, field->name);
    else
        put_value(file, gc_result_member(
                                result, field->path != NULL ? field->path : field->name));
}

/* Names of the members of an object that any sample has, as they first occur. */
static json_t *names_of(const struct gc_results *results, const char *path)
{
    json_t *names = json_object();
    for (size_t i = 0; i < results->count; i++) {
        const json_t *object = gc_result_member(&results->items[i], path);
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)object, name, value)
                json_object_set_new(names, name, json_true());
    }
    return names;
}

/* `prefix` is NULL: their values in one sample. */
static void put_members(FILE *file, json_t *names, const char *prefix,
        const struct gc_result *result, const char *path)
{
    const char *name;
    json_t *unused;
    json_object_foreach(names, name, unused)
    {
        fputc(',', file);
        if (prefix != NULL) {
            char *whole = gc_need_text("%s_%s", prefix, name);
            put_text(file, whole);
            free(whole);
        } else {
            put_value(file, json_object_get(gc_result_member(result, path), name));
        }
    }
}

static void put_heading(FILE *file, json_t *counters, json_t *operations)
{
    for (size_t i = 0; i < FIELDS; i++)
        fprintf(file, "%s%s", i > 0 ? "," : "", fields[i].name);
    for (size_t c = 0; c < CAUSES; c++)
        for (size_t f = 0; f < FIGURES; f++)
            fprintf(file, ",%s_%s", causes[c].name, figures[f].name);
    put_members(file, counters, "counter", NULL, NULL);
    put_members(file, operations, "operation", NULL, NULL);
    fputc('\n', file);
}

static void put_row(
        FILE *file, const struct gc_result *result, json_t *counters, json_t *operations)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (i > 0) fputc(',', file);
        put_field(file, result, &fields[i]);
    }
    for (size_t c = 0; c < CAUSES; c++) {
        char path[64];
        snprintf(path, sizeof(path), "stalls.%s", causes[c].name);
        const json_t *cause = gc_result_member(result, path);
        for (size_t f = 0; f < FIGURES; f++) {
            fputc(',', file);
            put_value(file, json_object_get(cause, figures[f].name));
        }
    }
    put_members(file, counters, NULL, result, "counters");
    put_members(file, operations, NULL, result, "operations");
    fputc('\n', file);
}

int gc_export_csv(const struct gc_results *results, const char *name, FILE *file)
{
    (void)name;
    json_t *counters = names_of(results, "counters");
    json_t *operations = names_of(results, "operations");
    put_heading(file, counters, operations);
    for (size_t i = 0; i < results->count; i++)
        put_row(file, &results->items[i], counters, operations);
    json_decref(counters);
    json_decref(operations);
    return GC_EXIT_OK;
}

static void put_schema_row(
        FILE *file, const char *name, const char *unit, const char *meaning)
{
    fprintf(file, "%s,%s,", name, unit);
    put_text(file, meaning);
    fputc('\n', file);
}

void gc_export_csv_schema(FILE *file)
{
    fputs("field,unit,meaning\n", file);
    for (size_t i = 0; i < FIELDS; i++)
        put_schema_row(file, fields[i].name, fields[i].unit, fields[i].meaning);
    for (size_t c = 0; c < CAUSES; c++)
        for (size_t f = 0; f < FIGURES; f++) {
            char *name = gc_need_text("%s_%s", causes[c].name, figures[f].name);
            char *meaning =
                    gc_need_text("%s in which %s", figures[f].meaning, causes[c].meaning);
            put_schema_row(file, name, figures[f].unit, meaning);
            free(name);
            free(meaning);
        }
    put_schema_row(file, "counter_*", "",
            "a counter of the collector, by its name; ns where that ends in _ns");
    put_schema_row(file, "operation_*", "",
            "how often the workload asked for an operation, with --count-ops");
}
