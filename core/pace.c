/* SPDX-License-Identifier: MIT */
/* pace.c - who waits for a collection, and until when. */
#include "core/pace.h"

#include "core/collector.h"

void gc_pace_init(struct gc_heap *heap)
{
    heap->pace.patience_ns = GC_PACE_PATIENCE_NS;
    gc_condition_init(&heap->pace.changed);
}

void gc_pace_finish(struct gc_heap *heap)
{
    gc_condition_finish(&heap->pace.changed);
}

void gc_pace_ask(struct gc_heap *heap, bool is_asked)
{
    gc_atomic_store_relaxed(&heap->pace.asked, is_asked);
}

void gc_pace_begin(struct gc_heap *heap)
{
    gc_atomic_store_relaxed(&heap->pace.asked, 0);
    gc_atomic_store_relaxed(&heap->pace.lets_go, 0);
}

void gc_pace_end(struct gc_heap *heap)
{
    struct gc_pace *pace = &heap->pace;
    pace->ended++;
    gc_atomic_store_relaxed(&pace->lets_go, 0);
    gc_condition_broadcast(&pace->changed);
}

void gc_pace_let_go(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    struct gc_pace *pace = &heap->pace;
    if (gc_atomic_load_relaxed(&heap->collecting_mutator) != m) return;
    if (gc_atomic_load_relaxed(&pace->lets_go) != 0)
        return; /* it is the only one who writes */
    gc_lock_acquire(&heap->registry_lock);
    gc_atomic_store_relaxed(&pace->lets_go, 1);
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

/* Whether the heap may become larger by `bytes` at any time. */
static bool has_room(const struct gc_heap *heap, size_t bytes)
{
    size_t most = gc_atomic_load_relaxed(&heap->pace.bytes);
    if (most == 0) most = gc_atomic_load_relaxed(&heap->trigger_bytes);
    return most == 0 || gc_atomic_load_relaxed(&heap->bytes) + bytes <= most;
}

void gc_pace_tell_freed(struct gc_heap *heap)
{
    struct gc_pace *pace = &heap->pace;
    if (gc_atomic_load_relaxed(&pace->waiters) == 0 || !has_room(heap, GC_BLOCK_BYTES))
        return;
    gc_lock_acquire(&heap->registry_lock);
    gc_condition_broadcast(&pace->changed);
    gc_lock_release(&heap->registry_lock);
}

/* A hint without the lock: who misses a collection that just begins waits at his next block. */
static bool has_to_wait(const struct gc_mutator *m, size_t bytes)
{
    const struct gc_heap *heap = m->heap;
    const struct gc_pace *pace = &heap->pace;
    const bool is_coming = gc_atomic_load_relaxed(&heap->collecting) != 0 ||
                           gc_atomic_load_relaxed(&pace->asked) != 0;
    return is_coming && !has_room(heap, bytes) &&
           gc_atomic_load_relaxed(&pace->lets_go) == 0 &&
           gc_atomic_load_relaxed(&heap->collecting_mutator) != m &&
           !gc_worker_is(&heap->worker, m);
}

bool gc_pace_wait(struct gc_mutator *m, size_t bytes)
{
    struct gc_heap *heap = m->heap;
    struct gc_pace *pace = &heap->pace;
    if (heap->collector->on_pressure == NULL || !has_to_wait(m, bytes)) return false;
    uint64_t start = gc_stall_clock();
    gc_blocked_begin(m);
    gc_lock_acquire(&heap->registry_lock);
    const uint64_t ended = pace->ended, news = pace->news;
    bool is_patient = m->unpaced_until <= ended, has_waited = false;
    gc_atomic_fetch_add_relaxed(&pace->waiters, 1);
    while (is_patient && pace->ended == ended && pace->news == news &&
            has_to_wait(m, bytes)) {
        has_waited = true;
        is_patient = gc_condition_wait_ns(
                &pace->changed, &heap->registry_lock, pace->patience_ns);
    }
    gc_atomic_fetch_sub_relaxed(&pace->waiters, 1);
    if (!is_patient) m->unpaced_until = ended + 1; /* (PC2) */
    gc_lock_release(&heap->registry_lock);
    gc_blocked_end(m);
    if (has_waited) gc_stall_record(m->stalls, GC_STALL_backpressure, start, 1);
    return has_waited;
}
