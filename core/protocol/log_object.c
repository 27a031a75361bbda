/* SPDX-License-Identifier: MIT */
/* log_object.c - the slow half of `log_object`: an object goes into the log.
 *
 * Sync edges: [sync UN1] what is reached through a slot was complete when it was stored; here:
 *                        an object is DIRTY before a slot of it has a new value
 */
#include "core/protocol/log_object.h"

#include "core/log.h"
#include "core/mutant.h"
#include "core/schedule.h"
#include "core/type.h"

/* How many slots it has, at most. */
static size_t slots_of(struct gc_object *object)
{
    const struct gc_type_info *info = gc_object_info(object);
    if (info->irregular && info->type->trace != NULL)
        return (info->type->size - sizeof(*object)) / sizeof(gc_slot);
    return gc_object_slots(object, info).count;
}

static void copy_slot(gc_slot *slot, void *argument)
{
    uintptr_t **at = argument;
    /* [sync UN1] acquire: who reads what another mutator has stored since the last
     * collection sees below that he has made the object DIRTY; pairs with the release in
     * gc_uncounted_store(). Test: core/protocol_log_object. */
    struct gc_object *value = gc_atomic_slot_load_acquire(slot);
    if (value != NULL) *(*at)++ = (uintptr_t)value;
}

/* [LP01] the write barrier: the object goes into the log, if it is CLEAN. */
static void uncounted_barrier(struct gc_mutator *m, struct gc_object *holder)
{
    const size_t words = slots_of(holder) + 1;
    if (!gc_log_has_room(m, words)) gc_log_make_room(m, words);
    if (!gc_barrier_is_due(m, holder)) return; /* somebody was faster */
    struct gc_log_buffer *buffer = gc_log_buffer_of(m);
    uintptr_t *at = buffer->cursor + 1;
    gc_schedule_yield(); /* between the look and the copy */
    gc_object_trace(holder, copy_slot, &at);
    gc_schedule_yield(); /* between the copy and the second look */
    if (!gc_barrier_is_due(m, holder) && !gc_broken(LOG_RECHECK)) return;
    *buffer->cursor = (uintptr_t)holder | GC_LOG_OBJECT_HOLDER;
    if (!gc_broken(DIRTY_LOGGED)) buffer->cursor = at;
    gc_schedule_yield(); /* between the record and the mark */
    /* Relaxed: the store that follows releases it. */
    gc_atomic_store_relaxed(&holder->noted, (uint16_t)GC_LOG_OBJECT_DIRTY);
}

#define UNCOUNTED(name) gc_log_object_##name
#include "core/protocol/uncounted_slow.h"

static int home_start(struct gc_mutator *home)
{
    home->birth_bits |= (uint64_t)GC_LOG_OBJECT_NEW << GC_NOTED_SHIFT;
    return gc_log_home_start(home);
}

_Static_assert(
        GC_LOG_OBJECT_CLEAN == 0 && GC_LOG_OBJECT_DIRTY == 1 && GC_LOG_OBJECT_NEW == 2,
        "the order of the words below");

static const struct gc_field fields[] = {
    { .name = "slots", .bits = 63 }, /* that hold it, as the last collection knows */
    { .name = "DEAD", .shift = GC_FIELD_SHIFT(GC_COUNT_DEAD), .bits = 1 },
    { .name = "log", .word = GC_FIELD_NOTED, .bits = 16, .values = "clean|dirty|new" },
    GC_FIELD_END,
};

const struct gc_protocol gc_protocol_log_object = {
    .name = "log_object",
    .summary = "counts coalesced: an object is logged at its first store in an epoch",
    .flags = GC_PROTOCOL_FRAMES,
    UNCOUNTED_OPERATIONS,
    .start = gc_log_create,
    .finish = gc_log_destroy,
    .home_start = home_start,
    .home_finish = gc_log_home_finish,
    .fields = fields,
};
