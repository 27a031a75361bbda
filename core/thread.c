/* SPDX-License-Identifier: MIT */
/* thread.c - a mutator's life: attach or adopt, spawn, exit.
 *
 * Sync edges: [sync ST2] a mutator leaves BLOCKED or EXITED, or is claimed there
 *             [sync MU1] a record is complete before it is in the list of all
 */
#include "core/thread.h"

#include <errno.h>

#include "core/collector.h"
#include "core/grace.h"
#include "core/home.h"
#include "core/mutant.h"
#include "core/os.h"

static void record_free(struct gc_mutator *m)
{
    gc_sweep_home_finish(m);
    gc_stall_log_free(m->stalls);
    gc_os_free(m);
}

static struct gc_mutator *record_new(struct gc_heap *heap, uint32_t number)
{
    struct gc_mutator *m = gc_os_alloc(sizeof(*m));
    if (m == NULL) return NULL;
    m->stalls = gc_stall_log_new();
    if (m->stalls == NULL) {
        gc_os_free(m);
        return NULL;
    }
    m->heap = heap;
    m->number = number;
    m->birth_count = heap->protocol->birth_count;
    m->prefix_bytes = heap->collector->prefix_bytes;
    m->cyclic_runs = &m->runs[1][m->prefix_bytes / GC_GRANULE];
    m->birth_links = heap->collector->birth == GC_BIRTH_LINK;
    gc_list_init(&m->young);
    gc_atomic_init(&m->poll, 0);
    gc_atomic_init(&m->state, GC_MUTATOR_EXITED);
    if (gc_sweep_home_start(m) != 0 ||
            (heap->protocol->home_start != NULL && heap->protocol->home_start(m) != 0)) {
        record_free(m);
        return NULL;
    }
    m->free_count = (heap->protocol->flags & GC_PROTOCOL_LEAVES_COUNTS) != 0
                            ? m->birth_count
                            : GC_COUNT_DEAD;
    if (heap->collector->home_start != NULL && heap->collector->home_start(m) != 0) {
        if (heap->protocol->home_finish != NULL) heap->protocol->home_finish(m);
        record_free(m);
        return NULL;
    }
    return m;
}

/* An EXITED record that nobody has claimed but a stop, made BLOCKED. What has been posted is
 * in its poll word, like in any other's; an answer that it owes to a handshake it still owes.
 * Registry lock. */
static struct gc_mutator *adopt(struct gc_heap *heap)
{
    gc_for_each_mutator (m, heap) {
        if (m->stop_claimed && gc_atomic_load_relaxed(&m->state) ==
                                       (GC_MUTATOR_EXITED | GC_MUTATOR_CLAIMED)) {
            /* [sync ST2] seq_cst: the stop keeps its claim, and gives back what it finds
             * here, under the registry lock; pairs with gc_stop_end(). */
            gc_atomic_store_seq_cst(
                    &m->state, (uint32_t)(GC_MUTATOR_BLOCKED | GC_MUTATOR_CLAIMED));
            return m;
        }
        uint32_t expected = GC_MUTATOR_EXITED;
        /* [sync ST2] seq_cst: against a stop's claim of the same record; pairs with
         * the exchange in gc_home_claim(), and, as acquire, with the store of the
         * thread that exited. Test: core/thread. */
        if (gc_atomic_compare_exchange_seq_cst(&m->state, &expected, GC_MUTATOR_BLOCKED))
            return m;
    }
    return NULL;
}

/* A new record, at the end of the list of all, that knows what has been posted, and counts as
 * having answered. Registry lock. */
static struct gc_mutator *append_new(struct gc_heap *heap)
{
    struct gc_mutator *m = record_new(heap, heap->mutator_count);
    if (m == NULL) return NULL;
    heap->mutator_count++;
    bool stopped = gc_atomic_load_relaxed(&heap->stopper) != NULL;
    m->stop_claimed = stopped && !gc_broken(BORN_CLAIMED);
    gc_atomic_store_relaxed(&m->state,
            (uint32_t)(m->stop_claimed ? GC_MUTATOR_BLOCKED | GC_MUTATOR_CLAIMED
                                       : GC_MUTATOR_BLOCKED));
    bool requested = gc_atomic_load_relaxed(&heap->stop_requested) != 0;
    gc_atomic_store_relaxed(
            &m->poll, (requested ? (uint32_t)GC_POLL_STOP : 0) |
                              (heap->grace_awaited ? (uint32_t)GC_POLL_QUIET : 0));
    gc_atomic_store_relaxed(&m->answered, heap->handshake.number);
    _Atomic(struct gc_mutator *) *link = &heap->mutators;
    for (struct gc_mutator *at; (at = gc_atomic_load_relaxed(link)) != NULL;)
        link = &at->next;
    /* [sync MU1] release: pairs with the acquire in gc_for_each_mutator. */
    gc_atomic_store_release(link, m);
    return m;
}

