/* SPDX-License-Identifier: MIT */
/* tracing.h - what the suites of the collectors that trace have in common: finalizers and
 * callbacks that are counted, and programs whose outcome is the same under each of them.
 * Compiled for the including file's protocol; assertions are made on the main thread. */
#ifndef TESTS_COLLECTORS_TRACING_H
#define TESTS_COLLECTORS_TRACING_H

#include "core/atomic.h"
#include "tests/support.h"

static _Atomic(uint32_t) finalized_count,
        called_count; /* relaxed: read when nobody writes */

static inline uint32_t finalized(void)
{
    return gc_atomic_load_relaxed(&finalized_count);
}

static inline uint32_t called(void)
{
    return gc_atomic_load_relaxed(&called_count);
}

static int finalize(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    gc_atomic_fetch_add_relaxed(&finalized_count, 1);
    return 0;
}

static int call_back(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    (void)m, (void)weak, (void)data;
    gc_atomic_fetch_add_relaxed(&called_count, 1);
    return 0;
}

static const struct gc_type finalized_type =
        GC_TYPE(struct node, .slots = 2, .finalize = finalize);

/* fixture_open(), and the counts begin at 0. */
static inline bool tracing_open(
        struct fixture *f, const char *collector, const char *options, size_t limit)
{
    gc_atomic_store_relaxed(&finalized_count, 0);
    gc_atomic_store_relaxed(&called_count, 0);
    return fixture_open(f, collector, options, limit);
}

/* --- programs -------------------------------------------------------------------------- */

/* Keeps 5000 nodes, and makes and drops so much beside them that a heap of `limit` is full
 * again and again: chains, large objects, and rings of so many nodes, if any. Asserts that
 * the limit holds and that the nodes are there. */
static inline void churn_at_limit(struct fixture *f, size_t limit, size_t ring)
{
    struct gc_mutator *m = f->m;
    struct {
        struct gc_frame frame;
        struct node *kept, *chain, *ring;
        struct gc_array *large;
    } at;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.kept, 5000));
    for (int i = 0; i < 200; i++) {
        CU_ASSERT_TRUE(make_chain(m, &at.chain, 3000));
        if (ring > 0) CU_ASSERT_TRUE(make_ring(m, &at.ring, ring));
        CU_ASSERT_TRUE(gc_new_array(m, &at.large, &bytes_type, 0, 100000));
    }
    CU_ASSERT_EQUAL(f->exhausted, 0);
    CU_ASSERT(gc_atomic_load_relaxed(&f->heap->peak_bytes) <= limit);
    int64_t kept = 0;
    for (gc_clear(m, &at.chain); at.kept != NULL; kept++)
        gc_load(m, &at.kept, at.kept, left);
    CU_ASSERT_EQUAL(kept, 5000);
    gc_leave(m, at);
}

/* Keeps a chain, and makes and drops ten times as much, in a hundred others. */
static inline void churn_chains(struct gc_mutator *m)
{
    struct {
        struct gc_frame frame;
        struct node *kept, *chain;
    } at;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.kept, 50000));
    for (int i = 0; i < 100; i++)
        CU_ASSERT_TRUE(make_chain(m, &at.chain, 5000));
    gc_leave(m, at);
}

/* *out = an array of 50 rings of 20: 1001 objects, more than a tiny mark stack can hold. */
static inline void make_wide(struct gc_mutator *m, struct gc_array **out)
{
    struct {
        struct gc_frame frame;
        struct node *ring;
    } at;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, out, &array_type, 50, 0));
    for (uint32_t i = 0; i < 50; i++) {
        CU_ASSERT_TRUE(make_ring(m, &at.ring, 20));
        gc_give(m, *out, slot[i], &at.ring);
    }
    gc_leave(m, at);
}

enum { BUILT = 500 + 300 * 50 }; /* what build_and_drop() allocates */

