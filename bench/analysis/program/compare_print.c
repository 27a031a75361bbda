/* SPDX-License-Identifier: MIT */
/* compare_print.c - comparisons as tables and as JSON. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "bench/analysis/program/compare.h"
#include "bench/analysis/program/grid.h"
#include "bench/analysis/program/heap.h"
#include "bench/json.h"
#include "bench/text.h"

static void put_heap(struct gc_grid *grid, uint64_t heap)
{
    char cell[GC_CELL] = "-";
    if (heap > 0) gc_heap_label(cell, heap);
    gc_grid_cell(grid, "%s", cell);
}

/* "12.3 +-4 %": the mean and half of its interval. */
static void put_mean(
        struct gc_grid *grid, enum gc_metric metric, const struct gc_estimate *mean)
{
    char cell[GC_CELL];
    gc_metrics[metric].write(cell, mean->value);
    if (!gc_estimate_has_interval(mean) || mean->value == 0) {
        gc_grid_cell(grid, "%s", cell);
        return;
    }
    double half = (mean->interval.high - mean->interval.low) / 2 / mean->value * 100;
    gc_grid_cell(grid, "%s +-%.*f %%", cell, half < 9.95 ? 1 : 0, half);
}

static void put_ratio(struct gc_grid *grid, const struct gc_estimate *ratio)
{
    if (isnan(ratio->value))
        gc_grid_cell(grid, "-");
    else if (gc_estimate_has_interval(ratio))
        gc_grid_cell(grid, "%.3f [%.3f, %.3f]", ratio->value, ratio->interval.low,
                ratio->interval.high);
    else
        gc_grid_cell(grid, "%.3f", ratio->value);
}

static void print_comparisons(const struct gc_duel *duel, FILE *file)
{
    static const char *const headings[] = { "<workload", "T", "heap", "<metric", "base",
        "candidate", "ratio [95 %]", "<verdict" };
    struct gc_grid grid;
    gc_grid_init(&grid, headings, sizeof(headings) / sizeof(*headings));
    for (size_t i = 0; i < duel->count; i++) {
        const struct gc_comparison *c = &duel->comparisons[i];
        const struct gc_metric_info *metric = &gc_metrics[c->metric];
        gc_grid_cell(&grid, "%s", c->base->program);
        gc_grid_cell(&grid, "%" PRIu32, c->base->threads);
        put_heap(&grid, c->base->heap);
        gc_grid_cell(&grid, "%s, %s", metric->title, metric->unit);
        put_mean(&grid, c->metric, &c->base_mean);
        put_mean(&grid, c->metric, &c->candidate_mean);
        put_ratio(&grid, &c->ratio);
        gc_grid_cell(&grid, "%s", gc_metric_word(c->metric, c->verdict));
    }
    gc_grid_print(&grid, file);
    gc_grid_finish(&grid);
}

static void print_means(const struct gc_duel *duel, FILE *file)
{
    static const char *const headings[] = { "<geometric mean of", "T", "heap",
        "workloads", "ratio [95 %]", "<verdict" };
    struct gc_grid grid;
    gc_grid_init(&grid, headings, sizeof(headings) / sizeof(*headings));
    for (size_t i = 0; i < duel->mean_count; i++) {
        const struct gc_mean_comparison *m = &duel->means[i];
        gc_grid_cell(&grid, "%s", gc_metrics[m->metric].title);
        gc_grid_cell(&grid, "%" PRIu32, m->threads);
        put_heap(&grid, m->heap);
        if (m->left_out > 0)
            gc_grid_cell(&grid, "%zu of %zu", m->programs, m->programs + m->left_out);
        else
            gc_grid_cell(&grid, "%zu", m->programs);
        put_ratio(&grid, &m->ratio);
        gc_grid_cell(&grid, "%s", gc_metric_word(m->metric, m->verdict));
    }
    fputc('\n', file);
    gc_grid_print(&grid, file);
    gc_grid_finish(&grid);
}

