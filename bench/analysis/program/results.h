/* SPDX-License-Identifier: MIT */
/* results.h - samples that `gclab run --json` or `gclab sweep` has written, read back.
 *
 * Each is kept as the JSON value of its line, so that what is asked for by name ("wall_ns",
 * "stalls.stop.max_ns") needs no member of a struct. What was not measured is null there,
 * and missing in lines of an older program: both are NaN, or NULL.
 */
#ifndef BENCH_ANALYSIS_PROGRAM_RESULTS_H
#define BENCH_ANALYSIS_PROGRAM_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"

enum { GC_RESULTS_SCHEMA = 1 }; /* of lines: bench/line.h */

struct gc_result {
    json_t *line;
    const char *file; /* where it stands */
    size_t number;    /* of the line there, from 1 */
    char *spec;       /* collector@protocol[:options] */
    char *program;    /* workload[:options], with :scale=weak where it is */
    char *machine;    /* what the environment says of it; NULL: nothing */
    uint32_t threads;
    uint64_t heap_limit;     /* in bytes; 0: none */
    uint64_t heap;           /* the same, or the factor: heap.h */
    char *build;             /* that a sweep names, or "" */
    bool is_good;            /* its outcome is "ok" */
    bool counts;             /* operations were counted, so that nothing was timed */
    bool is_disturbed;       /* a sweep has noticed something beside it */
    bool is_checked;         /* waited for checks on the way */
    bool is_quick;           /* of an experiment in its quick form */
    bool shares_its_process; /* --in-process */
    long check_level;
};

struct gc_results {
    struct gc_result *items;
    size_t count;
    char **files; /* their names, which items refer to */
    size_t file_count;
};

/* Adds the samples of a file of JSON lines ("-": stdin), or of all files samples*.jsonl of a
 * folder, in the order of their names, to *results, which is all 0 at first. Of samples with
 * the same `cell` the last one is kept, at its own place. Returns GC_EXIT_OK; or another exit
 * status, and has said why: it can't be read, a line is no sample, a schema is unknown,
 * there is none. */
int gc_results_read(const char *path, struct gc_results *results) GC_NODISCARD;
void gc_results_finish(struct gc_results *results);

/* Which samples are meant; what is NULL or 0 does not matter. */
struct gc_results_filter {
    const char *spec;    /* as gc_result_is_of() takes it */
    const char *program; /* NAME or NAME:OPTIONS of a workload */
    uint32_t threads;
};

/* Reads a number of threads; false: it is none. */
bool gc_results_filter_threads(struct gc_results_filter *filter, const char *text)
        GC_NODISCARD;

/* Keeps those that are meant. If there is none, says so of `name`, and returns GC_EXIT_FILE. */
int gc_results_filter(struct gc_results *results, const char *name,
        const struct gc_results_filter *filter) GC_NODISCARD;

/* The member at a path of names with points between them. NULL: there is none, or null. */
const json_t *gc_result_member(const struct gc_result *result, const char *path);
double gc_result_number(const struct gc_result *result, const char *path); /* or NaN */
const char *gc_result_text(
        const struct gc_result *result, const char *path); /* or NULL */

/* Whether the collector of a sample is the one meant by NAME, NAME@PROTOCOL or
 * NAME@PROTOCOL:OPTIONS. */
bool gc_result_is_of(const struct gc_result *result, const char *spec);

#endif
