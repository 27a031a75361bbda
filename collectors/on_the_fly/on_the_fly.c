/* SPDX-License-Identifier: MIT */
/* on_the_fly.c - tracing beside mutators that are never stopped. [DLG93] [DG94] [Yuasa90]
 *
 * A cycle, on the collector thread:
 *
 *   what exists is white: the two colours change their meaning
 *   RAISE   stores log what they replace, if it is white, and what they store
 *   SCAN    each mutator's own roots are marked; it makes black objects from now on, and
 *           logs only what stores replace
 *           global roots; trace, with what has been handed over of the logs
 *   DRAIN   logs are handed over; again, with tracing in between, until there is nothing
 *           white in any
 *           weak references to white objects are cleared; what due finalizers need is marked
 *   LOWER   stores log nothing; each mutator hands its blocks over to be swept
 *           sweep: by this thread, and by mutators that need a block
 *           callbacks; finalizers
 *
 * Between RAISE and SCAN mutators are in different phases, so that what one stores without a
 * look another may already have passed over: hence both barriers. An object that a scanned
 * mutator holds is black, or was in the snapshot, where whatever cuts the last way to it logs
 * it [Yuasa90].
 *
 * Invariants: (F3) no white object exists when RAISE is posted: all is swept, but for blocks
 *                  that mutators are sweeping, and until they are through nothing is marked.
 *             (F4) after the last DRAIN no mutator holds a white object, or can get one.
 */
#include "collectors/on_the_fly/on_the_fly.h"

#include <errno.h>

#include "core/mutant.h"
#include "core/os.h"
#include "core/protocol/satb.h"

struct otf_options {
    int64_t growth_percent;
    uint64_t minimum_bytes;
    int64_t ahead_percent;
    uint64_t log_bytes;
};

#define OPTION(member) .offset = offsetof(struct otf_options, member)

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
    { .name = "ahead",
            .kind = GC_OPTION_INT,
            OPTION(ahead_percent),
            .min = 10,
            .max = 10000,
            .standard = "100",
            .doc = "without a heap limit: how much the heap may grow during a cycle "
                   "before mutators wait, as a percentage of the live size; at least "
                   "`minimum`" },
    { .name = "log",
            .kind = GC_OPTION_SIZE,
            OPTION(log_bytes),
            .min = 65536,
            .max = INT64_MAX,
            .standard = "64M",
            .doc = "what mutators may have logged before stores wait for the collector" },
    GC_OPTION_END,
};

/* --- when to collect ------------------------------------------------------------------------ */

/* As much as leaves room above the blocks that the sweep has kept, however sparsely they are
 * used. What mutators have taken since it began does not count: who has outrun the sweep
 * would push the next cycle off, and might do so again by as much. */
static size_t above_kept(const struct gc_heap *heap, size_t trigger)
{
    const size_t kept = gc_atomic_load_relaxed(&heap->sweeper->kept_bytes);
    const size_t least = kept + kept / 8;
    return trigger < least ? least : trigger;
}

/* Mutators that do not wait outrun the collector: what they make during a cycle is there until
 * the next, which begins the later for it. So what they may make does not depend on what is
 * there, but on what is live. Before all have been scanned it is a small part of that: what is
 * made then is logged as it is stored, and counts as live. With a limit they wait when it is
 * reached. */
static void set_pace(
        struct gc_heap *heap, size_t live_bytes, size_t trigger, bool is_scanned)
{
    enum { PART_BEFORE = 8 };
    const struct otf_options *o = heap->collector_options;
    size_t ahead = live_bytes / 100 * (size_t)o->ahead_percent;
    if (ahead < o->minimum_bytes) ahead = o->minimum_bytes;
    if (!is_scanned) ahead /= PART_BEFORE;
    gc_atomic_store_relaxed(
            &heap->pace.bytes, gc_heap_limit(heap) > 0 ? SIZE_MAX : trigger + ahead);
    gc_pace_tell_freed(heap);
}

/* With a limit half of what is free above the live size is used before a cycle begins: the
 * rest is for what is allocated meanwhile. */
