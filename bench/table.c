/* SPDX-License-Identifier: MIT */
/* table.c - the results of a run as people read them.
 *
 * A row sums up the good samples of its processes: medians, but for peaks and longest
 * stalls, which are the worst of all, and for what was reclaimed, which is the least.
 * A column is as wide as what stands in it; a label that would push the line over
 * TABLE_WIDTH stands on a line of its own.
 */
#include "bench/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/standard.h"
#include "bench/text.h"

enum { TABLE_WIDTH = 140, LABEL_MIN = 21 };

enum column {
    THREADS,
    RATE,
    SPREAD,
    MUTATOR_CPU,
    COLLECTOR_CPU,
    STOP_P50,
    STOP_P99,
    STOP_MAX,
    OTHER_P50,
    OTHER_P99,
    OTHER_MAX,
    HEAP,
    RSS,
    RECLAIMED,
    COLLECTIONS,
    GOOD,
    COLUMNS,
};

static const struct {
    const char *group; /* stands over this column and the next ones that have none */
    const char *heading;
} columns[COLUMNS] = {
    [THREADS] = { "", "T" },
    [RATE] = { "throughput", "1/s" },
    [SPREAD] = { NULL, "+-" },
    [MUTATOR_CPU] = { "CPU ms", "mutator" },
    [COLLECTOR_CPU] = { NULL, "coll." },
    [STOP_P50] = { "stop ms", "p50" },
    [STOP_P99] = { NULL, "p99" },
    [STOP_MAX] = { NULL, "max" },
    [OTHER_P50] = { "other stall ms", "p50" },
    [OTHER_P99] = { NULL, "p99" },
    [OTHER_MAX] = { NULL, "max" },
    [HEAP] = { "peak bytes", "heap" },
    [RSS] = { NULL, "RSS" },
    [RECLAIMED] = { "", "reclaimed/planted" },
    [COLLECTIONS] = { "", "GCs" },
    [GOOD] = { "", "ok" },
};

/* A wider gap parts the groups. */
static int gap(int column)
{
    return columns[column].group != NULL && column > 0 ? 2 : 1;
}

struct row {
    const char *label;
    bool is_bad;
    char cells[COLUMNS][2 * GC_CELL];
};

/* The good samples of one row. */
struct group {
    const struct gc_sample **samples;
    const struct gc_measured **measured;
    double *values;      /* room for one figure of each */
    uint32_t count, run; /* good ones, all that have run */
};

static void group_init(struct group *group, const struct gc_plan *plan)
{
    size_t most = (size_t)plan->processes * plan->seed_count;
    *group = (struct group){
        .samples = gc_need(most * sizeof(*group->samples)),
        .measured = gc_need(most * sizeof(*group->measured)),
        .values = gc_need(most * sizeof(*group->values)),
    };
}

static void group_finish(struct group *group)
{
    free(group->samples);
    free(group->measured);
    free(group->values);
}

/* Goes on to the next process, or seed, of a row; false: `place` was at the last one. */
static bool next_of_row(const struct gc_plan *plan, struct gc_place *place)
{
    if (++place->process < plan->processes) return true;
    place->process = 0;
    return ++place->seed < plan->seed_count;
}

/* Takes the samples of one row, whose first one is at `place`. */
static void group_fill(
        struct group *group, const struct gc_plan *plan, struct gc_place place)
{
    group->count = group->run = 0;
    do {
        const struct gc_measured *m = plan->results[gc_plan_number(plan, place)];
        if (m == NULL) continue;
        group->run++;
        if (m->sample.outcome != GC_OUTCOME_OK) continue;
        group->measured[group->count] = m;
        group->samples[group->count++] = &m->sample;
    } while (next_of_row(plan, &place));
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* NaN stands for what was not measured, and is left out. */
static double median(double *values, uint32_t n)
{
    uint32_t known = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!isnan(values[i])) values[known++] = values[i];
    if (known == 0) return NAN;
    qsort(values, known, sizeof(*values), compare_doubles);
    return (values[known / 2] + values[(known - 1) / 2]) / 2;
}

static double largest(const double *values, uint32_t n)
{
    double most = NAN;
    for (uint32_t i = 0; i < n; i++)
        if (!isnan(values[i]) && !(values[i] <= most)) most = values[i];
    return most;
}

