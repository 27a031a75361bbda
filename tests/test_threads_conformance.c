/* SPDX-License-Identifier: MIT */
/* test_threads_conformance.c - the semantic cases that need several threads. Their
 * numbers are those of the list that conformance/cases.txt follows. */
#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "core/collector.h"
#include "core/harness.h"
#include "core/mutator.h"
#include "core/verify.h"

/* SUITE and SUITE_NAME are given by the build, once per protocol. */
int SUITE(void);

#define QUOTE_(text) #text
#define QUOTE(text)  QUOTE_(text)

enum { THREADS_MOST = 8, ROOTS = 1024 };

struct node {
    struct gc_object header;
    struct node *a, *b, *c;
};

static atomic_uint finalized;    /* finalizers that ran */
static atomic_size_t stack_used; /* the most, as finalizers see it */
static _Thread_local const char *stack_base;

static int count_finalizer(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    /* not a local's address: that may lie on a sanitizer's own stack */
    const char *here = __builtin_frame_address(0);
    atomic_fetch_add(&finalized, 1);
    if (stack_base == NULL) return 0;
    size_t used = (size_t)(stack_base - here), most = atomic_load(&stack_used);
    while (used > most && !atomic_compare_exchange_weak(&stack_used, &most, used))
        ;
    return 0;
}

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 3);
static const struct gc_type fin_type =
        GC_TYPE(struct node, .slots = 3, .finalize = count_finalizer);
static const struct gc_type list_type = GC_ARRAY_TYPE("list", .flags = GC_TYPE_ARRAY);

/* A heap with its first mutator and a range of roots; and threads on it. */
struct fixture {
    struct gc_heap *heap;
    struct gc_mutator *m;
    struct gc_root_range range;
    gc_slot roots[ROOTS];
    struct gc_mutator_thread threads[THREADS_MOST];
    uint32_t thread_count;
};

/* What one thread of a case is given, and what it leaves. */
struct job {
    struct fixture *fixture;
    struct gc_observer observer;
    pthread_barrier_t *barrier;
    atomic_bool *stop;
    atomic_ulong stores; /* or collections: how often the thread did its work */
    int64_t result;
    uint32_t number;
};

static void begin(struct fixture *f)
{
    struct gc_error error;
    const struct gc_heap_config config = { .collector = gc_collector_find("generational"),
        .protocol = gc_protocol_find(QUOTE(GC_PROTOCOL_NAME)) };
    *f = (struct fixture){ 0 };
    if (gc_heap_create(&config, &f->heap, &error) != 0) gc_fatal("%s", error.text);
    if (gc_attach(f->heap, &f->m) != 0) gc_fatal("no mutator");
    gc_roots_add(f->heap, &f->range, f->roots, ROOTS);
    atomic_store(&finalized, 0);
    atomic_store(&stack_used, 0);
}

static void spawn(struct fixture *f, void (*run)(struct gc_mutator *m, void *argument),
        struct job *job)
{
    struct gc_mutator_thread *thread = &f->threads[f->thread_count];
    job->fixture = f;
    job->number = f->thread_count++;
    if (gc_spawn(f->m, thread, run, job, NULL) != 0) gc_fatal("no thread");
}

static void join_all(struct fixture *f)
{
    for (uint32_t i = 0; i < f->thread_count; i++)
        gc_join(f->m, &f->threads[i]);
    f->thread_count = 0;
}

/* Checks the heap, lets everything go, and looks for what is left. */
static void finish(struct fixture *f)
{
    struct gc_error error = { "" };
    struct gc_heap_stats stats;
    CU_ASSERT_EQUAL(gc_verify(f->m, 3, &error), 0);
    CU_ASSERT_STRING_EQUAL(error.text, "");
    for (uint32_t i = 0; i < ROOTS; i++)
        gc_store_root_null(f->m, &f->roots[i]);
    gc_quiesce(f->m);
    gc_roots_remove(f->heap, &f->range);
    gc_detach(f->m);
    gc_heap_read_stats(f->heap, &stats);
    CU_ASSERT_EQUAL(stats.live_objects, 0);
    CU_ASSERT(stats.allocated_objects > 0);
    gc_heap_destroy(f->heap);
}

