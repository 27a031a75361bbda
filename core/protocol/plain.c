/* SPDX-License-Identifier: MIT */
/* plain.c - the slow half of `plain`, and its global lock.
 *
 * The lock is held by the mutator that runs. Who waits for it longer than the switch
 * interval asks the holder, through his poll word, to give it up at his next safepoint;
 * he then does not take it again before somebody else had it.
 */
#include "core/protocol/plain.h"

#include <errno.h>

#include "core/collector.h"
#include "core/os.h"

#define SWITCH_INTERVAL_NS UINT64_C(5000000)

enum { NOT_ASKED = 0 };

struct plain_lock {
    struct gc_lock lock;         /* protects the rest; never held across a wait */
    struct gc_condition changed; /* released, or taken */
    struct gc_mutator *holder;
    uint32_t waiting;  /* of them: those who were not asked to let others run first */
    uint32_t sleeping; /* who waits for `changed` */
    uint64_t switches; /* times that it was taken by another than before, from 1 */
    struct gc_mutator *last;
};

static int start(struct gc_heap *heap)
{
    struct plain_lock *plain = gc_os_alloc(sizeof(*plain));
    if (plain == NULL) return -ENOMEM;
    gc_lock_init(&plain->lock, GC_RANK_GLOBAL);
    gc_condition_init(&plain->changed);
    plain->switches = 1;
    heap->protocol_data = plain;
    return 0;
}

static void finish(struct gc_heap *heap)
{
    struct plain_lock *plain = heap->protocol_data;
    gc_condition_finish(&plain->changed);
    gc_lock_finish(&plain->lock);
    gc_os_free(plain);
}

/* Whether `m` must wait: somebody runs, or it was asked to let another one run first
 * and nobody has. */
static bool must_wait(const struct plain_lock *plain, const struct gc_mutator *m)
{
    if (plain->holder != NULL) return true;
    return m->switched_at == plain->switches && plain->waiting > 0;
}

static void await(struct plain_lock *plain, struct gc_mutator *m)
{
    uint64_t since = gc_stall_clock();
    /* Who was asked to let others run does not count among those that others wait for. */
    bool asked = m->switched_at != NOT_ASKED;
    plain->waiting += !asked;
    plain->sleeping++;
    while (must_wait(plain, m)) {
        uint64_t before = plain->switches;
        bool woken =
                gc_condition_wait_ns(&plain->changed, &plain->lock, SWITCH_INTERVAL_NS);
        if (!woken && plain->holder != NULL && plain->switches == before)
            gc_atomic_fetch_or_relaxed(&plain->holder->poll, GC_POLL_SWITCH);
    }
    plain->sleeping--;
    plain->waiting -= !asked;
    gc_stall_record(m->stalls, GC_STALL_lock, since, 0);
}

static void enter(struct gc_mutator *m)
{
    struct plain_lock *plain = m->heap->protocol_data;
    gc_lock_acquire(&plain->lock);
    if (must_wait(plain, m)) await(plain, m);
    m->switched_at = NOT_ASKED;
    plain->holder = m;
    if (plain->last != m) {
        plain->last = m;
        plain->switches++;
        m->counters.lock_switches++;
        if (plain->sleeping > 0) gc_condition_broadcast(&plain->changed);
    }
    gc_lock_release(&plain->lock);
}

static void leave(struct gc_mutator *m)
{
    struct plain_lock *plain = m->heap->protocol_data;
    gc_lock_acquire(&plain->lock);
    uint32_t before = gc_atomic_fetch_and_relaxed(&m->poll, ~(uint32_t)GC_POLL_SWITCH);
    if ((before & GC_POLL_SWITCH) != 0) m->switched_at = plain->switches;
    plain->holder = NULL;
    if (plain->sleeping > 0) gc_condition_broadcast(&plain->changed);
    gc_lock_release(&plain->lock);
}

#define EAGER_WORD
enum eager_fate { EAGER_LIVES, EAGER_DEAD, EAGER_CARE };

static inline enum eager_fate eager_release(
        struct gc_mutator *m, struct gc_object *object, uint32_t care)
{
    (void)m;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    gc_assert(count != 0 && (count & GC_COUNT_DEAD) == 0, "a dead object is dropped");
    if (--count != 0) {
        gc_atomic_store_relaxed(&object->count, count);
        return EAGER_LIVES;
    }
    if ((gc_object_state(object) & care) != 0) return EAGER_CARE;
    gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
    return EAGER_DEAD;
}

/* Who holds the global lock may act for every home. */
static inline bool eager_is_at_home(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    return true;
}

#include "core/protocol/eager_slow.h"

bool gc_plain_drop_last(struct gc_mutator *m, struct gc_object *object)
{
    return eager_drop_last(m, object);
}

static bool eager_drop_unless_last(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    if (count == 1) return false;
    gc_atomic_store_relaxed(&object->count, count - 1);
    return true;
}

static bool kill(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (gc_atomic_load_relaxed(&object->count) != 1) return false;
    gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
    return true;
}

const struct gc_protocol gc_protocol_plain = {
    .name = "plain",
    .summary = "eager counting without atomics; one mutator runs at a time",
    .flags = GC_PROTOCOL_COUNTED | GC_PROTOCOL_SERIAL | GC_PROTOCOL_WORD |
             (GC_EAGER_LINKS_FRAMES ? GC_PROTOCOL_FRAMES : 0),
    EAGER_OPERATIONS,
    EAGER_WORD_OPERATIONS,
    .start = start,
    .finish = finish,
    .enter = enter,
    .leave = leave,
    .kill = kill,
};