typedef double (*figure_fn)(const struct gc_measured *measured);

static double throughput(const struct gc_measured *m)
{
    return m->sample.wall_ns > 0 ? (double)m->sample.ops * 1e9 / (double)m->sample.wall_ns
                                 : NAN;
}

static double mutator_cpu(const struct gc_measured *m)
{
    return m->sample.has_cpu_roles ? (double)m->sample.mutator_cpu_ns : NAN;
}

static double collector_cpu(const struct gc_measured *m)
{
    return m->sample.has_cpu_roles ? (double)m->sample.collector_cpu_ns : NAN;
}

static double peak_heap(const struct gc_measured *m)
{
    return (double)m->sample.peak_heap_bytes;
}

static double peak_rss(const struct gc_measured *m)
{
    return m->has_rss ? (double)m->sample.peak_rss_bytes : NAN;
}

static double collections(const struct gc_measured *m)
{
    return (double)m->sample.collections;
}

static void figures(const struct group *group, figure_fn figure, double *values)
{
    for (uint32_t i = 0; i < group->count; i++)
        values[i] = figure(group->measured[i]);
}

static void put(char *cell, double value, void (*format)(char *, double))
{
    if (isnan(value))
        strcpy(cell, "-");
    else
        format(cell, value);
}

/* A pause is a stall caused by a stop; everything else that holds a mutator up is not. */
static bool is_stop(const struct gc_stall_summary *stall)
{
    return strcmp(stall->cause, "stop") == 0;
}

struct stalls {
    double p50, p99, max;
    bool is_bound;
};

/* Several causes together: a percentile of all is at most the largest of theirs, and
 * unknown if one of theirs is. */
static struct stalls merge(const struct gc_sample *sample, bool stop)
{
    struct stalls merged = { NAN, NAN, NAN, false };
    uint32_t causes = 0;
    bool has_p50 = true, has_p99 = true;
    for (uint32_t i = 0; i < sample->stall_count; i++) {
        const struct gc_stall_summary *stall = &sample->stalls[i];
        if (is_stop(stall) != stop || stall->count == 0) continue;
        const struct gc_percentiles *p = &stall->percentiles;
        has_p50 = has_p50 && p->has_p50;
        has_p99 = has_p99 && p->has_p99;
        merged.p50 = fmax(merged.p50, (double)p->p50_ns);
        merged.p99 = fmax(merged.p99, (double)p->p99_ns);
        merged.max = fmax(merged.max, (double)stall->max_ns);
        causes++;
    }
    if (!has_p50) merged.p50 = NAN;
    if (!has_p99) merged.p99 = NAN;
    merged.is_bound = causes > 1;
    return merged;
}

static void put_stalls(const struct group *group, bool stop, char (*cells)[2 * GC_CELL],
        double *values, struct gc_table_notes *notes)
{
    bool bound = false;
    for (int which = 0; which < 3; which++) {
        for (uint32_t i = 0; i < group->count; i++) {
            struct stalls s = merge(group->samples[i], stop);
            values[i] = which == 0 ? s.p50 : which == 1 ? s.p99 : s.max;
            bound = bound || s.is_bound;
        }
        double value =
                which == 2 ? largest(values, group->count) : median(values, group->count);
        put(cells[which], value, gc_text_ms);
        if (which < 2 && bound && !isnan(value) && cells[which][0] != '<') {
            memmove(cells[which] + 1, cells[which], strlen(cells[which]) + 1);
            cells[which][0] = '<';
            notes->has_bounds = true;
        }
    }
}

static void put_throughput(const struct group *group, struct row *row, double *values)
{
    figures(group, throughput, values);
    double middle = median(values, group->count);
    put(row->cells[RATE], middle, gc_text_si);
    if (group->count < 2 || isnan(middle) || middle <= 0) {
        strcpy(row->cells[SPREAD], "-");
        return;
    }
    /* median() has sorted them */
    double half = (values[group->count - 1] - values[0]) / 2 / middle * 100;
    snprintf(row->cells[SPREAD], GC_CELL, "%.*f%%", half < 9.95 ? 1 : 0, half);
}

