/* SPDX-License-Identifier: MIT */
/* suite.h - named sets of workloads: what `gclab run` measures when no -w is given. */
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

struct gc_suite {
    const char *name, *summary;
    const char *const *workloads; /* specs, ended by NULL */
    const char *threads;          /* as -t takes it */
    unsigned processes;
};

extern const struct gc_suite
        gc_suites[]; /* ends with a NULL name; the first is the default */

/* The environment variable that names a snapshot to be measured as well. */
#define GC_SUITE_SNAPSHOT "GCLAB_SNAPSHOT"

#endif
