/* SPDX-License-Identifier: MIT */
/* gate.h - something that mutators wait for, blocked, until a test opens it; on real
 * threads and under a schedule. The including file is compiled for some protocol. */
#ifndef TESTS_GATE_H
#define TESTS_GATE_H

#include "core/lock.h"
#include "core/safepoint.h"

struct gate {
    struct gc_lock lock;
    struct gc_condition changed;
    uint32_t passed; /* lock: how many have come */
    bool open;       /* lock */
};

static inline void gate_init(struct gate *gate)
{
    *gate = (struct gate){ .open = false };
    gc_lock_init(&gate->lock, GC_RANK_TRIAL);
    gc_condition_init(&gate->changed);
}

static inline void gate_finish(struct gate *gate)
{
    gc_condition_finish(&gate->changed);
    gc_lock_finish(&gate->lock);
}

static inline void gate_open(struct gate *gate)
{
    gc_lock_acquire(&gate->lock);
    gate->open = true;
    gc_condition_broadcast(&gate->changed);
    gc_lock_release(&gate->lock);
}

/* Waits until the gate is open. In a blocked region. */
static inline void gate_wait(struct gate *gate)
{
    gc_lock_acquire(&gate->lock);
    gate->passed++;
    gc_condition_broadcast(&gate->changed);
    while (!gate->open)
        gc_condition_wait(&gate->changed, &gate->lock);
    gc_lock_release(&gate->lock);
}

/* The same on a running mutator. */
static inline void gate_pass(struct gate *gate, struct gc_mutator *m)
{
    gc_blocked_begin(m);
    gate_wait(gate);
    gc_blocked_end(m);
}

/* Blocks until n mutators wait at the gate. */
static inline void gate_await(struct gate *gate, struct gc_mutator *m, uint32_t n)
{
    gc_blocked_begin(m);
    gc_lock_acquire(&gate->lock);
    while (gate->passed < n)
        gc_condition_wait(&gate->changed, &gate->lock);
    gc_lock_release(&gate->lock);
    gc_blocked_end(m);
}

#endif
