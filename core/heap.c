/* SPDX-License-Identifier: MIT */
/* heap.c - making and ending a heap, charging its memory, walking its objects. */
#include "core/heap.h"

#include <errno.h>
#include <string.h>

#include "core/collector.h"
#include "core/grace.h"
#include "core/os.h"
#include "core/plugin.h"

_Atomic(struct gc_heap *) gc_heaps[GC_HEAPS_KNOWN];

/* Puts `heap` in the place of `known`, if there is one. */
static void make_known(struct gc_heap *known, struct gc_heap *heap)
{
    for (int i = 0; i < GC_HEAPS_KNOWN; i++) {
        struct gc_heap *expected = known;
        if (gc_atomic_compare_exchange_relaxed(&gc_heaps[i], &expected, heap)) return;
    }
}

/* Refuses what can't work, with the reason. */
static int check_combination(const struct gc_collector *collector,
        const struct gc_protocol *protocol, struct gc_error *error)
{
    if (collector->abi_version != GC_ABI_VERSION ||
            collector->mutator_size != sizeof(struct gc_mutator) ||
            collector->heap_size != sizeof(struct gc_heap) ||
            collector->check_level != GC_CHECK) {
        return gc_error_set(error, -EINVAL,
                "collector %s was built for another gclab (its ABI %u at check level %u, "
                "this one has %u at %u): rebuild it",
                collector->name, collector->abi_version, collector->check_level,
                GC_ABI_VERSION, GC_CHECK);
    }
    if (!gc_collector_takes(collector, protocol)) {
        return gc_error_set(error, -EINVAL, "collector %s does not work over protocol %s",
                collector->name, protocol->name);
    }
    if ((collector->capabilities & GC_CAP_COUNTS) != 0 &&
            (protocol->flags & GC_PROTOCOL_COUNTED) == 0) {
        return gc_error_set(error, -EINVAL,
                "collector %s promises exact counts, but protocol %s keeps none",
                collector->name, protocol->name);
    }
    if (collector->prefix_bytes > GC_PREFIX_MAX ||
            collector->prefix_bytes % GC_GRANULE != 0) {
        return gc_error_set(error, -EINVAL,
                "collector %s asks for a prefix of %u bytes, which is no multiple of %d "
                "up "
                "to %d",
                collector->name, collector->prefix_bytes, GC_GRANULE, GC_PREFIX_MAX);
    }
    if (collector->side_bits_log > 4) {
        return gc_error_set(error, -EINVAL,
                "collector %s asks for more than 8 side bits a granule", collector->name);
    }
    if (collector->birth == GC_BIRTH_LINK &&
            collector->prefix_bytes < sizeof(struct gc_links)) {
        return gc_error_set(error, -EINVAL,
                "collector %s asks for lists without the prefix that they need",
                collector->name);
    }
    return 0;
}

static void init_locks(struct gc_heap *heap)
{
    gc_lock_init(&heap->registry_lock, GC_RANK_REGISTRY);
    gc_lock_init(&heap->coordinator, GC_RANK_COORDINATOR);
    gc_lock_init(&heap->blocks_lock, GC_RANK_BLOCKS);
    gc_lock_init(&heap->weak_lock, GC_RANK_WEAK);
    gc_condition_init(&heap->parked);
    gc_condition_init(&heap->resumed);
    gc_condition_init(&heap->collected);
    gc_condition_init(&heap->limbo_filled);
    gc_worker_init(heap);
    gc_pace_init(heap);
}

static void finish_locks(struct gc_heap *heap)
{
    gc_pace_finish(heap);
    gc_worker_finish(heap);
    gc_condition_finish(&heap->limbo_filled);
    gc_condition_finish(&heap->collected);
    gc_condition_finish(&heap->resumed);
    gc_condition_finish(&heap->parked);
    gc_lock_finish(&heap->weak_lock);
    gc_lock_finish(&heap->blocks_lock);
    gc_lock_finish(&heap->coordinator);
    gc_lock_finish(&heap->registry_lock);
}

static void lay_out_regions(struct gc_heap *heap)
{
    size_t header = (sizeof(struct gc_region) + 63) & ~(size_t)63;
    heap->side_offset = (uint32_t)header;
    uint32_t log = heap->collector->side_bits_log;
    if (log > 0) header += (GC_REGION_BYTES / GC_GRANULE / 8) << (log - 1);
    heap->first_block = (uint32_t)((header + GC_BLOCK_BYTES - 1) >> GC_BLOCK_SHIFT);
}

