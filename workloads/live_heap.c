/* SPDX-License-Identifier: MIT */
/* live_heap.c - full collections of a live heap in which there is nothing to collect.
 *
 * The heap is rings of k nodes. Who holds them matters to collectors that walk lists:
 *   outside  global roots, which are in no list
 *   first    one array, made before the nodes
 *   last     one array, made after them: a scan in list order then meets every node before
 *            it knows that it is held
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

struct live_heap_options {
    int64_t nodes, k, holder, collections;
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
    uint64_t collections_before; /* what setup() needed */
};

static void build_ring(struct gc_mutator *m, gc_slot *root, int64_t k)
{
    struct {
        struct gc_frame frame;
        struct node *first, *last, *node;
    } at;
    gc_enter(m, at);
    bool made = gc_new(m, &at.first, &node_type);
    if (made) gc_set(m, &at.last, at.first);
    for (int64_t i = 1; i < k && made; i++) {
        made = gc_new(m, &at.node, &node_type);
        if (!made) break;
        gc_store_new(m, at.node, previous, at.last);
        gc_store_new(m, at.last, next, at.node);
        gc_move(m, &at.last, &at.node);
    }
    if (made) {
        gc_store_new(m, at.last, next, at.first);
        gc_store_new(m, at.first, previous, at.last);
        gc_store_root(m, (struct node **)(void *)root, at.first);
    }
    gc_leave(m, at);
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
    for (uint32_t i = 0; i < count; i++)
        build_ring(m, &rings[i], o->k);
    if (o->holder == HOLDER_LAST) make_holder(m, heap);
    if (o->holder != HOLDER_OUTSIDE) hand_over(m, heap);
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
    trial->planted_is_known = true;
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
