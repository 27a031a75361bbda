/* SPDX-License-Identifier: MIT */
/* test_operation.c - counted operations: exactly what a program does, by what it costs
 * under its protocol; of a protocol that is nobody's as well; and nothing where a file is
 * compiled to be timed. */
#define GC_PROTOCOL_HEADER "tests/core/operation_protocol.h"
#define GC_COUNT_OPS

#include "core/operation.h"

#include <stdio.h>
#include <string.h>

#include "core/schedule.h"
#include "tests/core/operation_program.h"
#include "tests/suites.h"
#include "tests/support.h"

struct expectation {
    enum gc_operation operation;
    uint64_t count;
};

/* What operation_program.c does, whatever the protocol. */
static const struct expectation program[] = {
    { GC_OPERATION_elided, 5 },
    { GC_OPERATION_objects, 5 },
    { GC_OPERATION_frames_entered, 1 },
    { GC_OPERATION_frames_left, 1 },
    { GC_OPERATION_frame_locals, 6 },
    { GC_OPERATION_loads, 2 },
    { GC_OPERATION_loads_shared, 2 },
    { GC_OPERATION_loads_weak, 1 },
    { GC_OPERATION_stores, 6 },
    { GC_OPERATION_stores_shared, 1 },
    { GC_OPERATION_stores_new, 1 },
    { GC_OPERATION_slots_copied, 2 },
    { GC_OPERATION_gives, 1 },
    { GC_OPERATION_exchanges, 1 },
    { GC_OPERATION_compare_exchanges, 2 },
    { GC_OPERATION_compare_exchanges_failed, 1 },
    { GC_OPERATION_sets, 2 },
    { GC_OPERATION_moves, 3 },
    { GC_OPERATION_clears, 2 },
    { GC_OPERATION_read_sections, 1 },
    { GC_OPERATION_polls, 1 },
    { GC_OPERATION_slow_allocations, 4 },
};

/* L+ L- S+ S-: by enum gc_reference_event. */
static const uint64_t program_references[GC_REFERENCE_EVENTS] = { 6, 11, 9, 7 };
static const uint64_t program_roots = 1; /* of S+, and of S- */

/* A heap like that of fixture_open(), under a protocol of one's choice. */
static bool open_heap(
        const char *collector, const char *protocol, struct gc_mutator **ret_mutator)
{
    struct gc_heap_config config = {
        .collector = gc_collector_find(collector),
        .protocol = gc_protocol_find(protocol),
    };
    struct gc_heap *heap;
    CU_ASSERT_EQUAL_FATAL(gc_heap_create(&config, &heap, NULL), 0);
    int result = gc_attach(heap, ret_mutator);
    CU_ASSERT_EQUAL(result, 0);
    if (result != 0) gc_heap_destroy(heap);
    return result == 0;
}

static void close_heap(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    gc_detach(m);
    gc_heap_destroy(heap);
}

/* Says which counters are not what they should be. */
static void compare(const char *what, const uint64_t *found, const uint64_t *expected)
{
    for (int i = 0; i < GC_OPERATION_COUNT; i++) {
        CU_ASSERT_EQUAL(found[i], expected[i]);
        if (found[i] != expected[i])
            printf("# %s: %s: %llu, not %llu\n", what, gc_operation_names[i],
                    (unsigned long long)found[i], (unsigned long long)expected[i]);
    }
}

