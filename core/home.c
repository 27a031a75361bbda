/* SPDX-License-Identifier: MIT */
/* home.c - claims, arrivals, and what is put off to the next safepoint.
 *
 * Sync edges: [sync ST2] a mutator leaves BLOCKED or EXITED, or is claimed there
 *             [sync ST1] a stop is requested, against a mutator that parks
 *             [sync HS1] a handshake is posted, against a mutator that parks
 *             [sync HO1] what was sent home, against a home that stops looking
 */
#include "core/home.h"

#include "core/collector.h"
#include "core/mutant.h"

bool gc_home_claim(struct gc_mutator *home)
{
    /* [sync ST2] seq_cst: who asks for a stop or a handshake has posted it before he looks
     * (Dekker); pairs with the store in gc_park(). */
    uint32_t state = gc_atomic_load_seq_cst(&home->state);
    do {
        if (state == GC_MUTATOR_RUNNING || (state & GC_MUTATOR_CLAIMED) != 0)
            return false;
        /* Again where it has only been adopted meanwhile: nobody else would act for it.
         * [sync ST2] seq_cst: against the owner's return, and others' claims; as acquire it
         * sees all that the owner did before. Pairs with the stores in gc_park()
         * and thread.c. Test: core/home, core/safepoint. */
    } while (!gc_atomic_compare_exchange_seq_cst(
            &home->state, &state, state | GC_MUTATOR_CLAIMED));
    return true;
}

/* Gives a claim back, and wakes who waits for that. */
static void give_back(struct gc_mutator *home)
{
    struct gc_heap *heap = home->heap;
    uint32_t state = gc_atomic_load_relaxed(&home->state);
    /* [sync ST2] seq_cst store, then the loads below (Dekker): who waits has counted
     * himself before he looked at the state. As release it shows the owner what was done
     * for him; pairs with his return. */
    gc_atomic_store_seq_cst(&home->state, state & ~(uint32_t)GC_MUTATOR_CLAIMED);
    /* [sync ST2] [sync ST1] [sync HS1] seq_cst: see above; who stops or shakes hands has
     * posted that before he found the record claimed. */
    bool awaited = gc_atomic_load_seq_cst(&heap->claim_waiters) != 0;
    awaited |= gc_atomic_load_seq_cst(&heap->stop_requested) != 0;
    awaited |= gc_atomic_load_seq_cst(&heap->shake_pending) != 0;
    if (!awaited) return;
    gc_lock_acquire(&heap->registry_lock);
    gc_condition_broadcast(&heap->parked);
    gc_condition_broadcast(&heap->resumed);
    gc_lock_release(&heap->registry_lock);
}

static bool has_arrivals(struct gc_mutator *home)
{
    /* [sync HO1] seq_cst load, after a seq_cst store to the state (Dekker): either the
     * sender sees that state, or we see what he has sent. Pairs with the exchange in
     * deliver(). Test: core/home. */
    return gc_atomic_load_seq_cst(&home->arrivals) != NULL;
}

bool gc_home_was_sent(struct gc_mutator *home)
{
    const struct gc_protocol *protocol = home->heap->protocol;
    return protocol->has_sent != NULL && protocol->has_sent(home);
}

void gc_home_look(struct gc_mutator *home, struct gc_mutator *by)
{
    while (has_arrivals(home) || (by != NULL && gc_home_was_sent(home))) {
        if (gc_broken(CLAIM_FIRST)) {
            gc_home_drain(home, by);
            return;
        }
        gc_schedule_yield(); /* between look and claim */
        if (gc_broken(DEAD_OWNER_DRAINED) &&
                gc_atomic_load_relaxed(&home->state) == GC_MUTATOR_EXITED)
            return;
        /* RUNNING: it will look itself. Claimed: whoever did will, when he is through. */
        if (!gc_home_claim(home)) return;
        gc_schedule_yield(); /* inside a claim */
        gc_home_drain(home, by);
        gc_schedule_yield(); /* between drain and giving back */
        give_back(home);
        if (gc_broken(LOOK_AFTER_CLAIM)) return;
        gc_schedule_yield(); /* between giving back and looking */
    }
}

