/* SPDX-License-Identifier: MIT */
/* pace.c - who waits for a collection, and until when. */
#include "core/pace.h"

#include "core/collector.h"
#include "core/os.h"
#include "core/schedule.h"

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

/* Whether the collection waits for somebody who comes to no safepoint. Under the registry lock. */
static bool awaits_laggard(const struct gc_heap *heap)
{
    return gc_atomic_load_relaxed(&heap->shake_pending) != 0 &&
           !gc_schedule_is_active() &&
           gc_os_now_ns() - heap->handshake.posted_ns > GC_PACE_LAG_NS;
}

/* Until there is news, or the mutator need not wait any more, or has lost patience. False: it has
 * not waited at all. BLOCKED, under the registry lock. */
static bool await_news(struct gc_mutator *m, size_t bytes)
{
    struct gc_heap *heap = m->heap;
    struct gc_pace *pace = &heap->pace;
    const uint64_t ended = pace->ended, news = pace->news;
    uint64_t patience = m->unpaced_until <= ended ? pace->patience_ns : 0;
    bool has_waited = false;
    while (patience > 0 && pace->ended == ended && pace->news == news &&
            has_to_wait(m, bytes) && !awaits_laggard(heap)) {
        /* under a schedule there are no laggards to look for, nor is there time */
        const uint64_t look = gc_schedule_is_active() || patience < GC_PACE_LAG_NS
                                      ? patience
                                      : GC_PACE_LAG_NS;
        has_waited = true;
        if (!gc_condition_wait_ns(&pace->changed, &heap->registry_lock, look))
            patience -= look;
    }
    if (patience == 0) m->unpaced_until = ended + 1; /* (PC2) */
    return has_waited;
}

bool gc_pace_wait(struct gc_mutator *m, size_t bytes)
{
    struct gc_heap *heap = m->heap;
    struct gc_pace *pace = &heap->pace;
    if (heap->collector->on_pressure == NULL || !has_to_wait(m, bytes)) return false;
    uint64_t start = gc_stall_clock();
    gc_blocked_begin(m);
    gc_lock_acquire(&heap->registry_lock);
    gc_atomic_fetch_add_relaxed(&pace->waiters, 1);
    const bool has_waited = await_news(m, bytes);
    gc_atomic_fetch_sub_relaxed(&pace->waiters, 1);
    gc_lock_release(&heap->registry_lock);
    gc_blocked_end(m);
    if (has_waited) gc_stall_record(m->stalls, GC_STALL_backpressure, start, 1);
    return has_waited;
}
