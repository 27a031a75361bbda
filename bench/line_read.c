/* SPDX-License-Identifier: MIT */
/* line_read.c - one sample back from its line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/line.h"

static bool read_outcome(const json_t *line, struct gc_sample *sample)
{
    const char *outcome = gc_json_find_text(line, "outcome");
    const char *message = gc_json_find_text(line, "message");
    if (message != NULL)
        snprintf(sample->message, sizeof(sample->message), "%s", message);
    for (int i = 0; outcome != NULL && i < GC_OUTCOME_COUNT; i++) {
        if (strcmp(gc_outcome_names[i], outcome) != 0) continue;
        sample->outcome = (enum gc_outcome)i;
        return true;
    }
    return false;
}

static void read_percentiles(const json_t *from, struct gc_percentiles *percentiles)
{
    struct gc_percentiles *p = percentiles;
    p->has_p50 = gc_json_find_number(from, "p50_ns", &p->p50_ns);
    p->has_p90 = gc_json_find_number(from, "p90_ns", &p->p90_ns);
    p->has_p99 = gc_json_find_number(from, "p99_ns", &p->p99_ns);
    p->has_p999 = gc_json_find_number(from, "p999_ns", &p->p999_ns);
}

static void read_stalls(const json_t *stalls, struct gc_measured *measured)
{
    struct gc_sample *sample = &measured->sample;
    const char *name;
    json_t *from;
    json_object_foreach((json_t *)(uintptr_t)stalls, name, from)
    {
        if (sample->stall_count == GC_SAMPLE_STALLS) return;
        struct gc_stall_summary *stall = &sample->stalls[sample->stall_count];
        snprintf(measured->stall_names[sample->stall_count], GC_STALL_NAME, "%s", name);
        gc_json_find_number(from, "count", &stall->count);
        gc_json_find_number(from, "total_ns", &stall->total_ns);
        gc_json_find_number(from, "max_ns", &stall->max_ns);
        gc_json_find_number(from, "total_work", &stall->total_work);
        gc_json_find_number(from, "max_work", &stall->max_work);
        read_percentiles(from, &stall->percentiles);
        sample->stall_count++;
    }
}

bool gc_line_read(const json_t *line, struct gc_measured *ret_measured)
{
    struct gc_measured *m = ret_measured;
    struct gc_sample *s = &m->sample;
    memset(m, 0, sizeof(*m));
    if (!read_outcome(line, s)) return false;
    const char *started = gc_json_find_text(line, "started");
    const char *checksum = gc_json_find_text(line, "checksum");
    snprintf(m->started, sizeof(m->started), "%s", started != NULL ? started : "");
    s->checksum = checksum != NULL ? strtoull(checksum, NULL, 16) : 0;
    m->is_measured = gc_json_find_number(line, "wall_ns", &s->wall_ns);
    m->is_partial = s->outcome == GC_OUTCOME_OUT_OF_MEMORY;
    gc_json_find_number(line, "cpu_ns", &s->cpu_ns);
    s->has_cpu_roles =
            gc_json_find_number(line, "mutator_cpu_ns", &s->mutator_cpu_ns) &&
            gc_json_find_number(line, "collector_cpu_ns", &s->collector_cpu_ns);
    gc_json_find_number(line, "ops", &s->ops);
    read_stalls(json_object_get(line, "stalls"), m);
    const json_t *latency = json_object_get(line, "latency");
    gc_json_find_number(latency, "count", &s->latency.count);
    gc_json_find_number(latency, "max_ns", &s->latency.max_ns);
    read_percentiles(latency, &s->latency.percentiles);
    gc_json_find_number(line, "peak_heap_bytes", &s->peak_heap_bytes);
    m->has_rss = gc_json_find_number(line, "peak_rss_bytes", &s->peak_rss_bytes);
    gc_json_find_number(line, "collections", &s->collections);
    gc_json_find_number(line, "allocated_objects", &s->allocated_objects);
    gc_json_find_number(line, "reclaimed", &s->reclaimed);
    s->has_planted = gc_json_find_number(line, "planted", &s->planted);
    gc_json_find_number(line, "floating", &s->floating);
    gc_measured_own_names(m);
    return true;
}
