/* SPDX-License-Identifier: MIT */
/* progress.h - one line on the terminal that says how far a run is. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct gc_job;

struct gc_progress {
    bool is_shown;  /* stderr is a terminal, and nobody asked for quiet */
    bool is_logged; /* it is none: a whole line is written now and then */
    uint64_t start_ns, logged_ns;
    uint32_t done, total;
    double left_s; /* what is left, if somebody knows better than by the average; or NaN */
    const char *collector, *workload; /* what runs */
    const char *heap;                 /* its limit, or NULL */
    uint32_t threads;                 /* 0: it is not said */
};

/* Afterwards `done`, `left_s`, `heap` and `is_logged` are the caller's to set. */
void gc_progress_begin(struct gc_progress *progress, uint32_t total, bool quiet);

/* A job starts to run. */
void gc_progress_show(struct gc_progress *progress, const struct gc_job *job);
void gc_progress_draw(const struct gc_progress *progress);
void gc_progress_clear(const struct gc_progress *progress);

#endif
