/* SPDX-License-Identifier: MIT */
/* worker.c - the collector thread: its life, and who waits for it.
 *
 * Every wait here is one of a mutator, in a blocked region: also those of the thread itself.
 */
#include "core/worker.h"

#include "core/collector.h"

void gc_worker_init(struct gc_heap *heap)
{
    struct gc_worker *worker = &heap->worker;
    gc_lock_init(&worker->lock, GC_RANK_WORKER);
    gc_condition_init(&worker->changed);
}

/* Waits for something to do; false: there will be nothing more. */
static bool await_request(struct gc_mutator *m, struct gc_worker *worker)
{
    gc_blocked_begin(m);
    gc_lock_acquire(&worker->lock);
    while (!worker->asked && !gc_worker_is_ending(worker))
        gc_condition_wait(&worker->changed, &worker->lock);
    bool goes_on = !gc_worker_is_ending(worker);
    if (goes_on) {
        worker->asked = false;
        worker->begun++;
    }
    gc_lock_release(&worker->lock);
    gc_blocked_end(m);
    return goes_on;
}

static void serve(struct gc_mutator *m, void *argument)
{
    struct gc_worker *worker = argument;
    gc_atomic_store_relaxed(&worker->m, m);
    while (await_request(m, worker)) {
        int64_t result = gc_collect_here(m, GC_GENERATIONS - 1);
        gc_lock_acquire(&worker->lock);
        worker->result = result;
        worker->ended = worker->begun;
        gc_pace_ask(m->heap, worker->asked); /* it may have found another one under way */
        gc_condition_broadcast(&worker->changed);
        gc_lock_release(&worker->lock);
    }
    gc_atomic_store_relaxed(&worker->m, NULL);
}

/* Ends the thread, if there is one. Nobody asks for a collection meanwhile. */
static void end(struct gc_worker *worker)
{
    gc_lock_acquire(&worker->lock);
    if (worker->state == GC_WORKER_NONE) {
        gc_lock_release(&worker->lock);
        return;
    }
    gc_atomic_store_relaxed(&worker->ends, true);
    gc_condition_broadcast(&worker->changed);
    gc_lock_release(&worker->lock);
    gc_join(NULL, &worker->thread);
    worker->state = GC_WORKER_NONE;
    gc_atomic_store_relaxed(&worker->ends, false);
}

/* A schedule begins or ends: the next request starts a thread that belongs to what comes. */
static void end_guest(void *argument)
{
    struct gc_worker *worker = argument;
    gc_require(!worker->asked && worker->begun == worker->ended,
            "a deterministic schedule begins or ends during a collection");
    end(worker);
}

void gc_worker_end(struct gc_heap *heap)
{
    gc_schedule_guest_remove(&heap->worker.guest);
    end(&heap->worker);
}

void gc_worker_finish(struct gc_heap *heap)
{
    struct gc_worker *worker = &heap->worker;
    gc_condition_finish(&worker->changed);
    gc_lock_finish(&worker->lock);
}

/* Makes sure that there is a thread, or that one is being started. False: none can be had. */
static bool start(struct gc_mutator *m)
{
    struct gc_worker *worker = &m->heap->worker;
    gc_lock_acquire(&worker->lock);
    bool is_first = worker->state == GC_WORKER_NONE;
    if (is_first) worker->state = GC_WORKER_STARTING;
    gc_lock_release(&worker->lock);
    if (!is_first) return true;
    int result = gc_spawn(m, &worker->thread, serve, worker, NULL);
    gc_lock_acquire(&worker->lock);
    worker->state = result == 0 ? GC_WORKER_THERE : GC_WORKER_NONE;
    gc_condition_broadcast(&worker->changed);
    gc_lock_release(&worker->lock);
    if (result == 0) gc_schedule_guest_add(&worker->guest, end_guest, worker);
    return result == 0;
}

void gc_worker_ask(struct gc_mutator *m)
{
    struct gc_worker *worker = &m->heap->worker;
    if (!start(m)) {
        gc_collect_here(m, GC_GENERATIONS - 1);
        return;
    }
    gc_lock_acquire(&worker->lock);
    worker->asked = true;
    gc_pace_ask(m->heap, true);
    gc_condition_broadcast(&worker->changed);
    gc_lock_release(&worker->lock);
}

/* Under the lock, in a blocked region. False: there is no thread after all. */
static bool await_end_of(struct gc_worker *worker, uint64_t number)
{
    while (worker->ended < number && worker->state != GC_WORKER_NONE)
        gc_condition_wait(&worker->changed, &worker->lock);
    return worker->ended >= number;
}

int64_t gc_worker_collect(struct gc_mutator *m, bool patient)
{
    struct gc_worker *worker = &m->heap->worker;
    if (!start(m)) return gc_collect_here(m, GC_GENERATIONS - 1);
    gc_blocked_begin(m);
    gc_lock_acquire(&worker->lock);
    int64_t result = 0;
    bool served =
            worker->begun > worker->ended && !patient; /* another one is under way */
    if (!served) {
        worker->asked = true;
        gc_condition_broadcast(&worker->changed);
        served = await_end_of(worker, worker->begun + 1); /* (CT2) */
        result = worker->result;
    }
    gc_lock_release(&worker->lock);
    gc_blocked_end(m);
    return served ? result : gc_collect_here(m, GC_GENERATIONS - 1);
}

bool gc_worker_await(struct gc_mutator *m)
{
    struct gc_worker *worker = &m->heap->worker;
    if (gc_worker_is(worker, m)) return false;
    gc_blocked_begin(m);
    gc_lock_acquire(&worker->lock);
    uint64_t last = worker->begun + worker->asked;
    bool waits = last > worker->ended && worker->state != GC_WORKER_NONE;
    if (waits) await_end_of(worker, last);
    gc_lock_release(&worker->lock);
    gc_blocked_end(m);
    return waits;
}
