/* SPDX-License-Identifier: MIT */
/* gcbench.c - the benchmark of Ellis, Kovac and Boehm: short-lived trees of growing depth,
 * built top-down and bottom-up, beside a long-lived tree and a long-lived array.
 *
 * The trees of one depth are shared out among the threads; the stretch tree and the
 * long-lived data belong to thread 0. Nothing is cyclic.
 */
#include "workloads/workload.h"

struct node {
    struct gc_object header;
    struct node *left, *right;
    int32_t i, j;
};

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);
static const struct gc_type numbers_type =
        GC_ARRAY_TYPE("numbers", .flags = GC_TYPE_ARRAY | GC_TYPE_LEAF);

struct gcbench_options {
    int64_t depth;  /* of the largest short-lived trees */
    int64_t array;  /* doubles in the long-lived array */
    int64_t rounds; /* how often all of it is done */
};

static const struct gc_option options[] = {
    { .name = "depth",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct gcbench_options, depth),
            .min = 4,
            .max = 24,
            .standard = "16",
            .doc = "depth of the largest trees; the stretch tree has two levels more" },
    { .name = "array",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct gcbench_options, array),
            .min = 1,
            .max = 100000000,
            .standard = "500000",
            .doc = "numbers in the long-lived array" },
    { .name = "rounds",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct gcbench_options, rounds),
            .min = 1,
            .max = 1000000,
            .standard = "1",
            .doc = "how often the whole is repeated" },
    GC_OPTION_END,
};

/* Objects of a full tree of this depth. */
static uint64_t tree_size(int64_t depth)
{
    return (UINT64_C(2) << depth) - 1;
}

/* As many trees of each depth as allocate about twice the stretch tree. */
static uint64_t tree_count(const struct gcbench_options *o, int64_t depth)
{
    return 2 * tree_size(o->depth + 2) / tree_size(depth);
}

/* Top-down: a node is in the tree before it has children. */
static void populate(struct gc_mutator *m, struct node **tree, int64_t depth)
{
    if (depth <= 0) return;
    struct {
        struct gc_frame frame;
        struct node *child;
    } at;
    gc_enter(m, at);
    if (gc_new(m, &at.child, &node_type)) {
        gc_store_new(m, *tree, left, at.child);
        populate(m, &at.child, depth - 1);
    }
    if (gc_new(m, &at.child, &node_type)) {
        gc_store_new(m, *tree, right, at.child);
        populate(m, &at.child, depth - 1);
    }
    gc_leave(m, at);
}

static void make_tree(struct gc_mutator *m, struct node **out, int64_t depth)
{
    struct {
        struct gc_frame frame;
        struct node *self, *left, *right;
    } at;
    gc_enter(m, at);
    if (depth > 0) {
        make_tree(m, &at.left, depth - 1);
        make_tree(m, &at.right, depth - 1);
    }
    if (gc_new(m, &at.self, &node_type)) {
        gc_give(m, at.self, left, &at.left);
        gc_give(m, at.self, right, &at.right);
    }
    gc_move(m, out, &at.self);
    gc_leave(m, at);
}

/* One tree each way, dropped at once. */
static void build_and_drop(struct gc_mutator *m, int64_t depth)
{
    struct {
        struct gc_frame frame;
        struct node *tree;
    } at;
    gc_enter(m, at);
    if (gc_new(m, &at.tree, &node_type)) populate(m, &at.tree, depth);
    gc_clear(m, &at.tree);
    make_tree(m, &at.tree, depth);
    gc_leave(m, at);
}

static uint64_t count_nodes(struct gc_mutator *m, struct node *tree)
{
    struct {
        struct gc_frame frame;
        struct node *child;
    } at;
    gc_enter(m, at);
    uint64_t nodes = 1;
    gc_load(m, &at.child, tree, left);
    if (at.child != NULL) nodes += count_nodes(m, at.child);
    gc_load(m, &at.child, tree, right);
    if (at.child != NULL) nodes += count_nodes(m, at.child);
    gc_leave(m, at);
    return nodes;
}

static void run_long_lived(struct gc_mutator *m, struct gc_trial *trial,
        const struct gcbench_options *o, uint32_t thread)
{
    struct {
        struct gc_frame frame;
        struct node *stretch, *tree;
        struct gc_array *numbers;
    } at;
    gc_enter(m, at);
    bool has_long_lived = thread == 0 || trial->weak_scaling;
    if (has_long_lived) {
        make_tree(m, &at.stretch, o->depth + 2);
        gc_clear(m, &at.stretch);
        if (gc_new(m, &at.tree, &node_type)) populate(m, &at.tree, o->depth);
        uint32_t n = (uint32_t)o->array;
        if (gc_new_array(
                    m, &at.numbers, &numbers_type, 0, n * (uint32_t)sizeof(double))) {
            double *numbers = gc_array_bytes(at.numbers);
            for (uint32_t i = 0; i < n; i++)
                numbers[i] = 1.0 / (i + 1);
        }
    }
    for (int64_t depth = 4; depth <= o->depth; depth += 2) {
        uint64_t first, end;
        gc_trial_share(trial, thread, tree_count(o, depth), &first, &end);
        for (uint64_t i = first; i < end; i++)
            build_and_drop(m, depth);
    }
    if (has_long_lived && at.tree != NULL && at.numbers != NULL) {
        const double *numbers = gc_array_bytes(at.numbers);
        uint64_t sum = count_nodes(m, at.tree) + (uint64_t)(1 / numbers[o->array / 2]);
        gc_trial_add(trial, gc_mix(sum));
    }
    gc_leave(m, at);
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct gcbench_options *o = trial->options;
    for (int64_t round = 0; round < o->rounds; round++)
        run_long_lived(m, trial, o, thread);
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    const struct gcbench_options *o = trial->options;
    uint64_t once = tree_size(o->depth + 2) + tree_size(o->depth) + 1;
    uint64_t trees = 0;
    for (int64_t depth = 4; depth <= o->depth; depth += 2)
        trees += 2 * tree_count(o, depth) * tree_size(depth);
    uint64_t copies = trial->weak_scaling ? trial->threads : 1;
    trial->checksum = trial->sum;
    trial->ops = trial->planted = (once + trees) * copies * (uint64_t)o->rounds;
    trial->planted_is_known = true;
}

GC_WORKLOAD(gcbench) = {
    GC_WORKLOAD_HEADER(gcbench),
    .summary = "trees of growing depth beside long-lived data (Ellis, Kovac, Boehm)",
    .card = "live: 2^(depth+3) nodes at the peak, then half a tree and an array; "
            "allocates "
            "all the time; nothing cyclic",
    .unit = "objects",
    .race_free = true,
    .options = options,
    .options_size = sizeof(struct gcbench_options),
    .run = run,
    .report = report,
};
