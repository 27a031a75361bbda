/* SPDX-License-Identifier: MIT */
/* root.c - the registers of roots, and visiting all of them. */
#include "core/root.h"

#include "core/heap.h"
#include "core/mutant.h"

void gc_roots_add(
        struct gc_heap *heap, struct gc_root_range *range, gc_slot *slots, size_t count)
{
    range->slots = slots;
    range->count = count;
    gc_lock_acquire(&heap->registry_lock);
    range->pass = heap->root_passes; /* all NULL now: a pass need not look */
    range->next = heap->roots;
    heap->roots = range;
    gc_lock_release(&heap->registry_lock);
}

void gc_roots_remove(struct gc_heap *heap, struct gc_root_range *range)
{
    for (size_t i = 0; i < range->count; i++)
        gc_require(gc_atomic_slot_load_relaxed(&range->slots[i]) == NULL,
                "a root that still holds a reference is removed");
    gc_lock_acquire(&heap->registry_lock);
    struct gc_root_range **link = &heap->roots;
    while (*link != range)
        link = &(*link)->next;
    *link = range->next;
    gc_lock_release(&heap->registry_lock);
}

void gc_root_callback_add(struct gc_mutator *m, struct gc_root_callback *callback)
{
    callback->next = m->root_callbacks;
    m->root_callbacks = callback;
}

void gc_root_callback_remove(struct gc_mutator *m, struct gc_root_callback *callback)
{
    struct gc_root_callback **link = &m->root_callbacks;
    while (*link != callback)
        link = &(*link)->next;
    *link = callback->next;
}

void gc_roots_visit_mutator(struct gc_mutator *m, gc_visit_fn visit, void *argument)
{
    if (!gc_broken(ROOT_START)) visit(&m->start, argument);
    for (size_t i = 0; i < m->deferred_count; i++)
        visit((gc_slot *)&m->deferred[i], argument);
    for (size_t i = 0; i < m->drop_count; i++)
        visit((gc_slot *)&m->drops[i], argument);
    for (struct gc_frame *frame = m->frames; frame != NULL; frame = frame->caller)
        for (size_t i = gc_broken(ROOT_LOCALS) ? 1 : 0; i < frame->locals; i++)
            visit(&gc_frame_locals(frame)[i], argument);
    for (struct gc_root_callback *c = m->root_callbacks; c != NULL; c = c->next)
        c->enumerate(visit, argument, c->argument);
}

static struct gc_root_range *first_unvisited(struct gc_heap *heap)
{
    struct gc_root_range *range = heap->roots;
    while (range != NULL && range->pass == heap->root_passes)
        range = range->next;
    return range;
}

size_t gc_roots_visit_global(struct gc_heap *heap, gc_visit_fn visit, void *argument)
{
    enum { AT_A_TIME = 256 };
    size_t visited = 0, at = 0;
    gc_lock_acquire(&heap->registry_lock);
    heap->root_passes++;
    struct gc_root_range *range, *last = NULL;
    while ((range = first_unvisited(heap)) != NULL) {
        if (range != last) at = 0; /* the one before has been taken off */
        last = range;
        for (size_t n = 0; n < AT_A_TIME && at < range->count; n++, visited++)
            visit(&range->slots[at++], argument);
        if (at == range->count) {
            range->pass = heap->root_passes;
            continue;
        }
        gc_lock_release(&heap->registry_lock);
        gc_lock_acquire(&heap->registry_lock);
    }
    gc_lock_release(&heap->registry_lock);
    return visited;
}

void gc_roots_visit_stw(struct gc_heap *heap, gc_visit_fn visit, void *argument)
{
    for (struct gc_root_range *range = heap->roots; range != NULL; range = range->next)
        for (size_t i = gc_broken(ROOT_GLOBALS) ? 1 : 0; i < range->count; i++)
            visit(&range->slots[i], argument);
    gc_for_each_mutator (m, heap)
        gc_roots_visit_mutator(m, visit, argument);
}
