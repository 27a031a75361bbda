/* SPDX-License-Identifier: MIT */
/* suite.c - named sets of workloads: what `gclab run` measures when no -w is given.
 *
 * Sizes of `default`: every sample takes about a second or less on one core, and what
 * `none` never gives back stays below 1 GiB, so that no heap limit is needed.
 */
#include "bench/suite.h"

#include <stddef.h>

static const char *const standard[] = {
    "gcbench",
    "binary_trees",
    "rings",
    "graph",
    NULL,
};

static const char *const smoke[] = {
    "gcbench",
    NULL,
};

const struct gc_suite gc_suites[] = {
    {
            .name = "default",
            .summary = "trees that die at once, trees that live, rings, a shared graph",
            .workloads = standard,
            .threads = "1,2",
            .processes = 3,
    },
    {
            .name = "smoke",
            .summary = "a few seconds: whether everything runs",
            .workloads = smoke,
            .threads = "1,2",
            .processes = 1,
    },
    { .name = NULL },
};
