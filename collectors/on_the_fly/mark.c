/* SPDX-License-Identifier: MIT */
/* mark.c - marking beside mutators that go on.
 *
 * An object's mark is written by its mutator at birth, then by who collects; while a SCAN is
 * answered also by who answers, and so by exchange.
 *
 * Most references that are met lead to what has been met before, so who collects keeps a bit
 * for each object that he has *reached*, in tables of his own: he looks at the mark itself,
 * at an address that no cache has, once for each object. Most of these looks are made in the
 * order of addresses: the *pass*. It goes through the tables once, and what it reaches
 * further on it will meet; what it reaches further back waits on a stack, and is fetched
 * ahead of time. What has no room there is marked at once, and linked by the count words,
 * which have no other use under this protocol: so marking never needs more memory, however
 * deep the heap is.
 *
 * Invariants: (F1) count is 0 in an object that is not grey.
 *             (F2) grey objects are marked, and each is in one list.
 *             (F5) what is reached is black, or on the stack, or the pass will meet it.
 * Sync edges: [sync OF1] what was marked for a SCAN's answer, against who traces it
 *             [sync UN1] what is reached through a slot was complete when it was stored
 *             [sync SA3] a weak reference is cleared before its target is marked again
 */
#include "collectors/on_the_fly/on_the_fly.h"

#include <string.h>

#include "core/mutant.h"
#include "core/protocol/satb.h"

enum {
    AT_A_TIME = 64, /* objects between safepoints */
    SLACK = 32, /* objects that the pass leaves on the stack: there is something to fetch */
    WORD_BYTES = 64 * GC_GRANULE, /* of a region, to a word of bits */
    SIDE_WORDS = GC_REGION_BYTES / WORD_BYTES,
};

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

/* --- what is reached ----------------------------------------------------------------------- */

/* Side metadata of a region. Of the bits those that belong to the region's own metadata can
 * be no object's: the first word is used otherwise. */
struct side {
    uintptr_t
            ahead; /* what is reached from this address on the pass will meet; 0: nothing */
    uint64_t reached[SIDE_WORDS - 1]; /* word i, of the region's bytes from i + 1 times
                                         WORD_BYTES on */
};

_Static_assert(
        sizeof(struct side) == GC_REGION_BYTES / GC_GRANULE / 8, "a bit a granule");
_Static_assert(sizeof(struct gc_region) >= WORD_BYTES, "the first word is no object's");

static inline struct side *side_of(const struct otf *otf, const void *address)
{
    return (struct side *)(void *)((char *)gc_region_of(address) + otf->side_offset);
}

/* Marks what is white; false: it is not. While nobody else marks. */
static inline bool blacken(const struct otf *otf, struct gc_object *object)
{
    if (gc_object_mark(object) != otf->white) return false;
    /* [sync SA3] release: pairs with the acquire of who resolves a weak reference. */
    gc_atomic_store_release(&object->mark, otf_black(otf->white));
    return true;
}

static void make_grey(struct otf *otf, struct gc_object *object)
{
    link_to(object, otf->grey);
    otf->grey = object;
}

/* Sets the bit; false if it was set. */
static inline bool set_reached(struct side *side, const struct gc_object *object)
{
    size_t granule = ((uintptr_t)object & (GC_REGION_BYTES - 1)) / GC_GRANULE;
    uint64_t *word = &side->reached[granule / 64 - 1];
    uint64_t bit = UINT64_C(1) << granule % 64;
    if ((*word & bit) != 0) return false;
    *word |= bit;
    return true;
}

static inline void reach(struct otf *otf, struct gc_object *object)
{
    if (object == NULL) return;
    struct side *side = side_of(otf, object);
    if (!set_reached(side, object)) return;
    if (side->ahead - 1 < (uintptr_t)object || gc_broken(BEHIND_STACKED))
        return; /* 0 - 1 is above all addresses */
    if (gc_likely(otf->depth < OTF_STACK_ENTRIES))
        otf->stack[otf->depth++] = object;
    else if (!gc_broken(FULL_LINKED) && blacken(otf, object))
        make_grey(otf, object);
}

/* Whether anything was reached, and not looked at yet, but for what the pass will meet. */
static inline bool is_pending(const struct otf *otf)
{
    return otf->depth > 0 || otf->fetched > 0;
}

static inline void reach_slot(gc_slot *slot, void *argument)
{
    struct otf *otf = argument;
    otf->edges++;
    /* [sync UN1] acquire: pairs with the stores of the protocol. */
    reach(otf, gc_atomic_slot_load_acquire(slot));
}

static void reach_root(gc_slot *slot, void *argument)
{
    /* [sync UN1] acquire: as above. */
    reach(argument, gc_atomic_slot_load_acquire(slot));
}

/* Nothing is reached yet, and the pass will meet all that is where regions are now. */
void otf_mark_begin(struct otf *otf)
{
    struct gc_heap *heap = otf->m->heap;
    otf->objects = otf->edges = otf->bytes = 0;
    gc_lock_acquire(&heap->blocks_lock);
    otf->regions = heap->regions;
    gc_lock_release(&heap->blocks_lock);
    /* Regions come in front of the first, and none goes but by a sweep. */
    for (struct gc_region *region = otf->regions; region != NULL; region = region->next) {
        struct side *side = side_of(otf, region);
        memset(side->reached, 0, sizeof(side->reached));
        side->ahead = (uintptr_t)region;
    }
}

