/* SPDX-License-Identifier: MIT */
/* shared_ptr_binary_trees.cc - the work of native_binary_trees.c. Walks take references, and
 * count nothing.
 */
#include <memory>

#include "bench/peers/native_binary_trees.h"

struct node {
    std::shared_ptr<node> left, right;
};

static std::shared_ptr<node> build(uint64_t depth)
{
    auto self = std::make_shared<node>();
    if (depth > 0) {
        self->left = build(depth - 1);
        self->right = build(depth - 1);
    }
    return self;
}

/* A node has two children or none. */
static uint64_t check(const node &tree)
{
    if (tree.left == nullptr) return 1;
    return 1 + check(*tree.left) + check(*tree.right);
}

uint64_t native_run(const native_trial *trial, uint32_t thread)
{
    uint64_t largest = trial->numbers[DEPTH], nodes = 0;
    std::shared_ptr<node> long_lived;
    if (thread == 0) {
        nodes += check(*build(largest + 1));
        long_lived = build(largest);
    }
    for (uint64_t depth = MIN_DEPTH; depth <= largest; depth += 4) {
        uint64_t first, end;
        native_share(trial, thread, tree_count(largest, depth), &first, &end);
        for (uint64_t i = first; i < end; i++)
            nodes += check(*build(depth));
    }
    if (thread == 0) nodes += check(*long_lived);
    return nodes;
}
