/* SPDX-License-Identifier: MIT */
/* progress.h - one line on the terminal that says how far a run is. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct gc_progress {
    bool is_shown; /* stderr is a terminal, and nobody asked for quiet */
    uint64_t start_ns;
    uint32_t done, total;
    const char *collector, *workload; /* what runs */
    uint32_t threads;
};

void gc_progress_begin(struct gc_progress *progress, uint32_t total, bool quiet);
void gc_progress_draw(const struct gc_progress *progress);
void gc_progress_clear(const struct gc_progress *progress);

#endif
