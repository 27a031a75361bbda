/* SPDX-License-Identifier: MIT */
/* sweep.c - `gclab sweep`: runs an experiment, and goes on where it was interrupted. */
#include "bench/sweep.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/environment.h"
#include "bench/exclusive.h"
#include "bench/json.h"
#include "bench/line.h"
#include "bench/measure.h"
#include "bench/plan_options.h"
#include "bench/text.h"
#include "core/os.h"

enum key {
    KEY_QUICK = 0x100,
    KEY_RESUME,
    KEY_SHARD,
    KEY_DRY,
    KEY_NO_LOCK,
    KEY_STATUS,
    KEY_MERGE,
    KEY_ENGINE,
    KEY_SHARDS,
};

enum { SHARDS_MAX = 100000, SHARDS_OF_ENGINE = 4 };

static const struct argp_option options[] = {
    { .name = "quick",
            .key = KEY_QUICK,
            .doc = "what the experiment says under 'quick' goes before the rest" },
    { .name = "output",
            .key = 'o',
            .arg = "FOLDER",
            .doc = "where results go (default: NAME.results, or NAME.quick.results)" },
    { .name = "resume",
            .key = KEY_RESUME,
            .doc = "goes on in a folder that has results: cells that are there are not "
                   "run again" },
    { .name = "shard",
            .key = KEY_SHARD,
            .arg = "I/N",
            .doc = "only the blocks of cells whose number divided by N leaves I, into "
                   "files of their own in the folder" },
    { .name = "engine",
            .key = KEY_ENGINE,
            .arg = "NAME",
            .doc = "local: this process; slurm: a job array of shards, which is awaited "
                   "(default: local)" },
    { .name = "shards",
            .key = KEY_SHARDS,
            .arg = "N",
            .doc = "tasks of the job array (default: 4)" },
    { .name = "dry-run",
            .key = KEY_DRY,
            .doc = "prints the cells in the order in which they would run" },
    { .name = "no-lock",
            .key = KEY_NO_LOCK,
            .doc = "does not wait for the end of another sweep on this machine" },
    { .name = "quiet", .key = 'q', .doc = "no progress" },
    { .name = "status",
            .key = KEY_STATUS,
            .arg = "FOLDER",
            .doc = "says instead which cells are there, and lists those that are "
                   "missing" },
    { .name = "merge",
            .key = KEY_MERGE,
            .doc = "makes instead one folder (-o) of the folders that are given" },
    { .name = NULL },
};

struct request {
    struct gc_sweep sweep;
    struct gc_environment environment;
    struct gc_progress progress;
    char **names;                       /* what was given without an option */
    uint32_t name_count, shard, shards; /* shards == 0: all of it, in one file */
    const char *output, *status_folder;
    bool quick, resume, dry_run, no_lock, quiet, merges, uses_slurm;
    uint32_t engine_shards; /* 0: not given */
    int samples;            /* where lines go */
    struct pace *paces;
    int status; /* of the command line */
};

/* How long the samples of a workload and number of threads take. */
struct pace {
    double seconds;
    uint32_t done, left;
};

/* --- the command line -------------------------------------------------------------------- */

static int read_shard(const char *text, struct request *request)
{
    uint64_t shard = 0, shards = 0;
    char *index = gc_need_text("%s", text), *slash = strchr(index, '/');
    if (slash != NULL) *slash = '\0';
    bool good = slash != NULL && gc_read_number(index, SHARDS_MAX, &shard) &&
                gc_read_number(slash + 1, SHARDS_MAX, &shards) && shard < shards;
    free(index);
    if (!good)
        return gc_complain(GC_EXIT_USAGE,
                "--shard %s: it takes I/N, as in 0/4 for the first of four", text);
    request->shard = (uint32_t)shard;
    request->shards = (uint32_t)shards;
    return GC_EXIT_OK;
}

static int read_engine(const char *name, struct request *request)
{
    static const char *const engines[] = { "local", "slurm", NULL };
    request->uses_slurm = strcmp(name, "slurm") == 0;
    if (request->uses_slurm || strcmp(name, "local") == 0) return GC_EXIT_OK;
    return gc_complain_unknown("engine", name, engines);
}

static int read_shards(const char *text, struct request *request)
{
    uint64_t shards = 0;
    if (!gc_read_number(text, SHARDS_MAX, &shards) || shards == 0)
        return gc_complain(GC_EXIT_USAGE, "--shards %s: it takes a number from 1 to %d",
                text, SHARDS_MAX);
    request->engine_shards = (uint32_t)shards;
    return GC_EXIT_OK;
}

