/* SPDX-License-Identifier: MIT */
/* workers.h - threads of a program: the second worker's, those that come and go, and one that
 * sleeps through all of it.
 *
 * Included by execute.c alone, once per protocol.
 */
#ifndef TESTS_PROGRAM_WORKERS_H
#define TESTS_PROGRAM_WORKERS_H

#include <sched.h>

#include "core/schedule.h"
#include "tests/program/act.h"
#include "tests/program/racers.h"
#include "tests/program/shape.h"
#include "tests/program/watch.h"

enum { SECOND = 1, CHURNED = 2, SLEEPER = 3 };

/* execute.c */
static void run_operations(struct actor *x, size_t first, size_t end, int only);

/* Lets others run: in turns under a schedule, which the real one does not disturb. */
static void give_way(void)
{
    if (gc_schedule_is_active())
        gc_schedule_yield();
    else
        sched_yield();
}

/* --- the second worker's thread ------------------------------------------------------ */

static void drop_locals(struct actor *x)
{
    for (uint32_t i = 0; i < PROGRAM_LOCALS; i++)
        drop_place(x, PROGRAM_ROOTS + i);
}

static void second_thread(struct gc_mutator *m, void *argument)
{
    struct run *run = argument;
    struct actor x = { .run = run, .m = m, .thread = SECOND, .worker = 1 };
    struct place_frame at;
    struct scope s;
    thread_index = SECOND;
    gc_enter(m, at);
    run->locals[1] = &at;
    scope_enter(&x, &s);
    shadow_lock(run);
    s.shadow.id[0] = run->shadow.start;
    run->shadow.start = 0;
    shadow_unlock(run);
    gc_take_start(m, &s.temps.at[0]);
    put(&x, &s, 0, 0);
    scope_leave(&x, &s);
    run_operations(&x, run->window_first, run->window_end, 1);
    drop_locals(&x);
    gc_leave(m, at);
}

static size_t find_join(const struct program *program, size_t from)
{
    while (from < program->count && program->ops[from].kind != PROGRAM_join)
        from++;
    return from;
}

/* The second worker begins with what the first one hands over, if nothing is shared;
 * otherwise with nothing. */
static void op_spawn(struct actor *x, struct scope *s, const uint16_t *a)
{
    struct run *run = x->run;
    x->idle = run->window || x->worker != 0;
    if (x->idle) return;
    struct actor second = { .run = run, .m = x->m, .thread = x->thread, .worker = 1 };
    drop_locals(&second);
    fetch(x, s, 0, a[0]);
    shadow_lock(run);
    bool apart = shadow_is_apart(&run->shadow, s->shadow.id[0], a[0] % PROGRAM_PLACES);
    shadow_unlock(run);
    if (apart) {
        drop_place(x, a[0]);
    } else {
        for (uint32_t i = 0; i < PROGRAM_PLACES; i++)
            drop_place(&second, i);
        clear_temp(x, s, 0);
    }
    run->window = true;
    run->window_first = (size_t)x->operation; /* operations count from 1 */
    run->window_end = find_join(run->program, run->window_first);
    if (run->settings.threads == 1) {
        put(&second, s, 0, 0);
        return;
    }
    shadow_lock(run);
    run->shadow.start = s->shadow.id[0];
    shadow_unlock(run);
    struct gc_object *start = s->temps.at[0] != NULL ? &s->temps.at[0]->header : NULL;
    run->spawned = true; /* before: the thread reads it */
    start_thread(x, &run->thread, second_thread, run, start);
    start_race(x);
}

static void op_join(struct actor *x, struct scope *s, const uint16_t *a)
{
    (void)s, (void)a;
    struct run *run = x->run;
    x->idle = !run->window || x->worker != 0;
    if (x->idle) return;
    if (run->spawned) {
        gc_join(x->m, &run->thread);
        end_race(x);
        run->locals[1] = &run->own_locals[1];
    } else {
        struct actor second = { .run = run, .m = x->m, .worker = 1 };
        drop_locals(&second);
    }
    run->spawned = run->window = false;
}

/* --- threads that come and go --------------------------------------------------------- */

/* What such a thread is told. */
struct errand {
    struct run *run;
    uint32_t nodes;
};

static void make_garbage(struct actor *x, uint32_t nodes)
{
    struct scope s;
    scope_enter(x, &s);
    make_ring(x, &s, 0, nodes, RING_FINALIZED, PROGRAM_FINALIZE_LOG);
    make_chain(x, &s, 1, nodes, 0);
    scope_leave(x, &s);
}

static void run_errand(struct gc_mutator *m, void *argument)
{
    const struct errand *errand = argument;
    thread_index = CHURNED;
    struct actor x = { .run = errand->run, .m = m, .thread = CHURNED };
    make_garbage(&x, errand->nodes);
}

/* One after the other, so that records are left behind and adopted. */
static void op_churn(struct actor *x, struct scope *s, const uint16_t *a)
{
    (void)s;
    struct errand errand = { .run = x->run, .nodes = a[1] % 16u + 1 };
    x->idle = x->worker != 0;
    for (uint32_t i = 0; i <= a[0] % 4u && !x->idle; i++) {
        struct gc_mutator_thread thread;
        if (x->run->settings.threads == 1) {
            struct actor another = { .run = x->run, .m = x->m, .thread = x->thread };
            make_garbage(&another, errand.nodes);
            continue;
        }
        start_thread(x, &thread, run_errand, &errand, NULL);
        gc_join(x->m, &thread);
    }
}

/* --- blocked ------------------------------------------------------------------------- */

static void op_blocked(struct actor *x, struct scope *s, const uint16_t *a)
{
    (void)s;
    gc_blocked_begin(x->m);
    for (uint32_t i = 0; i < a[0] * 4u; i++)
        give_way();
    gc_blocked_end(x->m);
}

/* Holds a ring, and does not run until the program ends: others must act for it. */
static void sleep_through(struct gc_mutator *m, void *argument)
{
    struct run *run = argument;
    struct actor x = { .run = run, .m = m, .thread = SLEEPER };
    struct scope s;
    thread_index = SLEEPER;
    scope_enter(&x, &s);
    make_ring(&x, &s, 0, 3, RING_NODES, 0);
    gc_blocked_begin(m);
    gc_atomic_store_seq_cst(&run->asleep, 1);
    while (gc_atomic_load_seq_cst(&run->awake) == 0)
        give_way();
    gc_blocked_end(m);
    scope_leave(&x, &s);
}

static void put_to_sleep(struct actor *x)
{
    struct run *run = x->run;
    start_thread(x, &run->sleeper, sleep_through, run, NULL);
    gc_blocked_begin(x->m);
    while (gc_atomic_load_seq_cst(&run->asleep) == 0)
        give_way();
    gc_blocked_end(x->m);
}

static void wake_up(struct actor *x)
{
    gc_atomic_store_seq_cst(&x->run->awake, 1);
    gc_join(x->m, &x->run->sleeper);
}

#endif
