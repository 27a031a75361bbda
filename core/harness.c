/* SPDX-License-Identifier: MIT */
/* harness.c - one sample: threads, clocks, and the comparison with what was planted. */
#include "core/harness.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/collector.h"
#include "core/os.h"
#include "core/trial.h"

const char *const gc_outcome_names[GC_OUTCOME_COUNT] = {
    [GC_OUTCOME_OK] = "ok",
    [GC_OUTCOME_WRONG_RESULT] = "wrong result",
    [GC_OUTCOME_OUT_OF_MEMORY] = "out of memory",
    [GC_OUTCOME_CRASH] = "crash",
    [GC_OUTCOME_TIMEOUT] = "timeout",
    [GC_OUTCOME_FAILED] = "failed",
};

/* One sample in progress. */
struct sample {
    const struct gc_sample_request *request;
    struct gc_sample *result;
    struct gc_trial trial;
    struct gc_trial_barrier barrier; /* of the workload: its threads */
    struct gc_trial_barrier start;   /* of the harness: they and the first mutator */
    struct gc_heap *heap;
    uint64_t start_cpu_ns;
    uint64_t start_collector_cpu_ns; /* what setup() spent is not counted */
    uint64_t allocated_before;
    uint64_t operations_before[GC_OPERATION_COUNT];
    bool is_given_up; /* of start: some of the threads could not be had */
    /* each under barrier.lock */
    uint64_t end_ns, end_cpu_ns;
    uint64_t mutator_cpu_ns;
};

struct sample_thread {
    struct gc_mutator_thread thread;
    struct sample *sample;
    uint32_t number;
};

static const struct gc_workload *find(const struct gc_workload *const *workloads,
        const char *name, const char *protocol, bool counting)
{
    for (; *workloads != NULL; workloads++)
        if (strcmp((*workloads)->name, name) == 0 &&
                (*workloads)->counts_operations == counting &&
                (protocol == NULL || strcmp((*workloads)->protocol, protocol) == 0))
            return *workloads;
    return NULL;
}

const struct gc_workload *gc_workload_find(const struct gc_workload *const *workloads,
        const char *name, const char *protocol)
{
    return find(workloads, name, protocol, false);
}

const struct gc_workload *gc_workload_find_counting(
        const struct gc_workload *const *workloads, const char *name,
        const char *protocol)
{
    return find(workloads, name, protocol, true);
}

static void outcome(struct gc_sample *result, enum gc_outcome outcome, const char *format,
        ...) GC_PRINTF(3, 4);

static void outcome(
        struct gc_sample *result, enum gc_outcome outcome, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gc_text_fit(result->message, sizeof(result->message), format, args);
    va_end(args);
    result->outcome = outcome;
}

/* --- reading off -------------------------------------------------------------------- */

static struct gc_percentiles percentiles_of(const struct gc_histogram *h)
{
    struct gc_percentiles p = { .has_p50 = false };
    p.has_p50 = gc_histogram_percentile(h, .5, &p.p50_ns);
    p.has_p90 = gc_histogram_percentile(h, .9, &p.p90_ns);
    p.has_p99 = gc_histogram_percentile(h, .99, &p.p99_ns);
    p.has_p999 = gc_histogram_percentile(h, .999, &p.p999_ns);
    return p;
}

static void read_stalls(struct gc_heap *heap, struct gc_sample *result)
{
    if (!GC_STALLS) return; /* not measured, which is not 0 */
    struct gc_stall_log *log = gc_heap_read_stalls(heap);
    if (log == NULL) return;
    result->stall_count = GC_STALL_COUNT;
    for (int i = 0; i < GC_STALL_COUNT; i++) {
        const struct gc_stall_sum *sum = &log->causes[i];
        struct gc_stall_summary *summary = &result->stalls[i];
        *summary = (struct gc_stall_summary){
            .cause = gc_stall_names[i],
            .count = sum->count,
            .total_ns = sum->total_ns,
            .max_ns = sum->max_ns,
            .total_work = sum->total_work,
            .max_work = sum->max_work,
            .percentiles = percentiles_of(&sum->histogram),
        };
    }
    gc_os_free(log);
}

static void read_counters(const struct gc_heap_stats *stats, struct gc_sample *result)
{
    uint32_t n = 0;
#define X(field, doc)                                                                    \
    result->counters[n].name = #field;                                                   \
    result->counters[n++].value = stats->counters.field;
    GC_COUNTERS(X)
#undef X
    result->counter_count = n;
}

static void read_operations(
        const struct sample *sample, const struct gc_heap_stats *stats)
{
    struct gc_sample *result = sample->result;
    result->has_operations = sample->request->workload->counts_operations;
    for (int i = 0; i < GC_OPERATION_COUNT; i++)
        result->operations[i] = stats->operations[i] - sample->operations_before[i];
}

