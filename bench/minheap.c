/* SPDX-License-Identifier: MIT */
/* minheap.c - the smallest heap in which a workload ends well, and `gclab minheap`. */
#include "bench/minheap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/measure.h"
#include "bench/plan_options.h"
#include "bench/standard.h"
#include "bench/text.h"

enum {
    KIB = 1024,
    PRECISION = 100,      /* a hundredth */
    TRIES_OF_SEARCH = 40, /* about: for the progress bar */
    DOUBLINGS_MAX = 8,
    TIMEOUT_S = 300,
};

/* --- the search --------------------------------------------------------------------------- */

struct search {
    struct gc_job job;
    struct gc_progress *progress;
    struct gc_minheap *minimum;
    uint32_t tries_before; /* of all searches, as the bar counts them */
};

/* One sample; GC_EXIT_OK with its outcome, or what ends the search, which is said. */
static int try_once(
        struct search *search, uint64_t bytes, struct gc_measured **ret_measured)
{
    char size[GC_CELL];
    search->job.heap_limit = bytes;
    gc_text_bytes(size, (double)bytes);
    search->progress->heap = bytes > 0 ? size : NULL;
    int result = gc_measure(&search->job, search->progress, ret_measured);
    search->progress->heap = NULL;
    if (result < 0) return gc_measure_end(result, 0, 0);
    if (search->progress->done + 1 < search->tries_before + TRIES_OF_SEARCH)
        search->progress->done++;
    enum gc_outcome outcome = (*ret_measured)->sample.outcome;
    bool says_something = outcome == GC_OUTCOME_OK || outcome == GC_OUTCOME_TIMEOUT ||
                          outcome == GC_OUTCOME_OUT_OF_MEMORY;
    if (says_something && (bytes > 0 || outcome == GC_OUTCOME_OK)) return GC_EXIT_OK;
    gc_complain(GC_EXIT_FAILED, "%s, %s, %" PRIu32 " thread%s, heap %s: %s: %s",
            search->job.collector->label, search->job.spec->label, search->job.threads,
            search->job.threads == 1 ? "" : "s", bytes > 0 ? size : "without a limit",
            gc_outcome_names[outcome], (*ret_measured)->sample.message);
    free(*ret_measured);
    return GC_EXIT_FAILED;
}

static int probe(struct search *search, uint64_t bytes, bool *ret_passes)
{
    struct gc_minheap *minimum = search->minimum;
    minimum->probes = gc_need_more(
            minimum->probes, (minimum->probe_count + 1) * sizeof(*minimum->probes));
    struct gc_minheap_probe *this = &minimum->probes[minimum->probe_count++];
    *this = (struct gc_minheap_probe){
        .collector = gc_need_text("%s", search->job.collector->label),
        .bytes = bytes,
    };
    *ret_passes = true;
    while (this->count < GC_MINHEAP_TRIES && *ret_passes) {
        struct gc_measured *measured;
        int status = try_once(search, bytes, &measured);
        if (status != GC_EXIT_OK) return status;
        this->outcomes[this->count++] = measured->sample.outcome;
        *ret_passes = measured->sample.outcome == GC_OUTCOME_OK;
        free(measured);
    }
    return GC_EXIT_OK;
}

/* A size that passes: at most what a run without a limit has used, or a little more, where that
 * was luck. */
static int find_upper(struct search *search, uint64_t *ret_bytes)
{
    struct gc_measured *measured;
    int status = try_once(search, 0, &measured);
    if (status != GC_EXIT_OK) return status;
    uint64_t bytes = (measured->sample.peak_heap_bytes + KIB - 1) / KIB * KIB;
    free(measured);
    if (bytes < KIB) bytes = KIB;
    for (int i = 0; i < DOUBLINGS_MAX && status == GC_EXIT_OK; i++, bytes *= 2) {
        bool passes;
        *ret_bytes = bytes;
        status = probe(search, bytes, &passes);
        if (status == GC_EXIT_OK && passes) return GC_EXIT_OK;
    }
    if (status != GC_EXIT_OK) return status;
    return gc_complain(GC_EXIT_FAILED,
            "%s does not get through %s in a heap of %" PRIu64
            " KiB, but does without a limit",
            search->job.collector->label, search->job.spec->label, *ret_bytes / KIB);
}

/* (I) `high` passes, and `low` fails: 0 does, which nothing can be allocated in. */
static int bisect(struct search *search, uint64_t low, uint64_t high, uint64_t *ret_bytes)
{
    while (high - low > KIB && (high - low) * PRECISION > high) {
        uint64_t middle = (low + (high - low) / 2) / KIB * KIB;
        bool passes;
        int status = probe(search, middle, &passes);
        if (status != GC_EXIT_OK) return status;
        if (passes)
            high = middle;
        else
            low = middle;
    }
    *ret_bytes = high;
    return GC_EXIT_OK;
}

