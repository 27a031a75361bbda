/* SPDX-License-Identifier: MIT */
/* plain_candidates.c - the slow half of the protocol, and the list of candidates. */
#include "plain_candidates.h"

#include "core/collector.h"
#include "core/serial.h"

#define EAGER_WORD
#define EAGER_LISTS
enum eager_fate { EAGER_LIVES, EAGER_DEAD, EAGER_CARE };

/* [BaconRajan01] PossibleRoot */
bool gc_candidates_add(struct gc_mutator *m, struct gc_object *object)
{
    gc_atomic_store_relaxed(&object->noted, 1);
    gc_list_append(m->heap->protocol_data, gc_links_of(object));
    return true;
}

static inline void eager_leave_list(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (gc_atomic_load_relaxed(&object->noted) != 0) gc_list_unlink(gc_links_of(object));
}

static inline enum eager_fate eager_release(
        struct gc_mutator *m, struct gc_object *object, uint32_t care)
{
    if (gc_atomic_load_relaxed(&object->count) != 1) {
        gc_eager_drop(m, object);
        return EAGER_LIVES;
    }
    if ((gc_object_state(object) & care) != 0) return EAGER_CARE;
    gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
    return EAGER_DEAD;
}

static inline bool eager_is_at_home(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    return true; /* who runs, runs alone */
}

#include "core/protocol/eager_slow.h"

bool gc_candidates_drop_last(struct gc_mutator *m, struct gc_object *object)
{
    return eager_drop_last(m, object);
}

static bool eager_drop_unless_last(struct gc_mutator *m, struct gc_object *object)
{
    return gc_atomic_load_relaxed(&object->count) != 1 && gc_eager_drop(m, object);
}

static bool kill(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (gc_atomic_load_relaxed(&object->count) != 1) return false;
    gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
    return true;
}

static int start(struct gc_heap *heap)
{
    struct gc_links *list = gc_os_alloc(sizeof(*list));
    if (list == NULL) return -ENOMEM;
    gc_list_init(list);
    heap->protocol_data = list;
    int result = gc_serial_start(heap);
    if (result != 0) gc_os_free(list);
    return result;
}

static void finish(struct gc_heap *heap)
{
    gc_serial_finish(heap);
    gc_os_free(heap->protocol_data);
}

extern const struct gc_protocol gc_protocol_plain_candidates;
const struct gc_protocol gc_protocol_plain_candidates = {
    .name = "plain_candidates",
    .summary = "plain, with a list of what a drop has left alive",
    .flags = GC_PROTOCOL_COUNTED | GC_PROTOCOL_SERIAL | GC_PROTOCOL_WORD |
             GC_PROTOCOL_PRIVATE | (GC_EAGER_LINKS_FRAMES ? GC_PROTOCOL_FRAMES : 0),
    EAGER_OPERATIONS,
    EAGER_WORD_OPERATIONS,
    .start = start,
    .finish = finish,
    .enter = gc_serial_enter,
    .leave = gc_serial_leave,
    .kill = kill,
};
