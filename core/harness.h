/* SPDX-License-Identifier: MIT */
/* harness.h - all that a driver of measurements includes: plain C, opaque types, usable
 * from C++. It lists what there is, and runs one sample of a workload on a collector.
 */
#ifndef CORE_HARNESS_H
#define CORE_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"
#include "core/histogram.h"
#include "core/operation.h"
#include "core/option.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gc_heap;
struct gc_mutator;
struct gc_collector;
struct gc_protocol;
struct gc_type;
struct gc_part;
struct gc_plugin;
struct gc_workload;

/* What is built in or was loaded. The arrays end with NULL, and are valid until the next
 * load. */
GC_EXPORT const struct gc_collector *const *gc_collectors(void);
GC_EXPORT const struct gc_protocol *const *gc_protocols(void);
GC_EXPORT const struct gc_workload *const *gc_workloads(void);
GC_EXPORT const struct gc_collector *gc_collector_find(const char *name); /* or NULL */
GC_EXPORT const struct gc_protocol *gc_protocol_find(const char *name);   /* or NULL */

/* Core knows no workload: a driver adds those that it was linked with, before it loads
 * plugins, once. The descriptors must live on. 0 or -ENOMEM. */
GC_EXPORT int gc_workloads_add(const struct gc_workload *const *workloads) GC_NODISCARD;

/* Loads a plugin (plugin.h), for good; what it holds is in the lists above afterwards. What
 * is compiled for a protocol of another plugin is loaded after that one. To load one again
 * is no error. On one thread, before there are heaps. 0; or -errno with a
 * sentence: it is not there, no plugin, built for another ABI or flavour, or it
 * brings a name that is taken. */
GC_EXPORT int gc_plugin_load(const char *path, const struct gc_plugin **ret_plugin,
        struct gc_error *error) GC_NODISCARD;

/* What a plugin holds; the arrays end with NULL. */
GC_EXPORT const struct gc_collector *const *gc_plugin_collectors(
        const struct gc_plugin *plugin);
GC_EXPORT const struct gc_protocol *const *gc_plugin_protocols(
        const struct gc_plugin *plugin);
GC_EXPORT const struct gc_workload *const *gc_plugin_workloads(
        const struct gc_plugin *plugin);
GC_EXPORT const struct gc_part *const *gc_plugin_parts(const struct gc_plugin *plugin);

/* What a plugin holds of this kind for this protocol (struct gc_part, plugin.h); NULL:
 * none does, in this version. */
GC_EXPORT const void *gc_part_find(
        const char *kind, const char *protocol, uint32_t version);

/* What a driver may know of a collector or protocol. */
struct gc_collector_info {
    const char *name, *summary, *paper; /* paper may be NULL */
    const char *const *protocols;       /* ends with NULL; the first is the default */
    const struct gc_option *options;    /* or NULL */
    bool takes_others; /* other protocols of their kind as well: gc_collector_takes() */
    bool reclaims, immediate, cycles;
};
GC_EXPORT struct gc_collector_info gc_collector_info(
        const struct gc_collector *collector);

/* Whether it names the protocol, or takes any that has what this one has. */
GC_EXPORT bool gc_collector_takes(
        const struct gc_collector *collector, const struct gc_protocol *protocol);

/* The promises as words: for i = 0, 1, ... until false, *ret_word is the word of the
 * i-th promise that there is, or NULL if this collector does not make it. */
GC_EXPORT bool gc_collector_promises(
        const struct gc_collector *collector, size_t i, const char **ret_word);

GC_EXPORT const char *gc_protocol_name(const struct gc_protocol *protocol);
GC_EXPORT const char *gc_protocol_summary(const struct gc_protocol *protocol);

/* Objects, and the bytes of their cells. */
struct gc_live {
    uint64_t objects, bytes;
};

/* One comparison of the heap with the workload's model, on the way. */
struct gc_check {
    uint64_t at_ns; /* since the start of the run, without what checks took */
    struct gc_live expected, live; /* by the model; after quiescence */
    uint64_t rss_bytes;            /* resident set, after quiescence */
};

enum { GC_CHECKS_MOST = 100 }; /* of a sample */

/* One run of a workload, shared by its threads. */
struct gc_trial {
    uint64_t seed;
    uint32_t threads;
    bool weak_scaling;   /* each thread does the whole work, not its share */
    const void *options; /* as the workload's table says */
    struct gc_heap *heap;
    const struct gc_workload *workload;
    struct gc_trial_barrier *barrier;
    bool promises_to_reclaim; /* what the collector is held to */
    bool promises_cycles;
    void *data; /* the workload's own, from setup to finish */

    uint64_t sum;                   /* of what threads gave to gc_trial_add() */
    struct gc_histogram *latencies; /* and to gc_trial_add_latencies() */

    /* of the first thread: checks that are to be, and have been, made */
    uint32_t checks_wanted, checks_made;
    struct gc_check *checks;

    uint64_t start_ns; /* of the clock, which stands when run() is called */

