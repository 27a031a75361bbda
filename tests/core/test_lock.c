/* SPDX-License-Identifier: MIT */
/* test_lock.c - locks, conditions and threads, with and without a schedule. */
#include "core/lock.h"
#include "core/schedule.h"
#include "tests/suites.h"
#include "tests/support.h"

enum { THREADS = 4, ROUNDS = 2000 };

struct shared {
    struct gc_lock lock;
    struct gc_condition changed;
    uint64_t value; /* lock */
    uint32_t ready; /* lock */
};

static void shared_init(struct shared *shared)
{
    *shared = (struct shared){ .value = 0 };
    gc_lock_init(&shared->lock, GC_RANK_TRIAL);
    gc_condition_init(&shared->changed);
}

static void shared_finish(struct shared *shared)
{
    gc_condition_finish(&shared->changed);
    gc_lock_finish(&shared->lock);
}

static void start_and_join(void (*run)(void *argument), void *argument)
{
    struct gc_thread threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(gc_thread_start(&threads[i], run, argument), 0);
    for (int i = 0; i < THREADS; i++)
        gc_thread_join(&threads[i]);
}

static void add_one_often(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < ROUNDS; i++) {
        gc_lock_acquire(&shared->lock);
        gc_lock_assert_held(&shared->lock);
        uint64_t value = shared->value;
        gc_schedule_yield();
        shared->value = value + 1;
        gc_lock_release(&shared->lock);
    }
}

static void a_lock_lets_one_in_at_a_time(void)
{
    struct shared shared;
    shared_init(&shared);
    start_and_join(add_one_often, &shared);
    CU_ASSERT_EQUAL(shared.value, THREADS * ROUNDS);
    if (GC_CHECK >= 1) {
        CU_ASSERT_TRUE_FATAL(gc_schedule_begin(1));
        start_and_join(add_one_often, &shared);
        CU_ASSERT(gc_schedule_end() > 0);
        CU_ASSERT_EQUAL(shared.value, 2 * THREADS * ROUNDS);
    }
    shared_finish(&shared);
}

static void meet_everybody(void *argument)
{
    struct shared *shared = argument;
    gc_lock_acquire(&shared->lock);
    if (++shared->ready == THREADS) gc_condition_broadcast(&shared->changed);
    while (shared->ready < THREADS)
        gc_condition_wait(&shared->changed, &shared->lock);
    shared->value++;
    gc_lock_release(&shared->lock);
}

static void a_broadcast_wakes_everybody(void)
{
    struct shared shared;
    shared_init(&shared);
    start_and_join(meet_everybody, &shared);
    CU_ASSERT_EQUAL(shared.value, THREADS);
    if (GC_CHECK >= 1) {
        shared.ready = 0;
        CU_ASSERT_TRUE_FATAL(gc_schedule_begin(3));
        start_and_join(meet_everybody, &shared);
        gc_schedule_end();
        CU_ASSERT_EQUAL(shared.value, 2 * THREADS);
    }
    shared_finish(&shared);
}

static void wait_and_pass_on(void *argument)
{
    struct shared *shared = argument;
    gc_lock_acquire(&shared->lock);
    while (shared->ready == 0)
        gc_condition_wait(&shared->changed, &shared->lock);
    shared->ready--;
    shared->value++;
    gc_lock_release(&shared->lock);
}

static void a_signal_wakes_somebody(void)
{
    struct shared shared;
    shared_init(&shared);
    struct gc_thread threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(gc_thread_start(&threads[i], wait_and_pass_on, &shared), 0);
    for (int i = 0; i < THREADS; i++) {
        gc_lock_acquire(&shared.lock);
        shared.ready++;
        gc_condition_signal(&shared.changed);
        gc_lock_release(&shared.lock);
    }
    for (int i = 0; i < THREADS; i++)
        gc_thread_join(&threads[i]);
    CU_ASSERT_EQUAL(shared.value, THREADS);
    shared_finish(&shared);
}

static void a_timed_wait_ends_when_nobody_signals(void)
{
    struct shared shared;
    shared_init(&shared);
    gc_lock_acquire(&shared.lock);
    uint64_t start = gc_os_now_ns();
    while (gc_condition_wait_ns(&shared.changed, &shared.lock, 2000000))
        ; /* it may wake without a signal */
    CU_ASSERT(gc_os_now_ns() - start >= 2000000);
    gc_lock_assert_held(&shared.lock);
    gc_lock_release(&shared.lock);
    shared_finish(&shared);
}