static void set_trigger(struct gc_heap *heap, size_t live_bytes)
{
    const struct otf_options *o = heap->collector_options;
    const size_t limit = gc_heap_limit(heap);
    size_t trigger = live_bytes / 100 * (size_t)o->growth_percent;
    if (limit > 0)
        trigger = live_bytes < limit ? live_bytes + (limit - live_bytes) / 2 : limit;
    else if (trigger < o->minimum_bytes)
        trigger = o->minimum_bytes;
    trigger = above_kept(heap, trigger);
    if (limit > 0 && trigger > limit - limit / 16) trigger = limit - limit / 16;
    gc_atomic_store_relaxed(&heap->trigger_bytes, trigger);
    set_pace(heap, live_bytes, trigger, false);
    otf_of(heap)->trigger_bytes = trigger; /* that of the heap is 0 during a cycle */
    otf_of(heap)->live_bytes = live_bytes;
}

static void on_pressure(struct gc_mutator *m, size_t bytes)
{
    (void)bytes;
    if (!gc_is_enabled(m)) return;
    gc_atomic_store_relaxed(
            &m->heap->trigger_bytes, 0); /* once: the cycle sets it anew */
    gc_collect_automatic(m, GC_GENERATIONS - 1);
}

/* --- handshakes ---------------------------------------------------------------------------- */

/* What a mutator does from now on. */
static void set_flags(struct gc_mutator *m, const struct otf_phase *phase)
{
    const uint16_t white = phase->white;
    const bool is_scanned = phase->handshake != OTF_RAISE;
    const bool is_up =
            phase->handshake != OTF_LOWER && (is_scanned || !gc_broken(RAISE_FIRST));
    const bool black = is_scanned && !gc_broken(BORN_BLACK);
    const uint16_t birth = black ? otf_black(white) : white;
    gc_satb_set(m, is_up, !is_scanned, white);
    m->birth_bits = (uint64_t)birth << GC_MARK_SHIFT;
}

/* On the mutator, or by who collects, under a claim. */
static void answer(struct gc_mutator *m, void *argument)
{
    const struct otf_phase *phase = argument;
    if (phase->handshake == OTF_SCAN)
        m->shake_work = otf_scan(otf_of(m->heap), m, phase->white);
    set_flags(m, phase);
    gc_log_flush(m);
    if (phase->handshake == OTF_LOWER) gc_sweep_hand_over(m);
}

/* What others log while somebody does not answer must not grow without bound: it becomes
 * grey, which it would anyway, and is not logged again. But who has not answered RAISE may
 * be sweeping a block yet, and free what has the mark that is black from now on. */
static void empty_log(struct gc_mutator *m)
{
    if (!gc_sweep_is_under_way(m->heap) || gc_broken(SWEPT_FIRST))
        otf_claim_logged(otf_of(m->heap));
}

static void shake(struct otf *otf, enum otf_handshake handshake)
{
    static const char *const words[OTF_HANDSHAKES] = {
        [OTF_RAISE] = "raises the barriers",
        [OTF_SCAN] = "scans frames",
        [OTF_DRAIN] = "drains the logs",
        [OTF_LOWER] = "lowers the barriers",
    };
    struct otf_phase *phase = &otf->phases[handshake];
    gc_collection_at(otf->m, words[handshake]);
    if (phase->handshake != handshake || phase->white != otf->white)
        *phase = (struct otf_phase){ .handshake = handshake, .white = otf->white };
    gc_handshake_phase(otf->m, answer, phase, empty_log);
}

/* It copies the phase that is posted. */
static int home_start(struct gc_mutator *home)
{
    const struct otf_phase *phase = home->heap->phase;
    if (phase != NULL) set_flags(home, phase);
    return 0;
}

/* --- a cycle ---------------------------------------------------------------------------------- */

/* Marks all that was reachable when it began, and perhaps more. On return (F4) holds. */
static void mark_all(struct otf *otf)
{
    struct gc_heap *heap = otf->m->heap;
    otf->white = otf_black(otf->white);
    otf_mark_begin(otf);
    shake(otf, OTF_RAISE);
    gc_satb_weak_set(heap, GC_SATB_MARK);
    shake(otf, OTF_SCAN);
    set_pace(heap, otf->live_bytes, otf->trigger_bytes, true);
    gc_collection_at(otf->m, "traces");
    otf_mark_roots(otf);
    otf_trace_roots(otf);
    for (;;) {
        gc_satb_weak_set(heap, GC_SATB_CLOSING);
        shake(otf, OTF_DRAIN);
        if ((gc_broken(DRAINED_TRACED) || !otf_reach_logged(otf)) &&
                gc_satb_weak_close(heap))
            return;
        gc_satb_weak_set(heap, GC_SATB_MARK);
        gc_collection_at(otf->m, "traces what was logged");
        otf_trace(otf);
    }
}

