/* SPDX-License-Identifier: MIT */
/* results.h - the folder that the results of an experiment go to. README.md beside this file says
 * what is in it.
 *
 * A line of samples is there as a whole or not at all: whoever was interrupted within one, by
 * SIGKILL or a power failure, cuts it off when he comes back, and readers pass over it. */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/json_read.h"

/* A line of a file of samples. */
struct gc_results_line {
    const char *path, *text; /* the text has `length` bytes, without the newline */
    size_t length, number;
    const json_t *value;
};

typedef int (*gc_results_line_fn)(const struct gc_results_line *line, void *argument);

/* Calls `visit` for every line of every file samples*.jsonl of the folder, in the order of their
 * names, until it returns something else than GC_EXIT_OK, and returns that. A line that is none
 * of ours is complained of: GC_EXIT_FILE. */
int gc_results_read(const char *folder, gc_results_line_fn visit, void *argument);

/* How many lines that is, without a look at what they say. */
size_t gc_results_count(const char *folder);

/* Whether there is no folder of that name, or nothing in it. */
bool gc_results_is_empty(const char *folder);

/* Makes the folder unless it is there. What goes wrong is said; an enum gc_exit, as below. */
int gc_results_make(const char *folder);

/* Opens a file of samples for whole lines to be appended, by nobody else meanwhile. *ret_fd is
 * -1 if that went wrong. */
int gc_results_open(const char *folder, const char *name, int *ret_fd);

/* What was written is on the disk afterwards. 0 or -errno. */
int gc_results_flush(int fd);

/* Keeps a copy of something that the results are about: the same text as the one that is there
 * already, or there must be none. `source` is where it came from, for the complaint. */
int gc_results_keep(const char *folder, const char *name, const char *text, size_t length,
        const char *source);

#endif
