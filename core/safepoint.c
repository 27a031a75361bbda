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
 *                  but for its state and its waiting, under a claim (home.h), or where
 *                  the stopper shares his work (share.h).
 *             (S3) who is RUNNING and may use the heap is online (grace.h).
 * Sync edges: [sync ST1] a stop is requested, against a mutator that parks
 *             [sync ST2] a mutator leaves BLOCKED or EXITED, or is claimed there
 *             [sync HS1] a handshake is posted, against a mutator that parks
 *             [sync HO2] what was sent home comes before the poll bit that says so
 */
#include "core/safepoint.h"

#include "core/collector.h"
#include "core/grace.h"
#include "core/handshake.h"
#include "core/home.h"
#include "core/mutant.h"
#include "core/os.h"
#include "core/share.h"

void gc_park(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_budget_return(m);
    gc_grace_offline(m);
    /* [sync ST2] seq_cst store of BLOCKED, then [sync ST1] [sync HS1] seq_cst loads of the
     * requests (Dekker): either who asks sees BLOCKED, or we see the request and wake
     * him. Pairs with the stores in gc_stop_begin() and gc_handshake(), and with
     * gc_home_claim(). Test: core/safepoint. */
    gc_atomic_store_seq_cst(&m->state, GC_MUTATOR_BLOCKED);
    gc_schedule_yield(); /* between publish and look */
    bool awaited = gc_atomic_load_seq_cst(&heap->stop_requested) != 0;
    awaited |= gc_atomic_load_seq_cst(&heap->shake_pending) != 0;
    if (heap->protocol->leave != NULL) heap->protocol->leave(m);
    if (awaited) {
        gc_lock_acquire(&heap->registry_lock);
        gc_condition_broadcast(&heap->parked);
        gc_lock_release(&heap->registry_lock);
    }
    if (!gc_broken(LOOK_AFTER_BLOCK)) gc_home_look(m, NULL); /* (H1) */
}

static void park(struct gc_mutator *m)
{
    if (!gc_broken(SETTLE_FIRST)) gc_settle(m);
    gc_park(m);
}

/* Something was sent that only a running mutator can settle: comes back for it, unless
 * somebody has claimed the record, who will look. */
static bool unpark(struct gc_mutator *m)
{
    uint32_t expected = GC_MUTATOR_BLOCKED;
    /* [sync ST2] seq_cst: as in try_return(). A stop that is asked for waits for us. */
    if (!gc_atomic_compare_exchange_seq_cst(&m->state, &expected, GC_MUTATOR_RUNNING))
        return false;
    gc_grace_online(m);
    gc_home_drain(m, m);
    return true;
}

void gc_blocked_begin(struct gc_mutator *m)
{
    gc_assert(gc_atomic_load_relaxed(&m->state) == GC_MUTATOR_RUNNING,
            "a blocked region begins on a mutator that does not run");
    do {
        park(m);
    } while (!gc_broken(LOOK_AFTER_BLOCK) && gc_home_was_sent(m) && unpark(m));
    gc_event_record(&m->events, "is blocked", GC_EVENT_NO_NUMBER);
}

/* BLOCKED -> RUNNING, unless a stop is asked for or somebody has claimed the record. */
static bool try_return(struct gc_mutator *m)
{
    if (gc_atomic_load_relaxed(&m->heap->stop_requested) != 0 && !gc_broken(BORN_CLAIMED))
        return false;
    gc_schedule_yield(); /* between look and return */
    if (gc_broken(RETURN_BY_EXCHANGE)) {
        gc_atomic_store_relaxed(&m->state, GC_MUTATOR_RUNNING);
        return true;
    }
    uint32_t expected = GC_MUTATOR_BLOCKED;
    /* [sync ST2] seq_cst: against a claim; as acquire it sees what was done for us
     * meanwhile. Pairs with gc_home_claim(), give_back() and gc_stop_end(). */
    return gc_atomic_compare_exchange_seq_cst(&m->state, &expected, GC_MUTATOR_RUNNING);
}

