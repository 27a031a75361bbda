/* SPDX-License-Identifier: MIT */
/* count.c - a collection by counting. [LP01], with new objects as in [SBF12]
 *
 * Everything happens in one stop, in this order:
 *
 *   1  take the logs; note down what roots hold           coalescing_prepare_stw()
 *   2  each logged object becomes CLEAN, what its slots name now gets one up: take_up()
 *   3  a new object that gets its first count, or that a root holds, is *adopted*: it becomes
 *      CLEAN, and what its slots name gets one up
 *   4  new objects with finalizers that nobody has adopted: adopted and due
 *   5  the logged old values get one down; count 0, and no root: it dies
 *   6  so does what a root held last time, is of count 0, and is held no more
 *   7  what the dying name gets one down, and so on; they are freed, unless there are weak
 *      references, for which they are kept until 9
 *   8  old objects with finalizers that should die: due
 *   9  weak references to all of these are cleared
 *  10  block by block the new objects are freed that nobody has adopted, which were never
 *      counted, nor looked at where their whole block is such
 *
 * All ups come before all downs, so what is 0 in the end was not 0 just in between.
 *
 * Invariants: (CO1) between collections the count of a CLEAN object is the number of slots
 *                   of CLEAN and DIRTY objects that named it at the last collection.
 *             (CO2) an object that is not NEW, of count 0, is in the table of zeros.
 *             (CO3) outside of stops all marks are 0.
 */
#include "collectors/coalescing/coalescing.h"

#include "core/mutant.h"
static void set_clean(struct gc_object *object)
{
    gc_atomic_store_relaxed(&object->noted, (uint16_t)GC_LOG_OBJECT_CLEAN);
}

static bool is_new(struct gc_object *object)
{
    return gc_log_object_state(object) == GC_LOG_OBJECT_NEW;
}

static bool has_mark(const struct gc_object *object, uint32_t mark)
{
    return (gc_object_mark(object) & mark) != 0;
}

static void set_mark(struct gc_object *object, uint32_t mark)
{
    gc_object_set_mark(object, (uint16_t)(gc_object_mark(object) | mark));
}

static void clear_mark(struct gc_object *object, uint32_t mark)
{
    gc_object_set_mark(object, (uint16_t)(gc_object_mark(object) & ~mark));
}

static uint64_t count_of(const struct gc_object *object)
{
    return gc_atomic_load_relaxed(&object->count);
}

/* --- what roots hold ------------------------------------------------------------------ */

static void note_root(gc_slot *slot, void *argument)
{
    struct coalescing *state = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    if (object == NULL || has_mark(object, COALESCING_ROOTED)) return;
    /* Room is left for whose finalizers may be due: coalescing_hold_stw(). */
    if (state->rooted.count + state->tracer.heap->finalizable_count >= state->room) {
        state->is_full = true;
        return;
    }
    coalescing_hold_stw(state, object);
}

void coalescing_hold_stw(struct coalescing *state, struct gc_object *object)
{
    if (has_mark(object, COALESCING_ROOTED)) return;
    gc_require(state->rooted.count < state->room, "a table has no room for an object");
    set_mark(object, COALESCING_ROOTED);
    state->rooted.objects[state->rooted.count++] = object;
}

bool coalescing_prepare_stw(struct coalescing *state)
{
    struct gc_heap *heap = state->tracer.heap;
    gc_for_each_mutator (m, heap)
        gc_log_flush(m);
    gc_log_take(heap->log);
    state->rooted.count = 0;
    state->is_full = false;
    gc_roots_visit_stw(heap, note_root, state);
    if (!state->is_full) return true;
    for (size_t i = 0; i < state->rooted.count; i++)
        clear_mark(state->rooted.objects[i], COALESCING_ROOTED);
    return false;
}

void coalescing_settle_stw(struct coalescing *state)
{
    struct coalescing_table zero = state->rooted;
    state->rooted = state->zero;
    state->rooted.count = 0;
    size_t kept = 0;
    for (size_t i = 0; i < zero.count; i++) {
        struct gc_object *object = zero.objects[i];
        clear_mark(object, COALESCING_ROOTED);
        if (count_of(object) == 0) zero.objects[kept++] = object; /* (CO2) */
    }
    zero.count = kept;
    state->zero = zero;
}

/* --- up ------------------------------------------------------------------------------- */

