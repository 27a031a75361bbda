/* SPDX-License-Identifier: MIT */
/* handshake.c - posting, answering, and answering for others.
 *
 * Sync edges: [sync HS1] a handshake is posted, against a mutator that parks
 *             [sync HS2] an answer, and what the function has done
 */
#include "core/handshake.h"

#include "core/collector.h"
#include "core/home.h"
#include "core/mutant.h"
#include "core/os.h"

static bool has_answered(struct gc_mutator *m, uint64_t number)
{
    /* [sync HS2] acquire: pairs with the release in answer(). */
    return gc_atomic_load_acquire(&m->answered) >= number;
}

/* By who may act for the mutator. */
static void answer(struct gc_mutator *m, const struct gc_handshake *handshake)
{
    m->shake_work = 1;
    handshake->run(m, handshake->argument);
    gc_schedule_yield(); /* between the answer and its mark */
    /* [sync HS2] release: what run() did is seen by who asked; pairs with
     * has_answered(). */
    gc_atomic_store_release(&m->answered, handshake->number);
}

void gc_handshake_answer(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_lock_acquire(&heap->registry_lock);
    struct gc_handshake handshake = heap->handshake;
    gc_lock_release(&heap->registry_lock);
    if (has_answered(m, handshake.number) && !gc_broken(SHAKE_ONCE)) return;
    uint64_t start = gc_stall_clock();
    gc_event_record(&m->events, "answers handshake", handshake.number);
    answer(m, &handshake);
    gc_stall_record(m->stalls, GC_STALL_handshake, start, m->shake_work);
    gc_lock_acquire(&heap->registry_lock);
    gc_condition_broadcast(&heap->parked);
    gc_lock_release(&heap->registry_lock);
}

/* Waits until `other` has answered, or answers for it. */
static void await(struct gc_mutator *m, struct gc_mutator *other,
        const struct gc_handshake *handshake, void (*meanwhile)(struct gc_mutator *m))
{
    enum { PATIENCE_NS = 1000000 };
    struct gc_heap *heap = other->heap;
    while (!has_answered(other, handshake->number)) {
        if (!gc_broken(SHAKE_BLOCKED) && gc_home_claim(other)) {
            if (!has_answered(other, handshake->number)) answer(other, handshake);
            gc_home_release(other, NULL); /* `m` is BLOCKED: see below */
            return;
        }
        gc_lock_acquire(&heap->registry_lock);
        /* [sync HS1] seq_cst: after the post (Dekker), as in gc_home_claim(). */
        uint32_t state = gc_atomic_load_seq_cst(&other->state);
        bool can_claim = state == GC_MUTATOR_BLOCKED || state == GC_MUTATOR_EXITED;
        if (gc_broken(SHAKE_BLOCKED)) can_claim = false;
        /* Who parks from now on sees shake_pending, and wakes us under the lock. */
        bool waits = !can_claim && !has_answered(other, handshake->number);
        if (waits && meanwhile == NULL)
            gc_condition_wait(&heap->parked, &heap->registry_lock);
        else if (waits)
            gc_condition_wait_ns(&heap->parked, &heap->registry_lock, PATIENCE_NS);
        gc_lock_release(&heap->registry_lock);
        if (!waits || meanwhile == NULL) continue;
        gc_blocked_end(m); /* no stop can be under way: the coordinator lock is ours */
        meanwhile(m);
        gc_blocked_begin(m);
    }
}

/* Posts a handshake, answers for `m`, and awaits all others. */
static void shake(struct gc_mutator *m, void (*run)(struct gc_mutator *m, void *argument),
        void *argument, const void *phase, void (*meanwhile)(struct gc_mutator *m))
{
    struct gc_heap *heap = m->heap;
    uint64_t start = gc_stall_clock();
    gc_coordinator_acquire(m);
    gc_lock_acquire(&heap->registry_lock);
    struct gc_handshake handshake = {
        .run = run,
        .argument = argument,
        .number = heap->handshake.number + 1,
        .posted_ns = gc_os_now_ns(),
    };
    heap->handshake = handshake;
    if (phase != NULL) heap->phase = phase;
    /* [sync HS1] seq_cst store, then the seq_cst claims (Dekker): pairs with the load in
     * gc_park(). */
    gc_atomic_store_seq_cst(&heap->shake_pending, 1);
    gc_for_each_mutator (other, heap)
        if (other != m) gc_atomic_fetch_or_relaxed(&other->poll, GC_POLL_SHAKE);
    gc_lock_release(&heap->registry_lock);
    gc_event_record(&m->events, "asks for handshake", handshake.number);
    answer(m, &handshake);
    if (gc_broken(SHAKE_QUIET)) /* what has been sent is dropped before */
        gc_blocked_begin(m);
    else
        gc_park(m); /* no code of the program may run under the coordinator lock */
    gc_for_each_mutator (other, heap)
        if (other != m) await(m, other, &handshake, meanwhile);
    gc_atomic_store_relaxed(&heap->shake_pending, 0);
    gc_event_record(&m->events, "has all answers to", handshake.number);
    gc_blocked_end(m);
    gc_lock_release(&heap->coordinator);
    gc_for_each_mutator (
            other, heap) /* (H1): what was sent to those that we had claimed */
        if (other != m) gc_home_look(other, m);
    m->counters.handshakes++;
    if (!gc_worker_is(&heap->worker, m)) /* it holds up no program */
        gc_stall_record(m->stalls, GC_STALL_handshake, start, m->shake_work);
}

void gc_handshake_unsettled(struct gc_mutator *m,
        void (*run)(struct gc_mutator *m, void *argument), void *argument)
{
    shake(m, run, argument, NULL, NULL);
}

void gc_handshake(struct gc_mutator *m, void (*run)(struct gc_mutator *m, void *argument),
        void *argument)
{
    gc_settle(m);
    shake(m, run, argument, NULL, NULL);
}

void gc_handshake_phase(struct gc_mutator *m,
        void (*run)(struct gc_mutator *m, void *argument), void *argument,
        void (*meanwhile)(struct gc_mutator *m))
{
    gc_settle(m);
    shake(m, run, argument, argument, meanwhile);
}