/* Makes a BLOCKED record (CLAIMED, if the world is stopped). NULL when there is no memory. */
static struct gc_mutator *enrol(struct gc_heap *heap)
{
    gc_lock_acquire(&heap->registry_lock);
    struct gc_mutator *m = adopt(heap);
    if (m == NULL) m = append_new(heap);
    if (m != NULL) {
        m->alone = gc_atomic_fetch_add_relaxed(&heap->attached, 1) == 0;
        if (m->alone) {
            heap->alone = m;
            gc_atomic_fetch_and_relaxed(&m->poll, ~(uint32_t)GC_POLL_JOINED);
        }
    }
    gc_lock_release(&heap->registry_lock);
    return m;
}

/* (MU2) by the mutator itself, or who has claimed it. Registry lock. */
static void join(struct gc_mutator *alone)
{
    alone->alone = false;
    alone->heap->alone = NULL;
    gc_condition_broadcast(&alone->heap->parked);
}

/* Waits until whoever was alone knows of `m`, which does not run yet. */
static void await_joined(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    struct gc_mutator *alone;
    gc_lock_acquire(&heap->registry_lock);
    while ((alone = heap->alone) != NULL && alone != m) {
        gc_atomic_fetch_or_relaxed(&alone->poll, GC_POLL_JOINED);
        /* It is BLOCKED or EXITED: we act for it. Otherwise it answers at a safepoint, or
         * wakes us when it parks. */
        if (gc_home_claim(alone)) {
            join(alone);
            gc_lock_release(&heap->registry_lock);
            gc_home_release(alone, NULL);
            gc_lock_acquire(&heap->registry_lock);
        } else {
            gc_condition_wait_ns(&heap->parked, &heap->registry_lock, 1000000);
        }
    }
    gc_lock_release(&heap->registry_lock);
}

void gc_joined(struct gc_mutator *m)
{
    gc_lock_acquire(&m->heap->registry_lock);
    if (m->alone) join(m);
    gc_lock_release(&m->heap->registry_lock);
}

/* By the thread whose record it is from now on. */
static void take_over(struct gc_mutator *m)
{
    m->events.thread = gc_thread_self();
    gc_event_record(&m->events, "becomes a mutator", GC_EVENT_NO_NUMBER);
}

int gc_attach(struct gc_heap *heap, struct gc_mutator **ret_mutator)
{
    struct gc_mutator *m = enrol(heap);
    if (m == NULL) return -ENOMEM;
    if (!gc_broken(ALONE_TOLD)) await_joined(m);
    take_over(m);
    gc_grace_enter(heap);
    gc_blocked_end(m);
    *ret_mutator = m;
    return 0;
}

/* The record becomes EXITED: whose thread ends. */
static void retire(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_schedule_yield(); /* between the last look and EXITED */
    gc_lock_acquire(&heap->registry_lock);
    if (m->alone) join(m);
    gc_atomic_fetch_sub_relaxed(&heap->attached, 1);
    /* [sync ST2] seq_cst store, then the look at the arrivals below (Dekker): as for BLOCKED
     * in gc_park(); who waits for it is woken in any case. Everything that this
     * thread did to its home comes before what an adopter or who claims it does. Pairs with
     * adopt() and gc_home_claim(). Test: core/thread. */
    gc_atomic_store_seq_cst(&m->state, GC_MUTATOR_EXITED);
    gc_condition_broadcast(&heap->parked);
    gc_lock_release(&heap->registry_lock);
    if (!gc_broken(LOOK_AFTER_EXIT)) gc_home_look(m, NULL); /* (H1) */
}

/* Something was sent meanwhile that only a running mutator can settle: comes back for it,
 * like an adopter, unless somebody has claimed the record, or adopted it, who will look. */
