/* SPDX-License-Identifier: MIT */
/* explain.h - the difference of two collectors as operations times what each costs.
 *
 * How often a workload asks for an operation says a sample of `gclab run --count-ops`; what it
 * costs under a protocol says gclab-benchmark, in a loop that does nothing else; what collections
 * cost says the sample itself. CPU time is explained, because that of several threads adds up.
 * What is left is what this model does not know: caches, frames, deaths, the work of other
 * programs. A rest that is large against the difference says that the sum explains nothing.
 */
#ifndef BENCH_ANALYSIS_PROGRAM_EXPLAIN_H
#define BENCH_ANALYSIS_PROGRAM_EXPLAIN_H

#include <jansson.h>

#include "bench/analysis/program/compare.h"
#include "bench/json.h"

/* Reads what `gclab-benchmark --benchmark_out=FILE` has written; json_decref(). NULL, and has
 * said why, where it is not that. */
json_t *gc_explain_read_units(const char *path);

/* What is needed of a duel. */
struct gc_explain_input {
    const json_t *units;
    const struct gc_results *base, *candidate; /* with the samples that counted */
};

/* Tables for people, of each measurement whose operations both sides have counted. Returns how
 * many there are. */
size_t gc_explain_print(
        const struct gc_duel *duel, const struct gc_explain_input *input, FILE *file);

/* The same as elements of an array. */
void gc_explain_write(const struct gc_duel *duel, const struct gc_explain_input *input,
        struct gc_json *json);

#endif
