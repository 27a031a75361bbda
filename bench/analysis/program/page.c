/* SPDX-License-Identifier: MIT */
/* page.c - a report as one page of HTML, which needs nothing but itself. */
#include "bench/analysis/program/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/analysis/program/grid.h"
#include "bench/analysis/program/heap.h"
#include "bench/analysis/program/summary.h"
#include "bench/text.h"

static void write_style(FILE *file)
{
    fputs("<style>\n", file);
    gc_figure_style(file);
    fputs(":root{--paper:#fff;--ink:#1b1b1b;--faint:#d9d9d9;--alert:#c04a00}\n"
          "@media (prefers-color-scheme:dark){:root{--paper:#16181b;--ink:#ececec;"
          "--faint:#3c4046;--alert:#ff9d57}}\n"
          "body{margin:0 auto;padding:1rem;max-width:82rem;background:var(--paper);"
          "color:var(--ink);font:1rem/1.45 sans-serif}\n"
          "h1{font-size:1.6rem}h2{font-size:1.3rem;margin-top:2.5rem;"
          "border-top:1px solid var(--faint);padding-top:1rem;overflow-wrap:anywhere}\n"
          ".scroll{overflow-x:auto}\n"
          "table{border-collapse:collapse;font-size:.85rem;margin:.7rem 0}\n"
          "caption{text-align:left;font-weight:bold;padding:.2rem 0}\n"
          "th,td{padding:.2rem .6rem;border-bottom:1px solid var(--faint);"
          "text-align:left;vertical-align:top}\n"
          "th{font-weight:600}.n{text-align:right;white-space:nowrap}\n"
          ".figures{display:grid;gap:1.5rem;"
          "grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr))}\n"
          "figure{margin:0;min-width:0}figure svg{width:100%;height:auto;display:block}\n"
          "pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem;margin:.4rem "
          "0;"
          "padding:.5rem;border:1px solid var(--faint)}\n"
          "summary{cursor:pointer;font-size:.9rem}\n"
          ".caution{border-left:.3rem solid var(--alert);padding:.1rem 0 .1rem .8rem}\n"
          "</style>\n",
            file);
}

static void write_paragraph(FILE *file, const char *text)
{
    fputs("<p>", file);
    gc_grid_escape(file, text);
    fputs("</p>\n", file);
}

static void write_cautions(const struct gc_page *page, FILE *file)
{
    if (page->cautions->count == 0) return;
    fputs("<ul class=\"caution\">\n", file);
    for (size_t i = 0; i < page->cautions->count; i++) {
        fputs("<li>", file);
        gc_grid_escape(file, page->cautions->items[i]);
        fputs("</li>\n", file);
    }
    fputs("</ul>\n", file);
}

static const enum gc_metric judged[] = { GC_METRIC_THROUGHPUT, GC_METRIC_LONGEST_STOP,
    GC_METRIC_LONGEST_STALL, GC_METRIC_PEAK_HEAP };

enum { JUDGED = sizeof(judged) / sizeof(*judged) };

static void put_heap(struct gc_grid *grid, uint64_t heap)
{
    char cell[GC_CELL];
    gc_heap_label(cell, heap);
    gc_grid_cell(grid, "%s", cell);
}

/* A row of the summary, unless there is nothing to choose from. */
static void put_summary_row(
        struct gc_grid *grid, const struct gc_page *page, struct gc_condition condition)
{
    size_t specs, programs = gc_summary_programs(page->groups, &condition, &specs);
    if (programs == 0 || specs < 2 || (condition.program == NULL && programs < 2)) return;
    gc_grid_cell(grid, "%" PRIu32, condition.threads);
    put_heap(grid, condition.heap);
    if (condition.program != NULL)
        gc_grid_cell(grid, "%s", condition.program);
    else
        gc_grid_cell(grid, "all %zu that all have run", programs);
    for (size_t i = 0; i < JUDGED; i++)
        gc_summary_cell(grid, page->groups, &condition, judged[i]);
}

static void write_summary(const struct gc_page *page, FILE *file)
{
    static const char *const headings[] = { "threads", "heap", "<workload",
        "<best throughput", "<shortest longest stop", "<shortest longest stall",
        "<smallest peak heap" };
    size_t thread_count, heap_count, program_count;
    uint32_t *threads = gc_groups_threads(page->groups, &thread_count);
    uint64_t *heaps = gc_groups_heaps(page->groups, &heap_count);
    const char **programs = gc_groups_programs(page->groups, &program_count);
    struct gc_grid grid;
    gc_grid_init(&grid, headings, sizeof(headings) / sizeof(*headings));
    for (size_t t = 0; t < thread_count; t++)
        for (size_t h = 0; h < heap_count; h++) {
            struct gc_condition all = { NULL, threads[t], heaps[h] };
            put_summary_row(&grid, page, all);
            for (size_t p = 0; p < program_count; p++) {
                struct gc_condition one = { programs[p], threads[t], heaps[h] };
                put_summary_row(&grid, page, one);
            }
        }
    fputs("<h2 id=\"summary\">Which is best</h2>\n", file);
    if (grid.count > 0) {
        gc_grid_html(&grid, "The best collector, and its ratio to the next one", file);
        write_paragraph(file,
                "No claim: the intervals of 95 % of these collectors overlap, or there "
                "are too few processes for one. Over several workloads a ratio is the "
                "geometric mean, and its interval that of a bootstrap.");
    } else {
        write_paragraph(file, "There is one collector only: nothing to choose from.");
    }
    gc_grid_finish(&grid);
    free(programs);
    free(heaps);
    free(threads);
}

