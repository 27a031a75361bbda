/* SPDX-License-Identifier: MIT */
/* support_mutator.h - objects and shapes, compiled for the including file's protocol. */
#ifndef TESTS_SUPPORT_MUTATOR_H
#define TESTS_SUPPORT_MUTATOR_H

#include "core/mutator.h"

#define MAYBE_UNUSED __attribute__((unused))

struct node {
    struct gc_object header;
    struct node *left, *right;
    int64_t key;
};

struct leaf {
    struct gc_object header;
    int64_t key;
};

static MAYBE_UNUSED const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);
static MAYBE_UNUSED const struct gc_type leaf_type = GC_TYPE(struct leaf, .slots = 0);
static MAYBE_UNUSED const struct gc_type array_type =
        GC_ARRAY_TYPE("array", .flags = GC_TYPE_ARRAY);
static MAYBE_UNUSED const struct gc_type bytes_type =
        GC_ARRAY_TYPE("bytes", .flags = GC_TYPE_ARRAY | GC_TYPE_LEAF);

/* *out = the first of a chain of n nodes, linked by `left`. */
static MAYBE_UNUSED bool make_chain(struct gc_mutator *m, struct node **out, size_t n)
{
    struct {
        struct gc_frame frame;
        struct node *head, *next;
    } at;
    gc_enter(m, at);
    bool made = true;
    for (size_t i = 0; i < n && made; i++) {
        made = gc_new(m, &at.next, &node_type);
        if (!made) break;
        at.next->key = (int64_t)(n - 1 - i);
        gc_give(m, at.next, left, &at.head);
        gc_move(m, &at.head, &at.next);
    }
    gc_move(m, out, &at.head);
    gc_leave(m, at);
    return made;
}

/* *out = a node of a ring of n, linked by `left` (and by `right`, backwards). */
static MAYBE_UNUSED bool make_ring(struct gc_mutator *m, struct node **out, size_t n)
{
    struct {
        struct gc_frame frame;
        struct node *first, *last, *next;
    } at;
    gc_enter(m, at);
    bool made = gc_new(m, &at.first, &node_type);
    if (made) {
        at.first->key = 0;
        gc_set(m, &at.last, at.first);
    }
    for (size_t i = 1; i < n && made; i++) {
        made = gc_new(m, &at.next, &node_type);
        if (!made) break;
        at.next->key = (int64_t)i;
        gc_store(m, at.last, left, at.next);
        gc_store(m, at.next, right, at.last);
        gc_move(m, &at.last, &at.next);
    }
    if (made) {
        gc_store(m, at.last, left, at.first);
        gc_store(m, at.first, right, at.last);
    }
    gc_move(m, out, &at.first);
    gc_leave(m, at);
    return made;
}

/* Keeps a chain of `live` nodes, makes and drops `garbage` more, and calls then(m), unless it
 * is NULL, all in one frame of three locals: no other is entered. */
static MAYBE_UNUSED bool keep_and_churn(struct gc_mutator *m, size_t live, size_t garbage,
        void (*then)(struct gc_mutator *m))
{
    struct {
        struct gc_frame frame;
        struct node *head, *next, *dropped;
    } at;
    gc_enter(m, at);
    bool made = true;
    for (size_t i = 0; i < live && made; i++) {
        made = gc_new(m, &at.next, &node_type);
        if (!made) break;
        gc_give(m, at.next, left, &at.head);
        gc_move(m, &at.head, &at.next);
    }
    for (size_t i = 0; i < garbage && made; i++)
        made = gc_new(m, &at.dropped, &node_type);
    if (then != NULL) then(m);
    gc_leave(m, at);
    return made;
}

/* Makes a ring of n nodes and drops it at once. */
static MAYBE_UNUSED void make_garbage_ring(struct gc_mutator *m, size_t n)
{
    struct {
        struct gc_frame frame;
        struct node *ring;
    } at;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_ring(m, &at.ring, n));
    gc_leave(m, at);
}

#endif
