/* SPDX-License-Identifier: MIT */
/* cautions.h - why figures of these samples should not be believed, or not be reported. */
#ifndef BENCH_ANALYSIS_PROGRAM_CAUTIONS_H
#define BENCH_ANALYSIS_PROGRAM_CAUTIONS_H

#include "bench/analysis/program/groups.h"
#include "bench/analysis/program/results.h"

enum { GC_CAUTIONS_PROCESSES = 5 }; /* with fewer, an interval is hardly one */

struct gc_cautions {
    char **items; /* a sentence each */
    size_t count;
};

/* About the results, which `name` is the name of. */
void gc_cautions_add(
        struct gc_cautions *cautions, const char *name, const struct gc_results *results);

/* About a comparison of the two: other machines. */
void gc_cautions_add_pair(struct gc_cautions *cautions, const struct gc_results *a,
        const struct gc_results *b);

/* On stderr, a line each. */
void gc_cautions_print(const struct gc_cautions *cautions);
void gc_cautions_finish(struct gc_cautions *cautions);

#endif
