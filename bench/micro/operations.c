/* SPDX-License-Identifier: MIT */
/* operations.c - every operation of core/mutator.h, n times; compiled once per protocol.
 *
 * A loop is a function of its own (and not inlined), so that its machine code can be
 * looked at by name: README.md says how. by_hand.c has the same loops without us.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/micro.h"
#include "core/handshake.h"
#include "core/harness.h"
#include "core/mutator.h"
#include "core/protocol.h"

#define NAME_OF_(text) #text
#define NAME_OF(text)  NAME_OF_(text)
#define PASTE_(a, b)   a##b
#define PASTE(a, b)    PASTE_(a, b)
#define SET            PASTE(gc_micro_set_, GC_PROTOCOL_NAME)

enum { MANY = 16384, SOME = 1024, FEW = 64 }; /* iterations of a call */

struct node {
    struct gc_object header;
    struct node *left, *right;
    int64_t key;
};

struct leaf {
    struct gc_object header;
    int64_t key[2];
};

struct wide { /* 64 bytes */
    struct gc_object header;
    struct wide *left, *right;
    int64_t key[4];
};

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);
static const struct gc_type leaf_type = GC_TYPE(struct leaf, .slots = 0);
static const struct gc_type wide_type = GC_TYPE(struct wide, .slots = 2);

/* What a thread holds between calls. */
struct gc_micro_thread {
    struct gc_mutator *m;
    const struct gc_micro_operation *operation;
    struct {
        struct gc_frame frame;
        struct node *object[GC_MICRO_OBJECTS];
        struct node *holder[GC_MICRO_OBJECTS]; /* holder[i]->left is object[i] */
        struct gc_weak *weak[GC_MICRO_OBJECTS];
    } at;
};

/* What all threads of a run share. */
static struct {
    pthread_mutex_t lock;
    uint32_t users;
    struct gc_heap *heap;
    struct gc_root_range range;
    struct node *root; /* the one holder of a shared operation */
} world = { .lock = PTHREAD_MUTEX_INITIALIZER };

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

/* --- the set --------------------------------------------------------------------------- */

/* by_hand.c has the same names. */
static const struct gc_micro_operation operations[] = {
    { "copy", "local = local", MANY, 2, false, loop_copy },
    { "copy_same", "copy, of one object", MANY, 2, true, loop_copy },
    { "move", "there and back", MANY, 2, false, loop_move },
    { "load", "local = field", MANY, 2, false, loop_load },
    { "load_clear", "local = field; local = NULL", MANY, 2, false, loop_load_clear },
    { "load_shared", "local = racing field; local = NULL", MANY, 2, false,
            loop_load_shared },
    { "load_shared_same", "load_shared, of one field", MANY, 2, true, loop_load_shared },
    { "store", "field = local", MANY, 2, false, loop_store },
    { "store_shared", "racing field = local", MANY, 2, false, loop_store_shared },
    { "store_shared_same", "store_shared, to one field", MANY, 2, true,
            loop_store_shared },
    { "store_new", "new field = local; field = NULL", MANY, 2, false, loop_store_new },
    { "give", "copy; field = copy, handed over", MANY, 2, false, loop_give },
    { "exchange", "field <-> local", MANY, 2, false, loop_exchange },
    { "compare_exchange", "two that succeed", MANY, 2, false, loop_compare_exchange },
    { "new_node", "40 bytes, 2 slots; one dies", MANY, 2, false, loop_new_node },
    { "new_leaf", "32 bytes, no slots; one dies", MANY, 2, false, loop_new_leaf },
    { "new_wide", "64 bytes, 2 slots; one dies", MANY, 2, false, loop_new_wide },
    { "weak_load", "local = target; local = NULL", MANY, 2, false, loop_weak_load },
    { "safepoint", "nothing due", MANY, 2, false, loop_safepoint },
    { "blocked", "in and out again", SOME, 2, false, loop_blocked },
    { "stop", "stop the world, resume", FEW, 2, false, loop_stop },
    { "handshake", "a function that does nothing, by all", FEW, 2, false,
            loop_handshake },
    { NULL, NULL, 0, 0, false, NULL },
};

static const struct gc_protocol *protocol(void)
{
    return gc_protocol_find(NAME_OF(GC_PROTOCOL_NAME));
}

