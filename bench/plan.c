/* SPDX-License-Identifier: MIT */
/* plan.c - what a run is to measure, and what it has measured so far. */
#include "bench/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/plugins.h"
#include "bench/text.h"

enum { FACTOR_MAX = 1000, SAMPLES_MAX = 1000000 };

uint32_t gc_plan_count(const struct gc_plan *plan)
{
    return plan->heap_count * plan->workload_count * plan->thread_count *
           plan->seed_count * plan->processes * plan->collector_count;
}

/* The last digit of a number whose digits are of different bases, which is cut off. */
static uint32_t cut_digit(uint32_t *number, uint32_t base)
{
    uint32_t digit = *number % base;
    *number /= base;
    return digit;
}

struct gc_place gc_plan_place(const struct gc_plan *plan, uint32_t number)
{
    struct gc_place place;
    place.collector = cut_digit(&number, plan->collector_count);
    place.process = cut_digit(&number, plan->processes);
    place.seed = cut_digit(&number, plan->seed_count);
    place.threads = cut_digit(&number, plan->thread_count);
    place.workload = cut_digit(&number, plan->workload_count);
    place.heap = number;
    return place;
}

uint32_t gc_plan_number(const struct gc_plan *plan, struct gc_place place)
{
    uint32_t number = place.heap * plan->workload_count + place.workload;
    number = number * plan->thread_count + place.threads;
    number = number * plan->seed_count + place.seed;
    number = number * plan->processes + place.process;
    return number * plan->collector_count + place.collector;
}

uint64_t *gc_plan_minimum_heap(
        const struct gc_plan *plan, uint32_t workload, uint32_t threads)
{
    return &plan->minimum_heaps[workload * plan->thread_count + threads];
}

uint64_t gc_plan_heap_limit(const struct gc_plan *plan, struct gc_place place)
{
    const struct gc_heap_spec *heap = &plan->heaps[place.heap];
    if (heap->factor <= 0) return heap->bytes;
    double minimum = (double)*gc_plan_minimum_heap(plan, place.workload, place.threads);
    return (uint64_t)ceil(heap->factor * minimum / 1024) * 1024;
}

bool gc_plan_needs_minimum(const struct gc_plan *plan)
{
    bool has_factor = false;
    for (uint32_t h = 0; h < plan->heap_count; h++)
        has_factor = has_factor || plan->heaps[h].factor > 0;
    for (uint32_t i = 0; has_factor && i < plan->workload_count * plan->thread_count; i++)
        if (plan->minimum_heaps[i] == 0) return true;
    return false;
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
        .heap_limit = gc_plan_heap_limit(plan, place),
        .seed = plan->seeds[place.seed],
        .weak = spec->has_scale ? spec->weak : plan->weak,
        .checks = plan->checks,
        .timeout_ns = plan->timeout_ns,
        .pin = plan->pin,
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

int gc_plan_add_thread_count(struct gc_plan *plan, uint32_t threads)
{
    for (uint32_t i = 0; i < plan->thread_count; i++)
        if (plan->threads[i] == threads)
            return gc_complain(
                    GC_EXIT_USAGE, "%" PRIu32 " threads are given twice", threads);
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
        for (; *at >= '0' && *at <= '9' && value <= GC_THREADS_MAX; at++)
            value = value * 10 + (uint32_t)(*at - '0');
        if (at == first || (*at != ',' && *at != '\0') || value < 1 ||
                value > GC_THREADS_MAX)
            return gc_complain(GC_EXIT_USAGE,
                    "-t %s: it takes numbers of threads from 1 to %d, as in 1,2,4", list,
                    GC_THREADS_MAX);
        int status = gc_plan_add_thread_count(plan, value);
        if (status != GC_EXIT_OK) return status;
        if (*at == '\0') return GC_EXIT_OK;
        at++;
    }
}

/* "1.5x": false if it is no such thing; then *ret_factor is 0, or what is out of range. */
static bool read_factor(const char *text, double *ret_factor)
{
    char *end;
    *ret_factor = 0;
    if (strspn(text, "0123456789.") == 0) return false;
    double factor = strtod(text, &end);
    if (strcmp(end, "x") != 0) return false;
    *ret_factor = factor;
    return factor > 0 && factor <= FACTOR_MAX;
}

