/* SPDX-License-Identifier: MIT */
/* situation.c - heaps and mutators, as people read them.
 *
 * Perhaps in a handler of signals. What is read belongs to threads that may be at work on it,
 * and is not synchronized with: a torn number is better than none.
 */
#include "core/situation.h"

#include "core/collector.h"
#include "core/schedule.h"

enum { MUTATORS_SHOWN = 16, STALLS_SHOWN = 4 };

/* "RUNNING", "BLOCKED and CLAIMED". */
static void put_state(struct gc_words *w, uint32_t state)
{
    static const char *const names[] = { "RUNNING", "BLOCKED", "EXITED", "?" };
    gc_words_put(w, names[state & 3]);
    if ((state & GC_MUTATOR_CLAIMED) != 0) gc_words_put(w, " and CLAIMED");
}

/* "mutator 3"; NULL: "nobody". */
static void put_mutator(struct gc_words *w, const struct gc_mutator *m)
{
    if (m == NULL) {
        gc_words_put(w, "nobody");
        return;
    }
    gc_words_put(w, "mutator ");
    gc_words_put_number(w, m->number);
}

/* When by a schedule, or how long ago. */
static void put_time(struct gc_words *w, uint64_t now_ns, uint64_t time)
{
    if ((time & GC_EVENT_LOGICAL) != 0) {
        gc_words_put_number(w, time & ~GC_EVENT_LOGICAL);
    } else {
        gc_words_put(w, "-");
        gc_words_put_ms(w, now_ns > time ? now_ns - time : 0);
    }
    gc_words_put(w, ": ");
}

static void put_event(struct gc_words *w, uint64_t now_ns, const struct gc_event *event)
{
    put_time(w, now_ns, event->time);
    gc_words_put(w, event->what != NULL ? event->what : "?");
    if (event->number == GC_EVENT_NO_NUMBER) return;
    gc_words_put(w, " ");
    if (event->number >> 32 != 0) /* an address */
        gc_words_put_hex(w, event->number);
    else
        gc_words_put_number(w, event->number);
}

static void put_events(
        struct gc_words *w, uint64_t now_ns, const struct gc_event_log *log)
{
    uint64_t kept = log->recorded < GC_EVENT_RING ? log->recorded : GC_EVENT_RING;
    for (uint64_t i = log->recorded - kept; i < log->recorded; i++) {
        gc_words_item_begin(w);
        put_event(w, now_ns, &log->ring[i % GC_EVENT_RING]);
        gc_words_item_end(w);
    }
}

static void put_stall(struct gc_words *w, uint64_t now_ns, const struct gc_stall *stall)
{
    put_time(w, now_ns, stall->start_ns);
    gc_words_put(w, "a stall (");
    gc_words_put(w, stall->cause < GC_STALL_COUNT ? gc_stall_names[stall->cause] : "?");
    gc_words_put(w, ") of ");
    gc_words_put_ms(w, stall->ns);
}

/* Under a schedule they take no time that means anything. */
static void put_stalls(
        struct gc_words *w, uint64_t now_ns, const struct gc_stall_log *stalls)
{
    if (stalls == NULL || gc_schedule_is_active()) return;
    uint64_t kept = stalls->recorded < STALLS_SHOWN ? stalls->recorded : STALLS_SHOWN;
    for (uint64_t i = stalls->recorded - kept; i < stalls->recorded; i++) {
        gc_words_item_begin(w);
        put_stall(w, now_ns, &stalls->ring[i % GC_STALL_RING]);
        gc_words_item_end(w);
    }
}

static void put_mutators(struct gc_words *w, uint64_t now_ns, const struct gc_heap *heap)
{
    const struct gc_mutator *m = gc_atomic_load_relaxed(&heap->mutators);
    for (int i = 0; m != NULL && i < MUTATORS_SHOWN; i++) {
        gc_words_put(w, "    ");
        put_mutator(w, m);
        gc_words_put(w, ", ");
        put_state(w, gc_atomic_load_relaxed(&m->state));
        if (m->events.thread == gc_thread_self()) gc_words_put(w, ", this thread");
        gc_words_put(w, ":\n");
        put_events(w, now_ns, &m->events);
        put_stalls(w, now_ns, m->stalls);
        gc_words_items_end(w);
        m = gc_atomic_load_relaxed(&m->next);
    }
    if (m != NULL) gc_words_put(w, "    (and more mutators)\n");
}

static void put_phase(struct gc_words *w, const struct gc_heap *heap)
{
    const struct gc_mutator *m = gc_atomic_load_relaxed(&heap->collecting_mutator);
    const struct gc_mutator *stopper = gc_atomic_load_relaxed(&heap->stopper);
    gc_words_put(w, "    phase: ");
    if (gc_atomic_load_relaxed(&heap->collecting) == 0) {
        gc_words_put(w, "no collection is under way");
    } else {
        gc_words_put(w, "collection ");
        gc_words_put_number(w, gc_atomic_load_relaxed(&heap->collections) + 1);
        gc_words_put(w, ", of ");
        put_mutator(w, m);
        gc_words_put(w, ", ");
        gc_words_put(w, m != NULL && m->events.phase != NULL ? m->events.phase
                                                             : "begins or ends");
    }
    if (stopper != NULL) {
        gc_words_put(w, "; the world is stopped by ");
        put_mutator(w, stopper);
    } else if (gc_atomic_load_relaxed(&heap->stop_requested) != 0) {
        gc_words_put(w, "; a stop is asked for");
    }
    if (gc_atomic_load_relaxed(&heap->shake_pending) != 0) {
        gc_words_put(w, "; answers to handshake ");
        gc_words_put_number(w, heap->handshake.number);
        gc_words_put(w, " are awaited");
    }
    gc_words_put(w, "\n");
}

void gc_situation_put(struct gc_words *words, uint64_t now_ns)
{
    for (int i = 0; i < GC_HEAPS_KNOWN; i++) {
        const struct gc_heap *heap = gc_atomic_load_relaxed(&gc_heaps[i]);
        if (heap == NULL) continue;
        put_phase(words, heap);
        put_mutators(words, now_ns, heap);
    }
}
