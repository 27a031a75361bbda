/* SPDX-License-Identifier: MIT */
/* random_graph.c - a torture for cycle collectors, after the random graphs of Bacon and
 * Rajan [BR01]: nodes whose neighbours are near, by a normal distribution, rewired and
 * replaced by all threads.
 *
 * The names of the nodes (named_graph.h) form a ring of places, and all edges lead to places
 * N(0, sigma) away, three deviations at most. An operation leads a random edge to another
 * neighbour; or it puts new nodes into a number of places side by side, and leads the edges
 * that come from around them to those. What was replaced is then a random graph of its own,
 * with edges into what lives: tangles of all sizes, cyclic, and what hangs on them.
 *
 * So as many nodes live as have names, and all that one thread replaces is garbage at once.
 * Where threads meet, an edge may be led to a node that has just lost its name, and holds what
 * that one reaches until somebody replaces nodes nearby.
 */
#include "workloads/named_graph.h"

struct random_graph_options {
    int64_t nodes, count, sigma, replace, group;
};

#define OPTION(member) .offset = offsetof(struct random_graph_options, member)

static const struct gc_option options[] = {
    { .name = "nodes",
            .kind = GC_OPTION_INT,
            OPTION(nodes),
            .min = 1,
            .max = 100000000,
            .standard = "100000",
            .doc = "named nodes" },
    { .name = "count",
            .kind = GC_OPTION_INT,
            OPTION(count),
            .min = 1,
            .max = 1000000000,
            .standard = "2000000",
            .doc = "operations of all threads together" },
    { .name = "sigma",
            .kind = GC_OPTION_INT,
            OPTION(sigma),
            .min = 0,
            .max = 1000000,
            .standard = "8",
            .doc = "standard deviation of the distance between neighbours" },
    { .name = "replace",
            .kind = GC_OPTION_INT,
            OPTION(replace),
            .min = 0,
            .max = 100,
            .standard = "5",
            .doc = "per cent of operations that replace nodes; the others rewire one" },
    { .name = "group",
            .kind = GC_OPTION_INT,
            OPTION(group),
            .min = 1,
            .max = 1000000,
            .standard = "32",
            .doc = "nodes side by side that are replaced at once" },
    GC_OPTION_END,
};

enum { DEVIATIONS = 3 };

/* A node's key holds its place. */
static uint64_t key_of(uint64_t number, uint32_t place)
{
    return number << 32 | place;
}

static uint32_t place_of(const struct gc_graph_node *node)
{
    return (uint32_t)node->key;
}

/* The place `distance` (less than a round) away. */
static uint32_t place_at(const struct gc_graph *graph, uint32_t place, int64_t distance)
{
    int64_t at = ((int64_t)place + distance) % graph->nodes;
    return (uint32_t)(at < 0 ? at + graph->nodes : at);
}

static uint32_t neighbour(
        const struct gc_trial *trial, struct gc_random *random, uint32_t place)
{
    const struct random_graph_options *o = trial->options;
    int64_t distance, most = DEVIATIONS * o->sigma;
    do {
        distance = gc_random_gauss(random, (uint32_t)o->sigma);
    } while (distance < -most || distance > most);
    return place_at(trial->data, place, distance);
}

/* Leads edge e of the node that is now at `place` to that at `to`. */
static void redirect(
        struct gc_mutator *m, struct gc_graph *graph, uint32_t place, int e, uint32_t to)
{
    struct {
        struct gc_frame frame;
        struct gc_graph_node *from, *to;
    } at;
    gc_enter(m, at);
    gc_load_root_shared(m, &at.from, gc_graph_named(graph, place));
    gc_load_root_shared(m, &at.to, gc_graph_named(graph, to));
    gc_store_shared(m, at.from, edge[e], at.to);
    gc_leave(m, at);
}

