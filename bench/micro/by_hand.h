/* SPDX-License-Identifier: MIT */
/* by_hand.h - counting as C would do it, in several ways: not at all (POINTER), not at all but
 * with a store that logs (LOGGED) or looks at a flag (FLAGGED), PLAIN, ATOMIC, BIASED. Shared
 * by the loops (by_hand.c) and the set (by_hand_set.c), which are compiled for each way.
 *
 * Without BY_HAND_TESTS nothing tests for NULL or needs to: a programmer knows. A decrement
 * tests for zero where something could die; `copy` and `pair` do not even that. With them it
 * is what one would write who has to give the protocol's own promises:
 *
 *   tests for NULL and for the last reference everywhere; a racing load that takes nothing
 *   dead, and a death that needs no exchange: stores remember that they have removed
 *   something, the fence comes before the look at the count; where locals are not counted,
 *   one that is handed over is in memory, where a stop finds it; what is counted is born at
 *   a safepoint, and dies after a look at whether anybody wants to know. What has fields
 *   drops what they hold when it dies, and can be in a cycle: it is in a list of what is
 *   young, and a budget says when to look for those.
 *
 * Counts go through memory: the barrier in up() keeps the compiler from adding 1 - 1 by
 * itself.
 *
 * Logged: the first store into an object keeps what its fields held; later ones look at that.
 * Flagged: so does each while a flag of the thread is up.
 * Biased: a half of the count is the owner's, whose number is in it; he adds plainly. The
 * other half is for the others. He who drops his last one merges both; nobody asks him to.
 */
#ifndef BENCH_MICRO_BY_HAND_H
#define BENCH_MICRO_BY_HAND_H

#include <pthread.h>
#include <stdlib.h>

#include "bench/micro/micro.h"

#define INLINE      static inline __attribute__((always_inline))
#define likely(x)   __builtin_expect((x), 1)
#define unlikely(x) __builtin_expect((x), 0)

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
    RACES = TESTS && COUNTS && !SERIAL,
    LISTS = TESTS && COUNTS, /* of what is young; budgets */
};

enum { /* of a biased count's other half */
    OTHERS_ZERO = 1 << 28,
    DEAD = 1 << 30,
    MERGED = 1 << 29 /* the owner's half is empty, and stays so */
};

enum {
    CARE = 7
}; /* bits of `word`, where things are counted: a finalizer, weak references */

union count {
    uint64_t all;
    struct {
        uint16_t owner, own; /* his number, and what he counts, which he alone looks at */
        uint32_t others;
    };
};

/* As large as the objects of operations.c: with its key behind, one key or four. A leaf has
 * keys in place of the fields. LISTS: links are in front, but of leaves. */
struct node {
    union count count;
    uint64_t word; /* LOGGED: not 0 */
    struct node *left, *right;
};
enum { NODE_BYTES = 40, LEAF_BYTES = 32, WIDE_BYTES = 64 };

struct links {
    struct links *next, *prev;
};

struct gc_micro_thread {
    const struct gc_micro_operation *operation;
    struct node *object[GC_MICRO_OBJECTS];
    struct node *holder[GC_MICRO_OBJECTS];
    struct node **weak[GC_MICRO_OBJECTS];
    struct node *kept[3]; /* of an object, and what its fields held: LOGGED, FLAGGED */
    struct node **local;  /* which a stop has to find: ROOTS */
    struct links young;   /* LISTS */
    pthread_mutex_t own, *stop;
    uint32_t poll, flag; /* FLAGGED: it is down */
    int32_t budget, limit;
    uint16_t number; /* of the thread: from 1 */
    bool alone;      /* no other runs */
    bool removed;    /* RACES: it has stored over a reference since its last fence */
};

GC_MICRO_DECLARE(BY_HAND_NAME);

/* The owner's half, or false: he is another thread, or it is full. */
INLINE bool up_own(const struct gc_micro_thread *t, union count *count)
{
    const uint16_t owner = __atomic_load_n(&count->owner, __ATOMIC_RELAXED);
    if (unlikely(owner != t->number)) return false;
    if (likely(++count->own != 0)) return true;
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

INLINE void take(const struct gc_micro_thread *t, struct node *node)
{
    if (!TESTS || node != NULL) up(t, &node->count);
}

INLINE union count new_count(const struct gc_micro_thread *t)
{
    if (WAY != BIASED) return (union count){ .all = 1 };
    return (union count){ .owner = t->number, .own = 1, .others = OTHERS_ZERO };
}

/* Somebody wants the thread at a safepoint, or its budget is used up. */
static inline __attribute__((cold)) void poll_slow(struct gc_micro_thread *t)
{
    __atomic_store_n(&t->poll, 0, __ATOMIC_RELAXED);
    if (t->budget <= 0) t->budget = t->limit;
}

INLINE bool is_polled(const struct gc_micro_thread *t)
{
    return unlikely(__atomic_load_n(&t->poll, __ATOMIC_RELAXED) != 0);
}

/* What is in front of a node. */
INLINE size_t links_bytes(bool has_fields)
{
    return LISTS && has_fields ? sizeof(struct links) : 0;
}

/* What malloc() gave for it. */
INLINE void *cell_of(struct node *node, bool has_fields)
{
    return (char *)node - links_bytes(has_fields);
}

/* malloc() and the fields that an object has when it is born. */
INLINE struct node *make(struct gc_micro_thread *t, size_t bytes, bool has_fields)
{
    if (LISTS && is_polled(t)) poll_slow(t);
    if (LISTS && has_fields) {
        if (unlikely(t->budget <= 0)) poll_slow(t);
        t->budget--;
    }
    char *cell = malloc(bytes + links_bytes(has_fields));
    if (cell == NULL) abort();
    struct node *node = (struct node *)(void *)(cell + links_bytes(has_fields));
    node->count = new_count(t);
    node->word = 0;
    if (has_fields) node->left = node->right = NULL;
    if (LISTS && has_fields) {
        struct links *links = (struct links *)(void *)cell, *last = t->young.prev;
        links->next = &t->young;
        links->prev = last;
        last->next = t->young.prev = links;
    }
    return node;
}

/* The end of what make() has made; `has_fields` as there. */
INLINE void unmake(struct gc_micro_thread *t, struct node *node, bool has_fields)
{
    void *cell = cell_of(node, has_fields);
    if (LISTS && has_fields) {
        struct links *links = cell;
        links->prev->next = links->next;
        links->next->prev = links->prev;
        if (t->budget < t->limit) t->budget++;
    }
    free(cell);
}

#endif
