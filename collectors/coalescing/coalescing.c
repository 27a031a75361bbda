/* SPDX-License-Identifier: MIT */
/* coalescing.c - coalesced counting with a backup trace: when, and which of the two.
 * [LP01, SBF12]
 *
 * Collections of the oldest generation trace (gc_collect(m, 2), as everybody asks for who
 * wants everything); the younger ones count.
 */
#include "collectors/coalescing/coalescing.h"

#include <errno.h>

#include "core/mutant.h"
#include "core/os.h"
#include "core/verify.h"

#define OPTION(member) .offset = offsetof(struct coalescing_options, member)

static const struct gc_option options[] = {
    { .name = "young",
            .kind = GC_OPTION_SIZE,
            OPTION(young_bytes),
            .min = 65536,
            .max = INT64_MAX,
            .standard = "4M",
            .doc = "bytes of new objects between collections; less if the heap is near "
                   "its "
                   "limit" },
    { .name = "log",
            .kind = GC_OPTION_SIZE,
            OPTION(log_bytes),
            .min = 4096,
            .max = INT64_MAX,
            .standard = "1M",
            .doc = "bytes of full logs that make a collection due" },
    { .name = "backup",
            .kind = GC_OPTION_INT,
            OPTION(backup),
            .min = 0,
            .max = INT64_MAX,
            .standard = "0",
            .doc = "trace after so many collections by counting; 0: only when memory "
                   "grows" },
    { .name = "growth",
            .kind = GC_OPTION_INT,
            OPTION(growth_percent),
            .min = 105,
            .max = 10000,
            .standard = "200",
            .doc = "trace when the live size is this percentage of what the last trace "
                   "left" },
    { .name = "minimum",
            .kind = GC_OPTION_SIZE,
            OPTION(minimum_bytes),
            .min = 65536,
            .max = INT64_MAX,
            .standard = "4M",
            .doc = "never trace below this live size because of growth" },
    { .name = "mark_stack",
            .kind = GC_OPTION_INT,
            OPTION(mark_stack),
            .min = 1,
            .max = 1 << 28,
            .standard = "1048576",
            .doc = "entries of the mark stack; what overflows is found by a walk" },
    GC_OPTION_END,
};

/* --- when ----------------------------------------------------------------------------- */

/* What may be born before the next collection. */
static void set_trigger(struct coalescing *state)
{
    enum { LEAST = 65536 };
    struct gc_heap *heap = state->tracer.heap;
    const struct coalescing_options *o = heap->collector_options;
    size_t young = o->young_bytes;
    const size_t limit = gc_heap_limit(heap);
    if (limit > 0) {
        size_t left = limit > state->live_bytes ? limit - state->live_bytes : 0;
        if (young > left / 2) young = left / 2;
        if (young < LEAST) young = LEAST;
    }
    gc_atomic_store_relaxed(&heap->taken_bytes, 0);
    gc_atomic_store_relaxed(&heap->taken_trigger, young);
    gc_atomic_store_relaxed(
            &heap->pace.bytes, gc_atomic_load_relaxed(&heap->bytes) + young);
}

/* Whether what counting has left may be cyclic garbage: it is much more than a trace left, or
 * fills the heap. */
static bool is_backup_due(const struct coalescing *state)
{
    const struct gc_heap *heap = state->tracer.heap;
    const struct coalescing_options *o = heap->collector_options;
    size_t most = state->traced_bytes / 100 * (size_t)o->growth_percent;
    if (most < o->minimum_bytes) most = o->minimum_bytes;
    const size_t limit = gc_heap_limit(heap);
    if (limit > 0 && most > limit / 4 * 3) most = limit / 4 * 3;
    return state->live_bytes > most || (o->backup > 0 && state->counted >= o->backup);
}

static void on_pressure(struct gc_mutator *m, size_t bytes)
{
    (void)bytes;
    const bool traces = coalescing_of(m->heap)->backup_due;
    gc_collect_automatic(m, traces ? GC_GENERATIONS - 1 : 0);
}

static void on_log_full(struct gc_mutator *m)
{
    gc_collect_automatic(m, 0);
}

/* --- collections ------------------------------------------------------------------------ */

static void become_clean(struct gc_object *object)
{
    if (gc_log_object_state(object) != GC_LOG_OBJECT_CLEAN)
        gc_atomic_store_relaxed(&object->noted, (uint16_t)GC_LOG_OBJECT_CLEAN);
}

static void sweep_block(struct gc_block *block, void *argument)
{
    struct coalescing *state = argument;
    block->births = GC_BIRTHS_NONE;
    gc_sweep_unmarked_stw(&state->swept, block, become_clean);
}

/* The backup trace: counts are what it finds, and what the logs say does not matter. */
static uint64_t trace_stw(struct coalescing *state)
{
    struct gc_tracer *tracer = &state->tracer;
    struct gc_heap *heap = tracer->heap;
    gc_log_give_back(heap->log);
    gc_collection_at(state->m, "marks, and counts what it meets");
    gc_sweep_mark_stw(tracer, &state->due);
    for (size_t i = 0; i < state->due.count && !gc_broken(DUE_HELD); i++)
        coalescing_hold_stw(state, state->due.finalizers[i]);
    gc_collection_at(state->m, "sweeps");
    gc_sweep_begin_stw(heap);
    state->swept = (struct gc_swept){ 0, 0 };
    gc_heap_walk_blocks_stw(heap, sweep_block, state);
    state->freed = state->swept.freed;
    state->live_bytes = state->traced_bytes = state->swept.live_bytes;
    state->m->counters.visited_objects += tracer->objects;
    state->m->counters.visited_edges += tracer->edges;
    state->m->counters.freed_by_trace += state->freed;
    return tracer->objects + state->freed;
}

