/* SPDX-License-Identifier: MIT */
/* home_kernels.c - kernels about acting for each other: arrivals, claims, stops. */
#include "core/handshake.h"
#include "core/home.h"
#include "tests/race/kernel.h"

static const struct gc_type big_type = GC_TYPE(struct big, .slots = 2);
static const struct gc_type small_type = GC_TYPE(struct small, .slots = 2);
static const struct gc_type array_type = GC_ARRAY_TYPE("parcel", .flags = GC_TYPE_ARRAY);

enum { CHAINS = 2, CHAIN = 3 };

/* Puts a chain of objects of this home into each of the first slots. */
static void fill_slots(struct gc_mutator *m, struct trial *t)
{
    struct {
        struct gc_frame frame;
        struct small *head, *next;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < CHAINS; i++) {
        for (int k = 0; k < CHAIN; k++) {
            expect(gc_new(m, &at.next, &small_type), "no memory");
            gc_give(m, at.next, a, &at.head);
            gc_move(m, &at.head, &at.next);
        }
        gc_store_root_shared(m, &t->slots[i], at.head);
        gc_clear(m, &at.head);
    }
    gc_leave(m, at);
}

/* --- arrivals ----------------------------------------------------------------------------- */

/* What the threads of a trial share; set before they start, or by one of them at a time. */
static struct {
    struct gate ready, settled; /* the slots are filled; who has sent is through */
    _Atomic(uint32_t) next;     /* slot that is to be dropped, or 1: go on; relaxed */
    bool exits;
} shared;

static void be_home(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    fill_slots(m, t);
    gc_blocked_begin(m);
    gate_wait(&shared.ready);
    gc_blocked_end(m);
    dawdle(draw(t, 3));
    if (!shared.exits) gate_pass(&shared.settled, m);
}

static void send_home(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    gate_pass(&t->gate, m);
    uint32_t i = gc_atomic_fetch_add_relaxed(&shared.next, 1);
    gc_store_root_null(m, &t->slots[i]);
    gate_pass(&shared.settled, m); /* (H3): what has died is sent off */
}

static void do_nothing(struct gc_mutator *m, void *argument)
{
    (void)m, (void)argument;
}

/* Or shakes hands. */
static void stop_twice(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    gate_pass(&t->gate, m);
    for (int i = 0; i < 2; i++) {
        if ((t->seed & 1) != 0) {
            gc_handshake(m, do_nothing, NULL);
            continue;
        }
        gc_stop_begin(m);
        dawdle(2);
        gc_stop_end(m, 0);
    }
    gate_pass(&shared.settled, m);
}

/* A home that blocks or exits while two send to it, and one stops the world or shakes hands. */
static void run_arrivals(struct trial *t)
{
    gate_init(&shared.ready);
    gate_init(&shared.settled);
    gc_atomic_store_relaxed(&shared.next, 0);
    shared.exits = draw(t, 2) == 0;
    const bool stops = draw(t, 2) == 0;
    start(t, be_home);
    gate_await(&shared.ready, t->m, 1);
    for (int i = 0; i < CHAINS; i++)
        start(t, send_home);
    if (stops) start(t, stop_twice);
    const uint32_t senders = CHAINS + stops;
    gate_await(&t->gate, t->m, senders);
    gc_blocked_begin(t->m);
    gate_open(&t->gate);
    gate_open(&shared.ready);
    if (shared.exits) gc_thread_join(&t->threads[0].thread);
    gc_blocked_end(t->m);
    gate_await(&shared.settled, t->m, senders + !shared.exits);
    expect_no_arrivals(t);
    gate_open(&shared.settled);
    for (uint32_t i = shared.exits; i < t->started; i++)
        gc_join(t->m, &t->threads[i]);
    t->started = 0;
    gate_finish(&shared.settled);
    gate_finish(&shared.ready);
}

/* A stop that gives its claims back one by one, while the first to return sends to one that
 * is still claimed. The sender's record comes first. */
static void come_back_and_send(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    gate_pass(&t->gate, m); /* is claimed in here */
    gc_store_root_null(m, &t->slots[0]);
    gate_pass(&shared.settled, m);
}

