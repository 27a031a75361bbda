/* SPDX-License-Identifier: MIT */
/* explain.c - the difference of two collectors as operations times what each costs. */
#include "bench/analysis/program/explain.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/analysis/program/grid.h"
#include "bench/analysis/program/heap.h"
#include "bench/command.h"
#include "bench/text.h"

/* What a call costs, by the loops of bench/micro/operations.c: `share` of one, less another
 * that is in the same loop. */
static const struct model {
    const char *operation; /* as samples count it */
    const char *loop;
    double share;
    const char *less; /* or NULL */
} models[] = {
    { "sets", "copy", 1, NULL },
    { "moves", "move", .5, NULL }, /* there and back */
    { "loads", "load", 1, NULL },
    { "loads_shared", "load_shared", 1, NULL },
    { "loads_weak", "weak_load", 1, NULL },
    { "stores", "store", 1, NULL },
    { "stores_shared", "store_shared", 1, NULL },
    { "stores_new", "store_new", 1, NULL },
    { "gives", "give", 1, "copy" }, /* of what has just been copied */
    { "exchanges", "exchange", 1, NULL },
    { "compare_exchanges", "compare_exchange", .5, NULL }, /* two of them */
    { "objects", "new_node", 1, NULL },
    { "polls", "safepoint", 1, NULL },
};

enum { MODELS = sizeof(models) / sizeof(*models) };

struct term {
    double counts[2], units[2]; /* of base and candidate; NaN: not known */
    double difference;          /* in ns; NaN: not known */
};

struct explanation {
    const struct gc_group *base, *candidate;
    struct term terms[MODELS];
    double collections, explained, rest; /* differences in ns */
    struct gc_estimate difference;       /* of CPU time, candidate - base */
};

json_t *gc_explain_read_units(const char *path)
{
    json_error_t error;
    json_t *units = json_load_file(path, 0, &error);
    if (units == NULL) {
        if (json_error_code(&error) == json_error_cannot_open_file)
            gc_complain(0, "%s: it can't be opened", path);
        else
            gc_complain(0, "%s:%d: is no JSON: %s", path, error.line, error.text);
        return NULL;
    }
    if (json_is_array(json_object_get(units, "benchmarks"))) return units;
    gc_complain(0, "%s: is no JSON of gclab-benchmark: it has no benchmarks", path);
    json_decref(units);
    return NULL;
}

static bool is_loop(const json_t *row, const char *name, uint32_t threads)
{
    const char *own = json_string_value(json_object_get(row, "name"));
    const char *type = json_string_value(json_object_get(row, "run_type"));
    size_t length = strlen(name);
    return own != NULL && strncmp(own, name, length) == 0 &&
           (own[length] == '/' || own[length] == '\0') &&
           (type == NULL || strcmp(type, "iteration") == 0) &&
           json_number_value(json_object_get(row, "threads")) == (double)threads;
}

/* The mean of its repetitions, in ns; NaN: it is not there. */
static double loop_cost(
        const json_t *units, const char *loop, const char *protocol, uint32_t threads)
{
    const json_t *rows = json_object_get(units, "benchmarks");
    char *name = gc_need_text("micro/%s/%s", loop, protocol);
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i), *ns = json_object_get(row, "ns");
        if (!json_is_number(ns) || !is_loop(row, name, threads)) continue;
        sum += json_number_value(ns);
        n++;
    }
    free(name);
    return n > 0 ? sum / (double)n : NAN;
}

/* With as many threads as were measured, or else with one. */
static double cost_of(const json_t *units, const char *loop, const struct gc_group *group)
{
    const char *protocol = gc_result_text(group->results[0], "protocol");
    double cost = loop_cost(units, loop, protocol, group->threads);
    return isnan(cost) ? loop_cost(units, loop, protocol, 1) : cost;
}

static double unit_of(
        const json_t *units, const struct model *model, const struct gc_group *group)
{
    double cost = model->share * cost_of(units, model->loop, group);
    if (model->less != NULL) cost -= cost_of(units, model->less, group);
    return cost < 0 ? 0 : cost;
}

