/* SPDX-License-Identifier: MIT */
/* shared_ptr_gcbench.cc - the work of native_gcbench.c. Walks take references, and count
 * nothing.
 */
#include <memory>

#include "bench/peers/native_gcbench.h"

struct node {
    std::shared_ptr<node> left, right;
    int32_t i, j;
};

static void populate(node &tree, uint64_t depth)
{
    if (depth == 0) return;
    tree.left = std::make_shared<node>();
    populate(*tree.left, depth - 1);
    tree.right = std::make_shared<node>();
    populate(*tree.right, depth - 1);
}

static std::shared_ptr<node> make_tree(uint64_t depth)
{
    if (depth == 0) return std::make_shared<node>();
    auto left = make_tree(depth - 1);
    auto right = make_tree(depth - 1);
    auto self = std::make_shared<node>();
    self->left = std::move(left);
    self->right = std::move(right);
    return self;
}

static void build_and_drop(uint64_t depth)
{
    auto tree = std::make_shared<node>();
    populate(*tree, depth);
    tree.reset();
    tree = make_tree(depth);
}

static uint64_t count_nodes(const node &tree)
{
    uint64_t nodes = 1;
    if (tree.left != nullptr) nodes += count_nodes(*tree.left);
    if (tree.right != nullptr) nodes += count_nodes(*tree.right);
    return nodes;
}

uint64_t native_run(const native_trial *trial, uint32_t thread)
{
    uint64_t largest = trial->numbers[DEPTH], array = trial->numbers[ARRAY], sum = 0;
    std::shared_ptr<node> long_lived;
    std::unique_ptr<double[]> numbers;
    if (thread == 0) {
        make_tree(largest + 2);
        long_lived = std::make_shared<node>();
        populate(*long_lived, largest);
        numbers.reset(new double[array]);
        for (uint64_t i = 0; i < array; i++)
            numbers[i] = 1.0 / double(i + 1);
    }
    for (uint64_t depth = 4; depth <= largest; depth += 2) {
        uint64_t first, end;
        native_share(trial, thread, tree_count(trial, depth), &first, &end);
        for (uint64_t i = first; i < end; i++)
            build_and_drop(depth);
    }
    if (thread == 0)
        sum = gc_mix(count_nodes(*long_lived) + uint64_t(1 / numbers[array / 2]));
    return sum;
}
