/* SPDX-License-Identifier: MIT */
/* models.h - values that are computed and not measured: what claims on metrics speak of. */
#ifndef BENCH_ANALYSIS_PROGRAM_MODELS_H
#define BENCH_ANALYSIS_PROGRAM_MODELS_H

#include <stdbool.h>
#include <stddef.h>

/* A model, as `MODEL OPTION=VALUE ...`:
 *
 *   pauses run=0-10 at=2-2.3,3.2-3.4    one thread, stopped at these times, in any unit. Values:
 *       mmu_W, bmu_W (of windows of W), longest, share (of the run that was its own)
 *   stalled stall=40                    the program of stalled.h, stopped for so many ms. Values,
 *       in ms: simple_p99, metered_p99 (with a window of 100 ms), full_p99 (of the whole run),
 *       open_p99
 */
struct gc_model;

/* Free with free(). NULL: it is none, and why. */
struct gc_model *gc_model_new(const char *text, char *why, size_t why_bytes);

/* False: there is no such value, and why. */
bool gc_model_value(const struct gc_model *model, const char *name, double *ret_value,
        char *why, size_t why_bytes);

#endif
