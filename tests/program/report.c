/* SPDX-License-Identifier: MIT */
/* report.c - what is wrong, and what is done. Linked with the executors, wherever those are. */
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#include "core/schedule.h"
#include "tests/program/program.h"

const struct program_host *program_host;

void program_fail(const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    program_host->fail(text);
    abort(); /* it does not come back */
}

void program_trace(uint32_t thread, const char *what, uint64_t number)
{
    static pthread_mutex_t one_at_a_time =
            PTHREAD_MUTEX_INITIALIZER; /* of real threads */
    const struct program_host *host = program_host;
    struct program_step step = {
        .time = gc_schedule_is_active() ? gc_schedule_now() : 0,
        .thread = thread,
        .what = what,
        .number = number,
    };
    if (host->last != NULL) {
        struct program_last *last = &host->last[thread];
        last->step[last->count++ % PROGRAM_LAST] = step;
    }
    if (host->trace == NULL) return;
    pthread_mutex_lock(&one_at_a_time);
    host->trace(&step);
    pthread_mutex_unlock(&one_at_a_time);
}
