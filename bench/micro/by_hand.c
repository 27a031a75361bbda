/* SPDX-License-Identifier: MIT */
/* by_hand.c - what operations.c does, as bare C would do it; compiled for three ways of
 * counting: c_pointer (not at all), c_plain, c_atomic.
 *
 * Nothing here tests for NULL or needs to: a programmer knows. A decrement tests for zero
 * where something could die; `copy` and `pair` do not even that. Counts go through
 * memory: the barrier in take() keeps the compiler from adding 1 - 1 by itself.
 */
#include <pthread.h>
#include <stdlib.h>

#include "bench/micro/micro.h"

#define NAME_OF_(text) #text
#define NAME_OF(text)  NAME_OF_(text)
#define PASTE_(a, b)   a##b
#define PASTE(a, b)    PASTE_(a, b)
#define SET            PASTE(gc_micro_set_, BY_HAND_NAME)

#define INLINE static inline __attribute__((always_inline))

enum { MANY = 16384, SOME = 1024, FEW = 64 }; /* iterations of a call */
enum { COUNTS = BY_HAND_COUNTS, ATOMIC = BY_HAND_ATOMIC };

/* As large as the objects of operations.c. */
struct node {
    uint64_t count, word;
    struct node *left, *right;
    int64_t key;
};

struct leaf {
    uint64_t count, word;
    int64_t key[2];
};

struct wide {
    uint64_t count, word;
    struct wide *left, *right;
    int64_t key[4];
};

struct gc_micro_thread {
    const struct gc_micro_operation *operation;
    struct node *object[GC_MICRO_OBJECTS];
    struct node *holder[GC_MICRO_OBJECTS];
    struct node **weak[GC_MICRO_OBJECTS];
    pthread_mutex_t own;
    uint32_t poll;
};

/* What all threads of a run share: under COUNTS its root holds one reference. */
static struct {
    pthread_mutex_t lock, stop;
    uint32_t users;
    struct node *root;
} world = { .lock = PTHREAD_MUTEX_INITIALIZER, .stop = PTHREAD_MUTEX_INITIALIZER };

static __attribute__((cold, noinline)) void die(void *object)
{
    free(object);
}

INLINE void take(uint64_t *count)
{
    if (!COUNTS) return;
    if (ATOMIC) {
        __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
    } else {
        ++*count;
        __asm__ __volatile__("" : : : "memory");
    }
}

/* True for the last reference. */
INLINE bool drop(uint64_t *count)
{
    if (!COUNTS) return false;
    if (ATOMIC) return __atomic_fetch_sub(count, 1, __ATOMIC_ACQ_REL) == 1;
    return --*count == 0;
}

INLINE void drop_node(struct node *node)
{
    if (__builtin_expect(drop(&node->count), 0)) die(node);
}

/* --- loops ---------------------------------------------------------------------------- */

#define LOOP static __attribute__((noinline)) void

#define LOOP_BEGIN(t)                                                                    \
    struct node *object[GC_MICRO_OBJECTS], *holder[GC_MICRO_OBJECTS];                    \
    for (int o = 0; o < GC_MICRO_OBJECTS; o++) {                                         \
        object[o] = (t)->object[o];                                                      \
        holder[o] = (t)->holder[o];                                                      \
    }                                                                                    \
    (void)object, (void)holder

#define TURN(i)  ((i) % GC_MICRO_OBJECTS)
#define OTHER(i) (((i) + (i) / GC_MICRO_OBJECTS) % GC_MICRO_OBJECTS)

/* What a copy counts: the increment of one object, the decrement of the one before. */
LOOP loop_copy(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    struct node *copy = object[0];
    take(&copy->count);
    for (uint64_t i = 0; i < n; i++) {
        struct node *value = object[TURN(i)];
        take(&value->count);
        GC_MICRO_KEEP(value);
        drop(&copy->count);
        copy = value;
    }
    drop(&copy->count);
}

/* The increment and the decrement of one object. */
LOOP loop_pair(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node *node = object[TURN(i)];
        take(&node->count);
        GC_MICRO_KEEP(node);
        drop(&node->count);
    }
}

LOOP loop_move(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node *copy = object[TURN(i)];
        object[TURN(i)] = NULL;
        GC_MICRO_KEEP(copy);
        object[TURN(i)] = copy;
    }
}

LOOP loop_load(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    struct node *copy = object[0];
    take(&copy->count);
    for (uint64_t i = 0; i < n; i++) {
        struct node *value = holder[TURN(i)]->left;
        take(&value->count);
        GC_MICRO_KEEP(value);
        drop_node(copy);
        copy = value;
    }
    drop_node(copy);
}

/* The reference in a field that others write: where they run meanwhile, it may be gone before
 * it is counted. */
INLINE struct node *load_racing(struct node **field)
{
    for (;;) {
        struct node *value = __atomic_load_n(field, __ATOMIC_ACQUIRE);
        take(&value->count);
        if (!ATOMIC || __atomic_load_n(field, __ATOMIC_ACQUIRE) == value) return value;
        drop_node(value);
    }
}

