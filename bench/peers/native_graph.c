/* SPDX-License-Identifier: MIT */
/* native_graph.c - the work of workloads/graph.c. On one thread its checksum is the same.
 *
 * How a reference is taken, stored and given up while others do the same differs with the
 * heap, and so does what a node holds for that: NATIVE_GRAPH_HEADER.
 */
#include "bench/peers/native.h"

enum { EDGES = 4 };

#include NATIVE_GRAPH_HEADER

enum { NODES, COUNT, REPLACE };

static void replace(uint32_t nodes, struct gc_random *random, uint32_t i, uint64_t key)
{
    struct node *self = graph_new_node(key);
    for (int e = 0; e < EDGES; e++) {
        struct node *target = graph_take(gc_random_below(random, nodes));
        if (target != NULL) graph_init_edge(self, e, target);
    }
    graph_name(i, self);
}

static void redirect(uint32_t nodes, struct gc_random *random)
{
    uint32_t from = gc_random_below(random, nodes);
    struct node *to = graph_take(gc_random_below(random, nodes));
    graph_redirect(from, gc_random_below(random, EDGES), to);
}

static void setup(const struct native_trial *trial)
{
    uint32_t nodes = (uint32_t)trial->numbers[NODES];
    graph_start(nodes);
    struct gc_random random = gc_random_stream(trial->seed, UINT32_MAX);
    for (uint32_t i = 0; i < nodes; i++)
        replace(nodes, &random, i, i);
}

static uint64_t run(const struct native_trial *trial, uint32_t thread)
{
    uint32_t nodes = (uint32_t)trial->numbers[NODES];
    struct gc_random random = gc_random_stream(trial->seed, thread);
    uint64_t first, end;
    native_share(trial, thread, trial->numbers[COUNT], &first, &end);
    for (uint64_t i = first; i < end; i++) {
        if (gc_random_below(&random, 100) < trial->numbers[REPLACE])
            replace(nodes, &random, gc_random_below(&random, nodes), gc_mix(i));
        else
            redirect(nodes, &random);
    }
    return 0;
}

static void report(const struct native_trial *trial, struct native_result *result)
{
    result->ops = trial->numbers[COUNT];
    for (uint32_t i = 0; i < trial->numbers[NODES]; i++) {
        for (int e = 0; e < EDGES; e++) {
            const struct node *target = graph_target(i, e);
            if (target != NULL)
                result->checksum +=
                        gc_mix(graph_node(i)->key ^ gc_mix(target->key + (uint64_t)e));
        }
    }
}

const struct native_workload native_workload = {
    .name = "graph",
    .names = { "nodes", "count", "replace" },
    .setup = setup,
    .run = run,
    .report = report,
};
