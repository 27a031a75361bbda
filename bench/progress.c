/* SPDX-License-Identifier: MIT */
/* progress.c - one line on the terminal that says how far a run is. */
#include "bench/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/text.h"
#include "core/os.h"

enum { BAR = 20 };

void gc_progress_begin(struct gc_progress *progress, uint32_t total, bool quiet)
{
    const char *term = getenv("TERM");
    *progress = (struct gc_progress){ .start_ns = gc_os_now_ns(), .total = total };
    progress->is_shown = !quiet && isatty(STDERR_FILENO) == 1 && term != NULL &&
                         strcmp(term, "dumb") != 0;
}

void gc_progress_draw(const struct gc_progress *progress)
{
    const struct gc_progress *p = progress;
    if (!p->is_shown) return;
    char bar[BAR + 1], spent[GC_CELL], left[GC_CELL] = "?", line[512];
    uint32_t full = p->total > 0 ? (uint32_t)((uint64_t)p->done * BAR / p->total) : 0;
    for (uint32_t i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    double seconds = (double)(gc_os_now_ns() - p->start_ns) / 1e9;
    gc_text_duration(spent, seconds);
    if (p->done > 0) gc_text_duration(left, seconds / p->done * (p->total - p->done));
    int n = snprintf(line, sizeof(line),
            "[%s] %" PRIu32 "/%" PRIu32 "  %s, %s left  %s  %s  t=%" PRIu32, bar, p->done,
            p->total, spent, left, p->workload, p->collector, p->threads);
    unsigned width = gc_text_width(stderr) - 1;
    if (n > 0 && width < sizeof(line)) line[width] = '\0';
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void gc_progress_clear(const struct gc_progress *progress)
{
    if (!progress->is_shown) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
