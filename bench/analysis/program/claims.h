/* SPDX-License-Identifier: MIT */
/* claims.h - what a paper claims, as `papers/KEY/claims.yaml` says it: papers/README.md has the
 * keys of the file. */
#ifndef BENCH_ANALYSIS_PROGRAM_CLAIMS_H
#define BENCH_ANALYSIS_PROGRAM_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"

/* How a claim is decided. */
enum gc_grade {
    GC_GRADE_D, /* counts: the same on any machine */
    GC_GRADE_R, /* a ratio, by intervals */
    GC_GRADE_S, /* an order or a shape, by intervals */
    GC_GRADE_W, /* clock time, on a machine that nothing disturbs */
};

/* What the claim was taken from. */
enum gc_source { GC_SOURCE_FULL_TEXT, GC_SOURCE_ABSTRACT, GC_SOURCE_MEMORY };

/* Samples that claims call by a name; or a model, whose values are computed. */
struct gc_claim_group {
    char *name;
    struct gc_model *model;     /* models.h; then there is nothing else, or NULL */
    char *experiment;           /* of `experiments` */
    char *collector, *workload; /* specs: NAME with any options, or with those given */
    uint32_t threads;           /* 0: whatever there is, but one kind alone */
    uint64_t heap_limit;        /* likewise */
};

struct gc_claim {
    char *id, *says;
    enum gc_grade grade;
    enum gc_source source;
    char *place;     /* in the paper, or NULL */
    char *published; /* the figure there, or NULL */
    char *holds;     /* expression.h */
    char **shows;    /* sums that are printed as measured */
    size_t show_count;
};

struct gc_paper {
    char *key;    /* of papers/README.md, and its folder's name */
    char *folder; /* where all that lies */
    char **experiments;
    size_t experiment_count;
    struct gc_claim_group *groups;
    size_t group_count;
    struct gc_claim *claims;
    size_t claim_count;
    char **not_ported; /* what of the paper is left out, and why */
    size_t not_ported_count;
};

/* Reads FOLDER/claims.yaml and checks all of it, expressions and names in them too. An enum
 * gc_exit; what is wrong has been said with its place. */
int gc_paper_read(const char *folder, struct gc_paper *ret_paper) GC_NODISCARD;
void gc_paper_finish(struct gc_paper *paper);

/* NULL: there is none. */
const struct gc_claim_group *gc_paper_group(
        const struct gc_paper *paper, const char *name, size_t length);

const char *gc_grade_letter(enum gc_grade grade); /* "D" */
const char *gc_source_words(enum gc_source source);

#endif
