/* SPDX-License-Identifier: MIT */
/* owner_kernels.c - kernels about what one mutator has made and others drop: under a
 * protocol that knows owners, what is counted where, and the queues. */
#include <string.h>

#include "core/handshake.h"
#include "core/home.h"
#include "tests/race/kernel.h"

static _Atomic(uint32_t) phase; /* relaxed where nothing is ordered by it */
static uint32_t finalized;

static void await_phase(uint32_t n)
{
    while (gc_atomic_load_relaxed(&phase) < n)
        gc_schedule_yield();
}

/* For kernels in which only one at a time may write what both do: what came before the one is
 * seen after the other. */
static void enter_phase(uint32_t n)
{
    gc_atomic_store_release(&phase, n);
}

static void await_and_see_phase(uint32_t n)
{
    while (gc_atomic_load_acquire(&phase) < n)
        gc_schedule_yield();
}

/* --- all at once --------------------------------------------------------------------------- */

enum { STEPS = 14, MIXED_SLOTS = 3 };

static int note(struct gc_mutator *m, struct gc_object *object)
{
    struct big *self = (struct big *)(void *)object;
    (void)m;
    expect(self->kind == KIND_PUBLIC, "the finalizer of something that is gone runs");
    gc_schedule_yield();
    expect(self->kind == KIND_PUBLIC, "an object is freed under its finalizer");
    return 0;
}

static const struct gc_type big_type = GC_TYPE(struct big, .slots = 2);
static const struct gc_type noted_type =
        GC_TYPE(struct big, .slots = 2, .finalize = note);

static void make(struct gc_mutator *m, struct big **local, uint64_t id, uint64_t kind,
        const struct gc_type *type)
{
    expect(gc_new_slow(m, GC_SLOT(local), type, 0, 0), "no memory");
    (*local)->id = id;
    (*local)->kind = kind;
}

/* Makes an object that the first of the trial's slots alone hold: its owner counts them. */
static void leave_in_slots(
        struct gc_mutator *m, struct trial *t, int slots, const struct gc_type *type)
{
    struct {
        struct gc_frame frame;
        struct big *made;
    } at;
    gc_enter(m, at);
    make(m, &at.made, 1, KIND_PUBLIC, type);
    for (int i = 0; i < slots; i++)
        gc_store_root(m, &t->slots[i], at.made);
    gc_clear(m, &at.made);
    gc_leave(m, at);
}

static void step(struct gc_mutator *m, struct trial *t, struct big **made,
        struct big **held, uint64_t id)
{
    gc_slot *slot = &t->slots[draw(t, MIXED_SLOTS)];
    switch (draw(t, 8)) {
    case 0:
    case 1: /* counted twice by its owner, then dropped by whoever */
        make(m, made, id, KIND_PUBLIC, draw(t, 3) == 0 ? &noted_type : &big_type);
        gc_store_root_shared(m, slot, *made);
        if (draw(t, 2) == 0) gc_clear(m, made);
        break;
    case 2:
        gc_load_root_shared(m, held, slot);
        break;
    case 3:
        gc_store_root_shared(m, slot, (struct big *)NULL);
        break;
    case 4:
        gc_store_root_shared(m, slot, *held);
        break;
    case 5:
        gc_clear(m, draw(t, 2) == 0 ? made : held);
        break;
    case 6:
        gc_blocked_begin(m);
        dawdle(draw(t, 4));
        gc_blocked_end(m);
        break;
    default: /* what is freed wrongly is met again here */
        make(m, made, id, KIND_PRIVATE, &big_type);
        gc_schedule_yield();
        expect((*made)->kind == KIND_PRIVATE && (*made)->id == id,
                "an object is taken from who holds it");
        gc_clear(m, made);
    }
}

static void mix(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *made, *held;
    } at;
    gc_enter(m, at);
    for (uint64_t i = 0; i < STEPS; i++) {
        step(m, t, &at.made, &at.held, i);
        uint64_t id = at.held != NULL ? at.held->id : 0;
        if (draw(t, 2) == 0) gc_safepoint(m);
        gc_schedule_yield();
        if (at.held == NULL) continue;
        expect(at.held->kind == KIND_PUBLIC && at.held->id == id,
                "what is held becomes another object");
    }
    gc_leave(m, at);
}

static void run_mixed(struct trial *t)
{
    for (int i = 0; i < 3; i++)
        start(t, mix);
    join(t);
}

/* --- an entry of a queue, and an owner who has nothing left ---------------------------------- */

