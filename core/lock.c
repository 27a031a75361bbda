/* SPDX-License-Identifier: MIT */
/* lock.c - locks, conditions and threads, on pthreads or under the token. */
#include "core/lock.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

#include "core/os.h"
#include "core/schedule.h"
#include "core/situation.h"

/* The address of a thread's own variable names the thread; checked builds also
 * keep the ranks that it holds. Only slow paths take locks, so TLS is no cost. */
static _Thread_local struct {
    uint32_t held; /* one bit a rank */
} self;

static void rank_enter(const struct gc_lock *lock)
{
    if (GC_CHECK < 1) return;
    gc_assert((self.held >> lock->rank) == 0,
            "a lock of rank %d is taken while a lock of the same or a higher rank is "
            "held",
            (int)lock->rank);
    self.held |= 1u << lock->rank;
}

static void rank_leave(const struct gc_lock *lock)
{
    if (GC_CHECK < 1) return;
    self.held &= ~(1u << lock->rank);
}

static void must(int result, const char *what)
{
    gc_require(result == 0, "%s failed with error %d", what, result);
}

void gc_lock_init(struct gc_lock *lock, enum gc_lock_rank rank)
{
    must(pthread_mutex_init(&lock->mutex, NULL), "pthread_mutex_init");
    lock->rank = rank;
    lock->holder = NULL;
}

void gc_lock_finish(struct gc_lock *lock)
{
    must(pthread_mutex_destroy(&lock->mutex), "pthread_mutex_destroy");
}

static void acquire_unranked(struct gc_lock *lock)
{
    if (gc_schedule_is_active()) {
        while (lock->holder != NULL)
            gc_schedule_wait(lock, false);
    } else {
        must(pthread_mutex_lock(&lock->mutex), "pthread_mutex_lock");
    }
    lock->holder = &self;
}

static void release_unranked(struct gc_lock *lock)
{
    lock->holder = NULL;
    if (gc_schedule_is_active()) {
        gc_schedule_wake(lock, true);
    } else {
        must(pthread_mutex_unlock(&lock->mutex), "pthread_mutex_unlock");
    }
}

void gc_lock_acquire(struct gc_lock *lock)
{
    rank_enter(lock);
    acquire_unranked(lock);
}

bool gc_lock_try_acquire(struct gc_lock *lock)
{
    if (gc_schedule_is_active()) {
        if (lock->holder != NULL) return false;
    } else {
        int result = pthread_mutex_trylock(&lock->mutex);
        if (result == EBUSY) return false;
        must(result, "pthread_mutex_trylock");
    }
    rank_enter(lock);
    lock->holder = &self;
    return true;
}

void gc_lock_release(struct gc_lock *lock)
{
    gc_lock_assert_held(lock);
    rank_leave(lock);
    release_unranked(lock);
}

void gc_lock_assert_held(const struct gc_lock *lock)
{
    gc_assert(lock->holder == &self, "a lock of rank %d is not held", (int)lock->rank);
}

void gc_condition_init(struct gc_condition *condition)
{
    pthread_condattr_t attributes;
    must(pthread_condattr_init(&attributes), "pthread_condattr_init");
    must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC),
            "pthread_condattr_setclock");
    must(pthread_cond_init(&condition->condition, &attributes), "pthread_cond_init");
    must(pthread_condattr_destroy(&attributes), "pthread_condattr_destroy");
}

void gc_condition_finish(struct gc_condition *condition)
{
    must(pthread_cond_destroy(&condition->condition), "pthread_cond_destroy");
}

static bool wait_scheduled(
        struct gc_condition *condition, struct gc_lock *lock, bool timed)
{
    release_unranked(lock);
    bool woken = gc_schedule_wait(condition, timed);
    acquire_unranked(lock);
    return woken;
}

void gc_condition_wait(struct gc_condition *condition, struct gc_lock *lock)
{
    gc_lock_assert_held(lock);
    if (gc_schedule_is_active()) {
        wait_scheduled(condition, lock, false);
        return;
    }
    lock->holder = NULL;
    must(pthread_cond_wait(&condition->condition, &lock->mutex), "pthread_cond_wait");
    lock->holder = &self;
}

bool gc_condition_wait_ns(
        struct gc_condition *condition, struct gc_lock *lock, uint64_t ns)
{
    gc_lock_assert_held(lock);
    if (gc_schedule_is_active()) return wait_scheduled(condition, lock, true);
    uint64_t end = gc_os_now_ns() + ns;
    struct timespec until = {
        .tv_sec = (time_t)(end / 1000000000u),
        .tv_nsec = (long)(end % 1000000000u),
    };
    lock->holder = NULL;
    int result = pthread_cond_timedwait(&condition->condition, &lock->mutex, &until);
    lock->holder = &self;
    if (result != ETIMEDOUT) must(result, "pthread_cond_timedwait");
    return result == 0;
}

void gc_condition_signal(struct gc_condition *condition)
{
    if (gc_schedule_is_active()) {
        gc_schedule_wake(condition, false);
        return;
    }
    must(pthread_cond_signal(&condition->condition), "pthread_cond_signal");
}

void gc_condition_broadcast(struct gc_condition *condition)
{
    if (gc_schedule_is_active()) {
        gc_schedule_wake(condition, true);
        return;
    }
    must(pthread_cond_broadcast(&condition->condition), "pthread_cond_broadcast");
}

void gc_wait_until_ns(uint64_t ns)
{
    enum { AWAKE_NS = 100000 };
    uint64_t now = gc_os_now_ns();
    if (ns > now && ns - now > AWAKE_NS) {
        struct timespec until = {
            .tv_sec = (time_t)((ns - AWAKE_NS) / 1000000000u),
            .tv_nsec = (long)((ns - AWAKE_NS) % 1000000000u),
        };
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
            continue;
    }
    while (gc_os_now_ns() < ns)
        sched_yield();
}

const void *gc_thread_self(void)
{
    return &self;
}

void (*gc_thread_begins)(void);

static void *thread_main(void *argument)
{
    struct gc_thread *thread = argument;
    if (gc_thread_begins != NULL) gc_thread_begins();
    gc_schedule_enter(thread->task);
    thread->run(thread->argument);
    gc_schedule_leave(thread->task);
    return NULL;
}

int gc_thread_start(struct gc_thread *thread, void (*run)(void *argument), void *argument)
{
    thread->run = run;
    thread->argument = argument;
    thread->task = NULL;
    if (gc_os_must_refuse()) return -EAGAIN;
    if (gc_schedule_is_active() && !gc_schedule_add(&thread->task)) return -ENOMEM;
    int result = pthread_create(&thread->handle, NULL, thread_main, thread);
    if (result != 0) gc_schedule_remove(thread->task);
    return -result;
}

void gc_thread_join(struct gc_thread *thread)
{
    if (thread->task != NULL) gc_schedule_await_end(thread->task);
    must(pthread_join(thread->handle, NULL), "pthread_join");
    gc_schedule_remove(thread->task);
}
