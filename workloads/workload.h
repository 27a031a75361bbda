/* SPDX-License-Identifier: MIT */
/* workload.h - all that a workload includes.
 *
 * A workload is written once against core/mutator.h and compiled twice per protocol: to be
 * timed, and with its operations counted (-DGC_COUNT_OPS). It ends with its descriptor:
 *
 *     GC_WORKLOAD(rings) = { GC_WORKLOAD_HEADER(rings), .summary = ..., .run = ... };
 */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include "core/harness.h"
#include "core/mutator.h"
#include "workloads/random.h"

#ifdef GC_COUNT_OPS
#    define GC_WORKLOAD_PASTE_(id, protocol) gc_workload_##id##_##protocol##_counting
#    define GC_WORKLOAD_COUNTS               true
#else
#    define GC_WORKLOAD_PASTE_(id, protocol) gc_workload_##id##_##protocol
#    define GC_WORKLOAD_COUNTS               false
#endif
#define GC_WORKLOAD_PASTE(id, protocol) GC_WORKLOAD_PASTE_(id, protocol)
#define GC_WORKLOAD_QUOTE_(text)        #text
#define GC_WORKLOAD_QUOTE(text)         GC_WORKLOAD_QUOTE_(text)

#define GC_WORKLOAD(id)                                                                  \
    extern const struct gc_workload GC_WORKLOAD_PASTE(id, GC_PROTOCOL_NAME);             \
    const struct gc_workload GC_WORKLOAD_PASTE(id, GC_PROTOCOL_NAME)

#define GC_WORKLOAD_HEADER(id)                                                           \
    .name = #id, .protocol = GC_WORKLOAD_QUOTE(GC_PROTOCOL_NAME),                        \
    .counts_operations = GC_WORKLOAD_COUNTS

#endif
