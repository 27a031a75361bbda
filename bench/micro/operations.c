/* SPDX-License-Identifier: MIT */
/* operations.c - every operation of core/mutator.h, n times; compiled once per protocol and
 * place (micro.h).
 *
 * A loop is a function of its own (and not inlined), so that its machine code can be
 * looked at by name: README.md says how. by_hand.c has the same loops without us.
 */
#include "bench/micro/operations.h"
#include "core/handshake.h"

struct leaf {
    struct gc_object header;
    int64_t key[2];
};

struct wide { /* 64 bytes */
    struct gc_object header;
    struct wide *left, *right;
    int64_t key[4];
};

static const struct gc_type leaf_type = GC_TYPE(struct leaf, .slots = 0);
static const struct gc_type wide_type = GC_TYPE(struct wide, .slots = 2);

/* --- loops ---------------------------------------------------------------------------- */

#define LOOP static __attribute__((noinline)) void

/* The locals of a loop are the function's own, as in a program. The one that is written has
 * a frame for itself: small, like those of programs, where compilers see through them. */
#define LOOP_BEGIN(t)                                                                    \
    struct gc_mutator *m = (t)->m;                                                       \
    struct {                                                                             \
        struct gc_frame frame;                                                           \
        struct node *object[GC_MICRO_OBJECTS], *holder[GC_MICRO_OBJECTS];                \
    } at;                                                                                \
    struct {                                                                             \
        struct gc_frame frame;                                                           \
        struct node *copy;                                                               \
    } to;                                                                                \
    gc_enter(m, at);                                                                     \
    gc_enter(m, to);                                                                     \
    for (int o = 0; o < GC_MICRO_OBJECTS; o++) {                                         \
        gc_set(m, &at.object[o], (t)->at.object[o]);                                     \
        gc_set(m, &at.holder[o], (t)->at.holder[o]);                                     \
    }
#define LOOP_END()                                                                       \
    gc_leave(m, to);                                                                     \
    gc_leave(m, at)

#define TURN(i) ((i) % GC_MICRO_OBJECTS)
/* Another object each time round, so that a store is a change. */
#define OTHER(i) (((i) + (i) / GC_MICRO_OBJECTS) % GC_MICRO_OBJECTS)

LOOP loop_copy(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        gc_set(m, &to.copy, at.object[TURN(i)]);
        GC_MICRO_KEEP(to.copy);
    }
    LOOP_END();
}

LOOP loop_move(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        gc_move(m, &to.copy, &at.object[TURN(i)]);
        GC_MICRO_KEEP(to.copy);
        gc_move(m, &at.object[TURN(i)], &to.copy);
    }
    LOOP_END();
}

LOOP loop_load(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        gc_load(m, &to.copy, at.holder[TURN(i)], left);
        GC_MICRO_KEEP(to.copy);
    }
    LOOP_END();
}

LOOP loop_load_clear(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        gc_load(m, &to.copy, at.holder[TURN(i)], left);
        GC_MICRO_KEEP(to.copy);
        gc_clear(m, &to.copy);
    }
    LOOP_END();
}

LOOP loop_load_shared(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        gc_load_shared(m, &to.copy, at.holder[TURN(i)], left);
        GC_MICRO_KEEP(to.copy);
        gc_clear(m, &to.copy);
    }
    LOOP_END();
}

LOOP loop_store(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++)
        gc_store(m, at.holder[TURN(i)], left, at.object[OTHER(i)]);
    LOOP_END();
}

LOOP loop_store_shared(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++)
        gc_store_shared(m, at.holder[TURN(i)], left, at.object[OTHER(i)]);
    LOOP_END();
}

LOOP loop_store_new(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node *holder = at.holder[TURN(i)];
        gc_store_new(m, holder, right, at.object[OTHER(i)]);
        gc_store_null(m, holder, right);
    }
    LOOP_END();
}

LOOP loop_give(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        gc_set(m, &to.copy, at.object[OTHER(i)]);
        gc_give(m, at.holder[TURN(i)], left, &to.copy);
    }
    LOOP_END();
}

LOOP loop_exchange(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    gc_set(m, &to.copy, at.object[0]);
    for (uint64_t i = 0; i < n; i++) {
        gc_exchange(m, at.holder[TURN(i)], left, &to.copy);
        GC_MICRO_KEEP(to.copy);
    }
    LOOP_END();
}

LOOP loop_compare_exchange(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    uint64_t successes = 0;
    for (uint64_t i = 0; i < n; i++) { /* there and back, on the same holder */
        struct node *there = at.object[TURN(i)], *back = at.object[TURN(i + 1)];
        struct node *holder = at.holder[TURN(i)];
        successes += gc_compare_exchange(m, holder, left, there, back);
        successes += gc_compare_exchange(m, holder, left, back, there);
    }
    GC_MICRO_KEEP(successes);
    LOOP_END();
}

