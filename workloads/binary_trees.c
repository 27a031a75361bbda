/* SPDX-License-Identifier: MIT */
/* binary_trees.c - many complete binary trees, built bottom-up, walked and dropped, beside
 * one long-lived tree. The walk holds each node that it visits in a counted local.
 *
 * The trees of one depth are shared out among the threads; the long-lived tree and the
 * stretch tree are thread 0's. Nothing is cyclic.
 */
#include "workloads/workload.h"

struct node {
    struct gc_object header;
    struct node *left, *right;
};

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);

struct binary_trees_options {
    int64_t depth;
    int64_t rounds;
};

enum { MIN_DEPTH = 4 };

static const struct gc_option options[] = {
    { .name = "depth",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct binary_trees_options, depth),
            .min = 6,
            .max = 28,
            .standard = "16",
            .doc = "depth of the long-lived tree" },
    { .name = "rounds",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct binary_trees_options, rounds),
            .min = 1,
            .max = 1000000,
            .standard = "1",
            .doc = "how often the whole is repeated" },
    GC_OPTION_END,
};

static uint64_t tree_size(int64_t depth)
{
    return (UINT64_C(2) << depth) - 1;
}

static uint64_t tree_count(int64_t max_depth, int64_t depth)
{
    return UINT64_C(1) << (max_depth - depth + MIN_DEPTH);
}

static void build(struct gc_mutator *m, struct node **out, int64_t depth)
{
    struct {
        struct gc_frame frame;
        struct node *self, *child;
    } at;
    gc_enter(m, at);
    if (gc_new(m, &at.self, &node_type) && depth > 0) {
        build(m, &at.child, depth - 1);
        gc_give(m, at.self, left, &at.child);
        build(m, &at.child, depth - 1);
        gc_give(m, at.self, right, &at.child);
    }
    gc_move(m, out, &at.self);
    gc_leave(m, at);
}

static uint64_t check(struct gc_mutator *m, struct node *tree)
{
    struct {
        struct gc_frame frame;
        struct node *child;
    } at;
    gc_enter(m, at);
    uint64_t nodes = 1;
    gc_load(m, &at.child, tree, left);
    if (at.child != NULL) {
        nodes += check(m, at.child);
        gc_load(m, &at.child, tree, right);
        nodes += check(m, at.child);
    }
    gc_leave(m, at);
    return nodes;
}

static uint64_t build_check_drop(struct gc_mutator *m, int64_t depth)
{
    struct {
        struct gc_frame frame;
        struct node *tree;
    } at;
    gc_enter(m, at);
    build(m, &at.tree, depth);
    uint64_t nodes = at.tree != NULL ? check(m, at.tree) : 0;
    gc_leave(m, at);
    return nodes;
}

static uint64_t run_once(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct binary_trees_options *o = trial->options;
    struct {
        struct gc_frame frame;
        struct node *long_lived;
    } at;
    gc_enter(m, at);
    bool has_long_lived = thread == 0 || trial->weak_scaling;
    uint64_t nodes = 0;
    if (has_long_lived) {
        nodes += build_check_drop(m, o->depth + 1);
        build(m, &at.long_lived, o->depth);
    }
    for (int64_t depth = MIN_DEPTH; depth <= o->depth; depth += 4) {
        uint64_t first, end;
        gc_trial_share(trial, thread, tree_count(o->depth, depth), &first, &end);
        for (uint64_t i = first; i < end; i++)
            nodes += build_check_drop(m, depth);
    }
    if (at.long_lived != NULL) nodes += check(m, at.long_lived);
    gc_leave(m, at);
    return nodes;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct binary_trees_options *o = trial->options;
    uint64_t nodes = 0;
    for (int64_t round = 0; round < o->rounds; round++)
        nodes += run_once(m, trial, thread);
    gc_trial_add(trial, nodes);
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    const struct binary_trees_options *o = trial->options;
    uint64_t objects = tree_size(o->depth + 1) + tree_size(o->depth);
    for (int64_t depth = MIN_DEPTH; depth <= o->depth; depth += 4)
        objects += tree_count(o->depth, depth) * tree_size(depth);
    objects *= (trial->weak_scaling ? trial->threads : 1) * (uint64_t)o->rounds;
    trial->checksum = trial->sum;
    if (trial->checksum != objects)
        gc_trial_fail(trial, "the walks did not meet every node");
    trial->ops = trial->planted = objects;
    trial->planted_is_known = true;
}

GC_WORKLOAD(binary_trees) = {
    GC_WORKLOAD_HEADER(binary_trees),
    .summary = "complete binary trees, built, walked with counted locals, dropped",
    .card = "live: 2^(depth+1) nodes long-lived and one short-lived tree a thread; "
            "allocates "
            "all the time; nothing cyclic",
    .unit = "objects",
    .race_free = true,
    .options = options,
    .options_size = sizeof(struct binary_trees_options),
    .run = run,
    .report = report,
};
