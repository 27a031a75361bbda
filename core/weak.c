/* SPDX-License-Identifier: MIT */
/* weak.c - the table of weak references: find by target, clear once, call back.
 *
 * The table hashes targets into chains threaded through the weak references; the
 * newest reference to a target stands before its older ones. It is rebuilt twice as
 * large when it is full.
 */
#include "core/weak.h"

#include "core/allocate.h"
#include "core/collector.h"
#include "core/mutant.h"
#include "core/os.h"
#include "core/schedule.h"

const struct gc_type gc_weak_type = {
    .name = "weak reference",
    .size = sizeof(struct gc_weak),
    .slots = 1,
    .flags = GC_TYPE_WEAK,
    .cell = &(struct gc_type_cell){ 0 },
};

/* Of a place in the heap, not of an address, which the system gives: callbacks run in the order of the
 * table, and that is to be the same each time. */
static size_t hash_of(const struct gc_object *target)
{
    const struct gc_region *region = gc_region_of(target);
    uint64_t place = region->number * GC_REGION_BYTES +
                     (uint64_t)((uintptr_t)target - (uintptr_t)region);
    return (size_t)((place >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
}

static struct gc_weak **chain_of(struct gc_heap *heap, const struct gc_object *target)
{
    return &heap->weak_table[hash_of(target) & (heap->weak_room - 1)];
}

static struct gc_object *target_of(struct gc_weak *weak)
{
    return gc_atomic_load_relaxed(&weak->target);
}

/* Makes sure that one more fits. weak_lock. */
static bool reserve_locked(struct gc_heap *heap)
{
    if (heap->weak_count < heap->weak_room) return true;
    size_t old_room = heap->weak_room;
    struct gc_weak **old = heap->weak_table;
    size_t room = old_room > 0 ? old_room * 2 : 64;
    struct gc_weak **table = gc_os_alloc(room * sizeof(struct gc_weak *));
    if (table == NULL) return false;
    heap->weak_table = table;
    heap->weak_room = room;
    for (size_t i = 0; i < old_room; i++) {
        for (struct gc_weak *weak = old[i], *next; weak != NULL; weak = next) {
            next = weak->next;
            /* at the tail, so that the order within a chain stays */
            struct gc_weak **link = chain_of(heap, target_of(weak));
            while (*link != NULL)
                link = &(*link)->next;
            weak->next = NULL;
            *link = weak;
        }
    }
    gc_os_free(old);
    return true;
}

/* Makes room in the table for one more, relieving the heap if need be: while the caller's
 * locals still hold all that he needs. */
static bool reserve(struct gc_mutator *m)
{
    struct gc_heap *heap = m->heap;
    for (int attempt = 0;;) {
        gc_lock_acquire(&heap->weak_lock);
        bool reserved = reserve_locked(heap);
        size_t bytes = heap->weak_room * sizeof(*heap->weak_table);
        gc_lock_release(&heap->weak_lock);
        if (reserved) return true;
        if (!gc_relieve(m, bytes, &attempt)) return false;
    }
}

bool gc_weak_new(struct gc_mutator *m, struct gc_weak **local, struct gc_object *target,
        gc_weak_fn callback, struct gc_object *data)
{
    struct gc_heap *heap = m->heap;
    gc_slot *slot = (gc_slot *)(void *)local;
    const struct gc_protocol *protocol = heap->protocol;
    /* *local, which is overwritten now, may be all that holds them. */
    if (target != NULL && protocol->take != NULL) protocol->take(m, target);
    if (data != NULL && protocol->take != NULL) protocol->take(m, data);
    if (!reserve(m) || !gc_new_slow(m, slot, &gc_weak_type, 0, 0)) {
        struct gc_object *old = *slot;
        *slot = NULL;
        if (old != NULL && protocol->drop != NULL) protocol->drop(m, old);
        if (data != NULL && protocol->drop != NULL) protocol->drop(m, data);
        if (target != NULL && protocol->drop != NULL) protocol->drop(m, target);
        return false;
    }
    struct gc_weak *weak = *local;
    weak->callback = callback;
    weak->next = weak->pending = NULL;
    gc_atomic_init(&weak->target, NULL);
    gc_atomic_slot_store_relaxed(&weak->data, data); /* with the reference taken above */
    if (target == NULL) return true;
    gc_lock_acquire(&heap->weak_lock);
    bool reserved = reserve_locked(heap); /* false only if others took what was there */
    if (reserved) {
        gc_object_set_state(target, GC_STATE_REFERENCED); /* (W1) */
        gc_object_set_state(&weak->header, GC_STATE_WEAK);
        gc_atomic_store_relaxed(&weak->target, target);
        struct gc_weak **chain = chain_of(heap, target);
        weak->next = *chain;
        *chain = weak;
        heap->weak_count++;
    }
    gc_lock_release(&heap->weak_lock);
    if (!reserved) {
        *slot = NULL;
        if (protocol->drop != NULL) protocol->drop(m, &weak->header);
    }
    if (protocol->drop != NULL) protocol->drop(m, target);
    return reserved;
}

void gc_weak_load(struct gc_mutator *m, gc_slot *local, struct gc_weak *weak)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    struct gc_object *target = protocol->weak_resolve(m, weak);
    struct gc_object *old = *local;
    *local = target;
    if (old != NULL && protocol->drop != NULL) protocol->drop(m, old);
}

/* Takes a reference out of the table. weak_lock, or a stop. */
static void remove_one(struct gc_heap *heap, struct gc_weak *weak)
{
    struct gc_weak **link = chain_of(heap, target_of(weak));
    while (*link != weak)
        link = &(*link)->next;
    *link = weak->next;
    weak->next = NULL;
    gc_atomic_store_relaxed(&weak->target, NULL);
    heap->weak_count--;
}

static void append(struct gc_weak_queue *due, struct gc_weak *weak)
{
    weak->pending = NULL;
    if (due->first == NULL)
        due->first = weak;
    else
        due->last->pending = weak;
    due->last = weak;
}

/* Clears all weak references to `object`; those with callbacks whose weak reference is
 * not dead are appended to *due, newest first, counted once more. weak_lock, or
 * a stop. */
static size_t clear_all(struct gc_mutator *m, struct gc_object *object,
        gc_is_dead_fn is_dead, struct gc_weak_queue *due)
{
    struct gc_heap *heap = m->heap;
    const struct gc_protocol *protocol = heap->protocol;
    size_t cleared = 0;
    struct gc_weak **link = chain_of(heap, object);
    while (*link != NULL) {
        struct gc_weak *weak = *link;
        if (target_of(weak) != object) {
            link = &weak->next;
            continue;
        }
        *link = weak->next;
        weak->next = NULL;
        gc_atomic_store_relaxed(&weak->target, NULL);
        heap->weak_count--;
        cleared++;
        if (weak->callback == NULL || is_dead == NULL) continue;
        if (is_dead(&weak->header) && !gc_broken(DEAD_NOT_CALLED)) continue;
        /* It may be dying elsewhere just now; its cell stays until we let go of the lock. */
        if (protocol->try_take != NULL && !protocol->try_take(m, &weak->header)) continue;
        append(due, weak);
    }
    gc_object_clear_state(object, GC_STATE_REFERENCED);
    return cleared;
}

static bool is_dying(struct gc_object *object)
{
    return gc_object_is_dead(object);
}

void gc_weak_on_death(struct gc_mutator *m, struct gc_object *object)
{
    struct gc_heap *heap = m->heap;
    struct gc_weak_queue due = { NULL, NULL };
    uint32_t state = gc_object_state(object);
    gc_schedule_yield(); /* between death and clearing */
    gc_lock_acquire(&heap->weak_lock);
    if ((state & GC_STATE_WEAK) != 0) {
        struct gc_weak *weak = (struct gc_weak *)(void *)object;
        if (target_of(weak) != NULL && !gc_broken(WEAK_LEAVES)) remove_one(heap, weak);
    }
    if ((state & GC_STATE_REFERENCED) != 0)
        m->counters.weak_cleared += clear_all(m, object, is_dying, &due);
    gc_lock_release(&heap->weak_lock);
    gc_weak_run_callbacks(m, due.first);
}

size_t gc_weak_clear_stw(struct gc_mutator *m, struct gc_object *object,
        gc_is_dead_fn is_dead, struct gc_weak_queue *due)
{
    if ((gc_object_state(object) & GC_STATE_REFERENCED) == 0) return 0;
    return clear_all(m, object, is_dead, due);
}

void gc_weak_forget_stw(struct gc_heap *heap, struct gc_weak *weak)
{
    if (target_of(weak) != NULL) remove_one(heap, weak);
}

/* One chain. weak_lock. */
static size_t clear_dead(struct gc_mutator *m, struct gc_weak **chain,
        gc_is_dead_fn is_dead, struct gc_weak_queue *due)
{
    size_t cleared = 0;
    struct gc_weak *weak = *chain;
    while (weak != NULL) {
        struct gc_object *target = target_of(weak);
        struct gc_weak *next = weak->next;
        if (is_dead(&weak->header)) {
            remove_one(m->heap, weak);
            cleared++;
        } else if (is_dead(target)) {
            cleared += clear_all(m, target, is_dead, due);
            next = *chain; /* it may have cleared others of the chain: begin anew */
        }
        weak = next;
    }
    return cleared;
}

size_t gc_weak_clear_dead(
        struct gc_mutator *m, gc_is_dead_fn is_dead, struct gc_weak_queue *due)
{
    enum { AT_A_TIME = 64 };
    struct gc_heap *heap = m->heap;
    size_t cleared = 0;
    gc_lock_acquire(&heap->weak_lock);
    /* When the table grows in between, a chain's references go into it and one behind it. */
    for (size_t i = 0; i < heap->weak_room; i++) {
        cleared += clear_dead(m, &heap->weak_table[i], is_dead, due);
        if (i % AT_A_TIME != AT_A_TIME - 1) continue;
        gc_lock_release(&heap->weak_lock);
        gc_lock_acquire(&heap->weak_lock);
    }
    gc_lock_release(&heap->weak_lock);
    return cleared;
}

size_t gc_weak_run_callbacks(struct gc_mutator *m, struct gc_weak *pending)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    size_t died = 0;
    if (pending != NULL) gc_pace_let_go(m);
    while (pending != NULL) {
        struct gc_weak *weak = pending;
        pending = weak->pending;
        weak->pending = NULL;
        m->counters.callbacks++;
        gc_event_record(&m->events, "runs the callback of", (uintptr_t)weak);
        int error = weak->callback(m, weak, gc_atomic_slot_load_relaxed(&weak->data));
        if (error != 0) gc_callback_error(m, &weak->header, error);
        if (protocol->drop == NULL) continue;
        if (protocol->total(&weak->header) == 1) died++;
        protocol->drop(m, &weak->header);
    }
    return died;
}

void gc_weak_walk_stw(struct gc_heap *heap,
        void (*visit)(struct gc_weak *weak, void *argument), void *argument)
{
    for (size_t i = 0; i < heap->weak_room; i++) {
        struct gc_weak *weak = heap->weak_table[i];
        while (weak != NULL) {
            visit(weak, argument);
            /* It may have cleared this one, and others of the chain: begin anew. */
            weak = target_of(weak) != NULL ? weak->next : heap->weak_table[i];
        }
    }
}