void otf_mark_roots(struct otf *otf)
{
    /* [sync OF1] acquire: pairs with otf_scan(). */
    struct gc_object *object = gc_atomic_exchange_acquire(&otf->scanned, NULL);
    while (object != NULL) {
        struct gc_object *next = linked_from(object);
        make_grey(otf, object);
        object = next;
    }
    otf->roots = gc_roots_visit_global(otf->m->heap, reach_root, otf);
}

void otf_mark(struct otf *otf, struct gc_object *object)
{
    if (blacken(otf, object)) make_grey(otf, object);
}

/* --- logs -------------------------------------------------------------------------------- */

void otf_claim_logged(struct otf *otf)
{
    struct gc_log *log = otf->m->heap->log;
    gc_log_take(log);
    for (struct gc_log_chunk *chunk = gc_log_first(log); chunk != NULL;
            chunk = gc_log_next(log, chunk))
        for (uint32_t i = 0; i < chunk->used; i++) {
            struct gc_object *object = (struct gc_object *)chunk->words[i];
            if (claim(object, otf->white)) make_grey(otf, object);
        }
    gc_log_give_back(log);
}

bool otf_reach_logged(struct otf *otf)
{
    struct gc_log *log = otf->m->heap->log;
    gc_log_take(log);
    for (struct gc_log_chunk *chunk = gc_log_first(log); chunk != NULL;
            chunk = gc_log_next(log, chunk))
        for (uint32_t i = 0; i < chunk->used; i++)
            reach(otf, (struct gc_object *)chunk->words[i]);
    gc_log_give_back(log);
    return is_pending(otf) || otf->grey != NULL;
}

/* --- tracing ------------------------------------------------------------------------------- */

static inline void trace(struct otf *otf, struct gc_object *object)
{
    otf->objects++;
    otf->bytes += gc_block_of(object)->cell_bytes;
    gc_object_trace(object, reach_slot, otf);
}

/* Traces what was reached, if nobody has marked it before. */
static inline void visit(struct otf *otf, struct gc_object *object)
{
    if (blacken(otf, object)) trace(otf, object);
}

/* Puts the top of the stack, or NULL, into the window, where it is fetched, and visits what
 * was put there longest ago, if that is anything. */
static inline void visit_next(struct otf *otf)
{
    struct gc_object *object = NULL;
    if (otf->depth > 0) {
        object = otf->stack[--otf->depth];
        __builtin_prefetch(object, 1);
        __builtin_prefetch((char *)object + GC_CACHE_LINE - GC_GRANULE);
        otf->fetched++;
    }
    struct gc_object **oldest = &otf->window[otf->at++ % OTF_WINDOW];
    struct gc_object *next = *oldest;
    *oldest = object;
    if (next == NULL) return;
    otf->fetched--;
    visit(otf, next);
}

static void trace_next_grey(struct otf *otf)
{
    struct gc_object *object = otf->grey;
    otf->grey = linked_from(object);
    link_to(object, NULL); /* (F1) */
    trace(otf, object);
}

void otf_trace_grey(struct otf *otf)
{
    for (uint64_t n = 1;; n++) {
        if (is_pending(otf))
            visit_next(otf);
        else if (otf->grey != NULL)
            trace_next_grey(otf);
        else
            return;
        if (n % AT_A_TIME == 0) gc_safepoint(otf->m);
    }
}

/* Visits what is reached, among the objects that begin in the word's bytes. What these reach
 * there is met as well. */
static inline void meet(struct otf *otf, const uint64_t *word, char *bytes)
{
    uint64_t met = 0, todo;
    while ((todo = *word & ~met) != 0) {
        met |= todo & -todo;
        struct gc_object *object =
                (struct gc_object *)(void *)(bytes +
                                             (size_t)__builtin_ctzll(todo) * GC_GRANULE);
        visit(otf, object);
    }
}

static void pass(struct otf *otf)
{
    for (struct gc_region *region = otf->regions; region != NULL; region = region->next) {
        struct side *side = side_of(otf, region);
        for (uint32_t i = 0; i < SIDE_WORDS - 1; i++) {
            if (side->reached[i] == 0) continue;
            char *bytes = (char *)region + (size_t)(i + 1) * WORD_BYTES;
            side->ahead = (uintptr_t)bytes;
            meet(otf, &side->reached[i], bytes);
            side->ahead += WORD_BYTES; /* before anything else is visited */
            while (otf->depth > SLACK)
                visit_next(otf);
            otf_reach_logged(otf);
            gc_safepoint(otf->m);
        }
        side->ahead = 0;
    }
}

void otf_trace_roots(struct otf *otf)
{
    pass(otf);
    otf_trace(otf);
}

void otf_trace(struct otf *otf)
{
    do {
        otf_trace_grey(otf);
    } while (otf_reach_logged(otf));
}