static error_t end_unless(struct request *request, int status)
{
    request->status = status;
    return status == GC_EXIT_OK ? 0 : ECANCELED;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        request->names = gc_need_more(
                request->names, (request->name_count + 2) * sizeof(*request->names));
        request->names[request->name_count++] = argument;
        request->names[request->name_count] = NULL;
        return 0;
    case KEY_QUICK:
        request->quick = true;
        return 0;
    case 'o':
        request->output = argument;
        return 0;
    case KEY_RESUME:
        request->resume = true;
        return 0;
    case KEY_SHARD:
        return end_unless(request, read_shard(argument, request));
    case KEY_ENGINE:
        return end_unless(request, read_engine(argument, request));
    case KEY_SHARDS:
        return end_unless(request, read_shards(argument, request));
    case KEY_DRY:
        request->dry_run = true;
        return 0;
    case KEY_NO_LOCK:
        request->no_lock = true;
        return 0;
    case 'q':
        request->quiet = true;
        return 0;
    case KEY_STATUS:
        request->status_folder = argument;
        return 0;
    case KEY_MERGE:
        request->merges = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "EXPERIMENT.yaml\n--status FOLDER\n--merge FOLDER... -o FOLDER",
    .doc = "Runs an experiment: collectors x workloads x threads x heaps x seeds x "
           "processes, "
           "each sample in a fresh process, and appends a line of JSON for each to a "
           "file in "
           "a folder.\v"
           "A line is on the disk before the next sample begins: whatever ends a sweep, "
           "--resume runs what is missing. Shards may run at the same time on machines "
           "that "
           "share the folder.\n\n"
           "Exit status: 0 all well, 1 a sample failed or is missing, 2 usage, 3 a bad "
           "file "
           "or folder, 4 the environment, 130 interrupted.",
};

/* --- one sample after the other ------------------------------------------------------------ */

static struct pace *pace_of(struct request *request, uint32_t number)
{
    const struct gc_plan *plan = &request->sweep.experiment.plan;
    struct gc_place place = gc_plan_place(plan, number);
    return &request->paces[place.workload * plan->thread_count + place.threads];
}

/* What is left takes as long as its like has taken; what nothing is known of, the average. */
static double estimate(const struct request *request)
{
    const struct gc_plan *plan = &request->sweep.experiment.plan;
    uint32_t count = plan->workload_count * plan->thread_count, done = 0;
    double seconds = 0, left = 0;
    for (uint32_t i = 0; i < count; i++) {
        done += request->paces[i].done;
        seconds += request->paces[i].seconds;
    }
    if (done == 0) return NAN;
    for (uint32_t i = 0; i < count; i++) {
        const struct pace *pace = &request->paces[i];
        left += pace->left *
                (pace->done > 0 ? pace->seconds / pace->done : seconds / done);
    }
    return left;
}

static int write_line(struct request *request, uint32_t number)
{
    struct gc_sweep *sweep = &request->sweep;
    const struct gc_experiment *experiment = &sweep->experiment;
    const struct gc_plan *plan = &experiment->plan;
    char cell[GC_ID], block[GC_ID];
    struct gc_place place = gc_plan_place(plan, number);
    gc_identity_cell(
            experiment->name, experiment->is_quick, sweep->build, plan, place, cell);
    gc_identity_block(experiment->name, experiment->is_quick, plan, place, block);
    const struct gc_line_cell of = {
        experiment->name,
        experiment->is_quick,
        cell,
        block,
        sweep->build,
    };
    int result =
            gc_line_write(request->samples, plan, number, &request->environment, &of);
    return result < 0 ? result : gc_results_flush(request->samples);
}

/* GC_EXIT_OK, or what ends the sweep, which is said. */
static int run_cell(struct request *request, uint32_t number)
{
    struct gc_plan *plan = &request->sweep.experiment.plan;
    struct gc_place place = gc_plan_place(plan, number);
    struct gc_job job = gc_plan_job(plan, place);
    struct gc_progress *progress = &request->progress;
    const char *heap = plan->heaps[place.heap].label;
    struct pace *pace = pace_of(request, number);
    progress->heap = job.heap_limit > 0 ? heap : NULL;
    progress->left_s = estimate(request);
    uint64_t start_ns = gc_os_now_ns();
    int result = gc_measure(&job, progress, &plan->results[number]);
    if (result < 0) return gc_measure_end(result, progress->done, progress->total);
    gc_plan_compare(plan, number);
    result = write_line(request, number);
    if (result < 0)
        return gc_complain(GC_EXIT_ENVIRONMENT, "%s can't be written: %s",
                request->sweep.folder, strerror(-result));
    progress->done++;
    pace->seconds += (double)(gc_os_now_ns() - start_ns) / 1e9;
    pace->done++;
    pace->left--;
    return GC_EXIT_OK;
}

