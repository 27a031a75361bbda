/* SPDX-License-Identifier: MIT */
/* spec.h - "name[@protocol][:option=value]..." as the command line gives it. The name may
 * be a plugin's file: it has a slash, or ends in ".so". */
#ifndef BENCH_SPEC_H
#define BENCH_SPEC_H

#include <stdbool.h>

#include "core/harness.h"

struct gc_collector_spec {
    char *label; /* name@protocol[:options] */
    const struct gc_collector *collector;
    const struct gc_protocol *protocol;
    struct gc_collector_info info;
    const char *protocol_name;
    char *options; /* "" if none */
};

struct gc_workload_spec {
    char *label; /* name[:options], without scale= */
    const char *name;
    char *options;
    bool has_scale, weak;           /* scale=fixed|weak was given */
    const struct gc_workload *some; /* it, for any protocol: for its card */
};

/* All of it is checked: names, protocol, options and their values, and that a file that
 * is named can be read. What is wrong is said on stderr. Returns an enum gc_exit. */
int gc_collector_spec_parse(const char *text, struct gc_collector_spec *ret_spec);
int gc_workload_spec_parse(const char *text, struct gc_workload_spec *ret_spec);

bool gc_has_option(const struct gc_option *options, const char *name);

void gc_collector_spec_finish(struct gc_collector_spec *spec);
void gc_workload_spec_finish(struct gc_workload_spec *spec);

/* Names of what is built in or loaded, for lists and for gc_nearest_name(); each once, ended by
 * NULL. Free the array alone. */
const char **gc_collector_names(void);
const char **gc_protocol_names(void);
const char **gc_workload_names(void);

/* The workload for whichever protocol comes first, or NULL. */
const struct gc_workload *gc_workload_some(const char *name);

/* Says that there is no such thing and what may have been meant; GC_EXIT_USAGE. */
int gc_complain_unknown(const char *kind, const char *name, const char *const *names);

#endif
