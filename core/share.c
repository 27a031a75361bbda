/* SPDX-License-Identifier: MIT */
/* share.c - offering parts, taking them, waiting for their end.
 *
 * A part's state is in the record of its home, so there is no number of a phase that
 * somebody who comes back could mistake: what is not OFFERED can't be taken, and the
 * stopper goes on only when nothing is OFFERED or TAKEN.
 *
 * Sync edges: [sync ST3] a part is offered, taken, and done
 */
#include "core/share.h"

#include "core/collector.h"
#include "core/mutant.h"
#include "core/os.h"

/* How long one looks out before one sleeps: some times what waking somebody up takes. */
#define WATCH_NS UINT64_C(200000)

enum {
    LOOKS_A_CLOCK = 64, /* looks between two readings of the clock */
    HEAD_START = 64,    /* looks that the stopper leaves a watcher to take its part */
    LOOKS_BEFORE_SLEEP = 4096,
    LOOKS_IN_SCHEDULE = 8,
};

void gc_share_prepare(struct gc_heap *heap)
{
    heap->parked_help = true;
    heap->share_watchers_most = gc_os_processors() - 1;
}

static bool take(struct gc_mutator *home)
{
    uint32_t offered = GC_SHARE_OFFERED;
    if (gc_broken(SHARE_BY_EXCHANGE)) {
        bool free = gc_atomic_load_relaxed(&home->share) == offered;
        gc_schedule_yield();
        if (free) gc_atomic_store_relaxed(&home->share, GC_SHARE_TAKEN);
        return free;
    }
    if (gc_atomic_load_relaxed(&home->share) != offered) return false;
    gc_schedule_yield(); /* between look and exchange */
    /* [sync ST3] acquire: what the stopper did before he offered it, heap->share included;
     * pairs with the store in offer_parts(). Test: core/share. */
    return gc_atomic_compare_exchange_acquire(&home->share, &offered, GC_SHARE_TAKEN);
}

static void finish(struct gc_mutator *home)
{
    gc_schedule_yield(); /* between the part and its end */
    /* [sync ST3] seq_cst, then the look at share_awaited (Dekker); as release it shows the
     * stopper what was done. Pairs with is_done(). */
    gc_atomic_store_seq_cst(&home->share, GC_SHARE_NONE);
}

static bool is_done(struct gc_mutator *home)
{
    /* [sync ST3] seq_cst: having set share_awaited (Dekker); as acquire it sees what was
     * done. Pairs with finish(). */
    return gc_atomic_load_seq_cst(&home->share) == GC_SHARE_NONE;
}

/* --- who is parked ----------------------------------------------------------------------- */

bool gc_share_is_offered(struct gc_mutator *m)
{
    /* [sync ST3] seq_cst: after the addition to claim_waiters (Dekker); pairs with the
     * store in offer_parts(). */
    return gc_atomic_load_seq_cst(&m->share) == GC_SHARE_OFFERED;
}

/* Waits a moment until parts may go on. */
static bool awaits_go(struct gc_heap *heap, const struct gc_share *share)
{
    const uint32_t most =
            gc_schedule_is_active() ? LOOKS_IN_SCHEDULE : LOOKS_BEFORE_SLEEP;
    for (uint32_t i = 0; i < most; i++) {
        enum gc_share_go go = share->may_go_on(heap, share->argument);
        if (go != GC_SHARE_NOT_YET) return go == GC_SHARE_GO_ON;
        gc_schedule_yield(); /* between looks */
        gc_os_relax();
    }
    return false;
}

/* One that was woken up may stand in the way of those it waits for, so it does not. */
void gc_share_help(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    if (!take(m)) return;
    const struct gc_share *share = heap->share;
    uint64_t start = gc_os_now_ns();
    share->run(m, share->argument);
    if (share->then != NULL && gc_share_looks_out(m) && awaits_go(heap, share))
        share->then(m, share->argument);
    m->share_ns = gc_os_now_ns() - start;
    m->counters.helped++;
    finish(m);
    /* [sync ST3] seq_cst: see finish(). */
    if (gc_atomic_load_seq_cst(&heap->share_awaited) == 0) return;
    gc_lock_acquire(&heap->registry_lock);
    gc_condition_broadcast(&heap->parked);
    gc_lock_release(&heap->registry_lock);
}

static bool may_return(struct gc_mutator *m)
{
    return gc_atomic_load_relaxed(&m->heap->stop_requested) == 0 &&
           (gc_atomic_load_relaxed(&m->state) & GC_MUTATOR_CLAIMED) == 0;
}

static bool is_anybody_running_but(const struct gc_mutator *m)
{
    gc_for_each_mutator (other, m->heap)
        if (other != m && gc_atomic_load_relaxed(&other->state) == GC_MUTATOR_RUNNING)
            return true;
    return false;
}

bool gc_share_watch_stop(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    if (heap->share_watchers_most == 0 || gc_schedule_is_active()) return false;
    gc_lock_release(&heap->registry_lock);
    for (int i = 0; i < LOOKS_BEFORE_SLEEP && is_anybody_running_but(m); i++)
        gc_os_relax();
    gc_lock_acquire(&heap->registry_lock);
    return true;
}

