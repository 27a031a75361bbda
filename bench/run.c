/* SPDX-License-Identifier: MIT */
/* run.c - `gclab run`: measures collectors x workloads x threads, and prints them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/checks.h"
#include "bench/command.h"
#include "bench/environment.h"
#include "bench/line.h"
#include "bench/measure.h"
#include "bench/minheap.h"
#include "bench/operations.h"
#include "bench/plan_options.h"
#include "bench/progress.h"
#include "bench/sample.h"
#include "bench/standard.h"
#include "bench/suite.h"
#include "bench/table.h"
#include "bench/text.h"

enum key { KEY_JSON = 0x100, KEY_HERE, KEY_COUNT, KEY_CHECKS, KEY_SUITE };

enum { TIMEOUT_S = 300 };

static const struct argp_option options[] = {
    { .name = "suite", /* of the first group, as what the plan's own options say */
            .group = 1,
            .key = KEY_SUITE,
            .arg = "NAME",
            .doc = "the workloads, threads and processes of a suite: default, smoke" },
    { .name = "checks",
            .key = KEY_CHECKS,
            .arg = "N",
            .doc = "N times on the way, at equal distances, all threads wait until what "
                   "is "
                   "live has been compared with the workload's own model; prints each, "
                   "with the resident set (up to 100; default: 0)" },
    { .doc = "How, and what is written:", .group = 2 },
    { .name = "json",
            .key = KEY_JSON,
            .arg = "FILE",
            .doc = "appends a line of JSON for each sample to FILE; -: to stdout, and "
                   "the "
                   "table goes to stderr" },
    { .name = "count-ops",
            .key = KEY_COUNT,
            .doc = "counts what the fast paths do, in a variant of the workloads, and "
                   "times nothing (default: one process)" },
    { .name = "in-process",
            .key = KEY_HERE,
            .doc = "no process of its own for each sample (for debuggers); no time-out" },
    { .name = "quiet", .key = 'q', .doc = "no progress bar, and no table with --json -" },
    { .name = NULL },
};

struct request {
    struct gc_plan plan;
    struct gc_plan_options options;
    struct gc_environment environment;
    struct gc_progress progress;
    struct gc_table_notes notes;
    const struct gc_suite *suite; /* NULL: -w was given */
    const char *suite_name, *json_name;
    bool quiet;
    int json;       /* where lines go, or -1 */
    FILE *table;    /* NULL: not wanted */
    int json_error; /* errno of the first line that could not be written */
};

static int read_checks(const char *text, struct gc_plan *plan)
{
    uint64_t value;
    if (!gc_read_number(text, GC_CHECKS_MOST, &value))
        return gc_complain(GC_EXIT_USAGE, "--checks %s: it takes a number from 0 to %d",
                text, GC_CHECKS_MOST);
    plan->checks = (uint32_t)value;
    return GC_EXIT_OK;
}

static int read_suite(const char *name, struct request *request)
{
    const char *names[16] = { NULL };
    for (size_t i = 0; gc_suites[i].name != NULL && i < 15; i++) {
        names[i] = gc_suites[i].name;
        if (strcmp(names[i], name) == 0) request->suite = &gc_suites[i];
    }
    request->suite_name = name;
    if (request->suite != NULL) return GC_EXIT_OK;
    return gc_complain_unknown("suite", name, names);
}

static int read_option(int key, char *argument, struct request *request)
{
    struct gc_plan *plan = &request->plan;
    switch (key) {
    case 'q':
        request->quiet = true;
        return GC_EXIT_OK;
    case KEY_JSON:
        request->json_name = argument;
        return GC_EXIT_OK;
    case KEY_HERE:
        plan->in_process = true;
        return GC_EXIT_OK;
    case KEY_COUNT:
        plan->count_ops = true;
        return GC_EXIT_OK;
    case KEY_CHECKS:
        return read_checks(argument, plan);
    case KEY_SUITE:
        return read_suite(argument, request);
    default:
        return -1;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    struct gc_plan_options *shared = &request->options;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = shared;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        return gc_plan_options_end(
                shared, gc_complain(GC_EXIT_USAGE,
                                "'%s': collectors are given with -c, workloads with -w",
                                argument));
    bool is_option = key > 0 && key <= KEY_SUITE;
    if (is_option && shared->loads_plugins) return 0;
    int status = read_option(key, argument, request);
    return status < 0 ? ARGP_ERR_UNKNOWN : gc_plan_options_end(shared, status);
}

static const struct argp_child children[] = { { .argp = &gc_plan_argp },
    { .argp = NULL } };

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .children = children,
    .doc = "Measures collectors on workloads, each sample in a fresh process, and prints "
           "a "
           "table.\v"
           "Without -c all collectors are measured. Without -w, the suite 'default' is "
           "measured, at its own numbers of threads "
           "and "
           "processes; if the environment variable " GC_SUITE_SNAPSHOT
           " names a snapshot, "
           "that as well.\n\n"
           "Collectors take turns within a workload, number of threads and process. "
           "Ctrl-C "
           "ends the run; what has been measured is printed.\n\n"
           "Exit status: 0 all well, 1 a sample failed, 2 usage, 3 a bad file, 4 the "
           "environment.\n\n"
           "Example: gclab run -c generational@plain:threshold0=2000 -c refcount "
           "-w rings:k=64 -t 1,2",
};

