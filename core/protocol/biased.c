/* SPDX-License-Identifier: MIT */
/* biased.c - the slow half of `biased`: drops that may be the last, and merging.
 *
 * Sync edges: [sync BI1] what was done with an object comes before its death
 *             [sync BI3] what is in a queue, against a home that stops looking
 *             [sync EA2] a removal, against a racing load (eager.h)
 */
#include "core/protocol/biased.h"

#include <errno.h>

#include "core/collector.h"
#include "core/handshake.h"
#include "core/home.h"
#include "core/os.h"
#include "core/protocol/eager_slow.h"
#include "core/safepoint.h"

#define U0 GC_BIASED_ZERO                            /* unmerged, 0, not queued */
#define M1 (GC_BIASED_MERGED | (GC_BIASED_ZERO + 1)) /* merged, 1, not queued */

enum {
    BATCH_OBJECTS = 62, /* in a queue entry, which is half a KiB */
    UNSENT_OBJECTS = 64,
    SPARE_BATCHES = 4,
};

/* Objects that are queued, each with a reference of the queue's. */
struct batch {
    struct batch *next;
    uint64_t count;
    struct gc_object *objects[BATCH_OBJECTS];
};

/* Of each home, its protocol_data. */
struct queue {
    _Atomic(struct batch *) sent; /* any thread */
    /* its mutator */
    struct batch *merged; /* drained, by it: their references are to be dropped */
    struct batch *spare;
    uint32_t spares, unsent_count;
    struct gc_object *unsent[UNSENT_OBJECTS]; /* queued, of other homes */
};

static struct queue *queue_of(const struct gc_mutator *m)
{
    return m->protocol_data;
}

/* --- merging ----------------------------------------------------------------------------- */

/* The object's owner ceases to be one, and it is not queued any more: whose entry held it
 * holds a reference to a merged object. By who may act for the owner, or where there is none
 * any more. */
static void merge(struct gc_object *object)
{
    uint32_t high = gc_atomic_load_relaxed(&object->count_high);
    uint32_t low = gc_atomic_load_relaxed(&object->count_low);
    uint32_t own = (uint16_t)low != 0 ? low / GC_BIASED_ONE : 0;
    gc_assert((high & GC_BIASED_DEAD) == 0, "a dead object is merged");
    if (gc_broken(ENTRY_OWNS)) own += (high & GC_BIASED_QUEUED) != 0; /* it drops 1 */
    gc_schedule_yield(); /* between look and clearing: nobody counts for the owner */
    if (!gc_broken(OWNER_CLEARED)) gc_atomic_store_relaxed(&object->count_low, 0);
    uint32_t merged;
    do {
        gc_schedule_yield(); /* between look and merge */
        merged = ((high + own) & ~GC_BIASED_QUEUED) | GC_BIASED_MERGED;
        if (gc_broken(MERGE_BY_EXCHANGE)) {
            gc_atomic_store_relaxed(&object->count_high, merged);
            return;
        }
        /* [sync BI1] release: what the owner did; pairs with the killing exchange. */
    } while (!gc_atomic_compare_exchange_release(&object->count_high, &high, merged));
}

/* --- the queues ------------------------------------------------------------------------ */

static struct batch *batch_new(struct queue *queue)
{
    struct batch *batch = queue->spare;
    if (batch == NULL) return gc_os_alloc(sizeof(*batch));
    queue->spare = batch->next;
    queue->spares--;
    batch->count = 0;
    return batch;
}

static void batch_free(struct queue *queue, struct batch *batch)
{
    if (queue->spares == SPARE_BATCHES) {
        gc_os_free(batch);
        return;
    }
    batch->next = queue->spare;
    queue->spare = batch;
    queue->spares++;
}

static bool has_sent(struct gc_mutator *home)
{
    /* [sync BI3] seq_cst load, after a seq_cst store to the home's state (Dekker): either the
     * sender sees that state, or we see what he has sent. Pairs with send(). */
    return gc_atomic_load_seq_cst(&queue_of(home)->sent) != NULL;
}

