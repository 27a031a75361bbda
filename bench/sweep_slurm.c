/* SPDX-License-Identifier: MIT */
/* sweep_slurm.c - an experiment as a job array of Slurm.
 *
 * Each task is `gclab sweep --shard I/N --resume` on a node of its own: whether it is killed,
 * requeued or run twice, its cells are there once. The nodes share the folder of results, so
 * there is nothing to be brought together but what readers bring together anyway. What else a
 * site wants said (partition, account, time limit), sbatch takes from the environment.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/file.h"
#include "bench/progress.h"
#include "bench/sweep.h"
#include "bench/text.h"

enum {
    POLL_MS = 2000,
    ANSWER_MAX = 1 << 16,
    SILENT_MAX = 10, /* polls that get no answer, one after the other */
};

/* What a command of a shell prints, errors included, and its exit status, or -1. Free with
 * free(). */
static char *ask(const char *command, int *ret_status)
{
    char *text = gc_need(ANSWER_MAX);
    *ret_status = -1;
    FILE *pipe = popen(command, "r");
    if (pipe == NULL) return text;
    size_t length = fread(text, 1, ANSWER_MAX - 1, pipe);
    text[length] = '\0';
    int status = pclose(pipe);
    if (status >= 0 && WIFEXITED(status)) *ret_status = WEXITSTATUS(status);
    return text;
}

static int complain_of(const char *command, char *answer)
{
    answer[strcspn(answer, "\n")] = '\0';
    int status = gc_complain(GC_EXIT_ENVIRONMENT, "%s: %s", command,
            answer[0] != '\0' ? answer : "no answer");
    free(answer);
    return status;
}

/* "0,2,5": the shards that lack cells; "" if none does. Free with free(). */
static char *lacking(const struct gc_sweep *sweep, uint32_t shards, uint32_t *ret_cells)
{
    const struct gc_experiment *experiment = &sweep->experiment;
    bool *lacks = gc_need(shards * sizeof(*lacks));
    uint32_t *numbers = gc_need(experiment->plan.collector_count * sizeof(*numbers));
    *ret_cells = 0;
    for (uint32_t b = 0; b < gc_experiment_block_count(experiment); b++) {
        if (!gc_sweep_lacks(sweep, b, numbers)) continue;
        lacks[b % shards] = true;
        for (uint32_t c = 0; c < experiment->plan.collector_count; c++)
            *ret_cells += experiment->plan.results[numbers[c]] == NULL;
    }
    char *list = gc_need_text("%s", "");
    for (uint32_t i = 0; i < shards; i++) {
        if (!lacks[i]) continue;
        char *longer = gc_need_text("%s%s%" PRIu32, list, *list != '\0' ? "," : "", i);
        free(list);
        list = longer;
    }
    free(numbers);
    free(lacks);
    return list;
}

/* The script that each task runs. Its name, free with free(), or NULL: it can't be written, which
 * is said. */
static char *write_script(
        const struct gc_sweep *sweep, const char *source, uint32_t shards)
{
    const struct gc_experiment *experiment = &sweep->experiment;
    char *program = realpath("/proc/self/exe", NULL), *file = realpath(source, NULL);
    char *folder = realpath(sweep->folder, NULL);
    char *line = gc_text_with_word(gc_need_text("%s", "exec "), "", program);
    line = gc_text_with_word(line, " sweep ", file);
    line = gc_text_with_word(line, " -o ", folder);
    char *text = gc_need_text("#!/bin/sh\n"
                              "#SBATCH --job-name=gclab-%s\n"
                              "#SBATCH --exclusive\n"
                              "#SBATCH --requeue\n"
                              "#SBATCH --open-mode=append\n"
                              "%s%s --resume --shard \"$SLURM_ARRAY_TASK_ID\"/%" PRIu32
                              "\n",
            experiment->name, line, experiment->is_quick ? " --quick" : "", shards);
    char *path = gc_need_text("%s/job.sbatch", folder != NULL ? folder : sweep->folder);
    int result = gc_file_write(path, text, strlen(text), GC_FILE_REPLACE);
    free(text);
    free(line);
    free(folder);
    free(file);
    free(program);
    if (result == 0) return path;
    gc_complain(GC_EXIT_ENVIRONMENT, "%s can't be written: %s", path, strerror(-result));
    free(path);
    return NULL;
}

