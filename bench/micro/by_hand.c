/* SPDX-License-Identifier: MIT */
/* by_hand.c - what operations.c does, as C would do it, in several ways of counting: not at all
 * (c_pointer), not at all but with a store that logs (c_logged) or looks at a flag (c_flagged),
 * c_plain, c_atomic, c_biased.
 *
 * Without BY_HAND_TESTS nothing tests for NULL or needs to: a programmer knows. A decrement
 * tests for zero where something could die; `copy` and `pair` do not even that. With them it
 * is what one would write who has to give the protocol's own promises: tests for NULL and for
 * the last reference everywhere, and a racing load that takes nothing dead; where locals are
 * not counted, one that is handed over is in memory, where a stop finds it. Counts go
 * through memory: the barrier in up() keeps the compiler from adding 1 - 1 by itself.
 *
 * Logged: the first store into an object keeps what its fields held; later ones look at that.
 * Flagged: so does each while a flag of the thread is up.
 * Biased: a half of the count is the owner's, whose number is in it; he adds plainly. The
 * other half is for the others.
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
enum {
    POINTER,
    PLAIN,
    ATOMIC,
    BIASED,
    LOGGED,
    FLAGGED,
    WAY = BY_HAND_WAY,
    TESTS = BY_HAND_TESTS,
    COUNTS = WAY != POINTER && WAY != LOGGED && WAY != FLAGGED,
    ROOTS = TESTS && !COUNTS,
    SERIAL = WAY == PLAIN,
};

enum { OTHERS_ZERO = 1 << 28, DEAD = 1 << 30 }; /* of a biased count's other half */

union count {
    uint64_t all;
    struct {
        uint16_t owner, own; /* his number, and what he counts, which he alone looks at */
        uint32_t others;
    };
};

/* As large as the objects of operations.c. */
struct node {
    union count count;
    uint64_t word; /* LOGGED: not 0 */
    struct node *left, *right;
    int64_t key;
};
struct leaf {
    union count count;
    uint64_t word;
    int64_t key[2];
};

struct wide {
    union count count;
    uint64_t word;
    struct wide *left, *right;
    int64_t key[4];
};

struct gc_micro_thread {
    const struct gc_micro_operation *operation;
    struct node *object[GC_MICRO_OBJECTS];
    struct node *holder[GC_MICRO_OBJECTS];
    struct node **weak[GC_MICRO_OBJECTS];
    struct node *kept[3]; /* of an object, and what its fields held: LOGGED, FLAGGED */
    struct node **local;  /* which a stop has to find: ROOTS */
    pthread_mutex_t own;
    uint32_t poll, flag; /* FLAGGED: it is down */
    uint16_t number;     /* of the thread: from 1 */
};

/* What all threads of a run share: under COUNTS its root holds one reference. */
static struct {
    pthread_mutex_t lock, stop;
    uint32_t users;
    uint16_t last_number;
    struct node *root;
} world = { .lock = PTHREAD_MUTEX_INITIALIZER, .stop = PTHREAD_MUTEX_INITIALIZER };

static __attribute__((cold, noinline)) void die(void *object)
{
    free(object);
}

/* The owner's half, or false: he is another thread, or it is full. */
INLINE bool up_own(const struct gc_micro_thread *t, union count *count)
{
    const uint16_t owner = __atomic_load_n(&count->owner, __ATOMIC_RELAXED);
    if (__builtin_expect(owner != t->number, 0)) return false;
    if (__builtin_expect(++count->own != 0, 1)) return true;
    count->own--;
    return false;
}

INLINE void up(const struct gc_micro_thread *t, union count *count)
{
    if (WAY == PLAIN) {
        ++count->all;
        __asm__ __volatile__("" : : : "memory");
    } else if (WAY == ATOMIC) {
        __atomic_fetch_add(&count->all, 1, __ATOMIC_RELAXED);
    } else if (WAY == BIASED && !up_own(t, count)) {
        __atomic_fetch_add(&count->others, 1, __ATOMIC_RELAXED);
    }
}

