/* SPDX-License-Identifier: MIT */
/* safepoint.c - stopping mutators: polls, blocked regions, stop-the-world.
 *
 * A mutator that waits is BLOCKED, whatever it waits for. A stop claims every record,
 * exited ones included, in passes under the registry lock; it stands when one pass
 * leaves none unclaimed. Under a serial protocol the stopper holds the global lock, so
 * everybody else is BLOCKED already and the first pass suffices.
 *
 * Invariants: (S1) between gc_stop_begin() and gc_stop_end() no record but the
 *                  stopper's is RUNNING, and none becomes it.
 *             (S2) a mutator that is not RUNNING touches neither heap nor record,
 *                  but for its state and its waiting.
 * Sync edges: [sync ST1] a stop is requested, against a mutator that parks
 *             [sync ST2] a mutator leaves BLOCKED or EXITED, or is claimed there
 */
#include "core/safepoint.h"

#include "core/collector.h"
#include "core/os.h"

void gc_blocked_begin(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_assert(gc_atomic_load_relaxed(&m->state) == GC_MUTATOR_RUNNING,
            "a blocked region begins on a mutator that does not run");
    gc_budget_return(m);
    /* [sync ST2] seq_cst store of BLOCKED, then [sync ST1] seq_cst load of the request
     * (Dekker): either the stopper's pass sees BLOCKED, or we see the request and wake
     * him. Pairs with the store and the claim in gc_stop_begin(). Test: core/safepoint. */
    gc_atomic_store_seq_cst(&m->state, GC_MUTATOR_BLOCKED);
    gc_schedule_yield(); /* between publish and look */
    bool requested = gc_atomic_load_seq_cst(&heap->stop_requested) != 0;
    if (heap->protocol->leave != NULL) heap->protocol->leave(m);
    if (requested) {
        gc_lock_acquire(&heap->registry_lock);
        gc_condition_broadcast(&heap->parked);
        gc_lock_release(&heap->registry_lock);
    }
}

/* BLOCKED -> RUNNING, unless a stop is asked for or has claimed the record. */
static bool try_return(struct gc_mutator *m)
{
    if (gc_atomic_load_relaxed(&m->heap->stop_requested) != 0) return false;
    uint32_t expected = GC_MUTATOR_BLOCKED;
    /* [sync ST2] seq_cst: against the claim in gc_stop_begin(); as acquire it sees what
     * was done for us meanwhile. Pairs with that claim and its return. */
    return gc_atomic_compare_exchange_seq_cst(&m->state, &expected, GC_MUTATOR_RUNNING);
}

static void await_resume(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_lock_acquire(&heap->registry_lock);
    while (gc_atomic_load_relaxed(&heap->stop_requested) != 0 ||
            gc_atomic_load_relaxed(&m->state) == GC_MUTATOR_CLAIMED)
        gc_condition_wait(&heap->resumed, &heap->registry_lock);
    gc_lock_release(&heap->registry_lock);
}

void gc_blocked_end(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    uint64_t held_up_since = 0;
    for (;;) {
        if (heap->protocol->enter != NULL) heap->protocol->enter(m);
        gc_schedule_yield(); /* between the wait and the return */
        if (try_return(m)) break;
        if (heap->protocol->leave != NULL) heap->protocol->leave(m);
        if (held_up_since == 0) held_up_since = gc_os_now_ns();
        await_resume(m);
    }
    if (held_up_since != 0) gc_stall_record(m->stalls, GC_STALL_stop, held_up_since, 0);
}

void gc_safepoint_slow(struct gc_mutator *m)
{
    gc_schedule_yield();
    while (gc_atomic_load_relaxed(&m->poll) != 0) {
        gc_blocked_begin(m);
        gc_blocked_end(m);
    }
}

/* One claim of a stop's pass. False: the mutator is still running. */
static bool claim(struct gc_mutator *m)
{
    uint32_t state = gc_atomic_load_relaxed(&m->state);
    if (state == GC_MUTATOR_CLAIMED) return true;
    if (state == GC_MUTATOR_RUNNING) return false;
    m->claimed_from = state;
    /* [sync ST2] seq_cst: against the owner's return, an adoption, and each other's
     * view of BLOCKED; as acquire it sees all that the owner did before. Pairs with the
     * stores in gc_blocked_begin() and thread.c. Test: core/safepoint. */
    return gc_atomic_compare_exchange_seq_cst(&m->state, &state, GC_MUTATOR_CLAIMED);
}

static bool claim_all(struct gc_mutator *stopper)
{
    bool all = true;
    gc_for_each_mutator (m, stopper->heap)
        if (m != stopper && !claim(m)) all = false;
    return all;
}

/* The coordinator lock is held across waits, so it is awaited in a blocked region. */
static void acquire_coordinator(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    if (gc_lock_try_acquire(&heap->coordinator)) return;
    gc_blocked_begin(m);
    gc_lock_acquire(&heap->coordinator);
    gc_blocked_end(m);
}

void gc_stop_begin(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_require(heap->stopper != m, "a stop begins inside a stop");
    acquire_coordinator(m);
    uint64_t asked_ns = gc_os_now_ns();
    gc_lock_acquire(&heap->registry_lock);
    /* [sync ST1] seq_cst store of the request, then the seq_cst claims (Dekker): pairs
     * with gc_blocked_begin(). */
    gc_atomic_store_seq_cst(&heap->stop_requested, 1);
    gc_for_each_mutator (other, heap)
        if (other != m) gc_atomic_fetch_or_relaxed(&other->poll, GC_POLL_STOP);
    gc_schedule_yield(); /* between the request and the first pass */
    while (!claim_all(m))
        gc_condition_wait(&heap->parked, &heap->registry_lock);
    heap->stopper = m;
    heap->stop_started_ns = gc_os_now_ns();
    gc_lock_release(&heap->registry_lock);
    m->counters.stops++;
    m->counters.stop_wait_ns += heap->stop_started_ns - asked_ns;
}

void gc_stop_end(struct gc_mutator *m, uint64_t work)
{
    gc_stall_record(m->stalls, GC_STALL_stop, m->heap->stop_started_ns, work);
    gc_stop_end_unlogged(m);
}

void gc_stop_end_unlogged(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_require(heap->stopper == m, "a stop ends that did not begin");
    gc_lock_acquire(&heap->registry_lock);
    heap->stopper = NULL;
    /* [sync ST1] seq_cst: the same pair; who parks now need not wake anybody. */
    gc_atomic_store_seq_cst(&heap->stop_requested, 0);
    gc_for_each_mutator (other, heap) {
        if (other == m) continue;
        gc_atomic_fetch_and_relaxed(&other->poll, ~(uint32_t)GC_POLL_STOP);
        /* [sync ST2] seq_cst: gives the claim back; as release it shows the owner all
         * that was done for him. Pairs with his return. */
        gc_atomic_store_seq_cst(&other->state, other->claimed_from);
    }
    gc_condition_broadcast(&heap->resumed);
    gc_lock_release(&heap->registry_lock);
    gc_lock_release(&heap->coordinator);
}
