/* SPDX-License-Identifier: MIT */
/* example.c - chains of random length; every other one is closed to a ring. Each is
 * summed up, and dropped.
 */
#include "workloads/workload.h"

struct link {
    struct gc_object header;
    struct link *next; /* slots come first */
    uint64_t key;
};

static const struct gc_type link_type = GC_TYPE(struct link, .slots = 1);

struct example_options {
    int64_t count;
    int64_t longest;
};

static const struct gc_option options[] = {
    { .name = "count",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct example_options, count),
            .min = 1,
            .max = 1000000000,
            .standard = "100000",
            .doc = "chains built in all" },
    { .name = "longest",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct example_options, longest),
            .min = 1,
            .max = 1000000,
            .standard = "20",
            .doc = "links of the longest chain" },
    GC_OPTION_END,
};

/* The length of chain i: the same on every thread, collector and machine. */
static uint32_t length_of(const struct gc_trial *trial, uint64_t i)
{
    const struct example_options *o = trial->options;
    struct gc_random random = { trial->seed + i };
    return 1 + gc_random_below(&random, (uint32_t)o->longest);
}

/* Builds, sums up and drops a chain. */
static uint64_t use_chain(struct gc_mutator *m, uint32_t length, bool is_ring)
{
    struct {
        struct gc_frame frame;
        struct link *first, *last, *link;
    } at;
    uint64_t sum = 0;
    gc_enter(m, at);
    for (uint32_t i = 0; i < length; i++) {
        if (!gc_new(m, &at.link, &link_type)) break;
        at.link->key = i;
        if (at.first == NULL)
            gc_set(m, &at.first, at.link);
        else
            gc_store_new(m, at.last, next, at.link);
        gc_move(m, &at.last, &at.link);
    }
    gc_set(m, &at.link, at.first);
    while (at.link != NULL) {
        sum += gc_mix(at.link->key);
        gc_load(m, &at.link, at.link, next);
    }
    if (is_ring) gc_store(m, at.last, next, at.first);
    gc_leave(m, at);
    return sum;
}

/* Thread i's share of the work. */
static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct example_options *o = trial->options;
    uint64_t first, end, sum = 0;
    gc_trial_share(trial, thread, (uint64_t)o->count, &first, &end);
    for (uint64_t i = first; i < end; i++)
        sum += use_chain(m, length_of(trial, i), i % 2 == 1);
    gc_trial_add(trial, sum);
}

/* What is known when all threads have ended: here all of it is garbage by then. */
static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    const struct example_options *o = trial->options;
    uint64_t copies = trial->weak_scaling ? trial->threads : 1;
    for (uint64_t i = 0; i < (uint64_t)o->count; i++) {
        uint64_t length = length_of(trial, i);
        trial->planted += length * copies;
        if (i % 2 == 1) trial->planted_cyclic += length * copies;
    }
    trial->planted_is_known = true;
    trial->ops = trial->planted;
    trial->checksum = trial->sum;
}

GC_WORKLOAD(example) = {
    GC_WORKLOAD_HEADER(example),
    .summary = "chains that are closed to rings now and then, and dropped",
    .card = "live: one chain; allocates all the time; half of the garbage is cyclic",
    .unit = "objects",
    .race_free = true,
    .options = options,
    .options_size = sizeof(struct example_options),
    .run = run,
    .report = report,
};
