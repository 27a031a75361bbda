/* SPDX-License-Identifier: MIT */
/* account.h - what is counted of a run, at its end.
 *
 * Included by execute.c alone, once per protocol.
 */
#ifndef TESTS_PROGRAM_ACCOUNT_H
#define TESTS_PROGRAM_ACCOUNT_H

#include <string.h>

#include "core/heap.h"
#include "tests/program/program.h"

/* All that is counted, but for time that was measured. */
static void trace_counters(const struct gc_heap_stats *stats)
{
#define X(name, doc)                                                                     \
    if (strstr(#name, "_ns") == NULL)                                                    \
        program_trace(0, PROGRAM_COUNTER #name, stats->counters.name);
    GC_COUNTERS(X)
#undef X
    program_trace(0, PROGRAM_COUNTER "allocated_objects", stats->allocated_objects);
    program_trace(0, PROGRAM_COUNTER "live_objects", stats->live_objects);
    program_trace(0, PROGRAM_COUNTER "live_bytes", stats->live_bytes);
    program_trace(0, PROGRAM_COUNTER "heap_bytes", stats->heap_bytes);
    program_trace(0, PROGRAM_COUNTER "peak_heap_bytes", stats->peak_heap_bytes);
    program_trace(0, PROGRAM_COUNTER "collections", stats->collections);
}

static void tally(const struct gc_heap_stats *stats, uint64_t objects)
{
    program_host->tally->runs++;
    program_host->tally->objects += objects;
    program_host->tally->collections += stats->collections;
    program_host->tally->finalizers += stats->counters.finalizers;
    program_host->tally->callbacks += stats->counters.callbacks;
    program_host->tally->resurrected += stats->counters.resurrected;
    program_host->tally->weak_cleared += stats->counters.weak_cleared;
}

#endif
