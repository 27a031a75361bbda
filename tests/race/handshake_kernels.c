/* SPDX-License-Identifier: MIT */
/* handshake_kernels.c - kernels about handshakes, and who asks for them. */
#include "core/handshake.h"

#include "core/home.h"
#include "tests/race/kernel.h"

static const struct gc_type small_type = GC_TYPE(struct small, .slots = 2);

/* --- handshakes --------------------------------------------------------------------------- */

enum { MUTATORS_MOST = 8 };

static struct {
    uint32_t runs[MUTATORS_MOST]; /* of the handshake under way, for each mutator */
    bool acting[MUTATORS_MOST];   /* inside of it */
    uint32_t shaken;
} shake;

static void shake_hands(struct gc_mutator *m, void *argument)
{
    (void)argument;
    expect(!shake.acting[m->number], "a handshake runs twice at a time for a mutator");
    shake.acting[m->number] = true;
    shake.runs[m->number]++;
    gc_schedule_yield();
    shake.acting[m->number] = false;
}

static void run_or_block(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    for (int i = 0; i < 6; i++) {
        gc_blocked_begin(m);
        dawdle(draw(t, 3));
        gc_blocked_end(m);
        expect(!shake.acting[m->number], "a mutator runs while somebody acts for it");
        gc_schedule_yield();
        expect(!shake.acting[m->number], "a mutator runs while somebody acts for it");
        dawdle(draw(t, 2));
        gc_safepoint(m);
    }
}

static void wait_for_the_end(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    gate_pass(&t->gate, m);
}

static void run_handshake(struct trial *t)
{
    start(t, wait_for_the_end);
    start(t, run_or_block);
    start(t, run_or_block);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < MUTATORS_MOST; k++)
            shake.runs[k] = 0;
        gc_handshake(t->m, shake_hands, NULL);
        gc_for_each_mutator (m, t->heap)
            expect(shake.runs[m->number] == 1, "a handshake ran for a mutator not once");
        gc_safepoint(t->m);
        dawdle(2);
        gc_for_each_mutator (m, t->heap)
            expect(shake.runs[m->number] == 1, "a handshake ran for a mutator not once");
    }
    gate_open(&t->gate);
    join(t);
}

enum { GATES = 4 };

static struct gate gates[GATES];

/* Nobody but who shakes hands, or stops the world, lets it go on, and kills what it has made. */
static void wait_at_gates(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *made;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < GATES; i++) {
        expect(gc_new(m, &at.made, &small_type), "no memory");
        gc_store_root_shared(m, &t->slots[i], at.made);
        gc_clear(m, &at.made);
        dawdle(draw(t, 4));
        gate_pass(&gates[i], m);
    }
    gc_leave(m, at);
}

static void run_waiting(struct trial *t)
{
    for (int i = 0; i < GATES; i++)
        gate_init(&gates[i]);
    start(t, wait_at_gates);
    for (int i = 0; i < GATES; i++) {
        for (int k = 0; k < MUTATORS_MOST; k++)
            shake.runs[k] = 0;
        dawdle(draw(t, 8));
        gc_store_root_shared(t->m, &t->slots[i], (struct small *)NULL);
        if ((t->seed & 1) != 0) {
            gc_handshake(t->m, shake_hands, NULL);
        } else {
            gc_stop_begin(t->m);
            gc_stop_end(t->m, 0);
        }
        gate_open(&gates[i]);
    }
    join(t);
    for (int i = 0; i < GATES; i++)
        gate_finish(&gates[i]);
}

/* Has something else to do at every safepoint. Once it is clear that a handshake is posted,
 * so is the bit in its poll word. */
static void poll_busily(struct gc_mutator *m, void *argument)
{
    (void)argument;
    struct {
        struct gc_frame frame;
        struct small *made;
    } at;
    gc_enter(m, at);
    for (bool posted = false; !posted;) {
        posted = gc_atomic_load_relaxed(&m->heap->shake_pending) != 0 ||
                 shake.runs[m->number] > 0;
        expect(gc_new(m, &at.made, &small_type), "no memory");
        gc_drop_later(m, &at.made->header);
        at.made = NULL;
        gc_schedule_yield();
        gc_safepoint(m);
    }
    expect(shake.runs[m->number] == 1, "a handshake is not noticed by who runs");
    gc_leave(m, at);
}

static void run_busy(struct trial *t)
{
    for (int k = 0; k < MUTATORS_MOST; k++)
        shake.runs[k] = 0;
    start(t, poll_busily);
    start(t, poll_busily);
    dawdle(draw(t, 20));
    gc_handshake(t->m, shake_hands, NULL);
    join(t);
}

static void shake_and_stop(struct gc_mutator *m, void *argument)
{
    (void)argument;
    for (int i = 0; i < 3; i++) {
        gc_stop_begin(m);
        gc_schedule_yield();
        gc_stop_end(m, 0);
        gc_safepoint(m);
    }
}

static void run_coordinator(struct trial *t)
{
    start(t, shake_and_stop);
    start(t, shake_and_stop);
    for (int i = 0; i < 3; i++)
        gc_handshake(t->m, shake_hands, NULL);
    join(t);
}

const struct kernel handshake_kernels[] = {
    { "handshake", "handshakes meet mutators that run, block and wait", "refcount", NULL,
            false, run_handshake },
    { "coordinator", "stops and handshakes are asked for at the same time", "refcount",
            NULL, false, run_coordinator },
    { "busy", "a handshake meets a mutator that has more to do at its safepoints",
            "refcount", NULL, false, run_busy },
    { "waiting", "handshakes and stops meet a mutator that is about to wait for who asks",
            "refcount", NULL, false, run_waiting },
    { NULL, NULL, NULL, NULL, false, NULL },
};