/* True for the last reference. */
INLINE bool down(const struct gc_micro_thread *t, union count *count)
{
    if (!COUNTS) return false;
    if (WAY == PLAIN) return --count->all == 0;
    if (WAY == ATOMIC) return __atomic_fetch_sub(&count->all, 1, __ATOMIC_ACQ_REL) == 1;
    const uint16_t owner = __atomic_load_n(&count->owner, __ATOMIC_RELAXED);
    if (__builtin_expect(owner != t->number, 0)) {
        __atomic_fetch_sub(&count->others, 1, __ATOMIC_ACQ_REL);
        return false; /* the owner kills */
    }
    if (__builtin_expect(--count->own != 0, 1)) return false;
    uint32_t none = OTHERS_ZERO; /* a racing load may have added to it */
    return __atomic_compare_exchange_n(
            &count->others, &none, DEAD, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

INLINE void take(const struct gc_micro_thread *t, struct node *node)
{
    if (!TESTS || node != NULL) up(t, &node->count);
}

INLINE void drop(const struct gc_micro_thread *t, struct node *node)
{
    if (TESTS && node == NULL) return;
    if (__builtin_expect(down(t, &node->count), 0)) die(node);
}

/* The same where the programmer knows that it is not the last reference. */
INLINE void drop_one(const struct gc_micro_thread *t, struct node *node)
{
    if (TESTS)
        drop(t, node);
    else
        (void)down(t, &node->count);
}

static __attribute__((cold, noinline)) struct node *log_fields(
        struct gc_micro_thread *t, struct node *holder)
{
    t->kept[0] = holder;
    t->kept[1] = __atomic_load_n(&holder->left, __ATOMIC_ACQUIRE);
    t->kept[2] = __atomic_load_n(&holder->right, __ATOMIC_ACQUIRE);
    __atomic_store_n(&holder->word, 1, __ATOMIC_RELAXED);
    return holder;
}

/* Whether a store may go on at once. */
INLINE bool is_free(const struct gc_micro_thread *t, const struct node *holder)
{
    if (WAY == LOGGED) return __atomic_load_n(&holder->word, __ATOMIC_RELAXED) != 0;
    return WAY != FLAGGED || __atomic_load_n(&t->flag, __ATOMIC_RELAXED) == 0;
}

/* The object, a field of which is about to be written. */
#define to_write(t, holder) (is_free(t, holder) ? (holder) : log_fields(t, holder))

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
    take(t, copy);
    for (uint64_t i = 0; i < n; i++) {
        struct node *value = object[TURN(i)];
        take(t, value);
        GC_MICRO_KEEP(value);
        drop_one(t, copy);
        copy = value;
    }
    drop_one(t, copy);
}

/* The increment and the decrement of one object. */
LOOP loop_pair(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node *node = object[TURN(i)];
        take(t, node);
        GC_MICRO_KEEP(node);
        drop_one(t, node);
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
    take(t, copy);
    for (uint64_t i = 0; i < n; i++) {
        struct node *value = holder[TURN(i)]->left;
        take(t, value);
        GC_MICRO_KEEP(value);
        drop(t, copy);
        copy = value;
    }
    drop(t, copy);
}

LOOP loop_load_clear(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node *copy = holder[TURN(i)]->left;
        take(t, copy);
        GC_MICRO_KEEP(copy);
        drop(t, copy);
    }
}

/* One more reference to what may be dead; false: it is. */
INLINE bool up_alive(union count *count)
{
    if (WAY == ATOMIC) {
        uint64_t old = __atomic_load_n(&count->all, __ATOMIC_RELAXED);
        while (old != 0)
            if (__atomic_compare_exchange_n(&count->all, &old, old + 1, false,
                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return true;
        return false;
    }
    uint32_t old = __atomic_load_n(&count->others, __ATOMIC_RELAXED);
    while ((old & DEAD) == 0)
        if (__atomic_compare_exchange_n(&count->others, &old, old + 1, false,
                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

/* The reference in a field that others write: where they run meanwhile, it may be gone before
 * it is counted. Not what the owner counts: nobody else kills. */
INLINE struct node *load_racing(const struct gc_micro_thread *t, struct node **field)
{
    for (;;) {
        struct node *value = __atomic_load_n(field, __ATOMIC_ACQUIRE);
        if (TESTS && COUNTS && value == NULL) return value;
        if (WAY == BIASED && up_own(t, &value->count)) return value;
        if (TESTS && !SERIAL && COUNTS) {
            if (!up_alive(&value->count)) continue;
        } else {
            up(t, &value->count);
        }
        if (SERIAL || !COUNTS || __atomic_load_n(field, __ATOMIC_ACQUIRE) == value)
            return value;
        drop(t, value);
    }
}

LOOP loop_load_shared(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node *copy = load_racing(t, &holder[TURN(i)]->left);
        GC_MICRO_KEEP(copy);
        drop(t, copy);
    }
}

LOOP loop_store(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &to_write(t, holder[TURN(i)])->left;
        struct node *value = object[OTHER(i)], *old = *field;
        take(t, value);
        __atomic_store_n(field, value, __ATOMIC_RELEASE);
        drop(t, old);
    }
}

LOOP loop_store_shared(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &to_write(t, holder[TURN(i)])->left;
        struct node *value = object[OTHER(i)], *old = NULL;
        take(t, value);
        if (COUNTS && !SERIAL) {
            old = __atomic_exchange_n(field, value, __ATOMIC_ACQ_REL);
        } else {
            old = *field;
            __atomic_store_n(field, value, __ATOMIC_RELEASE);
        }
        drop(t, old);
    }
}

LOOP loop_store_new(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &to_write(t, holder[TURN(i)])->right;
        struct node *value = object[OTHER(i)];
        take(t, value);
        __atomic_store_n(field, value, __ATOMIC_RELAXED);
        struct node *old = __atomic_load_n(field, __ATOMIC_RELAXED);
        __atomic_store_n(field, NULL, __ATOMIC_RELEASE);
        drop(t, old);
    }
}

/* What is handed over is a local: under ROOTS it has to be known, for who logs may be stopped. */
LOOP loop_give(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    struct node *copy = NULL;
    if (ROOTS) t->local = &copy;
    for (uint64_t i = 0; i < n; i++) {
        struct node *value = copy = object[OTHER(i)];
        struct node **field = &to_write(t, holder[TURN(i)])->left;
        take(t, value);
        struct node *old = *field;
        __atomic_store_n(field, value, __ATOMIC_RELEASE);
        copy = NULL;
        drop(t, old);
    }
    t->local = NULL;
}

LOOP loop_exchange(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    struct node *copy = object[0];
    take(t, copy);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &to_write(t, holder[TURN(i)])->left;
        if (SERIAL) {
            struct node *old = *field;
            *field = copy;
            copy = old;
        } else {
            copy = __atomic_exchange_n(field, copy, __ATOMIC_ACQ_REL);
        }
        GC_MICRO_KEEP(copy);
    }
    drop(t, copy);
}

