/* SPDX-License-Identifier: MIT */
/* native_graph.h - what graph is, whatever its heap; see native.h. The file that includes
 * it has the graph: how a reference is taken, stored and given up while others do the same.
 * On one thread its checksum is that of gclab.
 */
#ifndef BENCH_PEERS_NATIVE_GRAPH_H
#define BENCH_PEERS_NATIVE_GRAPH_H

#include "bench/peers/native.h"

enum { NODES, COUNT, REPLACE }; /* in native_workload.names */
enum { EDGES = 4 };

/* Makes the table of names; they are empty. Nobody else runs. */
static void graph_start(uint32_t nodes);

/* Names i a new node, with edges to EDGES random ones; an edge to no node is none. */
static void graph_replace(
        uint32_t nodes, struct gc_random *random, uint32_t i, uint64_t key);

/* Redirects a random edge of a random node to a random node, drawn in the order: the node,
 * the new target, the edge. */
static void graph_redirect(uint32_t nodes, struct gc_random *random);

/* The key of node i, and whether edge e leads to a node, whose key is then *ret_target.
 * Nobody else runs. */
static uint64_t graph_key(uint32_t i);
static bool graph_target_key(uint32_t i, int e, uint64_t *ret_target);

static void setup(const struct native_trial *trial)
{
    uint32_t nodes = (uint32_t)trial->numbers[NODES];
    graph_start(nodes);
    struct gc_random random = gc_random_stream(trial->seed, UINT32_MAX);
    for (uint32_t i = 0; i < nodes; i++)
        graph_replace(nodes, &random, i, i);
}

uint64_t native_run(const struct native_trial *trial, uint32_t thread)
{
    uint32_t nodes = (uint32_t)trial->numbers[NODES];
    struct gc_random random = gc_random_stream(trial->seed, thread);
    uint64_t first, end;
    native_share(trial, thread, trial->numbers[COUNT], &first, &end);
    for (uint64_t i = first; i < end; i++) {
        if (gc_random_below(&random, 100) < trial->numbers[REPLACE]) {
            uint32_t victim = gc_random_below(&random, nodes);
            graph_replace(nodes, &random, victim, gc_mix(i));
        } else {
            graph_redirect(nodes, &random);
        }
    }
    return 0;
}

static void report(const struct native_trial *trial, struct native_result *result)
{
    uint64_t target = 0;
    result->ops = trial->numbers[COUNT];
    for (uint32_t i = 0; i < trial->numbers[NODES]; i++)
        for (int e = 0; e < EDGES; e++)
            if (graph_target_key(i, e, &target))
                result->checksum += gc_mix(graph_key(i) ^ gc_mix(target + (uint64_t)e));
}

const struct native_workload native_workload = {
    .name = "graph",
    .names = { "nodes", "count", "replace" },
    .setup = setup,
    .report = report,
};

#endif