static void push(struct coalescing *state, struct gc_object *object)
{
    struct gc_tracer *tracer = &state->tracer;
    if (gc_unlikely(tracer->depth == tracer->room)) {
        set_mark(object, COALESCING_MISSED);
        state->has_missed = !gc_broken(MISSED_FOUND);
        return;
    }
    tracer->stack[tracer->depth++] = object;
}

static inline void adopt(struct coalescing *state, struct gc_object *object)
{
    set_clean(object);
    gc_block_of(object)->kept++;
    if (!gc_broken(ADOPTED_COUNTED)) push(state, object);
}

static inline void take_up(gc_slot *slot, void *argument)
{
    struct coalescing *state = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    state->tracer.edges++;
    if (object == NULL) return;
    gc_assert(!gc_object_is_dead(object), "a slot names a dead object");
    gc_atomic_store_relaxed(&object->count, count_of(object) + 1);
    if (is_new(object)) adopt(state, object);
}

static void drain_stack(struct coalescing *state)
{
    struct gc_tracer *tracer = &state->tracer;
    while (tracer->depth > 0) {
        struct gc_object *object = tracer->stack[--tracer->depth];
        tracer->objects++;
        gc_object_trace(object, take_up, state);
    }
}

static bool take_missed(struct gc_object *object, void *argument)
{
    struct coalescing *state = argument;
    if (!has_mark(object, COALESCING_MISSED)) return true;
    clear_mark(object, COALESCING_MISSED);
    state->tracer.objects++;
    gc_object_trace(object, take_up, state);
    drain_stack(state);
    return true;
}

static void drain(struct coalescing *state)
{
    drain_stack(state);
    while (state->has_missed) {
        state->has_missed = false;
        gc_heap_walk_stw(state->tracer.heap, take_missed, state);
    }
}

/* The first record of an object counts; the others, which say the same, are crossed out. */
static uint64_t take_up_logged(struct coalescing *state)
{
    struct gc_log *log = state->tracer.heap->log;
    uint64_t records = 0;
    for (struct gc_log_chunk *c = gc_log_first(log); c != NULL; c = gc_log_next(log, c)) {
        for (uint32_t i = 0; i < c->used; i++) {
            if ((c->words[i] & GC_LOG_OBJECT_HOLDER) == 0) continue;
            struct gc_object *holder =
                    (struct gc_object *)(c->words[i] - GC_LOG_OBJECT_HOLDER);
            gc_assert(!gc_object_is_dead(holder), "a dead object is in a log");
            if (gc_log_object_state(holder) == GC_LOG_OBJECT_CLEAN) {
                if (!gc_broken(LOGGED_ONCE)) c->words[i] = GC_LOG_OBJECT_HOLDER;
                continue;
            }
            records++;
            set_clean(holder);
            gc_object_trace(holder, take_up, state);
        }
    }
    return records;
}

/* --- down ----------------------------------------------------------------------------- */

static void die(struct coalescing *state, struct gc_object *object)
{
    struct gc_block *block = gc_block_of(object);
    if (block->births == GC_BIRTHS_ALL) block->kept--;
    gc_object_link_dead(object, state->dying);
    state->dying = object;
    state->freed++;
}

/* Of count 0: it dies, unless a root holds it, or its finalizer is due. */
static void consider(struct coalescing *state, struct gc_object *object)
{
    if (has_mark(object, COALESCING_ROOTED) && !gc_broken(ROOTED_LIVES)) return;
    if ((gc_object_state(object) & GC_STATE_FINALIZER) == 0) die(state, object);
}

static void take_down(struct coalescing *state, struct gc_object *object)
{
    uint64_t count = count_of(object);
    gc_assert(
            count > 0 && count < GC_COUNT_DEAD, "an object has less than no references");
    gc_atomic_store_relaxed(&object->count, --count);
    if (count == 0) consider(state, object);
}

static void take_slot_down(gc_slot *slot, void *argument)
{
    struct coalescing *state = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    state->tracer.edges++;
    if (object != NULL) take_down(state, object);
}

static uint64_t take_down_logged(struct coalescing *state)
{
    struct gc_log *log = state->tracer.heap->log;
    uint64_t words = 0;
    for (struct gc_log_chunk *c = gc_log_first(log); c != NULL; c = gc_log_next(log, c)) {
        bool counts = false;
        words += c->used;
        for (uint32_t i = 0; i < c->used; i++) {
            if ((c->words[i] & GC_LOG_OBJECT_HOLDER) != 0)
                counts = c->words[i] != GC_LOG_OBJECT_HOLDER;
            else if (counts)
                take_down(state, (struct gc_object *)c->words[i]);
        }
    }
    gc_log_give_back(log);
    return words;
}

