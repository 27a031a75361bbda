/* SPDX-License-Identifier: MIT */
/* shape.h - rings and chains, of which programs are built.
 *
 * Included by execute.c alone, once per protocol.
 */
#ifndef TESTS_PROGRAM_SHAPE_H
#define TESTS_PROGRAM_SHAPE_H

#include "tests/program/make.h"

enum ring_mix { RING_NODES, RING_FINALIZED, RING_TUPLES, RING_WEAK, RING_MIXES };

/* Links temp 1 (the last node) to temp 2 (the next one), through what `mix` says. */
static void link_ring(struct actor *x, struct scope *s, uint32_t i, enum ring_mix mix)
{
    if (mix == RING_TUPLES && i % 3 == 1) {
        make(x, s, 3, PROGRAM_TUPLE2, 2, 0);
        store(x, s, 3, 0, 2, FIRST);
        store(x, s, 3, 1, 2, FIRST);
        store(x, s, 1, 0, 3, PLAIN);
        clear_temp(x, s, 3);
    } else if (mix == RING_WEAK && i == 1) {
        make_weak(x, s, 0, 3, true);
        store(x, s, 1, 0, 3, PLAIN);
        struct scope inner;
        scope_enter(x, &inner);
        move_temp(x, &inner, 0, s, 3);
        load(x, &inner, 1, 0, 0, false);
        shadow_lock(x->run);
        inner.shadow.id[2] = s->shadow.id[2];
        shadow_unlock(x->run);
        gc_set(x->m, &inner.temps.at[2], s->temps.at[2]);
        store(x, &inner, 1, 0, 2, PLAIN);
        scope_leave(x, &inner);
    } else {
        store(x, s, 1, 0, 2, PLAIN);
    }
}

/* out's temp t = the first node of a ring, linked forwards by slot 0, backwards by 1. */
static void make_ring(struct actor *x, struct scope *out, int t, uint32_t nodes,
        enum ring_mix mix, uint32_t behaviour)
{
    struct scope s;
    scope_enter(x, &s);
    make(x, &s, 0, PROGRAM_NODE3, 3, 0);
    set_temp(x, &s, 1, s.shadow.id[0]);
    gc_set(x->m, &s.temps.at[1], s.temps.at[0]);
    for (uint32_t i = 1; i < nodes; i++) {
        if (mix == RING_FINALIZED && i % 2 == 1)
            make_finalized(x, &s, 2, behaviour + i / 2);
        else
            make(x, &s, 2, i % 4 == 3 ? PROGRAM_IRREGULAR : PROGRAM_NODE2, 2, 0);
        store(x, &s, 2, 1, 1, FIRST);
        link_ring(x, &s, i, mix);
        move_temp(x, &s, 1, &s, 2);
    }
    store(x, &s, 1, 0, 0, PLAIN);
    store(x, &s, 0, 1, 1, PLAIN);
    move_temp(x, out, t, &s, 0);
    scope_leave(x, &s);
}

/* out's temp t = the first node of a chain whose end is what temp `end` holds; -1: none. */
static void make_chain(struct actor *x, struct scope *out, int t, uint32_t nodes, int end)
{
    struct scope s;
    scope_enter(x, &s);
    if (end >= 0) {
        set_temp(x, &s, 0, out->shadow.id[end]);
        gc_set(x->m, &s.temps.at[0], out->temps.at[end]);
    }
    for (uint32_t i = 0; i < nodes; i++) {
        make(x, &s, 1, PROGRAM_NODE2, 2, 0);
        store(x, &s, 1, i % 2, 0, FIRST);
        move_temp(x, &s, 0, &s, 1);
    }
    move_temp(x, out, t, &s, 0);
    scope_leave(x, &s);
}

#endif
