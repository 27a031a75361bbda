/* SPDX-License-Identifier: MIT */
/* collect.c - asking for collections; thresholds, counters, observers.
 *
 * Invariant (C1): heap->collecting is 1 from before a collection's first observer to
 *                 after its last, and is taken by compare-and-exchange.
 * Sync edges: [sync CO1] one collection's effects come before the next one's start
 */
#include "core/collect.h"

#include <errno.h>

#include "core/collector.h"
#include "core/os.h"
#include "core/verify.h"

gc_collection_watch_fn gc_collection_watch;

static void notify(struct gc_mutator *m, enum gc_collection_event event, int generation,
        size_t collected, size_t uncollectable)
{
    struct gc_heap *heap = m->heap;
    if (gc_atomic_load_relaxed(&heap->observer_count) == 0) return;
    gc_pace_let_go(m);
    gc_lock_acquire(&heap->registry_lock);
    const uint64_t number = ++heap->observed;
    gc_lock_release(&heap->registry_lock);
    /* An observer may remove itself, or others: each time, the first in the list that has
     * not been told is told. */
    for (;;) {
        gc_lock_acquire(&heap->registry_lock);
        struct gc_observer *observer = heap->observers;
        while (observer != NULL && observer->heard == number)
            observer = observer->next;
        if (observer != NULL) observer->heard = number;
        gc_lock_release(&heap->registry_lock);
        if (observer == NULL) return;
        int error = observer->notify(
                m, event, generation, collected, uncollectable, observer->argument);
        if (error != 0) gc_callback_error(m, NULL, error);
    }
}

static bool begin(struct gc_mutator *m)
{
    uint32_t idle = 0;
    /* [sync CO1] seq_cst, as acquire: pairs with the store in end(). */
    if (!gc_atomic_compare_exchange_seq_cst(&m->heap->collecting, &idle, 1)) return false;
    gc_schedule_yield(); /* a phase point: others may ask, and get nothing */
    gc_atomic_store_relaxed(&m->heap->collecting_mutator, m);
    return true;
}

static void end(struct gc_mutator *m)
{
    gc_lock_acquire(&m->heap->registry_lock);
    gc_atomic_store_relaxed(&m->heap->collecting_mutator, NULL);
    /* [sync CO1] seq_cst, as release: pairs with the exchange in begin(). */
    gc_atomic_store_seq_cst(&m->heap->collecting, 0);
    gc_pace_end(m->heap);
    gc_condition_broadcast(&m->heap->collected);
    gc_lock_release(&m->heap->registry_lock);
}

/* CPU of a collection. The thread's own clock is a system call, which would be a visible
 * part of a young collection: there the time that has passed must do, less what was spent
 * waiting for the global lock and for others to stop. */
static uint64_t cpu_clock(const struct gc_mutator *m, int generation, uint64_t now_ns)
{
    if (generation > 0) return gc_os_thread_cpu_ns();
    return now_ns - m->stalls->causes[GC_STALL_lock].total_ns - m->counters.stop_wait_ns;
}

/* By who collects, the only one who writes. */
static void add(_Atomic(uint64_t) *sum, uint64_t value)
{
    gc_atomic_store_relaxed(sum, gc_atomic_load_relaxed(sum) + value);
}

int64_t gc_collect_here(struct gc_mutator *m, int generation)
{
    struct gc_heap *heap = m->heap;
    if (heap->collector->collect == NULL || !begin(m)) return 0;
    uint64_t start = gc_os_now_ns(), cpu = cpu_clock(m, generation, start);
    uint64_t visited = m->counters.visited_objects;
    uint64_t finalizers = m->counters.finalizers;
    size_t uncollectable = 0;
    gc_event_record(
            &m->events, "begins a collection of generation", (uint64_t)generation);
    notify(m, GC_COLLECTION_START, generation, 0, 0);
    gc_pace_begin(heap);
    size_t collected = heap->collector->collect(m, generation, &uncollectable);
    gc_event_set_phase(&m->events, NULL);
    gc_event_record(&m->events, "ends the collection, dead:", collected);
    struct gc_generation *row = &heap->generations[generation];
    uint64_t end_ns = gc_os_now_ns();
    add(&heap->collector_cpu_ns, cpu_clock(m, generation, end_ns) - cpu);
    add(&heap->finalized, m->counters.finalizers - finalizers);
    add(&row->collections, 1);
    add(&row->collected, collected);
    add(&row->uncollectable, uncollectable);
    add(&row->candidates, m->counters.visited_objects - visited);
    add(&row->duration_ns, end_ns - start);
    add(&heap->collections, 1);
    gc_verify_collection(m, generation);
    notify(m, GC_COLLECTION_STOP, generation, collected, uncollectable);
    end(m);
    /* What was allocated meanwhile may have made the next collection due. */
    if (heap->collector->on_budget != NULL) gc_budget_flush(m);
    return (int64_t)(collected + uncollectable);
}

