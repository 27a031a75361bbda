/* SPDX-License-Identifier: MIT */
/* refcount.c - counts, and nothing else: what a count of zero says is freed at once,
 * what is in a cycle leaks, exactly. [Collins60]
 *
 * The protocol keeps the counts, and core's cascade frees along a worklist, so there is
 * no policy left to write: the promises are the collector. */
#include "core/collector.h"

GC_COLLECTOR(refcount) = {
    GC_COLLECTOR_HEADER,
    .name = "refcount",
    .summary = "eager reference counting; cyclic garbage leaks",
    .paper = "Collins60",
    .protocols = { "plain", "atomic", "biased" },
    .other_protocols = GC_PROTOCOL_COUNTED,
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_IMMEDIATE | GC_CAP_COUNTS |
                    GC_CAP_FINALIZERS | GC_CAP_WEAK,
};
