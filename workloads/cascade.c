/* SPDX-License-Identifier: MIT */
/* cascade.c - a chain of n objects, dropped at its head: under counting, one decrement
 * frees them all.
 *
 * Each thread builds and drops its share of `count` chains. Nothing is cyclic. Every drop
 * is timed: its latency is how long the thread could do nothing else.
 */
#include "core/os.h"
#include "workloads/workload.h"

struct link {
    struct gc_object header;
    struct link *next;
    uint64_t key;
};

static const struct gc_type link_type = GC_TYPE(struct link, .slots = 1);

enum { WALK = 1000 }; /* objects that are looked at before a chain is dropped */

struct cascade_options {
    int64_t n, count;
};

static const struct gc_option options[] = {
    { .name = "n",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct cascade_options, n),
            .min = 1,
            .max = 1000000000,
            .standard = "100000",
            .doc = "objects of a chain" },
    { .name = "count",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct cascade_options, count),
            .min = 1,
            .max = 1000000000,
            .standard = "10",
            .doc = "chains, of all threads" },
    GC_OPTION_END,
};

/* Builds a chain from its end, and drops it; returns a checksum of its first objects. */
static uint64_t build_and_drop(
        struct gc_mutator *m, int64_t n, struct gc_histogram *drops)
{
    struct {
        struct gc_frame frame;
        struct link *head, *link;
    } at;
    gc_enter(m, at);
    for (int64_t i = 0; i < n; i++) {
        if (!gc_new(m, &at.link, &link_type)) break;
        at.link->key = (uint64_t)i;
        gc_give(m, at.link, next, &at.head);
        gc_move(m, &at.head, &at.link);
    }
    uint64_t sum = 0;
    gc_set(m, &at.link, at.head);
    for (int i = 0; i < WALK && at.link != NULL; i++) {
        sum = gc_mix(sum + at.link->key);
        gc_load(m, &at.link, at.link, next);
    }
    gc_clear(m, &at.link);
    uint64_t start = gc_os_now_ns();
    gc_clear(m, &at.head);
    gc_histogram_record(drops, gc_os_now_ns() - start);
    gc_leave(m, at);
    return sum;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct cascade_options *o = trial->options;
    uint64_t first, end, sum = 0;
    gc_trial_share(trial, thread, (uint64_t)o->count, &first, &end);
    struct gc_histogram *drops = gc_os_alloc(sizeof(*drops));
    if (drops == NULL) {
        gc_trial_fail(trial, "there is no memory for the latencies");
        return;
    }
    for (uint64_t i = first; i < end; i++)
        sum += build_and_drop(m, o->n, drops);
    gc_trial_add(trial, sum);
    gc_trial_add_latencies(trial, drops);
    gc_os_free(drops);
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    const struct cascade_options *o = trial->options;
    uint64_t copies = trial->weak_scaling ? trial->threads : 1;
    trial->ops = trial->planted = (uint64_t)(o->n * o->count) * copies;
    trial->checksum = trial->sum;
    trial->planted_is_known = true;
}

GC_WORKLOAD(cascade) = {
    GC_WORKLOAD_HEADER(cascade),
    .summary = "long chains, dropped at their heads; each drop is timed",
    .card = "live: one chain a thread; allocates all the time; nothing cyclic",
    .unit = "objects",
    .request = "drop",
    .race_free = true,
    .options = options,
    .options_size = sizeof(struct cascade_options),
    .run = run,
    .report = report,
};