static void put_reclaimed(const struct group *group, char *cell)
{
    uint64_t least = UINT64_MAX, planted = 0;
    bool known = false;
    for (uint32_t i = 0; i < group->count; i++) {
        const struct gc_sample *sample = group->samples[i];
        if (sample->reclaimed >= least) continue;
        least = sample->reclaimed;
        planted = sample->planted;
        known = sample->has_planted;
    }
    if (least == UINT64_MAX)
        strcpy(cell, "-");
    else if (known)
        snprintf(cell, GC_CELL, "%" PRIu64 "/%" PRIu64, least, planted);
    else
        snprintf(cell, GC_CELL, "%" PRIu64 "/-", least);
}

static void fill_row(struct row *row, const struct group *group, uint32_t threads,
        struct gc_table_notes *notes)
{
    static const struct {
        enum column column;
        figure_fn figure;
        bool is_worst;
        void (*format)(char *, double);
    } plain[] = {
        { MUTATOR_CPU, mutator_cpu, false, gc_text_ms },
        { COLLECTOR_CPU, collector_cpu, false, gc_text_ms },
        { HEAP, peak_heap, true, gc_text_bytes },
        { RSS, peak_rss, true, gc_text_bytes },
        { COLLECTIONS, collections, false, gc_text_si },
    };
    double *values = group->values;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        figures(group, plain[i].figure, values);
        double value = plain[i].is_worst ? largest(values, group->count)
                                         : median(values, group->count);
        put(row->cells[plain[i].column], value, plain[i].format);
    }
    put_throughput(group, row, values);
    put_stalls(group, true, &row->cells[STOP_P50], values, notes);
    put_stalls(group, false, &row->cells[OTHER_P50], values, notes);
    put_reclaimed(group, row->cells[RECLAIMED]);
    snprintf(row->cells[THREADS], GC_CELL, "%" PRIu32, threads);
    snprintf(row->cells[GOOD], GC_CELL, "%" PRIu32 "/%" PRIu32, group->count, group->run);
    row->is_bad = group->count < group->run;
}

/* The rows of a block: one where at least one sample has run. */
static uint32_t make_rows(const struct gc_plan *plan, struct gc_place place,
        struct row *rows, struct gc_table_notes *notes)
{
    uint32_t n = 0;
    struct group group;
    group_init(&group, plan);
    for (uint32_t t = place.threads = 0; t < plan->thread_count; place.threads = ++t) {
        for (uint32_t c = place.collector = 0; c < plan->collector_count;
                place.collector = ++c) {
            group_fill(&group, plan, place);
            if (group.run == 0) continue;
            rows[n].label = plan->collectors[c].label;
            fill_row(&rows[n++], &group, plan->threads[t], notes);
        }
    }
    group_finish(&group);
    return n;
}

struct layout {
    int label, widths[COLUMNS];
    const char *bold, *bad, *plain; /* escapes, or "" */
};

static void measure(struct layout *layout, const struct row *rows, uint32_t n)
{
    int total = 0;
    layout->label = LABEL_MIN;
    for (int c = 0; c < COLUMNS; c++) {
        int width = (int)strlen(columns[c].heading);
        for (uint32_t r = 0; r < n; r++) {
            int length = (int)strlen(rows[r].cells[c]);
            if (length > width) width = length;
        }
        layout->widths[c] = width;
        total += width + gap(c);
    }
    /* a group's title needs room as well: its last column gives it */
    for (int c = 0, next; c < COLUMNS; c = next) {
        int span = layout->widths[c];
        for (next = c + 1; next < COLUMNS && columns[next].group == NULL; next++)
            span += layout->widths[next] + 1;
        int lack = (int)strlen(columns[c].group) - span;
        if (lack > 0) {
            layout->widths[next - 1] += lack;
            total += lack;
        }
    }
    int room = TABLE_WIDTH - total, longest = LABEL_MIN;
    for (uint32_t r = 0; r < n; r++)
        if ((int)strlen(rows[r].label) > longest) longest = (int)strlen(rows[r].label);
    if (longest <= room)
        layout->label = longest;
    else
        for (uint32_t r = 0; r < n; r++) { /* the longest of those that fit */
            int length = (int)strlen(rows[r].label);
            if (length <= room && length > layout->label) layout->label = length;
        }
}