/* Makes a ring of n nodes and drops it, or leaves it to a root. */
static void make_ring(
        struct gc_mutator *m, uint32_t n, const struct gc_type *type, gc_slot *root)
{
    struct {
        struct gc_frame frame;
        struct node *first, *last, *node;
    } at;
    gc_enter(m, at);
    gc_new(m, &at.first, type);
    gc_set(m, &at.last, at.first);
    for (uint32_t i = 1; i < n; i++) {
        gc_new(m, &at.node, type);
        gc_store(m, at.last, a, at.node);
        gc_move(m, &at.last, &at.node);
    }
    gc_store(m, at.last, a, at.first);
    if (root != NULL) gc_store_root(m, root, at.first);
    gc_leave(m, at);
}

static uint64_t collected_so_far(struct gc_mutator *m)
{
    uint64_t sum = 0;
    for (int g = 0; g < GC_GENERATIONS; g++)
        sum += gc_generation_stats_get(m, g).collected;
    return sum;
}

/* Waits for the other threads of the case, in a blocked region. */
static void meet(struct gc_mutator *m, pthread_barrier_t *barrier)
{
    gc_blocked_begin(m);
    pthread_barrier_wait(barrier);
    gc_blocked_end(m);
}

/* --- 6 ---------------------------------------------------------------------------------- */

enum { CHAINS = 20, CHAIN_LENGTH = 5000, NESTING = 60 };

static void nest_lists(struct gc_mutator *m)
{
    struct {
        struct gc_frame frame;
        struct gc_array *outer, *inner;
    } at;
    gc_enter(m, at);
    gc_new_array(m, &at.inner, &list_type, 1, 0);
    for (int i = 1; i < NESTING; i++) {
        gc_new_array(m, &at.outer, &list_type, 1, 0);
        gc_give(m, at.outer, slot[0], &at.inner);
        gc_move(m, &at.inner, &at.outer);
    }
    gc_leave(m, at);
}

static void build_chains(struct gc_mutator *m, void *argument)
{
    struct {
        struct gc_frame frame;
        struct node *head, *node;
    } at;
    (void)argument;
    stack_base = __builtin_frame_address(0);
    gc_enter(m, at);
    for (int i = 0; i < CHAINS; i++) {
        for (int k = 0; k < CHAIN_LENGTH; k++) {
            gc_new(m, &at.node, &fin_type);
            gc_store(m, at.node, a, at.head);
            gc_move(m, &at.head, &at.node);
        }
        gc_clear(m, &at.head);
        nest_lists(m);
    }
    gc_leave(m, at);
    stack_base = NULL;
}

static void case_6_two_threads_drop_long_chains_of_finalized_objects(void)
{
    struct fixture f;
    struct job jobs[2] = { 0 };
    begin(&f);
    for (int i = 0; i < 2; i++)
        spawn(&f, build_chains, &jobs[i]);
    join_all(&f);
    CU_ASSERT_EQUAL(atomic_load(&finalized), 2u * CHAINS * CHAIN_LENGTH);
    CU_ASSERT(atomic_load(&stack_used) > 0);
    CU_ASSERT(atomic_load(&stack_used) < 64 * 1024);
    finish(&f);
}

/* --- 140 -------------------------------------------------------------------------------- */

static void drop_rings(struct gc_mutator *m, void *argument)
{
    (void)argument;
    for (int i = 0; i < 2000; i++)
        make_ring(m, 5, &node_type, NULL);
}

static void case_140_threads_drop_rings_and_all_are_collected(void)
{
    struct fixture f;
    struct job jobs[4] = { 0 };
    begin(&f);
    for (int i = 0; i < 4; i++)
        spawn(&f, drop_rings, &jobs[i]);
    join_all(&f);
    CU_ASSERT(collected_so_far(f.m) > 0); /* automatic collection was on */
    gc_collect(f.m, 2);
    CU_ASSERT_EQUAL(collected_so_far(f.m), 40000);
    finish(&f);
}