static bool has_worker(const struct gc_mutator *m)
{
    const struct gc_heap *heap = m->heap;
    return heap->collector->threaded && !gc_worker_is(&heap->worker, m);
}

/* `patient`: a collection that is under way is waited for, and another one follows. */
static int64_t ask_for(struct gc_mutator *m, int generation, bool patient)
{
    if (has_worker(m)) return gc_worker_collect(m, patient);
    if (patient) gc_collect_wait(m);
    return gc_collect_here(m, generation);
}

int64_t gc_collect(struct gc_mutator *m, int generation)
{
    if (generation < 0 || generation >= GC_GENERATIONS) return -EINVAL;
    gc_safepoint(m);
    return ask_for(m, generation, false);
}

void gc_collect_automatic(struct gc_mutator *m, int generation)
{
    if (!gc_is_enabled(m)) return;
    if (has_worker(m))
        gc_worker_ask(m);
    else
        gc_collect_here(m, generation);
}

void gc_collect_wait(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    if (has_worker(m)) {
        gc_worker_await(m);
        return;
    }
    if (gc_atomic_load_relaxed(&heap->collecting) == 0) return;
    if (gc_atomic_load_relaxed(&heap->collecting_mutator) == m) return; /* its own */
    gc_blocked_begin(m);
    gc_lock_acquire(&heap->registry_lock);
    while (gc_atomic_load_relaxed(&heap->collecting) != 0)
        gc_condition_wait(&heap->collected, &heap->registry_lock);
    gc_lock_release(&heap->registry_lock);
    gc_blocked_end(m);
}

void gc_quiesce(struct gc_mutator *m)
{
    for (int i = 0; i < 10; i++) {
        /* Those that collections run on other threads, and those that counts run here. */
        uint64_t there = gc_atomic_load_relaxed(&m->heap->finalized);
        uint64_t here = m->counters.finalizers;
        int64_t found = ask_for(m, GC_GENERATIONS - 1, true);
        if (found == 0 && m->counters.finalizers == here &&
                gc_atomic_load_relaxed(&m->heap->finalized) == there)
            return;
    }
}

void gc_enable(struct gc_mutator *m)
{
    gc_atomic_store_relaxed(&m->heap->disabled, 0);
}

void gc_disable(struct gc_mutator *m)
{
    gc_atomic_store_relaxed(&m->heap->disabled, 1);
}

bool gc_is_enabled(struct gc_mutator *m)
{
    return gc_atomic_load_relaxed(&m->heap->disabled) == 0;
}

int gc_threshold_set(struct gc_mutator *m, int generation, int threshold)
{
    if (generation < 0 || generation >= GC_GENERATIONS) return -EINVAL;
    gc_atomic_store_relaxed(&m->heap->generations[generation].threshold, threshold);
    if (generation == 0 && m->heap->collector->on_budget != NULL) gc_budget_flush(m);
    return 0;
}

int gc_threshold_get(struct gc_mutator *m, int generation)
{
    if (generation < 0 || generation >= GC_GENERATIONS) return -EINVAL;
    return gc_atomic_load_relaxed(&m->heap->generations[generation].threshold);
}

int gc_generation_count(struct gc_mutator *m, int generation)
{
    if (generation < 0 || generation >= GC_GENERATIONS) return -EINVAL;
    int count = gc_atomic_load_relaxed(&m->heap->generations[generation].count);
    if (generation == 0) count += m->budget_granted - m->budget;
    return count > 0 ? count : 0;
}

struct gc_generation_stats gc_generation_stats_get(struct gc_mutator *m, int generation)
{
    gc_require(generation >= 0 && generation < GC_GENERATIONS,
            "there is no generation %d", generation);
    const struct gc_generation *row = &m->heap->generations[generation];
    return (struct gc_generation_stats){
        .collections = gc_atomic_load_relaxed(&row->collections),
        .collected = gc_atomic_load_relaxed(&row->collected),
        .uncollectable = gc_atomic_load_relaxed(&row->uncollectable),
        .candidates = gc_atomic_load_relaxed(&row->candidates),
        .duration_ns = gc_atomic_load_relaxed(&row->duration_ns),
    };
}