/* A worker: keeps a chain while it makes and drops rings, and counts it in the end. */
static void build_and_drop(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct {
        struct gc_frame frame;
        struct node *kept, *ring;
    } at;
    gc_enter(m, at);
    worker_expect(worker, make_chain(m, &at.kept, 500));
    for (int i = 0; i < 300; i++)
        worker_expect(worker, make_ring(m, &at.ring, 50));
    for (; at.kept != NULL; worker->result++)
        gc_load(m, &at.kept, at.kept, left);
    worker_expect(worker, worker->result == 500);
    gc_leave(m, at);
}

/* --- weak references ------------------------------------------------------------------- */

enum { WEAK_EACH = 5 }; /* weak references to one target */

/* Makes `targets` nodes, and weak references to them, whose callbacks are counted: those to
 * node i are slots i * WEAK_EACH and following of `weak`. Slot i of `strong`, unless it is
 * NULL, holds it; so does slot i of `kept`, for every fourth. */
static inline void make_weak_targets(struct gc_mutator *m, struct gc_array *weak,
        struct gc_array *kept, struct gc_array *strong, uint32_t targets)
{
    struct {
        struct gc_frame frame;
        struct gc_weak *one;
        struct node *target;
    } at;
    gc_enter(m, at);
    for (uint32_t i = 0; i < targets; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.target, &node_type));
        for (uint32_t k = 0; k < WEAK_EACH; k++) {
            CU_ASSERT_TRUE(gc_new_weak(m, &at.one, at.target, call_back, kept));
            gc_give(m, weak, slot[i * WEAK_EACH + k], &at.one);
        }
        if (strong != NULL) gc_store(m, strong, slot[i], at.target);
        if (i % 4 == 0) gc_store(m, kept, slot[i], at.target);
    }
    gc_leave(m, at);
}

/* How many slots of `weak` do not say what they should once nothing but `kept` holds the
 * targets: empty ones too. */
static inline uint32_t count_wrong_weak(
        struct gc_mutator *m, struct gc_array *weak, uint32_t targets)
{
    struct {
        struct gc_frame frame;
        struct gc_weak *one;
        struct node *target;
    } at;
    uint32_t wrong = 0;
    gc_enter(m, at);
    for (uint32_t i = 0; i < targets * WEAK_EACH; i++) {
        gc_load(m, &at.one, weak, slot[i]);
        if (at.one != NULL) gc_load_weak(m, &at.target, at.one);
        wrong += at.one == NULL || (at.target != NULL) != (i / WEAK_EACH % 4 == 0);
    }
    gc_leave(m, at);
    return wrong;
}

/* In a heap of this collector: all references to a target are cleared by the collection that finds it dead,
 * and call back once. */
static inline void expect_weak_cleared(const char *collector, uint32_t targets)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *weak, *kept;
    } at;
    if (!tracing_open(&f, collector, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.weak, &array_type, WEAK_EACH * targets, 0));
    CU_ASSERT_TRUE(gc_new_array(m, &at.kept, &array_type, targets, 0));
    make_weak_targets(m, at.weak, at.kept, NULL, targets);
    CU_ASSERT_EQUAL(gc_collect(m, 2), targets * 3 / 4);
    CU_ASSERT_EQUAL(called(), WEAK_EACH * targets * 3 / 4);
    CU_ASSERT_EQUAL(f.heap->weak_count, WEAK_EACH * targets / 4);
    CU_ASSERT_EQUAL(count_wrong_weak(m, at.weak, targets), 0);
    fixture_verify(&f);
    gc_leave(m, at);
    gc_quiesce(m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(called(), WEAK_EACH * targets * 3 / 4);
    fixture_close(&f);
}

/* --- finalizers ------------------------------------------------------------------------ */

/* In a heap of this collector: a cycle with a finalizer outlives the collection that runs it, once. */
static inline void expect_finalized_then_freed(const char *collector)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *a, *b;
    } at;
    if (!tracing_open(&f, collector, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.a, &finalized_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    gc_store(m, at.a, left, at.b);
    gc_store(m, at.b, left, at.a);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    CU_ASSERT_EQUAL(finalized(), 1);
    CU_ASSERT_EQUAL(fixture_live(&f), 2);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 2);
    CU_ASSERT_EQUAL(finalized(), 1);
    CU_ASSERT_EQUAL(f.heap->finalizable_count, 0);
    fixture_close(&f);
}

#endif
