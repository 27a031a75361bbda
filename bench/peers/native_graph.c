/* SPDX-License-Identifier: MIT */
/* native_graph.c - the work of workloads/graph.c. How a reference is taken, stored and given
 * up differs with the heap, and so does what a node holds for that: NATIVE_GRAPH_HEADER.
 */
#include "bench/peers/native_graph.h"

#include NATIVE_GRAPH_HEADER

static void graph_replace(
        uint32_t nodes, struct gc_random *random, uint32_t i, uint64_t key)
{
    struct node *self = graph_new_node(key);
    for (int e = 0; e < EDGES; e++) {
        struct node *target = graph_take(gc_random_below(random, nodes));
        if (target != NULL) graph_init_edge(self, e, target);
    }
    graph_name(i, self);
}

static void graph_redirect(uint32_t nodes, struct gc_random *random)
{
    uint32_t from = gc_random_below(random, nodes);
    struct node *to = graph_take(gc_random_below(random, nodes));
    graph_set_edge(from, gc_random_below(random, EDGES), to);
}

static uint64_t graph_key(uint32_t i)
{
    return graph_node(i)->key;
}

static bool graph_target_key(uint32_t i, int e, uint64_t *ret_target)
{
    const struct node *target = graph_target(i, e);
    if (target != NULL) *ret_target = target->key;
    return target != NULL;
}
