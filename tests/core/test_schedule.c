/* SPDX-License-Identifier: MIT */
/* test_schedule.c - the token: one runs at a time, in the same order each time. */
#include <string.h>

#include "core/lock.h"
#include "core/schedule.h"
#include "tests/suites.h"
#include "tests/support.h"

enum { THREADS = 3, STEPS = 40, LOG = THREADS * STEPS + 1 };

struct log {
    struct gc_lock lock;
    struct gc_condition never;
    char letters[LOG];
    size_t used;
    uint64_t inside, most_inside, next_letter;
};

static void write_letters(void *argument)
{
    struct log *log = argument;
    char letter = (char)('a' + log->next_letter++);
    for (int i = 0; i < STEPS; i++) {
        log->inside++;
        if (log->inside > log->most_inside) log->most_inside = log->inside;
        log->letters[log->used++] = letter;
        log->inside--;
        gc_schedule_yield();
    }
}

static uint64_t run_threads(struct log *log)
{
    struct gc_thread threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(gc_thread_start(&threads[i], write_letters, log), 0);
    for (int i = 0; i < THREADS; i++)
        gc_thread_join(&threads[i]);
    return gc_schedule_end();
}

static uint64_t run_schedule(struct log *log, uint32_t period)
{
    memset(log, 0, sizeof(*log));
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(period));
    return run_threads(log);
}

static uint64_t run_random(struct log *log, uint64_t seed, uint32_t period)
{
    memset(log, 0, sizeof(*log));
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin_random(seed, period));
    return run_threads(log);
}

static uint64_t run_priorities(
        struct log *log, uint64_t seed, uint32_t changes, uint32_t length)
{
    memset(log, 0, sizeof(*log));
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin_priorities(seed, changes, length));
    return run_threads(log);
}

static void disturbance_is_no_schedule(void)
{
    struct log log;
    gc_schedule_disturb(1);
    CU_ASSERT_FALSE(gc_schedule_is_active());
    for (int i = 0; i < 100; i++)
        gc_schedule_yield(); /* nobody waits for a token */
    if (GC_CHECK >= 1) {     /* and a schedule goes its way all the same */
        run_schedule(&log, 1);
        CU_ASSERT_EQUAL(strncmp(log.letters, "abcabcabcabc", 12), 0);
    }
    gc_schedule_disturb(0);
    CU_ASSERT_EQUAL(gc_schedule_noise, 0);
}

static void release_builds_have_no_schedule(void)
{
    if (GC_CHECK >= 1) {
        CU_ASSERT_TRUE(gc_schedule_begin(1));
        CU_ASSERT_TRUE(gc_schedule_is_active());
        CU_ASSERT_EQUAL(gc_schedule_end(), 0);
    } else {
        CU_ASSERT_FALSE(gc_schedule_begin(1));
        CU_ASSERT_FALSE(gc_schedule_begin_random(1, 1));
        CU_ASSERT_FALSE(gc_schedule_begin_priorities(1, 1, 1));
    }
    CU_ASSERT_FALSE(gc_schedule_is_active());
}

static void one_thread_runs_at_a_time(void)
{
    struct log log;
    run_schedule(&log, 1);
    CU_ASSERT_EQUAL(log.used, THREADS * STEPS);
    CU_ASSERT_EQUAL(log.most_inside, 1);
}

static void the_token_goes_round(void)
{
    struct log log;
    run_schedule(&log, 1);
    CU_ASSERT_EQUAL(strncmp(log.letters, "abcabcabcabc", 12), 0);
    run_schedule(&log, 2);
    CU_ASSERT_EQUAL(strncmp(log.letters, "aabbccaabbcc", 12), 0);
}

static void the_same_program_interleaves_in_the_same_way(void)
{
    for (uint32_t period = 1; period < 8; period++) {
        struct log first, second;
        uint64_t moves = run_schedule(&first, period);
        CU_ASSERT_EQUAL(run_schedule(&second, period), moves);
        CU_ASSERT(moves >= THREADS);
        CU_ASSERT_STRING_EQUAL(first.letters, second.letters);
    }
}

static void the_same_seed_interleaves_in_the_same_way(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct log first, second;
        uint64_t moves = run_random(&first, seed, seed % 4 + 1);
        CU_ASSERT_EQUAL(run_random(&second, seed, seed % 4 + 1), moves);
        CU_ASSERT_STRING_EQUAL(first.letters, second.letters);
        CU_ASSERT_EQUAL(first.used, THREADS * STEPS);
        CU_ASSERT_EQUAL(first.most_inside, 1);
    }
}

