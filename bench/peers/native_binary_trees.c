/* SPDX-License-Identifier: MIT */
/* native_binary_trees.c - the work of workloads/binary_trees.c, for one round. */
#include "bench/peers/native_binary_trees.h"

struct node {
    struct node *left, *right;
};

static struct node *build(uint64_t depth)
{
    struct node *node = native_new(sizeof(*node));
    if (depth > 0) {
        node->left = build(depth - 1);
        node->right = build(depth - 1);
    } else if (!NATIVE_CLEARS) {
        node->left = node->right = NULL;
    }
    return node;
}

/* A node has two children or none. */
static uint64_t check(const struct node *tree)
{
    if (tree->left == NULL) return 1;
    return 1 + check(tree->left) + check(tree->right);
}

static void drop(struct node *tree)
{
    if (!NATIVE_FREES) return;
    if (tree->left != NULL) {
        drop(tree->left);
        drop(tree->right);
    }
    native_free(tree);
}

static uint64_t build_check_drop(uint64_t depth)
{
    struct node *tree = build(depth);
    uint64_t nodes = check(tree);
    drop(tree);
    return nodes;
}

uint64_t native_run(const struct native_trial *trial, uint32_t thread)
{
    uint64_t largest = trial->numbers[DEPTH], nodes = 0;
    struct node *long_lived = NULL;
    if (thread == 0) {
        nodes += build_check_drop(largest + 1);
        long_lived = build(largest);
    }
    for (uint64_t depth = MIN_DEPTH; depth <= largest; depth += 4) {
        uint64_t first, end;
        native_share(trial, thread, tree_count(largest, depth), &first, &end);
        for (uint64_t i = first; i < end; i++)
            nodes += build_check_drop(depth);
    }
    if (thread == 0) {
        nodes += check(long_lived);
        drop(long_lived);
    }
    return nodes;
}
