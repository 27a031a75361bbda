/* SPDX-License-Identifier: MIT */
/* sample.c - `gclab sample`: the process that measures one sample and sends it back.
 *
 * Not for people: `gclab run` starts it. Its arguments are the number of the open end of
 * a pipe, the two specs, threads, heap limit in bytes, seed, fixed or weak, timed or
 * counted, checks on the way, and the files of plugins, in the order in which they were loaded.
 */
#include "bench/sample.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/crash.h"
#include "bench/plugins.h"
#include "bench/text.h"

enum { ARGUMENTS = 9 };

void gc_measured_fill(struct gc_measured *measured, const struct gc_sample *sample)
{
    measured->sample = *sample;
    for (uint32_t i = 0; i < sample->stall_count; i++)
        snprintf(measured->stall_names[i], GC_STALL_NAME, "%s", sample->stalls[i].cause);
    for (uint32_t i = 0; i < sample->counter_count; i++)
        snprintf(measured->counter_names[i], GC_COUNTER_NAME, "%s",
                sample->counters[i].name);
    gc_measured_own_names(measured);
    measured->is_measured = sample->outcome == GC_OUTCOME_OK ||
                            sample->outcome == GC_OUTCOME_WRONG_RESULT ||
                            sample->outcome == GC_OUTCOME_OUT_OF_MEMORY;
    measured->is_partial = sample->outcome == GC_OUTCOME_OUT_OF_MEMORY;
    measured->has_rss = sample->peak_rss_bytes > 0;
}

/* --- what a crash tells ---------------------------------------------------------------- */

/* The command that measures the same in its own process. */
static char *command_of(const struct gc_job *job)
{
    char number[32], *program = realpath("/proc/self/exe", NULL);
    char *text = gc_text_with_word(gc_need_text("%s", ""), "", program);
    const char **files = gc_plugins_files();
    text = gc_text_with_word(text, " run --in-process -n ", "1");
    for (const char **file = files; *file != NULL; file++) {
        char *path = realpath(*file, NULL); /* wherever it is said again */
        text = gc_text_with_word(text, " --plugin ", path != NULL ? path : *file);
        free(path);
    }
    text = gc_text_with_word(text, " -c ", job->collector->label);
    text = gc_text_with_word(text, " -w ", job->spec->label);
    snprintf(number, sizeof(number), "%" PRIu32, job->threads);
    text = gc_text_with_word(text, " -t ", number);
    snprintf(number, sizeof(number), "%" PRIu64, job->seed);
    text = gc_text_with_word(text, " --seed ", number);
    snprintf(number, sizeof(number), "%" PRIu64 "K", job->heap_limit / 1024);
    if (job->heap_limit > 0) text = gc_text_with_word(text, " --heap ", number);
    if (job->weak) text = gc_text_with_word(text, " --scale ", "weak");
    if (job->workload->counts_operations)
        text = gc_text_with_word(text, " ", "--count-ops");
    free(files);
    free(program);
    return text;
}

/* Until the next one is watched. */
static void watch_crashes(const struct gc_job *job)
{
    static struct gc_crash_subject *subject;
    struct gc_crash_subject *before = subject;
    subject = gc_need(sizeof(*subject));
    subject->what = gc_need_text("%s, workload %s, %" PRIu32 " %s, seed %" PRIu64,
            job->collector->label, job->spec->label, job->threads,
            job->threads == 1 ? "thread" : "threads", job->seed);
    subject->again = command_of(job);
    gc_crash_watch(subject, NULL);
    if (before == NULL) return;
    free((void *)(uintptr_t)before->what);
    free((void *)(uintptr_t)before->again);
    free(before);
}