static void other_seeds_interleave_in_other_ways(void)
{
    enum { SEEDS = 20 };
    static struct log logs[SEEDS];
    uint32_t equal = 0, round_robin = 0;
    struct log fixed;
    run_schedule(&fixed, 1);
    for (int i = 0; i < SEEDS; i++) {
        run_random(&logs[i], (uint64_t)i, 1);
        for (int k = 0; k < i; k++)
            equal += strncmp(logs[i].letters, logs[k].letters, LOG) == 0;
        round_robin += strncmp(logs[i].letters, fixed.letters, LOG) == 0;
    }
    CU_ASSERT_EQUAL(equal, 0);
    CU_ASSERT_EQUAL(round_robin, 0);
    /* a longer period moves the token less often */
    struct log often, seldom;
    CU_ASSERT(run_random(&often, 1, 1) > 2 * run_random(&seldom, 1, 8));
}

/* How often a letter is followed by another one. */
static uint32_t switches_of(const struct log *log)
{
    uint32_t n = 0;
    for (size_t i = 1; i < log->used; i++)
        n += log->letters[i] != log->letters[i - 1];
    return n;
}

static void who_has_the_highest_priority_runs_until_a_change(void)
{
    uint32_t changed = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct log log, again;
        run_priorities(&log, seed, 0, 100);
        CU_ASSERT_EQUAL(log.used, THREADS * STEPS);
        CU_ASSERT(switches_of(&log) <= 2 * (THREADS - 1)); /* a start may interrupt one */
        uint64_t moves = run_priorities(&log, seed, 3, 100);
        CU_ASSERT_EQUAL(log.most_inside, 1);
        CU_ASSERT(switches_of(&log) <= 2 * (THREADS - 1) + 2 * 3);
        changed += switches_of(&log) > 2 * (THREADS - 1);
        CU_ASSERT_EQUAL(run_priorities(&again, seed, 3, 100), moves);
        CU_ASSERT_STRING_EQUAL(log.letters, again.letters);
    }
    CU_ASSERT(changed >= 5);
}

static void hashes_are_those_of_schedules(void)
{
    enum { SEEDS = 20 };
    uint64_t hashes[SEEDS];
    struct log log;
    for (int i = 0; i < SEEDS; i++) {
        run_random(&log, (uint64_t)i, 2);
        hashes[i] = gc_schedule_hash();
        for (int k = 0; k < i; k++)
            CU_ASSERT_NOT_EQUAL(hashes[i], hashes[k]);
        run_random(&log, (uint64_t)i, 2);
        CU_ASSERT_EQUAL(gc_schedule_hash(), hashes[i]);
    }
}

/* What one thread waits for, and another does. */
struct flag {
    struct gc_lock lock;
    struct gc_condition changed;
    bool up;
    uint32_t woken;
};

static void wait_for_flag(void *argument)
{
    struct flag *flag = argument;
    gc_lock_acquire(&flag->lock);
    for (; !flag->up; flag->woken++)
        gc_condition_wait(&flag->changed, &flag->lock);
    gc_lock_release(&flag->lock);
}

static uint32_t wake_by_flag(uint32_t early)
{
    struct flag flag = { .up = false };
    struct gc_thread thread;
    gc_lock_init(&flag.lock, GC_RANK_TRIAL);
    gc_condition_init(&flag.changed);
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(1));
    gc_schedule_wake_early(early);
    CU_ASSERT_EQUAL_FATAL(gc_thread_start(&thread, wait_for_flag, &flag), 0);
    for (int i = 0; i < 50; i++)
        gc_schedule_yield();
    gc_lock_acquire(&flag.lock);
    flag.up = true;
    gc_condition_broadcast(&flag.changed);
    gc_lock_release(&flag.lock);
    gc_thread_join(&thread);
    gc_schedule_end();
    gc_condition_finish(&flag.changed);
    gc_lock_finish(&flag.lock);
    return flag.woken;
}

static void threads_wake_early_where_that_is_asked_for(void)
{
    CU_ASSERT_EQUAL(wake_by_flag(0), 1);
    CU_ASSERT(wake_by_flag(2) > 5);
    CU_ASSERT_EQUAL(wake_by_flag(0), 1);
}

/* Waits without giving way: only another thread can end it. */
static void spin(void *argument)
{
    while (!*(bool *)argument)
        gc_schedule_yield();
}

static void raise_flag(void *argument)
{
    *(bool *)argument = true;
}