static void every_operation_is_counted_at_what_it_costs(void)
{
    static const struct {
        const char *protocol, *collector;
        void (*run)(struct gc_mutator *m);
        enum gc_cost local, slot, root;
        uint64_t slow_drops;
    } cases[] = {
        { "bare", "none", operation_program_bare, GC_COST_uncounted, GC_COST_uncounted,
                GC_COST_uncounted, 0 },
        { "plain", "refcount", operation_program_plain, GC_COST_plain, GC_COST_plain,
                GC_COST_plain, 3 },
        { "atomic", "refcount", operation_program_atomic, GC_COST_atomic, GC_COST_atomic,
                GC_COST_atomic, 3 },
        /* by its owner */
        { "biased", "refcount", operation_program_biased, GC_COST_plain, GC_COST_plain,
                GC_COST_plain, 3 },
        /* all objects are new, which costs no more than if they were logged */
        { "log_object", "coalescing", operation_program_log_object, GC_COST_uncounted,
                GC_COST_coalesced, GC_COST_uncounted, 0 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gc_mutator *m;
        if (!open_heap(cases[i].collector, cases[i].protocol, &m)) return;
        cases[i].run(m);
        uint64_t expected[GC_OPERATION_COUNT] = { 0 };
        for (size_t j = 0; j < COUNT(program); j++)
            expected[program[j].operation] = program[j].count;
        for (int event = 0; event < GC_REFERENCE_EVENTS; event++) {
            const bool local = event == GC_LOCAL_TAKEN || event == GC_LOCAL_DROPPED;
            const enum gc_cost cost = local ? cases[i].local : cases[i].slot;
            const uint64_t roots = local ? 0 : program_roots;
            expected[(int)cost * GC_REFERENCE_EVENTS + event] +=
                    program_references[event] - roots;
            expected[(int)cases[i].root * GC_REFERENCE_EVENTS + event] += roots;
        }
        expected[GC_OPERATION_slow_drops] = cases[i].slow_drops;
        compare(cases[i].protocol, m->operations, expected);
        close_heap(m);
    }
}

/* tests/core/operation_protocol.h: locals cost nothing, slots are logged once; roots are
 * scanned. */
static void a_protocol_says_itself_what_references_cost(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *a, *b;
    } at;
    gc_slot root = NULL;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new(f.m, &at.a, &node_type));
    CU_ASSERT_TRUE(gc_new(f.m, &at.b, &node_type));
    at.a->key = at.b->key = 0;
    gc_store(f.m, at.a, left, at.b); /* the first one in a: buffered */
    at.a->key = LOGGED;
    gc_store(f.m, at.a, left, at.b);  /* coalesced, old and new */
    gc_store(f.m, at.a, right, at.b); /* coalesced */
    gc_store_root(f.m, &root, at.a);
    gc_set(f.m, &at.b, at.a);
    gc_store_root_null(f.m, &root);
    const uint64_t *operations = f.m->operations;
    CU_ASSERT_EQUAL(operations[GC_OPERATION_slot_taken_buffered], 1);
    CU_ASSERT_EQUAL(operations[GC_OPERATION_slot_dropped_buffered], 0);
    CU_ASSERT_EQUAL(operations[GC_OPERATION_slot_taken_coalesced], 2);
    CU_ASSERT_EQUAL(operations[GC_OPERATION_slot_dropped_coalesced], 1);
    CU_ASSERT_EQUAL(operations[GC_OPERATION_slot_taken_uncounted], 1);
    CU_ASSERT_EQUAL(operations[GC_OPERATION_slot_dropped_uncounted], 1);
    CU_ASSERT_EQUAL(operations[GC_OPERATION_local_taken_uncounted], 1);
    CU_ASSERT_EQUAL(operations[GC_OPERATION_local_dropped_uncounted], 1);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(operations[GC_OPERATION_local_dropped_uncounted], 3);
    fixture_close(&f);
}

static void a_poll_that_finds_something_is_slow(void)
{
    struct fixture f;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    gc_safepoint(f.m);
    gc_atomic_fetch_or_relaxed(&f.m->poll, GC_POLL_DRAIN);
    gc_safepoint(f.m);
    gc_safepoint(f.m);
    CU_ASSERT_EQUAL(f.m->operations[GC_OPERATION_polls], 3);
    CU_ASSERT_EQUAL(f.m->operations[GC_OPERATION_slow_polls], 1);
    fixture_close(&f);
}

/* Only a protocol whose loads race can look again; the schedule of checked builds makes it
 * certain that one does. */
static void a_racing_load_that_looks_again_is_slow(void)
{
    static const struct {
        const char *protocol;
        void (*run)(struct gc_mutator *m);
        bool races;
    } cases[] = {
        { "plain", operation_race_plain, false },
        { "atomic", operation_race_atomic, true },
        { "biased", operation_race_biased, true },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gc_mutator *m;
        if (!open_heap("refcount", cases[i].protocol, &m)) return;
        bool scheduled = gc_schedule_begin(1);
        CU_ASSERT_EQUAL(scheduled, GC_CHECK >= 1);
        cases[i].run(m);
        if (scheduled) gc_schedule_end();
        uint64_t loads = m->operations[GC_OPERATION_loads_shared];
        uint64_t slow = m->operations[GC_OPERATION_slow_loads];
        CU_ASSERT_EQUAL(loads, 200);
        CU_ASSERT(slow <= loads);
        if (!cases[i].races) CU_ASSERT_EQUAL(slow, 0);
        if (cases[i].races && scheduled) CU_ASSERT(slow > 0);
        close_heap(m);
    }
}

static void a_refused_allocation_made_no_object(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *array;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 1 << 20)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new_array(f.m, &at.array, &array_type, 8, 0));
    CU_ASSERT_FALSE(gc_new_array(f.m, &at.array, &array_type, 1 << 20, 0));
    CU_ASSERT_EQUAL(f.m->operations[GC_OPERATION_objects], 1);
    CU_ASSERT_EQUAL(f.m->operations[GC_OPERATION_slow_allocations], 2);
    CU_ASSERT_EQUAL(f.m->operations[GC_OPERATION_local_dropped_uncounted], 1);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(f.m->operations[GC_OPERATION_local_dropped_uncounted], 1);
    fixture_close(&f);
}

