/* SPDX-License-Identifier: MIT */
/* sweep_state.c - what of an experiment has been measured, and what has not. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/environment.h"
#include "bench/file.h"
#include "bench/line.h"
#include "bench/operations.h"
#include "bench/standard.h"
#include "bench/sweep.h"
#include "bench/table.h"
#include "bench/text.h"

int gc_sweep_begin(struct gc_sweep *sweep)
{
    return gc_cell_index_make(&sweep->experiment, sweep->build, &sweep->index);
}

void gc_sweep_finish(struct gc_sweep *sweep)
{
    gc_cell_index_finish(&sweep->index);
    gc_experiment_finish(&sweep->experiment);
}

/* --- what is there ------------------------------------------------------------------------ */

static bool is_quick(const json_t *line)
{
    return json_is_true(json_object_get(line, "quick"));
}

static const char *build_of(const json_t *line)
{
    const char *build = gc_json_find_text(line, "build");
    return build != NULL ? build : "?";
}

/* Whether a line may stand beside what is to be measured. */
static int check_line(const struct gc_sweep *sweep, const struct gc_results_line *line)
{
    const struct gc_experiment *experiment = &sweep->experiment;
    if (is_quick(line->value) != experiment->is_quick)
        return gc_complain(GC_EXIT_FILE,
                "%s:%zu: it comes from a run %s --quick: give another folder with -o",
                line->path, line->number, is_quick(line->value) ? "with" : "without");
    const char *build = build_of(line->value);
    if (experiment->mixes_builds || strcmp(build, sweep->build) == 0) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_FILE,
            "%s:%zu: it was measured by build %s, and this is build %s: figures of both "
            "can't be compared unless the experiment says 'builds: mixed'",
            line->path, line->number, build, sweep->build);
}

static int take(const struct gc_results_line *line, void *argument)
{
    struct gc_sweep *sweep = argument;
    struct gc_plan *plan = &sweep->experiment.plan;
    int status = check_line(sweep, line);
    if (status != GC_EXIT_OK) return status;
    uint32_t number;
    if (!gc_cell_index_find(
                &sweep->index, gc_json_find_text(line->value, "cell"), &number)) {
        sweep->strangers++;
        return GC_EXIT_OK;
    }
    struct gc_measured *measured = gc_need(sizeof(*measured));
    if (!gc_line_read(line->value, measured)) {
        free(measured);
        return gc_complain(
                GC_EXIT_FILE, "%s:%zu: it has no outcome", line->path, line->number);
    }
    if (plan->results[number] == NULL) sweep->known++;
    free(plan->results[number]);
    plan->results[number] = measured;
    return GC_EXIT_OK;
}

int gc_sweep_load(struct gc_sweep *sweep)
{
    return gc_results_read(sweep->folder, take, sweep);
}

bool gc_sweep_lacks(const struct gc_sweep *sweep, uint32_t block, uint32_t *numbers)
{
    gc_experiment_block(&sweep->experiment, block, numbers);
    for (uint32_t c = 0; c < sweep->experiment.plan.collector_count; c++)
        if (sweep->experiment.plan.results[numbers[c]] == NULL) return true;
    return false;
}

/* --- lists -------------------------------------------------------------------------------- */

static void list_cell(
        FILE *file, const struct gc_sweep *sweep, uint32_t number, uint32_t shard)
{
    const struct gc_experiment *experiment = &sweep->experiment;
    const struct gc_plan *plan = &experiment->plan;
    struct gc_place place = gc_plan_place(plan, number);
    struct gc_job job = gc_plan_job(plan, place);
    char cell[GC_ID], block[GC_ID];
    gc_identity_cell(
            experiment->name, experiment->is_quick, sweep->build, plan, place, cell);
    gc_identity_block(experiment->name, experiment->is_quick, plan, place, block);
    fprintf(file, "%s %s %" PRIu32 " %s %s %s threads=%" PRIu32 " heap=", cell, block,
            shard, job.collector->label, job.spec->label, job.weak ? "weak" : "fixed",
            job.threads);
    if (job.heap_limit > 0)
        fprintf(file, "%" PRIu64, job.heap_limit);
    else
        fputs("none", file);
    fprintf(file, " seed=%" PRIu64 " process=%" PRIu32 "\n", job.seed, place.process);
}

void gc_sweep_list(
        FILE *file, const struct gc_sweep *sweep, uint32_t shards, bool missing)
{
    const struct gc_experiment *experiment = &sweep->experiment;
    const struct gc_plan *plan = &experiment->plan;
    uint32_t *numbers = gc_need(plan->collector_count * sizeof(*numbers));
    for (uint32_t b = 0; b < gc_experiment_block_count(experiment); b++) {
        gc_experiment_block(experiment, b, numbers);
        for (uint32_t c = 0; c < plan->collector_count; c++)
            if (!missing || plan->results[numbers[c]] == NULL)
                list_cell(file, sweep, numbers[c], shards > 0 ? b % shards : 0);
    }
    free(numbers);
    gc_standard_flush(file);
}

