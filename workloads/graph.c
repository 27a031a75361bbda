/* SPDX-License-Identifier: MIT */
/* graph.c - one graph, shared and rewritten by all threads.
 *
 * Global roots name the nodes; each node has four edges. Most operations redirect a
 * random edge to a random node; some replace a named node by a new one, so that the old
 * one lives only as long as edges lead to it. All accesses race. What is garbage in the
 * end is not known beforehand: the harness traces from the roots.
 */
#include <errno.h>

#include "core/os.h"
#include "workloads/workload.h"

enum { EDGES = 4 };

struct node {
    struct gc_object header;
    struct node *edge[EDGES];
    uint64_t key;
};

static const struct gc_type node_type = GC_TYPE(struct node, .slots = EDGES);

struct graph_options {
    int64_t nodes;
    int64_t count;
    int64_t replace;
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
            .max = 1000000000,
            .standard = "2000000",
            .doc = "operations of all threads together" },
    { .name = "replace",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct graph_options, replace),
            .min = 0,
            .max = 100,
            .standard = "10",
            .doc = "per cent of operations that replace a node" },
    GC_OPTION_END,
};

struct graph {
    struct gc_root_range range;
    gc_slot *named;
    uint32_t nodes;
};

static struct node **named(struct graph *graph, uint32_t i)
{
    return (struct node **)(void *)&graph->named[i];
}

/* Replaces node i by a new one with edges to random nodes. */
static bool replace(struct gc_mutator *m, struct graph *graph, struct gc_random *random,
        uint32_t i, uint64_t key)
{
    struct {
        struct gc_frame frame;
        struct node *self, *target;
    } at;
    gc_enter(m, at);
    bool made = gc_new(m, &at.self, &node_type);
    if (made) {
        at.self->key = key;
        for (int e = 0; e < EDGES; e++) {
            gc_load_root_shared(
                    m, &at.target, named(graph, gc_random_below(random, graph->nodes)));
            if (at.target != NULL) gc_store_new(m, at.self, edge[e], at.target);
        }
        gc_store_root_shared(m, named(graph, i), at.self);
    }
    gc_leave(m, at);
    return made;
}

static void redirect(struct gc_mutator *m, struct graph *graph, struct gc_random *random)
{
    struct {
        struct gc_frame frame;
        struct node *from, *to;
    } at;
    gc_enter(m, at);
    gc_load_root_shared(m, &at.from, named(graph, gc_random_below(random, graph->nodes)));
    gc_load_root_shared(m, &at.to, named(graph, gc_random_below(random, graph->nodes)));
    uint32_t e = gc_random_below(random, EDGES);
    gc_store_shared(m, at.from, edge[e], at.to);
    gc_leave(m, at);
}

static int setup(struct gc_mutator *m, struct gc_trial *trial)
{
    const struct graph_options *o = trial->options;
    struct graph *graph = gc_os_alloc(sizeof(*graph));
    gc_slot *slots = gc_os_alloc((size_t)o->nodes * sizeof(*slots));
    if (graph == NULL || slots == NULL) {
        gc_os_free(graph);
        gc_os_free(slots);
        gc_trial_fail(trial, "there is no memory for the table of nodes");
        return -ENOMEM;
    }
    graph->named = slots;
    graph->nodes = (uint32_t)o->nodes;
    gc_roots_add(m->heap, &graph->range, slots, (size_t)o->nodes);
    trial->data = graph;
    struct gc_random random = gc_random_stream(trial->seed, UINT32_MAX);
    for (uint32_t i = 0; i < graph->nodes; i++)
        if (!replace(m, graph, &random, i, i)) break;
    return 0;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct graph_options *o = trial->options;
    struct graph *graph = trial->data;
    struct gc_random random = gc_random_stream(trial->seed, thread);
    uint64_t first, end;
    gc_trial_share(trial, thread, (uint64_t)o->count, &first, &end);
    for (uint64_t i = first; i < end; i++) {
        if (gc_random_below(&random, 100) < o->replace) {
            uint32_t victim = gc_random_below(&random, graph->nodes);
            if (!replace(m, graph, &random, victim, gc_mix(i))) break;
        } else {
            redirect(m, graph, &random);
        }
        if (i % 64 == 0) gc_safepoint(m); /* redirecting does not allocate */
    }
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    const struct graph_options *o = trial->options;
    struct graph *graph = trial->data;
    struct {
        struct gc_frame frame;
        struct node *node, *target;
    } at;
    gc_enter(m, at);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < graph->nodes; i++) {
        gc_load_root(m, &at.node, named(graph, i));
        for (int e = 0; at.node != NULL && e < EDGES; e++) {
            gc_load(m, &at.target, at.node, edge[e]);
            if (at.target != NULL)
                sum += gc_mix(at.node->key ^ gc_mix(at.target->key + e));
        }
    }
    gc_leave(m, at);
    trial->checksum = sum;
    trial->ops = (uint64_t)o->count * (trial->weak_scaling ? trial->threads : 1);
}

static void finish(struct gc_mutator *m, struct gc_trial *trial)
{
    struct graph *graph = trial->data;
    for (uint32_t i = 0; i < graph->nodes; i++)
        gc_store_root_null(m, named(graph, i));
    gc_roots_remove(m->heap, &graph->range);
    gc_os_free(graph->named);
    gc_os_free(graph);
}

GC_WORKLOAD(graph) = {
    GC_WORKLOAD_HEADER(graph),
    .summary = "one graph of degree four, shared and rewritten by all threads",
    .card = "live: the named nodes and what they still reach; one operation in ten "
            "allocates; "
            "garbage in random components, cyclic and not",
    .unit = "operations",
    .race_free = false,
    .options = options,
    .options_size = sizeof(struct graph_options),
    .setup = setup,
    .run = run,
    .report = report,
    .finish = finish,
};