/* --- 142 -------------------------------------------------------------------------------- */

static void leave_objects(struct gc_mutator *m, void *argument)
{
    struct job *job = argument;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < 100; i++) {
        gc_new(m, &at.node, &fin_type);
        gc_store_root(m, &job->fixture->roots[i], at.node);
    }
    gc_leave(m, at);
}

static void case_142_objects_of_an_exited_thread_die_at_once(void)
{
    struct fixture f;
    struct job job = { 0 };
    begin(&f);
    spawn(&f, leave_objects, &job);
    join_all(&f);
    CU_ASSERT_EQUAL(atomic_load(&finalized), 0);
    for (uint32_t i = 0; i < 100; i++) {
        gc_store_root_null(f.m, &f.roots[i]);
        CU_ASSERT_EQUAL(atomic_load(&finalized), i + 1);
    }
    finish(&f);
}

/* --- 144 -------------------------------------------------------------------------------- */

static void collect_once(struct gc_mutator *m, void *argument)
{
    struct job *job = argument;
    meet(m, job->barrier);
    job->result = gc_collect(m, 2);
}

static void case_144_collections_asked_for_at_once_share_what_there_is(void)
{
    struct fixture f;
    struct job jobs[8] = { 0 };
    pthread_barrier_t barrier;
    int64_t sum = 0;
    begin(&f);
    gc_disable(f.m);
    for (int i = 0; i < 2000; i++)
        make_ring(f.m, 1, &node_type, NULL);
    pthread_barrier_init(&barrier, NULL, 8);
    for (int i = 0; i < 8; i++) {
        jobs[i].barrier = &barrier;
        spawn(&f, collect_once, &jobs[i]);
    }
    join_all(&f);
    pthread_barrier_destroy(&barrier);
    for (int i = 0; i < 8; i++) {
        CU_ASSERT(jobs[i].result == 0 || jobs[i].result == 2000);
        sum += jobs[i].result;
    }
    CU_ASSERT_EQUAL(sum, 2000);
    finish(&f);
}

/* --- 147 -------------------------------------------------------------------------------- */

static atomic_ulong heard; /* by observers */

static int hear(struct gc_mutator *m, enum gc_collection_event event, int generation,
        size_t collected, size_t uncollectable, void *argument)
{
    (void)m, (void)event, (void)generation, (void)collected, (void)uncollectable;
    (void)argument;
    atomic_fetch_add(&heard, 1);
    return 0;
}

static bool count_object(struct gc_object *object, void *argument)
{
    (void)object;
    ++*(uint64_t *)argument;
    return true;
}

static void meddle(struct gc_mutator *m, void *argument)
{
    struct job *job = argument;
    job->observer = (struct gc_observer){ .notify = hear };
    for (int i = 0; i < 400; i++) {
        gc_threshold_set(m, 0, 50 + i % 100);
        gc_threshold_set(m, 1, 1 + i % 3);
        job->result += gc_generation_count(m, i % 3) >= 0;
        gc_observer_add(m, &job->observer);
        uint64_t objects = 0;
        gc_stop_begin(m);
        gc_heap_walk_stw(m->heap, count_object, &objects);
        gc_stop_end(m, objects);
        make_ring(m, 3, &node_type, NULL);
        gc_observer_remove(m, &job->observer);
        gc_safepoint(m);
    }
}

static void churn(struct gc_mutator *m, void *argument)
{
    (void)argument;
    for (int i = 0; i < 4000; i++) {
        make_ring(m, 4, &node_type, NULL);
        if (i % 500 == 0) gc_collect(m, i % 3);
    }
}

