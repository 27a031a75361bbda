/* SPDX-License-Identifier: MIT */
/* measure.h - samples of a plan, one after the other, with progress. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench/plan.h"
#include "bench/progress.h"

/* Runs the job in a fresh process while `progress` says what runs. 0 with a sample that free()
 * takes; -EINTR after a signal, or -errno when there can't be a process. */
int gc_measure(const struct gc_job *job, struct gc_progress *progress,
        struct gc_measured **ret_measured);

/* The exit status of a command that a result of the above has ended, which is said:
 * `done` of `total` samples were measured; total 0: nobody knows of how many. */
int gc_measure_end(int result, uint32_t done, uint32_t total);

#endif