static void who_spins_does_not_keep_others_from_running(void)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        bool up = false;
        struct gc_thread spinner, raiser;
        CU_ASSERT_TRUE_FATAL(gc_schedule_begin_priorities(seed, 0, 1));
        CU_ASSERT_EQUAL_FATAL(gc_thread_start(&spinner, spin, &up), 0);
        CU_ASSERT_EQUAL_FATAL(gc_thread_start(&raiser, raise_flag, &up), 0);
        gc_thread_join(&spinner);
        gc_thread_join(&raiser);
        gc_schedule_end();
    }
}

static void wait_for_ever(void *argument)
{
    struct log *log = argument;
    gc_lock_acquire(&log->lock);
    gc_condition_wait(&log->never, &log->lock);
}

static void deadlock(void *argument)
{
    struct log *log = argument;
    struct gc_thread thread;
    gc_lock_init(&log->lock, GC_RANK_TRIAL);
    gc_condition_init(&log->never);
    if (!gc_schedule_begin(1)) return;
    if (gc_thread_start(&thread, wait_for_ever, log) == 0) gc_thread_join(&thread);
}

static void a_deadlock_is_reported_as_one(void)
{
    struct log log;
    memset(&log, 0, sizeof(log));
    CU_ASSERT_TRUE(aborts_with(deadlock, &log, "deadlock"));
}

static void wait_a_while(void *argument)
{
    struct log *log = argument;
    gc_lock_acquire(&log->lock);
    bool woken = gc_condition_wait_ns(&log->never, &log->lock, UINT64_C(1) << 60);
    log->used = woken ? 1 : 2;
    gc_lock_release(&log->lock);
}

static void time_passes_when_nobody_can_run(void)
{
    struct log log;
    struct gc_thread thread;
    memset(&log, 0, sizeof(log));
    gc_lock_init(&log.lock, GC_RANK_TRIAL);
    gc_condition_init(&log.never);
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(1));
    CU_ASSERT_EQUAL_FATAL(gc_thread_start(&thread, wait_a_while, &log), 0);
    gc_thread_join(&thread);
    gc_schedule_end();
    CU_ASSERT_EQUAL(log.used, 2);
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin_random(1, 1));
    CU_ASSERT_EQUAL_FATAL(gc_thread_start(&thread, wait_a_while, &log), 0);
    gc_thread_join(&thread);
    gc_schedule_end();
    CU_ASSERT_EQUAL(log.used, 2);
    gc_condition_finish(&log.never);
    gc_lock_finish(&log.lock);
}

static void a_thread_that_cannot_be_added_is_refused(void)
{
    struct gc_thread thread;
    CU_ASSERT_TRUE_FATAL(gc_schedule_begin(1));
    gc_os_fail_allocation(1);
    CU_ASSERT(gc_thread_start(&thread, wait_a_while, NULL) < 0);
    CU_ASSERT_EQUAL(gc_schedule_end(), 0);
    gc_os_fail_allocation(1);
    CU_ASSERT_FALSE(gc_schedule_begin(1));
}

int test_schedule_suite(void)
{
    static const struct test tests[] = {
        { "release_builds_have_no_schedule", release_builds_have_no_schedule },
        { "disturbance_is_no_schedule", disturbance_is_no_schedule },
        { "one_thread_runs_at_a_time", one_thread_runs_at_a_time },
        { "the_token_goes_round", the_token_goes_round },
        { "the_same_program_interleaves_in_the_same_way",
                the_same_program_interleaves_in_the_same_way },
        { "the_same_seed_interleaves_in_the_same_way",
                the_same_seed_interleaves_in_the_same_way },
        { "other_seeds_interleave_in_other_ways", other_seeds_interleave_in_other_ways },
        { "who_has_the_highest_priority_runs_until_a_change",
                who_has_the_highest_priority_runs_until_a_change },
        { "who_spins_does_not_keep_others_from_running",
                who_spins_does_not_keep_others_from_running },
        { "hashes_are_those_of_schedules", hashes_are_those_of_schedules },
        { "threads_wake_early_where_that_is_asked_for",
                threads_wake_early_where_that_is_asked_for },
        { "a_deadlock_is_reported_as_one", a_deadlock_is_reported_as_one },
        { "time_passes_when_nobody_can_run", time_passes_when_nobody_can_run },
        { "a_thread_that_cannot_be_added_is_refused",
                a_thread_that_cannot_be_added_is_refused },
    };
    return suite_add("core/schedule", tests, GC_CHECK >= 1 ? COUNT(tests) : 2);
}
