/* SPDX-License-Identifier: MIT */
/* grace.c - grace periods, over liburcu.
 *
 * The only file that knows its grace periods. Debian's is not instrumented: ThreadSanitizer is told
 * of its edges here. Under a deterministic schedule nobody awaits a grace period: what is in
 * limbo is given back by stops alone.
 */
#include "core/grace.h"

#include <urcu/urcu-qsbr.h>

#include "core/block.h"
#include "core/mutant.h"
#include "core/os.h"
#include "core/safepoint.h"

#if GC_TSAN
#    include <sanitizer/tsan_interface.h>
static char edge; /* its address stands for all grace periods */
#    define edge_before() __tsan_release(&edge)
#    define edge_after()  __tsan_acquire(&edge)
#else
#    define edge_before() ((void)0)
#    define edge_after()  ((void)0)
#endif

/* liburcu has one state a thread. Only for the assertion; slow paths, so TLS is no cost. */
static _Thread_local bool entered;

void gc_grace_enter(struct gc_heap *heap)
{
    if (!heap->type_stable) return;
    gc_require(!entered, "a thread enters a second heap with racing loads");
    entered = true;
    urcu_qsbr_register_thread(); /* which also puts it online */
    edge_before();
    urcu_qsbr_thread_offline();
}

void gc_grace_leave(struct gc_heap *heap)
{
    if (!heap->type_stable) return;
    entered = false;
    edge_before();
    urcu_qsbr_unregister_thread();
}

void gc_grace_online(struct gc_mutator *m)
{
    if (m->heap->type_stable) urcu_qsbr_thread_online();
}

void gc_grace_offline(struct gc_mutator *m)
{
    if (!m->heap->type_stable) return;
    edge_before();
    urcu_qsbr_thread_offline();
}

void gc_grace_quiet(struct gc_mutator *m)
{
    if (!m->heap->type_stable) return;
    edge_before();
    urcu_qsbr_quiescent_state();
}

/* The bit stays until the period is over: who was quiet before it began has to be quiet once
 * more. */
static void await_grace_period(struct gc_heap *heap)
{
    gc_lock_acquire(&heap->registry_lock);
    heap->grace_awaited = true;
    gc_for_each_mutator (m, heap)
        gc_atomic_fetch_or_relaxed(&m->poll, GC_POLL_QUIET);
    gc_lock_release(&heap->registry_lock);
    edge_before();
    urcu_qsbr_synchronize_rcu();
    edge_after();
    gc_lock_acquire(&heap->registry_lock);
    heap->grace_awaited = false;
    gc_for_each_mutator (m, heap)
        gc_atomic_fetch_and_relaxed(&m->poll, ~(uint32_t)GC_POLL_QUIET);
    gc_lock_release(&heap->registry_lock);
}

/* What limbo holds at one time becomes ripe together. Blocks are given back by mutators
 * alone: this thread is none, so it must not touch them while the world is stopped. */
static void serve(void *argument)
{
    struct gc_heap *heap = argument;
    gc_lock_acquire(&heap->blocks_lock);
    for (;;) {
        while (heap->limbo == NULL && !heap->grace_ends)
            gc_condition_wait(&heap->limbo_filled, &heap->blocks_lock);
        if (heap->grace_ends) break;
        heap->limbo_aging = heap->limbo;
        heap->limbo = NULL;
        gc_lock_release(&heap->blocks_lock);
        await_grace_period(heap);
        gc_lock_acquire(&heap->blocks_lock);
        gc_blocks_ripen(heap);
    }
    gc_lock_release(&heap->blocks_lock);
}

void gc_grace_ask(struct gc_heap *heap)
{
    gc_lock_assert_held(&heap->blocks_lock);
    if (!heap->grace_runs && !gc_schedule_is_active())
        heap->grace_runs = gc_thread_start(&heap->grace_thread, serve, heap) == 0;
    gc_condition_signal(&heap->limbo_filled);
}

void gc_grace_finish(struct gc_heap *heap)
{
    if (!heap->grace_runs) return;
    gc_lock_acquire(&heap->blocks_lock);
    heap->grace_ends = true;
    gc_condition_signal(&heap->limbo_filled);
    gc_lock_release(&heap->blocks_lock);
    gc_thread_join(&heap->grace_thread);
}
