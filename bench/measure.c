/* SPDX-License-Identifier: MIT */
/* measure.c - samples of a plan, one after the other, with progress. */
#include "bench/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/text.h"

static void tick(void *argument, bool clear)
{
    const struct gc_progress *progress = argument;
    if (clear)
        gc_progress_clear(progress);
    else
        gc_progress_draw(progress);
}

int gc_measure(const struct gc_job *job, struct gc_progress *progress,
        struct gc_measured **ret_measured)
{
    struct gc_measured *measured = gc_need(sizeof(*measured));
    gc_progress_show(progress, job);
    int result = gc_process_run(job, tick, progress, measured);
    gc_progress_clear(progress);
    if (result == 0)
        *ret_measured = measured;
    else
        free(measured);
    return result;
}

int gc_measure_end(int result, uint32_t done, uint32_t total)
{
    if (result == -EINTR && total == 0)
        return gc_complain(GC_EXIT_SIGNAL + gc_interrupted, "interrupted");
    if (result == -EINTR)
        return gc_complain(GC_EXIT_SIGNAL + gc_interrupted,
                "interrupted after %" PRIu32 " of %" PRIu32 " samples", done, total);
    return gc_complain(GC_EXIT_ENVIRONMENT, "a process for a sample can't be made: %s",
            strerror(-result));
}