void gc_freeze(struct gc_mutator *m)
{
    if (m->heap->collector->freeze != NULL) m->heap->collector->freeze(m);
}

void gc_unfreeze(struct gc_mutator *m)
{
    if (m->heap->collector->unfreeze != NULL) m->heap->collector->unfreeze(m);
}

size_t gc_freeze_count(struct gc_mutator *m)
{
    if (m->heap->collector->freeze_count == NULL) return 0;
    return m->heap->collector->freeze_count(m);
}

int gc_generation_of(struct gc_mutator *m, struct gc_object *object)
{
    if (m->heap->collector->generation_of == NULL) return -1;
    return m->heap->collector->generation_of(m, object);
}

void gc_save_all(struct gc_mutator *m, gc_garbage_fn keep, void *argument)
{
    m->heap->save_all = keep;
    m->heap->save_all_argument = argument;
}

void gc_observer_add(struct gc_mutator *m, struct gc_observer *observer)
{
    gc_lock_acquire(&m->heap->registry_lock);
    struct gc_observer **link = &m->heap->observers;
    while (*link != NULL)
        link = &(*link)->next;
    observer->next = NULL;
    observer->heard = m->heap->observed; /* it hears from the next event on */
    *link = observer;
    gc_atomic_fetch_add_relaxed(&m->heap->observer_count, 1);
    gc_lock_release(&m->heap->registry_lock);
}

void gc_observer_remove(struct gc_mutator *m, struct gc_observer *observer)
{
    gc_lock_acquire(&m->heap->registry_lock);
    struct gc_observer **link = &m->heap->observers;
    while (*link != NULL && *link != observer)
        link = &(*link)->next;
    if (*link != NULL) {
        *link = observer->next;
        gc_atomic_fetch_sub_relaxed(&m->heap->observer_count, 1);
    }
    gc_lock_release(&m->heap->registry_lock);
    gc_collect_wait(m); /* somebody may be about to call it */
}

static bool is_serial(const struct gc_heap *heap)
{
    return (heap->protocol->flags & GC_PROTOCOL_SERIAL) != 0;
}

/* The sum may grow to the threshold before it must be compared with it again: all of
 * the rest for a mutator that is alone, or that alone runs (it gives its budget back when
 * it is BLOCKED); a share of it where several run. */
static void grant(struct gc_mutator *m, int sum)
{
    struct gc_heap *heap = m->heap;
    int threshold = gc_atomic_load_relaxed(&heap->generations[0].threshold);
    int attached = (int)gc_atomic_load_relaxed(&heap->attached);
    int rest = threshold - sum;
    if (threshold == 0) rest = INT32_MAX / 2;
    if (attached > 1 && !is_serial(heap)) rest /= 2 * attached;
    if (rest < 0) rest = 0;
    m->budget = m->budget_granted = rest;
    m->budget_limit = rest + sum; /* where the sum would pass below 0 */
}

void gc_budget_postpone(struct gc_mutator *m)
{
    enum { SOME = 64 };
    m->budget += SOME;
    m->budget_granted += SOME;
    m->budget_limit += SOME;
}

void gc_budget_credit(struct gc_mutator *m, size_t count)
{
    int64_t budget = m->budget + (int64_t)count;
    m->budget = budget < m->budget_limit ? (int32_t)budget : m->budget_limit;
}

void gc_budget_reset_stw(struct gc_heap *heap)
{
    gc_atomic_store_relaxed(&heap->generations[0].count, 0);
    gc_for_each_mutator (m, heap) {
        if (gc_world_is_stopped_by(m) || !is_serial(heap))
            grant(m, 0);
        else
            m->budget = m->budget_granted = m->budget_limit = 0;
    }
}

void gc_budget_return(struct gc_mutator *m)
{
    if (m->heap->collector->on_budget == NULL || !is_serial(m->heap)) return;
    gc_budget_flush(m);
    m->budget = m->budget_granted = m->budget_limit = 0;
}

int gc_budget_flush(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    struct gc_generation *young = &heap->generations[0];
    int sum = gc_atomic_load_relaxed(&young->count);
    int next;
    do {
        next = sum + m->budget_granted - m->budget;
        if (next < 0) next = 0;
    } while (!gc_atomic_compare_exchange_relaxed(&young->count, &sum, next));
    grant(m, next);
    return next;
}
