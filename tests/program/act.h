/* SPDX-License-Identifier: MIT */
/* act.h - each operation on the heap, together with what it does to the shadow.
 *
 * The order matters. An operation may set off a death, and with it a finalizer that asks
 * the shadow whether it is due: so the shadow forgets a reference before the heap drops
 * it, and learns of one while something else still holds the object. The shadow's lock
 * is not held across an operation.
 *
 * Included by execute.c alone, once per protocol.
 */
#ifndef TESTS_PROGRAM_ACT_H
#define TESTS_PROGRAM_ACT_H

#include "core/collector.h"
#include "core/mutator.h"
#include "tests/program/shadow.h"

enum { WEAK = PROGRAM_TEMPS - 1 /* the index of `weak` among the temps */ };

/* The locals of one operation. */
struct temps {
    struct gc_frame frame;
    struct program_any *at[PROGRAM_TEMPS - 1];
    struct gc_weak *weak;
};

struct scope {
    struct temps temps;
    struct shadow_frame shadow;
};

/* The places of a worker that are locals. */
struct place_frame {
    struct gc_frame frame;
    struct program_any *local[PROGRAM_LOCALS];
};

/* What one is told who races for the board. */
struct race_errand {
    struct run *run;
    uint32_t number;
    uint64_t state; /* of what it draws */
};

struct run {
    const struct program *program;
    struct program_settings settings; /* the program's */
    uint32_t capabilities;
    struct shadow shadow;
    struct program_roots roots;
    struct gc_root_range range;
    struct gc_heap *heap;
    struct gc_mutator *first; /* the first thread's */
    struct place_frame *locals[PROGRAM_WORKERS];
    struct place_frame own_locals[PROGRAM_WORKERS]; /* both of the first thread */
    struct gc_mutator_thread thread;
    size_t window_first, window_end; /* operations between spawn and join */
    bool window, spawned, frozen;
    struct gc_observer observer;
    bool full;       /* the collection under way is of everything; who collects */
    uint64_t called; /* called_so_far() before the last collection, if is_one_thread() */
    uint64_t digest;
    uint64_t errors; /* returned by finalizers and callbacks; shadow.lock */
    uint32_t allocations[PROGRAM_THREADS]; /* by operations; each thread its own */
    uint32_t last[PROGRAM_THREADS];        /* operation kind that had an effect, plus 1 */
    uint32_t operations;                   /* of the first thread */
    struct shadow_text life;               /* what was last told of an object */
    bool told_end;
    _Atomic(uint32_t) refusals; /* that an allocation was the reason for: try_again() */
    _Atomic(uint32_t) given;    /* times that a scarce heap got more: give_room() */
    struct gc_mutator_thread racers[PROGRAM_RACERS];
    struct race_errand errands[PROGRAM_RACERS];
    /* the sleeper */
    struct gc_mutator_thread sleeper;
    _Atomic(uint32_t) asleep, awake;
};

/* Who does something: on a thread, to the places of a worker. */
struct actor {
    struct run *run;
    struct gc_mutator *m;
    uint32_t thread, worker;
    uint64_t operation; /* number, from 1; 0: a finalizer or callback */
    uint32_t made;      /* objects, by this operation */
    bool idle;          /* it found nothing to work on */
};

/* The program's thread and its heap's collector are one thread. */
static bool is_one_thread(const struct run *run)
{
    return run->settings.threads <= 1 && !run->heap->collector->threaded;
}

/* Finalizers and callbacks that have run in a program of one thread. */
static uint64_t called_so_far(const struct run *run)
{
    const struct gc_mutator *m = run->first;
    return m->counters.finalizers + m->counters.callbacks +
           gc_atomic_load_relaxed(&run->heap->finalized);
}

static void shadow_lock(struct run *run)
{
    pthread_mutex_lock(&run->shadow.lock);
}

static void shadow_unlock(struct run *run)
{
    pthread_mutex_unlock(&run->shadow.lock);
}

static void scope_enter(struct actor *x, struct scope *s)
{
    struct shadow *shadow = &x->run->shadow;
    gc_enter(x->m, s->temps);
    shadow_lock(x->run);
    s->shadow = (struct shadow_frame){ .caller = shadow->frames[x->thread] };
    shadow->frames[x->thread] = &s->shadow;
    shadow_unlock(x->run);
}

static void scope_leave(struct actor *x, struct scope *s)
{
    shadow_lock(x->run);
    x->run->shadow.frames[x->thread] = s->shadow.caller;
    shadow_unlock(x->run);
    gc_leave(x->m, s->temps);
}

static void set_temp(struct actor *x, struct scope *s, int t, uint32_t id)
{
    shadow_lock(x->run);
    s->shadow.id[t] = id;
    shadow_unlock(x->run);
}

static void clear_temp(struct actor *x, struct scope *s, int t)
{
    set_temp(x, s, t, 0);
    gc_clear(x->m, &s->temps.at[t]);
}

static void move_temp(
        struct actor *x, struct scope *to_scope, int to, struct scope *s, int from)
{
    shadow_lock(x->run);
    to_scope->shadow.id[to] = s->shadow.id[from];
    s->shadow.id[from] = 0;
    shadow_unlock(x->run);
    gc_move(x->m, &to_scope->temps.at[to], &s->temps.at[from]);
}

/* --- places -------------------------------------------------------------------------- */