LOOP loop_load_shared(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node *copy = load_racing(&holder[TURN(i)]->left);
        GC_MICRO_KEEP(copy);
        drop_node(copy);
    }
}

LOOP loop_store(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &holder[TURN(i)]->left;
        struct node *value = object[OTHER(i)], *old = *field;
        take(&value->count);
        __atomic_store_n(field, value, __ATOMIC_RELEASE);
        drop_node(old);
    }
}

LOOP loop_store_shared(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &holder[TURN(i)]->left;
        struct node *value = object[OTHER(i)], *old = NULL;
        take(&value->count);
        if (ATOMIC) {
            old = __atomic_exchange_n(field, value, __ATOMIC_ACQ_REL);
        } else {
            old = *field;
            __atomic_store_n(field, value, __ATOMIC_RELEASE);
        }
        drop_node(old);
    }
}

LOOP loop_store_new(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &holder[TURN(i)]->right;
        struct node *value = object[OTHER(i)];
        take(&value->count);
        __atomic_store_n(field, value, __ATOMIC_RELAXED);
        struct node *old = __atomic_load_n(field, __ATOMIC_RELAXED);
        __atomic_store_n(field, NULL, __ATOMIC_RELEASE);
        drop_node(old);
    }
}

LOOP loop_give(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &holder[TURN(i)]->left;
        struct node *copy = object[OTHER(i)];
        take(&copy->count);
        struct node *old = *field;
        __atomic_store_n(field, copy, __ATOMIC_RELEASE);
        drop_node(old);
    }
}

LOOP loop_exchange(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    struct node *copy = object[0];
    take(&copy->count);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &holder[TURN(i)]->left;
        if (COUNTS && !ATOMIC) {
            struct node *old = *field;
            *field = copy;
            copy = old;
        } else {
            copy = __atomic_exchange_n(field, copy, __ATOMIC_ACQ_REL);
        }
        GC_MICRO_KEEP(copy);
    }
    drop_node(copy);
}

INLINE bool swap_if(struct node **field, struct node *expected, struct node *value)
{
    if (COUNTS && !ATOMIC && *field != expected) return false;
    struct node *old = expected;
    take(&value->count);
    if (COUNTS && !ATOMIC) {
        *field = value;
    } else if (!__atomic_compare_exchange_n(
                       field, &old, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        drop_node(value);
        return false;
    }
    drop_node(expected);
    return true;
}

LOOP loop_compare_exchange(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    uint64_t successes = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct node *there = object[TURN(i)], *back = object[TURN(i + 1)];
        struct node **field = &holder[TURN(i)]->left;
        successes += swap_if(field, there, back);
        successes += swap_if(field, back, there);
    }
    GC_MICRO_KEEP(successes);
}

/* malloc() and the fields that an object has when it is born. */
#define MAKE(type, variable)                                                             \
    struct type *variable = malloc(sizeof(*variable));                                   \
    if (variable == NULL) abort();                                                       \
    variable->count = 1;                                                                 \
    variable->word = 0

/* The one that goes: freed at once where nothing is counted. */
#define UNMAKE(variable)                                                                 \
    do {                                                                                 \
        if (!COUNTS || (variable != NULL && drop(&variable->count))) free(variable);     \
    } while (0)

LOOP loop_new_node(struct gc_micro_thread *t, uint64_t n)
{
    struct node *object[GC_MICRO_OBJECTS] = { NULL };
    (void)t;
    for (uint64_t i = 0; i < n; i++) {
        MAKE(node, node);
        node->left = node->right = NULL;
        struct node *old = object[TURN(i)];
        object[TURN(i)] = node;
        UNMAKE(old);
    }
    for (int i = 0; i < GC_MICRO_OBJECTS; i++)
        free(object[i]);
}

LOOP loop_new_leaf(struct gc_micro_thread *t, uint64_t n)
{
    struct leaf *object[GC_MICRO_OBJECTS] = { NULL };
    (void)t;
    for (uint64_t i = 0; i < n; i++) {
        MAKE(leaf, leaf);
        struct leaf *old = object[TURN(i)];
        object[TURN(i)] = leaf;
        UNMAKE(old);
    }
    for (int i = 0; i < GC_MICRO_OBJECTS; i++)
        free(object[i]);
}

LOOP loop_new_wide(struct gc_micro_thread *t, uint64_t n)
{
    struct wide *object[GC_MICRO_OBJECTS] = { NULL };
    (void)t;
    for (uint64_t i = 0; i < n; i++) {
        MAKE(wide, wide);
        wide->left = wide->right = NULL;
        struct wide *old = object[TURN(i)];
        object[TURN(i)] = wide;
        UNMAKE(old);
    }
    for (int i = 0; i < GC_MICRO_OBJECTS; i++)
        free(object[i]);
}