static bool is_ours(const struct request *request, uint32_t block)
{
    return request->shards == 0 || block % request->shards == request->shard;
}

/* The cells that are still to run; their paces learn of them. */
static uint32_t count_left(struct request *request, uint32_t *numbers)
{
    struct gc_experiment *experiment = &request->sweep.experiment;
    uint32_t left = 0;
    for (uint32_t b = 0; b < gc_experiment_block_count(experiment); b++) {
        if (!is_ours(request, b)) continue;
        gc_experiment_block(experiment, b, numbers);
        for (uint32_t c = 0; c < experiment->plan.collector_count; c++) {
            if (experiment->plan.results[numbers[c]] != NULL) continue;
            pace_of(request, numbers[c])->left++;
            left++;
        }
    }
    return left;
}

static int run_cells(struct request *request)
{
    struct gc_experiment *experiment = &request->sweep.experiment;
    struct gc_plan *plan = &experiment->plan;
    uint32_t *numbers = gc_need(plan->collector_count * sizeof(*numbers));
    request->paces = gc_need(
            (size_t)plan->workload_count * plan->thread_count * sizeof(*request->paces));
    uint32_t left = count_left(request, numbers);
    gc_progress_begin(&request->progress, left, request->quiet);
    request->progress.is_logged = !request->quiet;
    gc_interrupts_catch();
    int status = GC_EXIT_OK;
    for (uint32_t b = 0; b < gc_experiment_block_count(experiment); b++) {
        if (!is_ours(request, b)) continue;
        gc_experiment_block(experiment, b, numbers);
        for (uint32_t c = 0; c < plan->collector_count && status == GC_EXIT_OK; c++)
            if (plan->results[numbers[c]] == NULL) status = run_cell(request, numbers[c]);
    }
    free(numbers);
    free(request->paces);
    return status;
}

/* --- the folder -------------------------------------------------------------------------- */

static int keep_machine(const struct request *request, const char *name)
{
    char *text = NULL, *path = gc_need_text("%s/%s", request->sweep.folder, name);
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    int status = GC_EXIT_OK;
    if (memory == NULL) exit(gc_complain(GC_EXIT_ENVIRONMENT, "no memory"));
    struct gc_json json = { .file = memory };
    gc_json_begin(&json, NULL);
    gc_environment_write_machine(&request->environment, &json);
    gc_json_end(&json);
    fputc('\n', memory);
    fclose(memory);
    /* of the machine that began: every line has its own environment */
    if (access(path, F_OK) != 0)
        status = gc_results_keep(request->sweep.folder, name, text, length, path);
    free(text);
    free(path);
    return status;
}

/* The name of a file of this shard, or of all; free with free(). */
static char *file_name(
        const struct request *request, const char *name, const char *suffix)
{
    if (request->shards == 0) return gc_need_text("%s%s", name, suffix);
    return gc_need_text("%s-%" PRIu32 "%s", name, request->shard, suffix);
}

/* Makes the folder, or finds it as it was left, and takes in what is there. */
static int prepare_folder(struct request *request, const char *source)
{
    struct gc_sweep *sweep = &request->sweep;
    const struct gc_experiment *experiment = &sweep->experiment;
    char *samples = file_name(request, "samples", ".jsonl");
    char *path = gc_need_text("%s/%s", sweep->folder, samples);
    bool is_there = request->shards > 0 ? access(path, F_OK) == 0
                                        : !gc_results_is_empty(sweep->folder);
    int status = GC_EXIT_OK;
    if (is_there && !request->resume)
        status = gc_complain(GC_EXIT_FILE,
                "%s is there already: go on with --resume, or give another folder with "
                "-o",
                request->shards > 0 ? path : sweep->folder);
    if (status == GC_EXIT_OK) status = gc_results_make(sweep->folder);
    if (status == GC_EXIT_OK)
        status = gc_results_keep(sweep->folder, "experiment.yaml", experiment->text,
                experiment->length, source);
    if (status == GC_EXIT_OK && experiment->minimum_heaps != NULL)
        status = gc_results_keep(sweep->folder, "minheap.yaml", experiment->minimum_heaps,
                experiment->minimum_heaps_length, "the file of minimum heaps");
    if (status == GC_EXIT_OK) status = gc_sweep_load(sweep);
    free(path);
    free(samples);
    return status;
}

