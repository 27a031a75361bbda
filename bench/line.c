/* SPDX-License-Identifier: MIT */
/* line.c - one sample as one line of JSON.
 *
 * What was not measured is null: everything of a sample that ended badly, and of one that
 * ran out of memory what is known at the end only. Where operations are counted that is
 * every time.
 */
#include "bench/line.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/json.h"
#include "bench/text.h"

static void write_request(
        struct gc_json *json, const struct gc_plan *plan, uint32_t number)
{
    struct gc_place place = gc_plan_place(plan, number);
    struct gc_job job = gc_plan_job(plan, place);
    gc_json_number(json, "schema", GC_LINE_SCHEMA);
    gc_json_text(json, "started", plan->results[number]->started);
    gc_json_text(json, "collector", job.collector->info.name);
    gc_json_text(json, "protocol", job.collector->protocol_name);
    gc_json_text(json, "options", job.collector->options);
    gc_json_text(json, "workload", job.spec->name);
    gc_json_text(json, "workload_options", job.spec->options);
    gc_json_text(json, "scale", job.weak ? "weak" : "fixed");
    gc_json_number(json, "threads", job.threads);
    gc_json_number_if(json, "heap_limit", job.heap_limit > 0, job.heap_limit);
    gc_json_real(json, "heap_factor",
            plan->heaps[place.heap].factor > 0 ? plan->heaps[place.heap].factor : NAN);
    gc_json_number(json, "seed", job.seed);
    gc_json_number(json, "process", place.process);
    gc_json_text(json, "pin", job.pin != GC_PIN_NONE ? gc_pin_names[job.pin] : NULL);
    gc_json_bool(json, "in_process", plan->in_process);
    gc_json_bool(json, "count_ops", plan->count_ops);
}

static void write_percentiles(
        struct gc_json *json, const struct gc_percentiles *percentiles, bool timed)
{
    const struct gc_percentiles *p = percentiles;
    gc_json_number_if(json, "p50_ns", timed && p->has_p50, p->p50_ns);
    gc_json_number_if(json, "p90_ns", timed && p->has_p90, p->p90_ns);
    gc_json_number_if(json, "p99_ns", timed && p->has_p99, p->p99_ns);
    gc_json_number_if(json, "p999_ns", timed && p->has_p999, p->p999_ns);
}

static void write_stalls(
        struct gc_json *json, const struct gc_sample *sample, bool is_measured)
{
    if (!is_measured || sample->stall_count == 0) {
        gc_json_null(json, "stalls");
        return;
    }
    bool timed = !sample->has_operations;
    gc_json_begin(json, "stalls");
    for (uint32_t i = 0; i < sample->stall_count; i++) {
        const struct gc_stall_summary *stall = &sample->stalls[i];
        bool any = stall->count > 0; /* a maximum of nothing is none */
        gc_json_begin(json, stall->cause);
        gc_json_number(json, "count", stall->count);
        gc_json_number_if(json, "total_ns", timed, stall->total_ns);
        gc_json_number_if(json, "max_ns", timed && any, stall->max_ns);
        gc_json_number(json, "total_work", stall->total_work);
        gc_json_number_if(json, "max_work", any, stall->max_work);
        write_percentiles(json, &stall->percentiles, timed);
        gc_json_end(json);
    }
    gc_json_end(json);
}

static void write_latency(struct gc_json *json, const struct gc_sample *sample,
        const char *request, bool is_measured)
{
    const struct gc_latency_summary *latency = &sample->latency;
    if (!is_measured || request == NULL || latency->count == 0) {
        gc_json_null(json, "latency");
        return;
    }
    bool timed = !sample->has_operations;
    gc_json_begin(json, "latency");
    gc_json_text(json, "of", request);
    gc_json_number(json, "count", latency->count);
    gc_json_number_if(json, "max_ns", timed, latency->max_ns);
    write_percentiles(json, &latency->percentiles, timed);
    gc_json_end(json);
}

static void write_counters(
        struct gc_json *json, const struct gc_sample *sample, bool is_measured)
{
    if (!is_measured || sample->counter_count == 0) {
        gc_json_null(json, "counters");
        return;
    }
    gc_json_begin(json, "counters");
    for (uint32_t i = 0; i < sample->counter_count; i++) {
        const char *name = sample->counters[i].name;
        size_t length = strlen(name);
        bool is_time = length > 3 && strcmp(name + length - 3, "_ns") == 0;
        gc_json_number_if(json, name, !is_time || !sample->has_operations,
                sample->counters[i].value);
    }
    gc_json_end(json);
}

static void write_operations(
        struct gc_json *json, const struct gc_sample *sample, bool is_measured)
{
    if (!is_measured || !sample->has_operations) {
        gc_json_null(json, "operations");
        return;
    }
    gc_json_begin(json, "operations");
    for (int i = 0; i < GC_OPERATION_COUNT; i++)
        gc_json_number(json, gc_operation_names[i], sample->operations[i]);
    gc_json_end(json);
}

