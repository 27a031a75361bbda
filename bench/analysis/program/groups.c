/* SPDX-License-Identifier: MIT */
/* groups.c - samples that differ in nothing but chance: the processes of one measurement. */
#include "bench/analysis/program/groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/text.h"

#define CONFIDENCE .95

/* Texts in the order in which they first occurred. */
struct texts {
    const char **items;
    size_t count;
};

static size_t place_of(struct texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->items[i], text) == 0) return i;
    texts->items = gc_need_more(texts->items, (texts->count + 1) * sizeof(*texts->items));
    texts->items[texts->count] = text;
    return texts->count++;
}

static struct gc_group *group_of(struct gc_groups *groups, const struct gc_result *result)
{
    const struct gc_group *found = gc_groups_find(
            groups, result->spec, result->program, result->threads, result->heap);
    if (found != NULL) return &groups->items[found - groups->items];
    groups->items =
            gc_need_more(groups->items, (groups->count + 1) * sizeof(*groups->items));
    struct gc_group *group = &groups->items[groups->count++];
    *group = (struct gc_group){
        .spec = result->spec,
        .program = result->program,
        .threads = result->threads,
        .heap = result->heap,
    };
    return group;
}

struct order {
    struct texts programs, specs;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_groups(const void *left, const void *right, void *context)
{
    const struct gc_group *a = left, *b = right;
    struct order *order = context;
    int by_program = compare_numbers(place_of(&order->programs, a->program),
            place_of(&order->programs, b->program));
    if (by_program != 0) return by_program;
    if (a->threads != b->threads) return compare_numbers(a->threads, b->threads);
    if (a->heap != b->heap) return compare_numbers(a->heap, b->heap);
    return compare_numbers(
            place_of(&order->specs, a->spec), place_of(&order->specs, b->spec));
}

static int compare_builds(const void *left, const void *right)
{
    const struct gc_result *const *a = left, *const *b = right;
    int by_build = strcmp((*a)->build, (*b)->build);
    if (by_build != 0) return by_build;
    return (*a > *b) - (*a < *b); /* elements of one array: as they were read */
}

struct gc_groups gc_groups_of(const struct gc_results *results)
{
    struct gc_groups groups = { .items = NULL };
    struct order order = { .programs = { .items = NULL } };
    for (size_t i = 0; i < results->count; i++) {
        const struct gc_result *result = &results->items[i];
        if (result->counts) continue;
        place_of(&order.programs, result->program);
        place_of(&order.specs, result->spec);
        struct gc_group *group = group_of(&groups, result);
        if (!result->is_good) {
            group->bad++;
            continue;
        }
        group->results = gc_need_more(
                group->results, (group->count + 1) * sizeof(*group->results));
        group->results[group->count++] = result;
    }
    if (groups.count > 0)
        qsort_r(groups.items, groups.count, sizeof(*groups.items), compare_groups,
                &order);
    for (size_t i = 0; i < groups.count; i++)
        if (groups.items[i].count > 0)
            qsort(groups.items[i].results, groups.items[i].count,
                    sizeof(*groups.items[i].results), compare_builds);
    free(order.programs.items);
    free(order.specs.items);
    return groups;
}

void gc_groups_finish(struct gc_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        free(groups->items[i].results);
    free(groups->items);
    *groups = (struct gc_groups){ .items = NULL };
}

const struct gc_group *gc_groups_find(const struct gc_groups *groups, const char *spec,
        const char *program, uint32_t threads, uint64_t heap)
{
    for (size_t i = 0; i < groups->count; i++) {
        const struct gc_group *g = &groups->items[i];
        if (g->threads == threads && g->heap == heap && strcmp(g->spec, spec) == 0 &&
                strcmp(g->program, program) == 0)
            return g;
    }
    return NULL;
}

const char **gc_groups_specs(const struct gc_groups *groups, size_t *ret_n)
{
    struct texts texts = { .items = NULL };
    for (size_t i = 0; i < groups->count; i++)
        place_of(&texts, groups->items[i].spec);
    *ret_n = texts.count;
    return texts.items;
}

const char **gc_groups_programs(const struct gc_groups *groups, size_t *ret_n)
{
    struct texts texts = { .items = NULL };
    for (size_t i = 0; i < groups->count; i++)
        place_of(&texts, groups->items[i].program);
    *ret_n = texts.count;
    return texts.items;
}

static int compare_heaps(const void *a, const void *b)
{
    return compare_numbers(*(const uint64_t *)a, *(const uint64_t *)b);
}

/* Sorts, and keeps one of each. */
static size_t keep_distinct(uint64_t *numbers, size_t n)
{
    size_t kept = 0;
    if (n > 0) qsort(numbers, n, sizeof(*numbers), compare_heaps);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || numbers[kept - 1] != numbers[i]) numbers[kept++] = numbers[i];
    return kept;
}