INLINE bool swap_if(const struct gc_micro_thread *t, struct node **field,
        struct node *expected, struct node *value)
{
    if (SERIAL && *field != expected) return false;
    struct node *old = expected;
    take(t, value);
    if (SERIAL) {
        *field = value;
    } else if (!__atomic_compare_exchange_n(
                       field, &old, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        drop(t, value);
        return false;
    }
    drop(t, expected);
    return true;
}

LOOP loop_compare_exchange(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    uint64_t successes = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct node *there = object[TURN(i)], *back = object[TURN(i + 1)];
        struct node **field = &to_write(t, holder[TURN(i)])->left;
        successes += swap_if(t, field, there, back);
        successes += swap_if(t, field, back, there);
    }
    GC_MICRO_KEEP(successes);
}

INLINE union count new_count(const struct gc_micro_thread *t)
{
    if (WAY != BIASED) return (union count){ .all = 1 };
    return (union count){ .owner = t->number, .own = 1, .others = OTHERS_ZERO };
}

/* malloc() and the fields that an object has when it is born. */
#define MAKE(t, type, variable)                                                          \
    struct type *variable = malloc(sizeof(*variable));                                   \
    if (variable == NULL) abort();                                                       \
    variable->count = new_count(t);                                                      \
    variable->word = 0

/* The one that goes: freed at once where nothing is counted. */
#define UNMAKE(variable)                                                                 \
    do {                                                                                 \
        if (!COUNTS || (variable != NULL && down(t, &variable->count))) free(variable);  \
    } while (0)

/* The oldest of 16 goes with each that is made. */
#define LOOP_NEW(type, clear)                                                            \
    LOOP loop_new_##type(struct gc_micro_thread *t, uint64_t n)                          \
    {                                                                                    \
        struct type *object[GC_MICRO_OBJECTS] = { NULL };                                \
        for (uint64_t i = 0; i < n; i++) {                                               \
            MAKE(t, type, made);                                                         \
            clear;                                                                       \
            struct type *old = object[TURN(i)];                                          \
            object[TURN(i)] = made;                                                      \
            UNMAKE(old);                                                                 \
        }                                                                                \
        for (int i = 0; i < GC_MICRO_OBJECTS; i++)                                       \
            free(object[i]);                                                             \
    }

LOOP_NEW(node, made->left = made->right = NULL)
LOOP_NEW(leaf, (void)0)
LOOP_NEW(wide, made->left = made->right = NULL)

LOOP loop_weak_load(struct gc_micro_thread *t, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct node *copy = load_racing(t, t->weak[TURN(i)]);
        GC_MICRO_KEEP(copy);
        drop(t, copy);
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
    { "load_clear", "read; increment; decrement", MANY, 2, false, loop_load_clear },
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

static struct node *make(const struct gc_micro_thread *t, struct node *left)
{
    MAKE(t, node, node);
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
    t->number = ++world.last_number;
    if (world.root == NULL) world.root = make(t, make(t, NULL));
    for (int i = 0; i < GC_MICRO_OBJECTS; i++) {
        t->holder[i] = operation->shared ? world.root : make(t, make(t, NULL));
        t->object[i] = t->holder[i]->left;
        t->weak[i] = &t->holder[i]->left;
        take(t, t->object[i]); /* the local's */
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
    return SERIAL;
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
