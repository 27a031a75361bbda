/* SPDX-License-Identifier: MIT */
/* command.h - the subcommands of gclab, and what its exit status says. */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <argp.h>

enum gc_exit {
    GC_EXIT_OK = 0,
    GC_EXIT_FAILED = 1,      /* a sample failed */
    GC_EXIT_USAGE = 2,       /* the command line */
    GC_EXIT_FILE = 3,        /* a file that was given is missing or bad */
    GC_EXIT_ENVIRONMENT = 4, /* the machine: no memory, no process, no room */
    GC_EXIT_SIGNAL = 128,    /* plus the signal that ended the program early */
};

struct gc_command {
    const char *name, *summary; /* a hidden one has no summary */
    const struct argp *argp;    /* for `gclab help NAME`; NULL: it has no help */

    /* argv[0] is "gclab NAME". Returns the exit status. */
    int (*run)(int argc, char **argv);
};

extern const struct gc_command gc_command_list;
extern const struct gc_command gc_command_info;
extern const struct gc_command gc_command_run;
extern const struct gc_command gc_command_sweep;
extern const struct gc_command gc_command_minheap;
extern const struct gc_command gc_command_env;
extern const struct gc_command gc_command_import;
extern const struct gc_command gc_command_new;
extern const struct gc_command gc_command_check;
extern const struct gc_command gc_command_explain;
extern const struct gc_command gc_command_show;
extern const struct gc_command gc_command_compare; /* these four: become.c */
extern const struct gc_command gc_command_report;
extern const struct gc_command gc_command_export;
extern const struct gc_command gc_command_reproduce;
extern const struct gc_command gc_command_sample; /* hidden: see process.h */

#endif