static bool is_serial(void)
{
    return (protocol()->flags & GC_PROTOCOL_SERIAL) != 0;
}

static const char *peer(void)
{
    if (strcmp(NAME_OF(GC_PROTOCOL_NAME), "log_object") == 0)
        return "c_logged c_logged_tested";
    if (strcmp(NAME_OF(GC_PROTOCOL_NAME), "satb") == 0) return "c_flagged_tested";
    if ((protocol()->flags & GC_PROTOCOL_COUNTED) == 0)
        return "c_pointer c_pointer_tested";
    if (is_serial()) return "c_plain c_plain_tested";
    if (strcmp(NAME_OF(GC_PROTOCOL_NAME), "biased") == 0) return "c_biased_tested";
    return "c_atomic c_atomic_tested";
}

/* The first collector that works with the protocol and gives memory back. */
static const struct gc_collector *collector(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct gc_collector_info info = gc_collector_info(*c);
        for (size_t i = 0; info.reclaims && info.protocols[i] != NULL; i++)
            if (strcmp(info.protocols[i], NAME_OF(GC_PROTOCOL_NAME)) == 0) return *c;
    }
    return NULL;
}

static int open_world(void)
{
    struct gc_heap_config config = { .collector = collector(), .protocol = protocol() };
    if (config.collector == NULL) return -1;
    struct gc_error error;
    int result = gc_heap_create(&config, &world.heap, &error);
    if (result == 0)
        gc_roots_add(world.heap, &world.range, (gc_slot *)(void *)&world.root, 1);
    return result;
}

static void close_world(void)
{
    if (world.heap == NULL) return;
    gc_roots_remove(world.heap, &world.range);
    gc_heap_destroy(world.heap);
    world.heap = NULL;
}

/* The thread's objects: its own, or the one holder and object that all share. */
static void fill(struct gc_micro_thread *t)
{
    struct gc_mutator *m = t->m;
    for (int i = 0; i < GC_MICRO_OBJECTS; i++) {
        if (t->operation->shared && (i > 0 || world.root != NULL)) {
            gc_load_root(m, &t->at.holder[i], &world.root);
            gc_load(m, &t->at.object[i], t->at.holder[i], left);
        } else {
            gc_new(m, &t->at.object[i], &node_type);
            gc_new(m, &t->at.holder[i], &node_type);
            gc_store_new(m, t->at.holder[i], left, t->at.object[i]);
            if (t->operation->shared) gc_store_root(m, &world.root, t->at.holder[i]);
        }
        bool made = gc_new_weak(
                m, &t->at.weak[i], t->at.object[i], NULL, (struct node *)NULL);
        gc_require(made, "there is no memory for a weak reference");
    }
}

static struct gc_micro_thread *begin(const struct gc_micro_operation *operation)
{
    struct gc_micro_thread *t = calloc(1, sizeof(*t));
    if (t == NULL) return NULL;
    t->operation = operation;
    /* Who holds the lock may wait in the runtime: whoever is in the way there is in a
     * blocked region, and no mutator yet while it waits for the lock. */
    pthread_mutex_lock(&world.lock);
    int result = world.users == 0 ? open_world() : 0;
    if (result == 0) result = gc_attach(world.heap, &t->m);
    if (result == 0) {
        world.users++;
        gc_enter(t->m, t->at);
        fill(t);
        gc_blocked_begin(t->m);
    } else {
        if (world.users == 0) close_world();
        free(t);
        t = NULL;
    }
    pthread_mutex_unlock(&world.lock);
    return t;
}

static void run(struct gc_micro_thread *t, uint64_t n)
{
    gc_blocked_end(t->m);
    t->operation->run(t, n);
    gc_blocked_begin(t->m);
}

static void end(struct gc_micro_thread *t)
{
    pthread_mutex_lock(&world.lock);
    gc_blocked_end(t->m);
    bool last = --world.users == 0;
    if (last) gc_store_root_null(t->m, &world.root);
    gc_leave(t->m, t->at);
    gc_detach(t->m);
    if (last) close_world();
    pthread_mutex_unlock(&world.lock);
    free(t);
}

extern const struct gc_micro_set SET;
const struct gc_micro_set SET = {
    .name = NAME_OF(GC_PROTOCOL_NAME),
    .operations = operations,
    .peer = peer,
    .is_serial = is_serial,
    .begin = begin,
    .run = run,
    .end = end,
};
