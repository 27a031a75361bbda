/* SPDX-License-Identifier: MIT */
/* due.c - weak references and finalizers of what was found dead. */
#include "collectors/common/due.h"

#include "core/os.h"

bool gc_due_begin(struct gc_due *due, struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    due->m = m;
    due->callbacks = (struct gc_weak_queue){ NULL, NULL };
    due->count = 0;
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

static void clear_weak(struct gc_weak *weak, void *argument)
{
    struct gc_due *due = argument;
    struct gc_object *target = gc_atomic_load_relaxed(&weak->target);
    if (due->is_dead(&weak->header)) {
        gc_weak_forget_stw(due->m->heap, weak);
        due->m->counters.weak_cleared++;
    } else if (due->is_dead(target)) {
        due->m->counters.weak_cleared +=
                gc_weak_clear_stw(due->m, target, due->is_dead, &due->callbacks);
    }
}

void gc_due_clear_weak_stw(struct gc_due *due, gc_is_dead_fn is_dead)
{
    due->is_dead = is_dead;
    if (due->m->heap->weak_count > 0) gc_weak_walk_stw(due->m->heap, clear_weak, due);
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
    return GC_FINALIZABLE_REMOVE;
}

void gc_due_find_finalizers_stw(struct gc_due *due, gc_is_dead_fn is_dead,
        void (*keep)(struct gc_object *object, void *argument), void *argument)
{
    struct gc_heap *heap = due->m->heap;
    size_t first = due->count;
    due->is_dead = is_dead;
    gc_finalizable_filter_stw(heap, find, due);
    for (size_t i = first; i < due->count; i++)
        keep(due->finalizers[i], argument);
    if (due->count < due->room) return;
    /* Those without room are the next collection's business. */
    for (size_t i = 0; i < heap->finalizable_count; i++)
        if (is_dead(heap->finalizable[i])) keep(heap->finalizable[i], argument);
}

void gc_due_run(struct gc_due *due)
{
    gc_weak_run_callbacks(due->m, due->callbacks.first);
    for (size_t i = 0; i < due->count; i++)
        gc_finalize(due->m, due->finalizers[i]);
    due->count = 0;
}

void gc_due_finish(struct gc_due *due)
{
    gc_os_free(due->finalizers);
}
