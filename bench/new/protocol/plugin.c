/* SPDX-License-Identifier: MIT */
/* plugin.c - what this plugin holds: the protocol, and all that is compiled for it. */
#include "workloads/pack.h"

extern const struct gc_protocol gc_protocol_example;

GC_PLUGIN = {
    GC_PLUGIN_HEADER,
    .protocols = GC_PLUGIN_LIST(gc_protocol, &gc_protocol_example),
    .workloads = gc_pack_workloads,
    .parts = gc_pack_parts,
};
