/* SPDX-License-Identifier: MIT */
/* racers.h - threads that race for the slots of one object, the board, while the second worker has a
 * thread.
 *
 * They never use gc_store() there: only what is made for racing slots. What lies on the board is
 * theirs alone, has no finalizer and no weak reference. So nobody asks the shadow about it before they
 * have ended; then the shadow learns what they have left, and counts and garbage must be as it
 * says: a reference that got lost shows, and so does one too many.
 *
 * Included by execute.c alone, once per protocol.
 */
#ifndef TESTS_PROGRAM_RACERS_H
#define TESTS_PROGRAM_RACERS_H

#include "tests/program/act.h"
#include "tests/program/draw.h"
#include "tests/program/make.h"

enum { RACER = 4, BOARD_SLOTS = 3, RACE_STEPS = 24, BOARD = 3 /* temp */ };

/* A thread of the program's, whatever it does; on `x`'s. */
static void start_thread(struct actor *x, struct gc_mutator_thread *thread,
        void (*body)(struct gc_mutator *m, void *argument), void *argument,
        struct gc_object *start)
{
    while (gc_spawn(x->m, thread, body, argument, start) != 0) {
        try_again(x, "a thread can't be started");
        give_room(x->m, GC_BLOCK_BYTES, x->run); /* nobody was asked for that */
    }
    program_host->tally->threads++;
}

/* On the first thread. */
static void make_board(struct actor *x)
{
    struct scope s;
    if (x->run->settings.racers == 0) return;
    scope_enter(x, &s);
    make(x, &s, 0, PROGRAM_ARRAY, BOARD_SLOTS, 0);
    shadow_lock(x->run);
    x->run->shadow.board = s.shadow.id[0];
    shadow_unlock(x->run);
    gc_store_root(x->m, &x->run->roots.board, s.temps.at[0]);
    scope_leave(x, &s);
}

static void drop_board(struct actor *x)
{
    shadow_lock(x->run);
    x->run->shadow.board = 0;
    shadow_unlock(x->run);
    gc_store_root_null(x->m, &x->run->roots.board);
}

/* temp = what may lie on the board: a node, alone, in a ring of one, or with a leaf. The shadow
 * does not follow who holds it. */
static void make_raced(struct actor *x, struct scope *s, int t, uint32_t shape)
{
    make(x, s, t, PROGRAM_NODE2, 0, 0);
    shadow_lock(x->run);
    x->run->shadow.objects[s->shadow.id[t]].raced = true;
    shadow_unlock(x->run);
    if (shape == 1) store(x, s, t, 0, t, PLAIN);
    if (shape == 2) {
        make(x, s, 2, PROGRAM_LEAF, 0, 0);
        store(x, s, t, 1, 2, FIRST);
        clear_temp(x, s, 2);
    }
    set_temp(x, s, t, 0);
}

/* The number of an object that was met on the board; 0: nothing was. */
static uint32_t meet(struct actor *x, const struct program_any *any)
{
    if (any == NULL) return 0;
    struct gc_object *object = (struct gc_object *)(uintptr_t)&any->header;
    if (gc_object_is_dead(object) || program_kind_of(object) != PROGRAM_NODE2)
        program_fail("an object was freed before what refers to it: a slot that threads "
                     "race for gives what is no object any more, or another one");
    const struct program_tag *tag = program_tag_of(object, PROGRAM_NODE2);
    const struct shadow *shadow = &x->run->shadow;
    shadow_lock(x->run);
    bool good = tag->id > 0 && tag->id < shadow->count &&
                tag->canary == program_canary(tag->id) &&
                shadow->objects[tag->id].raced &&
                shadow->objects[tag->id].address == object;
    shadow_unlock(x->run);
    if (!good)
        program_fail("memory is overwritten: so is what a slot gives that threads race "
                     "for");
    return (uint32_t)tag->id;
}

static void race_once(struct actor *x, struct scope *s, uint64_t *state)
{
    struct program_any *board = s->temps.at[BOARD];
    uint32_t i = program_below(state, BOARD_SLOTS) + program_first_slot(PROGRAM_ARRAY);
    int hand = program_below(state, 2), other = 1 - hand;
    switch (program_below(state, 7)) {
    case 0:
    case 1:
        gc_clear(x->m, &s->temps.at[hand]);
        make_raced(x, s, hand, program_below(state, 3));
        break;
    case 2:
        gc_exchange(x->m, board, slot[i], &s->temps.at[hand]);
        break;
    case 3:
        (void)gc_compare_exchange(
                x->m, board, slot[i], s->temps.at[hand], s->temps.at[other]);
        break;
    case 4:
        gc_clear(x->m, &s->temps.at[hand]);
        gc_load_shared(x->m, &s->temps.at[hand], board, slot[i]);
        break;
    case 5:
        gc_store_shared(x->m, board, slot[i], s->temps.at[hand]);
        break;
    default:
        gc_clear(x->m, &s->temps.at[hand]);
        break;
    }
    program_trace(x->thread, "races, and holds", meet(x, s->temps.at[hand]));
}

static void race(struct gc_mutator *m, void *argument)
{
    struct race_errand *errand = argument;
    struct actor x = { .run = errand->run, .m = m, .thread = RACER + errand->number };
    struct scope s;
    thread_index = x.thread;
    scope_enter(&x, &s);
    gc_load_root(m, &s.temps.at[BOARD], &errand->run->roots.board);
    for (uint32_t i = 0; i < RACE_STEPS; i++)
        race_once(&x, &s, &errand->state);
    scope_leave(&x, &s);
}

/* On the first thread, when the second worker's has been started. */
static void start_race(struct actor *x)
{
    struct run *run = x->run;
    for (uint32_t i = 0; i < run->settings.racers && i < PROGRAM_RACERS; i++) {
        run->errands[i] = (struct race_errand){
            .run = run,
            .number = i,
            .state = (run->settings.seed * UINT64_C(1000003) + x->operation) << 8 | i,
        };
        start_thread(x, &run->racers[i], race, &run->errands[i], NULL);
    }
}

/* Ends it: the shadow learns what is left on the board. */
static void end_race(struct actor *x)
{
    struct run *run = x->run;
    struct scope s;
    if (run->settings.racers == 0) return;
    for (uint32_t i = 0; i < run->settings.racers && i < PROGRAM_RACERS; i++)
        gc_join(x->m, &run->racers[i]);
    scope_enter(x, &s);
    gc_load_root(x->m, &s.temps.at[BOARD], &run->roots.board);
    for (uint32_t i = 0; i < BOARD_SLOTS; i++) {
        uint32_t at = program_first_slot(PROGRAM_ARRAY) + i;
        gc_load(x->m, &s.temps.at[0], s.temps.at[BOARD], slot[at]);
        uint32_t id = meet(x, s.temps.at[0]);
        shadow_lock(run);
        run->shadow.objects[run->shadow.board].slot[i] = id;
        shadow_unlock(run);
        gc_clear(x->m, &s.temps.at[0]);
    }
    scope_leave(x, &s);
}

#endif