static int start_collector(
        struct gc_heap *heap, const struct gc_heap_config *config, struct gc_error *error)
{
    const struct gc_collector *collector = heap->collector;
    size_t size = collector->options_size > 0 ? collector->options_size : 1;
    heap->collector_options = gc_os_alloc(size);
    if (heap->collector_options == NULL)
        return gc_error_set(error, -ENOMEM, "there is no memory for a heap");
    int result = gc_options_parse(collector->options, collector->name, config->options,
            heap->collector_options, error);
    if (result == 0 && collector->start != NULL) result = collector->start(heap, error);
    return result;
}

int gc_heap_create(const struct gc_heap_config *config, struct gc_heap **ret_heap,
        struct gc_error *error)
{
    const struct gc_collector *collector = config->collector;
    const struct gc_protocol *protocol = config->protocol;
    if (protocol == NULL) protocol = gc_protocol_find(collector->protocols[0]);
    if (protocol == NULL) {
        return gc_error_set(error, -EINVAL,
                "collector %s works over protocol %s, which is "
                "not here",
                collector->name, collector->protocols[0]);
    }
    int result = check_combination(collector, protocol, error);
    if (result != 0) return result;
    struct gc_heap *heap = gc_os_alloc(sizeof(*heap));
    if (heap == NULL)
        return gc_error_set(error, -ENOMEM, "there is no memory for a heap");
    heap->collector = collector;
    heap->protocol = protocol;
    gc_heap_set_limit(heap, config->limit_bytes);
    heap->type_stable = (protocol->flags & GC_PROTOCOL_RACES) != 0;
    heap->on_exhausted = config->on_exhausted;
    heap->on_callback_error = config->on_callback_error;
    heap->hook_argument = config->hook_argument;
    init_locks(heap);
    lay_out_regions(heap);
    if (collector->sweeps) result = gc_sweep_start(heap);
    if (result == 0 && protocol->start != NULL) result = protocol->start(heap);
    if (result != 0) {
        gc_error_set(error, result, "there is no memory for a heap");
    } else {
        result = start_collector(heap, config, error);
        if (result != 0 && protocol->finish != NULL) protocol->finish(heap);
    }
    if (result != 0) {
        gc_sweep_finish(heap);
        gc_os_free(heap->collector_options);
        finish_locks(heap);
        gc_os_free(heap);
        return result;
    }
    make_known(NULL, heap);
    *ret_heap = heap;
    return 0;
}

void gc_heap_destroy(struct gc_heap *heap)
{
    if (heap == NULL) return;
    make_known(heap, NULL);
    gc_worker_end(heap);
    uint32_t attached = gc_atomic_load_relaxed(&heap->attached);
    gc_require(attached == 0, "a heap is destroyed while %u mutators are attached",
            attached);
    const struct gc_collector *collector = heap->collector;
    gc_grace_finish(heap);
    struct gc_mutator *m = gc_next_mutator(&heap->mutators);
    while (m != NULL) {
        struct gc_mutator *next = gc_next_mutator(&m->next);
        if (collector->home_finish != NULL) collector->home_finish(m);
        if (heap->protocol->home_finish != NULL) heap->protocol->home_finish(m);
        gc_sweep_home_finish(m);
        gc_os_free(m->deferred);
        gc_stall_log_free(m->stalls);
        gc_os_free(m);
        m = next;
    }
    if (collector->finish != NULL) collector->finish(heap);
    if (heap->protocol->finish != NULL) heap->protocol->finish(heap);
    gc_sweep_finish(heap);
    gc_blocks_finish(heap);
    gc_os_free(heap->weak_table);
    gc_os_free(heap->finalizable);
    gc_os_free(heap->collector_options);
    finish_locks(heap);
    gc_os_free(heap);
}

void gc_heap_set_limit(struct gc_heap *heap, size_t bytes)
{
    gc_atomic_store_relaxed(&heap->limit_bytes, bytes);
}

bool gc_heap_charge(struct gc_heap *heap, size_t bytes)
{
    const size_t limit = gc_heap_limit(heap);
    size_t before = gc_atomic_load_relaxed(&heap->bytes), now;
    do {
        now = before + bytes;
        if (now < before || (limit > 0 && now > limit)) return false;
    } while (!gc_atomic_compare_exchange_relaxed(&heap->bytes, &before, now));
    size_t peak = gc_atomic_load_relaxed(&heap->peak_bytes);
    while (now > peak &&
            !gc_atomic_compare_exchange_relaxed(&heap->peak_bytes, &peak, now))
        ;
    return true;
}