static void read_latencies(struct sample *sample)
{
    const struct gc_histogram *latencies = sample->trial.latencies;
    gc_lock_acquire(&sample->barrier.lock);
    sample->result->latency = (struct gc_latency_summary){
        .count = latencies->count,
        .max_ns = latencies->max,
        .percentiles = percentiles_of(latencies),
    };
    gc_lock_release(&sample->barrier.lock);
}

/* What is known when the run is over (or was cut short). World stopped, nobody else
 * attached, or an approximation. */
static void read_off(struct sample *sample)
{
    struct gc_sample *result = sample->result;
    struct gc_heap_stats stats;
    gc_heap_read_stats(sample->heap, &stats);
    result->peak_heap_bytes = stats.peak_heap_bytes;
    result->peak_rss_bytes = gc_os_peak_rss_bytes();
    result->collections = stats.collections;
    result->allocated_objects = stats.allocated_objects - sample->allocated_before;
    read_counters(&stats, result);
    read_operations(sample, &stats);
    read_stalls(sample->heap, result);
    read_latencies(sample);
    result->check_count = sample->trial.checks_made;
}

static void exhausted(struct gc_mutator *m, size_t bytes, void *argument)
{
    struct sample *sample = argument;
    struct gc_sample *result = sample->result;
    gc_stop_begin(m); /* two threads may come here: the second one waits for ever */
    outcome(result, GC_OUTCOME_OUT_OF_MEMORY,
            "an allocation of %zu bytes does not fit in the heap", bytes);
    read_off(sample);
    result->wall_ns = gc_os_now_ns() - sample->trial.start_ns;
    result->cpu_ns = gc_os_process_cpu_ns() - sample->start_cpu_ns;
    sample->request->on_exhausted(result, sample->request->argument);
    gc_fatal("on_exhausted has returned");
}

/* --- the phases --------------------------------------------------------------------- */

/* A thread's share of the run. The clock stops when the last one has done his. */
static GC_NOINLINE void do_share(
        struct gc_mutator *m, struct sample *sample, uint32_t number)
{
    uint64_t cpu = gc_os_thread_cpu_ns();
    sample->request->workload->run(m, &sample->trial, number);
    cpu = gc_os_thread_cpu_ns() - cpu;
    gc_blocked_begin(m);
    gc_lock_acquire(&sample->barrier.lock);
    sample->mutator_cpu_ns += cpu;
    uint64_t now = gc_os_now_ns();
    if (now > sample->end_ns) {
        sample->end_ns = now;
        sample->end_cpu_ns = gc_os_process_cpu_ns();
    }
    gc_lock_release(&sample->barrier.lock);
    gc_blocked_end(m);
}

static void thread_run(struct gc_mutator *m, void *argument)
{
    struct sample_thread *self = argument;
    struct sample *sample = self->sample;
    gc_trial_barrier_wait(&sample->start, m); /* all are ready */
    if (sample->is_given_up) return;
    gc_trial_barrier_wait(&sample->start, m); /* the clock has been started */
    do_share(m, sample, self->number);
}

static void start_clocks(struct sample *sample)
{
    sample->start_collector_cpu_ns =
            gc_atomic_load_relaxed(&sample->heap->collector_cpu_ns);
    sample->start_cpu_ns = gc_os_process_cpu_ns();
    sample->trial.start_ns = gc_os_now_ns();
}

/* Those who were started wait for the rest, who do not come: lets them go. */
static void give_up(struct sample *sample, uint32_t started)
{
    gc_lock_acquire(&sample->start.lock);
    sample->is_given_up = true;
    sample->start.expected = started + 1;
    gc_lock_release(&sample->start.lock);
    gc_trial_barrier_meet(&sample->start);
}

/* Starts the threads, lets them run, joins them. A program of one thread is one mutator: it
 * runs on the one that is there. 0 or -errno. */
