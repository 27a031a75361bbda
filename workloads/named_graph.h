/* SPDX-License-Identifier: MIT */
/* named_graph.h - a graph whose nodes have names: what `graph` and `random_graph` share.
 *
 * Global roots name the nodes; each node has four edges. Threads replace named nodes by
 * new ones and redirect edges, and all accesses race. A node without a name lives as long
 * as edges lead to it, so what is garbage in the end is not known beforehand: the harness
 * traces from the roots.
 */
#ifndef WORKLOADS_NAMED_GRAPH_H
#define WORKLOADS_NAMED_GRAPH_H

#include <errno.h>

#include "core/os.h"
#include "workloads/workload.h"

enum { GC_GRAPH_EDGES = 4 };

struct gc_graph_node {
    struct gc_object header;
    struct gc_graph_node *edge[GC_GRAPH_EDGES];
    uint64_t key;
};

static const struct gc_type gc_graph_node_type =
        GC_TYPE(struct gc_graph_node, .slots = GC_GRAPH_EDGES);

struct gc_graph {
    struct gc_root_range range;
    gc_slot *named;
    uint32_t nodes;
};

static inline struct gc_graph_node **gc_graph_named(struct gc_graph *graph, uint32_t i)
{
    return (struct gc_graph_node **)(void *)&graph->named[i];
}

/* For setup(): makes trial->data a graph in which no name has a node yet. 0 or -ENOMEM. */
static inline int gc_graph_create(
        struct gc_mutator *m, struct gc_trial *trial, uint32_t nodes)
{
    struct gc_graph *graph = gc_os_alloc(sizeof(*graph));
    gc_slot *slots = gc_os_alloc(nodes * sizeof(*slots));
    if (graph == NULL || slots == NULL) {
        gc_os_free(graph);
        gc_os_free(slots);
        gc_trial_fail(trial, "there is no memory for the table of nodes");
        return -ENOMEM;
    }
    graph->named = slots;
    graph->nodes = nodes;
    gc_roots_add(m->heap, &graph->range, slots, nodes);
    trial->data = graph;
    return 0;
}

/* For report(), when nobody writes any more: a sum over the edges of all named nodes. */
static inline uint64_t gc_graph_checksum(struct gc_mutator *m, struct gc_graph *graph)
{
    struct {
        struct gc_frame frame;
        struct gc_graph_node *node, *target;
    } at;
    gc_enter(m, at);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < graph->nodes; i++) {
        gc_load_root(m, &at.node, gc_graph_named(graph, i));
        for (int e = 0; at.node != NULL && e < GC_GRAPH_EDGES; e++) {
            gc_load(m, &at.target, at.node, edge[e]);
            if (at.target != NULL)
                sum += gc_mix(at.node->key ^ gc_mix(at.target->key + e));
        }
        gc_safepoint(m);
    }
    gc_leave(m, at);
    return sum;
}

/* As a workload's finish(): drops all names, and the table. */
static inline void gc_graph_finish(struct gc_mutator *m, struct gc_trial *trial)
{
    struct gc_graph *graph = trial->data;
    for (uint32_t i = 0; i < graph->nodes; i++)
        gc_store_root_null(m, gc_graph_named(graph, i));
    gc_roots_remove(m->heap, &graph->range);
    gc_os_free(graph->named);
    gc_os_free(graph);
}

#endif
