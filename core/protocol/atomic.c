/* SPDX-License-Identifier: MIT */
/* atomic.c - the slow half of `atomic`: last drops, undone loads, what core asks.
 *
 * Sync edges: [sync EA2] a removal, against a racing load (eager.h)
 */
#include "core/protocol/atomic.h"

#include "core/collector.h"
#include "core/home.h"

#define EAGER_WORD
#include "core/protocol/eager_slow.h"

/* The count has been 0 since we took our reference off it, unless somebody has taken one
 * meanwhile, who will then come here himself. With care due the reference is taken back,
 * and kept. */
static inline enum eager_fate finish_zero(struct gc_object *object, uint32_t care)
{
    /* [sync AT1] acquire: the state may be that of a birth that we know nothing of, if we have
     * taken our reference without right to it; pairs with the releases of drops. */
    uint64_t zero = gc_atomic_load_acquire(&object->count);
    if (zero != 0) return EAGER_LIVES;
    bool keep = (gc_object_state(object) & care) != 0;
    enum eager_fate fate = keep ? EAGER_CARE : EAGER_DEAD;
    gc_schedule_yield(); /* between reaching 0 and the kill */
    if (gc_broken(ZERO_BY_EXCHANGE)) {
        gc_atomic_store_relaxed(&object->count, keep ? 1 : GC_COUNT_DEAD);
        return fate;
    }
    /* [sync AT1] acq_rel: all that others did before they dropped; pairs with the releases
     * in gc_eager_drop(). (A2). Test: core/protocol_atomic. */
    return gc_atomic_compare_exchange_acq_rel(
                   &object->count, &zero, keep ? 1 : GC_COUNT_DEAD)
                   ? fate
                   : EAGER_LIVES;
}

static inline enum eager_fate eager_release(
        struct gc_mutator *m, struct gc_object *object, uint32_t care)
{
    const uint32_t early = gc_broken(LOOK_FIRST) ? gc_object_state(object) : 0;
    gc_schedule_yield(); /* between removal and look */
    /* [sync EA2] seq_cst: after the removal, before whatever a racing load counts.
     * [sync AT1] acquire: as in finish_zero(). */
    uint64_t count = gc_atomic_load_seq_cst(&object->count);
    gc_assert(count != 0 && (count & GC_COUNT_DEAD) == 0, "a dead object is dropped");
    while (count == 1) {
        /* After the look: who has made a weak reference has dropped his own since. */
        const uint32_t state = gc_eager_state(object, early);
        bool due = (state & care) != 0;
        if (due && gc_broken(KEEP_FOR_FINALIZER)) break;
        if (due) return EAGER_CARE;
        if (gc_broken(LAST_BY_EXCHANGE)) {
            gc_schedule_yield();
            gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
            return EAGER_DEAD;
        }
        if (gc_likely((care & EAGER_BY_COUNT) == 0 && gc_block_of(object)->home == m)) {
            gc_assert(!m->has_removed, "what was removed may still be seen in its slot");
            gc_object_set_gone(object, state);
            return EAGER_GONE;
        }
        gc_schedule_yield(); /* between look and kill */
        /* [sync AT1] acq_rel: as in finish_zero(). (A2) */
        if (gc_atomic_compare_exchange_acq_rel(&object->count, &count, GC_COUNT_DEAD))
            return EAGER_DEAD;
        if ((care & GC_STATE_CARE) == 0 && gc_broken(KEEP_FOR_FINALIZER))
            return finish_zero(object, 0);
    }
    /* [sync AT1] release: pairs with the killing exchange. */
    if (gc_atomic_fetch_sub_release(&object->count, 1) != 1) return EAGER_LIVES;
    if ((care & GC_STATE_CARE) != 0 && gc_broken(KEEP_FOR_FINALIZER)) return EAGER_CARE;
    return finish_zero(object, care);
}

static inline bool eager_is_at_home(struct gc_mutator *m, struct gc_block *block)
{
    return block->home == m;
}

bool gc_counts_drop_last(struct gc_mutator *m, struct gc_object *object)
{
    return eager_drop_last(m, object);
}

bool gc_counts_drop_zero(struct gc_mutator *m, struct gc_object *object)
{
    return eager_finish(m, object, finish_zero(object, GC_STATE_CARE));
}

static bool eager_drop_unless_last(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    uint64_t count = gc_atomic_load_relaxed(&object->count);
    do {
        if (count == 1) return false;
        /* [sync AT1] release: pairs with the killing exchange. */
    } while (!gc_atomic_compare_exchange_release(&object->count, &count, count - 1));
    return true;
}

static bool kill(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    uint64_t count = 1;
    if (gc_broken(RELEASE_BY_EXCHANGE)) {
        if (gc_atomic_load_relaxed(&object->count) != 1) return false;
        gc_schedule_yield();
        gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
        return true;
    }
    gc_schedule_yield(); /* somebody may take it, or let it go */
    /* [sync AT1] acq_rel: as in finish_zero(). (A2) */
    return gc_atomic_compare_exchange_acq_rel(&object->count, &count, GC_COUNT_DEAD);
}

const struct gc_protocol gc_protocol_atomic = {
    .name = "atomic",
    .summary = "eager counting by atomic read-modify-writes; mutators run in parallel",
    .flags = GC_PROTOCOL_COUNTED | GC_PROTOCOL_RACES | GC_PROTOCOL_LEAVES_COUNTS |
             (GC_EAGER_LINKS_FRAMES ? GC_PROTOCOL_FRAMES : 0),
    EAGER_OPERATIONS,
    EAGER_WORD_OPERATIONS,
    .kill = kill,
};
