/* SPDX-License-Identifier: MIT */
/* by_hand.c - what operations.c does, as C would do it; compiled for each way of counting
 * (by_hand.h) and place (micro.h).
 */
#include "bench/micro/by_hand.h"

/* --- drops --------------------------------------------------------------------------- */

/* Before a look at the count that may end an object: what was removed by plain stores is seen
 * to be so by racing loads, which look at the field again. Who is alone has nobody to tell. */
INLINE void settle(struct gc_micro_thread *t)
{
    if (!RACES || !unlikely(t->removed)) return;
    if (!t->alone) __atomic_thread_fence(__ATOMIC_SEQ_CST);
    t->removed = false;
}

/* The owner has dropped his last one, and others may hold some: the last of them kills. */
static inline __attribute__((cold)) bool merge(union count *count)
{
    __atomic_store_n(&count->owner, 0, __ATOMIC_RELAXED);
    uint32_t old = __atomic_load_n(&count->others, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&count->others, &old,
            old == OTHERS_ZERO ? DEAD : old | MERGED, false, __ATOMIC_ACQ_REL,
            __ATOMIC_RELAXED))
        continue;
    return old == OTHERS_ZERO;
}

/* Somebody who is not the owner drops one. */
INLINE bool down_others(union count *count)
{
    uint32_t none = MERGED | OTHERS_ZERO;
    return __atomic_sub_fetch(&count->others, 1, __ATOMIC_ACQ_REL) == none &&
           __atomic_compare_exchange_n(&count->others, &none, DEAD, false,
                   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

INLINE bool down_atomic(struct gc_micro_thread *t, union count *count)
{
    if (RACES && unlikely(__atomic_load_n(&count->all, __ATOMIC_RELAXED) == 1)) {
        settle(t);
        if (__atomic_load_n(&count->all, __ATOMIC_SEQ_CST) == 1) return true;
    }
    return __atomic_fetch_sub(&count->all, 1, __ATOMIC_ACQ_REL) == 1;
}

INLINE bool down_biased(struct gc_micro_thread *t, union count *count)
{
    const uint16_t owner = __atomic_load_n(&count->owner, __ATOMIC_RELAXED);
    if (unlikely(owner != t->number)) return down_others(count);
    if (likely(--count->own != 0)) return false;
    settle(t);
    if (__atomic_load_n(&count->others, __ATOMIC_SEQ_CST) == OTHERS_ZERO) return true;
    return merge(count);
}

/* True for the last reference. */
INLINE bool down(struct gc_micro_thread *t, union count *count)
{
    if (WAY == PLAIN) return --count->all == 0;
    if (WAY == ATOMIC) return down_atomic(t, count);
    return WAY == BIASED && down_biased(t, count);
}

/* What is dead drops what its fields hold, and is freed; more can die with it, here one after
 * the other, linked by their counts. */
static __attribute__((cold, noinline)) void die(
        struct gc_micro_thread *t, struct node *node)
{
    node->count.all = 0;
    for (struct node *dead = node; dead != NULL;) {
        struct node *fields[] = { dead->left, dead->right };
        struct node *next = (struct node *)(uintptr_t)dead->count.all;
        unmake(t, dead, true);
        for (int i = 0; i < 2; i++) {
            if (fields[i] == NULL || !down(t, &fields[i]->count)) continue;
            fields[i]->count.all = (uintptr_t)next;
            next = fields[i];
        }
        dead = next;
    }
}

/* Somebody wants to know of the death. */
static __attribute__((cold, noinline)) void tell(
        struct gc_micro_thread *t, struct node *node)
{
    t->kept[0] = node;
}

/* The one that goes: freed at once where nothing is counted. A programmer knows that its
 * fields hold nothing. */
INLINE void drop_made(struct gc_micro_thread *t, struct node *node, bool has_fields)
{
    if (COUNTS && (node == NULL || !down(t, &node->count))) return;
    if (LISTS && unlikely((node->word & CARE) != 0)) tell(t, node);
    if (LISTS && has_fields && unlikely(node->left != NULL || node->right != NULL))
        die(t, node);
    else
        unmake(t, node, has_fields);
}

INLINE void drop(struct gc_micro_thread *t, struct node *node)
{
    if ((TESTS && node == NULL) || !COUNTS) return;
    if (unlikely(down(t, &node->count))) die(t, node);
}

/* The same where the programmer knows that it is not the last reference. */
INLINE void drop_one(struct gc_micro_thread *t, struct node *node)
{
    if (TESTS)
        drop(t, node);
    else
        (void)down(t, &node->count);
}

/* --- stores -------------------------------------------------------------------------- */

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

/* Makes the field name another node, and returns what it named. */
INLINE struct node *replace(
        struct gc_micro_thread *t, struct node **field, struct node *value)
{
    struct node *old = __atomic_load_n(field, __ATOMIC_RELAXED);
    __atomic_store_n(field, value, __ATOMIC_RELEASE);
    if (RACES && old != NULL) t->removed = true;
    return old;
}

INLINE void overwrite(struct gc_micro_thread *t, struct node **field, struct node *value)
{
    drop(t, replace(t, field, value));
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
INLINE struct node *load_racing(struct gc_micro_thread *t, struct node **field)
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
        struct node *value = object[OTHER(i)];
        take(t, value);
        overwrite(t, field, value);
    }
}

LOOP loop_store_shared(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node **field = &to_write(t, holder[TURN(i)])->left;
        struct node *value = object[OTHER(i)];
        take(t, value);
        if (COUNTS && !SERIAL)
            drop(t, __atomic_exchange_n(field, value, __ATOMIC_ACQ_REL));
        else
            overwrite(t, field, value);
    }
}

