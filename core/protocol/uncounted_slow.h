/* SPDX-License-Identifier: MIT */
/* uncounted_slow.h - the slow half of what uncounted.h is the fast half of: a template.
 *
 * A protocol with a barrier defines, and includes this file behind that,
 *
 *   #define UNCOUNTED(name)                 the name of its slow path
 *   static void uncounted_barrier(m, holder)
 *       What is owed before a store into slots of `holder`, in order before it. May be a
 *       safepoint before it has read anything.
 *
 * One without (UNCOUNTED is not defined) gets the operations of core alone.
 */
#ifndef CORE_PROTOCOL_UNCOUNTED_SLOW_H
#define CORE_PROTOCOL_UNCOUNTED_SLOW_H

#include "core/collector.h"

#ifdef UNCOUNTED

void UNCOUNTED(store)(struct gc_mutator *m, struct gc_object *holder, gc_slot *slot,
        struct gc_object *value)
{
    uncounted_barrier(m, holder);
    gc_uncounted_store(slot, value);
}

void UNCOUNTED(give)(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    uncounted_barrier(m, holder);
    gc_uncounted_store(slot, *local);
    *local = NULL;
}

void UNCOUNTED(exchange)(
        struct gc_mutator *m, struct gc_object *holder, gc_slot *slot, gc_slot *local)
{
    uncounted_barrier(m, holder);
    gc_uncounted_exchange(slot, local);
}

bool UNCOUNTED(compare_exchange)(struct gc_mutator *m, struct gc_object *holder,
        gc_slot *slot, struct gc_object *expected, struct gc_object *value)
{
    uncounted_barrier(m, holder);
    return gc_uncounted_compare_exchange(slot, expected, value);
}

void UNCOUNTED(copy_slots)(struct gc_mutator *m, struct gc_object *holder, gc_slot *to,
        gc_slot *from, size_t count)
{
    uncounted_barrier(m, holder);
    gc_uncounted_copy_slots(to, from, count);
}

#endif

/* --- what core asks (protocol.h) --------------------------------------------------------- */

/* Under collectors that stop the world a target that is not cleared is alive: it was
 * reached, or has not been looked for yet. */
static struct gc_object *uncounted_weak_resolve(
        struct gc_mutator *m, struct gc_weak *weak)
{
    (void)m;
    return gc_atomic_load_relaxed(&weak->target);
}

static void uncounted_clear_slot(gc_slot *slot, void *argument)
{
    (void)argument;
    gc_uncounted_store(slot, NULL);
}

static void uncounted_clear_slots(struct gc_mutator *m, struct gc_object *object)
{
#ifdef UNCOUNTED
    uncounted_barrier(m, object);
#else
    (void)m;
#endif
    gc_object_trace(object, uncounted_clear_slot, NULL);
}

#define UNCOUNTED_OPERATIONS                                                             \
    .birth_count = 0, .clear_slots = uncounted_clear_slots,                              \
    .weak_resolve = uncounted_weak_resolve

#endif