static void case_147_settings_are_changed_while_others_allocate(void)
{
    struct fixture f;
    struct job jobs[4] = { 0 };
    begin(&f);
    for (int i = 0; i < 4; i++)
        spawn(&f, i < 2 ? meddle : churn, &jobs[i]);
    join_all(&f);
    CU_ASSERT_EQUAL(jobs[0].result, 400);
    CU_ASSERT_EQUAL(jobs[1].result, 400);
    /* No trigger is lost: the 101st net allocation collects, though each count is read. */
    gc_collect(f.m, 2);
    for (int g = 0; g < GC_GENERATIONS; g++)
        CU_ASSERT_EQUAL(gc_threshold_set(f.m, g, 100), 0);
    uint64_t before = gc_generation_stats_get(f.m, 0).collections;
    for (int i = 0; i < 100; i++) {
        make_ring(f.m, 1, &node_type, NULL);
        CU_ASSERT_EQUAL(gc_generation_count(f.m, 0), i + 1);
    }
    CU_ASSERT_EQUAL(gc_generation_stats_get(f.m, 0).collections, before);
    make_ring(f.m, 1, &node_type, NULL);
    CU_ASSERT_EQUAL(gc_generation_stats_get(f.m, 0).collections, before + 1);
    finish(&f);
}

/* --- 148 -------------------------------------------------------------------------------- */

static void leave_rings(struct gc_mutator *m, void *argument)
{
    struct job *job = argument;
    for (uint32_t i = 0; i < 50; i++)
        make_ring(m, 3, &fin_type, &job->fixture->roots[i]);
    meet(m, job->barrier); /* made */
    meet(m, job->barrier); /* may go */
}

/* There are no merge queues here: the owner sits in a blocked region instead. */
static void case_148_objects_of_a_blocked_thread_are_frozen_dropped_and_found(void)
{
    struct fixture f;
    struct job job = { 0 };
    struct gc_error error = { "" };
    pthread_barrier_t barrier;
    begin(&f);
    gc_disable(f.m);
    pthread_barrier_init(&barrier, NULL, 2);
    job.barrier = &barrier;
    spawn(&f, leave_rings, &job);
    meet(f.m, &barrier);
    gc_freeze(f.m);
    CU_ASSERT_EQUAL(gc_freeze_count(f.m), 150);
    for (uint32_t i = 0; i < 50; i++)
        gc_store_root_null(f.m, &f.roots[i]);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 0);
    CU_ASSERT_EQUAL(gc_verify(f.m, 3, &error), 0);
    gc_unfreeze(f.m);
    CU_ASSERT_EQUAL(gc_freeze_count(f.m), 0);
    CU_ASSERT_EQUAL(gc_collect(f.m, 2), 150);
    CU_ASSERT_EQUAL(atomic_load(&finalized), 150);
    meet(f.m, &barrier);
    join_all(&f);
    pthread_barrier_destroy(&barrier);
    finish(&f);
}

/* --- 150 -------------------------------------------------------------------------------- */

