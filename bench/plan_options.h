/* SPDX-License-Identifier: MIT */
/* plan_options.h - options that say what is measured, the same for every command that does. */
#ifndef BENCH_PLAN_OPTIONS_H
#define BENCH_PLAN_OPTIONS_H

#include <argp.h>

#include "bench/plan.h"

/* The command line is read twice: plugins first, so that SPECs before them may name what they
 * hold. */
struct gc_plan_options {
    struct gc_plan *plan;
    const char *minimum_heaps; /* the file that --minheap named, or NULL */
    bool has_timeout;
    bool loads_plugins; /* the first look: nothing else is read */
    int status;         /* an enum gc_exit */
};

/* -c, -w, -t, --plugin, --seed, --scale and --timeout, and in the other one also -n, --heap and
 * --minheap, as children of a command's argp. Their input is a struct gc_plan_options. */
extern const struct argp gc_plan_argp_short;
extern const struct argp gc_plan_argp;

/* Reads a command line with one of the above among its children. `input` is the command's own,
 * whose parser gives `options` to the child; it must skip its own options while
 * options->loads_plugins. Returns options->status. */
int gc_plan_options_read(const struct argp *argp, int argc, char **argv,
        struct gc_plan_options *options, void *input);

/* Ends argp_parse() with a status that is not GC_EXIT_OK; what is wrong has been said. */
error_t gc_plan_options_end(struct gc_plan_options *options, int status);

/* Reads decimal digits, and nothing but them, up to `most`. */
bool gc_read_number(const char *text, uint64_t most, uint64_t *ret_value);

/* "120", "1.5", "90s", "5m", "2h": seconds. */
bool gc_read_seconds(const char *text, uint64_t *ret_ns);

/* Adds all collectors that are built in or loaded, where none was asked for. */
int gc_plan_add_default_collectors(struct gc_plan *plan);

#endif