void gc_duels_print(const struct gc_duel *duels, size_t n, FILE *file)
{
    for (size_t i = 0; i < n; i++) {
        const struct gc_duel *duel = &duels[i];
        if (duel->count == 0) continue;
        fprintf(file, "%scandidate %s (%s)\nbase      %s (%s)\n\n", i > 0 ? "\n" : "",
                duel->candidate_spec, duel->candidate_name, duel->base_spec,
                duel->base_name);
        print_comparisons(duel, file);
        if (duel->mean_count > 0) print_means(duel, file);
    }
}

static void write_estimate(struct gc_json *json, const char *key,
        const struct gc_estimate *estimate, size_t values)
{
    gc_json_begin(json, key);
    gc_json_real(json, "value", estimate->value);
    gc_json_real(json, "low", estimate->interval.low);
    gc_json_real(json, "high", estimate->interval.high);
    if (values > 0) gc_json_number(json, "processes", values);
    gc_json_end(json);
}

/* One of the two, or neither. */
static void write_heap(struct gc_json *json, uint64_t heap)
{
    bool is_factor = gc_heap_is_factor(heap);
    gc_json_number_if(json, "heap_limit", heap > 0 && !is_factor,
            is_factor ? 0 : (uint64_t)gc_heap_size(heap));
    gc_json_real(json, "heap_factor", is_factor ? gc_heap_size(heap) : NAN);
}

static void write_comparison(struct gc_json *json, const struct gc_comparison *c)
{
    gc_json_begin(json, NULL);
    gc_json_text(json, "workload", c->base->program);
    gc_json_number(json, "threads", c->base->threads);
    write_heap(json, c->base->heap);
    gc_json_text(json, "metric", gc_metrics[c->metric].name);
    write_estimate(json, "base", &c->base_mean, c->base_count);
    write_estimate(json, "candidate", &c->candidate_mean, c->candidate_count);
    write_estimate(json, "ratio", &c->ratio, 0);
    gc_json_text(json, "verdict", gc_metric_word(c->metric, c->verdict));
    gc_json_end(json);
}

static void write_mean(struct gc_json *json, const struct gc_mean_comparison *m)
{
    gc_json_begin(json, NULL);
    gc_json_number(json, "threads", m->threads);
    write_heap(json, m->heap);
    gc_json_text(json, "metric", gc_metrics[m->metric].name);
    gc_json_number(json, "workloads", m->programs);
    gc_json_number(json, "left_out", m->left_out);
    write_estimate(json, "ratio", &m->ratio, 0);
    gc_json_text(json, "verdict", gc_metric_word(m->metric, m->verdict));
    gc_json_end(json);
}

static void write_duel(struct gc_json *json, const struct gc_duel *duel)
{
    gc_json_begin(json, NULL);
    gc_json_text(json, "base", duel->base_spec);
    gc_json_text(json, "base_file", duel->base_name);
    gc_json_text(json, "candidate", duel->candidate_spec);
    gc_json_text(json, "candidate_file", duel->candidate_name);
    gc_json_begin_array(json, "comparisons");
    for (size_t i = 0; i < duel->count; i++)
        write_comparison(json, &duel->comparisons[i]);
    gc_json_end_array(json);
    gc_json_begin_array(json, "geometric_means");
    for (size_t i = 0; i < duel->mean_count; i++)
        write_mean(json, &duel->means[i]);
    gc_json_end_array(json);
    gc_json_end(json);
}

void gc_duels_print_json(const struct gc_duel *duels, size_t n,
        const struct gc_cautions *cautions, FILE *file)
{
    struct gc_json json = { .file = file };
    gc_json_begin(&json, NULL);
    gc_json_number(&json, "schema", 1);
    gc_json_real(&json, "confidence", .95);
    gc_json_begin_array(&json, "pairs");
    for (size_t i = 0; i < n; i++)
        write_duel(&json, &duels[i]);
    gc_json_end_array(&json);
    gc_json_begin_array(&json, "warnings");
    for (size_t i = 0; i < cautions->count; i++)
        gc_json_text(&json, NULL, cautions->items[i]);
    gc_json_end_array(&json);
    gc_json_end(&json);
    fputc('\n', file);
}