static void send(struct gc_mutator *m, struct gc_mutator *home, struct batch *batch)
{
    struct queue *queue = queue_of(home);
    struct batch *before = gc_atomic_load_relaxed(&queue->sent);
    do {
        batch->next = before;
        /* [sync BI3] seq_cst, then the look at the home's state (Dekker): pairs with
         * has_sent(), and, as release, with the exchange in drain(). */
    } while (!gc_atomic_compare_exchange_seq_cst(&queue->sent, &before, batch));
    gc_schedule_yield(); /* between push and look */
    if (before == NULL) gc_home_tell(home);
    if (!gc_broken(LOOK_AFTER_PUSH)) gc_home_look(home, m);
}

/* In a stop a queue's reference is given back, unless it is the last: or what it holds
 * could not be found. */
static bool give_back_stw(struct gc_object *object)
{
    uint32_t high = gc_atomic_load_relaxed(&object->count_high);
    if (high == M1 || gc_broken(STOP_GIVES_BACK)) return false;
    if (!gc_biased_is_stuck(high)) gc_atomic_store_relaxed(&object->count_high, high - 1);
    return true;
}

static void drain(struct gc_mutator *home, struct gc_mutator *by)
{
    const bool stopped = gc_world_is_stopped_by(by);
    if (gc_atomic_load_relaxed(&queue_of(home)->sent) == NULL) return;
    /* [sync BI3] acquire: what the senders did with the objects; pairs with send(). */
    struct batch *batch = gc_atomic_exchange_acquire(&queue_of(home)->sent, NULL);
    gc_schedule_yield(); /* between taking and merging */
    while (batch != NULL) {
        struct batch *next = batch->next;
        uint64_t kept = 0;
        for (uint64_t i = 0; i < batch->count; i++) {
            struct gc_object *object = batch->objects[i];
            merge(object);
            if (gc_broken(CLAIM_KILLS) && home != by)
                gc_eager_drop(by, object);
            else if (!stopped || !give_back_stw(object))
                batch->objects[kept++] = object;
        }
        batch->count = kept;
        batch->next = queue_of(by)->merged;
        queue_of(by)->merged = batch;
        batch = next;
    }
    gc_atomic_fetch_or_relaxed(&by->poll, GC_POLL_SETTLE);
}

/* Sends off what `m` has queued, a batch to each home. False: there is no memory for one. */
static bool send_unsent(struct gc_mutator *m)
{
    struct queue *queue = queue_of(m);
    while (queue->unsent_count > 0) {
        struct batch *batch = batch_new(queue);
        if (batch == NULL) return false;
        struct gc_mutator *home = gc_block_of(queue->unsent[0])->home;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < queue->unsent_count; i++) {
            struct gc_object *object = queue->unsent[i];
            if (gc_block_of(object)->home == home && batch->count < BATCH_OBJECTS)
                batch->objects[batch->count++] = object;
            else
                queue->unsent[kept++] = object;
        }
        queue->unsent_count = kept;
        send(m, home, batch);
    }
    return true;
}

/* Objects that can't be sent, for there is no memory. */
struct unsendable {
    struct gc_object *const *objects;
    uint32_t count;
};

static void merge_own(struct gc_mutator *home, void *argument)
{
    const struct unsendable *list = argument;
    for (uint32_t i = 0; i < list->count; i++)
        if (gc_block_of(list->objects[i])->home == home) merge(list->objects[i]);
}

/* Has each owner merge his objects, and waits for that: then the caller has the queue's
 * references. No code of the program runs meanwhile on `m`, who may be in a cascade. */
static GC_COLD void merge_without_memory(
        struct gc_mutator *m, struct gc_object *const *objects, uint32_t count)
{
    struct unsendable list = { .objects = objects, .count = count };
    gc_handshake_unsettled(m, merge_own, &list);
}

/* The same for all that wait to be sent; their references are dropped. */
static GC_COLD void settle_without_memory(struct gc_mutator *m)
{
    struct queue *queue = queue_of(m);
    struct gc_object *objects[UNSENT_OBJECTS];
    const uint32_t count = queue->unsent_count;
    for (uint32_t i = 0; i < count; i++)
        objects[i] = queue->unsent[i];
    queue->unsent_count = 0; /* drops will add to it */
    merge_without_memory(m, objects, count);
    for (uint32_t i = 0; i < count; i++)
        gc_eager_drop(m, objects[i]);
}

/* Merges an object that has just been queued, if `m` can act for its owner at once: he is
 * BLOCKED or EXITED, or the world is stopped. The queue's reference is the caller's again. */