static void store_on(struct gc_mutator *m, void *argument)
{
    struct job *job = argument;
    struct {
        struct gc_frame frame;
        struct node *x, *y;
    } at;
    gc_enter(m, at);
    gc_new(m, &at.x, &node_type);
    gc_new(m, &at.y, &node_type);
    while (!atomic_load(job->stop)) {
        gc_store(m, at.x, a, at.y);
        gc_store_null(m, at.x, a);
        atomic_fetch_add(&job->stores, 2);
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static unsigned long all_stores(struct job *jobs, int n)
{
    unsigned long sum = 0;
    for (int i = 0; i < n; i++)
        sum += atomic_load(&jobs[i].stores);
    return sum;
}

static void wait_us(long us)
{
    struct timespec time = { 0, us * 1000 };
    nanosleep(&time, NULL);
}

static void case_150_nobody_stores_while_the_world_is_stopped(void)
{
    struct fixture f;
    struct job jobs[4] = { 0 };
    atomic_bool stop = false;
    unsigned long before_all = 0;
    begin(&f);
    for (int i = 0; i < 4; i++) {
        jobs[i].stop = &stop;
        spawn(&f, store_on, &jobs[i]);
    }
    for (int i = 0; i < 50; i++) {
        gc_blocked_begin(f.m);
        while (all_stores(jobs, 4) == before_all) /* they run between two stops */
            wait_us(100);
        gc_blocked_end(f.m);
        gc_stop_begin(f.m);
        before_all = all_stores(jobs, 4);
        wait_us(500);
        CU_ASSERT_EQUAL(all_stores(jobs, 4), before_all);
        gc_stop_end(f.m, 0);
    }
    atomic_store(&stop, true);
    join_all(&f);
    CU_ASSERT(all_stores(jobs, 4) > 0);
    finish(&f);
}

/* --- 151 -------------------------------------------------------------------------------- */

static void collect_on(struct gc_mutator *m, void *argument)
{
    struct job *job = argument;
    while (!atomic_load(job->stop)) {
        if (gc_collect(m, 2) >= 0) atomic_fetch_add(&job->stores, 1);
        gc_blocked_begin(m);
        wait_us(5000);
        gc_blocked_end(m);
    }
}

/* map[key] = a weak reference to a value, or its pop; true if a live one is there then. */
static bool use_map(struct gc_mutator *m, gc_slot *map, uint32_t operation)
{
    struct {
        struct gc_frame frame;
        struct node *value, *found, *none;
        struct gc_weak *weak;
    } at;
    bool good = true;
    gc_enter(m, at);
    gc_load_root(m, &at.weak, map);
    if (at.weak != NULL) gc_load_weak(m, &at.found, at.weak);
    if (operation == 1) gc_store_root_null(m, map); /* pop */
    if (operation == 0 || (operation == 2 && at.found == NULL)) {
        gc_new(m, &at.value, &node_type); /* set, or setdefault where nothing is */
        gc_store(m, at.value, a, at.value);
        good = gc_new_weak(m, &at.weak, at.value, NULL, at.none);
        gc_store_root(m, map, at.weak);
    } else {
        gc_move(m, &at.value, &at.found);
    }
    gc_safepoint(m);
    if (at.value != NULL && operation != 1) {
        gc_load_root(m, &at.weak, map);
        gc_load_weak(m, &at.found, at.weak);
        good = good && at.found == at.value;
    }
    gc_leave(m, at);
    return good;
}

static void case_151_a_value_that_is_held_is_found_in_a_weak_map(void)
{
    struct fixture f;
    struct job job = { 0 };
    atomic_bool stop = false;
    uint32_t lost = 0, seed = 1;
    begin(&f);
    job.stop = &stop;
    spawn(&f, collect_on, &job);
    /* On a fast machine 100 000 operations may be over before it has collected. */
    for (int i = 0; i < 100000 || atomic_load(&job.stores) < 3; i++) {
        seed = seed * 1664525u + 1013904223u;
        lost += !use_map(f.m, &f.roots[seed >> 24], (seed >> 8) % 3);
    }
    atomic_store(&stop, true);
    join_all(&f);
    CU_ASSERT_EQUAL(lost, 0);
    finish(&f);
}

int SUITE(void)
{
    CU_pSuite suite = CU_add_suite(SUITE_NAME, NULL, NULL);
    if (suite == NULL) return -1;
#define ADD(test)                                                                        \
    if (CU_add_test(suite, #test, test) == NULL) return -1
    ADD(case_6_two_threads_drop_long_chains_of_finalized_objects);
    ADD(case_140_threads_drop_rings_and_all_are_collected);
    ADD(case_142_objects_of_an_exited_thread_die_at_once);
    ADD(case_144_collections_asked_for_at_once_share_what_there_is);
    ADD(case_147_settings_are_changed_while_others_allocate);
    ADD(case_148_objects_of_a_blocked_thread_are_frozen_dropped_and_found);
    ADD(case_150_nobody_stores_while_the_world_is_stopped);
    ADD(case_151_a_value_that_is_held_is_found_in_a_weak_map);
#undef ADD
    return 0;
}