/* The owner gives up all that he counts, while somebody else holds the object, and has
 * another in the queue: one after the other, by phases. */
static void give_up_two(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    leave_in_slots(m, t, 2, &big_type);
    gc_atomic_store_relaxed(&phase, 1);
    await_phase(2);
    gc_store_root_shared(m, &t->slots[1], (struct big *)NULL);
    gc_atomic_store_relaxed(&phase, 3);
    await_phase(4);
    gc_store_root_shared(m, &t->slots[2], (struct big *)NULL);
    dawdle(draw(t, 4));
}

static void queue_and_hold(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *held;
    } at;
    gc_enter(m, at);
    await_phase(1);
    gc_store_root_shared(m, &t->slots[0], (struct big *)NULL);
    gc_load_root_shared(m, &at.held, &t->slots[1]);
    gc_atomic_store_relaxed(&phase, 2);
    await_phase(3);
    gc_store_root_shared(m, &t->slots[2], at.held);
    gc_clear(m, &at.held);
    gc_atomic_store_relaxed(&phase, 4);
    dawdle(draw(t, 4));
    gc_leave(m, at);
}

static void run_entry(struct trial *t)
{
    gc_atomic_store_relaxed(&phase, 0);
    start(t, give_up_two);
    start(t, queue_and_hold);
    join(t);
}

/* --- an owner who counts while somebody merges for him ----------------------------------------- */

static void come_back(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *made, *copy;
    } at;
    gc_enter(m, at);
    make(m, &at.made, 1, KIND_PUBLIC, &big_type);
    gc_store_root_shared(m, &t->slots[0], at.made);
    gc_atomic_store_relaxed(&phase, 1);
    if (draw(t, 2) == 0) {
        gc_blocked_begin(m);
        dawdle(draw(t, 5));
        gc_blocked_end(m);
    }
    for (int i = 0; i < 4; i++) {
        gc_set(m, &at.copy, at.made);
        gc_schedule_yield();
        gc_clear(m, &at.copy);
        gc_schedule_yield();
    }
    expect(t->heap->protocol->total(&at.made->header) != 0 &&
                    !gc_object_is_dead(&at.made->header) && at.made->kind == KIND_PUBLIC,
            "an object is taken from who holds it");
    gc_leave(m, at);
}

static void drop_once(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    await_phase(1);
    dawdle(draw(t, 4));
    gc_store_root_shared(m, &t->slots[0], (struct big *)NULL);
    gc_settle(m);
}

static void run_returning(struct trial *t)
{
    gc_atomic_store_relaxed(&phase, 0);
    start(t, come_back);
    start(t, drop_once);
    join(t);
}

/* --- what its owner lets go of, and others kill ---------------------------------------------- */

static void let_go_of_all(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *made;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < TRIAL_SLOTS; i++) {
        make(m, &at.made, (uint64_t)i, KIND_PUBLIC, &big_type);
        gc_store_root_shared(m, &t->slots[i], at.made);
    }
    gc_leave(m, at);
    gc_atomic_store_relaxed(&phase, 1);
    await_phase(2);
    for (int i = 0; i < TRIAL_SLOTS; i++) {
        gc_store_root_shared(m, &t->slots[i], (struct big *)NULL);
        gc_schedule_yield();
    }
}

static void kill_all(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *held[TRIAL_SLOTS];
    } at;
    gc_enter(m, at);
    await_phase(1);
    for (int i = 0; i < TRIAL_SLOTS; i++)
        gc_load_root_shared(m, &at.held[i], &t->slots[i]);
    gc_atomic_store_relaxed(&phase, 2);
    dawdle(draw(t, 4));
    for (int i = 0; i < TRIAL_SLOTS; i++) {
        gc_clear(m, &at.held[i]);
        gc_schedule_yield();
    }
    gc_leave(m, at);
}

static void run_handed(struct trial *t)
{
    gc_atomic_store_relaxed(&phase, 0);
    start(t, let_go_of_all);
    start(t, kill_all);
    join(t);
}

/* --- a queue that a stop finds --------------------------------------------------------------- */

/* Counts two references for others, and comes to no safepoint until one is dropped. */
static void count_two(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    leave_in_slots(m, t, 2, &big_type);
    enter_phase(1);
    await_phase(2);
    gate_pass(&t->gate, m);
}

static void drop_one(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    await_and_see_phase(1);
    gc_store_root_null(m, &t->slots[0]);
    enter_phase(2);
    gc_settle(m);
    gate_pass(&t->gate, m);
}