static bool merge_at_once(struct gc_mutator *m, struct gc_object *object)
{
    struct gc_mutator *home = gc_block_of(object)->home;
    if (gc_world_is_stopped_by(m)) {
        merge(object);
        return true;
    }
    if (gc_atomic_load_relaxed(&home->state) == GC_MUTATOR_RUNNING) return false;
    if (gc_broken(MERGE_CLAIMED)) {
        merge(object);
        return true;
    }
    if (!gc_home_claim(home)) return false;
    gc_schedule_yield(); /* inside a claim */
    merge(object);
    gc_home_release(home, m);
    return true;
}

/* An object has been queued, with the caller's reference. False: there was no room, it has
 * been merged instead, and the reference is the caller's again. */
static bool push(struct gc_mutator *m, struct gc_object *object)
{
    struct queue *queue = queue_of(m);
    if (queue->unsent_count == UNSENT_OBJECTS && !send_unsent(m)) {
        merge_without_memory(m, &object, 1);
        return false;
    }
    queue->unsent[queue->unsent_count++] = object;
    gc_atomic_fetch_or_relaxed(&m->poll, GC_POLL_SETTLE);
    return true;
}

static bool settle(struct gc_mutator *m)
{
    struct queue *queue = queue_of(m);
    bool any = queue->merged != NULL || queue->unsent_count > 0;
    for (struct batch *batch; (batch = queue->merged) != NULL;) {
        if (batch->count > 0) { /* a drop may run code that settles */
            gc_eager_drop(m, batch->objects[--batch->count]);
        } else {
            queue->merged = batch->next;
            batch_free(queue, batch);
        }
    }
    if (!send_unsent(m)) settle_without_memory(m);
    return any;
}

/* --- releases ---------------------------------------------------------------------------- */

/* A bit of `care`, beside those of a state: the last reference is kept in any case. */
#define CARE_ALWAYS (UINT32_C(1) << 31)

static inline bool needs_care(const struct gc_object *object, uint32_t care)
{
    return ((gc_object_state(object) | CARE_ALWAYS) & care) != 0;
}

/* Whether nothing is counted but the reference that is given up. */
static inline bool is_last(uint32_t high, uint32_t last)
{
    return (gc_broken(ENTRY_OWNS) ? high & ~GC_BIASED_QUEUED : high) == last;
}

/* The owner gives up the last reference that he counts, and others have counted: the object
 * is merged, unless they have dropped all theirs meanwhile. */
static GC_NOINLINE enum eager_fate release_shared(
        struct gc_object *object, uint32_t low, uint32_t care)
{
    /* [sync BI1] acquire: where care is due the finalizer sees what others did before they
     * dropped. Test: weak, kernel `written`. */
    uint32_t high = gc_atomic_load_acquire(&object->count_high);
    /* First: once it is merged others may kill it, and its word is theirs. */
    if (!gc_broken(CLEARED_FIRST)) gc_atomic_store_relaxed(&object->count_low, 0);
    for (;;) {
        const bool last = is_last(high, U0);
        if (last && needs_care(object, care)) {
            gc_atomic_store_relaxed(&object->count_low, low);
            return EAGER_CARE;
        }
        gc_schedule_yield(); /* between look and exchange */
        /* [sync BI1] acq_rel: all that others did before they dropped, and what the owner
         * did; pairs with the releases here and in release_other(). (BI3) */
        if (gc_atomic_compare_exchange_acq_rel(&object->count_high, &high,
                    last ? GC_BIASED_DEAD : high | GC_BIASED_MERGED)) {
            if (gc_broken(CLEARED_FIRST)) {
                gc_schedule_yield();
                gc_atomic_store_relaxed(&object->count_low, 0);
            }
            return last ? EAGER_DEAD : EAGER_LIVES;
        }
    }
}