/* temp = place; the temp is empty. */
static void fetch(struct actor *x, struct scope *s, int t, uint32_t place)
{
    struct run *run = x->run;
    place %= PROGRAM_PLACES;
    shadow_lock(run);
    s->shadow.id[t] = run->shadow.places[x->worker][place];
    shadow_unlock(run);
    if (place < PROGRAM_ROOTS)
        gc_load_root(x->m, &s->temps.at[t], &run->roots.places[x->worker][place]);
    else
        gc_set(x->m, &s->temps.at[t],
                run->locals[x->worker]->local[place - PROGRAM_ROOTS]);
}

/* place = temp, which keeps its own reference. */
static void put(struct actor *x, struct scope *s, int t, uint32_t place)
{
    struct run *run = x->run;
    place %= PROGRAM_PLACES;
    shadow_lock(run);
    run->shadow.places[x->worker][place] = s->shadow.id[t];
    shadow_unlock(run);
    if (place < PROGRAM_ROOTS)
        gc_store_root(x->m, &run->roots.places[x->worker][place], s->temps.at[t]);
    else
        gc_set(x->m, &run->locals[x->worker]->local[place - PROGRAM_ROOTS],
                s->temps.at[t]);
}

static void drop_place(struct actor *x, uint32_t place)
{
    struct run *run = x->run;
    place %= PROGRAM_PLACES;
    shadow_lock(run);
    run->shadow.places[x->worker][place] = 0;
    shadow_unlock(run);
    if (place < PROGRAM_ROOTS)
        gc_store_root_null(x->m, &run->roots.places[x->worker][place]);
    else
        gc_clear(x->m, &run->locals[x->worker]->local[place - PROGRAM_ROOTS]);
}

/* A view of the actor's worker, or a back of its thread, = temp (may be empty). */
static void put_view(struct actor *x, struct scope *s, int t, uint32_t view)
{
    struct run *run = x->run;
    view %= PROGRAM_VIEWS;
    shadow_lock(run);
    run->shadow.views[x->worker][view] = s->shadow.id[t];
    shadow_unlock(run);
    gc_store_root(x->m, &run->roots.views[x->worker][view], s->temps.at[t]);
}

static void put_back(
        struct actor *x, struct scope *s, int t, uint32_t back, uint64_t batch)
{
    struct run *run = x->run;
    back %= PROGRAM_BACKS;
    shadow_lock(run);
    run->shadow.backs[x->thread][back] = s->shadow.id[t];
    run->shadow.back_batch[x->thread][back] = batch;
    shadow_unlock(run);
    gc_store_root(x->m, &run->roots.backs[x->thread][back], s->temps.at[t]);
}

/* --- objects ------------------------------------------------------------------------- */

/* What a temp refers to. */
struct held {
    uint32_t id;
    enum program_kind kind;
    uint32_t slots; /* 0: nothing is held */
    bool is_mutable;
};

static struct held held_by(struct actor *x, const struct scope *s, int t)
{
    struct held held = { 0 };
    shadow_lock(x->run);
    const struct shadow_object *object = &x->run->shadow.objects[s->shadow.id[t]];
    held.id = s->shadow.id[t];
    if (held.id != 0) {
        held.kind = object->kind;
        held.slots = object->slots;
        held.is_mutable = program_is_mutable(object->kind) && object->slots > 0;
    }
    shadow_unlock(x->run);
    return held;
}

/* The name of the next object of this operation. Shadow's lock. */
static uint64_t next_name(struct actor *x)
{
    return x->operation == 0 ? 0 : x->operation << 16 | ++x->made;
}

/* Whose thread this is; a collector's own is known by its mutator. */
static _Thread_local uint32_t thread_index;

static void life_tell(struct run *run, uint32_t id, const char *text);

/* --- slots --------------------------------------------------------------------------- */

enum how { PLAIN, SHARED, FIRST };

static uint32_t begin_slot(
        struct actor *x, const struct scope *s, int in, uint32_t slot, uint32_t value)
{
    struct shadow *shadow = &x->run->shadow;
    shadow_lock(x->run);
    struct shadow_object *holder = &shadow->objects[s->shadow.id[in]];
    holder->slot[slot] = value;
    uint32_t first = program_first_slot(holder->kind);
    shadow_unlock(x->run);
    return first + slot;
}

/* temp `in`.slot = temp `value`, which may be empty. */
static void store(
        struct actor *x, struct scope *s, int in, uint32_t slot, int value, enum how how)
{
    struct program_any *holder = s->temps.at[in], *target = s->temps.at[value];
    slot = begin_slot(x, s, in, slot, s->shadow.id[value]);
    switch (how) {
    case PLAIN:
        gc_store(x->m, holder, slot[slot], target);
        break;
    case SHARED:
        gc_store_shared(x->m, holder, slot[slot], target);
        break;
    case FIRST:
        gc_store_new(x->m, holder, slot[slot], target);
        break;
    }
}

static void store_null(struct actor *x, struct scope *s, int in, uint32_t slot)
{
    struct program_any *holder = s->temps.at[in];
    slot = begin_slot(x, s, in, slot, 0);
    gc_store_null(x->m, holder, slot[slot]);
}

/* temp `to` = temp `in`.slot; `to` is empty. */
static void load(
        struct actor *x, struct scope *s, int to, int in, uint32_t slot, bool shared)
{
    struct program_any *holder = s->temps.at[in];
    shadow_lock(x->run);
    const struct shadow_object *object = &x->run->shadow.objects[s->shadow.id[in]];
    s->shadow.id[to] = object->slot[slot];
    slot += program_first_slot(object->kind);
    shadow_unlock(x->run);
    if (shared)
        gc_load_shared(x->m, &s->temps.at[to], holder, slot[slot]);
    else
        gc_load(x->m, &s->temps.at[to], holder, slot[slot]);
}

#endif
