/* SPDX-License-Identifier: MIT */
/* pace.c - who waits for a collection, and until when. */
#include "core/pace.h"

#include "core/collector.h"

void gc_pace_init(struct gc_heap *heap)
{
    gc_condition_init(&heap->pace.changed);
    gc_atomic_store_relaxed(&heap->pace.bytes, heap->collector->threaded ? SIZE_MAX : 0);
}

void gc_pace_finish(struct gc_heap *heap)
{
    gc_condition_finish(&heap->pace.changed);
}

void gc_pace_begin(struct gc_heap *heap)
{
    struct gc_pace *pace = &heap->pace;
    if (heap->collector->on_pressure == NULL) return;
    gc_lock_acquire(&heap->registry_lock);
    if (gc_atomic_load_relaxed(&pace->held) == 0) {
        pace->holds++;
        gc_atomic_store_relaxed(&pace->held, 1);
    }
    gc_lock_release(&heap->registry_lock);
}

void gc_pace_end(struct gc_heap *heap)
{
    struct gc_pace *pace = &heap->pace;
    if (gc_atomic_load_relaxed(&pace->held) == 0) return; /* nobody else ends it */
    gc_lock_acquire(&heap->registry_lock);
    gc_atomic_store_relaxed(&pace->held, 0);
    gc_condition_broadcast(&pace->changed);
    gc_lock_release(&heap->registry_lock);
}

void gc_pace_tell(struct gc_heap *heap)
{
    struct gc_pace *pace = &heap->pace;
    if (gc_atomic_load_relaxed(&pace->waiters) == 0) return;
    gc_lock_acquire(&heap->registry_lock);
    pace->news++;
    gc_condition_broadcast(&pace->changed);
    gc_lock_release(&heap->registry_lock);
}

void gc_pace_tell_freed(struct gc_heap *heap)
{
    struct gc_pace *pace = &heap->pace;
    if (gc_atomic_load_relaxed(&pace->waiters) == 0 ||
            gc_atomic_load_relaxed(&heap->bytes) > gc_atomic_load_relaxed(&pace->bytes))
        return;
    gc_lock_acquire(&heap->registry_lock);
    gc_condition_broadcast(&pace->changed);
    gc_lock_release(&heap->registry_lock);
}

/* A hint without the lock: who misses a hold that just begins waits at his next block. */
static bool has_to_wait(const struct gc_mutator *m, size_t bytes)
{
    struct gc_heap *heap = m->heap;
    const struct gc_pace *pace = &heap->pace;
    if (gc_likely(gc_atomic_load_relaxed(&pace->held) == 0)) return false;
    return gc_atomic_load_relaxed(&heap->bytes) + bytes >
                   gc_atomic_load_relaxed(&pace->bytes) &&
           gc_atomic_load_relaxed(&heap->collecting_mutator) != m &&
           !gc_worker_is(&heap->worker, m);
}

bool gc_pace_wait(struct gc_mutator *m, size_t bytes)
{
    struct gc_heap *heap = m->heap;
    struct gc_pace *pace = &heap->pace;
    if (!has_to_wait(m, bytes)) return false;
    uint64_t start = gc_stall_clock();
    gc_blocked_begin(m);
    gc_lock_acquire(&heap->registry_lock);
    const uint64_t hold = pace->holds, news = pace->news;
    bool waits = m->unpaced_hold != hold, has_waited = false;
    gc_atomic_fetch_add_relaxed(&pace->waiters, 1);
    while (waits && pace->holds == hold && pace->news == news && has_to_wait(m, bytes)) {
        has_waited = true;
        waits = gc_condition_wait_ns(
                &pace->changed, &heap->registry_lock, GC_PACE_PATIENCE_NS);
    }
    gc_atomic_fetch_sub_relaxed(&pace->waiters, 1);
    if (!waits) m->unpaced_hold = hold; /* (PC2) */
    gc_lock_release(&heap->registry_lock);
    gc_blocked_end(m);
    if (has_waited) gc_stall_record(m->stalls, GC_STALL_backpressure, start, 1);
    return has_waited;
}
