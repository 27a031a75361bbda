/* SPDX-License-Identifier: MIT */
/* mark.c - marking beside mutators that go on.
 *
 * An object's mark is written by its mutator at birth, then by who collects; while a SCAN is
 * answered also by who answers, and so by exchange. Grey objects are linked by
 * their count words, which have no other use under this protocol: marking needs no memory,
 * however deep the heap is.
 *
 * Invariants: (F1) count is 0 in an object that is not grey.
 *             (F2) grey objects are marked, and each is in one list.
 * Sync edges: [sync OF1] what was marked for a SCAN's answer, against who traces it
 *             [sync UN1] what is reached through a slot was complete when it was stored
 *             [sync SA3] a weak reference is cleared before its target is marked again
 */
#include "collectors/on_the_fly/on_the_fly.h"

#include "core/protocol/satb.h"

static void link_to(struct gc_object *object, struct gc_object *next)
{
    gc_atomic_store_relaxed(&object->count, (uint64_t)(uintptr_t)next);
}

static struct gc_object *linked_from(const struct gc_object *object)
{
    return (struct gc_object *)(uintptr_t)gc_atomic_load_relaxed(&object->count);
}

/* --- in a handshake ---------------------------------------------------------------------- */

/* Marks a white object; false if it is none. Others may do the same at the same time. */
static bool claim(struct gc_object *object, uint16_t white)
{
    if (gc_object_mark(object) != white) return false;
    return gc_atomic_compare_exchange_relaxed(&object->mark, &white, otf_black(white));
}

struct scan {
    uint16_t white;
    struct gc_object *first, *last; /* by link */
    uint64_t slots;
};

static void scan_slot(gc_slot *slot, void *argument)
{
    struct scan *scan = argument;
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    scan->slots++;
    if (object == NULL || !claim(object, scan->white)) return;
    link_to(object, scan->first);
    scan->first = object;
    if (scan->last == NULL) scan->last = object;
}

uint64_t otf_scan(struct otf *otf, struct gc_mutator *m, uint16_t white)
{
    struct scan scan = { .white = white };
    gc_roots_visit_mutator(m, scan_slot, &scan);
    if (scan.first == NULL) return scan.slots;
    struct gc_object *before = gc_atomic_load_relaxed(&otf->scanned);
    do {
        link_to(scan.last, before);
        /* [sync OF1] release: the links; pairs with the exchange in otf_mark_roots(). */
    } while (!gc_atomic_compare_exchange_release(&otf->scanned, &before, scan.first));
    return scan.slots;
}

/* --- who collects ------------------------------------------------------------------------- */

static inline void shade(struct otf *otf, struct gc_object *object)
{
    if (object == NULL || gc_object_mark(object) != otf->white) return;
    /* [sync SA3] release: pairs with the acquire of who resolves a weak reference. */
    gc_atomic_store_release(&object->mark, otf_black(otf->white));
    link_to(object, otf->grey);
    otf->grey = object;
}

void otf_mark(struct otf *otf, struct gc_object *object)
{
    shade(otf, object);
}

static inline void shade_slot(gc_slot *slot, void *argument)
{
    struct otf *otf = argument;
    otf->edges++;
    /* [sync UN1] acquire: pairs with the stores of the protocol. */
    shade(otf, gc_atomic_slot_load_acquire(slot));
}

static void shade_root(gc_slot *slot, void *argument)
{
    /* [sync UN1] acquire: as above. */
    shade(argument, gc_atomic_slot_load_acquire(slot));
}

void otf_mark_roots(struct otf *otf)
{
    /* [sync OF1] acquire: pairs with otf_scan(). */
    struct gc_object *object = gc_atomic_exchange_acquire(&otf->scanned, NULL);
    while (object != NULL) {
        struct gc_object *next = linked_from(object);
        link_to(object, otf->grey);
        otf->grey = object;
        object = next;
    }
    otf->roots = gc_roots_visit_global(otf->m->heap, shade_root, otf);
}

void otf_trace_grey(struct otf *otf)
{
    enum { AT_A_TIME = 64 }; /* objects between safepoints */
    while (otf->grey != NULL) {
        for (int n = 0; n < AT_A_TIME && otf->grey != NULL; n++) {
            struct gc_object *object = otf->grey;
            otf->grey = linked_from(object);
            link_to(object, NULL); /* (F1) */
            otf->objects++;
            otf->bytes += gc_block_of(object)->cell_bytes;
            gc_object_trace(object, shade_slot, otf);
        }
        gc_safepoint(otf->m);
    }
}

bool otf_mark_logged(struct otf *otf)
{
    struct gc_log *log = otf->m->heap->log;
    gc_log_take(log);
    for (struct gc_log_chunk *chunk = gc_log_first(log); chunk != NULL;
            chunk = gc_log_next(log, chunk))
        for (uint32_t i = 0; i < chunk->used; i++) {
            struct gc_object *object = (struct gc_object *)chunk->words[i];
            if (!claim(object, otf->white)) continue;
            link_to(object, otf->grey);
            otf->grey = object;
        }
    gc_log_give_back(log);
    return otf->grey != NULL;
}

void otf_trace(struct otf *otf)
{
    do {
        otf_trace_grey(otf);
    } while (otf_mark_logged(otf));
}
