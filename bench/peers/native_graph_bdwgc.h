/* SPDX-License-Identifier: MIT */
/* native_graph_bdwgc.h - the graph over a collector: a reference is a pointer, and racing
 * loads and stores need no lock.
 */
#ifndef BENCH_PEERS_NATIVE_GRAPH_BDWGC_H
#define BENCH_PEERS_NATIVE_GRAPH_BDWGC_H

#include <stdatomic.h>

struct node {
    _Atomic(struct node *) edge[EDGES]; /* any thread */
    uint64_t key;
};

static _Atomic(struct node *) *graph_named; /* any thread */

static void graph_start(uint32_t nodes)
{
    graph_named = native_new_table(nodes);
}

static inline struct node *graph_new_node(uint64_t key)
{
    struct node *node = native_new(sizeof(*node));
    node->key = key;
    return node;
}

/* Acquire: the node's members, written before it got its name (release), are seen. */
static inline struct node *graph_take(uint32_t i)
{
    return atomic_load_explicit(&graph_named[i], memory_order_acquire);
}

static inline void graph_init_edge(struct node *node, int e, struct node *target)
{
    atomic_store_explicit(&node->edge[e], target, memory_order_relaxed);
}

static inline void graph_name(uint32_t i, struct node *node)
{
    atomic_store_explicit(&graph_named[i], node, memory_order_release);
}

static inline void graph_set_edge(uint32_t i, uint32_t e, struct node *target)
{
    atomic_store_explicit(&graph_take(i)->edge[e], target, memory_order_release);
}

static inline const struct node *graph_node(uint32_t i)
{
    return graph_take(i);
}

static inline const struct node *graph_target(uint32_t i, int e)
{
    return atomic_load_explicit(&graph_node(i)->edge[e], memory_order_relaxed);
}

#endif
