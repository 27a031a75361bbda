/* SPDX-License-Identifier: MIT */
/* edges.c - locks, threads and memory of the runtime, as the simulated memory sees them.
 *
 * The linker sends each call of these functions from elsewhere here (--wrap).
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/lock.h"
#include "core/os.h"
#include "core/schedule.h"
#include "tests/weak/inside.h"

#define WRAP(type, name, ...)                                                            \
    type __real_##name(__VA_ARGS__);                                                     \
    type __wrap_##name(__VA_ARGS__);                                                     \
    type __wrap_##name(__VA_ARGS__)

WRAP(bool, gc_schedule_begin_random, uint64_t seed, uint32_t period)
{
    if (!__real_gc_schedule_begin_random(seed, period)) return false;
    weak_memory_begin(seed);
    return true;
}

WRAP(uint64_t, gc_schedule_end, void)
{
    uint64_t moves = __real_gc_schedule_end();
    weak_memory_end();
    return moves;
}

/* --- locks --------------------------------------------------------------------------------- */

WRAP(void, gc_lock_acquire, struct gc_lock *lock)
{
    __real_gc_lock_acquire(lock);
    weak_edge_in(lock);
}

WRAP(bool, gc_lock_try_acquire, struct gc_lock *lock)
{
    bool taken = __real_gc_lock_try_acquire(lock);
    if (taken) weak_edge_in(lock);
    return taken;
}

WRAP(void, gc_lock_release, struct gc_lock *lock)
{
    weak_edge_out(lock);
    __real_gc_lock_release(lock);
}

WRAP(void, gc_condition_wait, struct gc_condition *condition, struct gc_lock *lock)
{
    weak_edge_out(lock);
    __real_gc_condition_wait(condition, lock);
    weak_edge_in(lock);
}

WRAP(bool, gc_condition_wait_ns, struct gc_condition *condition, struct gc_lock *lock,
        uint64_t ns)
{
    weak_edge_out(lock);
    bool woken = __real_gc_condition_wait_ns(condition, lock, ns);
    weak_edge_in(lock);
    return woken;
}

WRAP(int, pthread_once, pthread_once_t *control, void (*run)(void))
{
    int result = __real_pthread_once(control, run);
    weak_edge_in(control);
    weak_edge_out(control);
    return result;
}

/* --- threads ------------------------------------------------------------------------------- */

/* A thread of a run, from its start until it is joined. */
struct start {
    const struct gc_thread *thread;
    void (*run)(void *argument);
    void *argument;
};
static struct start starts[WEAK_THREADS];

static void run_started(void *argument)
{
    const struct start *start = argument;
    weak_thread_begin((uint32_t)(start - starts));
    start->run(start->argument);
    weak_thread_end();
}

WRAP(int, gc_thread_start, struct gc_thread *thread, void (*run)(void *argument),
        void *argument)
{
    if (!weak_is_on()) return __real_gc_thread_start(thread, run, argument);
    struct start *start = &starts[weak_thread_make()];
    *start = (struct start){ thread, run, argument };
    return __real_gc_thread_start(thread, run_started, start);
}

WRAP(void, gc_thread_join, struct gc_thread *thread)
{
    __real_gc_thread_join(thread);
    if (!weak_is_on()) return;
    for (uint32_t i = 0; i < WEAK_THREADS; i++) {
        if (starts[i].thread != thread) continue;
        weak_thread_joined(i);
        starts[i].thread = NULL;
    }
}

/* --- memory -------------------------------------------------------------------------------- */

WRAP(void *, gc_os_alloc, size_t bytes)
{
    void *p = __real_gc_os_alloc(bytes);
    if (p != NULL) weak_forget(p, bytes);
    return p;
}

WRAP(void *, gc_os_realloc, void *old, size_t bytes)
{
    void *p = __real_gc_os_realloc(old, bytes);
    if (p != NULL) weak_forget(p, bytes);
    return p;
}

WRAP(void *, gc_os_map, size_t bytes, size_t alignment)
{
    void *p = __real_gc_os_map(bytes, alignment);
    if (p != NULL) weak_forget(p, bytes);
    return p;
}

/* What the instrumented sources call memset (-D), which the compiler does not report. */
void *weak_memset(void *p, int byte, size_t size);
void *weak_memset(void *p, int byte, size_t size)
{
    if (weak_is_on()) weak_note(p, size, WEAK_WRITES, __builtin_return_address(0));
    return memset(p, byte, size);
}