/* What was of count 0 last time, held by roots alone. */
static void reconsider_zeros(struct coalescing *state)
{
    for (size_t i = 0; i < state->zero.count; i++)
        if (count_of(state->zero.objects[i]) == 0)
            consider(state, state->zero.objects[i]);
}

/* The latest first: it, and what lies about it, has just been looked at. Where there are no
 * weak references, its cell is freed at once; otherwise they are cleared first. */
static void cascade(struct coalescing *state)
{
    const bool frees = state->tracer.heap->weak_count == 0;
    while (state->dying != NULL) {
        struct gc_object *object = state->dying;
        state->dying = gc_object_next_dead(object);
        state->tracer.objects++;
        gc_object_trace(object, take_slot_down, state);
        if (frees) {
            gc_cell_free_dead(object);
        } else {
            gc_object_link_dead(object, state->dead);
            state->dead = object;
        }
    }
}

/* --- finalizers, weak references ---------------------------------------------------------- */

static void keep(struct gc_object *object, void *argument)
{
    struct coalescing *state = argument;
    if (is_new(object)) adopt(state, object);
    coalescing_hold_stw(state, object);
}

static bool is_zero(struct gc_object *object)
{
    return count_of(object) == 0 && !has_mark(object, COALESCING_ROOTED);
}

static bool is_gone(struct gc_object *object)
{
    return gc_object_is_dead(object) || is_new(object);
}

/* --- freeing ---------------------------------------------------------------------------- */

static void free_dead(struct coalescing *state)
{
    while (state->dead != NULL) {
        struct gc_object *object = state->dead;
        state->dead = gc_object_next_dead(object);
        gc_cell_free_dead(object);
    }
}

/* Frees the new objects of a block that nobody has adopted. */
static void sweep_births(struct gc_block *block, void *argument)
{
    struct coalescing *state = argument;
    const uint8_t births = block->births;
    const uint32_t kept = block->kept, used = gc_block_used(block);
    const size_t bytes = block->cell_bytes;
    uint32_t freed = 0;
    block->births = GC_BIRTHS_NONE;
    block->kept = 0;
    if (births == GC_BIRTHS_ALL && kept == 0)
        freed = gc_block_clear(block);
    else if (births == GC_BIRTHS_SOME || (births == GC_BIRTHS_ALL && kept < used))
        freed = gc_sweep_cells_stw(block, is_new, NULL);
    state->m->counters.freed_new += freed;
    state->freed += freed;
    state->live_bytes += (size_t)(used - freed) * bytes;
}

uint64_t coalescing_count_stw(struct coalescing *state)
{
    struct gc_heap *heap = state->tracer.heap;
    struct gc_tracer *tracer = &state->tracer;
    tracer->objects = tracer->edges = 0;
    state->m->counters.log_records += take_up_logged(state);
    for (size_t i = 0; i < state->rooted.count; i++)
        if (is_new(state->rooted.objects[i]) && !gc_broken(ROOTED_ADOPTED))
            adopt(state, state->rooted.objects[i]);
    if (gc_broken(UPS_FIRST)) take_down_logged(state);
    drain(state);
    gc_due_find_finalizers(&state->due, is_new, keep, state);
    drain(state);
    gc_sweep_begin_stw(heap);
    uint64_t words = take_down_logged(state);
    if (!gc_broken(ZEROS_AGAIN)) reconsider_zeros(state);
    cascade(state);
    gc_due_find_finalizers(&state->due, is_zero, keep, state);
    gc_due_clear_weak(&state->due, is_gone);
    for (size_t i = 0; i < state->due.count; i++)
        gc_due_clear_one_stw(&state->due, state->due.finalizers[i], is_gone);
    state->m->counters.freed_by_count += state->freed;
    free_dead(state);
    state->live_bytes = 0;
    gc_heap_walk_blocks_stw(heap, sweep_births, state);
    state->m->counters.visited_objects += tracer->objects;
    state->m->counters.visited_edges += tracer->edges;
    return words + tracer->objects + state->freed;
}
