/* SPDX-License-Identifier: MIT */
/* figures.h - the figures that there are of some samples. */
#ifndef BENCH_ANALYSIS_PROGRAM_FIGURES_H
#define BENCH_ANALYSIS_PROGRAM_FIGURES_H

#include "bench/analysis/program/figure.h"
#include "bench/analysis/program/groups.h"

struct gc_figures {
    struct gc_figure *items;
    const char **programs; /* that each is of; equal ones follow each other */
    size_t count;
};

/* For each program: throughput, longest stop and stall, and peak heap by threads; percentiles
 * of stops and of requests at each number of threads; and time by heap, where there are
 * several. The first ones are at the reference heap. What was not measured has no figure. */
struct gc_figures gc_figures_of(const struct gc_groups *groups);
void gc_figures_finish(struct gc_figures *figures);

/* No limit, if that was measured; else the largest heap. */
uint64_t gc_figures_reference_heap(const struct gc_groups *groups);

#endif