static void stay_away(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    fill_slots(m, t);
    gate_pass(&shared.settled, m);
}

static void run_stop_end(struct trial *t)
{
    gate_init(&shared.settled);
    start(t, come_back_and_send);
    gate_await(&t->gate, t->m, 1);
    start(t, stay_away);
    gate_await(&shared.settled, t->m, 1);
    gc_stop_begin(t->m);
    gate_open(&t->gate); /* it may come back as soon as its claim is given back */
    gc_stop_end(t->m, 0);
    gate_await(&shared.settled, t->m, 2);
    expect_no_arrivals(t);
    gate_open(&shared.settled);
    join(t);
    gate_finish(&shared.settled);
}

/* --- adoption ----------------------------------------------------------------------------- */

struct adopter {
    struct gc_heap *heap;
    uint32_t delay;
    _Atomic(uint32_t) ended; /* relaxed: it orders nothing */
};

static void adopt(void *argument)
{
    struct adopter *adopter = argument;
    struct gc_mutator *m;
    dawdle(adopter->delay);
    expect(gc_attach(adopter->heap, &m) == 0, "no memory");
    while (gc_atomic_load_relaxed(&adopter->ended) == 0) {
        gc_safepoint(m);
        gc_schedule_yield();
    }
    gc_detach(m);
}

static void fill_and_exit(struct gc_mutator *m, void *argument)
{
    fill_slots(m, argument);
}

static bool has_anybody_arrivals(struct trial *t)
{
    gc_for_each_mutator (m, t->heap)
        if (gc_atomic_load_relaxed(&m->arrivals) != NULL) return true;
    return false;
}

static void run_adoption(struct trial *t)
{
    struct adopter adopter = { .heap = t->heap, .delay = draw(t, 12) };
    struct gc_thread thread;
    start(t, fill_and_exit);
    join(t);
    expect(gc_thread_start(&thread, adopt, &adopter) == 0, "no memory");
    gc_store_root_null(t->m, &t->slots[0]);
    gc_settle(t->m);
    for (int i = 0; i < 1000 && has_anybody_arrivals(t); i++)
        gc_schedule_yield();
    expect(!has_anybody_arrivals(t), "what has come home is not noticed");
    gc_atomic_store_relaxed(&adopter.ended, 1);
    gc_blocked_begin(t->m);
    gc_thread_join(&thread);
    gc_blocked_end(t->m);
}

/* --- a stop ------------------------------------------------------------------------------- */

static _Atomic(uint64_t) steps; /* of all who run; relaxed: compared in stops */

static void step(struct gc_mutator *m)
{
    gc_atomic_fetch_add_relaxed(&steps, 1);
    gc_safepoint(m);
}

/* Makes, blocks, comes back; what it has made dies elsewhere. */
static void make_and_block(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    for (int i = 0; i < 3; i++) {
        fill_slots(m, t);
        step(m);
        gc_blocked_begin(m);
        gc_schedule_yield();
        gc_blocked_end(m);
        step(m);
    }
}

static void drop_slots(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    for (int i = 0; i < 6; i++) {
        gc_store_root_shared(m, &t->slots[i % CHAINS], (struct small *)NULL);
        gc_settle(m);
        step(m);
    }
}

static void attach_and_step(void *argument)
{
    struct trial *t = argument;
    for (int i = 0; i < 3; i++) {
        struct gc_mutator *m;
        expect(gc_attach(t->heap, &m) == 0, "no memory");
        step(m);
        gc_detach(m);
    }
}

static uint64_t live_objects(struct gc_heap *heap)
{
    struct gc_heap_stats stats;
    gc_heap_read_stats(heap, &stats);
    return stats.live_objects;
}

static void run_stopped(struct trial *t)
{
    struct gc_thread thread;
    gc_atomic_store_relaxed(&steps, 0);
    start(t, make_and_block);
    start(t, drop_slots);
    expect(gc_thread_start(&thread, attach_and_step, t) == 0, "no memory");
    for (int i = 0; i < 4; i++) {
        gc_stop_begin(t->m);
        uint64_t stepped = gc_atomic_load_relaxed(&steps);
        uint64_t live = live_objects(t->heap);
        dawdle(12);
        expect(gc_atomic_load_relaxed(&steps) == stepped, "somebody runs in a stop");
        expect(live_objects(t->heap) == live, "the heap changes in a stop");
        gc_stop_end(t->m, 0);
        gc_safepoint(t->m);
    }
    join(t);
    gc_blocked_begin(t->m);
    gc_thread_join(&thread);
    gc_blocked_end(t->m);
}

