/* SPDX-License-Identifier: MIT */
/* grades.h - whether claims hold for what was measured.
 *
 * A claim is decided by ranges (expression.h). Of a count they are from the least to the most
 * that any process saw; of all that varies, the interval of 95 % of the mean over processes. So
 * PASS and FAIL are both findings; INCONCLUSIVE says that the samples do not tell, and why.
 */
#ifndef BENCH_ANALYSIS_PROGRAM_GRADES_H
#define BENCH_ANALYSIS_PROGRAM_GRADES_H

#include <stdio.h>

#include "bench/analysis/expression.h"
#include "bench/analysis/program/claims.h"
#include "bench/analysis/program/results.h"

enum gc_verdict_of_claim { GC_CLAIM_PASS, GC_CLAIM_FAIL, GC_CLAIM_INCONCLUSIVE };

struct gc_shown {
    bool is_known;
    struct gc_range range;
};

struct gc_graded {
    const struct gc_claim *claim;
    enum gc_verdict_of_claim verdict;
    char *why;              /* it is inconclusive, or NULL */
    struct gc_shown *shown; /* one for each of the claim's `shows` */
};

struct gc_grades {
    const struct gc_paper *paper;
    struct gc_graded *items; /* one for each claim */
    size_t counts[3];        /* of each verdict */
};

/* `results`: those of each of the paper's experiments, in their order. */
struct gc_grades gc_grades_of(
        const struct gc_paper *paper, const struct gc_results *results);
void gc_grades_finish(struct gc_grades *grades);

/* For people; published and measured side by side. */
void gc_grades_print(const struct gc_grades *grades, FILE *file);

/* One JSON value, papers/README.md lists its members. */
void gc_grades_print_json(const struct gc_grades *grades, FILE *file);

#endif