uint64_t *gc_groups_heaps(const struct gc_groups *groups, size_t *ret_n)
{
    uint64_t *heaps = gc_need(groups->count * sizeof(*heaps));
    for (size_t i = 0; i < groups->count; i++)
        heaps[i] = groups->items[i].heap;
    *ret_n = keep_distinct(heaps, groups->count);
    return heaps;
}

uint32_t *gc_groups_threads(const struct gc_groups *groups, size_t *ret_n)
{
    uint64_t *wide = gc_need(groups->count * sizeof(*wide));
    for (size_t i = 0; i < groups->count; i++)
        wide[i] = groups->items[i].threads;
    *ret_n = keep_distinct(wide, groups->count);
    uint32_t *threads = gc_need(*ret_n * sizeof(*threads));
    for (size_t i = 0; i < *ret_n; i++)
        threads[i] = (uint32_t)wide[i];
    free(wide);
    return threads;
}

/* How many builds there are, with `each` results; 0: they have not as many. Results of one
 * build stand together. */
static size_t count_builds(const struct gc_group *group, size_t *ret_each)
{
    size_t builds = 0, each = 0, run = 0;
    for (size_t i = 0; i < group->count; i++) {
        run++;
        if (i + 1 < group->count &&
                strcmp(group->results[i]->build, group->results[i + 1]->build) == 0)
            continue;
        if (builds > 0 && run != each) return 0;
        builds++;
        each = run;
        run = 0;
    }
    *ret_each = each;
    return builds;
}

/* Of a metric, or, if there is a path, of the member there. */
static struct gc_values values_of(
        const struct gc_group *group, enum gc_metric metric, const char *path)
{
    struct gc_values v = { .values = gc_need(group->count * sizeof(*v.values)) };
    for (size_t i = 0; i < group->count; i++) {
        double value = path != NULL ? gc_result_number(group->results[i], path)
                                    : gc_metric_value(group->results[i], metric);
        if (isfinite(value)) v.values[v.count++] = value;
    }
    v.levels = v.count > 0 ? 1 : 0;
    v.repetitions[0] = v.count;
    v.repetitions[1] = 1;
    size_t each, builds = count_builds(group, &each);
    if (v.count == group->count && builds >= 2 && each >= 2) {
        v.levels = 2;
        v.repetitions[0] = each;
        v.repetitions[1] = builds;
    }
    return v;
}

struct gc_values gc_group_values(const struct gc_group *group, enum gc_metric metric)
{
    return values_of(group, metric, NULL);
}

void gc_values_finish(struct gc_values *values)
{
    free(values->values);
    *values = (struct gc_values){ .values = NULL };
}

struct gc_hierarchy gc_values_hierarchy(const struct gc_values *values)
{
    return (struct gc_hierarchy){
        .values = values->values,
        .repetitions = values->repetitions,
        .levels = values->levels,
    };
}

struct gc_estimate gc_values_mean(const struct gc_values *values)
{
    struct gc_estimate mean = { NAN, { NAN, NAN } };
    struct gc_hierarchy hierarchy = gc_values_hierarchy(values);
    if (values->count == 0) return mean;
    if (gc_hierarchy_mean_interval(&hierarchy, CONFIDENCE, &mean)) return mean;
    if (!gc_statistics_mean(values->values, values->count, &mean.value)) mean.value = NAN;
    return mean;
}

struct gc_estimate gc_group_mean(const struct gc_group *group, enum gc_metric metric)
{
    struct gc_values values = gc_group_values(group, metric);
    struct gc_estimate mean = gc_values_mean(&values);
    gc_values_finish(&values);
    return mean;
}

struct gc_estimate gc_group_mean_at(const struct gc_group *group, const char *path)
{
    struct gc_values values = values_of(group, GC_METRIC_COUNT, path);
    struct gc_estimate mean = { NAN, { NAN, NAN } };
    if (values.count == group->count) mean = gc_values_mean(&values);
    gc_values_finish(&values);
    return mean;
}

bool gc_estimate_has_interval(const struct gc_estimate *estimate)
{
    return isfinite(estimate->interval.low) && isfinite(estimate->interval.high);
}
