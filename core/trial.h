/* SPDX-License-Identifier: MIT */
/* trial.h - what the threads of a sample share: the half of a trial that is the harness's.
 * What workloads call is in harness.h.
 */
#ifndef CORE_TRIAL_H
#define CORE_TRIAL_H

#include <stdint.h>

#include "core/harness.h"
#include "core/lock.h"

/* Threads meet here; sense-reversing, under a lock. */
struct gc_trial_barrier {
    struct gc_lock lock;
    struct gc_condition all_here;
    uint32_t expected, arrived;
    uint64_t round;
};

void gc_trial_barrier_init(struct gc_trial_barrier *barrier, uint32_t expected);
void gc_trial_barrier_finish(struct gc_trial_barrier *barrier);

/* Waits for all others. Of a thread that is no mutator, or one that is BLOCKED. */
void gc_trial_barrier_meet(struct gc_trial_barrier *barrier);

/* The same of a running mutator, in a blocked region. */
void gc_trial_barrier_wait(struct gc_trial_barrier *barrier, struct gc_mutator *m);

#endif