/* Somebody who is not the owner gives up a reference. */
static GC_NOINLINE enum eager_fate release_other(
        struct gc_mutator *m, struct gc_object *object, uint32_t care)
{
    /* [sync BI1] acquire: who gives up the last reference looks at the state, which may be
     * that of a birth he knows nothing of, if he has taken it without right to it. */
    uint32_t high = gc_atomic_load_acquire(&object->count_high);
    for (;;) {
        gc_assert((high & GC_BIASED_DEAD) == 0, "a dead object is dropped");
        if (gc_biased_is_stuck(high)) return EAGER_LIVES;
        const bool last = is_last(high, M1);
        const bool queue = high == U0 && !gc_broken(QUEUE_BELOW_ZERO);
        if (last && needs_care(object, care)) return EAGER_CARE;
        uint32_t after = last    ? GC_BIASED_DEAD
                         : queue ? high | GC_BIASED_QUEUED
                                 : high - 1;
        if (gc_broken(ENTRY_OWNS) && queue) after--;
        gc_schedule_yield(); /* between look and exchange */
        /* [sync BI1] acq_rel: as in release_shared(). (BI3) (BI4) */
        if (!gc_atomic_compare_exchange_acq_rel(&object->count_high, &high, after))
            continue;
        if (queue && (merge_at_once(m, object) || !push(m, object))) {
            /* [sync BI1] acquire: as above. */
            high = gc_atomic_load_acquire(&object->count_high);
            continue; /* as if it had been merged before */
        }
        return last ? EAGER_DEAD : EAGER_LIVES;
    }
}

/* The owner's half with one reference: as it was at birth. */
static inline uint32_t last_of(const struct gc_mutator *m)
{
    return (uint32_t)m->birth_count;
}

static GC_NOINLINE enum eager_fate release_counted(
        struct gc_mutator *m, struct gc_object *object, uint32_t care)
{
    if (!gc_biased_is_mine(m, object)) return release_other(m, object, care);
    if (object->count_own <= 1) return release_shared(object, last_of(m), care);
    object->count_own--;
    return EAGER_LIVES;
}

/* The owner gives up the last reference that he counts: his half is as it was at birth, and
 * stays that, if nobody else has counted anything. */
static inline enum eager_fate release_last(
        struct gc_mutator *m, struct gc_object *object, uint32_t early, uint32_t care)
{
    /* [sync EA2] seq_cst: after the removal, before whatever a racing load counts.
     * [sync BI1] acquire: as in release_shared(). */
    if (gc_unlikely(gc_atomic_load_seq_cst(&object->count_high) != U0))
        return release_shared(object, last_of(m), care);
    /* After the look: who has made a weak reference has dropped his own since. */
    const uint32_t state = gc_eager_state(object, early);
    if (gc_unlikely(((state | CARE_ALWAYS) & care) != 0)) {
        if (gc_broken(KEEP_FOR_FINALIZER)) object->count_own = 0;
        return EAGER_CARE;
    }
    gc_schedule_yield(); /* between look and death */
    if (gc_broken(LAST_BY_EXCHANGE)) {
        gc_atomic_store_relaxed(&object->count, GC_COUNT_DEAD);
        return EAGER_DEAD;
    }
    if (gc_unlikely((care & EAGER_BY_COUNT) != 0))
        return release_shared(object, last_of(m), care);
    gc_assert(!m->has_removed, "what was removed may still be seen in its slot");
    gc_object_set_gone(object, state);
    return EAGER_GONE;
}

/* What cascades meet most is an object that its owner alone has counted, once. */
static inline enum eager_fate eager_release(
        struct gc_mutator *m, struct gc_object *object, uint32_t care)
{
    const uint32_t early = gc_broken(LOOK_FIRST) ? gc_object_state(object) : 0;
    gc_schedule_yield(); /* between removal and look */
    /* Another may not read the owner's part of the word, so first comes whose it is. */
    if (gc_unlikely(!gc_biased_is_mine(m, object) || object->count_own != 1))
        return release_counted(m, object, care);
    return release_last(m, object, early, care);
}

static inline bool eager_is_at_home(struct gc_mutator *m, struct gc_block *block)
{
    return block->home == m;
}

bool gc_biased_drop_slow(struct gc_mutator *m, struct gc_object *object)
{
    if (gc_biased_is_mine(m, object)) object->count_own = 1; /* it has reached 0 */
    return eager_drop_last(m, object);
}

static bool eager_drop_unless_last(struct gc_mutator *m, struct gc_object *object)
{
    return eager_release(m, object, CARE_ALWAYS) == EAGER_LIVES;
}

/* --- what core asks ---------------------------------------------------------------------- */

/* World stopped: nobody else changes the word. */
static void hold(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    if (!gc_broken(HOLD_MERGED)) merge(object);
    bool taken = gc_biased_take_other(object);
    gc_assert(taken, "a dead object is held");
    (void)taken;
}

