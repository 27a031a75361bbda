/* SPDX-License-Identifier: MIT */
/* summary.c - which collector is best, as far as that can be said. */
#include "bench/analysis/program/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/analysis/program/comparison.h"
#include "bench/text.h"

/* Collectors x programs of a condition, all of them measured. */
struct table {
    const struct gc_groups *groups;
    struct gc_condition condition;
    const char **specs, **programs;
    size_t spec_count, program_count;
};

static const struct gc_group *group_at(
        const struct table *table, size_t spec, size_t program)
{
    const struct gc_group *group = gc_groups_find(table->groups, table->specs[spec],
            table->programs[program], table->condition.threads, table->condition.heap);
    return group != NULL && group->count > 0 ? group : NULL;
}

static bool has_run_any(const struct table *table, size_t spec)
{
    for (size_t p = 0; p < table->program_count; p++)
        if (group_at(table, spec, p) != NULL) return true;
    return false;
}

static bool has_been_run_by_all(const struct table *table, size_t program)
{
    for (size_t s = 0; s < table->spec_count; s++)
        if (group_at(table, s, program) == NULL) return false;
    return true;
}

static void table_init(struct table *table, const struct gc_groups *groups,
        const struct gc_condition *condition)
{
    *table = (struct table){ .groups = groups, .condition = *condition };
    table->specs = gc_groups_specs(groups, &table->spec_count);
    table->programs = gc_groups_programs(groups, &table->program_count);
    size_t kept = 0;
    for (size_t p = 0; p < table->program_count; p++)
        if (condition->program == NULL ||
                strcmp(condition->program, table->programs[p]) == 0)
            table->programs[kept++] = table->programs[p];
    table->program_count = kept;
    kept = 0;
    for (size_t s = 0; s < table->spec_count; s++)
        if (has_run_any(table, s)) table->specs[kept++] = table->specs[s];
    table->spec_count = kept;
    kept = 0;
    for (size_t p = 0; p < table->program_count; p++)
        if (has_been_run_by_all(table, p)) table->programs[kept++] = table->programs[p];
    table->program_count = kept;
}

static void table_finish(struct table *table)
{
    free(table->specs);
    free(table->programs);
}

size_t gc_summary_programs(const struct gc_groups *groups,
        const struct gc_condition *condition, size_t *ret_specs)
{
    struct table table;
    table_init(&table, groups, condition);
    *ret_specs = table.spec_count;
    size_t programs = table.program_count;
    table_finish(&table);
    return programs;
}

/* The sum of the logarithms of means over all programs, so that each counts as much; larger is
 * worse for all metrics. NaN: one has no mean. One 0 is better than anything. */
static double score(const struct table *table, size_t spec, enum gc_metric metric)
{
    double logarithms = 0;
    for (size_t p = 0; p < table->program_count; p++) {
        double mean = gc_group_mean(group_at(table, spec, p), metric).value;
        if (isnan(mean)) return NAN;
        logarithms += log(mean);
    }
    return gc_metrics[metric].is_rate ? -logarithms : logarithms;
}

/* All comparisons of one collector (the candidate) with another, by one metric. */
static struct gc_comparison *compare(const struct table *table, size_t candidate,
        size_t base, enum gc_metric metric, size_t *ret_n)
{
    size_t n, kept = 0;
    struct gc_comparison *all =
            gc_comparisons_of(&(struct gc_side){ table->groups, table->specs[base] },
                    &(struct gc_side){ table->groups, table->specs[candidate] }, &n);
    for (size_t i = 0; i < n; i++) {
        bool is_meant = all[i].metric == metric &&
                        all[i].base->threads == table->condition.threads &&
                        all[i].base->heap == table->condition.heap;
        for (size_t p = 0; p < table->program_count && is_meant; p++) {
            if (strcmp(table->programs[p], all[i].base->program) != 0) continue;
            all[kept++] = all[i];
            break;
        }
    }
    *ret_n = kept;
    return all;
}

/* Whether the candidate beats the base; *ret_ratio is candidate / base, or NaN. */
static bool beats(const struct table *table, size_t candidate, size_t base,
        enum gc_metric metric, double *ret_ratio)
{
    size_t n, mean_count;
    struct gc_comparison *all = compare(table, candidate, base, metric, &n);
    struct gc_mean_comparison *means = gc_comparisons_mean(all, n, &mean_count);
    bool is_better = false;
    *ret_ratio = n == 1 ? all[0].ratio.value : NAN;
    if (mean_count == 1 && means[0].left_out == 0) {
        *ret_ratio = means[0].ratio.value;
        is_better = means[0].verdict == GC_VERDICT_FASTER;
    } else {
        bool is_worse = false;
        for (size_t i = 0; i < n; i++) {
            is_better |= all[i].verdict == GC_VERDICT_FASTER;
            is_worse |= all[i].verdict == GC_VERDICT_SLOWER;
        }
        is_better &= !is_worse;
    }
    free(means);
    free(all);
    return is_better;
}

/* The best one and the next, by their scores; false: fewer than two have one. */
static bool find_best(const double *scores, size_t n, size_t *ret_best, size_t *ret_next)
{
    size_t best = SIZE_MAX, next = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        if (isnan(scores[i])) continue;
        if (best == SIZE_MAX || scores[i] < scores[best]) {
            next = best;
            best = i;
        } else if (next == SIZE_MAX || scores[i] < scores[next]) {
            next = i;
        }
    }
    *ret_best = best;
    *ret_next = next;
    return next != SIZE_MAX;
}

static char *longer(char *text, const char *between, const char *more)
{
    char *whole = gc_need_text("%s%s%s", text, between, more);
    free(text);
    return whole;
}

static void put_best(struct gc_grid *grid, const struct table *table, size_t best,
        size_t next, double ratio)
{
    if (isfinite(ratio) && ratio > 0)
        gc_grid_cell(
                grid, "%s (%.3g x %s)", table->specs[best], ratio, table->specs[next]);
    else
        gc_grid_cell(grid, "%s", table->specs[best]);
}

static void put_verdict(struct gc_grid *grid, const struct table *table,
        const double *scores, enum gc_metric metric)
{
    size_t best, next, rivals = 0;
    if (!find_best(scores, table->spec_count, &best, &next)) {
        gc_grid_cell(grid, "-");
        return;
    }
    double ratio = NAN, unused;
    bool are_zero = table->program_count == 1 && scores[best] == -INFINITY;
    char *tied = gc_need_text("%s", table->specs[best]);
    for (size_t s = 0; s < table->spec_count; s++) {
        if (s == best || isnan(scores[s])) continue;
        if (beats(table, best, s, metric, s == next ? &ratio : &unused)) continue;
        are_zero &= scores[s] == -INFINITY;
        tied = longer(tied, ", ", table->specs[s]);
        rivals++;
    }
    if (rivals == 0)
        put_best(grid, table, best, next, ratio);
    else
        gc_grid_cell(grid, "%s: %s", are_zero ? "0 each" : "no claim", tied);
    free(tied);
}

void gc_summary_cell(struct gc_grid *grid, const struct gc_groups *groups,
        const struct gc_condition *condition, enum gc_metric metric)
{
    struct table table;
    table_init(&table, groups, condition);
    double *scores = gc_need((table.spec_count + 1) * sizeof(*scores));
    for (size_t s = 0; s < table.spec_count; s++)
        scores[s] = table.program_count > 0 ? score(&table, s, metric) : NAN;
    put_verdict(grid, &table, scores, metric);
    free(scores);
    table_finish(&table);
}