static int run_threads(
        struct sample *sample, struct gc_mutator *m, struct gc_error *error)
{
    uint32_t threads = sample->request->threads;
    struct gc_heap_stats before;
    gc_heap_read_stats(sample->heap, &before);
    sample->allocated_before = before.allocated_objects;
    memcpy(sample->operations_before, before.operations, sizeof(before.operations));
    if (threads == 1) {
        start_clocks(sample);
        do_share(m, sample, 0);
        return 0;
    }
    struct sample_thread *all = gc_os_alloc(threads * sizeof(*all));
    if (all == NULL)
        return gc_error_set(error, -ENOMEM, "there is no memory for the threads");
    int result = 0;
    uint32_t started = 0;
    while (started < threads && result == 0) {
        struct sample_thread *next = &all[started];
        next->sample = sample;
        next->number = started;
        result = gc_spawn(m, &next->thread, thread_run, next, NULL);
        started += result == 0;
    }
    /* From here to the end the first mutator is in no thread's way. */
    gc_blocked_begin(m);
    if (result == 0) {
        gc_trial_barrier_meet(&sample->start);
        start_clocks(sample);
        gc_trial_barrier_meet(&sample->start);
    } else {
        give_up(sample, started);
        gc_error_set(error, result, "thread %u of %u can't be started: %s", started + 1,
                threads, gc_os_error_text(-result));
    }
    for (uint32_t i = 0; i < started; i++)
        gc_join(NULL, &all[i].thread);
    gc_blocked_end(m);
    gc_os_free(all);
    return result;
}

/* Holds the collector to its promise: of what was planted, exactly this is to go. */
static void judge_reclaimed(struct sample *sample)
{
    struct gc_sample *result = sample->result;
    const struct gc_trial *trial = &sample->trial;
    struct gc_heap_stats stats;
    gc_heap_read_stats(sample->heap, &stats);
    result->reclaimed = stats.allocated_objects - stats.live_objects;
    result->has_planted = trial->planted_is_known;
    if (!trial->planted_is_known) return;
    result->planted = trial->planted;
    uint64_t due = 0;
    if (trial->promises_cycles)
        due = trial->planted;
    else if (trial->promises_to_reclaim)
        due = trial->planted - trial->planted_cyclic;
    if (result->reclaimed != due && result->outcome == GC_OUTCOME_OK)
        outcome(result, GC_OUTCOME_WRONG_RESULT,
                "%llu objects were reclaimed where %llu were due",
                (unsigned long long)result->reclaimed, (unsigned long long)due);
}

/* Traces from the roots: how many objects in the heap are garbage? */
static bool find_unreached(
        struct sample *sample, struct gc_mutator *m, uint64_t *ret_count)
{
    struct gc_tracer tracer;
    if (gc_tracer_init(&tracer, sample->heap, 0) != 0) return false;
    struct gc_heap_stats stats;
    gc_stop_begin(m);
    gc_tracer_begin_stw(&tracer);
    gc_tracer_mark_roots_stw(&tracer);
    gc_tracer_drain_stw(&tracer);
    gc_tracer_forget_stw(&tracer);
    gc_heap_read_stats(sample->heap, &stats);
    gc_stop_end_unlogged(m);
    *ret_count = stats.live_objects - tracer.objects;
    gc_tracer_finish(&tracer);
    return true;
}

/* After quiescence a collector that promises cycles has left nothing unreached, planted
 * or not. */
static bool judge_unreached(struct sample *sample, struct gc_mutator *m)
{
    struct gc_sample *result = sample->result;
    if (!sample->trial.promises_cycles || result->outcome != GC_OUTCOME_OK) return true;
    uint64_t left;
    if (!find_unreached(sample, m, &left)) return false;
    if (left > 0)
        outcome(result, GC_OUTCOME_WRONG_RESULT,
                "%llu unreachable objects are left after quiescence",
                (unsigned long long)left);
    return true;
}

/* All between setup() and finish(). */
static int measure(struct sample *sample, struct gc_mutator *m, struct gc_error *error)
{
    const struct gc_workload *workload = sample->request->workload;
    struct gc_trial *trial = &sample->trial;
    struct gc_sample *result = sample->result;
    int status = run_threads(sample, m, error);
    if (status != 0) return status;
    uint64_t collector_cpu = gc_atomic_load_relaxed(&sample->heap->collector_cpu_ns) -
                             sample->start_collector_cpu_ns -
                             trial->unmeasured_collector_cpu_ns;
    result->wall_ns = sample->end_ns - sample->trial.start_ns - trial->unmeasured_ns;
    result->cpu_ns = sample->end_cpu_ns - sample->start_cpu_ns - trial->unmeasured_cpu_ns;
    result->has_cpu_roles = true;
    /* A young collection's part is a difference of wall times (collect.c): on a busy
     * machine it may say more than the thread's own clock. */
    uint64_t cpu = sample->mutator_cpu_ns - trial->unmeasured_cpu_ns;
    bool is_apart = sample->request->collector->threaded; /* it is no part of theirs */
    if (collector_cpu > cpu && !is_apart) collector_cpu = cpu;
    result->collector_cpu_ns = collector_cpu;
    result->mutator_cpu_ns = is_apart ? cpu : cpu - collector_cpu;
    gc_stop_begin(m);
    read_off(sample);
    struct gc_heap_stats stats;
    gc_heap_read_stats(sample->heap, &stats);
    gc_stop_end_unlogged(m);
    if (!find_unreached(sample, m, &result->floating))
        return gc_error_set(error, -ENOMEM, "there is no memory to trace the heap with");
    if (workload->report != NULL) workload->report(m, trial);
    gc_quiesce(m);
    result->checksum = trial->checksum;
    result->ops = trial->ops;
    if (trial->failed)
        outcome(result, GC_OUTCOME_WRONG_RESULT, "%s", trial->failure);
    else if (trial->checks_made != trial->checks_wanted)
        outcome(result, GC_OUTCOME_WRONG_RESULT,
                "the workload has let itself be checked %u times, not %u",
                trial->checks_made, trial->checks_wanted);
    judge_reclaimed(sample);
    if (!judge_unreached(sample, m))
        return gc_error_set(error, -ENOMEM, "there is no memory to trace the heap with");
    return 0;
}