int gc_plan_add_heap(struct gc_plan *plan, const char *text)
{
    struct gc_heap_spec heap = { .factor = 0 };
    bool is_none = strcmp(text, "none") == 0;
    if (!is_none && !read_factor(text, &heap.factor) &&
            (gc_parse_size(text, &heap.bytes) < 0 || heap.bytes == 0 ||
                    heap.bytes % 1024 != 0))
        return gc_complain(GC_EXIT_USAGE,
                "--heap %s: it takes whole KiB, as in 512K, 64M or 2G, a multiple of the "
                "minimum heap up to %dx, as in 1.5x, or none",
                text, FACTOR_MAX);
    if (heap.factor > 0)
        snprintf(heap.label, sizeof(heap.label), "%gx", heap.factor);
    else
        snprintf(heap.label, sizeof(heap.label), "%.31s", text);
    for (uint32_t i = 0; i < plan->heap_count; i++)
        if (plan->heaps[i].factor == heap.factor && plan->heaps[i].bytes == heap.bytes)
            return gc_complain(GC_EXIT_USAGE, "heap %s is given twice", heap.label);
    plan->heaps =
            gc_need_more(plan->heaps, (plan->heap_count + 1) * sizeof(*plan->heaps));
    plan->heaps[plan->heap_count++] = heap;
    return GC_EXIT_OK;
}

int gc_plan_add_seed(struct gc_plan *plan, uint64_t seed)
{
    for (uint32_t i = 0; i < plan->seed_count; i++)
        if (plan->seeds[i] == seed)
            return gc_complain(GC_EXIT_USAGE, "seed %" PRIu64 " is given twice", seed);
    plan->seeds =
            gc_need_more(plan->seeds, (plan->seed_count + 1) * sizeof(*plan->seeds));
    plan->seeds[plan->seed_count++] = seed;
    return GC_EXIT_OK;
}

int gc_plan_complete(struct gc_plan *plan)
{
    int status = GC_EXIT_OK;
    if (plan->heap_count == 0) status = gc_plan_add_heap(plan, "none");
    if (plan->seed_count == 0 && status == GC_EXIT_OK) status = gc_plan_add_seed(plan, 1);
    if (status != GC_EXIT_OK) return status;
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
    const uint32_t bases[] = { plan->workload_count, plan->thread_count, plan->heap_count,
        plan->seed_count, plan->processes, plan->collector_count };
    uint64_t count = 1;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        count *= bases[i];
        if (count > SAMPLES_MAX)
            return gc_complain(
                    GC_EXIT_USAGE, "more than %d samples are too many", SAMPLES_MAX);
    }
    plan->results = gc_need(count * sizeof(struct gc_measured *));
    plan->minimum_heaps = gc_need((size_t)plan->workload_count * plan->thread_count *
                                  sizeof(*plan->minimum_heaps));
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
    free(plan->heaps);
    free(plan->seeds);
    free(plan->minimum_heaps);
    memset(plan, 0, sizeof(*plan));
}

/* The good sample that comes first among those that do the same work; NULL: it is alone. */
static const struct gc_measured *find_other(
        const struct gc_plan *plan, uint32_t number, uint32_t *ret_number)
{
    struct gc_place place = gc_plan_place(plan, number);
    place.process = place.collector = 0;
    uint32_t first = gc_plan_number(plan, place);
    for (uint32_t i = first; i < first + plan->processes * plan->collector_count; i++) {
        const struct gc_measured *other = plan->results[i];
        if (i == number || other == NULL) continue;
        if (other->sample.outcome != GC_OUTCOME_OK) continue;
        *ret_number = i;
        return other;
    }
    return NULL;
}

void gc_plan_compare(struct gc_plan *plan, uint32_t number)
{
    struct gc_sample *sample = &plan->results[number]->sample;
    struct gc_place place = gc_plan_place(plan, number);
    if (sample->outcome != GC_OUTCOME_OK ||
            !plan->workloads[place.workload].some->race_free)
        return;
    uint32_t number_of_other;
    const struct gc_measured *other = find_other(plan, number, &number_of_other);
    if (other == NULL || other->sample.checksum == sample->checksum) return;
    sample->outcome = GC_OUTCOME_WRONG_RESULT;
    snprintf(sample->message, sizeof(sample->message),
            "its checksum is %016" PRIx64 ", but that of %s is %016" PRIx64,
            sample->checksum,
            plan->collectors[gc_plan_place(plan, number_of_other).collector].label,
            other->sample.checksum);
}