/* Opens the file of samples, and says where they come from. */
static int open_samples(struct request *request)
{
    char *samples = file_name(request, "samples", ".jsonl");
    char *machine = file_name(request, "machine", ".json");
    int status = gc_results_open(request->sweep.folder, samples, &request->samples);
    if (status == GC_EXIT_OK) status = keep_machine(request, machine);
    free(machine);
    free(samples);
    return status;
}

static int conclude(struct request *request, int status)
{
    struct gc_sweep *sweep = &request->sweep;
    if (status == GC_EXIT_ENVIRONMENT) return status;
    int failed = gc_sweep_print(stdout, sweep);
    printf("results: %s\n", sweep->folder);
    return status == GC_EXIT_OK ? failed : status;
}

static int measure(struct request *request, const char *source)
{
    int lock = -1, status = GC_EXIT_OK;
    if (!request->no_lock) status = gc_exclusive_begin(&lock);
    gc_environment_read(&request->environment);
    if (status == GC_EXIT_OK) status = prepare_folder(request, source);
    if (status == GC_EXIT_OK) status = open_samples(request);
    if (status == GC_EXIT_OK) status = conclude(request, run_cells(request));
    if (request->samples >= 0) close(request->samples);
    if (lock >= 0) close(lock);
    return status;
}

/* The same by tasks of a job array, each of which is a sweep of one shard. */
static int submit(struct request *request, const char *source)
{
    uint32_t shards =
            request->engine_shards > 0 ? request->engine_shards : SHARDS_OF_ENGINE;
    gc_interrupts_catch();
    int status = prepare_folder(request, source);
    if (status != GC_EXIT_OK) return status;
    return conclude(
            request, gc_sweep_slurm(&request->sweep, source, shards, request->quiet));
}

static int run_experiment(struct request *request, const char *source)
{
    struct gc_sweep *sweep = &request->sweep;
    struct gc_experiment *experiment = &sweep->experiment;
    int status = gc_experiment_read(source, request->quick, NULL, experiment);
    if (status != GC_EXIT_OK) return status;
    int result = gc_identity_build(sweep->build);
    if (result < 0)
        return gc_complain(GC_EXIT_ENVIRONMENT,
                "the program's own files can't be read: %s", strerror(-result));
    char *folder = gc_need_text(
            "%s%s.results", experiment->name, experiment->is_quick ? ".quick" : "");
    sweep->folder = request->output != NULL ? request->output : folder;
    status = gc_sweep_begin(sweep);
    if (status == GC_EXIT_OK && request->dry_run)
        gc_sweep_list(stdout, sweep, request->shards, false);
    else if (status == GC_EXIT_OK)
        status = (request->uses_slurm ? submit : measure)(request, source);
    free(folder);
    return status;
}

static int choose(struct request *request)
{
    const char *first = request->name_count > 0 ? request->names[0] : NULL;
    bool measures = request->status_folder == NULL && !request->merges;
    if (request->status_folder != NULL && request->merges)
        return gc_complain(GC_EXIT_USAGE, "--status and --merge exclude each other");
    if (!request->merges && request->name_count > 1)
        return gc_complain(
                GC_EXIT_USAGE, "'%s': one experiment at a time", request->names[1]);
    if (request->merges && (request->name_count == 0 || request->output == NULL))
        return gc_complain(GC_EXIT_USAGE,
                "--merge takes the folders to be merged, and with -o the one to be made");
    if (request->uses_slurm && request->shards > 0)
        return gc_complain(GC_EXIT_USAGE,
                "--shard is for a task: --engine slurm takes --shards, a number of them");
    if (request->engine_shards > 0 && !request->uses_slurm)
        return gc_complain(GC_EXIT_USAGE, "--shards goes with --engine slurm");
    if (measures && first == NULL)
        return gc_complain(
                GC_EXIT_USAGE, "sweep takes an experiment: see gclab sweep --help");
    if (request->merges) return gc_sweep_merge(request->names, request->output);
    if (!measures) return gc_sweep_status(request->status_folder, first);
    return run_experiment(request, first);
}

static int run(int argc, char **argv)
{
    struct request *request = gc_need(sizeof(*request));
    request->samples = -1;
    error_t error = argp_parse(&argp, argc, argv, 0, NULL, request);
    int status = request->status;
    if (error != 0 && status == GC_EXIT_OK) status = GC_EXIT_USAGE;
    if (status == GC_EXIT_OK) status = choose(request);
    gc_sweep_finish(&request->sweep);
    free(request->names);
    free(request);
    return status;
}

const struct gc_command gc_command_sweep = {
    .name = "sweep",
    .summary = "run an experiment, and go on where it was interrupted",
    .argp = &argp,
    .run = run,
};