/* Comes to no safepoint until it is told to go on; then blocks, or exits. */
static void leave_with_arrivals(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *head;
    } at;
    fill_slots(m, t);
    gc_enter(m, at);
    for (int i = 0; i < CHAINS; i++) {
        gc_load_root(m, &at.head, &t->slots[i]);
        gc_store_root(m, &t->slots[CHAINS + i], at.head);
    }
    gc_leave(m, at);
    gate_pass(&t->gate, m);
    while (gc_atomic_load_relaxed(&shared.next) == 0)
        gc_schedule_yield();
    if (!shared.exits) gate_pass(&shared.settled, m);
}

static void send_to_leaving(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    gc_store_root_null(m, &t->slots[0]);
    gc_atomic_store_relaxed(&shared.next, 1);
    gc_settle(m);
    gc_store_root_null(m, &t->slots[1]);
    gate_pass(&shared.settled, m);
}

/* What has arrived for who runs is taken in when he leaves: not while the world is
 * stopped. */
static void run_leaving(struct trial *t)
{
    gate_init(&shared.settled);
    gc_atomic_store_relaxed(&shared.next, 0);
    shared.exits = draw(t, 2) == 0;
    start(t, leave_with_arrivals);
    gate_await(&t->gate, t->m, 1);
    for (int i = 0; i < CHAINS; i++) /* now nobody owns them any more */
        gc_store_root_null(t->m, &t->slots[CHAINS + i]);
    start(t, send_to_leaving);
    gate_open(&t->gate);
    while (gc_atomic_load_relaxed(&shared.next) == 0)
        gc_schedule_yield();
    dawdle(draw(t, 10));
    for (int i = 0; i < 3; i++) {
        gc_stop_begin(t->m);
        uint64_t live = live_objects(t->heap);
        dawdle(12);
        expect(live_objects(t->heap) == live, "the heap changes in a stop");
        gc_stop_end(t->m, 0);
    }
    gate_open(&shared.settled);
    join(t);
    gate_finish(&shared.settled);
}

/* --- what is put off ----------------------------------------------------------------------- */

static void fill_and_wait(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    fill_slots(m, t);
    gate_pass(&shared.ready, m);
}

static void drop_and_wait(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    gc_store_root_null(m, &t->slots[0]);
    gate_pass(&t->gate, m);
}

/* Who waits for long keeps nothing that others wait for. */
static void run_settle(struct trial *t)
{
    gate_init(&shared.ready);
    start(t, fill_and_wait);
    gate_await(&shared.ready, t->m, 1);
    start(t, drop_and_wait);
    gate_await(&t->gate, t->m, 1);
    gc_stop_begin(t->m);
    uint64_t live = live_objects(t->heap);
    gc_stop_end(t->m, 0);
    expect(live == (CHAINS - 1) * CHAIN, "who waits keeps what is dead from its home");
    gate_open(&t->gate);
    gate_open(&shared.ready);
    join(t);
    gate_finish(&shared.ready);
}

/* --- weak references of what dies far from home ---------------------------------------------- */

/* With the twin one parcel full: the last one goes home as soon as it is dead. */
enum { PARCEL = GC_PARCEL_CELLS - 1 };

