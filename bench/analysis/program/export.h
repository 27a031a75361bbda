/* SPDX-License-Identifier: MIT */
/* export.h - samples as other programs read them. */
#ifndef BENCH_ANALYSIS_PROGRAM_EXPORT_H
#define BENCH_ANALYSIS_PROGRAM_EXPORT_H

#include <stdio.h>

#include "bench/analysis/program/results.h"

/* Each returns GC_EXIT_OK; or another exit status, and has said why. `name` is that of what
 * the samples are from. */

/* One row a sample; and the fields of it, as CSV of field, unit and meaning. */
int gc_export_csv(const struct gc_results *results, const char *name, FILE *file);
void gc_export_csv_schema(FILE *file);

/* The JSON of Google Benchmark, for its compare.py. */
int gc_export_benchmark(const struct gc_results *results, const char *name, FILE *file);

/* A log of HdrHistogram. */
int gc_export_hlog(const struct gc_results *results, const char *name, FILE *file);

/* Logs of running-ng, one for each measurement, in a new folder. */
int gc_export_running(const struct gc_results *results, const char *folder);

#endif