int gc_minheap_search(const struct gc_job *job, struct gc_progress *progress,
        struct gc_minheap *ret_minimum)
{
    *ret_minimum = (struct gc_minheap){
        .workload = gc_need_text("%s", job->spec->label),
        .weak = job->weak,
        .threads = job->threads,
        .seed = job->seed,
        .collector = gc_need_text("%s", job->collector->label),
    };
    struct search search = { *job, progress, ret_minimum, progress->done };
    uint64_t upper = 0;
    int status = find_upper(&search, &upper);
    if (status == GC_EXIT_OK) status = bisect(&search, 0, upper, &ret_minimum->bytes);
    progress->done = search.tries_before + TRIES_OF_SEARCH;
    if (status != GC_EXIT_OK) gc_minheap_finish(ret_minimum);
    return status;
}

/* --- for all that a plan has ---------------------------------------------------------------- */

/* Takes in what another collector needed for the same work: the less counts, and all probes are
 * kept. The second one is finished. */
static void merge(struct gc_minheap *minimum, struct gc_minheap *other)
{
    uint32_t count = minimum->probe_count + other->probe_count;
    minimum->probes = gc_need_more(minimum->probes, count * sizeof(*minimum->probes));
    memcpy(minimum->probes + minimum->probe_count, other->probes,
            other->probe_count * sizeof(*other->probes));
    minimum->probe_count = count;
    other->probe_count = 0; /* they belong to the first one now */
    if (other->bytes < minimum->bytes) {
        char *collector = minimum->collector;
        minimum->collector = other->collector;
        other->collector = collector;
        minimum->bytes = other->bytes;
    }
    gc_minheap_finish(other);
}

/* The least that any collector of the plan needs for one workload and number of threads. */
static int search_all(const struct gc_plan *plan, struct gc_place place,
        struct gc_progress *progress, struct gc_minheap *ret_minimum)
{
    for (place.collector = 0; place.collector < plan->collector_count;
            place.collector++) {
        struct gc_job job = gc_plan_job(plan, place);
        struct gc_minheap one = { .bytes = 0 };
        int status = gc_minheap_search(&job, progress, &one);
        if (status != GC_EXIT_OK && place.collector > 0) gc_minheap_finish(ret_minimum);
        if (status != GC_EXIT_OK) return status;
        if (place.collector == 0)
            *ret_minimum = one;
        else
            merge(ret_minimum, &one);
    }
    return GC_EXIT_OK;
}

static uint32_t tries_of(const struct gc_plan *plan)
{
    return plan->workload_count * plan->thread_count * plan->collector_count *
           TRIES_OF_SEARCH;
}

static void print(FILE *file, const struct gc_minheap *minimum)
{
    uint32_t tries = 0;
    for (uint32_t i = 0; i < minimum->probe_count; i++)
        tries += minimum->probes[i].count;
    fprintf(file,
            "minimum heap of %s%s, %" PRIu32 " thread%s: %" PRIu64 "K (%s; %" PRIu32
            " sizes, %" PRIu32 " tries)\n",
            minimum->workload, minimum->weak ? ":scale=weak" : "", minimum->threads,
            minimum->threads == 1 ? "" : "s", minimum->bytes / KIB, minimum->collector,
            minimum->probe_count, tries);
    gc_standard_flush(file);
}

/* As the plan, but for the reference collector, and without a limit. */
static int make_reference(const struct gc_plan *plan, struct gc_plan *ret_reference)
{
    *ret_reference = (struct gc_plan){
        .processes = 1,
        .timeout_ns = plan->timeout_ns,
        .weak = plan->weak,
    };
    int status = gc_plan_add_collector(ret_reference, GC_MINHEAP_REFERENCE);
    for (uint32_t w = 0; w < plan->workload_count && status == GC_EXIT_OK; w++) {
        const struct gc_workload_spec *spec = &plan->workloads[w];
        status = gc_plan_add_workload(ret_reference, spec->label);
        if (status != GC_EXIT_OK) break;
        ret_reference->workloads[w].has_scale = spec->has_scale;
        ret_reference->workloads[w].weak = spec->weak;
    }
    for (uint32_t t = 0; t < plan->thread_count && status == GC_EXIT_OK; t++)
        status = gc_plan_add_thread_count(ret_reference, plan->threads[t]);
    if (status == GC_EXIT_OK) status = gc_plan_add_seed(ret_reference, plan->seeds[0]);
    return status == GC_EXIT_OK ? gc_plan_complete(ret_reference) : status;
}

static int measure_for(const struct gc_plan *plan, bool quiet)
{
    struct gc_plan reference;
    struct gc_progress progress;
    int status = make_reference(plan, &reference);
    gc_progress_begin(&progress, tries_of(&reference), quiet);
    for (uint32_t w = 0; w < plan->workload_count; w++)
        for (uint32_t t = 0; t < plan->thread_count && status == GC_EXIT_OK; t++) {
            struct gc_minheap minimum = { .bytes = 0 };
            status = search_all(&reference,
                    (struct gc_place){ .workload = w, .threads = t }, &progress,
                    &minimum);
            if (status != GC_EXIT_OK) break;
            *gc_plan_minimum_heap(plan, w, t) = minimum.bytes;
            if (!quiet) print(stderr, &minimum);
            gc_minheap_finish(&minimum);
        }
    gc_plan_finish(&reference);
    return status;
}

