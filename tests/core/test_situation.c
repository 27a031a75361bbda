/* SPDX-License-Identifier: MIT */
/* test_situation.c - what is said of heaps and mutators. */
#include <stdlib.h>
#include <string.h>

#include "core/schedule.h"
#include "core/situation.h"
#include "tests/suites.h"
#include "tests/support.h"

static char text[1 << 13];

/* What is said now. */
static const char *situation(void)
{
    struct gc_words words = { .begin = text, .room = sizeof(text) };
    text[0] = '\0';
    gc_situation_put(&words, gc_os_now_ns());
    return text;
}

static bool says(const char *words)
{
    if (strstr(text, words) != NULL) return true;
    printf("'%s' is not in:\n%s\n", words, text);
    return false;
}

static void without_a_heap_there_is_nothing_to_say(void)
{
    CU_ASSERT_STRING_EQUAL(situation(), "");
    struct fixture f;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    CU_ASSERT_STRING_NOT_EQUAL(situation(), "");
    fixture_close(&f);
    CU_ASSERT_STRING_EQUAL(situation(), "");
}

static void tells_of_a_heap_at_rest(void)
{
    struct fixture f;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    gc_collect(f.m, 2);
    situation();
    CU_ASSERT_TRUE(says("    phase: no collection is under way\n"));
    CU_ASSERT_TRUE(says("    mutator 0, RUNNING, this thread:\n        -"));
    if (GC_CHECK >= 1) {
        CU_ASSERT_TRUE(says(" ms: begins a collection of generation 2"));
        CU_ASSERT_TRUE(says(" ms: ends the collection, dead: 0;"));
    } else { /* a stop is a stall, whatever the build */
        CU_ASSERT_TRUE(says(" ms: a stall (stop) of "));
    }
    fixture_close(&f);
}

static int observe(struct gc_mutator *m, enum gc_collection_event event, int generation,
        size_t collected, size_t uncollectable, void *argument)
{
    (void)generation, (void)collected, (void)uncollectable;
    if (event == GC_COLLECTION_START) {
        gc_collection_at(m, "observes");
        gc_stop_begin(m);
        *(bool *)argument =
                strstr(situation(), "phase: collection 1, of mutator 0, observes; the "
                                    "world is stopped by mutator 0\n") != NULL;
        gc_stop_end_unlogged(m);
    }
    return 0;
}

static void tells_of_the_phase_of_a_collection(void)
{
    struct fixture f;
    bool seen = false;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_observer observer = { .notify = observe, .argument = &seen };
    gc_observer_add(f.m, &observer);
    gc_collect(f.m, 0);
    CU_ASSERT_TRUE(seen);
    gc_observer_remove(f.m, &observer);
    fixture_close(&f);
}

static void answer(struct gc_mutator *m, void *argument)
{
    (void)m, (void)argument;
    situation();
}

static void do_nothing(struct worker *worker)
{
    (void)worker;
}

static void tells_of_other_mutators_and_of_handshakes(void)
{
    struct fixture f;
    struct worker workers[20];
    if (!fixture_open(&f, "mark_sweep", NULL, 0)) return;
    workers_run(f.m, workers, 20, do_nothing, NULL, NULL);
    gc_atomic_store_relaxed(&f.heap->stop_requested, 1);
    situation();
    gc_atomic_store_relaxed(&f.heap->stop_requested, 0);
    CU_ASSERT_TRUE(says("; a stop is asked for\n"));
    CU_ASSERT_TRUE(says("    mutator 1, EXITED:\n"));
    gc_handshake(f.m, answer, NULL);
    CU_ASSERT_TRUE(says("; answers to handshake 1 are awaited\n"));
    fixture_close(&f);
}

/* The rings hold the last ones, and lists end somewhere. */
static void tells_a_bounded_number_of_events(void)
{
    struct fixture f;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_event_log *log = &f.m->events;
    for (uint64_t i = 0; i < 100; i++)
        gc_event_append(log, "does", i);
    gc_event_append(log, "looks at", UINT64_C(0x7f0000001238));
    gc_stall_record(f.m->stalls, GC_STALL_cascade, gc_os_now_ns(), 3);
    situation();
    CU_ASSERT_TRUE(says(" ms: looks at 0x7f0000001238"));
    CU_ASSERT_PTR_NULL(strstr(text, "does 84;"));
    if (GC_CHECK >= 1) CU_ASSERT_TRUE(says(" ms: does 85;"));
    CU_ASSERT_TRUE(says(" ms: a stall (cascade) of 0."));
    fixture_close(&f);
}

static void times_are_logical_under_a_schedule(void)
{
    struct fixture f;
    if (!gc_schedule_begin(1)) return; /* release builds have none */
    if (fixture_open(&f, "generational", NULL, 0)) {
        gc_collect(f.m, 1);
        situation();
        CU_ASSERT_PTR_NULL(strstr(text, " ms"));
        CU_ASSERT_TRUE(says(": begins a collection of generation 1"));
        char *at = strstr(text, ": begins a collection");
        while (at > text && at[-1] >= '0' && at[-1] <= '9')
            at--;
        CU_ASSERT(strtoull(at, NULL, 10) > 0);
        CU_ASSERT(strtoull(at, NULL, 10) <= gc_schedule_now());
        fixture_close(&f);
    }
    gc_schedule_end();
}

int test_situation_suite(void)
{
    static const struct test tests[] = {
        { "without_a_heap_there_is_nothing_to_say",
                without_a_heap_there_is_nothing_to_say },
        { "tells_of_a_heap_at_rest", tells_of_a_heap_at_rest },
        { "tells_of_the_phase_of_a_collection", tells_of_the_phase_of_a_collection },
        { "tells_of_other_mutators_and_of_handshakes",
                tells_of_other_mutators_and_of_handshakes },
        { "tells_a_bounded_number_of_events", tells_a_bounded_number_of_events },
        { "times_are_logical_under_a_schedule", times_are_logical_under_a_schedule },
    };
    return suite_add("core/situation", tests, COUNT(tests));
}