static bool return_from_exit(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    uint32_t expected = GC_MUTATOR_EXITED;
    gc_lock_acquire(&heap->registry_lock);
    /* [sync ST2] seq_cst: against a claim, and, under the lock, an adoption. */
    bool back =
            gc_atomic_compare_exchange_seq_cst(&m->state, &expected, GC_MUTATOR_BLOCKED);
    if (back) gc_atomic_fetch_add_relaxed(&heap->attached, 1);
    gc_lock_release(&heap->registry_lock);
    if (!back) return false;
    await_joined(m); /* (MU2): somebody may have come meanwhile, and found nobody */
    gc_grace_enter(heap);
    gc_blocked_end(m);
    gc_home_drain(m, m);
    return true;
}

/* Drops and sends what is left, and lets go of everything but the record. */
static void leave(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    if (!gc_broken(EXIT_SETTLES)) gc_settle(m); /* may allocate */
    if (heap->collector->on_budget != NULL) gc_budget_flush(m);
    m->budget = m->budget_limit = m->budget_granted = 0; /* an adopter asks first */
    gc_runs_flush(m);
    gc_blocks_retire(m);
    gc_grace_leave(heap);
    /* The lock goes first: once the record is EXITED it may be another thread's. A stop in
     * between waits for us, who need no lock but the registry's. */
    if (heap->protocol->leave != NULL) heap->protocol->leave(m);
    retire(m);
}

void gc_detach(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_require(m->frames == NULL, "a mutator exits with frames left");
    gc_require(m->root_callbacks == NULL, "a mutator exits with root callbacks left");
    gc_safepoint(m);
    gc_event_record(&m->events, "exits", GC_EVENT_NO_NUMBER);
    if (m->start != NULL) {
        struct gc_object *start = m->start;
        m->start = NULL;
        if (heap->protocol->drop != NULL) heap->protocol->drop(m, start);
    }
    gc_assert(m->deferred_count == 0, "a mutator exits with references to drop");
    if (heap->collector->thread_exit != NULL) heap->collector->thread_exit(m);
    do {
        leave(m);
    } while (!gc_broken(LOOK_AFTER_EXIT) && gc_home_was_sent(m) && return_from_exit(m));
}

static void spawned(void *argument)
{
    struct gc_mutator_thread *thread = argument;
    struct gc_mutator *m = thread->mutator;
    take_over(m);
    gc_grace_enter(m->heap);
    gc_blocked_end(m);
    thread->run(m, thread->argument);
    gc_detach(m);
}

/* A BLOCKED record whose thread never ran becomes EXITED again: by exchange, for it may be
 * claimed meanwhile. By its parent, who waits for a stop's end if need be. */
static void give_up(struct gc_mutator *parent, struct gc_mutator *child)
{
    struct gc_heap *heap = child->heap;
    gc_blocked_begin(parent);
    gc_lock_acquire(&heap->registry_lock);
    gc_atomic_fetch_sub_relaxed(&heap->attached, 1);
    for (;;) {
        uint32_t blocked = GC_MUTATOR_BLOCKED;
        /* [sync ST2] seq_cst: as in retire(). */
        if (gc_atomic_compare_exchange_seq_cst(
                    &child->state, &blocked, GC_MUTATOR_EXITED))
            break;
        gc_condition_wait_ns(&heap->resumed, &heap->registry_lock, 1000000);
    }
    gc_condition_broadcast(&heap->parked);
    gc_lock_release(&heap->registry_lock);
    gc_blocked_end(parent);
}

int gc_spawn(struct gc_mutator *m, struct gc_mutator_thread *thread,
        void (*run)(struct gc_mutator *m, void *argument), void *argument,
        struct gc_object *reference)
{
    struct gc_heap *heap = m->heap;
    struct gc_mutator *child = enrol(heap);
    if (child == NULL) return -ENOMEM;
    gc_joined(m);        /* it runs not before we have started its thread */
    gc_schedule_yield(); /* it is BLOCKED: others may claim it */
    if (reference != NULL && heap->protocol->take != NULL)
        heap->protocol->take(m, reference);
    gc_atomic_slot_store_relaxed(
            &child->start, reference); /* it may be scanned just now */
    *thread = (struct gc_mutator_thread){
        .mutator = child,
        .run = run,
        .argument = argument,
    };
    int result = gc_thread_start(&thread->thread, spawned, thread);
    if (result != 0) {
        child->start = NULL;
        if (reference != NULL && heap->protocol->drop != NULL)
            heap->protocol->drop(m, reference);
        give_up(m, child);
    }
    return result;
}

void gc_join(struct gc_mutator *m, struct gc_mutator_thread *thread)
{
    if (m != NULL) gc_blocked_begin(m);
    gc_thread_join(&thread->thread);
    if (m != NULL) gc_blocked_end(m);
}