int gc_minheap_complete(const struct gc_plan *plan, const char *path, bool quiet)
{
    struct gc_minheap_file file;
    if (path == NULL) path = getenv(GC_MINHEAP_VARIABLE);
    if (!gc_plan_needs_minimum(plan)) return GC_EXIT_OK;
    if (path == NULL || *path == '\0') return measure_for(plan, quiet);
    int status = gc_minheap_file_read(path, &file);
    if (status != GC_EXIT_OK) return status;
    status = gc_minheap_file_apply(&file, path, plan);
    gc_minheap_file_finish(&file);
    return status;
}

/* --- the command ---------------------------------------------------------------------------- */

static const struct argp_option options[] = {
    { .doc = "How, and what is written:", .group = 2 },
    { .name = "output",
            .key = 'o',
            .arg = "FILE",
            .doc = "writes what was found, with all tries, to FILE; what it has of other "
                   "workloads stays" },
    { .name = "quiet", .key = 'q', .doc = "no progress bar" },
    { .name = NULL },
};

struct request {
    struct gc_plan plan;
    struct gc_plan_options options;
    struct gc_minheap_file file;
    const char *output;
    bool quiet;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    struct gc_plan_options *shared = &request->options;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = shared;
        return 0;
    case ARGP_KEY_ARG:
        return gc_plan_options_end(
                shared, gc_complain(GC_EXIT_USAGE, "'%s': workloads are given with -w",
                                argument));
    case 'o':
        if (!shared->loads_plugins) request->output = argument;
        return 0;
    case 'q':
        request->quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { .argp = &gc_plan_argp_short },
    { .argp = NULL } };

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .children = children,
    .doc = "Finds the smallest heap in which a workload ends well, for each number of "
           "threads: by bisection to 1 %, five tries a size, of which all must be good.\v"
           "The collector is " GC_MINHEAP_REFERENCE
           " unless -c says otherwise; of several "
           "the one that needs the least counts. 'gclab run --heap 1.5x' and the 'heap' "
           "of "
           "an experiment take multiples of what is found.\n\n"
           "Exit status: 0 all well, 1 a workload did not end well, 2 usage, 3 a bad "
           "file, "
           "4 the environment.\n\n"
           "Example: gclab minheap -w gcbench -w rings -t 1,2 -o minheap.yaml",
};

static int complete(struct request *request)
{
    struct gc_plan *plan = &request->plan;
    int status = GC_EXIT_OK;
    if (plan->workload_count == 0)
        return gc_complain(GC_EXIT_USAGE, "minheap takes workloads, with -w");
    plan->processes = 1;
    if (plan->collector_count == 0)
        status = gc_plan_add_collector(plan, GC_MINHEAP_REFERENCE);
    if (status == GC_EXIT_OK && plan->thread_count == 0)
        status = gc_plan_add_thread_count(plan, 1);
    if (status == GC_EXIT_OK) status = gc_plan_complete(plan);
    if (status == GC_EXIT_OK && request->output != NULL &&
            access(request->output, F_OK) == 0)
        status = gc_minheap_file_read(request->output, &request->file);
    return status;
}

/* What was found is kept at once: a search is long. */
static int keep(struct request *request, const struct gc_minheap *minimum)
{
    gc_minheap_file_put(&request->file, minimum);
    if (request->output == NULL) return GC_EXIT_OK;
    int result = gc_minheap_file_write(request->output, &request->file);
    if (result == 0) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_ENVIRONMENT, "%s can't be written: %s", request->output,
            strerror(-result));
}

static int search_each(struct request *request)
{
    struct gc_plan *plan = &request->plan;
    struct gc_progress progress;
    int status = GC_EXIT_OK;
    gc_progress_begin(&progress, tries_of(plan), request->quiet);
    progress.is_logged = !request->quiet;
    gc_interrupts_catch();
    for (uint32_t w = 0; w < plan->workload_count; w++)
        for (uint32_t t = 0; t < plan->thread_count && status == GC_EXIT_OK; t++) {
            struct gc_minheap minimum = { .bytes = 0 };
            status = search_all(plan, (struct gc_place){ .workload = w, .threads = t },
                    &progress, &minimum);
            if (status != GC_EXIT_OK) break;
            print(stdout, &minimum);
            status = keep(request, &minimum);
        }
    return status;
}

static int run(int argc, char **argv)
{
    struct request *request = gc_need(sizeof(*request));
    request->plan.timeout_ns = TIMEOUT_S * UINT64_C(1000000000);
    request->options.plan = &request->plan;
    int status = gc_plan_options_read(&argp, argc, argv, &request->options, request);
    if (status == GC_EXIT_OK) status = complete(request);
    if (status == GC_EXIT_OK) status = search_each(request);
    gc_minheap_file_finish(&request->file);
    gc_plan_finish(&request->plan);
    free(request);
    return status;
}

const struct gc_command gc_command_minheap = {
    .name = "minheap",
    .summary = "find the smallest heap that a workload ends well in",
    .argp = &argp,
    .run = run,
};
