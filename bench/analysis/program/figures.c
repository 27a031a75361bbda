/* SPDX-License-Identifier: MIT */
/* figures.c - the figures that there are of some samples. */
#include "bench/analysis/program/figures.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/analysis/program/heap.h"
#include "bench/text.h"

/* What all figures are made from. */
struct stock {
    const struct gc_groups *groups;
    struct gc_figures *figures;
    const char **specs;
    uint32_t *threads;
    uint64_t *heaps;
    size_t spec_count, thread_count, heap_count;
    uint64_t reference;  /* heap */
    const char *program; /* that is at hand */
};

uint64_t gc_figures_reference_heap(const struct gc_groups *groups)
{
    size_t n;
    uint64_t *heaps = gc_groups_heaps(groups, &n);
    uint64_t reference = n == 0 || heaps[0] == 0 ? 0 : heaps[n - 1];
    free(heaps);
    return reference;
}

static const struct gc_group *find(
        const struct stock *stock, size_t spec, uint32_t threads, uint64_t heap)
{
    const struct gc_group *group = gc_groups_find(
            stock->groups, stock->specs[spec], stock->program, threads, heap);
    return group != NULL && group->count > 0 ? group : NULL;
}

/* The points of a figure: threads x heap heaps of which one is alone. */
struct points {
    const uint32_t *threads;
    const uint64_t *heaps;
    size_t thread_count, heap_count;
};

static const struct gc_result *a_result(
        const struct stock *stock, const struct points *points)
{
    for (size_t s = 0; s < stock->spec_count; s++)
        for (size_t t = 0; t < points->thread_count; t++)
            for (size_t h = 0; h < points->heap_count; h++) {
                const struct gc_group *group =
                        find(stock, s, points->threads[t], points->heaps[h]);
                if (group != NULL) return group->results[0];
            }
    return NULL;
}

static bool has_run(const struct stock *stock, const struct points *points, size_t spec,
        size_t *count)
{
    bool any = false;
    for (size_t t = 0; t < points->thread_count; t++)
        for (size_t h = 0; h < points->heap_count; h++) {
            const struct gc_group *group =
                    find(stock, spec, points->threads[t], points->heaps[h]);
            if (group == NULL) continue;
            any = true;
            if (group->count > *count) *count = group->count;
        }
    return any;
}

static char *append(char *text, char *more)
{
    char *longer = gc_need_text("%s%s", text, more);
    free(text);
    free(more);
    return longer;
}

/* `gclab run` that measures what is shown; one for each heap. */
static char *command_for(
        const struct stock *stock, const struct points *points, uint64_t heap)
{
    size_t processes = 0;
    char *text = gc_need_text("%s", "gclab run");
    for (size_t s = 0; s < stock->spec_count; s++)
        if (has_run(stock, points, s, &processes))
            text = gc_text_with_word(text, " -c ", stock->specs[s]);
    text = gc_text_with_word(text, " -w ", stock->program);
    for (size_t t = 0; t < points->thread_count; t++)
        text = append(text,
                gc_need_text("%s%" PRIu32, t > 0 ? "," : " -t ", points->threads[t]));
    text = append(text, gc_need_text(" -n %zu", processes));
    if (heap > 0) {
        char cell[GC_CELL];
        gc_heap_word(cell, heap);
        text = append(text, gc_need_text(" --heap %s", cell));
    }
    const struct gc_result *result = a_result(stock, points);
    const json_t *seed = result != NULL ? gc_result_member(result, "seed") : NULL;
    if (json_is_integer(seed))
        text = append(text,
                gc_need_text(" --seed %" JSON_INTEGER_FORMAT, json_integer_value(seed)));
    return append(text, gc_need_text(" --json samples.jsonl"));
}

static char *command_of(const struct stock *stock, const struct points *points)
{
    char *text = gc_need_text("%s", "");
    for (size_t h = 0; h < points->heap_count; h++) {
        if (h > 0) text = append(text, gc_need_text("\n"));
        text = append(text, command_for(stock, points, points->heaps[h]));
    }
    return text;
}

/* "f03-rings-count-2000-peak-heap": unique by its number. */
static char *name_of(const struct stock *stock, const char *what)
{
    char *name = gc_need_text(
            "f%02zu-%.40s-%s", stock->figures->count + 1, stock->program, what);
    for (char *at = name; *at != '\0'; at++)
        *at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '-';
    return name;
}