int gc_sweep_print(FILE *file, const struct gc_sweep *sweep)
{
    const struct gc_plan *plan = &sweep->experiment.plan;
    struct gc_table_notes notes = { false };
    struct gc_environment environment;
    gc_environment_read(&environment);
    for (uint32_t w = 0; w < plan->workload_count && plan->count_ops; w++)
        gc_operations_print(file, plan, w);
    for (uint32_t h = 0; h < plan->heap_count && !plan->count_ops; h++)
        for (uint32_t w = 0; w < plan->workload_count; w++)
            gc_table_print(
                    file, plan, (struct gc_place){ .workload = w, .heap = h }, &notes);
    if (plan->count_ops)
        gc_operations_print_foot(file, plan);
    else
        gc_table_print_foot(file, plan, &environment, &notes);
    int status = GC_EXIT_OK;
    for (uint32_t i = 0; i < gc_plan_count(plan); i++)
        if (plan->results[i] != NULL && plan->results[i]->sample.outcome != GC_OUTCOME_OK)
            status = GC_EXIT_FAILED;
    return status;
}

/* --- status ------------------------------------------------------------------------------- */

/* The builds that have left results, and whether they were quick. */
struct origin {
    char (*builds)[GC_ID];
    uint32_t count;
    bool is_quick;
};

static int find_origin(const struct gc_results_line *line, void *argument)
{
    struct origin *origin = argument;
    const char *build = build_of(line->value);
    origin->is_quick = is_quick(line->value);
    for (uint32_t i = 0; i < origin->count; i++)
        if (strcmp(origin->builds[i], build) == 0) return GC_EXIT_OK;
    origin->builds =
            gc_need_more(origin->builds, (origin->count + 1) * sizeof(*origin->builds));
    snprintf(origin->builds[origin->count++], GC_ID, "%.16s", build);
    return GC_EXIT_OK;
}

static void report(const struct gc_sweep *sweep)
{
    const struct gc_plan *plan = &sweep->experiment.plan;
    uint32_t counts[GC_OUTCOME_COUNT] = { 0 }, total = gc_plan_count(plan);
    for (uint32_t i = 0; i < total; i++)
        if (plan->results[i] != NULL) counts[plan->results[i]->sample.outcome]++;
    printf("%s%s, build %s: %" PRIu32 " of %" PRIu32 " cells are there",
            sweep->experiment.name, sweep->experiment.is_quick ? " (quick)" : "",
            sweep->build, sweep->known, total);
    for (int o = 0; o < GC_OUTCOME_COUNT; o++)
        if (counts[o] > 0) printf(", %" PRIu32 " %s", counts[o], gc_outcome_names[o]);
    printf(sweep->known < total ? "; missing:\n" : "\n");
    gc_sweep_list(stdout, sweep, 0, true);
    if (sweep->strangers > 0)
        printf("%" PRIu32 " other results, of another build or an earlier plan\n",
                sweep->strangers);
}

static int status_of_build(
        const char *folder, const char *path, const char *build, bool quick)
{
    struct gc_sweep sweep = { .folder = folder };
    char *minimum_heaps = gc_need_text("%s/minheap.yaml", folder);
    bool has_minimum = access(minimum_heaps, F_OK) == 0;
    snprintf(sweep.build, GC_ID, "%.16s", build);
    int status = gc_experiment_read(
            path, quick, has_minimum ? minimum_heaps : NULL, &sweep.experiment);
    if (status == GC_EXIT_OK) status = gc_sweep_begin(&sweep);
    if (status == GC_EXIT_OK) status = gc_sweep_load(&sweep);
    if (status == GC_EXIT_OK) {
        report(&sweep);
        if (sweep.known < gc_plan_count(&sweep.experiment.plan)) status = GC_EXIT_FAILED;
    }
    gc_sweep_finish(&sweep);
    free(minimum_heaps);
    return status;
}

int gc_sweep_status(const char *folder, const char *path)
{
    struct origin origin = { NULL, 0, false };
    char *copy = gc_need_text("%s/experiment.yaml", folder), own[GC_ID] = "";
    int status = gc_results_read(folder, find_origin, &origin);
    int result = status == GC_EXIT_OK && origin.count == 0 ? gc_identity_build(own) : 0;
    if (result < 0) status = GC_EXIT_ENVIRONMENT;
    if (status == GC_EXIT_OK && origin.count == 0)
        status = status_of_build(folder, path != NULL ? path : copy, own, false);
    for (uint32_t i = 0; i < origin.count && status <= GC_EXIT_FAILED; i++) {
        int one = status_of_build(
                folder, path != NULL ? path : copy, origin.builds[i], origin.is_quick);
        if (one > status) status = one;
    }
    free(origin.builds);
    free(copy);
    return status;
}