static void poll_twice(struct gc_mutator *m, void *argument)
{
    (void)argument;
    gc_safepoint(m);
    gc_safepoint(m);
}

static void operations_of_all_mutators_are_in_the_statistics(void)
{
    struct fixture f;
    struct gc_heap_stats stats;
    struct gc_mutator_thread thread;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    CU_ASSERT_EQUAL(gc_spawn(f.m, &thread, poll_twice, NULL, NULL), 0);
    gc_join(f.m, &thread);
    gc_safepoint(f.m);
    gc_heap_read_stats(f.heap, &stats);
    CU_ASSERT_EQUAL(stats.operations[GC_OPERATION_polls], 3);
    CU_ASSERT_EQUAL(stats.operations[GC_OPERATION_loads], 0);
    fixture_close(&f);
}

static int poll_before(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)trial;
    gc_safepoint(m);
    return 0;
}

static void poll_meanwhile(struct gc_mutator *m, struct gc_trial *trial, uint32_t i)
{
    (void)trial, (void)i;
    poll_twice(m, NULL);
}

static void poll_after(struct gc_mutator *m, struct gc_trial *trial)
{
    trial->ops = 1;
    gc_safepoint(m);
}

static void a_sample_has_what_was_counted_during_the_run(void)
{
    static const struct gc_workload workload = {
        .name = "polls",
        .protocol = "plain",
        .counts_operations = true,
        .setup = poll_before,
        .run = poll_meanwhile,
        .report = poll_after,
        .finish = poll_after,
    };
    static const struct gc_workload timed = { .name = "polls", .protocol = "plain" };
    static const struct gc_workload *const list[] = { &workload, &timed, NULL };
    CU_ASSERT_PTR_EQUAL(gc_workload_find(list, "polls", "plain"), &timed);
    CU_ASSERT_PTR_EQUAL(gc_workload_find_counting(list, "polls", "plain"), &workload);
    CU_ASSERT_PTR_NULL(gc_workload_find_counting(list, "polls", "bare"));
    static struct gc_sample sample;
    struct gc_sample_request request = {
        .collector = gc_collector_find("refcount"),
        .protocol = gc_protocol_find("plain"),
        .workload = &workload,
        .threads = 3,
    };
    CU_ASSERT_EQUAL(gc_sample_run(&request, &sample, NULL), 0);
    CU_ASSERT_TRUE(sample.has_operations);
    CU_ASSERT_EQUAL(sample.operations[GC_OPERATION_polls], 2 * 3);
}

static void every_operation_has_its_name_and_meaning(void)
{
#define X(name, doc)                                                                     \
    CU_ASSERT_STRING_EQUAL(gc_operation_names[GC_OPERATION_##name], #name);              \
    CU_ASSERT(strlen(gc_operation_docs[GC_OPERATION_##name]) > 10);
    GC_OPERATIONS(X)
#undef X
#define X(name, doc)                                                                     \
    CU_ASSERT_STRING_EQUAL(                                                              \
            gc_operation_names[GC_COST_##name * GC_REFERENCE_EVENTS + GC_LOCAL_DROPPED], \
            "local_dropped_" #name);
    GC_COSTS(X)
#undef X
}

static void operations_add_up(void)
{
    uint64_t a[GC_OPERATION_COUNT], b[GC_OPERATION_COUNT], sum[GC_OPERATION_COUNT];
    for (uint64_t i = 0; i < GC_OPERATION_COUNT; i++) {
        a[i] = i;
        b[i] = 1000 * i;
        sum[i] = 1001 * i;
    }
    gc_operations_add(a, b);
    compare("the sum", a, sum);
}

int test_operation_suite(void)
{
    static const struct test tests[] = {
        { "every_operation_is_counted_at_what_it_costs",
                every_operation_is_counted_at_what_it_costs },
        { "a_protocol_says_itself_what_references_cost",
                a_protocol_says_itself_what_references_cost },
        { "a_poll_that_finds_something_is_slow", a_poll_that_finds_something_is_slow },
        { "a_racing_load_that_looks_again_is_slow",
                a_racing_load_that_looks_again_is_slow },
        { "a_refused_allocation_made_no_object", a_refused_allocation_made_no_object },
        { "operations_of_all_mutators_are_in_the_statistics",
                operations_of_all_mutators_are_in_the_statistics },
        { "a_sample_has_what_was_counted_during_the_run",
                a_sample_has_what_was_counted_during_the_run },
        { "every_operation_has_its_name_and_meaning",
                every_operation_has_its_name_and_meaning },
        { "operations_add_up", operations_add_up },
    };
    return suite_add("core/operation", tests, COUNT(tests));
}