/* Takes the figure over; one without a value, or the series without one, are left out. */
static void add(struct stock *stock, struct gc_figure *figure,
        const struct points *points, const char *what)
{
    if (!gc_figure_has_values(figure)) {
        gc_figure_finish(figure);
        return;
    }
    size_t kept = 0;
    for (size_t s = 0; s < figure->series_count; s++) {
        const struct gc_estimate *values = figure->values + s * figure->x_count;
        bool has_values = false;
        for (size_t i = 0; i < figure->x_count; i++)
            has_values |= isfinite(values[i].value);
        if (!has_values) {
            free(figure->series[s]);
            continue;
        }
        memmove(figure->values + kept * figure->x_count, values,
                figure->x_count * sizeof(*values));
        figure->styles[kept] = figure->styles[s];
        figure->series[kept++] = figure->series[s];
    }
    figure->series_count = kept;
    figure->name = name_of(stock, what);
    figure->command = command_of(stock, points);
    struct gc_figures *all = stock->figures;
    all->items = gc_need_more(all->items, (all->count + 1) * sizeof(*all->items));
    all->programs =
            gc_need_more(all->programs, (all->count + 1) * sizeof(*all->programs));
    all->programs[all->count] = stock->program;
    all->items[all->count++] = *figure;
}

static char *heap_note(uint64_t heap)
{
    char cell[GC_CELL];
    if (heap == 0) return gc_need_text("%s", "");
    gc_heap_label(cell, heap);
    return gc_need_text(", heap of %s", cell);
}

static void name_series(const struct stock *stock, struct gc_figure *figure)
{
    for (size_t s = 0; s < stock->spec_count; s++)
        figure->series[s] = gc_need_text("%s", stock->specs[s]);
}

static void add_by_threads(
        struct stock *stock, enum gc_metric metric, bool is_log, const char *what)
{
    const struct gc_metric_info *info = &gc_metrics[metric];
    struct points points = { stock->threads, &stock->reference, stock->thread_count, 1 };
    const struct gc_result *result = a_result(stock, &points);
    if (result == NULL) return;
    struct gc_figure figure;
    gc_figure_init(&figure, stock->spec_count, stock->thread_count);
    char *note = heap_note(stock->reference);
    const char *unit =
            metric == GC_METRIC_THROUGHPUT ? gc_result_text(result, "unit") : NULL;
    figure.title = gc_need_text("%s: %s%s", stock->program, info->title, note);
    figure.x_title = gc_need_text("threads");
    figure.y_title = unit != NULL ? gc_need_text("%s, %s/s", info->title, unit)
                                  : gc_need_text("%s, %s", info->title, info->unit);
    figure.is_log = is_log;
    figure.is_binary = metric == GC_METRIC_PEAK_HEAP;
    figure.write = info->write;
    name_series(stock, &figure);
    for (size_t t = 0; t < stock->thread_count; t++) {
        figure.x_labels[t] = gc_need_text("%" PRIu32, stock->threads[t]);
        figure.x[t] = (double)t;
        for (size_t s = 0; s < stock->spec_count; s++) {
            const struct gc_group *group =
                    find(stock, s, stock->threads[t], stock->reference);
            if (group != NULL)
                figure.values[s * stock->thread_count + t] = gc_group_mean(group, metric);
        }
    }
    free(note);
    add(stock, &figure, &points, what);
}

static const char *const percentile_labels[] = { "50 %", "90 %", "99 %", "99.9 %",
    "longest" };
static const char *const percentile_members[] = { "p50_ns", "p90_ns", "p99_ns", "p999_ns",
    "max_ns" };

enum { PERCENTILES = 5 };

/* In the unit of that metric. */
static void add_percentiles(struct stock *stock, uint32_t threads, const char *path,
        enum gc_metric metric, const char *what)
{
    struct points points = { &threads, &stock->reference, 1, 1 };
    struct gc_figure figure;
    gc_figure_init(&figure, stock->spec_count, PERCENTILES);
    char *note = heap_note(stock->reference);
    figure.title = gc_need_text("%s: %s, %" PRIu32 " thread%s%s", stock->program, what,
            threads, threads == 1 ? "" : "s", note);
    figure.x_title = gc_need_text("share that took at most so long");
    figure.y_title = gc_need_text("%s, %s", what, gc_metrics[metric].unit);
    figure.is_log = true;
    figure.write = gc_metrics[metric].write;
    name_series(stock, &figure);
    for (size_t i = 0; i < PERCENTILES; i++) {
        char *member = gc_need_text("%s.%s", path, percentile_members[i]);
        figure.x_labels[i] = gc_need_text("%s", percentile_labels[i]);
        figure.x[i] = (double)i;
        for (size_t s = 0; s < stock->spec_count; s++) {
            const struct gc_group *group = find(stock, s, threads, stock->reference);
            if (group != NULL)
                figure.values[s * PERCENTILES + i] = gc_group_mean_at(group, member);
        }
        free(member);
    }
    free(note);
    char *name = gc_need_text("%s-%" PRIu32, what, threads);
    add(stock, &figure, &points, name);
    free(name);
}

