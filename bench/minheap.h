/* SPDX-License-Identifier: MIT */
/* minheap.h - the smallest heap in which a workload ends well.
 *
 * It is found by bisection, to 1 % or to a KiB: a size passes if each of a few tries ends well,
 * because with several threads one may be luck. The search begins at the peak of a run without a
 * limit. A try that ends out of memory or by its time-out fails the size; one that crashes, or
 * whose result is wrong, says nothing of sizes, and ends the search.
 */
#ifndef BENCH_MINHEAP_H
#define BENCH_MINHEAP_H

#include "bench/minheap_file.h"
#include "bench/progress.h"

/* The collector whose minimum is the unit of everybody's heap. */
#define GC_MINHEAP_REFERENCE "mark_sweep"

/* Searches for one collector; the job's own limit does not matter. What goes wrong is said; an
 * enum gc_exit. */
int gc_minheap_search(const struct gc_job *job, struct gc_progress *progress,
        struct gc_minheap *ret_minimum);

/* Fills in the minimum heaps that the plan needs: from the file `path`, from the one that the
 * environment names if that is NULL, or else by measuring them. An enum gc_exit. */
int gc_minheap_complete(const struct gc_plan *plan, const char *path, bool quiet);

#endif
