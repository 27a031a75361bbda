/* SPDX-License-Identifier: MIT */
/* bare.h - no counts: for no collection at all, and for tracers that stop the world.
 *
 * A reference is just a pointer, and a store just a store. Frames are linked, so that locals
 * are roots.
 */
#ifndef CORE_PROTOCOL_BARE_H
#define CORE_PROTOCOL_BARE_H

#include "core/object.h"
#include "core/thread.h"

#define GC_PROTOCOL_NAME bare

/* What it costs to take or drop a reference (counted_ops.h). */
#define GC_PROTOCOL_LOCAL_COST(m, object)        GC_COST_uncounted
#define GC_PROTOCOL_SLOT_COST(m, holder, object) GC_COST_uncounted

/* There is no barrier, and no slow path. */
#define gc_barrier_is_due(m, holder)                           ((void)(m), (void)(holder), false)
#define gc_barrier_new_is_due(m, holder)                       gc_barrier_is_due(m, holder)
#define gc_barrier_store(m, holder, slot, value)               ((void)0)
#define gc_barrier_give(m, holder, slot, local)                ((void)0)
#define gc_barrier_exchange(m, holder, slot, local)            ((void)0)
#define gc_barrier_compare_exchange(m, holder, slot, old, new) false
#define gc_barrier_copy_slots(m, holder, to, from, count)      ((void)0)

#include "core/protocol/uncounted.h"

#endif
