/* SPDX-License-Identifier: MIT */
/* schedule.h - the deterministic scheduler of checked builds: one token, one runner.
 *
 * Between gc_schedule_begin() and gc_schedule_end() only the thread that holds the
 * token runs; the others wait. The token moves, in a fixed order, at yield points
 * and whenever its holder waits for a lock, a condition or a thread's end. The
 * same program therefore interleaves in the same way each time, and a state in
 * which nobody can run is reported as the deadlock that it is.
 *
 * Policies: round robin, in the order in which the threads were started, where `period`
 * says at each how manieth yield point the token moves; random from a seed, where it
 * moves at one in `period` yield points, to any thread that can run; or by priorities that a
 * seed gives, where of those that can run the highest does, until one of a few points that
 * the seed chooses puts it last: a bug that takes d threads' steps in a certain order is
 * found with few such changes, with a probability that is known (PCT). The same seed
 * gives the same interleaving.
 *
 * In release builds is_active() is the constant false, and all of it folds away.
 */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/check.h"

struct gc_task;

/* Set by begin and end while one thread runs; constant in between. */
GC_EXPORT extern bool gc_schedule_active;

/* See gc_schedule_disturb(). */
GC_EXPORT extern uint32_t gc_schedule_noise;

static inline bool gc_schedule_is_active(void)
{
    return GC_CHECK >= 1 && gc_schedule_active;
}

/* Makes the calling thread the holder of the token. No other thread of the
 * runtime may exist. False in release builds, and when memory is exhausted. */
GC_EXPORT bool gc_schedule_begin(uint32_t period);
GC_EXPORT bool gc_schedule_begin_random(uint64_t seed, uint32_t period);

/* By priorities, which change at `changes` (GC_SCHEDULE_CHANGES at most) of the first `length`
 * yield points. */
enum { GC_SCHEDULE_CHANGES = 16 };
GC_EXPORT bool gc_schedule_begin_priorities(
        uint64_t seed, uint32_t changes, uint32_t length);

/* While one thread runs, under a schedule and for this one: at about one in `period` times
 * that the token is passed on, one that waits is woken for no reason. 0 ends that. */
GC_EXPORT void gc_schedule_wake_early(uint32_t period);

/* Of the way that the token has gone: the same hash, the same schedule. Also after its end. */
GC_EXPORT uint64_t gc_schedule_hash(void);

/* Logical time: places at which the token could have moved so far. Who holds it. */
GC_EXPORT uint64_t gc_schedule_now(void);

/* Ends the schedule; all threads started under it must have been joined. Returns
 * the number of times that the token moved. */
GC_EXPORT uint64_t gc_schedule_end(void);

/* A thread of the runtime that outlives a schedule, or began before it: ended, by
 * end(argument), when one begins and when one ends. It must be idle then. */
struct gc_schedule_guest {
    void (*end)(void *argument); /* NULL: not known here */
    void *argument;
    struct gc_schedule_guest *next;
};
void gc_schedule_guest_add(
        struct gc_schedule_guest *guest, void (*end)(void *argument), void *argument);
void gc_schedule_guest_remove(struct gc_schedule_guest *guest);

/* For races on real threads, without a schedule: from now on a thread gives up its processor
 * at about one in `period` yield points; 0 ends that. Release builds ignore it. While one
 * thread runs. */
GC_EXPORT void gc_schedule_disturb(uint32_t period);

/* A place where another thread may run. Any thread, holding whatever locks. */
GC_EXPORT void gc_schedule_yield_slow(void);

static inline void gc_schedule_yield(void)
{
    if (GC_CHECK >= 1 && (gc_schedule_active || gc_schedule_noise != 0))
        gc_schedule_yield_slow();
}

/* For lock.c. Waiting is for an address; true when woken, false when a `timed`
 * wait ended because time, which is counted in turns here, was up. */
bool gc_schedule_wait(const void *address, bool timed);
void gc_schedule_wake(const void *address, bool all);

/* For lock.c: a thread's life. add() is called by its parent, enter() and leave()
 * by itself, await_end() and remove() by who joins it. NULL is allowed. */
bool gc_schedule_add(struct gc_task **ret_task);
void gc_schedule_enter(struct gc_task *task);
void gc_schedule_leave(struct gc_task *task);
void gc_schedule_await_end(struct gc_task *task);
void gc_schedule_remove(struct gc_task *task);

#endif