void gc_home_release(struct gc_mutator *home, struct gc_mutator *by)
{
    give_back(home);
    if (!gc_broken(LOOK_AFTER_CLAIM)) gc_home_look(home, by);
}

/* Dead objects that were sent home. */
static void take_in(struct gc_mutator *home)
{
    if (gc_atomic_load_relaxed(&home->arrivals) == NULL) return;
    /* [sync HO1] acquire: what the senders did to the objects; pairs with deliver(). */
    struct gc_object *object = gc_atomic_exchange_acquire(&home->arrivals, NULL);
    gc_schedule_yield(); /* between taking and freeing */
    while (object != NULL) {
        struct gc_object *next = gc_object_next_dead(object);
        if (home->birth_links && (gc_object_state(object) & GC_STATE_CYCLIC) != 0 &&
                gc_links_are_tracked(gc_links_of(object)))
            gc_list_unlink(gc_links_of(object));
        gc_cell_free_dead(object);
        object = next;
    }
}

void gc_home_drain(struct gc_mutator *home, struct gc_mutator *by)
{
    const struct gc_protocol *protocol = home->heap->protocol;
    take_in(home);
    if (by != NULL && protocol->drain != NULL) protocol->drain(home, by);
}

static void deliver(struct gc_mutator *m, struct gc_parcel *parcel)
{
    struct gc_mutator *home = parcel->home;
    struct gc_object *first = parcel->first;
    struct gc_object *before = gc_atomic_load_relaxed(&home->arrivals);
    parcel->first = NULL;
    parcel->count = 0;
    do {
        gc_object_link_dead(parcel->last, before);
        /* [sync HO1] seq_cst, then the look at the home's state (Dekker): pairs with
         * has_arrivals(), and, as release, with the exchange in gc_home_drain(). */
    } while (!gc_atomic_compare_exchange_seq_cst(&home->arrivals, &before, first));
    gc_schedule_yield(); /* between push and look */
    if (before == NULL) gc_home_tell(home);
    if (!gc_broken(LOOK_AFTER_PUSH)) gc_home_look(home, m);
}

void gc_home_send(struct gc_mutator *m, struct gc_object *object, struct gc_mutator *home)
{
    struct gc_parcel *parcel = &m->parcels[home->number % GC_PARCELS];
    if (gc_broken(HOME_FREES)) {
        if (home->birth_links && (gc_object_state(object) & GC_STATE_CYCLIC) != 0 &&
                gc_links_are_tracked(gc_links_of(object)))
            gc_list_unlink(gc_links_of(object));
        gc_cell_free(object);
        return;
    }
    if (parcel->count > 0 && parcel->home != home) deliver(m, parcel);
    if (parcel->count == 0) {
        parcel->home = home;
        parcel->last = object;
    }
    gc_object_link_dead(object, parcel->first);
    parcel->first = object;
    bool large = gc_block_of(object)->span > 0; /* const while the block is in use */
    if (++parcel->count >= GC_PARCEL_CELLS || large) deliver(m, parcel);
}

void gc_drop_later(struct gc_mutator *m, struct gc_object *object)
{
    while (m->drop_count == GC_DROPS)
        gc_settle(m);
    m->drops[m->drop_count++] = object;
    gc_atomic_fetch_or_relaxed(&m->poll, GC_POLL_SETTLE);
}

void gc_settle(struct gc_mutator *m)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    do {
        while (m->drop_count > 0)
            protocol->drop(m, m->drops[--m->drop_count]);
        if (!m->heap->type_stable) return;
        for (int i = 0; i < GC_PARCELS; i++)
            if (m->parcels[i].count > 0) deliver(m, &m->parcels[i]);
    } while (protocol->settle != NULL && protocol->settle(m));
}