/* The snapshot that the environment names, as a workload. */
static int add_snapshot(struct gc_plan *plan)
{
    const char *path = getenv(GC_SUITE_SNAPSHOT);
    if (path == NULL || *path == '\0') return GC_EXIT_OK;
    char *spec = gc_need(2 * strlen(path) + 32), *to = spec;
    to = stpcpy(to, "snapshot:file=");
    for (; *path != '\0'; path++) {
        if (*path == ':' || *path == '\\') *to++ = '\\';
        *to++ = *path;
    }
    int status = gc_plan_add_workload(plan, spec);
    free(spec);
    return status;
}

/* Fills in what the command line has left open. */
static int complete(struct request *request)
{
    struct gc_plan *plan = &request->plan;
    int status = GC_EXIT_OK;
    if (request->suite_name != NULL && plan->workload_count > 0)
        return gc_complain(GC_EXIT_USAGE, "--suite and -w exclude each other");
    if (plan->in_process && request->options.has_timeout)
        return gc_complain(
                GC_EXIT_USAGE, "--timeout needs processes: not with --in-process");
    if (plan->in_process && plan->pin != GC_PIN_NONE)
        return gc_complain(GC_EXIT_USAGE, "--pin needs processes: not with --in-process");
    if (plan->checks > 0 && plan->count_ops)
        return gc_complain(GC_EXIT_USAGE, "--checks and --count-ops exclude each other");
    if (plan->workload_count == 0 && request->suite == NULL) request->suite = gc_suites;

    const struct gc_suite *suite = request->suite;
    if (suite != NULL) {
        for (size_t i = 0; suite->workloads[i] != NULL && status == GC_EXIT_OK; i++)
            status = gc_plan_add_workload(plan, suite->workloads[i]);
        if (status == GC_EXIT_OK) status = add_snapshot(plan);
    }
    uint32_t processes = suite != NULL ? suite->processes : 3;
    if (plan->processes == 0) plan->processes = plan->count_ops ? 1 : processes;
    if (plan->thread_count == 0 && status == GC_EXIT_OK)
        status = gc_plan_add_threads(plan, suite != NULL ? suite->threads : "1");
    if (status == GC_EXIT_OK) status = gc_plan_add_default_collectors(plan);
    return status == GC_EXIT_OK ? gc_plan_complete(plan) : status;
}

/* Whether somebody has been interrupted there: a line more would be joined to his. */
static bool ends_within_a_line(const char *path)
{
    struct stat status;
    char last = '\n';
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false; /* it may be written alone */
    bool is_read = pread(fd, &last, 1, status.st_size - 1) == 1;
    close(fd);
    return is_read && last != '\n';
}

static int open_output(struct request *request)
{
    request->table = stdout;
    if (request->json_name == NULL) return GC_EXIT_OK;
    if (strcmp(request->json_name, "-") == 0) {
        request->json = STDOUT_FILENO;
        request->json_name = "stdout";
        request->table = request->quiet ? NULL : stderr;
        return GC_EXIT_OK;
    }
    request->json =
            open(request->json_name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (request->json < 0)
        return gc_complain(GC_EXIT_ENVIRONMENT, "%s can't be written: %s",
                request->json_name, strerror(errno));
    if (!ends_within_a_line(request->json_name)) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_FILE,
            "%s does not end with a whole line: nothing is appended to it",
            request->json_name);
}

/* Takes a sample in: compares it, and writes its line. */
static void take(struct request *request, uint32_t number, struct gc_measured *measured)
{
    request->plan.results[number] = measured;
    gc_plan_compare(&request->plan, number);
    if (request->json < 0 || request->json_error != 0) return;
    if (request->json == STDOUT_FILENO) gc_standard_flush(stdout);
    int result = gc_line_write(
            request->json, &request->plan, number, &request->environment, NULL);
    if (result < 0) request->json_error = -result;
}

struct here {
    struct request *request;
    uint32_t number;
    struct gc_measured *measured;
};

static int conclude(struct request *request, uint32_t next);

