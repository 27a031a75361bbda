/* SPDX-License-Identifier: MIT */
/* live_heap.c - full collections of a live heap in which there is nothing to collect.
 *
 * The heap is rings of k nodes. Who holds them matters to collectors that walk lists:
 *   outside  global roots, which are in no list
 *   first    one array, made before the nodes
 *   last     one array, made after them: a scan in list order then meets every node before
 *            it knows that it is held
 * And how list, references and addresses lie to each other:
 *   fresh      all in one order: neighbours in a ring are neighbours in memory
 *   scrambled  each node was made anew, in the place of one that was let go, in an order
 *              that is random: so is that of a collector's lists, where counts free at once
 *   random     the nodes of a ring lie anywhere; lists are in the order of addresses
 * It is built with automatic collection off, and collected once before the clock starts,
 * so that what a first collection does to the heap is done.
 */
#include <errno.h>

#include "core/os.h"
#include "workloads/workload.h"

struct node {
    struct gc_object header;
    struct node *next, *previous;
    int64_t key;
};

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);
static const struct gc_type holder_type = GC_ARRAY_TYPE("holder", .flags = GC_TYPE_ARRAY);

enum holder { HOLDER_OUTSIDE, HOLDER_FIRST, HOLDER_LAST };
enum shape { SHAPE_FRESH, SHAPE_SCRAMBLED, SHAPE_RANDOM };

struct live_heap_options {
    int64_t nodes, k, holder, shape, collections;
};

#define OPTION(member) .offset = offsetof(struct live_heap_options, member)

static const struct gc_option options[] = {
    { .name = "nodes",
            .kind = GC_OPTION_INT,
            OPTION(nodes),
            .min = 1,
            .max = 1000000000,
            .standard = "1000000",
            .doc = "live nodes, rounded down to whole rings" },
    { .name = "k",
            .kind = GC_OPTION_INT,
            OPTION(k),
            .min = 1,
            .max = 1000000000,
            .standard = "1000",
            .doc = "nodes of a ring" },
    { .name = "holder",
            .kind = GC_OPTION_CHOICE,
            OPTION(holder),
            .choices = "outside|first|last",
            .standard = "outside",
            .doc = "what holds the rings: global roots, or an array made first or last" },
    { .name = "shape",
            .kind = GC_OPTION_CHOICE,
            OPTION(shape),
            .choices = "fresh|scrambled|random",
            .standard = "fresh",
            .doc = "lists and references in the order of addresses; lists at random; "
                   "references at random" },
    { .name = "collections",
            .kind = GC_OPTION_INT,
            OPTION(collections),
            .min = 1,
            .max = 1000000,
            .standard = "5",
            .doc = "full collections that are measured" },
    GC_OPTION_END,
};

struct live_heap {
    struct gc_root_range rings_range, holder_range;
    gc_slot *rings; /* one a ring; NULL where the array holds them */
    gc_slot holder;
    uint32_t count;
    uint64_t made_again;         /* nodes whose predecessors were let go */
    uint64_t collections_before; /* what setup() needed */
};

/* The nodes while the heap is built: slot i of it is to be the i-th in its ring. */
struct nodes {
    struct gc_root_range range;
    gc_slot *slots;
    uint32_t count;
};

static struct node **node_slot(const struct nodes *nodes, uint32_t i)
{
    return (struct node **)(void *)&nodes->slots[i];
}

static bool make_node(struct gc_mutator *m, const struct nodes *nodes, uint32_t i)
{
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(m, at);
    bool made = gc_new(m, &at.node, &node_type);
    if (made) gc_store_root(m, node_slot(nodes, i), at.node);
    gc_leave(m, at);
    return made;
}

/* Each node once, in a random order: lets it go, and makes another. While there is no free
 * cell but its own, the new one gets that. */