static void print_headings(FILE *file, const struct layout *layout)
{
    fprintf(file, "%s%-*s", layout->bold, layout->label, "");
    for (int c = 0, next; c < COLUMNS; c = next) {
        int span = layout->widths[c];
        for (next = c + 1; next < COLUMNS && columns[next].group == NULL; next++)
            span += layout->widths[next] + 1;
        fprintf(file, "%*s", gap(c) + span, columns[c].group);
    }
    fprintf(file, "\n%-*s", layout->label, "collector@protocol");
    for (int c = 0; c < COLUMNS; c++)
        fprintf(file, "%*s", gap(c) + layout->widths[c], columns[c].heading);
    fprintf(file, "%s\n", layout->plain);
}

static void print_label(FILE *file, const struct layout *layout, const char *label)
{
    if ((int)strlen(label) > layout->label)
        fprintf(file, "%s\n%-*s", label, layout->label, "");
    else
        fprintf(file, "%-*s", layout->label, label);
}

static void print_row(FILE *file, const struct layout *layout, const struct row *row)
{
    if (row->is_bad) fputs(layout->bad, file);
    print_label(file, layout, row->label);
    for (int c = 0; c < COLUMNS; c++)
        fprintf(file, "%*s", gap(c) + layout->widths[c], row->cells[c]);
    if (row->is_bad) fputs(layout->plain, file);
    fputc('\n', file);
}

static double latency_p50(const struct gc_measured *m)
{
    const struct gc_percentiles *p = &m->sample.latency.percentiles;
    return p->has_p50 ? (double)p->p50_ns : NAN;
}

static double latency_p99(const struct gc_measured *m)
{
    const struct gc_percentiles *p = &m->sample.latency.percentiles;
    return p->has_p99 ? (double)p->p99_ns : NAN;
}

static double latency_p999(const struct gc_measured *m)
{
    const struct gc_percentiles *p = &m->sample.latency.percentiles;
    return p->has_p999 ? (double)p->p999_ns : NAN;
}

static double latency_max(const struct gc_measured *m)
{
    return m->sample.latency.count > 0 ? (double)m->sample.latency.max_ns : NAN;
}

static void text_us(char *cell, double ns)
{
    gc_text_ms(cell, ns * 1e3);
}

/* How long requests took: rows as those of the workload's block. */
static void print_latencies(FILE *file, const struct gc_plan *plan, struct gc_place place,
        const struct layout *layout)
{
    static const struct {
        const char *heading;
        figure_fn figure;
        bool is_worst;
    } parts[] = {
        { "p50", latency_p50, false },
        { "p99", latency_p99, false },
        { "p99.9", latency_p999, false },
        { "max", latency_max, true },
    };
    enum { PARTS = sizeof(parts) / sizeof(parts[0]), WIDTH = 9, T_WIDTH = 4 };
    struct group group;
    group_init(&group, plan);
    fprintf(file, "latency of a %s, us\n", plan->workloads[place.workload].some->request);
    fprintf(file, "%s%-*s%*s", layout->bold, layout->label, "collector@protocol", T_WIDTH,
            "T");
    for (int i = 0; i < PARTS; i++)
        fprintf(file, "%*s", WIDTH, parts[i].heading);
    fprintf(file, "%s\n", layout->plain);
    for (uint32_t t = place.threads = 0; t < plan->thread_count; place.threads = ++t) {
        for (uint32_t c = place.collector = 0; c < plan->collector_count;
                place.collector = ++c) {
            group_fill(&group, plan, place);
            if (group.run == 0) continue;
            print_label(file, layout, plan->collectors[c].label);
            fprintf(file, "%*" PRIu32, T_WIDTH, plan->threads[t]);
            for (int i = 0; i < PARTS; i++) {
                char cell[2 * GC_CELL];
                figures(&group, parts[i].figure, group.values);
                put(cell,
                        parts[i].is_worst ? largest(group.values, group.count)
                                          : median(group.values, group.count),
                        text_us);
                fprintf(file, "%*s", WIDTH, cell);
            }
            fputc('\n', file);
        }
    }
    group_finish(&group);
}

