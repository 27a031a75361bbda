/* SPDX-License-Identifier: MIT */
/* plugin.c - what this plugin holds: the workload, twice for each protocol. */
#include "workloads/pack.h"

GC_PLUGIN = {
    GC_PLUGIN_HEADER,
    .workloads = gc_pack_workloads,
};
