/* SPDX-License-Identifier: MIT */
/* trials.h - many runs of kernels, in child processes: what programs that try kernels share. */
#ifndef TESTS_RACE_TRIALS_H
#define TESTS_RACE_TRIALS_H

#include "tests/race/kernel.h"

enum {
    TRIALS_LIMIT_SECONDS = 60, /* for the runs of one seed */
    TRIALS_HANG_SECONDS = 8,   /* for one run of a kernel, which takes milliseconds */
};

/* All kernels, and a last NULL. */
extern const struct kernel *const kernel_families[];

/* NULL: there is none of that name. */
const struct kernel *kernel_find(const char *name);

/* How runs have ended. */
struct trials_end {
    char how[512]; /* the first line of what was said about it */
    uint64_t tries, ns;
};

/* Before anything below. */
void trials_init(void);

/* Runs a kernel up to `tries` times in this process, from the run of number `first` on, for as long
 * as the limit says. */
void trials_run(
        const struct kernel *kernel, uint64_t seed, uint64_t first, uint64_t tries);

/* The same from the first run on in a child, which calls prepare(argument) beforehand. True if one
 * failed. */
bool trials_fail(const struct kernel *kernel, void (*prepare)(const void *argument),
        const void *argument, uint64_t seed, uint64_t tries, struct trials_end *end);

/* False: not a number from 1 on. */
bool trials_read_number(const char *text, uint64_t *ret);

#endif