static bool is_white(struct gc_object *object)
{
    const struct otf *otf = otf_of(gc_region_of(object)->heap);
    return gc_object_mark(object) == otf->white;
}

static void keep(struct gc_object *object, void *argument)
{
    otf_mark(argument, object);
}

/* No mutator can reach what is white (F4): weak references and finalizers are looked after
 * while they go on. */
static void care(struct otf *otf)
{
    gc_collection_at(otf->m, "clears weak references, and finds finalizers");
    gc_due_reserve(&otf->due); /* until its SCAN a mutator's births were white */
    gc_due_clear_weak(&otf->due, is_white);
    gc_due_find_finalizers(&otf->due, is_white, keep, otf);
    otf_trace_grey(otf);
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)generation, (void)uncollectable;
    struct gc_heap *heap = m->heap;
    struct otf *otf = otf_of(heap);
    otf->m = m;
    if (!gc_due_begin(&otf->due, m)) { /* no memory: another time */
        set_trigger(heap, otf->bytes);
        return 0;
    }
    mark_all(otf);
    care(otf);
    shake(otf, OTF_LOWER);
    gc_collection_at(m, "sweeps");
    gc_sweep_open(heap, otf->white);
    gc_pace_tell(heap); /* there are blocks that it may sweep itself */
    while (gc_sweep_some(m)) {
        gc_pace_tell_freed(heap);
        gc_safepoint(m);
    }
    set_trigger(heap, otf->bytes);
    m->counters.visited_objects += otf->objects;
    m->counters.visited_edges += otf->edges;
    size_t freed = gc_atomic_load_relaxed(&heap->sweeper->freed);
    gc_collection_at(m, "runs callbacks and finalizers");
    if (!gc_worker_is_ending(&heap->worker)) gc_due_run(&otf->due);
    return freed;
}

/* --- life ---------------------------------------------------------------------------------------- */

static int start(struct gc_heap *heap, struct gc_error *error)
{
    const struct otf_options *o = heap->collector_options;
    struct otf *otf = gc_os_alloc(sizeof(*otf));
    if (otf == NULL) return gc_error_set(error, -ENOMEM, "there is no memory for a heap");
    otf->white =
            1; /* objects are born with mark 0, which is black until the first cycle */
    otf->side_offset = heap->side_offset;
    otf->stack = gc_os_alloc(OTF_STACK_ENTRIES * sizeof(*otf->stack));
    if (otf->stack == NULL) {
        gc_os_free(otf);
        return gc_error_set(error, -ENOMEM, "there is no memory for a heap");
    }
    heap->collector_data = otf;
    gc_log_set_budget(heap->log, o->log_bytes);
    set_trigger(heap, 0);
    return 0;
}

static void finish(struct gc_heap *heap)
{
    struct otf *otf = otf_of(heap);
    gc_due_finish(&otf->due);
    gc_os_free(otf->stack);
    gc_os_free(otf);
}

/* Which of them is white, `struct otf` says. */
static const struct gc_field fields[] = {
    { .name = "colour", .word = GC_FIELD_MARK, .bits = 16 },
    GC_FIELD_END,
};

GC_COLLECTOR(on_the_fly) = {
    GC_COLLECTOR_HEADER,
    .name = "on_the_fly",
    .summary =
            "tracing beside the mutators, with handshakes and a deletion barrier: never "
            "a stop",
    .paper = "DLG93",
    .protocols = { "satb" },
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_CYCLES | GC_CAP_FINALIZERS | GC_CAP_WEAK,
    .side_bits_log = 1,
    .implicit_deaths = true,
    .threaded = true,
    .sweeps = true,
    .options = options,
    .options_size = sizeof(struct otf_options),
    .start = start,
    .finish = finish,
    .home_start = home_start,
    .collect = collect,
    .on_pressure = on_pressure,
    .fields = fields,
};