/* Leads the edges of a node that go to replaced ones to those that replace them. */
static void mend(struct gc_mutator *m, struct gc_graph *graph, uint32_t place)
{
    struct {
        struct gc_frame frame;
        struct gc_graph_node *from, *to, *now;
    } at;
    gc_enter(m, at);
    gc_load_root_shared(m, &at.from, gc_graph_named(graph, place));
    for (int e = 0; e < GC_GRAPH_EDGES; e++) {
        gc_load_shared(m, &at.to, at.from, edge[e]);
        if (at.to == NULL) continue; /* it is just being made */
        gc_load_root_shared(m, &at.now, gc_graph_named(graph, place_of(at.to)));
        if (at.to != at.now) gc_store_shared(m, at.from, edge[e], at.now);
    }
    gc_leave(m, at);
}

/* Puts new nodes into n places from the first one on. */
static bool replace(struct gc_mutator *m, struct gc_trial *trial,
        struct gc_random *random, uint32_t first, uint32_t n, uint64_t number)
{
    struct gc_graph *graph = trial->data;
    const struct random_graph_options *o = trial->options;
    struct {
        struct gc_frame frame;
        struct gc_graph_node *self;
    } at;
    gc_enter(m, at);
    bool made = true;
    for (uint32_t i = 0; i < n && made; i++) {
        uint32_t place = place_at(graph, first, i);
        made = gc_new(m, &at.self, &gc_graph_node_type);
        if (!made) break;
        at.self->key = key_of(number, place);
        gc_store_root_shared(m, gc_graph_named(graph, place), at.self);
    }
    gc_leave(m, at);
    for (uint32_t i = 0; i < n && made; i++) {
        uint32_t place = place_at(graph, first, i);
        for (int e = 0; e < GC_GRAPH_EDGES; e++)
            redirect(m, graph, place, e, neighbour(trial, random, place));
        gc_safepoint(m);
    }
    /* Whoever may have an edge to what was there. */
    int64_t around = INT64_C(2) * DEVIATIONS * o->sigma;
    if (around > graph->nodes - n) around = graph->nodes - n;
    for (int64_t i = 0; i < around && made; i++) {
        mend(m, graph, place_at(graph, first, i % 2 == 0 ? n + i / 2 : -1 - i / 2));
        gc_safepoint(m);
    }
    return made;
}

static int setup(struct gc_mutator *m, struct gc_trial *trial)
{
    const struct random_graph_options *o = trial->options;
    uint32_t nodes = (uint32_t)o->nodes;
    int result = gc_graph_create(m, trial, nodes);
    struct gc_random random = gc_random_stream(trial->seed, UINT32_MAX);
    if (result == 0) replace(m, trial, &random, 0, nodes, 0);
    return result;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct random_graph_options *o = trial->options;
    struct gc_graph *graph = trial->data;
    struct gc_random random = gc_random_stream(trial->seed, thread);
    uint32_t group = (uint32_t)(o->group < o->nodes ? o->group : o->nodes);
    struct gc_trial_part part = { 0 };
    while (gc_trial_next_part(trial, m, thread, (uint64_t)o->count, &part)) {
        for (uint64_t k = part.first; k < part.end; k++) {
            uint32_t place = gc_random_below(&random, graph->nodes);
            if (gc_random_below(&random, 100) < o->replace) {
                if (!replace(m, trial, &random, place, group, k + 1)) break;
            } else {
                int e = (int)gc_random_below(&random, GC_GRAPH_EDGES);
                redirect(m, graph, place, e, neighbour(trial, &random, place));
            }
            if (k % 64 == 0) gc_safepoint(m);
        }
    }
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    const struct random_graph_options *o = trial->options;
    trial->checksum = gc_graph_checksum(m, trial->data);
    trial->ops = (uint64_t)o->count * (trial->weak_scaling ? trial->threads : 1);
}

GC_WORKLOAD(random_graph) = {
    GC_WORKLOAD_HEADER(random_graph),
    .summary = "a random graph of near neighbours, torn at by all threads",
    .card = "live: the named nodes; replace * group / 100 objects an operation are "
            "allocated; "
            "garbage: tangles of all sizes, cyclic, and what hangs on them",
    .unit = "operations",
    .race_free = false,
    .drops_cycles = true,
    .options = options,
    .options_size = sizeof(struct random_graph_options),
    .setup = setup,
    .run = run,
    .expect = gc_graph_expect,
    .report = report,
    .finish = gc_graph_finish,
};