/* Whatever the owner has done with his queue: in a stop the slot's reference is the only
 * one, or a collection could not tell who holds it. */
static void run_given_back(struct trial *t)
{
    gc_atomic_store_relaxed(&phase, 0);
    start(t, count_two);
    start(t, drop_one);
    await_and_see_phase(2);
    dawdle(draw(t, 6));
    gc_stop_begin(t->m);
    uint64_t references = t->heap->protocol->total(t->slots[1]);
    gc_stop_end(t->m, 0);
    expect(references == 1, "a stop leaves a reference to a queue");
    gate_open(&t->gate);
    join(t);
}

/* --- a finalizer of what somebody else's queue held ----------------------------------------- */

static struct trial *current;
static uint32_t owner_number;

/* Waits for the owner, if it runs elsewhere. */
static int await_owner(struct gc_mutator *m, struct gc_object *object)
{
    (void)object;
    finalized++;
    if (m->number == owner_number) return 0;
    if (gc_atomic_load_relaxed(&phase) < 2) gc_atomic_store_relaxed(&phase, 2);
    gate_open(&current->gate);
    for (int i = 0; i < 10000 && gc_atomic_load_relaxed(&phase) < 3; i++)
        gc_schedule_yield();
    expect(gc_atomic_load_relaxed(&phase) == 3,
            "a mutator can't return while a finalizer runs elsewhere");
    return 0;
}
static const struct gc_type awaiting_type =
        GC_TYPE(struct big, .slots = 2, .finalize = await_owner);

static void own_and_block(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    owner_number = m->number;
    leave_in_slots(m, t, 1, &awaiting_type);
    enter_phase(1);
    await_phase(2);
    gate_pass(&t->gate, m);
    gc_atomic_store_relaxed(&phase, 3);
}

static void run_claimed(struct trial *t)
{
    current = t;
    finalized = 0;
    gc_atomic_store_relaxed(&phase, 0);
    start(t, own_and_block);
    await_and_see_phase(1);
    gc_store_root_null(t->m, &t->slots[0]);
    if (gc_atomic_load_relaxed(&phase) < 2) gc_atomic_store_relaxed(&phase, 2);
    dawdle(draw(t, 8));
    gc_settle(t->m);
    gate_open(&t->gate);
    join(t);
    expect(finalized == 1, "a finalizer ran twice, or not at all");
}

/* --- a handshake by who has something in the queue ------------------------------------------- */

static int stop_the_world(struct gc_mutator *m, struct gc_object *object)
{
    (void)object;
    finalized++;
    gc_atomic_store_relaxed(&phase, 1);
    gc_stop_begin(m);
    gc_stop_end_unlogged(m);
    return 0;
}
static const struct gc_type stopping_type =
        GC_TYPE(struct big, .slots = 2, .finalize = stop_the_world);

static void drop_and_exit(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    gc_store_root_null(m, &t->slots[0]);
    gc_settle(m);
    gc_atomic_store_relaxed(&phase, 1);
}

static void do_nothing(struct gc_mutator *m, void *argument)
{
    (void)m, (void)argument;
}

static void run_shaken(struct trial *t)
{
    finalized = 0;
    gc_atomic_store_relaxed(&phase, 0);
    leave_in_slots(t->m, t, 1, &stopping_type);
    start(t, drop_and_exit);
    await_phase(1);
    gc_handshake(t->m, do_nothing, NULL);
    gc_safepoint(t->m);
    expect(finalized == 1, "a finalizer ran twice, or not at all");
    join(t);
}

const struct kernel owner_kernels[] = {
    { "mixed", "three make, share, drop, block, and look at what they hold", "refcount",
            NULL, false, run_mixed },
    { "entry", "an owner gives up all that he counts of what is queued and held",
            "refcount", NULL, false, run_entry },
    { "returning", "an owner counts, or comes back, while somebody merges for him",
            "refcount", NULL, false, run_returning },
    { "handed", "an owner lets go of what others hold, and they of it", "refcount", NULL,
            false, run_handed },
    { "given_back", "a stop meets a queue that its owner has not emptied", "refcount",
            NULL, false, run_given_back },
    { "claimed", "a finalizer waits for the owner, whose queue held its object",
            "refcount", NULL, false, run_claimed },
    { "shaken", "who shakes hands has something with a finalizer in the queue",
            "refcount", NULL, false, run_shaken },
    { NULL, NULL, NULL, NULL, false, NULL },
};