/* The mean over the samples that have counted the same; NaN: there is none. */
static double count_of(const struct gc_results *results, const struct gc_group *group,
        const char *operation)
{
    char *path = gc_need_text("operations.%s", operation);
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < results->count; i++) {
        const struct gc_result *r = &results->items[i];
        if (!r->counts || !r->is_good || r->threads != group->threads ||
                r->heap != group->heap || strcmp(r->spec, group->spec) != 0 ||
                strcmp(r->program, group->program) != 0)
            continue;
        double count = gc_result_number(r, path);
        if (isnan(count)) continue;
        sum += count;
        n++;
    }
    free(path);
    return n > 0 ? sum / (double)n : NAN;
}

/* 0 of something costs nothing, whether or not the cost is known. */
static double product(double count, double unit)
{
    return count == 0 ? 0 : count * unit;
}

/* The difference of two means, and its interval by their own: the distances of both to their
 * ends, as they are for independent estimates. */
static struct gc_estimate difference_of(
        const struct gc_estimate *candidate, const struct gc_estimate *base)
{
    double value = candidate->value - base->value;
    double down = hypot(candidate->value - candidate->interval.low,
            base->interval.high - base->value);
    double up = hypot(candidate->interval.high - candidate->value,
            base->value - base->interval.low);
    return (struct gc_estimate){ value, { value - down, value + up } };
}

/* False: one side has not counted, or its CPU time is not known. */
static bool explain(const struct gc_comparison *comparison,
        const struct gc_explain_input *input, struct explanation *ret_explanation)
{
    struct explanation *e = ret_explanation;
    *e = (struct explanation){ .base = comparison->base,
        .candidate = comparison->candidate };
    for (size_t i = 0; i < MODELS; i++) {
        struct term *term = &e->terms[i];
        term->counts[0] = count_of(input->base, e->base, models[i].operation);
        term->counts[1] = count_of(input->candidate, e->candidate, models[i].operation);
        if (isnan(term->counts[0]) || isnan(term->counts[1])) return false;
        term->units[0] = unit_of(input->units, &models[i], e->base);
        term->units[1] = unit_of(input->units, &models[i], e->candidate);
        term->difference = product(term->counts[1], term->units[1]) -
                           product(term->counts[0], term->units[0]);
        if (!isnan(term->difference)) e->explained += term->difference;
    }
    struct gc_estimate base = gc_group_mean_at(e->base, "cpu_ns");
    struct gc_estimate candidate = gc_group_mean_at(e->candidate, "cpu_ns");
    e->difference = difference_of(&candidate, &base);
    if (isnan(e->difference.value)) return false;
    e->collections = gc_group_mean(e->candidate, GC_METRIC_COLLECTOR_CPU).value -
                     gc_group_mean(e->base, GC_METRIC_COLLECTOR_CPU).value;
    if (!isnan(e->collections)) e->explained += e->collections;
    e->rest = e->difference.value - e->explained;
    return true;
}

static void put_ms(struct gc_grid *grid, double ns)
{
    char cell[GC_CELL];
    if (isnan(ns)) {
        gc_grid_cell(grid, "-");
        return;
    }
    gc_text_ms(cell, fabs(ns));
    gc_grid_cell(grid, "%s%s", ns > 0 ? "+" : ns < 0 ? "-" : "", cell);
}

static void put_calls(struct gc_grid *grid, double count, double unit)
{
    char cell[GC_CELL];
    gc_text_si(cell, count);
    if (count == 0)
        gc_grid_cell(grid, "0");
    else if (isnan(unit))
        gc_grid_cell(grid, "%s x ?", cell);
    else
        gc_grid_cell(grid, "%s x %.2f ns", cell, unit);
}

/* A row without calls. */
static void put_sum(struct gc_grid *grid, const char *name, double ns)
{
    gc_grid_cell(grid, "%s", name);
    gc_grid_cell(grid, "%s", "");
    gc_grid_cell(grid, "%s", "");
    put_ms(grid, ns);
}

