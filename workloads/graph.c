/* SPDX-License-Identifier: MIT */
/* graph.c - one graph, shared and rewritten by all threads.
 *
 * Most operations redirect a random edge to a random node; some replace a named node by a
 * new one (named_graph.h). Who has lost its name keeps its edges, four of which lead to each
 * node that has: so most of all that there ever was can be reached, and the graph grows without
 * end. With `forget` it loses some of its edges as well: where less than one is left for each
 * node, what there is comes to an equilibrium.
 */
#include "workloads/named_graph.h"

struct graph_options {
    int64_t nodes;
    int64_t count;
    int64_t replace;
    int64_t forget;
};

static const struct gc_option options[] = {
    { .name = "nodes",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct graph_options, nodes),
            .min = 1,
            .max = 100000000,
            .standard = "200000",
            .doc = "named nodes" },
    { .name = "count",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct graph_options, count),
            .min = 1,
            .max = 1000000000000,
            .standard = "2000000",
            .doc = "operations of all threads together" },
    { .name = "replace",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct graph_options, replace),
            .min = 0,
            .max = 100,
            .standard = "10",
            .doc = "per cent of operations that replace a node" },
    { .name = "forget",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct graph_options, forget),
            .min = 0,
            .max = 100,
            .standard = "0",
            .doc = "per cent of a replaced node's edges that are cleared; above 75 the "
                   "graph "
                   "does not grow" },
    GC_OPTION_END,
};

/* Replaces node i by a new one with edges to random nodes, and clears some of its own. */
static bool replace(struct gc_mutator *m, struct gc_graph *graph,
        struct gc_random *random, uint32_t i, uint64_t key, int64_t forget)
{
    struct {
        struct gc_frame frame;
        struct gc_graph_node *self, *target, *old, *none;
    } at;
    gc_enter(m, at);
    if (forget > 0) gc_load_root_shared(m, &at.old, gc_graph_named(graph, i));
    bool made = gc_new(m, &at.self, &gc_graph_node_type);
    if (made) {
        at.self->key = key;
        for (int e = 0; e < GC_GRAPH_EDGES; e++) {
            uint32_t target = gc_random_below(random, graph->nodes);
            gc_load_root_shared(m, &at.target, gc_graph_named(graph, target));
            if (at.target != NULL) gc_store_new(m, at.self, edge[e], at.target);
        }
        gc_store_root_shared(m, gc_graph_named(graph, i), at.self);
        for (int e = 0; at.old != NULL && e < GC_GRAPH_EDGES; e++)
            if (gc_random_below(random, 100) < forget)
                gc_store_shared(m, at.old, edge[e], at.none);
    }
    gc_leave(m, at);
    return made;
}

static void redirect(
        struct gc_mutator *m, struct gc_graph *graph, struct gc_random *random)
{
    struct {
        struct gc_frame frame;
        struct gc_graph_node *from, *to;
    } at;
    gc_enter(m, at);
    gc_load_root_shared(
            m, &at.from, gc_graph_named(graph, gc_random_below(random, graph->nodes)));
    gc_load_root_shared(
            m, &at.to, gc_graph_named(graph, gc_random_below(random, graph->nodes)));
    uint32_t e = gc_random_below(random, GC_GRAPH_EDGES);
    gc_store_shared(m, at.from, edge[e], at.to);
    gc_leave(m, at);
}

static int setup(struct gc_mutator *m, struct gc_trial *trial)
{
    const struct graph_options *o = trial->options;
    int result = gc_graph_create(m, trial, (uint32_t)o->nodes);
    if (result != 0) return result;
    struct gc_graph *graph = trial->data;
    struct gc_random random = gc_random_stream(trial->seed, UINT32_MAX);
    for (uint32_t i = 0; i < graph->nodes; i++)
        if (!replace(m, graph, &random, i, i, 0)) break;
    return 0;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct graph_options *o = trial->options;
    struct gc_graph *graph = trial->data;
    struct gc_random random = gc_random_stream(trial->seed, thread);
    struct gc_trial_part part = { 0 };
    while (gc_trial_next_part(trial, m, thread, (uint64_t)o->count, &part)) {
        for (uint64_t i = part.first; i < part.end; i++) {
            if (gc_random_below(&random, 100) < o->replace) {
                uint32_t victim = gc_random_below(&random, graph->nodes);
                if (!replace(m, graph, &random, victim, gc_mix(i), o->forget)) break;
            } else {
                redirect(m, graph, &random);
            }
            if (i % 64 == 0) gc_safepoint(m); /* redirecting does not allocate */
        }
    }
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    const struct graph_options *o = trial->options;
    trial->checksum = gc_graph_checksum(m, trial->data);
    trial->ops = (uint64_t)o->count * (trial->weak_scaling ? trial->threads : 1);
}

GC_WORKLOAD(graph) = {
    GC_WORKLOAD_HEADER(graph),
    .summary = "one graph of degree four, shared and rewritten by all threads",
    .card = "live: the named nodes and what they still reach; one operation in ten "
            "allocates; "
            "garbage in random components, cyclic and not",
    .unit = "operations",
    .race_free = false,
    .drops_cycles = true,
    .options = options,
    .options_size = sizeof(struct graph_options),
    .setup = setup,
    .run = run,
    .expect = gc_graph_expect,
    .report = report,
    .finish = gc_graph_finish,
};