/* Room for what roots hold, which only a stop can tell. World running. */
static bool grow(struct coalescing *state)
{
    size_t room = state->room * 2 + state->due.room;
    struct coalescing_table *tables[] = { &state->zero, &state->rooted };
    for (int i = 0; i < 2; i++) {
        struct gc_object **objects =
                gc_os_realloc(tables[i]->objects, room * sizeof(struct gc_object *));
        if (objects == NULL) return false; /* the other one has grown in vain */
        tables[i]->objects = objects;
    }
    state->room = room;
    return true;
}

/* Stops the world, with all logs taken. False when there is no memory; then it runs. */
static bool stop(struct gc_mutator *m, struct coalescing *state)
{
    if (!gc_tracer_reserve(&state->tracer) || !gc_due_begin(&state->due, m)) return false;
    for (;;) {
        gc_stop_begin(m);
        if (coalescing_prepare_stw(state)) return true;
        gc_stop_end(m, state->rooted.count);
        if (!grow(state)) return false;
    }
}

/* (CO1), while no log is pending. In checked builds: after the first few collections and each
 * trace, else one time in 4 in small heaps, one in 16 in others. */
static void check_counts_stw(struct coalescing *state, bool traced)
{
    enum { FEW = 4, SMALL = 1 << 20, ONE_IN_SMALL = 4, ONE_IN = 16 };
    struct gc_heap *heap = state->tracer.heap;
    struct gc_error error = { "" };
    if (GC_CHECK < 3) return;
    const uint64_t one_in = state->live_bytes > SMALL ? ONE_IN : ONE_IN_SMALL;
    const uint64_t before = gc_atomic_load_relaxed(&heap->collections);
    if (!traced && before >= FEW && before % one_in != 0) return;
    int result = gc_verify_slot_counts_stw(heap, &error);
    gc_require(result == 0 || result == -ENOMEM, "after a collection: %s", error.text);
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)uncollectable;
    struct coalescing *state = coalescing_of(m->heap);
    const bool traces = generation == GC_GENERATIONS - 1;
    state->m = m;
    state->freed = 0;
    if (!stop(m, state)) return 0;
    gc_collection_at(m, traces ? "gives the logs back" : "counts what the logs say");
    uint64_t work = traces ? trace_stw(state) : coalescing_count_stw(state);
    coalescing_settle_stw(state);
    state->counted = traces ? 0 : state->counted + 1;
    state->backup_due = is_backup_due(state);
    set_trigger(state);
    check_counts_stw(state, traces);
    gc_stop_end(m, work);
    gc_collection_at(m, "runs callbacks and finalizers");
    gc_due_run(&state->due);
    return state->freed;
}

/* --- life --------------------------------------------------------------------------- */

static void release(struct coalescing *state)
{
    gc_tracer_finish(&state->tracer);
    gc_due_finish(&state->due);
    gc_os_free(state->zero.objects);
    gc_os_free(state->rooted.objects);
    gc_os_free(state);
}

static int start(struct gc_heap *heap, struct gc_error *error)
{
    enum { ROOM = 1024 };
    const struct coalescing_options *o = heap->collector_options;
    struct coalescing *state = gc_os_alloc(sizeof(*state));
    if (state == NULL) return gc_error_set(error, -ENOMEM, "there is no memory");
    state->room = ROOM / 2;
    if (gc_tracer_init(&state->tracer, heap, (size_t)o->mark_stack) != 0 ||
            !grow(state)) {
        release(state);
        return gc_error_set(error, -ENOMEM, "there is no memory for the mark stack");
    }
    state->tracer.counts = !gc_broken(TRACE_COUNTS);
    heap->collector_data = state;
    gc_log_set_budget(heap->log, o->log_bytes);
    set_trigger(state);
    return 0;
}

static void finish(struct gc_heap *heap)
{
    release(coalescing_of(heap));
}

static const struct gc_field fields[] = {
    { .name = "ROOTED",
            .word = GC_FIELD_MARK,
            .shift = GC_FIELD_SHIFT(COALESCING_ROOTED),
            .bits = 1 },
    { .name = "MISSED",
            .word = GC_FIELD_MARK,
            .shift = GC_FIELD_SHIFT(COALESCING_MISSED),
            .bits = 1 },
    GC_FIELD_END,
};

GC_COLLECTOR(coalescing) = {
    GC_COLLECTOR_HEADER,
    .name = "coalescing",
    .summary = "coalesced counting in short stops, young deaths uncounted; backup trace",
    .paper = "LP01",
    .protocols = { "log_object" },
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_CYCLES | GC_CAP_FINALIZERS | GC_CAP_WEAK,
    .implicit_deaths = true,
    .options = options,
    .options_size = sizeof(struct coalescing_options),
    .start = start,
    .finish = finish,
    .collect = collect,
    .on_pressure = on_pressure,
    .on_log_full = on_log_full,
    .fields = fields,
};
