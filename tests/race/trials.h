/* SPDX-License-Identifier: MIT */
/* trials.h - many runs of kernels, in child processes: what programs that try kernels share. */
#ifndef TESTS_RACE_TRIALS_H
#define TESTS_RACE_TRIALS_H

#include "tests/race/kernel.h"

enum {
    TRIALS_LIMIT_SECONDS = 60, /* of processor, for the runs of one seed */
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

/* What all of these programs can be asked for. */
struct trials_options {
    const char *usage; /* program and its options, to be printed */
    bool tap, list, in_process;
    const char *kernel; /* NULL: every one */
    uint64_t first_seed, seeds, tries;
};

/* What only one of them can be asked for: a flag, a word, or a number from 1 on. */
struct trials_option {
    const char *name;
    bool *flag;
    const char **word;
    uint64_t *number;
};

enum { TRIALS_USAGE = 2 }; /* exit status */

/* Says what is wrong about the command line. Returns TRIALS_USAGE. */
int trials_usage(
        const struct trials_options *options, const char *what, const char *detail);

/* Reads a command line; `own` ends with an entry without a name. What is not given stays as it is.
 * 0, or TRIALS_USAGE. */
int trials_read_options(int argc, char **argv, const struct trials_option *own,
        struct trials_options *ret_options);

/* Prints a line about a test, and counts it. */
void trials_say(const struct trials_options *options, bool good, const char *name,
        const char *text);

/* Prints the sum of these; the exit status, for there were some. */
int trials_sum_up(const struct trials_options *options);

#endif
