/* SPDX-License-Identifier: MIT */
/* rings.c - doubly linked rings of k nodes, built and dropped; a window of the latest ones
 * is kept live. All garbage is cyclic.
 *
 * The window of 1000 rings is shared out: 1000 / T a thread.
 */
#include "workloads/workload.h"

struct node {
    struct gc_object header;
    struct node *next, *previous;
    int64_t key;
};

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);
static const struct gc_type window_type = GC_ARRAY_TYPE("window", .flags = GC_TYPE_ARRAY);

struct rings_options {
    int64_t k;
    int64_t count;
    int64_t window;
};

static const struct gc_option options[] = {
    { .name = "k",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct rings_options, k),
            .min = 1,
            .max = 1000000000,
            .standard = "8",
            .doc = "nodes of a ring" },
    { .name = "count",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct rings_options, count),
            .min = 1,
            .max = 1000000000,
            .standard = "200000",
            .doc = "rings built in all" },
    { .name = "window",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct rings_options, window),
            .min = 1,
            .max = 10000000,
            .standard = "1000",
            .doc = "rings kept live, all threads together" },
    GC_OPTION_END,
};

static bool build_ring(struct gc_mutator *m, struct node **out, int64_t k, int64_t key)
{
    struct {
        struct gc_frame frame;
        struct node *first, *last, *node;
    } at;
    gc_enter(m, at);
    bool built = gc_new(m, &at.first, &node_type);
    if (built) {
        at.first->key = key;
        gc_set(m, &at.last, at.first);
    }
    for (int64_t i = 1; i < k && built; i++) {
        built = gc_new(m, &at.node, &node_type);
        if (!built) break;
        at.node->key = key + i;
        gc_store_new(m, at.node, previous, at.last);
        gc_store_new(m, at.last, next, at.node);
        gc_move(m, &at.last, &at.node);
    }
    if (built) {
        gc_store_new(m, at.last, next, at.first);
        gc_store_new(m, at.first, previous, at.last);
    }
    gc_move(m, out, &at.first);
    gc_leave(m, at);
    return built;
}

/* The sum of a ring's keys, walked backwards. */
static uint64_t sum_ring(struct gc_mutator *m, struct node *ring)
{
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(m, at);
    uint64_t sum = 0;
    gc_load(m, &at.node, ring, previous);
    for (;;) {
        sum += gc_mix((uint64_t)at.node->key);
        if (at.node == ring) break;
        gc_load(m, &at.node, at.node, previous);
    }
    gc_leave(m, at);
    return sum;
}

static uint64_t window_of(const struct gc_trial *trial)
{
    const struct rings_options *o = trial->options;
    uint64_t window = (uint64_t)o->window / trial->threads;
    return window > 0 ? window : 1;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct rings_options *o = trial->options;
    struct {
        struct gc_frame frame;
        struct gc_array *window;
        struct node *ring;
    } at;
    uint64_t first, end, sum = 0;
    uint64_t window = window_of(trial);
    gc_trial_share(trial, thread, (uint64_t)o->count, &first, &end);
    gc_enter(m, at);
    if (gc_new_array(m, &at.window, &window_type, (uint32_t)window, 0)) {
        for (uint64_t i = first; i < end; i++) {
            if (!build_ring(m, &at.ring, o->k, (int64_t)i * o->k)) break;
            gc_give(m, at.window, slot[i % window], &at.ring);
        }
        for (uint64_t i = 0; i < window; i++) {
            gc_load(m, &at.ring, at.window, slot[i]);
            if (at.ring != NULL) sum += sum_ring(m, at.ring);
        }
    }
    gc_leave(m, at);
    gc_trial_add(trial, sum);
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    const struct rings_options *o = trial->options;
    uint64_t copies = trial->weak_scaling ? trial->threads : 1;
    trial->checksum = trial->sum;
    trial->ops = (uint64_t)(o->count * o->k) * copies;
    trial->planted_cyclic = trial->ops;
    trial->planted = trial->ops + trial->threads; /* and the windows */
    trial->planted_is_known = true;
}

GC_WORKLOAD(rings) = {
    GC_WORKLOAD_HEADER(rings),
    .summary = "doubly linked rings of k nodes; the latest 1000 are live",
    .card = "live: window * k nodes; allocates all the time; all garbage is cyclic",
    .unit = "objects",
    .race_free = true,
    .options = options,
    .options_size = sizeof(struct rings_options),
    .run = run,
    .report = report,
};
