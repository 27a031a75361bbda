/* SPDX-License-Identifier: MIT */
/* operations.c - what fast paths did, as people read it.
 *
 * A figure is how often an operation occurred for each of the workload's own operations: the
 * mean of the good samples. Where the columns are wider than TABLE_WIDTH together, they
 * come in several lots.
 */
#include "bench/operations.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/standard.h"
#include "bench/table.h"
#include "bench/text.h"

enum { TABLE_WIDTH = 140, COLUMN_MIN = 9 };

/* One collector with one number of threads. */
struct column {
    const char *label;
    char threads[GC_CELL];
    int width;
    double ops;
    double sums[GC_OPERATION_COUNT]; /* of the good samples, as ops is */
};

/* Adds the good samples up; false if there are none. */
static bool fill_column(const struct gc_plan *plan, uint32_t workload, uint32_t threads,
        uint32_t collector, struct column *column)
{
    bool any = false;
    memset(column, 0, sizeof(*column));
    for (uint32_t p = 0; p < plan->processes; p++) {
        struct gc_place place = { workload, threads, p, collector, 0, 0 };
        const struct gc_measured *m = plan->results[gc_plan_number(plan, place)];
        if (m == NULL || m->sample.outcome != GC_OUTCOME_OK) continue;
        any = true;
        column->ops += (double)m->sample.ops;
        for (int i = 0; i < GC_OPERATION_COUNT; i++)
            column->sums[i] += (double)m->sample.operations[i];
    }
    column->label = plan->collectors[collector].label;
    snprintf(column->threads, GC_CELL, "T=%" PRIu32, plan->threads[threads]);
    column->width = (int)strlen(column->label);
    if (column->width < COLUMN_MIN) column->width = COLUMN_MIN;
    return any;
}

static bool occurred(const struct column *columns, uint32_t n, int operation)
{
    for (uint32_t i = 0; i < n; i++)
        if (columns[i].sums[operation] > 0) return true;
    return false;
}

static void put(char cell[GC_CELL], const struct column *column, int operation)
{
    double sum = column->sums[operation];
    double value = column->ops > 0 ? sum / column->ops : 0;
    if (!(sum > 0))
        strcpy(cell, "0");
    else if (value < .0005)
        strcpy(cell, "<.001");
    else
        snprintf(cell, GC_CELL, "%.3f", value);
}

/* The columns from `first` to `end`; all have the same rows. */
static void print_lot(FILE *file, const struct column *columns, uint32_t first,
        uint32_t end, uint32_t n, int names)
{
    bool colours = gc_text_colours(file);
    const char *bold = colours ? "\033[1m" : "", *normal = colours ? "\033[0m" : "";
    fprintf(file, "%s%-*s", bold, names, "");
    for (uint32_t c = first; c < end; c++)
        fprintf(file, " %*s", columns[c].width, columns[c].label);
    fprintf(file, "\n%-*s", names, "operation");
    for (uint32_t c = first; c < end; c++)
        fprintf(file, " %*s", columns[c].width, columns[c].threads);
    fprintf(file, "%s\n", normal);
    for (int i = 0; i < GC_OPERATION_COUNT; i++) {
        if (!occurred(columns, n, i)) continue;
        fprintf(file, "%-*s", names, gc_operation_names[i]);
        for (uint32_t c = first; c < end; c++) {
            char cell[GC_CELL];
            put(cell, &columns[c], i);
            fprintf(file, " %*s", columns[c].width, cell);
        }
        fputc('\n', file);
    }
}

static void print_columns(FILE *file, const struct column *columns, uint32_t n)
{
    int names = (int)strlen("operation");
    bool any = false;
    for (int i = 0; i < GC_OPERATION_COUNT; i++) {
        int length = (int)strlen(gc_operation_names[i]);
        if (!occurred(columns, n, i)) continue;
        any = true;
        if (length > names) names = length;
    }
    if (!any && n > 0) {
        fputs("  none occurred\n", file);
        return;
    }
    for (uint32_t first = 0, end; first < n; first = end) {
        int width = names + 1 + columns[first].width;
        for (end = first + 1; end < n; end++) {
            width += 1 + columns[end].width;
            if (width > TABLE_WIDTH) break;
        }
        print_lot(file, columns, first, end, n, names);
    }
}

void gc_operations_print(FILE *file, const struct gc_plan *plan, uint32_t workload)
{
    const struct gc_workload_spec *spec = &plan->workloads[workload];
    size_t most = (size_t)plan->thread_count * plan->collector_count;
    struct column *columns = gc_need(most * sizeof(*columns));
    uint32_t n = 0;
    for (uint32_t t = 0; t < plan->thread_count; t++)
        for (uint32_t c = 0; c < plan->collector_count; c++)
            n += fill_column(plan, workload, t, c, &columns[n]);
    bool colours = gc_text_colours(file);
    bool weak = spec->has_scale ? spec->weak : plan->weak;
    fprintf(file, "%s%s%s: operations of fast paths, counted for each of the %s; %s\n",
            colours ? "\033[1m" : "", spec->label, colours ? "\033[0m" : "",
            spec->some->unit,
            weak ? "each thread does the whole work" : "threads share the work");
    print_columns(file, columns, n);
    gc_table_print_failures(file, plan, (struct gc_place){ .workload = workload });
    fputc('\n', file);
    gc_standard_flush(file);
    free(columns);
}

void gc_operations_print_foot(FILE *file, const struct gc_plan *plan)
{
    fprintf(file, "%" PRIu32 " process%s a column, seed %" PRIu64 "; means.\n",
            plan->processes, plan->processes == 1 ? "" : "es", plan->seeds[0]);
    fputs("Counted in a variant of the workloads, which is slower: its times are not "
          "shown. "
          "Operations that did not\noccur are left out; what deaths and collections do "
          "is "
          "not among them.\n",
            file);
    gc_standard_flush(file);
}
