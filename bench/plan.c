/* SPDX-License-Identifier: MIT */
/* plan.c - what a run is to measure, and what it has measured so far. */
#include "bench/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/plugins.h"
#include "bench/text.h"

enum { THREADS_MAX = 4096 };

uint32_t gc_plan_count(const struct gc_plan *plan)
{
    return plan->workload_count * plan->thread_count * plan->processes *
           plan->collector_count;
}

struct gc_place gc_plan_place(const struct gc_plan *plan, uint32_t number)
{
    struct gc_place place;
    place.collector = number % plan->collector_count;
    number /= plan->collector_count;
    place.process = number % plan->processes;
    number /= plan->processes;
    place.threads = number % plan->thread_count;
    place.workload = number / plan->thread_count;
    return place;
}

uint32_t gc_plan_number(const struct gc_plan *plan, struct gc_place place)
{
    uint32_t number = place.workload * plan->thread_count + place.threads;
    number = number * plan->processes + place.process;
    return number * plan->collector_count + place.collector;
}

static const struct gc_workload *find_workload(
        const struct gc_plan *plan, const char *name, const char *protocol)
{
    return plan->count_ops ? gc_workload_find_counting(gc_workloads(), name, protocol)
                           : gc_workload_find(gc_workloads(), name, protocol);
}

/* Also where the folders of plugins have to be searched for it. */
static bool has_workload(
        const struct gc_plan *plan, const char *name, const char *protocol)
{
    if (find_workload(plan, name, protocol) != NULL) return true;
    gc_plugins_scan();
    return find_workload(plan, name, protocol) != NULL;
}

struct gc_job gc_plan_job(const struct gc_plan *plan, struct gc_place place)
{
    const struct gc_workload_spec *spec = &plan->workloads[place.workload];
    const struct gc_collector_spec *collector = &plan->collectors[place.collector];
    return (struct gc_job){
        .collector = collector,
        .spec = spec,
        .workload = find_workload(plan, spec->name, collector->protocol_name),
        .threads = plan->threads[place.threads],
        .heap_limit = plan->heap_limit,
        .seed = plan->seed,
        .weak = spec->has_scale ? spec->weak : plan->weak,
        .checks = plan->checks,
        .timeout_ns = plan->timeout_ns,
    };
}

int gc_plan_add_collector(struct gc_plan *plan, const char *text)
{
    struct gc_collector_spec spec;
    int status = gc_collector_spec_parse(text, &spec);
    if (status != GC_EXIT_OK) return status;
    for (uint32_t i = 0; i < plan->collector_count; i++) {
        if (strcmp(plan->collectors[i].label, spec.label) != 0) continue;
        status = gc_complain(GC_EXIT_USAGE, "collector '%s' is given twice", spec.label);
        gc_collector_spec_finish(&spec);
        return status;
    }
    plan->collectors = gc_need_more(
            plan->collectors, (plan->collector_count + 1) * sizeof(*plan->collectors));
    plan->collectors[plan->collector_count++] = spec;
    return GC_EXIT_OK;
}

int gc_plan_add_workload(struct gc_plan *plan, const char *text)
{
    struct gc_workload_spec spec;
    int status = gc_workload_spec_parse(text, &spec);
    if (status != GC_EXIT_OK) return status;
    for (uint32_t i = 0; i < plan->workload_count; i++) {
        const struct gc_workload_spec *other = &plan->workloads[i];
        if (strcmp(other->label, spec.label) != 0) continue;
        if (other->has_scale != spec.has_scale || other->weak != spec.weak) continue;
        status = gc_complain(GC_EXIT_USAGE, "workload '%s' is given twice", spec.label);
        gc_workload_spec_finish(&spec);
        return status;
    }
    plan->workloads = gc_need_more(
            plan->workloads, (plan->workload_count + 1) * sizeof(*plan->workloads));
    plan->workloads[plan->workload_count++] = spec;
    return GC_EXIT_OK;
}

