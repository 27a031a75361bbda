/* SPDX-License-Identifier: MIT */
/* life.h - tells the life of one object: made, held by whom, counted, finalized, gone.
 *
 * Included by execute.c alone, once per protocol.
 */
#ifndef TESTS_PROGRAM_LIFE_H
#define TESTS_PROGRAM_LIFE_H

#include <string.h>

#include "tests/program/act.h"

/* Any thread, without the shadow's lock. */
static void life_tell(struct run *run, uint32_t id, const char *text)
{
    const struct shadow *shadow = &run->shadow;
    if (id == 0 || id != program_host->object || id >= shadow->count || run->told_end)
        return;
    uint32_t first = gc_atomic_load_relaxed(&program_host->at[0]);
    uint32_t second = gc_atomic_load_relaxed(&program_host->at[1]);
    bool is_second =
            thread_index == 0 ? !run->spawned && second > first : thread_index == 1;
    program_host->tell(run->program, is_second ? second : first, text);
}

/* How it went, by the heap's own figures. */
static void life_tell_end(struct run *run, uint32_t id)
{
    struct gc_heap_stats stats;
    char text[256];
    gc_stop_begin(run->first);
    gc_heap_read_stats(run->heap, &stats);
    gc_stop_end(run->first, 0);
    snprintf(text, sizeof(text),
            "it is gone. Freed so far: %llu objects by their count, %llu by collections "
            "of "
            "cycles, %llu by traces, %llu before they were counted",
            (unsigned long long)stats.counters.freed_by_count,
            (unsigned long long)stats.counters.freed_by_cycle,
            (unsigned long long)stats.counters.freed_by_trace,
            (unsigned long long)stats.counters.freed_new);
    life_tell(run, id, text);
    run->told_end = true;
}

/* On the first thread, after the heap was compared and while nobody else runs: what has changed
 * since the last look. */
static void life_look(struct actor *x)
{
    struct run *run = x->run;
    struct shadow *shadow = &run->shadow;
    uint32_t id = program_host->object;
    if (id == 0 || id >= shadow->count || run->told_end) return;
    if (!shadow->objects[id].alive) {
        life_tell_end(run, id);
        return;
    }
    struct shadow_text now = { "" };
    char count[64] = "";
    shadow_lock(run);
    uint32_t reached = shadow_reach(shadow, 0);
    bool garbage = !shadow_is(shadow, id, reached);
    struct shadow_text holders = shadow_holders(shadow, id);
    shadow_unlock(run);
    if ((run->capabilities & GC_CAP_COUNTS) != 0)
        snprintf(count, sizeof(count), "count %llu, ",
                (unsigned long long)gc_refcount(x->m, shadow->objects[id].address));
    snprintf(now.text, sizeof(now.text), "%s%sheld by: %.150s",
            garbage ? "garbage, " : "", count, holders.text);
    if (strcmp(now.text, run->life.text) == 0) return;
    run->life = now;
    life_tell(run, id, now.text);
}

#endif