/* All on the first mutator. */
static int run_phases(struct sample *sample, struct gc_mutator *m, struct gc_error *error)
{
    const struct gc_workload *workload = sample->request->workload;
    struct gc_trial *trial = &sample->trial;
    int status = workload->setup != NULL ? workload->setup(m, trial) : 0;
    if (status != 0) return gc_error_set(error, status, "%s", trial->failure);
    status = measure(sample, m, error);
    if (workload->finish != NULL) workload->finish(m, trial);
    return status;
}

static int run_on_heap(struct sample *sample, struct gc_error *error)
{
    struct gc_mutator *m;
    int status = gc_attach(sample->heap, &m);
    if (status != 0)
        return gc_error_set(error, status, "there is no memory for a mutator");
    status = run_phases(sample, m, error);
    gc_detach(m);
    return status;
}

int gc_sample_run(const struct gc_sample_request *request, struct gc_sample *ret_sample,
        struct gc_error *error)
{
    const struct gc_workload *workload = request->workload;
    memset(ret_sample, 0, sizeof(*ret_sample));
    if (strcmp(workload->protocol, request->protocol->name) != 0) {
        return gc_error_set(error, -EINVAL,
                "workload %s is compiled for protocol %s, not %s", workload->name,
                workload->protocol, request->protocol->name);
    }
    if (request->threads == 0)
        return gc_error_set(error, -EINVAL, "no threads are asked for");
    if (request->checks > GC_CHECKS_MOST)
        return gc_error_set(
                error, -EINVAL, "more than %d checks are asked for", GC_CHECKS_MOST);
    int status = 0;
    if (request->checks > 0)
        status = gc_trial_check_possible(request->collector, workload, error);
    if (status != 0) return status;
    struct sample sample = {
        .request = request,
        .result = ret_sample,
        .trial = {
            .seed = request->seed,
            .threads = request->threads,
            .workload = workload,
            .checks_wanted = request->checks,
            .checks = ret_sample->checks,
            .weak_scaling = request->weak_scaling,
            .promises_to_reclaim =
                    (request->collector->capabilities & GC_CAP_RECLAIMS) != 0,
            .promises_cycles = (request->collector->capabilities & GC_CAP_CYCLES) != 0,
        },
    };
    void *options = gc_os_alloc(workload->options_size + 1);
    sample.trial.latencies = gc_os_alloc(sizeof(*sample.trial.latencies));
    if (options == NULL || sample.trial.latencies == NULL)
        status = gc_error_set(error, -ENOMEM, "there is no memory for a sample");
    if (status == 0)
        status = gc_options_parse(workload->options, workload->name,
                request->workload_options, options, error);
    struct gc_heap_config config = {
        .collector = request->collector,
        .protocol = request->protocol,
        .options = request->collector_options,
        .limit_bytes = request->heap_limit_bytes,
        .on_exhausted = request->on_exhausted != NULL ? exhausted : NULL,
        .hook_argument = &sample,
    };
    if (status == 0) status = gc_heap_create(&config, &sample.heap, error);
    if (status == 0) {
        gc_trial_barrier_init(&sample.barrier, request->threads);
        gc_trial_barrier_init(&sample.start, request->threads + 1);
        sample.trial.options = options;
        sample.trial.barrier = &sample.barrier;
        sample.trial.heap = sample.heap;
        sample.trial.start_ns = gc_os_now_ns();
        sample.start_cpu_ns = gc_os_process_cpu_ns();
        status = run_on_heap(&sample, error);
        gc_trial_barrier_finish(&sample.start);
        gc_trial_barrier_finish(&sample.barrier);
        gc_heap_destroy(sample.heap);
    }
    gc_os_free(sample.trial.latencies);
    gc_os_free(options);
    return status;
}