LOOP loop_weak_load(struct gc_micro_thread *t, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct node *copy = load_racing(t->weak[TURN(i)]);
        GC_MICRO_KEEP(copy);
        drop_node(copy);
    }
}

static __attribute__((cold, noinline)) void poll_slow(struct gc_micro_thread *t)
{
    __atomic_store_n(&t->poll, 0, __ATOMIC_RELAXED);
}

LOOP loop_safepoint(struct gc_micro_thread *t, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (__builtin_expect(__atomic_load_n(&t->poll, __ATOMIC_RELAXED) != 0, 0))
            poll_slow(t);
}

LOOP loop_blocked(struct gc_micro_thread *t, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        pthread_mutex_lock(&t->own);
        pthread_mutex_unlock(&t->own);
    }
}

LOOP loop_stop(struct gc_micro_thread *t, uint64_t n)
{
    (void)t;
    for (uint64_t i = 0; i < n; i++) {
        pthread_mutex_lock(&world.stop);
        pthread_mutex_unlock(&world.stop);
    }
}

/* --- the set --------------------------------------------------------------------------- */

/* The names of operations.c, and `pair`. */
static const struct gc_micro_operation operations[] = {
    { "pair", "increment; decrement", MANY, 2, false, loop_pair },
    { "copy", "increment; decrement the last one", MANY, 2, false, loop_copy },
    { "copy_same", "copy, of one object", MANY, 2, true, loop_copy },
    { "move", "there and back", MANY, 2, false, loop_move },
    { "load", "read; increment; decrement the last one", MANY, 2, false, loop_load },
    { "load_shared", "read; increment; read again if atomic; decrement", MANY, 2, false,
            loop_load_shared },
    { "load_shared_same", "load_shared, of one field", MANY, 2, true, loop_load_shared },
    { "store", "increment; write; decrement the old one", MANY, 2, false, loop_store },
    { "store_shared", "increment; exchange; decrement the old one", MANY, 2, false,
            loop_store_shared },
    { "store_shared_same", "store_shared, to one field", MANY, 2, true,
            loop_store_shared },
    { "store_new", "increment; write; write NULL; decrement", MANY, 2, false,
            loop_store_new },
    { "give", "as store", MANY, 2, false, loop_give },
    { "exchange", "exchange", MANY, 2, false, loop_exchange },
    { "compare_exchange", "two that succeed", MANY, 2, false, loop_compare_exchange },
    { "new_node", "malloc(40); free()", MANY, 2, false, loop_new_node },
    { "new_leaf", "malloc(32); free()", MANY, 2, false, loop_new_leaf },
    { "new_wide", "malloc(64); free()", MANY, 2, false, loop_new_wide },
    { "weak_load", "as load_shared", MANY, 2, false, loop_weak_load },
    { "safepoint", "a load and a branch", MANY, 2, false, loop_safepoint },
    { "blocked", "lock and unlock a mutex of its own", SOME, 2, false, loop_blocked },
    { "stop", "lock and unlock one mutex", FEW, 2, false, loop_stop },
    { "handshake", "as stop", FEW, 2, false, loop_stop },
    { NULL, NULL, 0, 0, false, NULL },
};

static struct node *make(struct node *left)
{
    MAKE(node, node);
    node->left = left;
    node->right = NULL;
    return node;
}

static struct gc_micro_thread *begin(const struct gc_micro_operation *operation)
{
    struct gc_micro_thread *t = calloc(1, sizeof(*t));
    if (t == NULL) return NULL;
    t->operation = operation;
    pthread_mutex_init(&t->own, NULL);
    pthread_mutex_lock(&world.lock);
    world.users++;
    if (world.root == NULL) world.root = make(make(NULL));
    for (int i = 0; i < GC_MICRO_OBJECTS; i++) {
        t->holder[i] = operation->shared ? world.root : make(make(NULL));
        t->object[i] = t->holder[i]->left;
        t->weak[i] = &t->holder[i]->left;
        take(&t->object[i]->count); /* the local's */
    }
    pthread_mutex_unlock(&world.lock);
    return t;
}

static void run(struct gc_micro_thread *t, uint64_t n)
{
    t->operation->run(t, n);
}

static void end(struct gc_micro_thread *t)
{
    pthread_mutex_lock(&world.lock);
    for (int i = 0; i < GC_MICRO_OBJECTS && !t->operation->shared; i++) {
        free(t->holder[i]); /* whatever it holds now: each object is in one `object` */
        free(t->object[i]);
    }
    if (--world.users == 0) {
        free(world.root->left);
        free(world.root);
        world.root = NULL;
    }
    pthread_mutex_unlock(&world.lock);
    pthread_mutex_destroy(&t->own);
    free(t);
}

static bool is_serial(void)
{
    return COUNTS && !ATOMIC;
}

extern const struct gc_micro_set SET;
const struct gc_micro_set SET = {
    .name = NAME_OF(BY_HAND_NAME),
    .operations = operations,
    .peer = NULL,
    .is_serial = is_serial,
    .begin = begin,
    .run = run,
    .end = end,
};
