/* SPDX-License-Identifier: MIT */
/* pack.h - the tables of what was compiled once for each protocol, for a plugin's
 * descriptor. The build says what that is, by the ends of the symbols' names:
 *
 *     -DGC_PACK_WORKLOADS="X(rings_mine) X(rings_mine_counting)"    gc_workload_...
 *     -DGC_PACK_PARTS="X(conformance_mine)"                         gc_part_...
 *
 * Included once, behind core/plugin.h.
 */
#ifndef WORKLOADS_PACK_H
#define WORKLOADS_PACK_H

#include "core/plugin.h"

#ifdef GC_PACK_WORKLOADS
#    define X(id) extern const struct gc_workload gc_workload_##id;
GC_PACK_WORKLOADS
#    undef X

#    define X(id) &gc_workload_##id,
static const struct gc_workload *const gc_pack_workloads[] = { GC_PACK_WORKLOADS NULL };
#    undef X
#endif

#ifdef GC_PACK_PARTS
#    define X(id) extern const struct gc_part gc_part_##id;
GC_PACK_PARTS
#    undef X

#    define X(id) &gc_part_##id,
static const struct gc_part *const gc_pack_parts[] = { GC_PACK_PARTS NULL };
#    undef X
#endif

#endif
