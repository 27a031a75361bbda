/* SPDX-License-Identifier: MIT */
/* page.h - a report as one page of HTML, which needs nothing but itself. */
#ifndef BENCH_ANALYSIS_PROGRAM_PAGE_H
#define BENCH_ANALYSIS_PROGRAM_PAGE_H

#include <stdio.h>

#include "bench/analysis/program/cautions.h"
#include "bench/analysis/program/figures.h"
#include "bench/analysis/program/groups.h"

struct gc_page {
    const char *title;
    const char *source;  /* of the samples: a file or folder */
    const char *command; /* that made the page */
    const struct gc_results *results;
    const struct gc_groups *groups;
    const struct gc_figures *figures;
    const struct gc_cautions *cautions;
    const char *stem; /* of the files that hold the figures: STEM-NAME.svg */
};

void gc_page_write(const struct gc_page *page, FILE *file);

#endif
