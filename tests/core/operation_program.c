/* SPDX-License-Identifier: MIT */
/* operation_program.c - every operation, with what it is to be counted as beside it.
 * Compiled once per protocol, with GC_PROTOCOL_HEADER and GC_COUNT_OPS given by the build.
 *
 * L+ L- S+ S-: a local or a slot takes or drops a reference. The sums are in
 * test_operation.c. */
#include "tests/core/operation_program.h"

#include "core/mutator.h"
#include "tests/support.h"

#define PASTE2(name, protocol) name##_##protocol
#define PASTE(name, protocol)  PASTE2(name, protocol)

enum { ROUNDS = 200 };

static void store_again(struct gc_mutator *m, void *argument)
{
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_slot *slot = argument;
    gc_enter(m, at);
    for (int i = 0; i < ROUNDS; i++) {
        if (!gc_new(m, &at.node, &node_type)) break;
        gc_store_root_shared(m, slot, at.node);
        gc_clear(m, &at.node);
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

void PASTE(operation_race, GC_PROTOCOL_NAME)(struct gc_mutator *m)
{
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    struct gc_mutator_thread thread;
    gc_slot root = NULL;
    CU_ASSERT_EQUAL(gc_spawn(m, &thread, store_again, &root, NULL), 0);
    gc_enter(m, at);
    for (int i = 0; i < ROUNDS; i++) {
        gc_load_root_shared(m, &at.node, &root);
        gc_safepoint(m);
    }
    gc_leave(m, at);
    gc_join(m, &thread);
    gc_store_root_null(m, &root);
}

void PASTE(operation_program, GC_PROTOCOL_NAME)(struct gc_mutator *m)
{
    struct {
        struct gc_frame frame;
        struct node *a, *b, *x, *y;
        struct gc_weak *weak;
        struct gc_array *array;
    } at;
    gc_slot root = NULL;
    gc_enter(m, at);                              /* 6 locals */
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type)); /* slow: the first one */
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type)); /* the fast path */
    gc_store_new(m, at.a, left, at.b);            /* S+ */
    gc_load(m, &at.x, at.a, left);                /* L+ */
    gc_load_shared(m, &at.y, at.a, right);        /* NULL */
    gc_move(m, &at.y, &at.x);                     /* elided */
    gc_give(m, at.a, right, &at.y);               /* elided */
    gc_exchange(m, at.a, right, &at.x);           /* elided; NULL goes in */
    CU_ASSERT_FALSE(gc_compare_exchange(m, at.a, right, at.a, at.b));
    CU_ASSERT_TRUE(
            gc_compare_exchange(m, at.a, right, (struct node *)NULL, at.a)); /* S+ */
    CU_ASSERT_TRUE(gc_compare_exchange(m, at.a, right, at.a, at.b));         /* S+ S- */
    gc_copy_slots(m, at.b, left, at.a, left, 2);                             /* S+ S+ */
    gc_store(m, at.b, left, at.a);                                           /* S+ S- */
    gc_store_null(m, at.b, right);                                           /* S- */
    gc_store_shared(m, at.a, right, at.a);                                   /* S+ S- */
    gc_set(m, &at.y, at.a);                                                  /* L+ */
    gc_clear(m, &at.x);                                                      /* L- */
    gc_clear(m, &at.x);                                                      /* NULL */
    gc_store_root(m, &root, at.b);                                           /* S+ */
    gc_load_root(m, &at.x, &root);                                           /* L+ */
    gc_load_root_shared(m, &at.x, &root);                                    /* L+ L- */
    gc_store_root_null(m, &root);                                            /* S- */
    gc_set(m, &at.x, at.a);                                                  /* L+ L- */
    gc_move(m, &at.x, &at.y); /* L- elided */
    gc_move(m, &at.x, &at.x); /* elided */
    gc_read_begin(m);
    gc_read_end(m);
    gc_safepoint(m);
    CU_ASSERT_TRUE(gc_new_weak(m, &at.weak, at.a, NULL, at.b)); /* slow, S+ */
    gc_load_weak(m, &at.y, at.weak);                            /* L+ */
    CU_ASSERT_PTR_EQUAL(at.y, at.a);
    CU_ASSERT_TRUE(gc_new_array(m, &at.array, &array_type, 3, 0)); /* slow */
    CU_ASSERT_TRUE(
            gc_new_array(m, &at.array, &array_type, 5, 0)); /* slow, L-: the last */
    gc_store_null(m, at.a, right);                          /* S- */
    gc_store_null(m, at.b, left);                           /* S- */
    gc_leave(m, at); /* L- a, b, x, y, weak, array: the last ones of a, weak and array */
}