static void await_return(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    if (gc_share_watch(m)) return;
    gc_lock_acquire(&heap->registry_lock);
    /* [sync ST2] seq_cst, before the look at the state (Dekker): pairs with give_back(). */
    gc_atomic_fetch_add_seq_cst(&heap->claim_waiters, 1);
    /* [sync ST2] seq_cst: see above. */
    while (gc_atomic_load_relaxed(&heap->stop_requested) != 0 ||
            (gc_atomic_load_seq_cst(&m->state) & GC_MUTATOR_CLAIMED) != 0) {
        if (gc_share_is_offered(m)) {
            gc_lock_release(&heap->registry_lock);
            gc_share_help(m);
            gc_lock_acquire(&heap->registry_lock);
        } else {
            gc_condition_wait(&heap->resumed, &heap->registry_lock);
        }
    }
    /* [sync ST2] seq_cst, like the addition. */
    gc_atomic_fetch_sub_seq_cst(&heap->claim_waiters, 1);
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
        if (held_up_since == 0) held_up_since = gc_stall_clock();
        await_return(m);
    }
    gc_event_record(&m->events, "goes on", GC_EVENT_NO_NUMBER);
    gc_grace_online(m); /* (S3): not before it is RUNNING, or a stop would not see it */
    if (held_up_since != 0) gc_stall_record(m->stalls, GC_STALL_stop, held_up_since, 0);
}

void gc_safepoint_slow(struct gc_mutator *m)
{
    const uint32_t parks = GC_POLL_STOP | GC_POLL_SWITCH;
    const uint32_t stays = parks | GC_POLL_QUIET; /* others take these bits away */
    gc_schedule_yield();
    uint32_t poll;
    while (((poll = gc_atomic_load_relaxed(&m->poll)) & ~(uint32_t)GC_POLL_QUIET) != 0) {
        if (gc_broken(POLL_AT_ONCE)) gc_schedule_yield();
        /* [sync HO2] acquire: pairs with the release in gc_home_tell(). One step: a bit
         * that comes after the look above would be lost otherwise. */
        uint32_t taken = gc_atomic_fetch_and_acquire(&m->poll, stays);
        if (!gc_broken(POLL_AT_ONCE)) poll = taken;
        gc_settle(m);
        gc_home_drain(m, m);
        if ((poll & GC_POLL_SHAKE) != 0) gc_handshake_answer(m);
        if ((poll & GC_POLL_JOINED) != 0) gc_joined(m);
        if ((poll & parks) == 0) continue;
        gc_blocked_begin(m);
        gc_blocked_end(m);
    }
    if ((poll & GC_POLL_QUIET) !=
            0) { /* as often as it comes, until the period is over */
        gc_settle(m);
        gc_grace_quiet(m);
    }
}

/* One claim of a stop's pass. False: the mutator is still running. */
static bool claim(struct gc_mutator *m)
{
    if (m->stop_claimed) return true;
    if (gc_broken(STOP_CLAIMS_BLOCKED) &&
            gc_atomic_load_relaxed(&m->state) == GC_MUTATOR_BLOCKED)
        return true;
    if (gc_broken(STOP_CLAIMS_EXITED) &&
            gc_atomic_load_relaxed(&m->state) == GC_MUTATOR_EXITED)
        return true;
    m->stop_claimed = gc_home_claim(m);
    return m->stop_claimed;
}

static bool claim_all(struct gc_mutator *stopper)
{
    bool all = true;
    gc_for_each_mutator (m, stopper->heap)
        if (m != stopper && !claim(m)) all = false;
    return all;
}

void gc_coordinator_acquire(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    if (gc_lock_try_acquire(&heap->coordinator)) return;
    if (gc_broken(COORDINATOR_BLOCKED)) {
        gc_lock_acquire(&heap->coordinator);
        return;
    }
    gc_park(m); /* whose holder looks at all queues in the end */
    gc_lock_acquire(&heap->coordinator);
    gc_blocked_end(m);
}

