/* SPDX-License-Identifier: MIT */
/* native_gcbench.c - the work of workloads/gcbench.c, for one round. */
#include "bench/peers/native_gcbench.h"

struct node {
    struct node *left, *right;
    int32_t i, j;
};

static struct node *new_leaf(void)
{
    struct node *node = native_new(sizeof(*node));
    if (!NATIVE_CLEARS) node->left = node->right = NULL;
    return node;
}

static void populate(struct node *tree, uint64_t depth)
{
    if (depth == 0) return;
    tree->left = new_leaf();
    populate(tree->left, depth - 1);
    tree->right = new_leaf();
    populate(tree->right, depth - 1);
}

static struct node *make_tree(uint64_t depth)
{
    if (depth == 0) return new_leaf();
    struct node *left = make_tree(depth - 1);
    struct node *right = make_tree(depth - 1);
    struct node *self = native_new(sizeof(*self));
    self->left = left;
    self->right = right;
    return self;
}

/* A node has two children or none. */
static void drop(struct node *tree)
{
    if (!NATIVE_FREES) return;
    if (tree->left != NULL) {
        drop(tree->left);
        drop(tree->right);
    }
    native_free(tree);
}

static void build_and_drop(uint64_t depth)
{
    struct node *tree = new_leaf();
    populate(tree, depth);
    drop(tree);
    drop(make_tree(depth));
}

static uint64_t count_nodes(const struct node *tree)
{
    uint64_t nodes = 1;
    if (tree->left != NULL) nodes += count_nodes(tree->left);
    if (tree->right != NULL) nodes += count_nodes(tree->right);
    return nodes;
}

uint64_t native_run(const struct native_trial *trial, uint32_t thread)
{
    uint64_t largest = trial->numbers[DEPTH], array = trial->numbers[ARRAY], sum = 0;
    struct node *long_lived = NULL;
    double *numbers = NULL;
    if (thread == 0) {
        drop(make_tree(largest + 2));
        long_lived = new_leaf();
        populate(long_lived, largest);
        numbers = native_new_leaf(array * sizeof(*numbers));
        for (uint64_t i = 0; i < array; i++)
            numbers[i] = 1.0 / (double)(i + 1);
    }
    for (uint64_t depth = 4; depth <= largest; depth += 2) {
        uint64_t first, end;
        native_share(trial, thread, tree_count(trial, depth), &first, &end);
        for (uint64_t i = first; i < end; i++)
            build_and_drop(depth);
    }
    if (thread == 0) {
        sum = gc_mix(count_nodes(long_lived) + (uint64_t)(1 / numbers[array / 2]));
        drop(long_lived);
        native_free(numbers);
    }
    return sum;
}
