/* SPDX-License-Identifier: MIT */
/* plain_candidates.c - the slow half of the protocol, and the list of candidates. */
#include "plain_candidates.h"

#include <errno.h>

#define EAGER_LISTS
#include "core/protocol/plain_slow.h"

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
    .summary = "plain, with a list of what drops have left alive",
    .flags = PLAIN_FLAGS | GC_PROTOCOL_PRIVATE,
    PLAIN_OPERATIONS,
    .start = start,
    .finish = finish,
    .enter = gc_serial_enter,
    .leave = gc_serial_leave,
};