bool gc_share_watch(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    if (!heap->parked_help || gc_schedule_is_active()) return false;
    bool returns = false;
    uint32_t before = gc_atomic_fetch_add_relaxed(&heap->share_watchers, 1);
    if (before < heap->share_watchers_most) {
        uint64_t until = gc_os_now_ns() + WATCH_NS;
        gc_atomic_store_relaxed(&m->watches, 1);
        for (uint32_t looks = 1; !(returns = may_return(m)); looks++) {
            if (gc_atomic_load_relaxed(&m->share) == GC_SHARE_OFFERED) {
                gc_share_help(m);
                until = gc_os_now_ns() + WATCH_NS;
            }
            gc_os_relax();
            if (looks % LOOKS_A_CLOCK == 0 && gc_os_now_ns() > until) break;
        }
    }
    gc_atomic_store_relaxed(&m->watches, 0);
    gc_atomic_fetch_sub_relaxed(&heap->share_watchers, 1);
    return returns;
}

/* --- the stopper ------------------------------------------------------------------------- */

bool gc_share_looks_out(const struct gc_mutator *home)
{
    return gc_atomic_load_relaxed(&home->watches) != 0 || gc_schedule_is_active();
}

/* A watcher sees within a moment what is offered to it. */
static void give_head_start(struct gc_mutator *home)
{
    for (int i = 0; i < HEAD_START && gc_atomic_load_relaxed(&home->watches) != 0; i++) {
        if (gc_atomic_load_relaxed(&home->share) != GC_SHARE_OFFERED) return;
        gc_os_relax();
    }
}

static void await(struct gc_mutator *home)
{
    struct gc_heap *heap = home->heap;
    for (int i = 0; i < LOOKS_BEFORE_SLEEP && !gc_schedule_is_active(); i++) {
        if (is_done(home)) return;
        gc_os_relax();
    }
    gc_lock_acquire(&heap->registry_lock);
    /* [sync ST3] seq_cst, before the look (Dekker): pairs with gc_share_help(). */
    gc_atomic_store_seq_cst(&heap->share_awaited, 1);
    while (!is_done(home))
        gc_condition_wait(&heap->parked, &heap->registry_lock);
    gc_atomic_store_relaxed(&heap->share_awaited, 0);
    gc_lock_release(&heap->registry_lock);
}

static void wake_sleepers(struct gc_heap *heap)
{
    /* [sync ST3] seq_cst: after the offers (Dekker); pairs with gc_share_is_offered(). */
    if (gc_atomic_load_seq_cst(&heap->claim_waiters) == 0) return;
    gc_lock_acquire(&heap->registry_lock);
    gc_condition_broadcast(&heap->resumed);
    gc_lock_release(&heap->registry_lock);
}

static bool has_part(const struct gc_share *share, struct gc_mutator *home)
{
    return share->has_part == NULL || share->has_part(home, share->argument);
}

static void offer_parts(struct gc_mutator *m, const struct gc_share *share)
{
    m->heap->share = share;
    gc_for_each_mutator (home, m->heap) {
        const bool offered = has_part(share, home);
        home->share_ns = 0;
        home->share_own = offered && home == m;
        if (!offered || home == m) continue;
        /* [sync ST3] seq_cst, then the look at claim_waiters (Dekker): who is about to
         * sleep sees the offer, or is woken. As release it shows what was done before;
         * pairs with take() and gc_share_is_offered(). */
        gc_atomic_store_seq_cst(&home->share, GC_SHARE_OFFERED);
    }
    gc_schedule_yield(); /* between the offers and the stopper's own part */
    if (share->wake || gc_schedule_is_active()) wake_sleepers(m->heap);
}

/* The stopper's own part, and those that nobody has taken. */
static void run_own(struct gc_mutator *m, const struct gc_share *share)
{
    if (m->share_own) share->run(m, share->argument);
    gc_schedule_yield(); /* between his own part and the others' */
    gc_for_each_mutator (home, m->heap) {
        if (gc_atomic_load_relaxed(&home->share) != GC_SHARE_OFFERED) continue;
        give_head_start(home);
        home->share_own = take(home);
        if (home->share_own) share->run(home, share->argument);
    }
}

/* What he goes on with; what he took for others ends. */
static void finish_own(struct gc_mutator *m, const struct gc_share *share)
{
    const bool goes_on = share->then != NULL && awaits_go(m->heap, share);
    gc_for_each_mutator (home, m->heap) {
        if (!home->share_own) continue;
        if (goes_on) share->then(home, share->argument);
        if (home != m) finish(home);
    }
}

void gc_stop_share(struct gc_mutator *m, const struct gc_share *share)
{
    struct gc_heap *heap = m->heap;
    gc_assert(
            gc_world_is_stopped_by(m), "work is shared by who has not stopped the world");
    offer_parts(m, share);
    run_own(m, share);
    finish_own(m, share);
    gc_for_each_mutator (home, heap) {
        if (home == m) continue;
        await(home);
        if (home->share_ns > 0)
            gc_atomic_fetch_add_relaxed(&heap->collector_cpu_ns, home->share_ns);
    }
}