static void write_measurements(
        const struct gc_page *page, const char *program, FILE *file)
{
    enum { LABELS = 5 };
    const char *headings[LABELS + GC_METRIC_COUNT] = { "<collector", "threads", "heap",
        "ok", "other" };
    char *made[GC_METRIC_COUNT];
    for (int m = 0; m < GC_METRIC_COUNT; m++) {
        made[m] = gc_need_text("%s, %s", gc_metrics[m].title, gc_metrics[m].unit);
        headings[LABELS + m] = made[m];
    }
    struct gc_grid grid;
    gc_grid_init(&grid, headings, LABELS + GC_METRIC_COUNT);
    for (size_t i = 0; i < page->groups->count; i++) {
        const struct gc_group *group = &page->groups->items[i];
        if (strcmp(group->program, program) != 0) continue;
        gc_grid_cell(&grid, "%s", group->spec);
        gc_grid_cell(&grid, "%" PRIu32, group->threads);
        put_heap(&grid, group->heap);
        gc_grid_cell(&grid, "%zu", group->count);
        gc_grid_cell(&grid, "%zu", group->bad);
        for (int m = 0; m < GC_METRIC_COUNT; m++) {
            struct gc_estimate mean = gc_group_mean(group, (enum gc_metric)m);
            gc_figure_cell(&grid, &mean, gc_metrics[m].write);
        }
    }
    fputs("<details><summary>All measurements</summary>\n", file);
    gc_grid_html(&grid, "Means of processes [interval of 95 %]", file);
    fputs("</details>\n", file);
    gc_grid_finish(&grid);
    for (int m = 0; m < GC_METRIC_COUNT; m++)
        free(made[m]);
}

static void write_figure(
        const struct gc_page *page, const struct gc_figure *figure, FILE *file)
{
    fputs("<figure>\n", file);
    gc_figure_draw(figure, false, file);
    fputs("<figcaption><details><summary>Table and command</summary>\n", file);
    gc_figure_table(figure, file);
    fputs("<pre>", file);
    gc_grid_escape(file, figure->command);
    fputs("</pre><p>As a file: ", file);
    gc_grid_escape(file, page->stem);
    fprintf(file, "-%s.svg</p></details></figcaption></figure>\n", figure->name);
}

static void write_program(const struct gc_page *page, const char *program, FILE *file)
{
    fputs("<h2>", file);
    gc_grid_escape(file, program);
    fputs("</h2>\n", file);
    write_measurements(page, program, file);
    fputs("<div class=\"figures\">\n", file);
    for (size_t i = 0; i < page->figures->count; i++)
        if (strcmp(page->figures->programs[i], program) == 0)
            write_figure(page, &page->figures->items[i], file);
    fputs("</div>\n", file);
}

/* The record of the first sample; another machine is a caution. */
static void write_machine(const struct gc_page *page, FILE *file)
{
    static const char *const headings[] = { "<", "<" };
    const json_t *environment = gc_result_member(&page->results->items[0], "environment");
    struct gc_grid grid;
    gc_grid_init(&grid, headings, sizeof(headings) / sizeof(*headings));
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)environment, name, value)
    {
        char *text = json_is_string(value)
                             ? gc_need_text("%s", json_string_value(value))
                             : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT |
                                                         JSON_REAL_PRECISION(6));
        gc_grid_cell(&grid, "%s", name);
        gc_grid_cell(&grid, "%s", json_is_null(value) ? "not known" : text);
        free(text);
    }
    fputs("<h2>The machine</h2>\n", file);
    if (grid.count > 0)
        gc_grid_html(&grid, "As the first sample has it", file);
    else
        write_paragraph(file, "The samples say nothing about it.");
    gc_grid_finish(&grid);
}

/* The first sample's begin, or the last one's: texts of that form are ordered as times are. */
static const char *started(const struct gc_results *results, bool is_last)
{
    const char *found = NULL;
    for (size_t i = 0; i < results->count; i++) {
        const char *here = gc_result_text(&results->items[i], "started");
        if (here == NULL) continue;
        int order = found == NULL ? 0 : strcmp(here, found);
        if (found == NULL || (is_last ? order > 0 : order < 0)) found = here;
    }
    return found != NULL ? found : "?";
}

void gc_page_write(const struct gc_page *page, FILE *file)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>",
            file);
    gc_grid_escape(file, page->title);
    fputs("</title>\n", file);
    write_style(file);
    fputs("</head>\n<body>\n<main>\n<h1>", file);
    gc_grid_escape(file, page->title);
    fputs("</h1>\n", file);
    char *text = gc_need_text("%zu samples of %s, measured from %s to %s.",
            page->results->count, page->source, started(page->results, false),
            started(page->results, true));
    write_paragraph(file, text);
    free(text);
    write_cautions(page, file);
    write_summary(page, file);
    size_t program_count;
    const char **programs = gc_groups_programs(page->groups, &program_count);
    for (size_t p = 0; p < program_count; p++)
        write_program(page, programs[p], file);
    free(programs);
    write_machine(page, file);
    fputs("<h2>This page</h2>\n<pre>", file);
    gc_grid_escape(file, page->command);
    fputs("</pre>\n", file);
    write_paragraph(file,
            "Points are means of processes, bars their intervals of 95 % (Student's t). "
            "A "
            "percentile is shown where each process has had ten values beyond it.");
    fputs("</main>\n</body>\n</html>\n", file);
}
