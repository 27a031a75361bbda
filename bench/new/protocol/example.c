/* SPDX-License-Identifier: MIT */
/* example.c - the slow half of `example`, and its global lock.
 *
 * The lock is held by the mutator that runs. Who waits for it longer than the switch
 * interval asks the holder, through his poll word, to give it up at his next safepoint;
 * he then does not take it again before somebody else had it.
 */
#include "example.h"

#include <errno.h>

#include "core/collector.h"
#include "core/os.h"

#define SWITCH_INTERVAL_NS UINT64_C(5000000)

enum { NOT_ASKED = 0 };

struct example_lock {
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
    struct example_lock *example = gc_os_alloc(sizeof(*example));
    if (example == NULL) return -ENOMEM;
    gc_lock_init(&example->lock, GC_RANK_GLOBAL);
    gc_condition_init(&example->changed);
    example->switches = 1;
    heap->protocol_data = example;
    return 0;
}

static void finish(struct gc_heap *heap)
{
    struct example_lock *example = heap->protocol_data;
    gc_condition_finish(&example->changed);
    gc_lock_finish(&example->lock);
    gc_os_free(example);
}

/* Whether `m` must wait: somebody runs, or it was asked to let another one run first
 * and nobody has. */
static bool must_wait(const struct example_lock *example, const struct gc_mutator *m)
{
    if (example->holder != NULL) return true;
    return m->switched_at == example->switches && example->waiting > 0;
}

static void await(struct example_lock *example, struct gc_mutator *m)
{
    uint64_t since = gc_stall_clock();
    /* Who was asked to let others run does not count among those that others wait for. */
    bool asked = m->switched_at != NOT_ASKED;
    example->waiting += !asked;
    example->sleeping++;
    while (must_wait(example, m)) {
        uint64_t before = example->switches;
        bool woken =
                gc_condition_wait_ns(&example->changed, &example->lock, SWITCH_INTERVAL_NS);
        if (!woken && example->holder != NULL && example->switches == before)
            gc_atomic_fetch_or_relaxed(&example->holder->poll, GC_POLL_SWITCH);
    }
    example->sleeping--;
    example->waiting -= !asked;
    gc_stall_record(m->stalls, GC_STALL_lock, since, 0);
}

static void enter(struct gc_mutator *m)
{
    struct example_lock *example = m->heap->protocol_data;
    gc_lock_acquire(&example->lock);
    if (must_wait(example, m)) await(example, m);
    m->switched_at = NOT_ASKED;
    example->holder = m;
    if (example->last != m) {
        example->last = m;
        example->switches++;
        m->counters.lock_switches++;
        if (example->sleeping > 0) gc_condition_broadcast(&example->changed);
    }
    gc_lock_release(&example->lock);
}

static void leave(struct gc_mutator *m)
{
    struct example_lock *example = m->heap->protocol_data;
    gc_lock_acquire(&example->lock);
    uint32_t before = gc_atomic_fetch_and_relaxed(&m->poll, ~(uint32_t)GC_POLL_SWITCH);
    if ((before & GC_POLL_SWITCH) != 0) m->switched_at = example->switches;
    example->holder = NULL;
    if (example->sleeping > 0) gc_condition_broadcast(&example->changed);
    gc_lock_release(&example->lock);
}

#define EAGER_RACES 0
enum eager_fate { EAGER_LIVES, EAGER_DEAD, EAGER_CARE };

static inline enum eager_fate eager_release(struct gc_object *object, uint32_t care)
{
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

#include "core/protocol/eager.h"

bool example_drop_last(struct gc_mutator *m, struct gc_object *object)
{
    gc_assert(gc_atomic_load_relaxed(&m->state) == GC_MUTATOR_RUNNING,
            "a reference is dropped by a mutator that does not run");
    gc_schedule_yield();
    return eager_finish(m, object, eager_release(object, GC_STATE_CARE));
}

static void take(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    example_take(object);
}

static bool try_take(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (gc_object_is_dead(object)) return false;
    example_take(object);
    return true;
}

static bool drop(struct gc_mutator *m, struct gc_object *object)
{
    return example_drop(m, object);
}

static bool drop_unless_last(struct gc_mutator *m, struct gc_object *object)
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

static void bury(struct gc_mutator *m, struct gc_object *object)
{
    eager_finish(m, object, EAGER_DEAD);
}

static void clear_slot(gc_slot *slot, void *argument)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    gc_atomic_slot_store_relaxed(slot, NULL);
    example_drop(argument, object);
}

static void clear_slots(struct gc_mutator *m, struct gc_object *object)
{
    gc_object_trace(object, clear_slot, m);
}

static uint64_t total(const struct gc_object *object)
{
    return gc_atomic_load_relaxed(&object->count);
}

static struct gc_object *weak_resolve(struct gc_mutator *m, struct gc_weak *weak)
{
    struct gc_object *target = gc_atomic_load_relaxed(&weak->target);
    return target != NULL && try_take(m, target) ? target : NULL;
}

const struct gc_protocol gc_protocol_example = {
    .name = "example",
    .summary = "eager counting without atomics; one mutator runs at a time",
    .flags = GC_PROTOCOL_COUNTED | GC_PROTOCOL_SERIAL | GC_PROTOCOL_WORD |
             (EXAMPLE_LINKS_FRAMES ? GC_PROTOCOL_FRAMES : 0),
    .birth_count = 1,
    .start = start,
    .finish = finish,
    .enter = enter,
    .leave = leave,
    .take = take,
    .try_take = try_take,
    .drop = drop,
    .drop_unless_last = drop_unless_last,
    .kill = kill,
    .bury = bury,
    .clear_slots = clear_slots,
    .total = total,
    .weak_resolve = weak_resolve,
};