static bool make_again(
        struct gc_mutator *m, const struct nodes *nodes, struct gc_random *r)
{
    uint32_t *order = gc_os_alloc(nodes->count * sizeof(*order));
    bool made = order != NULL;
    for (uint32_t i = 0; i < nodes->count && made; i++)
        order[i] = i;
    for (uint32_t i = nodes->count; i > 1 && made; i--) {
        uint32_t j = gc_random_below(r, i), last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
    for (uint32_t i = 0; i < nodes->count && made; i++) {
        gc_store_root_null(m, node_slot(nodes, order[i]));
        made = make_node(m, nodes, order[i]);
    }
    gc_os_free(order);
    return made;
}

static void exchange_roots(
        struct gc_mutator *m, const struct nodes *nodes, uint32_t i, uint32_t j)
{
    struct {
        struct gc_frame frame;
        struct node *a, *b;
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.a, node_slot(nodes, i));
    gc_load_root(m, &at.b, node_slot(nodes, j));
    gc_store_root(m, node_slot(nodes, i), at.b);
    gc_store_root(m, node_slot(nodes, j), at.a);
    gc_leave(m, at);
}

static bool make_nodes(struct gc_mutator *m, const struct nodes *nodes, enum shape shape,
        struct gc_random *random)
{
    for (uint32_t i = 0; i < nodes->count; i++)
        if (!make_node(m, nodes, i)) return false;
    if (shape == SHAPE_SCRAMBLED) return make_again(m, nodes, random);
    for (uint32_t i = nodes->count; i > 1 && shape == SHAPE_RANDOM; i--)
        exchange_roots(m, nodes, gc_random_below(random, i), i - 1);
    return true;
}

/* Links nodes first .. first + k - 1 to a ring, which the root holds. */
static void link_ring(struct gc_mutator *m, const struct nodes *nodes, uint32_t first,
        uint32_t k, gc_slot *root)
{
    struct {
        struct gc_frame frame;
        struct node *node, *next;
    } at;
    gc_enter(m, at);
    for (uint32_t i = 0; i < k; i++) {
        gc_load_root(m, &at.node, node_slot(nodes, first + i));
        gc_load_root(m, &at.next, node_slot(nodes, first + (i + 1) % k));
        gc_store_new(m, at.node, next, at.next);
        gc_store_new(m, at.next, previous, at.node);
        if (i == 0) gc_store_root(m, (struct node **)(void *)root, at.node);
    }
    gc_leave(m, at);
}

static bool build_rings(
        struct gc_mutator *m, struct gc_trial *trial, gc_slot *rings, uint32_t count)
{
    const struct live_heap_options *o = trial->options;
    struct nodes nodes = { .count = count * (uint32_t)o->k };
    struct gc_random random = gc_random_stream(trial->seed, 0);
    nodes.slots = gc_os_alloc(nodes.count * sizeof(*nodes.slots));
    if (nodes.slots == NULL) return false;
    gc_roots_add(m->heap, &nodes.range, nodes.slots, nodes.count);
    bool made = make_nodes(m, &nodes, (enum shape)o->shape, &random);
    for (uint32_t i = 0; i < count && made; i++)
        link_ring(m, &nodes, i * (uint32_t)o->k, (uint32_t)o->k, &rings[i]);
    for (uint32_t i = 0; i < nodes.count; i++)
        gc_store_root_null(m, node_slot(&nodes, i));
    gc_roots_remove(m->heap, &nodes.range);
    gc_os_free(nodes.slots);
    return made;
}

static void make_holder(struct gc_mutator *m, struct live_heap *heap)
{
    struct {
        struct gc_frame frame;
        struct gc_array *holder;
    } at;
    gc_enter(m, at);
    if (gc_new_array(m, &at.holder, &holder_type, heap->count, 0))
        gc_store_root(m, (struct gc_array **)(void *)&heap->holder, at.holder);
    gc_leave(m, at);
}

/* Moves the rings from the roots into the array. */
static void hand_over(struct gc_mutator *m, struct live_heap *heap)
{
    struct {
        struct gc_frame frame;
        struct gc_array *holder;
        struct node *ring;
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.holder, (struct gc_array **)(void *)&heap->holder);
    for (uint32_t i = 0; at.holder != NULL && i < heap->count; i++) {
        gc_load_root(m, &at.ring, (struct node **)(void *)&heap->rings[i]);
        gc_store_new(m, at.holder, slot[i], at.ring);
        gc_store_root_null(m, &heap->rings[i]);
    }
    gc_leave(m, at);
}

static void finish(struct gc_mutator *m, struct gc_trial *trial)
{
    struct live_heap *heap = trial->data;
    for (uint32_t i = 0; i < heap->count; i++)
        gc_store_root_null(m, &heap->rings[i]);
    gc_store_root_null(m, &heap->holder);
    gc_roots_remove(m->heap, &heap->rings_range);
    gc_roots_remove(m->heap, &heap->holder_range);
    gc_os_free(heap->rings);
    gc_os_free(heap);
}

static int setup(struct gc_mutator *m, struct gc_trial *trial)
{
    const struct live_heap_options *o = trial->options;
    struct live_heap *heap = gc_os_alloc(sizeof(*heap));
    uint32_t count = (uint32_t)(o->nodes / o->k > 0 ? o->nodes / o->k : 1);
    gc_slot *rings = gc_os_alloc(count * sizeof(*rings));
    if (heap == NULL || rings == NULL) {
        gc_os_free(heap);
        gc_os_free(rings);
        gc_trial_fail(trial, "there is no memory for the table of rings");
        return -ENOMEM;
    }
    heap->rings = rings;
    heap->count = count;
    gc_roots_add(m->heap, &heap->rings_range, rings, count);
    gc_roots_add(m->heap, &heap->holder_range, &heap->holder, 1);
    trial->data = heap;
    gc_disable(m);
    if (o->holder == HOLDER_FIRST) make_holder(m, heap);
    if (!build_rings(m, trial, rings, count)) {
        gc_trial_fail(trial, "there is no memory for the nodes");
        finish(m, trial);
        return -ENOMEM;
    }
    if (o->holder == HOLDER_LAST) make_holder(m, heap);
    if (o->holder != HOLDER_OUTSIDE) hand_over(m, heap);
    if (o->shape == SHAPE_SCRAMBLED) heap->made_again = count * (uint64_t)o->k;
    gc_enable(m);
    gc_collect(m, GC_GENERATIONS - 1);
    heap->collections_before = gc_atomic_load_relaxed(&m->heap->collections);
    return 0;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct live_heap_options *o = trial->options;
    uint64_t first, end;
    gc_trial_share_fixed(trial, thread, (uint64_t)o->collections, &first, &end);
    for (uint64_t i = first; i < end; i++)
        if (gc_collect(m, GC_GENERATIONS - 1) != 0)
            gc_trial_fail(trial, "a collection found garbage where there is none");
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    const struct live_heap *heap = trial->data;
    const struct live_heap_options *o = trial->options;
    /* Of those that several threads ask for at a time only one is made; a collector that
     * makes none at all has answered all the same. */
    uint64_t made =
            gc_atomic_load_relaxed(&m->heap->collections) - heap->collections_before;
    trial->ops = made > 0 ? made : (uint64_t)o->collections;
    trial->checksum = gc_mix(heap->count);
    trial->planted = heap->made_again;
    trial->planted_is_known = true;
}

GC_WORKLOAD(live_heap) = {
    GC_WORKLOAD_HEADER(live_heap),
    .summary = "full collections of live rings, with nothing to collect",
    .card = "live: `nodes` nodes in rings; allocates nothing while it is measured",
    .unit = "collections",
    .race_free = true,
    .options = options,
    .options_size = sizeof(struct live_heap_options),
    .setup = setup,
    .run = run,
    .report = report,
    .finish = finish,
};
