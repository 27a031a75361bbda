/* SPDX-License-Identifier: MIT */
/* plain_candidates.c - the slow half of the protocol, and the lists of candidates. */
#include "plain_candidates.h"

#define EAGER_LISTS
#include "core/protocol/plain_slow.h"

bool gc_candidates_add(struct gc_mutator *m, struct gc_object *object)
{
    gc_atomic_store_relaxed(&object->noted, 1);
    gc_list_append((struct gc_links *)(void *)m->protocol_area, gc_links_of(object));
    return true;
}

static inline void eager_leave_list(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (gc_atomic_load_relaxed(&object->noted) != 0) gc_list_unlink(gc_links_of(object));
}

static int home_start(struct gc_mutator *home)
{
    gc_list_init((struct gc_links *)(void *)home->protocol_area);
    return 0;
}

extern const struct gc_protocol gc_protocol_plain_candidates;
const struct gc_protocol gc_protocol_plain_candidates = {
    .name = "plain_candidates",
    .summary = "plain, with lists of what drops have left alive",
    .flags = PLAIN_FLAGS | GC_PROTOCOL_PRIVATE,
    PLAIN_OPERATIONS,
    GC_SERIAL_OPERATIONS,
    .home_start = home_start,
};
