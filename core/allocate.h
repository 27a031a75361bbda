/* SPDX-License-Identifier: MIT */
/* allocate.h - the birth of an object: what core does, whatever the protocol. */
#ifndef CORE_ALLOCATE_H
#define CORE_ALLOCATE_H

#include "core/thread.h"
#include "core/type.h"

/* The whole of an allocation, out of line: polls, budgets, refills, large objects. Makes
 * *local the new object, and drops what it held. False, with *local NULL, when there is
 * no memory and the heap's on_exhausted has returned. On a running mutator. */
GC_EXPORT bool gc_new_slow(struct gc_mutator *m, gc_slot *local,
        const struct gc_type *type, uint32_t slots, uint32_t bytes);

/* Memory ran out for `bytes`: does what can be done before an allocation fails. True: try
 * again; *attempt, 0 at first, keeps count. False: on_exhausted has been called, and has
 * returned. On a running mutator, under no lock; a safepoint. */
bool gc_relieve(struct gc_mutator *m, size_t bytes, int *attempt) GC_NODISCARD;

/* Core's part of a birth, once there is a cell: everything but the count, which the
 * protocol writes last. */
GC_INLINE void gc_birth(struct gc_mutator *m, struct gc_object *object,
        const struct gc_type *type, uint32_t id, bool cyclic)
{
    if (GC_POISONS) gc_cell_unpoison(object);
    const uint64_t state = (type->finalize != NULL ? GC_STATE_FINALIZER : 0) |
                           (cyclic ? GC_STATE_CYCLIC : 0);
    gc_atomic_store_relaxed(&object->words, id | state << GC_STATE_SHIFT | m->birth_bits);
    if (cyclic && m->birth_links) gc_list_append(&m->young, gc_links_of(object));
}

#endif
