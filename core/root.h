/* SPDX-License-Identifier: MIT */
/* root.h - references from outside the heap: global roots and root callbacks.
 *
 * Global roots are slots in memory of the program's own. They are read and written
 * with gc_load_root() and gc_store_root() (mutator.h), like slots of objects.
 */
#ifndef CORE_ROOT_H
#define CORE_ROOT_H

#include <stddef.h>
#include <stdint.h>

#include "core/object.h"
#include "core/type.h"

struct gc_heap;
struct gc_mutator;

/* `count` consecutive root slots; the memory of both is the program's. */
struct gc_root_range {
    gc_slot *slots;
    size_t count;
    struct gc_root_range *next; /* registry lock, like the rest */
    uint64_t pass;              /* number of the last pass that visited all of it */
};

/* Makes the slots, all NULL, roots; takes them off again (all NULL again, so that
 * nothing is left counted). Any thread that may touch the heap. */
GC_EXPORT void gc_roots_add(
        struct gc_heap *heap, struct gc_root_range *range, gc_slot *slots, size_t count);
GC_EXPORT void gc_roots_remove(struct gc_heap *heap, struct gc_root_range *range);

/* For an interpreter's own stack. Its slots are locals of one mutator, written by it alone
 * with the operations for locals (gc_set(), gc_move(), gc_load(), ... in mutator.h), which
 * count where locals are counted; but they lie in no frame, so that somebody has to name
 * them: `enumerate` is to call visit(slot, visit_argument) for each. On the mutator at a
 * safepoint, or, while it does not run, on who may act for it; no safepoint, no allocation.
 * A slot that is not named holds NULL. */
struct gc_root_callback {
    void (*enumerate)(gc_visit_fn visit, void *visit_argument, void *argument);
    void *argument;
    struct gc_root_callback *next;
};

/* From now on, and no longer; a mutator exits without callbacks. On the mutator. */
GC_EXPORT void gc_root_callback_add(
        struct gc_mutator *m, struct gc_root_callback *callback);
GC_EXPORT void gc_root_callback_remove(
        struct gc_mutator *m, struct gc_root_callback *callback);

/* Visits what one mutator holds: its start reference, what it is to drop later, the slots
 * of its callbacks, and (where frames are linked) its locals. By who may act for it; in a
 * handshake, for example. */
GC_EXPORT void gc_roots_visit_mutator(
        struct gc_mutator *m, gc_visit_fn visit, void *argument);

/* Visits the global roots with the world running: a piece at a time, under the registry
 * lock. Those that are added meanwhile may be visited or not. One pass of a heap at a time;
 * returns the number of slots. */
GC_EXPORT size_t gc_roots_visit_global(
        struct gc_heap *heap, gc_visit_fn visit, void *argument);

/* Visits the global roots, and what all mutators hold. World stopped, or nobody attached. */
GC_EXPORT void gc_roots_visit_stw(
        struct gc_heap *heap, gc_visit_fn visit, void *argument);

#endif
