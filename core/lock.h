/* SPDX-License-Identifier: MIT */
/* lock.h - every wait of the runtime: locks, conditions, threads.
 *
 * Locks are ranked: a thread may only take a lock of a higher rank than any that
 * it holds (asserted at GC_CHECK >= 1). While a deterministic schedule is active
 * (schedule.h) none of these calls touches a real lock: the token decides.
 */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/check.h"

/* In the order in which locks nest: what is taken later stands lower. */
enum gc_lock_rank {
    GC_RANK_COORDINATOR, /* one stop or handshake at a time; held across waits */
    GC_RANK_GLOBAL,      /* the global lock of `plain` */
    GC_RANK_WORKER,      /* what is asked of the collector thread */
    GC_RANK_REGISTRY,    /* mutators, global roots and observers of a heap */
    GC_RANK_WEAK,        /* the table of weak references */
    GC_RANK_SWEEP,       /* lists of blocks that are to be swept, or were */
    GC_RANK_BLOCKS,      /* regions and free blocks */
    GC_RANK_LOG,         /* chunks of a log that nobody uses */
    GC_RANK_TYPES,       /* the process-wide type table */
    GC_RANK_TRIAL,       /* the harness: its threads meet */
    GC_RANK_COUNT
};

struct gc_lock {
    pthread_mutex_t mutex;
    enum gc_lock_rank rank;
    /* Whoever holds it, for assertions and the scheduler: written by the holder
     * (under a schedule: by the holder of the token). */
    const void *holder;
};

struct gc_condition {
    pthread_cond_t condition;
};

GC_EXPORT void gc_lock_init(struct gc_lock *lock, enum gc_lock_rank rank);
GC_EXPORT void gc_lock_finish(struct gc_lock *lock);

/* Waits until the lock is free and takes it. Never under a lock of a higher rank. */
GC_EXPORT void gc_lock_acquire(struct gc_lock *lock);

/* Takes it only if it is free. */
GC_EXPORT bool gc_lock_try_acquire(struct gc_lock *lock) GC_NODISCARD;
GC_EXPORT void gc_lock_release(struct gc_lock *lock);

/* The first line of every function whose caller must hold `lock`. */
GC_EXPORT void gc_lock_assert_held(const struct gc_lock *lock);

GC_EXPORT void gc_condition_init(struct gc_condition *condition);
GC_EXPORT void gc_condition_finish(struct gc_condition *condition);

/* Gives up `lock`, waits for a signal (it may wake without one), takes it again. */
GC_EXPORT void gc_condition_wait(struct gc_condition *condition, struct gc_lock *lock);

/* The same for at most `ns` nanoseconds; false when they have passed. Under a
 * schedule time passes only when nobody can run. */
GC_EXPORT bool gc_condition_wait_ns(
        struct gc_condition *condition, struct gc_lock *lock, uint64_t ns);

GC_EXPORT void gc_condition_signal(struct gc_condition *condition);
GC_EXPORT void gc_condition_broadcast(struct gc_condition *condition);

/* Waits until gc_os_now_ns() is `ns` or later: asleep, and awake for the last tenth of a
 * millisecond, because who sleeps wakes up late; it lets others run meanwhile. A mutator
 * calls it in a blocked region. Under a schedule no other thread runs meanwhile. */
GC_EXPORT void gc_wait_until_ns(uint64_t ns);

/* A thread of the runtime or of the harness. */
struct gc_thread {
    pthread_t handle;
    void (*run)(void *argument);
    void *argument;
    struct gc_task *task; /* its place in a deterministic schedule, or NULL */
};

/* Starts run(argument) on a new thread; `thread` must live until it is joined.
 * Returns 0 or -errno. */
GC_EXPORT int gc_thread_start(struct gc_thread *thread, void (*run)(void *argument),
        void *argument) GC_NODISCARD;

/* Something that the calling thread alone has. Also in a handler of signals. */
const void *gc_thread_self(void);

/* Waits for the thread's end. A mutator calls it in a blocked region. */
GC_EXPORT void gc_thread_join(struct gc_thread *thread);

#endif
