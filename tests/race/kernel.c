/* SPDX-License-Identifier: MIT */
/* kernel.c - what is common to all kernels: a heap, threads, a schedule, the end. */
#include "tests/race/kernel.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/harness.h"
#include "core/home.h"
#include "core/verify.h"

enum { STATUS_WRONG = 1 };

void wrong(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    fflush(stderr);
    _exit(STATUS_WRONG);
}

uint32_t draw(struct trial *t, uint32_t n)
{
    uint64_t z = t->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % n);
}

void dawdle(uint32_t n)
{
    while (n-- > 0)
        gc_schedule_yield();
}

void start(struct trial *t, void (*run)(struct gc_mutator *m, void *trial))
{
    gc_require(t->started < TRIAL_THREADS, "a kernel has too many threads");
    int result = gc_spawn(t->m, &t->threads[t->started++], run, t, NULL);
    gc_require(result == 0, "a thread can't be started: error %d", -result);
}

void join(struct trial *t)
{
    for (uint32_t i = 0; i < t->started; i++)
        gc_join(t->m, &t->threads[i]);
    t->started = 0;
}

void expect_no_arrivals(struct trial *t)
{
    gc_for_each_mutator (m, t->heap) {
        uint32_t state = gc_atomic_load_relaxed(&m->state);
        if (state == GC_MUTATOR_RUNNING) continue;
        expect((state & GC_MUTATOR_CLAIMED) == 0, "a claim was not given back");
        expect(gc_atomic_load_relaxed(&m->arrivals) == NULL,
                "what has come home is not noticed");
        expect(!gc_home_was_sent(m), "what was sent is not noticed");
    }
}

void expect_empty(struct trial *t)
{
    struct gc_heap_stats stats;
    struct gc_error error = { "" };
    for (int i = 0; i < TRIAL_SLOTS; i++)
        gc_store_root_null(t->m, &t->slots[i]);
    gc_quiesce(t->m);
    expect(gc_verify(t->m, 3, &error) == 0, error.text);
    gc_stop_begin(t->m);
    gc_heap_read_stats(t->heap, &stats);
    gc_stop_end_unlogged(t->m);
    expect(stats.live_objects == 0, "objects are left that nobody holds");
}

void kernel_run(const struct kernel *kernel, uint64_t seed)
{
    static struct trial t;
    struct gc_error error;
    t = (struct trial){ .seed = seed, .random = seed };
    char collector[32];
    const size_t name = strcspn(kernel->collector, "@");
    snprintf(collector, sizeof(collector), "%.*s", (int)name, kernel->collector);
    const char *protocol = kernel->collector[name] == '@' ? &kernel->collector[name + 1]
                                                          : KERNEL_PROTOCOL;
    const struct gc_heap_config config = {
        .collector = gc_collector_find(collector),
        .protocol = gc_protocol_find(protocol),
        .options = kernel->options,
    };
    if (gc_heap_create(&config, &t.heap, &error) != 0) gc_fatal("%s", error.text);
    if (gc_attach(t.heap, &t.m) != 0) gc_fatal("no memory for a mutator");
    gc_roots_add(t.heap, &t.range, t.slots, TRIAL_SLOTS);
    gate_init(&t.gate);
    const uint32_t period = 1 + draw(&t, 4);
    t.scheduled = !kernel->real && gc_schedule_begin_random(seed, period);
    expect(kernel->real || t.scheduled, "this build has no schedule");
    kernel->run(&t);
    expect_empty(&t);
    if (t.scheduled) gc_schedule_end();
    gate_finish(&t.gate);
    gc_roots_remove(t.heap, &t.range);
    gc_detach(t.m);
    gc_heap_destroy(t.heap);
}