static void try_to_take(void *argument)
{
    struct shared *shared = argument;
    if (gc_lock_try_acquire(&shared->lock)) {
        shared->value++;
        gc_lock_release(&shared->lock);
    }
}

static void trying_takes_only_a_free_lock(void)
{
    struct shared shared;
    struct gc_thread thread;
    shared_init(&shared);
    gc_lock_acquire(&shared.lock);
    CU_ASSERT_EQUAL_FATAL(gc_thread_start(&thread, try_to_take, &shared), 0);
    gc_thread_join(&thread);
    CU_ASSERT_EQUAL(shared.value, 0);
    gc_lock_release(&shared.lock);
    CU_ASSERT_EQUAL_FATAL(gc_thread_start(&thread, try_to_take, &shared), 0);
    gc_thread_join(&thread);
    CU_ASSERT_EQUAL(shared.value, 1);
    shared_finish(&shared);
}

static void take_in_the_wrong_order(void *argument)
{
    (void)argument;
    struct gc_lock outer, inner;
    gc_lock_init(&outer, GC_RANK_REGISTRY);
    gc_lock_init(&inner, GC_RANK_BLOCKS);
    gc_lock_acquire(&inner);
    gc_lock_acquire(&outer);
}

static void take_two_of_a_rank(void *argument)
{
    (void)argument;
    struct gc_lock one, other;
    gc_lock_init(&one, GC_RANK_WEAK);
    gc_lock_init(&other, GC_RANK_WEAK);
    gc_lock_acquire(&one);
    gc_lock_acquire(&other);
}

static void release_what_is_not_held(void *argument)
{
    (void)argument;
    struct gc_lock lock;
    gc_lock_init(&lock, GC_RANK_WEAK);
    gc_lock_release(&lock);
}

static void checked_builds_watch_the_order_of_locks(void)
{
    struct gc_lock outer, inner;
    gc_lock_init(&outer, GC_RANK_REGISTRY);
    gc_lock_init(&inner, GC_RANK_BLOCKS);
    gc_lock_acquire(&outer);
    gc_lock_acquire(&inner);
    gc_lock_release(&inner);
    gc_lock_release(&outer);
    gc_lock_finish(&inner);
    gc_lock_finish(&outer);
    CU_PASS("the right order is let through");
    if (GC_ASSERTS < 1) return;
    CU_ASSERT_TRUE(aborts_with(take_in_the_wrong_order, NULL, "a lock of rank"));
    CU_ASSERT_TRUE(aborts_with(take_two_of_a_rank, NULL, "a lock of rank"));
    CU_ASSERT_TRUE(aborts_with(release_what_is_not_held, NULL, "is not held"));
}

static void a_time_is_waited_for_and_no_longer_if_it_is_past(void)
{
    for (uint64_t ns = 20000; ns < 4000000; ns *= 10) { /* awake, and asleep before */
        uint64_t until = gc_os_now_ns() + ns;
        gc_wait_until_ns(until);
        CU_ASSERT(gc_os_now_ns() >= until);
        gc_wait_until_ns(until); /* does not hang */
    }
    gc_wait_until_ns(0);
}

int test_lock_suite(void)
{
    static const struct test tests[] = {
        { "a_lock_lets_one_in_at_a_time", a_lock_lets_one_in_at_a_time },
        { "a_broadcast_wakes_everybody", a_broadcast_wakes_everybody },
        { "a_signal_wakes_somebody", a_signal_wakes_somebody },
        { "a_timed_wait_ends_when_nobody_signals",
                a_timed_wait_ends_when_nobody_signals },
        { "a_time_is_waited_for_and_no_longer_if_it_is_past",
                a_time_is_waited_for_and_no_longer_if_it_is_past },
        { "trying_takes_only_a_free_lock", trying_takes_only_a_free_lock },
        { "checked_builds_watch_the_order_of_locks",
                checked_builds_watch_the_order_of_locks },
    };
    return suite_add("core/lock", tests, COUNT(tests));
}