static int add_thread_count(struct gc_plan *plan, uint32_t threads)
{
    for (uint32_t i = 0; i < plan->thread_count; i++)
        if (plan->threads[i] == threads)
            return gc_complain(
                    GC_EXIT_USAGE, "-t: %" PRIu32 " threads are given twice", threads);
    plan->threads = gc_need_more(
            plan->threads, (plan->thread_count + 1) * sizeof(*plan->threads));
    plan->threads[plan->thread_count++] = threads;
    return GC_EXIT_OK;
}

int gc_plan_add_threads(struct gc_plan *plan, const char *list)
{
    const char *at = list;
    for (;;) {
        uint32_t value = 0;
        const char *first = at;
        for (; *at >= '0' && *at <= '9' && value <= THREADS_MAX; at++)
            value = value * 10 + (uint32_t)(*at - '0');
        if (at == first || (*at != ',' && *at != '\0') || value < 1 ||
                value > THREADS_MAX)
            return gc_complain(GC_EXIT_USAGE,
                    "-t %s: it takes numbers of threads from 1 to %d, as in 1,2,4", list,
                    THREADS_MAX);
        int status = add_thread_count(plan, value);
        if (status != GC_EXIT_OK) return status;
        if (*at == '\0') return GC_EXIT_OK;
        at++;
    }
}

int gc_plan_complete(struct gc_plan *plan)
{
    for (uint32_t w = 0; w < plan->workload_count; w++) {
        for (uint32_t c = 0; c < plan->collector_count; c++) {
            const char *name = plan->workloads[w].name;
            const char *protocol = plan->collectors[c].protocol_name;
            if (!has_workload(plan, name, protocol))
                return gc_complain(GC_EXIT_USAGE,
                        "workload '%s' is not compiled for protocol '%s' (collector "
                        "'%s')%s",
                        name, protocol, plan->collectors[c].label,
                        plan->count_ops ? " with its operations counted" : "");
            struct gc_error error;
            if (plan->checks > 0 &&
                    gc_trial_check_possible(plan->collectors[c].collector,
                            find_workload(plan, name, protocol), &error) != 0)
                return gc_complain(GC_EXIT_USAGE, "--checks: %s", error.text);
        }
    }
    uint64_t count = (uint64_t)plan->workload_count * plan->thread_count *
                     plan->processes * plan->collector_count;
    if (count > 1000000)
        return gc_complain(GC_EXIT_USAGE, "%" PRIu64 " samples are too many", count);
    plan->results = gc_need(count * sizeof(struct gc_measured *));
    return GC_EXIT_OK;
}

void gc_plan_finish(struct gc_plan *plan)
{
    for (uint32_t i = 0; plan->results != NULL && i < gc_plan_count(plan); i++)
        free(plan->results[i]);
    for (uint32_t i = 0; i < plan->collector_count; i++)
        gc_collector_spec_finish(&plan->collectors[i]);
    for (uint32_t i = 0; i < plan->workload_count; i++)
        gc_workload_spec_finish(&plan->workloads[i]);
    free(plan->results);
    free(plan->collectors);
    free(plan->workloads);
    free(plan->threads);
    memset(plan, 0, sizeof(*plan));
}

void gc_plan_compare(struct gc_plan *plan, uint32_t number)
{
    struct gc_sample *sample = &plan->results[number]->sample;
    struct gc_place place = gc_plan_place(plan, number);
    if (sample->outcome != GC_OUTCOME_OK ||
            !plan->workloads[place.workload].some->race_free)
        return;
    struct gc_place first = { .workload = place.workload, .threads = place.threads };
    for (uint32_t i = gc_plan_number(plan, first); i < number; i++) {
        if (plan->results[i] == NULL) continue;
        const struct gc_sample *other = &plan->results[i]->sample;
        if (other->outcome != GC_OUTCOME_OK) continue;
        if (other->checksum == sample->checksum) return;
        sample->outcome = GC_OUTCOME_WRONG_RESULT;
        snprintf(sample->message, sizeof(sample->message),
                "its checksum is %016" PRIx64 ", but that of %s is %016" PRIx64,
                sample->checksum,
                plan->collectors[gc_plan_place(plan, i).collector].label,
                other->checksum);
        return;
    }
}
