/* SPDX-License-Identifier: MIT */
/* inspect.h - who refers to whom: for collectors' debugging aids, and for tests. */
#ifndef CORE_INSPECT_H
#define CORE_INSPECT_H

#include "core/heap.h"
#include "core/object.h"

/* Calls visit for each object that `object` refers to, once a slot; stops early when it
 * returns false, and says so. World stopped, or its slots not written meanwhile. */
GC_EXPORT bool gc_referents(struct gc_object *object, gc_object_fn visit, void *argument);

/* Calls visit for each live object that has a slot with `object`, once; stops as above.
 * Walks the whole heap. World stopped, or nobody attached. */
GC_EXPORT bool gc_referrers_stw(struct gc_heap *heap, struct gc_object *object,
        gc_object_fn visit, void *argument);

#endif
