/* SPDX-License-Identifier: MIT */
/* event.c - recording and adding up. */
#include "core/event.h"

#include "core/schedule.h"

enum { PAGE_BYTES = 4096 }; /* of the smallest */

const char *const gc_stall_names[GC_STALL_COUNT] = {
#define X(name, doc) #name,
    GC_STALL_CAUSES(X)
#undef X
};

struct gc_stall_log *gc_stall_log_new(void)
{
    return gc_os_map(sizeof(struct gc_stall_log), PAGE_BYTES);
}

void gc_stall_log_free(struct gc_stall_log *log)
{
    gc_os_unmap(log, sizeof(*log));
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void gc_stall_append(struct gc_stall_log *log, enum gc_stall_cause cause,
        uint64_t start_ns, uint64_t work)
{
    uint64_t ns = gc_os_now_ns() - start_ns;
    struct gc_stall_sum *sum = &log->causes[cause];
    sum->count++;
    sum->total_ns += ns;
    sum->total_work += work;
    sum->max_ns = larger(sum->max_ns, ns);
    sum->max_work = larger(sum->max_work, work);
    gc_histogram_record(&sum->histogram, ns);
    log->ring[log->recorded++ % GC_STALL_RING] = (struct gc_stall){
        .start_ns = start_ns,
        .ns = ns,
        .work = work,
        .cause = cause,
    };
}

void gc_stall_log_add(struct gc_stall_log *to, const struct gc_stall_log *from)
{
    for (int i = 0; i < GC_STALL_COUNT; i++) {
        struct gc_stall_sum *a = &to->causes[i];
        const struct gc_stall_sum *b = &from->causes[i];
        a->count += b->count;
        a->total_ns += b->total_ns;
        a->total_work += b->total_work;
        a->max_ns = larger(a->max_ns, b->max_ns);
        a->max_work = larger(a->max_work, b->max_work);
        gc_histogram_add(&a->histogram, &b->histogram);
    }
    to->recorded += from->recorded;
}

void gc_counters_add(struct gc_counters *to, const struct gc_counters *from)
{
#define X(name, doc) to->name += from->name;
    GC_COUNTERS(X)
#undef X
}

void gc_event_append(struct gc_event_log *log, const char *what, uint64_t number)
{
    log->ring[log->recorded++ % GC_EVENT_RING] = (struct gc_event){
        .time = gc_schedule_is_active() ? GC_EVENT_LOGICAL | gc_schedule_now()
                                        : gc_os_now_ns(),
        .what = what,
        .number = number,
    };
}

void gc_event_set_phase(struct gc_event_log *log, const char *phase)
{
    log->phase = phase;
    if (phase != NULL) gc_event_record(log, phase, GC_EVENT_NO_NUMBER);
}
