/* SPDX-License-Identifier: MIT */
/* mark_sweep.c - the plain serial tracer: stop, mark from the roots, sweep. [McCarthy60]
 *
 * Marking is core's (trace.h); what a death means for weak references and finalizers, and
 * sweeping, is common to collectors that trace. This file decides when to collect.
 *
 * Order of a collection: mark; clear weak references to what is unmarked; mark what due
 * finalizers still need; sweep the rest; resume; callbacks; finalizers. An object with a
 * finalizer therefore goes in the collection after the one that found it.
 *
 * Invariant (K1): between collections no DEAD object is referenced, and every mark bit
 *                 is stale.
 */
#include "core/collector.h"

#include <errno.h>

#include "collectors/common/sweep.h"
#include "collectors/common/trigger.h"
#include "core/os.h"

struct mark_sweep_options {
    int64_t growth_percent;
    uint64_t minimum_bytes;
    int64_t mark_stack;
};

struct mark_sweep {
    struct gc_tracer tracer;
    struct gc_due due;     /* who collects */
    struct gc_swept swept; /* world stopped */
    bool marks_are_meant;  /* for who watches: who has none yet may get one */
};

#define OPTION(member) .offset = offsetof(struct mark_sweep_options, member)

static const struct gc_option options[] = {
    { .name = "growth",
            .kind = GC_OPTION_INT,
            OPTION(growth_percent),
            .min = 105,
            .max = 10000,
            .standard = "200",
            .doc = "without a heap limit: collect at this percentage of the live size" },
    { .name = "minimum",
            .kind = GC_OPTION_SIZE,
            OPTION(minimum_bytes),
            .min = 65536,
            .max = INT64_MAX,
            .standard = "4M",
            .doc = "without a heap limit: never collect below this heap size" },
    { .name = "mark_stack",
            .kind = GC_OPTION_INT,
            OPTION(mark_stack),
            .min = 1,
            .max = 1 << 28,
            .standard = "1048576",
            .doc = "entries of the mark stack; what overflows is found by a rescan" },
    GC_OPTION_END,
};

static struct mark_sweep *state_of(const struct gc_heap *heap)
{
    return heap->collector_data;
}

static void set_trigger(struct gc_heap *heap, size_t live_bytes)
{
    const struct mark_sweep_options *o = heap->collector_options;
    if (gc_heap_limit(heap) > 0) return; /* collect when it is full */
    size_t trigger = live_bytes / 100 * (size_t)o->growth_percent;
    if (trigger < o->minimum_bytes) trigger = o->minimum_bytes;
    trigger = gc_trigger_above_blocks(heap, trigger);
    gc_atomic_store_relaxed(&heap->trigger_bytes, trigger);
}

static int start(struct gc_heap *heap, struct gc_error *error)
{
    const struct mark_sweep_options *o = heap->collector_options;
    struct mark_sweep *state = gc_os_alloc(sizeof(*state));
    if (state == NULL ||
            gc_tracer_init(&state->tracer, heap, (size_t)o->mark_stack) != 0) {
        gc_os_free(state);
        return gc_error_set(error, -ENOMEM, "there is no memory for the mark stack");
    }
    heap->collector_data = state;
    set_trigger(heap, 0);
    return 0;
}

static void finish(struct gc_heap *heap)
{
    struct mark_sweep *state = state_of(heap);
    gc_tracer_finish(&state->tracer);
    gc_due_finish(&state->due);
    gc_os_free(state);
}

static void sweep_block(struct gc_block *block, void *argument)
{
    struct mark_sweep *state = argument;
    gc_sweep_unmarked_stw(&state->swept, block, NULL);
}

static void tell(
        struct gc_heap *heap, struct gc_object *object, struct gc_told *ret_told)
{
    const struct mark_sweep *state = state_of(heap);
    if (state->marks_are_meant)
        ret_told->place = gc_trace_is_marked(object) ? "marked" : "not marked";
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)generation, (void)uncollectable;
    struct gc_heap *heap = m->heap;
    struct mark_sweep *state = state_of(heap);
    if (!gc_tracer_reserve(&state->tracer) || !gc_due_begin(&state->due, m)) return 0;
    state->swept = (struct gc_swept){ 0, 0 };
    gc_stop_begin(m);
    gc_collection_at(m, "marks");
    state->marks_are_meant = true;
    gc_sweep_mark_stw(&state->tracer, &state->due);
    gc_collection_at(m, "sweeps");
    state->marks_are_meant = false;
    gc_sweep_begin_stw(heap);
    gc_heap_walk_blocks_stw(heap, sweep_block, state);
    set_trigger(heap, state->swept.live_bytes);
    m->counters.visited_objects += state->tracer.objects;
    m->counters.visited_edges += state->tracer.edges;
    m->counters.freed_by_trace += state->swept.freed;
    gc_stop_end(m, state->tracer.objects + state->swept.freed);
    gc_collection_at(m, "runs callbacks and finalizers");
    gc_due_run(&state->due);
    return state->swept.freed;
}

/* What is live may already need more than the trigger: then it is set anew, so that
 * not every block brings a collection. */
static void on_pressure(struct gc_mutator *m, size_t bytes)
{
    (void)bytes;
    gc_collect_automatic(m, GC_GENERATIONS - 1);
}

GC_COLLECTOR(mark_sweep) = {
    GC_COLLECTOR_HEADER,
    .name = "mark_sweep",
    .summary = "stop-the-world marking from the roots, then sweeping; serial",
    .paper = "McCarthy60",
    .protocols = { "bare" },
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_CYCLES | GC_CAP_FINALIZERS | GC_CAP_WEAK,
    .implicit_deaths = true,
    .options = options,
    .options_size = sizeof(struct mark_sweep_options),
    .start = start,
    .finish = finish,
    .collect = collect,
    .on_pressure = on_pressure,
    .tell = tell,
};
