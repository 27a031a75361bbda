/* SPDX-License-Identifier: MIT */
/* mark_sweep.c - the plain serial tracer: stop, mark from the roots, sweep. [McCarthy60]
 *
 * Marking is core's (trace.h); this file decides when to collect, what a death means
 * for weak references and finalizers, and sweeps.
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

#include "core/os.h"

struct mark_sweep_options {
    int64_t growth_percent;
    uint64_t minimum_bytes;
    int64_t mark_stack;
};

struct mark_sweep {
    struct gc_tracer tracer;
    /* world stopped */
    struct gc_weak_queue callbacks;
    struct gc_object **due; /* whose finalizers are to run; kept by `collecting` */
    size_t due_count, due_room;
    struct gc_mutator *m;
    size_t swept;
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
    if (heap->limit_bytes > 0) return; /* collect when it is full */
    size_t trigger = live_bytes / 100 * (size_t)o->growth_percent;
    if (trigger < o->minimum_bytes) trigger = o->minimum_bytes;
    /* Blocks that are sparsely used count whole: leave room above them, or every new
     * block would bring a collection. */
    size_t held = gc_atomic_load_relaxed(&heap->bytes);
    if (trigger < held + held / 8) trigger = held + held / 8;
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
    gc_os_free(state->due);
    gc_os_free(state);
}

/* Room for all finalizers that can be due, before the world is stopped and nothing may
 * be allocated. Births between this and the stop find their finalizer run later. */
static bool reserve(struct gc_heap *heap, struct mark_sweep *state)
{
    if (!gc_tracer_reserve(&state->tracer)) return false;
    gc_lock_acquire(&heap->registry_lock);
    size_t wanted = heap->finalizable_count;
    gc_lock_release(&heap->registry_lock);
    if (wanted <= state->due_room) return true;
    struct gc_object **due = gc_os_realloc(state->due, wanted * 2 * sizeof(*due));
    if (due == NULL) return false;
    state->due = due;
    state->due_room = wanted * 2;
    return true;
}

static bool is_unmarked(struct gc_object *object)
{
    return !gc_trace_is_marked(object);
}

static void clear_weak(struct gc_weak *weak, void *argument)
{
    struct mark_sweep *state = argument;
    struct gc_heap *heap = state->tracer.heap;
    struct gc_object *target = gc_atomic_load_relaxed(&weak->target);
    if (is_unmarked(&weak->header)) {
        gc_weak_forget_stw(heap, weak);
        state->m->counters.weak_cleared++;
    } else if (is_unmarked(target)) {
        state->m->counters.weak_cleared +=
                gc_weak_clear_stw(state->m, target, is_unmarked, &state->callbacks);
    }
}

static enum gc_finalizable_fate find_due(struct gc_object *object, void *argument)
{
    struct mark_sweep *state = argument;
    if (gc_trace_is_marked(object)) return GC_FINALIZABLE_KEEP;
    if (state->due_count == state->due_room) {      /* born after reserve() */
        gc_tracer_mark_stw(&state->tracer, object); /* the next collection's business */
        return GC_FINALIZABLE_KEEP;
    }
    state->due[state->due_count++] = object;
    return GC_FINALIZABLE_REMOVE;
}

static void sweep_block(struct gc_block *block, void *argument)
{
    struct mark_sweep *state = argument;
    uint32_t built = block->built;
    for (uint32_t i = 0; i < built; i++) {
        struct gc_object *object = gc_block_object(block, i);
        if (gc_object_is_dead(object) || gc_trace_is_marked(object)) continue;
        bool last = gc_block_used(block) == 1;
        state->swept++;
        gc_cell_free(object);
        if (last) return; /* the block is gone */
    }
}

static void mark_stw(struct gc_heap *heap, struct mark_sweep *state)
{
    struct gc_tracer *tracer = &state->tracer;
    gc_tracer_begin_stw(tracer);
    gc_tracer_mark_roots_stw(tracer);
    gc_tracer_drain_stw(tracer);
    gc_weak_walk_stw(heap, clear_weak, state);
    gc_finalizable_filter(heap, find_due, state);
    for (size_t i = 0; i < state->due_count; i++)
        gc_tracer_mark_stw(tracer, state->due[i]);
    gc_tracer_drain_stw(tracer);
}

/* With the world running. No other collection begins before this one has ended, so the
 * objects, and the weak references whose callbacks are due, stay where they are. */
static void run_finalizers(struct gc_mutator *m, struct mark_sweep *state)
{
    for (size_t i = 0; i < state->due_count; i++)
        gc_finalize(m, state->due[i]);
    state->due_count = 0;
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)generation, (void)uncollectable;
    struct gc_heap *heap = m->heap;
    struct mark_sweep *state = state_of(heap);
    if (!reserve(heap, state)) return 0;
    state->m = m;
    state->callbacks = (struct gc_weak_queue){ NULL, NULL };
    state->swept = 0;
    gc_stop_begin(m);
    mark_stw(heap, state);
    gc_for_each_mutator (home, heap)
        gc_runs_flush(home);
    gc_heap_walk_blocks_stw(heap, sweep_block, state);
    set_trigger(heap, state->tracer.bytes);
    m->counters.visited_objects += state->tracer.objects;
    m->counters.visited_edges += state->tracer.edges;
    m->counters.freed_by_trace += state->swept;
    gc_stop_end(m, state->tracer.objects + state->swept);
    gc_weak_run_callbacks(m, state->callbacks.first);
    run_finalizers(m, state);
    return state->swept;
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
};