static void write_checks(
        struct gc_json *json, const struct gc_sample *sample, bool is_measured)
{
    if (!is_measured || sample->check_count == 0) {
        gc_json_null(json, "checks");
        return;
    }
    gc_json_begin_array(json, "checks");
    for (uint32_t i = 0; i < sample->check_count; i++) {
        const struct gc_check *check = &sample->checks[i];
        gc_json_begin(json, NULL);
        gc_json_number(json, "at_ns", check->at_ns);
        gc_json_number(json, "expected_objects", check->expected.objects);
        gc_json_number(json, "expected_bytes", check->expected.bytes);
        gc_json_number(json, "live_objects", check->live.objects);
        gc_json_number(json, "live_bytes", check->live.bytes);
        gc_json_number_if(json, "rss_bytes", check->rss_bytes > 0, check->rss_bytes);
        gc_json_end(json);
    }
    gc_json_end_array(json);
}

static void write_result(struct gc_json *json, const struct gc_measured *measured,
        const struct gc_workload *workload)
{
    const struct gc_sample *s = &measured->sample;
    bool some = measured->is_measured, all = some && !measured->is_partial;
    bool timed = some && !s->has_operations; /* the variant that counts is slower */
    bool roles = timed && s->has_cpu_roles, planted = all && s->has_planted;
    char checksum[GC_CELL];
    snprintf(checksum, sizeof(checksum), "%016" PRIx64, s->checksum);
    gc_json_text(json, "outcome", gc_outcome_names[s->outcome]);
    gc_json_text(json, "message", s->message[0] != '\0' ? s->message : NULL);
    gc_json_text(json, "checksum", all ? checksum : NULL);
    gc_json_number_if(json, "wall_ns", timed, s->wall_ns);
    gc_json_number_if(json, "cpu_ns", timed, s->cpu_ns);
    gc_json_number_if(json, "mutator_cpu_ns", roles, s->mutator_cpu_ns);
    gc_json_number_if(json, "collector_cpu_ns", roles, s->collector_cpu_ns);
    gc_json_number_if(json, "ops", all, s->ops);
    gc_json_text(json, "unit", workload->unit);
    write_stalls(json, s, some);
    write_latency(json, s, workload->request, some);
    gc_json_number_if(json, "peak_heap_bytes", some, s->peak_heap_bytes);
    gc_json_number_if(
            json, "peak_rss_bytes", some && measured->has_rss, s->peak_rss_bytes);
    write_counters(json, s, some);
    write_operations(json, s, some);
    gc_json_number_if(json, "collections", some, s->collections);
    gc_json_number_if(json, "allocated_objects", some, s->allocated_objects);
    gc_json_number_if(json, "reclaimed", all, s->reclaimed);
    gc_json_number_if(json, "planted", planted, s->planted);
    gc_json_number_if(json, "floating", all, s->floating);
    write_checks(json, s, some);
}

/* All of it, or nothing: of a file that takes no more, what it did take is taken back. */
static int write_whole(int fd, const char *text, size_t length)
{
    struct stat before, after;
    bool is_file = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
    for (size_t done = 0; done < length;) {
        ssize_t n = write(fd, text + done, length - done);
        if (n < 0 && errno == EINTR) continue;
        if (n > 0) {
            done += (size_t)n;
            continue;
        }
        int error = n < 0 ? errno : EIO;
        bool is_ours = is_file && fstat(fd, &after) == 0 &&
                       after.st_size == before.st_size + (off_t)done;
        if (is_ours && ftruncate(fd, before.st_size) != 0) return -errno;
        return -error;
    }
    return 0;
}

static void write_cell(struct gc_json *json, const struct gc_line_cell *cell,
        const struct gc_measured *measured)
{
    if (cell == NULL) return;
    gc_json_text(json, "experiment", cell->experiment);
    gc_json_bool(json, "quick", cell->is_quick);
    gc_json_text(json, "cell", cell->cell);
    gc_json_text(json, "block", cell->block);
    gc_json_text(json, "build", cell->build);
    gc_json_text(json, "disturbed",
            measured->disturbed[0] != '\0' ? measured->disturbed : NULL);
}

int gc_line_write(int fd, const struct gc_plan *plan, uint32_t number,
        const struct gc_environment *environment, const struct gc_line_cell *cell)
{
    const struct gc_measured *measured = plan->results[number];
    char *text = NULL;
    size_t length = 0;
    struct gc_json json = { .file = open_memstream(&text, &length) };
    if (json.file == NULL) return -errno;
    gc_json_begin(&json, NULL);
    write_request(&json, plan, number);
    write_cell(&json, cell, measured);
    write_result(
            &json, measured, plan->workloads[gc_plan_place(plan, number).workload].some);
    gc_environment_write(environment, measured->has_steal, measured->steal, &json);
    gc_json_end(&json);
    fputc('\n', json.file);
    int result = fclose(json.file) != 0 ? -errno : 0;
    if (result == 0) result = write_whole(fd, text, length);
    free(text);
    return result;
}