void gc_table_print_failures(
        FILE *file, const struct gc_plan *plan, struct gc_place place)
{
    bool colours = gc_text_colours(file);
    const char *bad = colours ? "\033[31m" : "", *normal = colours ? "\033[0m" : "";
    for (uint32_t t = 0; t < plan->thread_count; t++) {
        for (uint32_t c = 0; c < plan->collector_count; c++) {
            uint32_t counts[GC_OUTCOME_COUNT] = { 0 }, run = 0;
            const char *reasons[GC_OUTCOME_COUNT] = { NULL };
            struct gc_place at = { place.workload, t, 0, c, place.heap, 0 };
            do {
                const struct gc_measured *m = plan->results[gc_plan_number(plan, at)];
                if (m == NULL) continue;
                run++;
                if (counts[m->sample.outcome]++ == 0)
                    reasons[m->sample.outcome] = m->sample.message;
            } while (next_of_row(plan, &at));
            for (int o = GC_OUTCOME_OK + 1; o < GC_OUTCOME_COUNT; o++) {
                if (counts[o] == 0) continue;
                fprintf(file,
                        "  %s%s T=%" PRIu32 ": %s (%" PRIu32 " of %" PRIu32 "): %s%s\n",
                        bad, plan->collectors[c].label, plan->threads[t],
                        gc_outcome_names[o], counts[o], run, reasons[o], normal);
            }
        }
    }
}

void gc_table_print(FILE *file, const struct gc_plan *plan, struct gc_place place,
        struct gc_table_notes *notes)
{
    const struct gc_workload_spec *spec = &plan->workloads[place.workload];
    struct row *rows =
            gc_need((size_t)plan->thread_count * plan->collector_count * sizeof(*rows));
    uint32_t n = make_rows(plan, place, rows, notes);
    if (n > 0) {
        bool colours = gc_text_colours(file);
        struct layout layout = {
            .bold = colours ? "\033[1m" : "",
            .bad = colours ? "\033[31m" : "",
            .plain = colours ? "\033[0m" : "",
        };
        bool weak = spec->has_scale ? spec->weak : plan->weak;
        measure(&layout, rows, n);
        bool of_several = plan->heap_count > 1;
        fprintf(file, "%s%s%s: throughput in %s; %s%s%s\n", layout.bold, spec->label,
                layout.plain, spec->some->unit,
                weak ? "each thread does the whole work" : "threads share the work",
                of_several ? "; heap limit: " : "",
                of_several ? plan->heaps[place.heap].label : "");
        print_headings(file, &layout);
        for (uint32_t r = 0; r < n; r++)
            print_row(file, &layout, &rows[r]);
        if (spec->some->request != NULL) print_latencies(file, plan, place, &layout);
        gc_table_print_failures(file, plan, place);
        fputc('\n', file);
        gc_standard_flush(file);
    }
    free(rows);
}

void gc_table_print_foot(FILE *file, const struct gc_plan *plan,
        const struct gc_environment *environment, const struct gc_table_notes *notes)
{
    uint32_t most = 0;
    for (uint32_t t = 0; t < plan->thread_count; t++)
        if (plan->threads[t] > most) most = plan->threads[t];
    fprintf(file, "%" PRIu32 " process%s a row, ", plan->processes,
            plan->processes == 1 ? "" : "es");
    for (uint32_t i = 0; i < plan->seed_count; i++)
        fprintf(file, "%s%" PRIu64, i == 0 ? "seed " : "+", plan->seeds[i]);
    for (uint32_t i = 0; i < plan->heap_count; i++)
        fprintf(file, "%s%s", i == 0 ? ", heap limit: " : ", ", plan->heaps[i].label);
    fputc('.', file);
    fputs(" Medians; +- is half the range; max and peaks are the worst of all.\n", file);
    if (notes->has_bounds)
        fputs("<x: stalls of several causes together; the percentile is at most x.\n",
                file);
    if (gc_build_check_level() > 0)
        fprintf(file,
                "Warning: this build checks itself (level %d): its figures are not to be "
                "reported.\n",
                gc_build_check_level());
    if (most > environment->cpus_allowed)
        fprintf(file,
                "Warning: up to %" PRIu32 " threads on %" PRIu32
                " CPUs: stalls include waiting for a CPU.\n",
                most, environment->cpus_allowed);
    if (plan->in_process)
        fputs("Warning: samples ran in one process, one after the other: they are not "
              "independent.\n",
                file);
    gc_standard_flush(file);
}
