/* SPDX-License-Identifier: MIT */
/* plugin.c - what this plugin holds: the workload, twice for each protocol. PROTOCOLS is
 * given by the build, as X(plain) X(plain_counting) X(bare): each to be timed, and to have
 * its operations counted. */
#include "core/plugin.h"

#define X(protocol) extern const struct gc_workload gc_workload_example_##protocol;
PROTOCOLS
#undef X

#define X(protocol) &gc_workload_example_##protocol,
static const struct gc_workload *const workloads[] = { PROTOCOLS NULL };
#undef X

GC_PLUGIN = {
    GC_PLUGIN_HEADER,
    .workloads = workloads,
};