void gc_heap_discharge(struct gc_heap *heap, size_t bytes)
{
    gc_atomic_fetch_sub_relaxed(&heap->bytes, bytes);
}

struct gc_block *gc_next_block_stw(struct gc_heap *heap, struct gc_block_cursor *cursor)
{
    if (cursor->region == NULL && cursor->index == 0) cursor->region = heap->regions;
    while (cursor->region != NULL) {
        struct gc_region *region = cursor->region;
        const bool huge = region->bytes > GC_REGION_BYTES;
        const uint32_t end = huge ? region->first + 1 : GC_REGION_BLOCKS;
        struct gc_block *found = NULL;
        uint32_t i = cursor->index > region->first ? cursor->index : region->first;
        for (; i < end && found == NULL; i++) {
            struct gc_block *block = &region->blocks[i];
            if (block->state != GC_BLOCK_FREE && block->state != GC_BLOCK_INSIDE)
                found = block;
        }
        /* On to the next region at once: a huge one goes with its block. */
        cursor->index = i < end ? i : 1;
        if (i >= end) cursor->region = region->next;
        if (found != NULL) return found;
    }
    return NULL;
}

void gc_heap_walk_blocks_stw(struct gc_heap *heap, gc_block_fn visit, void *argument)
{
    struct gc_block_cursor cursor = { NULL, 0 };
    for (struct gc_block *b; (b = gc_next_block_stw(heap, &cursor)) != NULL;)
        visit(b, argument);
}

struct walk {
    gc_object_fn visit;
    void *argument;
    bool stopped;
};

static void walk_block(struct gc_block *block, void *argument)
{
    struct walk *walk = argument;
    for (uint32_t i = 0; i < block->built && !walk->stopped; i++) {
        struct gc_object *object = gc_block_object(block, i);
        if (!gc_object_is_dead(object) && !walk->visit(object, walk->argument))
            walk->stopped = true;
    }
}

bool gc_heap_walk_stw(struct gc_heap *heap, gc_object_fn visit, void *argument)
{
    struct walk walk = { .visit = visit, .argument = argument };
    gc_heap_walk_blocks_stw(heap, walk_block, &walk);
    return !walk.stopped;
}

static void count_block(struct gc_block *block, void *argument)
{
    struct gc_heap_stats *stats = argument;
    uint64_t used = gc_block_used(block);
    if (block->state == GC_BLOCK_UNSWEPT) {
        uint64_t live = gc_sweep_count_live(block);
        stats->counters.cells_taken -= used - live; /* what its run gave back */
        used = live;
    }
    stats->live_objects += used;
    stats->live_bytes += used * block->cell_bytes;
}

void gc_heap_read_stats(struct gc_heap *heap, struct gc_heap_stats *ret_stats)
{
    struct gc_heap_stats stats = {
        .heap_bytes = gc_atomic_load_relaxed(&heap->bytes),
        .peak_heap_bytes = gc_atomic_load_relaxed(&heap->peak_bytes),
        .collections = gc_atomic_load_relaxed(&heap->collections),
    };
    gc_heap_walk_blocks_stw(heap, count_block, &stats);
    gc_for_each_mutator (m, heap) {
        gc_counters_add(&stats.counters, &m->counters);
        gc_operations_add(stats.operations, m->operations);
        for (uint32_t i = 0; i < 2 * GC_CLASSES; i++) {
            const struct gc_run *run = &m->runs[i / GC_CLASSES][i % GC_CLASSES];
            uint64_t ready = 0;
            for (struct gc_object *o = run->free; o != NULL; o = *gc_cell_link(o))
                ready++;
            stats.counters.cells_taken -= ready;
            stats.live_objects -= ready;
            if (ready > 0) stats.live_bytes -= ready * run->block->cell_bytes;
        }
    }
    stats.allocated_objects = stats.counters.cells_taken;
    *ret_stats = stats;
}

struct gc_stall_log *gc_heap_read_stalls(struct gc_heap *heap)
{
    struct gc_stall_log *sum = gc_os_alloc(sizeof(*sum));
    if (sum == NULL) return NULL;
    gc_for_each_mutator (m, heap)
        gc_stall_log_add(sum, m->stalls);
    return sum;
}