void gc_sample_measure(const struct gc_job *job,
        void (*exhausted)(const struct gc_sample *sample, void *argument), void *argument,
        struct gc_measured *ret_measured)
{
    struct gc_sample_request request = {
        .collector = job->collector->collector,
        .collector_options = job->collector->options,
        .protocol = job->collector->protocol,
        .workload = job->workload,
        .workload_options = job->spec->options,
        .threads = job->threads,
        .heap_limit_bytes = job->heap_limit,
        .seed = job->seed,
        .weak_scaling = job->weak,
        .checks = job->checks,
        .on_exhausted = exhausted,
        .argument = argument,
    };
    watch_crashes(job);
    struct gc_sample *sample = gc_need(sizeof(*sample));
    struct gc_error error = { "" };
    int result = gc_sample_run(&request, sample, &error);
    if (result < 0) {
        memset(sample, 0, sizeof(*sample));
        sample->outcome = GC_OUTCOME_FAILED;
        snprintf(sample->message, sizeof(sample->message), "%s",
                error.text[0] != '\0' ? error.text : strerror(-result));
    }
    gc_measured_fill(ret_measured, sample);
    ret_measured->is_bad_file = result < 0 && result != -ENOMEM &&
                                gc_has_option(job->workload->options, "file");
    free(sample);
}

static void send_wire(int fd, const struct gc_wire *wire)
{
    const char *at = (const char *)wire;
    size_t left = sizeof(*wire);
    while (left > 0) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(GC_EXIT_ENVIRONMENT); /* nobody is there to be told */
        at += n;
        left -= (size_t)n;
    }
}

struct exhaustion {
    int fd;
    struct gc_wire wire; /* made before: there is no memory then */
};

/* Several threads may come here at once: the first one speaks for all. */
static void on_exhausted(const struct gc_sample *sample, void *argument)
{
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    struct exhaustion *exhaustion = argument;
    pthread_mutex_lock(&once); /* for good */
    gc_measured_fill(&exhaustion->wire.measured, sample);
    send_wire(exhaustion->fd, &exhaustion->wire);
    _exit(GC_EXIT_OK);
}

static int run(int argc, char **argv)
{
    struct gc_collector_spec collector;
    struct gc_workload_spec workload;
    if (argc < ARGUMENTS + 1)
        return gc_complain(GC_EXIT_USAGE, "'sample' is how 'gclab run' calls itself");
    int status = GC_EXIT_OK;
    for (int i = ARGUMENTS + 1; i < argc && status == GC_EXIT_OK; i++) {
        const struct gc_plugin *plugin;
        status = gc_plugins_load(argv[i], &plugin);
    }
    if (status == GC_EXIT_OK) status = gc_collector_spec_parse(argv[2], &collector);
    if (status != GC_EXIT_OK) return status;
    status = gc_workload_spec_parse(argv[3], &workload);
    if (status != GC_EXIT_OK) return status;

    bool counted = strcmp(argv[8], "counted") == 0;
    struct gc_job job = {
        .collector = &collector,
        .spec = &workload,
        .workload = (counted ? gc_workload_find_counting : gc_workload_find)(
                gc_workloads(), workload.name, collector.protocol_name),
        .threads = (uint32_t)strtoul(argv[4], NULL, 10),
        .heap_limit = strtoull(argv[5], NULL, 10),
        .seed = strtoull(argv[6], NULL, 10),
        .weak = strcmp(argv[7], "weak") == 0,
        .checks = (uint32_t)strtoul(argv[9], NULL, 10),
    };
    struct exhaustion *exhaustion = gc_need(sizeof(*exhaustion));
    struct gc_wire *wire = gc_need(sizeof(*wire));
    exhaustion->fd = (int)strtol(argv[1], NULL, 10);
    wire->magic = GC_WIRE_MAGIC;
    wire->size = sizeof(*wire);
    exhaustion->wire = *wire;
    gc_sample_measure(&job, on_exhausted, exhaustion, &wire->measured);
    send_wire(exhaustion->fd, wire);
    free(wire);
    free(exhaustion);
    gc_collector_spec_finish(&collector);
    gc_workload_spec_finish(&workload);
    return GC_EXIT_OK; /* the pipe ends with the process, not before it */
}

const struct gc_command gc_command_sample = { .name = "sample", .run = run };