/* What is at home only while the world is stopped: arrivals, and, since nobody holds a
 * stale reference now, empty blocks. */
static void take_in_stw(struct gc_mutator *m)
{
    gc_for_each_mutator (home, m->heap)
        gc_home_drain(home, m);
    gc_blocks_reclaim_stw(m->heap);
}

void gc_stop_begin(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_require(
            gc_atomic_load_relaxed(&heap->stopper) != m, "a stop begins inside a stop");
    gc_settle(m); /* no code of the program may run under the coordinator lock */
    gc_coordinator_acquire(m);
    uint64_t asked_ns = gc_stall_clock();
    gc_event_record(&m->events, "asks for a stop", GC_EVENT_NO_NUMBER);
    gc_lock_acquire(&heap->registry_lock);
    /* [sync ST1] seq_cst store of the request, then the seq_cst claims (Dekker): pairs
     * with gc_park(). */
    gc_atomic_store_seq_cst(&heap->stop_requested, 1);
    gc_for_each_mutator (other, heap)
        if (other != m) gc_atomic_fetch_or_relaxed(&other->poll, GC_POLL_STOP);
    gc_schedule_yield(); /* between the request and the first pass */
    bool waited = false;
    while (!claim_all(m)) {
        if (waited || !gc_share_watch_stop(m))
            gc_condition_wait(&heap->parked, &heap->registry_lock);
        waited = true;
    }
    gc_atomic_store_relaxed(&heap->stopper, m);
    heap->stop_started_ns = waited ? gc_stall_clock() : asked_ns;
    gc_lock_release(&heap->registry_lock);
    m->counters.stop_wait_ns += heap->stop_started_ns - asked_ns;
    gc_event_record(&m->events, "has stopped the world", GC_EVENT_NO_NUMBER);
    gc_schedule_yield(); /* the world is stopped: others may wait, but not run */
    if (heap->type_stable) take_in_stw(m);
}

void gc_stop_end(struct gc_mutator *m, uint64_t work)
{
    const uint64_t start_ns = m->heap->stop_started_ns; /* the next stop writes its own */
    m->counters.stops++;
    gc_stall_record(m->stalls, GC_STALL_stop, start_ns, work);
    gc_stop_end_unlogged(m);
    m->counters.stop_ns += gc_stall_clock() - start_ns;
}

void gc_stop_end_unlogged(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_require(gc_atomic_load_relaxed(&heap->stopper) == m,
            "a stop ends that did not begin");
    gc_event_record(&m->events, "lets the world go on", GC_EVENT_NO_NUMBER);
    gc_lock_acquire(&heap->registry_lock);
    gc_atomic_store_relaxed(&heap->stopper, NULL);
    /* [sync ST1] seq_cst: the same pair; who parks now need not wake anybody. */
    gc_atomic_store_seq_cst(&heap->stop_requested, 0);
    gc_for_each_mutator (other, heap) {
        gc_atomic_fetch_and_relaxed(&other->poll, ~(uint32_t)GC_POLL_STOP);
        if (!other->stop_claimed) continue;
        other->stop_claimed = false;
        uint32_t state = gc_atomic_load_relaxed(&other->state);
        /* [sync ST2] seq_cst: gives the claim back; as release it shows the owner all
         * that was done for him. Pairs with his return. */
        gc_atomic_store_seq_cst(&other->state, state & ~(uint32_t)GC_MUTATOR_CLAIMED);
        gc_schedule_yield(); /* this one may run, and send to those that are claimed */
    }
    gc_condition_broadcast(&heap->resumed);
    gc_lock_release(&heap->registry_lock);
    gc_lock_release(&heap->coordinator);
    /* (H1): something may have been sent before the last claim was given back. */
    if (!heap->type_stable || gc_broken(STOP_LOOKS)) return;
    gc_for_each_mutator (other, heap)
        if (other != m) gc_home_look(other, m);
}
