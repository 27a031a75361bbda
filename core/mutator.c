/* SPDX-License-Identifier: MIT */
/* mutator.c - the few operations of mutators that have no fast path. */
#include "core/collector.h"

/* mutator.h itself wants a protocol; these are the same under all of them. */
#define GC_REFCOUNT_IMMORTAL UINT64_MAX

GC_EXPORT uint64_t gc_refcount(struct gc_mutator *m, struct gc_object *object);
GC_EXPORT void gc_immortalize(struct gc_mutator *m, struct gc_object *object);

uint64_t gc_refcount(struct gc_mutator *m, struct gc_object *object)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    if ((gc_object_state(object) & GC_STATE_IMMORTAL) != 0) return GC_REFCOUNT_IMMORTAL;
    if (protocol->total == NULL) return 0;
    if ((protocol->flags & GC_PROTOCOL_SERIAL) != 0) return protocol->total(object);
    gc_stop_begin(m);
    uint64_t total = protocol->total(object);
    gc_stop_end_unlogged(m);
    return total;
}

void gc_immortalize(struct gc_mutator *m, struct gc_object *object)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    if ((gc_object_state(object) & GC_STATE_IMMORTAL) != 0) return;
    gc_object_set_state(object, GC_STATE_IMMORTAL);
    if (protocol->immortalize != NULL) protocol->immortalize(m, object);
}
