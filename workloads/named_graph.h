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

/* Nodes that were met, by address, and in the order in which they were. */
struct gc_graph_met {
    struct gc_graph_node **place; /* hashed */
    struct gc_graph_node **node;
    size_t count, room; /* room: a power of two, at least twice as many */
    bool is_complete;   /* there was memory for all */
};

static inline size_t gc_graph_met_bytes(size_t room)
{
    return room * sizeof(struct gc_graph_node *);
}

static inline struct gc_graph_node **gc_graph_met_place(
        const struct gc_graph_met *met, struct gc_graph_node *node)
{
    size_t i = (size_t)gc_mix((uintptr_t)node) & (met->room - 1);
    while (met->place[i] != NULL && met->place[i] != node)
        i = (i + 1) & (met->room - 1);
    return &met->place[i];
}

static inline void gc_graph_met_finish(struct gc_graph_met *met)
{
    if (met->place != NULL) gc_os_unmap(met->place, gc_graph_met_bytes(met->room));
    if (met->node != NULL) gc_os_unmap(met->node, gc_graph_met_bytes(met->room));
}

/* Makes room for twice as many, in pages of its own: a model must not be what makes the
 * process grow. */
static inline bool gc_graph_met_grow(struct gc_graph_met *met)
{
    enum { LEAST = 1 << 16, PAGE = 4096 };
    struct gc_graph_met more = *met;
    more.room = met->room > 0 ? 2 * met->room : LEAST;
    more.place = gc_os_map(gc_graph_met_bytes(more.room), PAGE);
    more.node = gc_os_map(gc_graph_met_bytes(more.room), PAGE);
    bool made = more.place != NULL && more.node != NULL;
    if (made) {
        for (size_t i = 0; i < met->count; i++) {
            more.node[i] = met->node[i];
            *gc_graph_met_place(&more, more.node[i]) = more.node[i];
        }
        gc_graph_met_finish(met);
        *met = more;
    } else {
        gc_graph_met_finish(&more);
    }
    return made;
}

static inline void gc_graph_meet(struct gc_graph_met *met, struct gc_graph_node *node)
{
    if (node == NULL || !met->is_complete) return;
    if (2 * met->count >= met->room && !gc_graph_met_grow(met)) {
        met->is_complete = false;
        return;
    }
    struct gc_graph_node **place = gc_graph_met_place(met, node);
    if (*place != NULL) return;
    *place = node;
    met->node[met->count++] = node;
}

/* As a workload's expect(): the nodes that lead from names, by a walk of its own. All who
 * write wait, and there is no safepoint on the way: plain references will do. */
static inline void gc_graph_expect(
        struct gc_mutator *m, struct gc_trial *trial, struct gc_live *ret_live)
{
    struct gc_graph *graph = trial->data;
    struct gc_graph_met met = { .is_complete = true };
    for (uint32_t i = 0; i < graph->nodes; i++)
        gc_graph_meet(&met, *gc_graph_named(graph, i));
    for (size_t next = 0; next < met.count; next++) {
        struct gc_graph_node *node = met.node[next];
        for (int e = 0; e < GC_GRAPH_EDGES; e++)
            gc_graph_meet(&met, node->edge[e]);
    }
    if (!met.is_complete) gc_trial_fail(trial, "there is no memory for the model");
    gc_live_add(ret_live, m, &gc_graph_node_type, 0, 0, met.count);
    gc_graph_met_finish(&met);
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
