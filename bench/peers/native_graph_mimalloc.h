/* SPDX-License-Identifier: MIT */
/* native_graph_mimalloc.h - the graph with explicit free: striped mutexes, and a count in
 * each node of the edges that lead to it.
 *
 * The program knows what a collector cannot: nobody follows the edges of a node that has
 * lost its name. They are cut then, so no cycle is left behind, and the last edge to go takes
 * the node with it. (A collector keeps what such edges lead to until the node itself goes.)
 *
 * A stripe protects the names in it, and the edges of the nodes that bear them. Who has read
 * a name under its stripe holds a count, which keeps the node when the stripe is given up. No
 * two stripes are held at once.
 */
#ifndef BENCH_PEERS_NATIVE_GRAPH_MIMALLOC_H
#define BENCH_PEERS_NATIVE_GRAPH_MIMALLOC_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

struct node {
    struct node *edge[EDGES]; /* its name's stripe, while it has one */
    uint64_t key;             /* const */
    _Atomic(uint32_t) count;  /* any thread: its name, edges to it, who holds it */
};

enum { GRAPH_STRIPES = 1024 };

static struct graph_stripe {
    alignas(64) pthread_mutex_t lock;
} graph_stripes[GRAPH_STRIPES];

static struct node **graph_named; /* its stripe */

static inline pthread_mutex_t *graph_lock(uint32_t i)
{
    return &graph_stripes[i % GRAPH_STRIPES].lock;
}

static void graph_start(uint32_t nodes)
{
    graph_named = native_new_table(nodes);
    for (int i = 0; i < GRAPH_STRIPES; i++)
        pthread_mutex_init(&graph_stripes[i].lock, NULL);
}

static inline struct node *graph_new_node(uint64_t key)
{
    struct node *node = native_new(sizeof(*node));
    for (int e = 0; e < EDGES; e++)
        node->edge[e] = NULL;
    node->key = key;
    atomic_init(&node->count, 1);
    return node;
}

static inline void graph_drop(struct node *node)
{
    if (node == NULL) return;
    /* Acquire and release: who frees it comes after all others' last use. */
    if (atomic_fetch_sub_explicit(&node->count, 1, memory_order_acq_rel) == 1)
        native_free(node);
}

static inline struct node *graph_take(uint32_t i)
{
    pthread_mutex_lock(graph_lock(i));
    struct node *node = graph_named[i];
    if (node != NULL) atomic_fetch_add_explicit(&node->count, 1, memory_order_relaxed);
    pthread_mutex_unlock(graph_lock(i));
    return node;
}

/* An edge takes over the count that the caller holds. */
static inline void graph_init_edge(struct node *node, int e, struct node *target)
{
    node->edge[e] = target;
}

static inline void graph_name(uint32_t i, struct node *node)
{
    pthread_mutex_lock(graph_lock(i));
    struct node *old = graph_named[i];
    graph_named[i] = node;
    pthread_mutex_unlock(graph_lock(i));
    if (old == NULL) return;
    for (int e = 0; e < EDGES; e++)
        graph_drop(old->edge[e]);
    graph_drop(old);
}

static inline void graph_set_edge(uint32_t i, uint32_t e, struct node *target)
{
    pthread_mutex_lock(graph_lock(i));
    struct node *from = graph_named[i], *old = from->edge[e];
    from->edge[e] = target;
    pthread_mutex_unlock(graph_lock(i));
    graph_drop(old);
}

static inline const struct node *graph_node(uint32_t i)
{
    return graph_named[i];
}

static inline const struct node *graph_target(uint32_t i, int e)
{
    return graph_named[i]->edge[e];
}

#endif