/* Two stores, and each looks whether it may go on at once: between them somebody could have
 * begun to log. Not where a store looks what it replaces alone, and this replaces nothing. */
LOOP loop_store_new(struct gc_micro_thread *t, uint64_t n)
{
    LOOP_BEGIN(t);
    for (uint64_t i = 0; i < n; i++) {
        struct node *node = holder[TURN(i)], *value = object[OTHER(i)];
        if (WAY != FLAGGED) node = to_write(t, node);
        take(t, value);
        __atomic_store_n(&node->right, value, __ATOMIC_RELAXED);
        if (TESTS) node = to_write(t, node);
        overwrite(t, &node->right, NULL);
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
        struct node *old = replace(t, field, value);
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

INLINE bool swap_if(struct gc_micro_thread *t, struct node **field, struct node *expected,
        struct node *value)
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

/* The oldest of 16 goes with each that is made. */
#define LOOP_NEW(name, bytes, has_fields)                                                \
    LOOP loop_new_##name(struct gc_micro_thread *t, uint64_t n)                          \
    {                                                                                    \
        struct node *object[GC_MICRO_OBJECTS] = { NULL };                                \
        for (uint64_t i = 0; i < n; i++) {                                               \
            struct node *made = make(t, (bytes), (has_fields));                          \
            struct node *old = object[TURN(i)];                                          \
            object[TURN(i)] = made;                                                      \
            drop_made(t, old, (has_fields));                                             \
        }                                                                                \
        for (int i = 0; i < GC_MICRO_OBJECTS; i++)                                       \
            if (object[i] != NULL) unmake(t, object[i], (has_fields));                   \
    }

LOOP_NEW(node, NODE_BYTES, true)
LOOP_NEW(leaf, LEAF_BYTES, false)
LOOP_NEW(wide, WIDE_BYTES, true)

LOOP loop_weak_load(struct gc_micro_thread *t, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct node *copy = load_racing(t, t->weak[TURN(i)]);
        GC_MICRO_KEEP(copy);
        drop(t, copy);
    }
}

LOOP loop_safepoint(struct gc_micro_thread *t, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (is_polled(t)) poll_slow(t);
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
    for (uint64_t i = 0; i < n; i++) {
        pthread_mutex_lock(t->stop);
        pthread_mutex_unlock(t->stop);
    }
}

/* --- the table --------------------------------------------------------------------------- */

/* The names of operations.c, and `pair`. */
const struct gc_micro_operation GC_MICRO_LOOPS(BY_HAND_NAME, GC_MICRO_PLACE)[] = {
    { "pair", "increment; decrement", GC_MICRO_MANY, 2, false, loop_pair },
    { "copy", "increment; decrement the last one", GC_MICRO_MANY, 2, false, loop_copy },
    { "copy_same", "copy, of one object", GC_MICRO_MANY, 2, true, loop_copy },
    { "move", "there and back", GC_MICRO_MANY, 2, false, loop_move },
    { "load", "read; increment; decrement the last one", GC_MICRO_MANY, 2, false,
            loop_load },
    { "load_clear", "read; increment; decrement", GC_MICRO_MANY, 2, false,
            loop_load_clear },
    { "load_shared", "read; increment; read again if atomic; decrement", GC_MICRO_MANY, 2,
            false, loop_load_shared },
    { "load_shared_same", "load_shared, of one field", GC_MICRO_MANY, 2, true,
            loop_load_shared },
    { "store", "increment; write; decrement the old one", GC_MICRO_MANY, 2, false,
            loop_store },
    { "store_shared", "increment; exchange; decrement the old one", GC_MICRO_MANY, 2,
            false, loop_store_shared },
    { "store_shared_same", "store_shared, to one field", GC_MICRO_MANY, 2, true,
            loop_store_shared },
    { "store_new", "increment; write; write NULL; decrement", GC_MICRO_MANY, 2, false,
            loop_store_new },
    { "give", "as store", GC_MICRO_MANY, 2, false, loop_give },
    { "exchange", "exchange", GC_MICRO_MANY, 2, false, loop_exchange },
    { "compare_exchange", "two that succeed", GC_MICRO_MANY, 2, false,
            loop_compare_exchange },
    { "new_node", "malloc(40); free()", GC_MICRO_MANY, 2, false, loop_new_node },
    { "new_leaf", "malloc(32); free()", GC_MICRO_MANY, 2, false, loop_new_leaf },
    { "new_wide", "malloc(64); free()", GC_MICRO_MANY, 2, false, loop_new_wide },
    { "weak_load", "as load_shared", GC_MICRO_MANY, 2, false, loop_weak_load },
    { "safepoint", "a load and a branch", GC_MICRO_MANY, 2, false, loop_safepoint },
    { "blocked", "lock and unlock a mutex of its own", GC_MICRO_SOME, 2, false,
            loop_blocked },
    { "stop", "lock and unlock one mutex", GC_MICRO_FEW, 2, false, loop_stop },
    { "handshake", "as stop", GC_MICRO_FEW, 2, false, loop_stop },
    { NULL, NULL, 0, 0, false, NULL },
};