    /* kept by gc_trial_unmeasured_*() */
    uint64_t unmeasured_ns, unmeasured_cpu_ns, unmeasured_collector_cpu_ns;

    /* what report() says */
    uint64_t checksum; /* the same for all collectors where race_free */
    uint64_t ops;      /* in the unit that the card names, all threads */
    bool planted_is_known;
    uint64_t planted;        /* objects that became garbage during run() */
    uint64_t planted_cyclic; /* of those: what counting alone can't free */
    bool failed;             /* the workload found something wrong: */
    char failure[256];
};

/* Thread i's part of n items that all threads share. */
static inline void gc_trial_share_fixed(const struct gc_trial *trial, uint32_t i,
        uint64_t n, uint64_t *ret_first, uint64_t *ret_end)
{
    *ret_first = n * i / trial->threads;
    *ret_end = n * (i + 1) / trial->threads;
}

/* The same, or all of them where each thread does the whole work. */
static inline void gc_trial_share(const struct gc_trial *trial, uint32_t i, uint64_t n,
        uint64_t *ret_first, uint64_t *ret_end)
{
    if (trial->weak_scaling) {
        *ret_first = 0;
        *ret_end = n;
    } else {
        gc_trial_share_fixed(trial, i, n, ret_first, ret_end);
    }
}

/* Thread i's share of n items, as above, in parts between which the run can be checked:
 *
 *     struct gc_trial_part part = { 0 };
 *     while (gc_trial_next_part(trial, m, i, n, &part))
 *         for (uint64_t k = part.first; k < part.end; k++) ...
 *
 * One part, unless checks are asked for: then one for each, and behind each part all threads
 * of the run wait, in a blocked region, until the first has compared the heap with what
 * expect() says. All threads of the run are to ask until they get false. */
struct gc_trial_part {
    uint64_t first, end;
    uint32_t number; /* of the part that comes next */
};
GC_EXPORT bool gc_trial_next_part(struct gc_trial *trial, struct gc_mutator *m,
        uint32_t i, uint64_t n, struct gc_trial_part *part);

/* Adds `count` objects of a type to a model, arrays with so many slots and raw bytes each. */
GC_EXPORT void gc_live_add(struct gc_live *live, const struct gc_mutator *m,
        const struct gc_type *type, uint32_t slots, uint32_t bytes, uint64_t count);

/* Waits, in a blocked region, until all threads of the run have come here. */
GC_EXPORT void gc_trial_wait(struct gc_trial *trial, struct gc_mutator *m);

/* What one thread does between the two, while all others wait (gc_trial_wait), is left out
 * of the wall and CPU time: a workload checks itself there. */
GC_EXPORT void gc_trial_unmeasured_begin(struct gc_trial *trial);
GC_EXPORT void gc_trial_unmeasured_end(struct gc_trial *trial);

/* Adds to trial->sum, which report() may read: for a thread's share of a checksum. Any
 * thread, now and then. */
GC_EXPORT void gc_trial_add(struct gc_trial *trial, uint64_t value);

/* Adds how long single requests took, in ns, to what the sample says of all of them. Any
 * thread, from run(), now and then; the workload's descriptor says what a request is. */
GC_EXPORT void gc_trial_add_latencies(
        struct gc_trial *trial, const struct gc_histogram *latencies);

/* Says what is wrong; the sample's outcome is then "wrong result". Any thread. */
GC_EXPORT void gc_trial_fail(struct gc_trial *trial, const char *format, ...)
        GC_PRINTF(2, 3);

/* A workload, compiled for one protocol. All functions get a running mutator. */
struct gc_workload {
    const char *name, *protocol;
    const char *summary;    /* one line */
    const char *card;       /* live size, allocation rate, cyclic share, in a few words */
    const char *unit;       /* of ops */
    const char *request;    /* what gc_trial_add_latencies() is told of, or NULL */
    bool race_free;         /* the checksum does not depend on interleaving */
    bool counts_operations; /* the variant that is not timed: operation.h */
    bool drops_cycles; /* run() makes cyclic garbage, of which expect() knows nothing */
    const struct gc_option *options; /* or NULL */
    size_t options_size;

    /* Before the clock starts; data that lives in the heap goes into global roots. On
     * the first mutator, alone. 0, or -errno with a failure said (-EBADMSG and the errors
     * of open() and read(): a bad file). May be NULL. */
    int (*setup)(struct gc_mutator *m, struct gc_trial *trial);

    /* The measured part: thread i of trial->threads. */
    void (*run)(struct gc_mutator *m, struct gc_trial *trial, uint32_t i);

    /* The model for checks: all objects that are live behind a part of the run, those in
     * threads' frames included, by the workload's own account and not by that of the heap.
     * On the first thread, while all others wait in gc_trial_next_part(). NULL: it has none,
     * and can't be checked on the way. */
    void (*expect)(
            struct gc_mutator *m, struct gc_trial *trial, struct gc_live *ret_live);

    /* After all threads but the first mutator have exited: what is known (checksum,
     * ops, planted) with the heap as run() left it. Not measured. */
    void (*report)(struct gc_mutator *m, struct gc_trial *trial);