static void print(const struct explanation *e, FILE *file)
{
    static const char *const headings[] = { "<operation", "base", "candidate",
        "CPU time, ms" };
    char heap[GC_CELL];
    struct gc_grid grid;
    gc_grid_init(&grid, headings, sizeof(headings) / sizeof(*headings));
    for (size_t i = 0; i < MODELS; i++) {
        const struct term *term = &e->terms[i];
        if (term->counts[0] == 0 && term->counts[1] == 0) continue;
        gc_grid_cell(&grid, "%s", models[i].operation);
        put_calls(&grid, term->counts[0], term->units[0]);
        put_calls(&grid, term->counts[1], term->units[1]);
        put_ms(&grid, term->difference);
    }
    put_sum(&grid, "collections (measured)", e->collections);
    put_sum(&grid, "= explained", e->explained);
    put_sum(&grid, "+ unexplained rest", e->rest);
    put_sum(&grid, "= measured difference", e->difference.value);
    gc_heap_label(heap, e->base->heap);
    fprintf(file, "\n%s, %" PRIu32 " thread%s, heap: %s\n", e->base->program,
            e->base->threads, e->base->threads == 1 ? "" : "s", heap);
    gc_grid_print(&grid, file);
    if (gc_estimate_has_interval(&e->difference)) {
        char low[GC_CELL], high[GC_CELL];
        gc_text_ms(low, fabs(e->difference.interval.low));
        gc_text_ms(high, fabs(e->difference.interval.high));
        fprintf(file, "The measured difference lies between %s%s and %s%s ms (95 %%).\n",
                e->difference.interval.low < 0 ? "-" : "+", low,
                e->difference.interval.high < 0 ? "-" : "+", high);
    }
    gc_grid_finish(&grid);
}

size_t gc_explain_print(
        const struct gc_duel *duel, const struct gc_explain_input *input, FILE *file)
{
    size_t n = 0;
    struct explanation *e = gc_need(sizeof(*e));
    for (size_t i = 0; i < duel->count; i++) {
        if (duel->comparisons[i].metric != GC_METRIC_WALL ||
                !explain(&duel->comparisons[i], input, e))
            continue;
        if (n == 0)
            fprintf(file, "candidate %s (%s)\nbase      %s (%s)\n", duel->candidate_spec,
                    duel->candidate_name, duel->base_spec, duel->base_name);
        print(e, file);
        n++;
    }
    free(e);
    return n;
}

static void write_terms(struct gc_json *json, const struct explanation *e)
{
    gc_json_begin_array(json, "terms");
    for (size_t i = 0; i < MODELS; i++) {
        const struct term *term = &e->terms[i];
        gc_json_begin(json, NULL);
        gc_json_text(json, "operation", models[i].operation);
        gc_json_real(json, "base_count", term->counts[0]);
        gc_json_real(json, "base_ns", term->units[0]);
        gc_json_real(json, "candidate_count", term->counts[1]);
        gc_json_real(json, "candidate_ns", term->units[1]);
        gc_json_real(json, "difference_ns", term->difference);
        gc_json_end(json);
    }
    gc_json_end_array(json);
}

void gc_explain_write(const struct gc_duel *duel, const struct gc_explain_input *input,
        struct gc_json *json)
{
    struct explanation *e = gc_need(sizeof(*e));
    for (size_t i = 0; i < duel->count; i++) {
        if (duel->comparisons[i].metric != GC_METRIC_WALL ||
                !explain(&duel->comparisons[i], input, e))
            continue;
        char heap[GC_CELL];
        gc_heap_label(heap, e->base->heap);
        gc_json_begin(json, NULL);
        gc_json_text(json, "base", duel->base_spec);
        gc_json_text(json, "candidate", duel->candidate_spec);
        gc_json_text(json, "workload", e->base->program);
        gc_json_number(json, "threads", e->base->threads);
        gc_json_text(json, "heap", heap);
        write_terms(json, e);
        gc_json_real(json, "collections_ns", e->collections);
        gc_json_real(json, "explained_ns", e->explained);
        gc_json_real(json, "rest_ns", e->rest);
        gc_json_real(json, "difference_ns", e->difference.value);
        gc_json_real(json, "difference_low_ns", e->difference.interval.low);
        gc_json_real(json, "difference_high_ns", e->difference.interval.high);
        gc_json_end(json);
    }
    free(e);
}