/* The job's number as a text, free with free(), or NULL: there is no job, which is said. */
static char *submit(const char *script, const char *array)
{
    char *log = gc_need_text(
            "%.*s/slurm-%%a.log", (int)(strrchr(script, '/') - script), script);
    char *command = gc_need_text("sbatch --parsable --array=%s", array);
    command = gc_text_with_word(command, " --output=", log);
    command = gc_text_with_word(command, " ", script);
    char *longer = gc_need_text("%s 2>&1", command);
    int status;
    char *answer = ask(longer, &status);
    free(longer);
    free(command);
    free(log);
    size_t digits = strspn(answer, "0123456789");
    if (status != 0 || digits == 0) {
        complain_of("sbatch", answer);
        return NULL;
    }
    answer[digits] = '\0'; /* of several clusters, the name of one follows */
    return answer;
}

/* Whether the job is still there. Slurm forgets one some minutes after its end. */
static int poll_job(const char *job, bool *ret_ended, uint32_t *silent)
{
    int status;
    char *command = gc_need_text("squeue --noheader --format=%%T --jobs=%s 2>&1", job);
    char *answer = ask(command, &status);
    free(command);
    bool is_forgotten = strstr(answer, "Invalid job id") != NULL;
    *ret_ended = (status == 0 && answer[0] == '\0') || is_forgotten;
    *silent = status == 0 || is_forgotten ? 0 : *silent + 1;
    if (*silent > SILENT_MAX) return complain_of("squeue", answer);
    free(answer);
    return GC_EXIT_OK;
}

static int await(
        const struct gc_sweep *sweep, const char *job, uint32_t cells, bool quiet)
{
    struct gc_progress progress;
    uint32_t silent = 0;
    gc_progress_begin(&progress, cells, quiet);
    progress.collector = job;
    progress.workload = "job";
    for (bool ended = false; !ended;) {
        size_t before = sweep->known + sweep->strangers;
        size_t lines = gc_results_count(sweep->folder);
        size_t done = lines > before ? lines - before : 0;
        progress.done = done < cells ? (uint32_t)done : cells;
        gc_progress_draw(&progress);
        bool goes_on = gc_interrupts_wait(POLL_MS);
        gc_progress_clear(&progress);
        if (!goes_on) {
            int status;
            char *command = gc_need_text("scancel %s 2>&1", job);
            free(ask(command, &status));
            free(command);
            return gc_complain(GC_EXIT_SIGNAL + gc_interrupted,
                    "interrupted: job %s is cancelled", job);
        }
        int status = poll_job(job, &ended, &silent);
        if (status != GC_EXIT_OK) return status;
    }
    return GC_EXIT_OK;
}

static int run_job(struct gc_sweep *sweep, const char *source, uint32_t shards,
        const char *array, uint32_t cells, bool quiet)
{
    char *script = write_script(sweep, source, shards);
    char *job = script != NULL ? submit(script, array) : NULL;
    int status = GC_EXIT_ENVIRONMENT;
    if (job != NULL) {
        if (!quiet) fprintf(stderr, "gclab: job %s, tasks %s\n", job, array);
        status = await(sweep, job, cells, quiet);
    }
    free(job);
    free(script);
    return status;
}

int gc_sweep_slurm(
        struct gc_sweep *sweep, const char *source, uint32_t shards, bool quiet)
{
    uint32_t cells;
    char *array = lacking(sweep, shards, &cells);
    int status = GC_EXIT_OK;
    if (*array != '\0') status = run_job(sweep, source, shards, array, cells, quiet);
    free(array);
    if (status == GC_EXIT_ENVIRONMENT || status == GC_EXIT_FILE) return status;
    sweep->known = sweep->strangers = 0;
    int loaded = gc_sweep_load(sweep);
    if (status != GC_EXIT_OK || loaded != GC_EXIT_OK)
        return status != GC_EXIT_OK ? status : loaded;
    array = lacking(sweep, shards, &cells);
    if (cells > 0)
        status = gc_complain(GC_EXIT_FAILED,
                "%" PRIu32
                " cells are missing, of shards %s: see slurm-*.log there, and go "
                "on with --resume",
                cells, array);
    free(array);
    return status;
}
