/* SPDX-License-Identifier: MIT */
/* root.h - references from outside the heap: global roots and root callbacks.
 *
 * Global roots are slots in memory of the program's own. They are read and written
 * with gc_load_root() and gc_store_root() (mutator.h), like slots of objects.
 */
#ifndef CORE_ROOT_H
#define CORE_ROOT_H

#include <stddef.h>

#include "core/object.h"
#include "core/type.h"

struct gc_heap;

/* `count` consecutive root slots; the memory of both is the program's. */
struct gc_root_range {
    gc_slot *slots;
    size_t count;
    struct gc_root_range *next; /* registry lock */
};

/* Makes the slots, all NULL, roots; takes them off again (all NULL again, so that
 * nothing is left counted). Any thread that may touch the heap. */
GC_EXPORT void gc_roots_add(
        struct gc_heap *heap, struct gc_root_range *range, gc_slot *slots, size_t count);
GC_EXPORT void gc_roots_remove(struct gc_heap *heap, struct gc_root_range *range);

/* For an interpreter's own stack under a protocol that does not count locals: is to
 * call visit(slot, visit_argument) for each slot. World stopped; no safepoint, no
 * allocation. */
struct gc_root_callback {
    void (*enumerate)(gc_visit_fn visit, void *visit_argument, void *argument);
    void *argument;
    struct gc_root_callback *next; /* registry lock */
};
GC_EXPORT void gc_root_callback_add(
        struct gc_heap *heap, struct gc_root_callback *callback);
GC_EXPORT void gc_root_callback_remove(
        struct gc_heap *heap, struct gc_root_callback *callback);

/* Visits the global roots, the callbacks' slots, the threads' start references, and
 * (where frames are linked) all locals. World stopped, or nobody attached. */
GC_EXPORT void gc_roots_visit_stw(
        struct gc_heap *heap, gc_visit_fn visit, void *argument);

#endif
