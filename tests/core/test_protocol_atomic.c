/* SPDX-License-Identifier: MIT */
/* test_protocol_atomic.c - what `atomic` does its own way: the rest is in
 * test_protocol_eager.c. */
#define GC_PROTOCOL_HEADER "core/protocol/atomic.h"

#include "tests/suites.h"
#include "tests/support.h"

static uint32_t finalized;

static int note_end(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    finalized++;
    return 0;
}
static const struct gc_type mortal_type =
        GC_TYPE(struct node, .slots = 2, .finalize = note_end);

/* As if others had taken the object meanwhile, run its finalizer, and let it go again. */
static void take_care(void *argument)
{
    struct node *node = argument;
    gc_object_clear_state(&node->header, GC_STATE_FINALIZER);
}

static void care_that_is_taken_while_a_count_is_zero_is_not_waited_for(void)
{
    struct fixture f;
    struct gc_thread thread;
    gc_slot local = NULL;
    if (GC_CHECK < 1) return; /* release builds have no schedule */
    if (!fixture_open(&f, "refcount@atomic", NULL, 0)) return;
    finalized = 0;
    CU_ASSERT_TRUE_FATAL(gc_new_slow(f.m, &local, &mortal_type, 0, 0));
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(1));
    CU_ASSERT_EQUAL_FATAL(gc_thread_start(&thread, take_care, local), 0);
    gc_atomic_store_relaxed(&local->count, 0); /* we have subtracted the last one */
    gc_counts_drop_zero(f.m, local);
    gc_blocked_begin(f.m);
    gc_thread_join(&thread);
    gc_blocked_end(f.m);
    gc_schedule_end();
    CU_ASSERT_EQUAL(finalized, 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

int test_protocol_atomic_suite(void)
{
    static const struct test tests[] = {
        { "care_that_is_taken_while_a_count_is_zero_is_not_waited_for",
                care_that_is_taken_while_a_count_is_zero_is_not_waited_for },
    };
    return suite_add("core/protocol_atomic", tests, COUNT(tests));
}
