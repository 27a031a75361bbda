/* SPDX-License-Identifier: MIT */
/* finalize.c - running finalizers, and the register of those that may be due. */
#include "core/finalize.h"

#include "core/heap.h"
#include "core/mutant.h"
#include "core/os.h"
#include "core/protocol.h"
#include "core/type.h"

void gc_callback_error(struct gc_mutator *m, struct gc_object *object, int error)
{
    struct gc_heap *heap = m->heap;
    m->counters.callback_errors++;
    if (heap->on_callback_error != NULL)
        heap->on_callback_error(m, object, error, heap->hook_argument);
}

void gc_finalize(struct gc_mutator *m, struct gc_object *object)
{
    if ((gc_object_state(object) & GC_STATE_FINALIZER) == 0) return;
    if (!gc_broken(FINALIZE_ONCE)) {
        uint32_t before = gc_object_clear_state(object, GC_STATE_FINALIZER);
        if ((before & GC_STATE_FINALIZER) == 0) return;
    }
    m->counters.finalizers++;
    gc_event_record(&m->events, "runs the finalizer of", (uintptr_t)object);
    gc_pace_let_go(m);
    int error = gc_object_info(object)->type->finalize(m, object);
    if (error != 0) gc_callback_error(m, object, error);
}

void gc_clear_slots(struct gc_mutator *m, struct gc_object *object)
{
    const struct gc_type *type = gc_object_info(object)->type;
    if (type->clear != NULL) {
        int error = type->clear(m, object);
        if (error != 0) gc_callback_error(m, object, error);
    } else if ((type->flags & GC_TYPE_IMMUTABLE) == 0) {
        m->heap->protocol->clear_slots(m, object);
    }
}

bool gc_finalizable_reserve(struct gc_heap *heap)
{
    gc_lock_acquire(&heap->registry_lock);
    size_t wanted = heap->finalizable_count + heap->finalizable_reserved + 1;
    bool fits = wanted <= heap->finalizable_room;
    if (!fits) {
        size_t room = heap->finalizable_room * 2 + 64;
        struct gc_object **table =
                gc_os_realloc(heap->finalizable, room * sizeof(struct gc_object *));
        if (table != NULL) {
            heap->finalizable = table;
            heap->finalizable_room = room;
            fits = true;
        }
    }
    if (fits) heap->finalizable_reserved++;
    gc_lock_release(&heap->registry_lock);
    return fits;
}

void gc_finalizable_settle(struct gc_heap *heap, struct gc_object *object)
{
    gc_lock_acquire(&heap->registry_lock);
    heap->finalizable_reserved--;
    if (object != NULL) heap->finalizable[heap->finalizable_count++] = object;
    gc_lock_release(&heap->registry_lock);
}

void gc_finalizable_filter(struct gc_heap *heap,
        enum gc_finalizable_fate (*visit)(struct gc_object *object, void *argument),
        void *argument)
{
    enum { AT_A_TIME = 256 };
    size_t kept = 0, at = 0;
    gc_lock_acquire(&heap->registry_lock);
    while (at < heap->finalizable_count) {
        size_t end = at + AT_A_TIME;
        if (end > heap->finalizable_count) end = heap->finalizable_count;
        for (; at < end; at++) {
            struct gc_object *object = heap->finalizable[at];
            if (visit(object, argument) == GC_FINALIZABLE_KEEP)
                heap->finalizable[kept++] = object;
        }
        if (at == heap->finalizable_count) break;
        gc_lock_release(&heap->registry_lock);
        gc_lock_acquire(&heap->registry_lock);
    }
    heap->finalizable_count = kept;
    gc_lock_release(&heap->registry_lock);
}