LOOP loop_new_node(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++)
        gc_new(m, &at.object[TURN(i)], &node_type);
    LOOP_END();
}

LOOP loop_new_leaf(struct gc_micro_thread *t, uint64_t n)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct leaf *object[GC_MICRO_OBJECTS];
    } at;
    gc_enter(m, at);
    for (uint64_t i = 0; i < n; i++)
        gc_new(m, &at.object[TURN(i)], &leaf_type);
    gc_leave(m, at);
}

LOOP loop_new_wide(struct gc_micro_thread *t, uint64_t n)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct wide *object[GC_MICRO_OBJECTS];
    } at;
    gc_enter(m, at);
    for (uint64_t i = 0; i < n; i++)
        gc_new(m, &at.object[TURN(i)], &wide_type);
    gc_leave(m, at);
}

LOOP loop_weak_load(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        gc_load_weak(m, &to.copy, t->at.weak[TURN(i)]);
        GC_MICRO_KEEP(to.copy);
        gc_clear(m, &to.copy);
    }
    LOOP_END();
}

LOOP loop_safepoint(struct gc_micro_thread *t, uint64_t n)
{
    struct gc_mutator *m = t->m;
    for (uint64_t i = 0; i < n; i++)
        gc_safepoint(m);
}

LOOP loop_blocked(struct gc_micro_thread *t, uint64_t n)
{
    struct gc_mutator *m = t->m;
    for (uint64_t i = 0; i < n; i++) {
        gc_blocked_begin(m);
        gc_blocked_end(m);
    }
}

LOOP loop_stop(struct gc_micro_thread *t, uint64_t n)
{
    struct gc_mutator *m = t->m;
    for (uint64_t i = 0; i < n; i++) {
        gc_stop_begin(m);
        gc_stop_end_unlogged(m);
    }
}

static void answer(struct gc_mutator *m, void *argument)
{
    (void)m, (void)argument;
}

LOOP loop_handshake(struct gc_micro_thread *t, uint64_t n)
{
    struct gc_mutator *m = t->m;
    for (uint64_t i = 0; i < n; i++)
        gc_handshake(m, answer, NULL);
}

/* --- the table --------------------------------------------------------------------------- */

/* by_hand.c has the same names. */
const struct gc_micro_operation GC_MICRO_LOOPS(GC_PROTOCOL_NAME, GC_MICRO_PLACE)[] = {
    { "copy", "local = local", GC_MICRO_MANY, 2, false, loop_copy },
    { "copy_same", "copy, of one object", GC_MICRO_MANY, 2, true, loop_copy },
    { "move", "there and back", GC_MICRO_MANY, 2, false, loop_move },
    { "load", "local = field", GC_MICRO_MANY, 2, false, loop_load },
    { "load_clear", "local = field; local = NULL", GC_MICRO_MANY, 2, false,
            loop_load_clear },
    { "load_shared", "local = racing field; local = NULL", GC_MICRO_MANY, 2, false,
            loop_load_shared },
    { "load_shared_same", "load_shared, of one field", GC_MICRO_MANY, 2, true,
            loop_load_shared },
    { "store", "field = local", GC_MICRO_MANY, 2, false, loop_store },
    { "store_shared", "racing field = local", GC_MICRO_MANY, 2, false,
            loop_store_shared },
    { "store_shared_same", "store_shared, to one field", GC_MICRO_MANY, 2, true,
            loop_store_shared },
    { "store_new", "new field = local; field = NULL", GC_MICRO_MANY, 2, false,
            loop_store_new },
    { "give", "copy; field = copy, handed over", GC_MICRO_MANY, 2, false, loop_give },
    { "exchange", "field <-> local", GC_MICRO_MANY, 2, false, loop_exchange },
    { "compare_exchange", "two that succeed", GC_MICRO_MANY, 2, false,
            loop_compare_exchange },
    { "new_node", "40 bytes, 2 slots; one dies", GC_MICRO_MANY, 2, false, loop_new_node },
    { "new_leaf", "32 bytes, no slots; one dies", GC_MICRO_MANY, 2, false,
            loop_new_leaf },
    { "new_wide", "64 bytes, 2 slots; one dies", GC_MICRO_MANY, 2, false, loop_new_wide },
    { "weak_load", "local = target; local = NULL", GC_MICRO_MANY, 2, false,
            loop_weak_load },
    { "safepoint", "nothing due", GC_MICRO_MANY, 2, false, loop_safepoint },
    { "blocked", "in and out again", GC_MICRO_SOME, 2, false, loop_blocked },
    { "stop", "stop the world, resume", GC_MICRO_FEW, 2, false, loop_stop },
    { "handshake", "a function that does nothing, by all", GC_MICRO_FEW, 2, false,
            loop_handshake },
    { NULL, NULL, 0, 0, false, NULL },
};
