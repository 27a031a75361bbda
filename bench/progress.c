/* SPDX-License-Identifier: MIT */
/* progress.c - one line on the terminal that says how far a run is. */
#include "bench/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/process.h"
#include "bench/text.h"
#include "core/os.h"

enum { BAR = 20, TEXT = 512 };

#define LOG_EVERY_NS UINT64_C(30000000000) /* a log is read afterwards */

void gc_progress_begin(struct gc_progress *progress, uint32_t total, bool quiet)
{
    const char *term = getenv("TERM");
    *progress = (struct gc_progress){
        .start_ns = gc_os_now_ns(),
        .total = total,
        .left_s = NAN,
    };
    progress->is_shown = !quiet && isatty(STDERR_FILENO) == 1 && term != NULL &&
                         strcmp(term, "dumb") != 0;
}

/* How far it is, and what runs. */
static void describe(const struct gc_progress *progress, char *text, size_t size)
{
    const struct gc_progress *p = progress;
    char spent[GC_CELL], left[GC_CELL] = "?";
    double seconds = (double)(gc_os_now_ns() - p->start_ns) / 1e9;
    gc_text_duration(spent, seconds);
    if (!isnan(p->left_s))
        gc_text_duration(left, p->left_s);
    else if (p->done > 0)
        gc_text_duration(left, seconds / p->done * (p->total - p->done));
    char threads[GC_CELL] = "";
    if (p->threads > 0) snprintf(threads, sizeof(threads), "  t=%" PRIu32, p->threads);
    snprintf(text, size, "%" PRIu32 "/%" PRIu32 "  %s, %s left  %s  %s%s%s%s", p->done,
            p->total, spent, left, p->workload, p->collector, threads,
            p->heap != NULL ? "  heap=" : "", p->heap != NULL ? p->heap : "");
}

void gc_progress_show(struct gc_progress *progress, const struct gc_job *job)
{
    progress->collector = job->collector->label;
    progress->workload = job->spec->label;
    progress->threads = job->threads;
    gc_progress_draw(progress);
    uint64_t now = gc_os_now_ns();
    if (!progress->is_logged || progress->is_shown) return;
    if (progress->logged_ns != 0 && now - progress->logged_ns < LOG_EVERY_NS) return;
    char text[TEXT];
    describe(progress, text, sizeof(text));
    fprintf(stderr, "%s\n", text);
    progress->logged_ns = now;
}

void gc_progress_draw(const struct gc_progress *progress)
{
    const struct gc_progress *p = progress;
    if (!p->is_shown) return;
    char bar[BAR + 1], text[TEXT], line[TEXT + BAR + 4];
    uint32_t full = p->total > 0 ? (uint32_t)((uint64_t)p->done * BAR / p->total) : 0;
    for (uint32_t i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    describe(p, text, sizeof(text));
    int n = snprintf(line, sizeof(line), "[%s] %s", bar, text);
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
