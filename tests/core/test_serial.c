/* SPDX-License-Identifier: MIT */
/* test_serial.c - the lock of the running mutator goes round, and is held by one. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <errno.h>

#include "core/serial.h"
#include "tests/suites.h"
#include "tests/support.h"

enum { SWITCHERS = 3 };

static void be_busy(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    _Atomic(uint32_t) *waiting = worker->shared;
    /* Runs on until every one has been given the lock often, though nobody blocks. */
    uint64_t before = m->counters.lock_switches;
    bool counted = false;
    while (gc_atomic_load_relaxed(waiting) < SWITCHERS) {
        if (!counted && m->counters.lock_switches >= before + 3) {
            gc_atomic_fetch_add_relaxed(waiting, 1);
            counted = true;
        }
        gc_safepoint(m);
    }
    worker->result = m->counters.lock_switches - before;
}

static void the_lock_switches_between_busy_threads(void)
{
    struct fixture f;
    struct worker workers[SWITCHERS];
    _Atomic(uint32_t) waiting = 0;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    workers_run(f.m, workers, SWITCHERS, be_busy, &waiting, NULL);
    for (int i = 0; i < SWITCHERS; i++)
        CU_ASSERT(workers[i].result >= 3);
    uint64_t waits = 0;
    gc_for_each_mutator (m, f.heap)
        waits += m->stalls->causes[GC_STALL_lock].count;
    CU_ASSERT(waits >= 3);
    fixture_close(&f);
}

static void without_memory_there_is_no_lock(void)
{
    struct gc_heap heap = { .serial = NULL };
    gc_os_fail_allocation(1);
    CU_ASSERT_EQUAL(gc_serial_start(&heap), -ENOMEM);
    gc_os_fail_allocation(0);
    CU_ASSERT_PTR_NULL(heap.serial);
    CU_ASSERT_EQUAL(gc_serial_start(&heap), 0);
    CU_ASSERT_PTR_NOT_NULL(heap.serial);
    gc_serial_finish(&heap);
}

/* A blocked mutator does not keep others from running. */
static void who_blocks_gives_the_lock_up(void)
{
    struct fixture f;
    struct worker worker[1];
    _Atomic(uint32_t) waiting = SWITCHERS;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    uint64_t before = f.m->counters.lock_switches;
    workers_run(f.m, worker, 1, be_busy, &waiting, NULL);     /* waits for it, blocked */
    CU_ASSERT_EQUAL(f.m->counters.lock_switches, before + 1); /* it was another's */
    fixture_close(&f);
}

int test_serial_suite(void)
{
    static const struct test tests[] = {
        { "the_lock_switches_between_busy_threads",
                the_lock_switches_between_busy_threads },
        { "without_memory_there_is_no_lock", without_memory_there_is_no_lock },
        { "who_blocks_gives_the_lock_up", who_blocks_gives_the_lock_up },
    };
    return suite_add("core/serial", tests, COUNT(tests));
}
