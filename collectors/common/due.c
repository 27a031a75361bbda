/* SPDX-License-Identifier: MIT */
/* due.c - weak references and finalizers of what was found dead. */
#include "collectors/common/due.h"

#include "core/mutant.h"
#include "core/os.h"

bool gc_due_begin(struct gc_due *due, struct gc_mutator *m)
{
    due->m = m;
    due->callbacks = (struct gc_weak_queue){ NULL, NULL };
    due->count = 0;
    return gc_due_reserve(due);
}

bool gc_due_reserve(struct gc_due *due)
{
    struct gc_heap *heap = due->m->heap;
    gc_lock_acquire(&heap->registry_lock);
    size_t wanted = heap->finalizable_count;
    gc_lock_release(&heap->registry_lock);
    if (wanted <= due->room) return true;
    struct gc_object **objects =
            gc_os_realloc(due->finalizers, wanted * 2 * sizeof(struct gc_object *));
    if (objects == NULL) return false;
    due->finalizers = objects;
    due->room = wanted * 2;
    return true;
}

void gc_due_clear_weak(struct gc_due *due, gc_is_dead_fn is_dead)
{
    if (gc_broken(DEAD_WEAK_CLEARED)) return;
    due->m->counters.weak_cleared += gc_weak_clear_dead(due->m, is_dead, &due->callbacks);
}

void gc_due_clear_one_stw(
        struct gc_due *due, struct gc_object *object, gc_is_dead_fn is_dead)
{
    due->m->counters.weak_cleared +=
            gc_weak_clear_stw(due->m, object, is_dead, &due->callbacks);
}

static enum gc_finalizable_fate find(struct gc_object *object, void *argument)
{
    struct gc_due *due = argument;
    if (!due->is_dead(object)) return GC_FINALIZABLE_KEEP;
    if (due->count == due->room) return GC_FINALIZABLE_KEEP; /* born after the begin */
    due->finalizers[due->count++] = object;
    if (gc_broken(DUE_ONCE)) return GC_FINALIZABLE_KEEP;
    return GC_FINALIZABLE_REMOVE;
}

/* One without room: the next collection's business. */
static enum gc_finalizable_fate keep_rest(struct gc_object *object, void *argument)
{
    struct gc_due *due = argument;
    if (due->is_dead(object)) due->keep(object, due->argument);
    return GC_FINALIZABLE_KEEP;
}

void gc_due_find_finalizers(struct gc_due *due, gc_is_dead_fn is_dead,
        void (*keep)(struct gc_object *object, void *argument), void *argument)
{
    struct gc_heap *heap = due->m->heap;
    size_t first = due->count;
    due->is_dead = is_dead;
    due->keep = keep;
    due->argument = argument;
    gc_finalizable_filter(heap, find, due);
    for (size_t i = first; i < due->count && !gc_broken(DUE_KEPT); i++)
        keep(due->finalizers[i], argument);
    if (due->count == due->room) gc_finalizable_filter(heap, keep_rest, due);
}

void gc_due_run(struct gc_due *due)
{
    if (!gc_broken(CALLBACKS_FIRST)) gc_weak_run_callbacks(due->m, due->callbacks.first);
    for (size_t i = 0; i < due->count; i++)
        gc_finalize(due->m, due->finalizers[i]);
    if (gc_broken(CALLBACKS_FIRST)) gc_weak_run_callbacks(due->m, due->callbacks.first);
    due->count = 0;
}

void gc_due_finish(struct gc_due *due)
{
    gc_os_free(due->finalizers);
}