static bool kill(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    uint32_t high = M1;
    if (gc_broken(RELEASE_BY_EXCHANGE)) {
        if (gc_atomic_load_relaxed(&object->count_high) != M1) return false;
        gc_schedule_yield();
        gc_atomic_store_relaxed(&object->count_high, GC_BIASED_DEAD);
        return true;
    }
    gc_schedule_yield(); /* somebody may take it, or let it go */
    /* [sync BI1] acq_rel: as in release_shared(). (BI3) */
    return gc_atomic_compare_exchange_acq_rel(&object->count_high, &high, GC_BIASED_DEAD);
}

static uint64_t total(const struct gc_object *object)
{
    uint32_t low = gc_atomic_load_relaxed(&object->count_low);
    uint32_t high = gc_atomic_load_relaxed(&object->count_high);
    if (gc_unlikely(gc_object_is_dead(object))) return GC_COUNT_DEAD;
    int64_t n = (int64_t)(high & GC_BIASED_N) - (int64_t)GC_BIASED_ZERO;
    if (gc_unlikely(gc_biased_is_stuck(high))) return UINT64_C(1) << 61;
    return (uint64_t)(n + ((uint16_t)low != 0 ? low / GC_BIASED_ONE : 0));
}

static void immortalize(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    uint32_t high = gc_atomic_load_relaxed(&object->count_high);
    uint32_t after;
    do {
        after = (high & ~GC_BIASED_N) | (GC_BIASED_STUCK + GC_BIASED_ZERO / 4);
    } while (!gc_atomic_compare_exchange_relaxed(&object->count_high, &high, after));
}

static int home_start(struct gc_mutator *home)
{
    struct gc_biased *own = (struct gc_biased *)(void *)home->protocol_area;
    if (home->number >= UINT16_MAX) return -EAGAIN; /* no id is left */
    own->id = (uint16_t)(home->number + 1);
    home->protocol_data = gc_os_alloc(sizeof(struct queue));
    if (home->protocol_data == NULL) return -ENOMEM;
    home->birth_count = (uint64_t)U0 << 32 | GC_BIASED_ONE | own->id;
    return 0;
}

static void free_batches(struct batch *batch)
{
    for (struct batch *next; batch != NULL; batch = next) {
        next = batch->next;
        gc_os_free(batch);
    }
}

static void home_finish(struct gc_mutator *home)
{
    struct queue *queue = queue_of(home);
    free_batches(gc_atomic_load_relaxed(&queue->sent));
    free_batches(queue->merged);
    free_batches(queue->spare);
    gc_os_free(queue);
}

static const struct gc_field fields[] = {
    { .name = "owner", .shift = 0, .bits = 16 },
    { .name = "own", .shift = GC_FIELD_SHIFT(GC_BIASED_ONE), .bits = 16 },
    { .name = "shared", .shift = 32, .bits = 29, .zero = GC_BIASED_ZERO },
    { .name = "QUEUED", .shift = 32 + GC_FIELD_SHIFT(GC_BIASED_QUEUED), .bits = 1 },
    { .name = "MERGED", .shift = 32 + GC_FIELD_SHIFT(GC_BIASED_MERGED), .bits = 1 },
    { .name = "DEAD", .shift = 32 + GC_FIELD_SHIFT(GC_BIASED_DEAD), .bits = 1 },
    GC_FIELD_END,
};

const struct gc_protocol gc_protocol_biased = {
    .name = "biased",
    .summary = "eager counting, plain for an object's owner and atomic for others; "
               "mutators run in parallel",
    .flags = GC_PROTOCOL_COUNTED | GC_PROTOCOL_RACES | GC_PROTOCOL_LEAVES_COUNTS |
             (GC_EAGER_LINKS_FRAMES ? GC_PROTOCOL_FRAMES : 0),
    EAGER_OPERATIONS,
    .home_start = home_start,
    .home_finish = home_finish,
    .has_sent = has_sent,
    .drain = drain,
    .settle = settle,
    .kill = kill,
    .hold = hold,
    .layout = { .mask = (uint64_t)UINT32_MAX << 32,
            .value = (uint64_t)U0 << 32,
            .shift = 16 },
    .total = total,
    .immortalize = immortalize,
    .fields = fields,
};
