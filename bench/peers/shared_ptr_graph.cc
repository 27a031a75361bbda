/* SPDX-License-Identifier: MIT */
/* shared_ptr_graph.cc - the work of native_graph.c, with the striped mutexes of
 * native_graph_mimalloc.h: a shared_ptr that others write may be read under a lock only.
 *
 * shared_ptr leaks cycles. As there, a node that loses its name loses its edges, which
 * nobody follows any more, so none is left behind.
 */
#include <array>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "bench/peers/native_graph.h"

struct node {
    std::array<std::shared_ptr<node>, EDGES>
            edge; /* its name's stripe, while it has one */
    uint64_t key; /* const */
};

struct alignas(64) stripe {
    std::mutex lock;
};

static std::array<stripe, 1024> stripes; /* each for the names that it is chosen by */
static std::vector<std::shared_ptr<node>> named;

static std::mutex &lock_of(uint32_t i)
{
    return stripes[i % stripes.size()].lock;
}

static void graph_start(uint32_t nodes)
{
    named.resize(nodes);
}

static std::shared_ptr<node> take(uint32_t i)
{
    std::lock_guard<std::mutex> guard(lock_of(i));
    return named[i];
}

static void graph_replace(
        uint32_t nodes, struct gc_random *random, uint32_t i, uint64_t key)
{
    auto self = std::make_shared<node>();
    self->key = key;
    for (auto &edge : self->edge)
        edge = take(gc_random_below(random, nodes));
    {
        std::lock_guard<std::mutex> guard(lock_of(i));
        named[i].swap(self);
    }
    if (self == nullptr) return;
    for (auto &edge : self->edge)
        edge.reset();
}

static void graph_redirect(uint32_t nodes, struct gc_random *random)
{
    uint32_t from = gc_random_below(random, nodes);
    auto to = take(gc_random_below(random, nodes));
    uint32_t e = gc_random_below(random, EDGES);
    std::lock_guard<std::mutex> guard(lock_of(from));
    named[from]->edge[e].swap(to); /* the old target is dropped after the unlock */
}

static uint64_t graph_key(uint32_t i)
{
    return named[i]->key;
}

static bool graph_target_key(uint32_t i, int e, uint64_t *ret_target)
{
    const auto &target = named[i]->edge[size_t(e)];
    if (target != nullptr) *ret_target = target->key;
    return target != nullptr;
}
