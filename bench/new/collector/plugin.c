/* SPDX-License-Identifier: MIT */
/* plugin.c - what this plugin holds. */
#include "core/plugin.h"

extern const struct gc_collector gc_collector_example;

GC_PLUGIN = {
    GC_PLUGIN_HEADER,
    .collectors = GC_PLUGIN_LIST(gc_collector, &gc_collector_example),
};