    /* Drops all that the workload still holds. */
    void (*finish)(struct gc_mutator *m, struct gc_trial *trial);
};

/* Workloads that were linked in, for any protocol; ends with NULL. The driver gives
 * them: core knows none. The first finds those that are for timing, the second those that
 * count their operations. */
GC_EXPORT const struct gc_workload *gc_workload_find(
        const struct gc_workload *const *workloads, const char *name,
        const char *protocol);
GC_EXPORT const struct gc_workload *gc_workload_find_counting(
        const struct gc_workload *const *workloads, const char *name,
        const char *protocol);

enum gc_outcome {
    GC_OUTCOME_OK,
    GC_OUTCOME_WRONG_RESULT, /* the workload, or the count of what was reclaimed */
    GC_OUTCOME_OUT_OF_MEMORY,
    GC_OUTCOME_CRASH, /* the three below are set by who runs processes */
    GC_OUTCOME_TIMEOUT,
    GC_OUTCOME_FAILED, /* it could not be run at all: `message` says why */
    GC_OUTCOME_COUNT
};
GC_EXPORT extern const char *const gc_outcome_names[GC_OUTCOME_COUNT];

struct gc_sample;

struct gc_sample_request {
    const struct gc_collector *collector;
    const char *collector_options; /* "name=value:..." or NULL */
    const struct gc_protocol *protocol;
    const struct gc_workload *workload; /* compiled for that protocol */
    const char *workload_options;
    uint32_t threads;
    uint64_t heap_limit_bytes; /* 0: none */
    uint64_t seed;
    bool weak_scaling;
    uint32_t checks; /* on the way: 0 to GC_CHECKS_MOST */

    /* Called when an allocation can't be served, with the sample filled as far as it
     * can be (outcome out of memory), on the thread that failed. It must not return:
     * it ends the process. */
    void (*on_exhausted)(const struct gc_sample *sample, void *argument);
    void *argument;
};

/* One that too few values were measured for has its `has_` flag false. */
struct gc_percentiles {
    bool has_p50, has_p90, has_p99, has_p999;
    uint64_t p50_ns, p90_ns, p99_ns, p999_ns;
};

struct gc_stall_summary {
    const char *cause;
    uint64_t count, total_ns, max_ns, total_work, max_work;
    struct gc_percentiles percentiles;
};

/* Of the requests that a workload times; the maximum is exact. */
struct gc_latency_summary {
    uint64_t count, max_ns; /* count == 0: it times none */
    struct gc_percentiles percentiles;
};

/* Whether a workload on a collector can be checked on the way: 0; or -EINVAL, and `error` says
 * why not. */
GC_EXPORT int gc_trial_check_possible(const struct gc_collector *collector,
        const struct gc_workload *workload, struct gc_error *error) GC_NODISCARD;

enum { GC_SAMPLE_STALLS = 16, GC_SAMPLE_COUNTERS = 48 };

struct gc_sample {
    enum gc_outcome outcome;
    char message[512]; /* what went wrong, or "" */
    uint64_t checksum, ops;
    uint64_t wall_ns; /* from the start of all threads to the end of the last */
    uint64_t cpu_ns;  /* of the process meanwhile */
    bool has_cpu_roles;
    uint64_t mutator_cpu_ns;   /* of it: the mutators, outside collections */
    uint64_t collector_cpu_ns; /* of it: collections, on whatever thread */
    uint32_t stall_count;
    struct gc_stall_summary
            stalls[GC_SAMPLE_STALLS];  /* by cause, with count > 0 or not */
    struct gc_latency_summary latency; /* as far as the threads have told */
    uint64_t peak_heap_bytes, peak_rss_bytes;
    uint32_t counter_count;
    struct {
        const char *name;
        uint64_t value;
    } counters[GC_SAMPLE_COUNTERS];
    bool has_operations;                     /* the workload counts them */
    uint64_t operations[GC_OPERATION_COUNT]; /* during run() */
    uint64_t collections;
    bool has_planted;
    uint64_t planted;           /* objects */
    uint64_t reclaimed;         /* objects, from setup to quiescence after run() */
    uint64_t floating;          /* unreachable, not yet reclaimed when run() ended */
    uint64_t allocated_objects; /* during run() */
    uint32_t check_count;       /* on the way, in their order: */
    struct gc_check checks[GC_CHECKS_MOST];
};

/* Runs one sample in this process, on fresh threads. Returns 0 with *ret_sample filled
 * (whatever its outcome), -EINVAL for a request that can't be run (an option, a
 * protocol), -ENOMEM, or what the workload's setup returned; `error` then says why. */
GC_EXPORT int gc_sample_run(const struct gc_sample_request *request,
        struct gc_sample *ret_sample, struct gc_error *error) GC_NODISCARD;

/* The check level of this build: figures of a build above 0 are not to be reported. */
GC_EXPORT int gc_build_check_level(void);

#ifdef __cplusplus
}
#endif

#endif