/* Against the logarithm of the limit, or of the factor: those are not to be mixed. */
static void add_by_heap(struct stock *stock, uint32_t threads, bool by_factor)
{
    size_t first = 0, n = 0;
    for (size_t i = 0; i < stock->heap_count; i++) {
        if (stock->heaps[i] == 0 || gc_heap_is_factor(stock->heaps[i]) != by_factor)
            continue;
        if (n == 0) first = i;
        n++;
    }
    if (n < 2) return;
    struct points points = { &threads, stock->heaps + first, 1, n };
    struct gc_figure figure;
    gc_figure_init(&figure, stock->spec_count, n);
    figure.title = gc_need_text("%s: time against heap, %" PRIu32 " thread%s",
            stock->program, threads, threads == 1 ? "" : "s");
    figure.x_title = gc_need_text(
            "%s (logarithmic)", by_factor ? "heap, multiple of the workload's minimum"
                                          : "limit of the heap, bytes");
    figure.y_title = gc_need_text("wall time, ms");
    figure.write = gc_metrics[GC_METRIC_WALL].write;
    name_series(stock, &figure);
    for (size_t i = 0; i < n; i++) {
        char cell[GC_CELL];
        uint64_t heap = points.heaps[i];
        gc_heap_label(cell, heap);
        figure.x_labels[i] = gc_need_text("%s", cell);
        figure.x[i] = log2(gc_heap_size(heap));
        for (size_t s = 0; s < stock->spec_count; s++) {
            const struct gc_group *group = find(stock, s, threads, heap);
            if (group != NULL)
                figure.values[s * n + i] = gc_group_mean(group, GC_METRIC_WALL);
        }
    }
    char *name = gc_need_text("heap-%s%" PRIu32, by_factor ? "factor-" : "", threads);
    add(stock, &figure, &points, name);
    free(name);
}

struct gc_figures gc_figures_of(const struct gc_groups *groups)
{
    struct gc_figures figures = { .items = NULL };
    struct stock stock = { .groups = groups, .figures = &figures };
    size_t program_count;
    const char **programs = gc_groups_programs(groups, &program_count);
    stock.specs = gc_groups_specs(groups, &stock.spec_count);
    stock.threads = gc_groups_threads(groups, &stock.thread_count);
    stock.heaps = gc_groups_heaps(groups, &stock.heap_count);
    stock.reference = gc_figures_reference_heap(groups);
    for (size_t p = 0; p < program_count; p++) {
        stock.program = programs[p];
        add_by_threads(&stock, GC_METRIC_THROUGHPUT, false, "throughput");
        add_by_threads(&stock, GC_METRIC_LONGEST_STOP, true, "longest-stop");
        add_by_threads(&stock, GC_METRIC_LONGEST_STALL, true, "longest-stall");
        add_by_threads(&stock, GC_METRIC_PEAK_HEAP, false, "peak-heap");
        for (size_t t = 0; t < stock.thread_count; t++) {
            add_percentiles(
                    &stock, stock.threads[t], "stalls.stop", GC_METRIC_STOP_P99, "stops");
            add_percentiles(&stock, stock.threads[t], "latency", GC_METRIC_LATENCY_P99,
                    "requests");
            add_by_heap(&stock, stock.threads[t], true);
            add_by_heap(&stock, stock.threads[t], false);
        }
    }
    free(programs);
    free(stock.specs);
    free(stock.threads);
    free(stock.heaps);
    return figures;
}

void gc_figures_finish(struct gc_figures *figures)
{
    for (size_t i = 0; i < figures->count; i++)
        gc_figure_finish(&figures->items[i]);
    free(figures->items);
    free(figures->programs);
    *figures = (struct gc_figures){ .items = NULL };
}