static void make_parcel(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct gc_array *all, *twin;
        struct small *small;
        struct big *big;
        struct gc_weak *weak;
    } at;
    gc_enter(m, at);
    expect(gc_new_array(m, &at.all, &array_type, PARCEL, 0), "no memory");
    expect(gc_new_array(m, &at.twin, &array_type, PARCEL, 0), "no memory");
    for (int i = 0; i + 1 < PARCEL; i++) {
        expect(gc_new(m, &at.small, &small_type), "no memory");
        gc_store(m, at.twin, slot[i], at.small);
        gc_give(m, at.all, slot[i], &at.small);
    }
    expect(gc_new(m, &at.big, &big_type), "no memory");
    at.big->kind = KIND_PUBLIC;
    gc_store(m, at.twin, slot[PARCEL - 1], at.big);
    gc_store(m, at.all, slot[PARCEL - 1], at.big);
    expect(gc_new_weak(m, &at.weak, at.big, NULL, (struct big *)NULL), "no memory");
    gc_store_root(m, &t->slots[1], at.weak);
    gc_store_root(m, &t->slots[0], at.all);
    gc_store_root(m, &t->slots[2], at.twin);
    gc_clear(m, &at.big);
    gc_clear(m, &at.all);
    gc_clear(m, &at.twin);
    gate_pass(&t->gate, m);
    /* takes in what has come home, and uses it again */
    while (gc_atomic_load_relaxed(&shared.next) == 0) {
        gc_safepoint(m);
        expect(gc_new(m, &at.big, &big_type), "no memory");
        at.big->kind = KIND_PRIVATE;
        gc_load_weak(m, &at.all, at.weak);
        expect(at.all == NULL || ((struct big *)(void *)at.all)->kind == KIND_PUBLIC,
                "a weak reference gives what was never its target");
        gc_clear(m, &at.all);
    }
    gc_leave(m, at);
}

static void run_weak_first(struct trial *t)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct gc_array *all;
        struct gc_weak *weak;
        struct big *target;
    } at;
    gc_atomic_store_relaxed(&shared.next, 0);
    gc_enter(m, at);
    start(t, make_parcel);
    gate_await(&t->gate, m, 1);
    gc_load_root(m, &at.all, &t->slots[0]);
    gc_load_root(m, &at.weak, &t->slots[1]);
    gc_store_root_null(m, &t->slots[0]);
    gc_store_root_null(m, &t->slots[2]); /* the last that their owner counts */
    gate_open(&t->gate);
    for (int i = 0; i < PARCEL; i++)
        gc_store_null(m, at.all, slot[i]);
    dawdle(20);
    gc_atomic_store_relaxed(&shared.next, 1);
    join(t); /* its home may have held it for a moment */
    gc_load_weak(m, &at.target, at.weak);
    expect(at.target == NULL, "a weak reference outlives its target");
    gc_leave(m, at);
}

/* --- frees elsewhere, on threads as they come ------------------------------------------------ */

enum { ROUNDS = 60000 };

static void make_for_others(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *made;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < TRIAL_SLOTS; k++) {
            expect(gc_new(m, &at.made, &small_type), "no memory");
            gc_store_root_shared(m, &t->slots[k], at.made);
            gc_clear(m, &at.made);
        }
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

/* Holds each for a moment: its owner has let go by then, perhaps. */
static void drop_for_others(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *held;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        for (int k = 0; k < TRIAL_SLOTS; k++) {
            gc_load_root_shared(m, &at.held, &t->slots[k]);
            gc_store_root_shared(m, &t->slots[k], (struct small *)NULL);
        }
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void run_foreign(struct trial *t)
{
    start(t, make_for_others);
    start(t, drop_for_others);
    start(t, drop_for_others);
    join(t);
}

#define GENERATIONAL "generational", "threshold0=0"

const struct kernel home_kernels[] = {
    { "arrivals", "a home blocks or exits while two send to it and one stops the world",
            GENERATIONAL, false, run_arrivals },
    { "stop_end", "who returns from a stop sends to who is still claimed", GENERATIONAL,
            false, run_stop_end },
    { "adoption", "a record is adopted while somebody sends to it", GENERATIONAL, false,
            run_adoption },
    { "stopped", "threads run, block, attach and send while one stops the world",
            GENERATIONAL, false, run_stopped },
    { "leaving", "a home blocks or exits with arrivals while one stops the world",
            GENERATIONAL, false, run_leaving },
    { "settle", "a mutator drops what is another's, and waits for long", "refcount", NULL,
            false, run_settle },
    { "weak_first", "what is weakly referenced dies far from home", "refcount", NULL,
            false, run_weak_first },
    { "foreign", "one makes, two drop: on threads as they come", GENERATIONAL, true,
            run_foreign },
    { NULL, NULL, NULL, NULL, false, NULL },
};