/* An allocation has failed for good in this very process: it ends with what there is. */
static void on_exhausted(const struct gc_sample *sample, void *argument)
{
    struct here *here = argument;
    struct request *request = here->request;
    gc_measured_fill(here->measured, sample);
    take(request, here->number, here->measured);
    int status = conclude(request, gc_plan_place(&request->plan, here->number).workload);
    fflush(NULL);
    _exit(status);
}

/* One sample in this very process. */
static void measure_here(struct request *request, uint32_t number)
{
    struct gc_plan *plan = &request->plan;
    struct gc_job job = gc_plan_job(plan, gc_plan_place(plan, number));
    struct gc_measured *measured = gc_need(sizeof(*measured));
    struct here here = { request, number, measured };
    gc_progress_show(&request->progress, &job);
    gc_process_run_here(&job, on_exhausted, &here, measured);
    measured->has_rss = measured->has_rss && number == 0; /* later peaks are mixed */
    gc_progress_clear(&request->progress);
    take(request, number, measured);
}

/* One sample. 0, -EINTR, or -errno when there can't be a process. */
static int measure(struct request *request, uint32_t number)
{
    struct gc_plan *plan = &request->plan;
    struct gc_job job = gc_plan_job(plan, gc_plan_place(plan, number));
    struct gc_measured *measured;
    int result = gc_measure(&job, &request->progress, &measured);
    if (result == 0) take(request, number, measured);
    return result;
}

static void print_block(struct request *request, uint32_t workload)
{
    if (request->table == NULL) return;
    if (request->plan.count_ops)
        gc_operations_print(request->table, &request->plan, workload);
    else
        gc_table_print(request->table, &request->plan,
                (struct gc_place){ .workload = workload }, &request->notes);
    if (request->plan.checks > 0)
        gc_checks_print(request->table, &request->plan, workload);
}

/* Prints what has not been printed yet, from workload `next` on; the exit status. */
static int conclude(struct request *request, uint32_t next)
{
    struct gc_plan *plan = &request->plan;
    for (; next < plan->workload_count; next++)
        print_block(request, next);
    if (request->table != NULL && plan->count_ops)
        gc_operations_print_foot(request->table, plan);
    else if (request->table != NULL)
        gc_table_print_foot(request->table, plan, &request->environment, &request->notes);
    if (request->json_error != 0)
        return gc_complain(GC_EXIT_ENVIRONMENT, "%s can't be written: %s",
                request->json_name, strerror(request->json_error));
    int status = GC_EXIT_OK;
    for (uint32_t i = 0; i < gc_plan_count(plan); i++) {
        const struct gc_measured *measured = plan->results[i];
        if (measured == NULL || measured->sample.outcome == GC_OUTCOME_OK) continue;
        if (status == GC_EXIT_OK) status = GC_EXIT_FAILED;
        if (measured->is_bad_file && status != GC_EXIT_FILE)
            status = gc_complain(GC_EXIT_FILE, "%s", measured->sample.message);
    }
    return status;
}

static int run_all(struct request *request)
{
    struct gc_plan *plan = &request->plan;
    uint32_t count = gc_plan_count(plan), number = 0, printed = 0;
    int result = 0;
    if (!plan->in_process) gc_interrupts_catch();
    int missing =
            gc_minheap_complete(plan, request->options.minimum_heaps, request->quiet);
    if (missing != GC_EXIT_OK) return missing;
    gc_environment_read(&request->environment);
    gc_progress_begin(&request->progress, count, request->quiet);
    while (number < count && result == 0 && request->json_error == 0) {
        request->progress.done = number;
        if (plan->in_process)
            measure_here(request, number++);
        else
            result = measure(request, number++);
        uint32_t next = number / (count / plan->workload_count);
        if (result == 0 && next > printed) print_block(request, printed++);
    }
    int status = conclude(request, printed);
    if (result < 0) return gc_measure_end(result, number - 1, count);
    return status;
}

static int run(int argc, char **argv)
{
    struct request *request = gc_need(sizeof(*request));
    request->json = -1;
    request->plan.timeout_ns = TIMEOUT_S * UINT64_C(1000000000);
    request->options.plan = &request->plan;
    int status = gc_plan_options_read(&argp, argc, argv, &request->options, request);
    if (status == GC_EXIT_OK) status = complete(request);
    if (status == GC_EXIT_OK) status = open_output(request);
    if (status == GC_EXIT_OK) status = run_all(request);
    if (request->json > STDERR_FILENO) close(request->json);
    gc_plan_finish(&request->plan);
    free(request);
    return status;
}

const struct gc_command gc_command_run = {
    .name = "run",
    .summary = "measure collectors on workloads",
    .argp = &argp,
    .run = run,
};
