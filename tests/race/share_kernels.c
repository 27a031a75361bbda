/* SPDX-License-Identifier: MIT */
/* share_kernels.c - kernels about the work that a stop shares out. */
#include "tests/race/kernel.h"

static void count_part(struct gc_mutator *home, void *argument)
{
    uint32_t *parts = argument;
    parts[home->number]++;
    gc_schedule_yield();
}

static void poll_often(struct gc_mutator *m, void *argument)
{
    (void)argument;
    for (int i = 0; i < 30; i++)
        gc_safepoint(m);
}

static void run_share(struct trial *t)
{
    start(t, poll_often);
    start(t, poll_often);
    for (int i = 0; i < 4; i++) {
        uint32_t parts[TRIAL_THREADS + 1] = { 0 };
        gc_stop_begin(t->m);
        gc_stop_share(t->m,
                &(struct gc_share){ .run = count_part, .argument = parts, .wake = true });
        gc_for_each_mutator (home, t->heap)
            expect(parts[home->number] == 1, "a home's part is done not once");
        gc_stop_end(t->m, 0);
        gc_safepoint(t->m);
    }
    join(t);
}

const struct kernel share_kernels[] = {
    { "share", "the work of stops is shared out to threads that come and go", "refcount",
            NULL, false, run_share },
    { NULL, NULL, NULL, NULL, false, NULL },
};
