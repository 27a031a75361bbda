/* SPDX-License-Identifier: MIT */
/* contend.c - who counts what: references to objects of a thread's own, to objects that all
 * threads use, and to objects that one thread makes and another one drops.
 *
 * An operation draws one of three:
 *   shared   takes `pairs` references to a random shared object and drops them. Each thread
 *            made its share of these objects, which stay to the end.
 *   handoff  makes a parcel, puts it into a random box of another thread, and empties one
 *            of its own boxes. It walks and drops what came out of either: made by another
 *            thread, unless the parcel before was never fetched.
 *   private  as shared, with an object of the thread's own; all that is left.
 * Who drops which parcel depends on how the threads interleave; the sum over all parcels
 * does not, because each is walked once: at the end all boxes are emptied.
 */
#include <errno.h>

#include "core/os.h"
#include "workloads/workload.h"

struct node {
    struct gc_object header;
    struct node *next;
    uint64_t key;
};

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 1);
static const struct gc_type table_type = GC_ARRAY_TYPE("table", .flags = GC_TYPE_ARRAY);

enum { BOXES = 64 }; /* of a thread */

struct contend_options {
    int64_t count, shared, handoff, pairs, objects, parcel;
};

#define OPTION(member) .offset = offsetof(struct contend_options, member)

static const struct gc_option options[] = {
    { .name = "count",
            .kind = GC_OPTION_INT,
            OPTION(count),
            .min = 1,
            .max = 1000000000000,
            .standard = "5000000",
            .doc = "operations of all threads together" },
    { .name = "shared",
            .kind = GC_OPTION_INT,
            OPTION(shared),
            .min = 0,
            .max = 100,
            .standard = "10",
            .doc = "per cent of operations on objects that all threads use" },
    { .name = "handoff",
            .kind = GC_OPTION_INT,
            OPTION(handoff),
            .min = 0,
            .max = 100,
            .standard = "5",
            .doc = "per cent of operations that hand a new object to another thread" },
    { .name = "pairs",
            .kind = GC_OPTION_INT,
            OPTION(pairs),
            .min = 1,
            .max = 1000000,
            .standard = "4",
            .doc = "references that an operation takes to its object, and drops" },
    { .name = "objects",
            .kind = GC_OPTION_INT,
            OPTION(objects),
            .min = 1,
            .max = 10000000,
            .standard = "1000",
            .doc = "objects of each thread's own, and as many that are shared by all" },
    { .name = "parcel",
            .kind = GC_OPTION_INT,
            OPTION(parcel),
            .min = 1,
            .max = 1000000,
            .standard = "1",
            .doc = "objects that are handed over at once, in a chain" },
    GC_OPTION_END,
};

/* Of thread i, written by it behind each part of its operations, and at its end. */
struct account {
    uint64_t parcels; /* that it made */
    uint64_t
            boxed; /* that it put into boxes, less those that it took out: the sum over all
                         threads is what lies there */
};

/* All threads'. */
struct contend {
    struct gc_root_range range;
    gc_slot tables[2]; /* roots; constant during run(): the shared objects, the boxes */
    struct account accounts[];
};

static struct gc_array **shared_table(struct contend *contend)
{
    return (struct gc_array **)(void *)&contend->tables[0];
}

static struct gc_array **box_table(struct contend *contend)
{
    return (struct gc_array **)(void *)&contend->tables[1];
}

/* *out = a chain of n objects whose first key is this. */
static bool make_parcel(struct gc_mutator *m, struct node **out, int64_t n, uint64_t key)
{
    struct {
        struct gc_frame frame;
        struct node *head, *node;
    } at;
    gc_enter(m, at);
    bool made = true;
    for (int64_t i = n; i > 0 && made; i--) {
        made = gc_new(m, &at.node, &node_type);
        if (!made) break;
        at.node->key = key + (uint64_t)i;
        gc_give(m, at.node, next, &at.head);
        gc_move(m, &at.head, &at.node);
    }
    gc_move(m, out, &at.head);
    gc_leave(m, at);
    return made;
}

/* One thread's own. */
struct worker {
    const struct contend_options *options;
    struct gc_random random;
    uint32_t thread, threads;
    uint32_t box; /* that it looks into next */
    struct account account;
};

/* Swaps *parcel with what is in a box, then walks that and drops it; what it was worth. */
static uint64_t swap(struct gc_mutator *m, struct worker *worker, struct gc_array *boxes,
        uint32_t box, struct node **parcel)
{
    uint64_t sum = 0;
    worker->account.boxed += *parcel != NULL;
    gc_exchange(m, boxes, slot[box], parcel);
    worker->account.boxed -= *parcel != NULL;
    while (*parcel != NULL) {
        sum += gc_mix((*parcel)->key);
        gc_load(m, parcel, *parcel, next);
        gc_safepoint(m);
    }
    return sum;
}

/* Takes further references to an object and drops them; what it was worth. */
static uint64_t use(struct gc_mutator *m, struct node *node, int64_t pairs)
{
    struct {
        struct gc_frame frame;
        struct node *copy;
    } at;
    gc_enter(m, at);
    for (int64_t i = 1; i < pairs; i++) {
        gc_set(m, &at.copy, node);
        gc_clear(m, &at.copy);
        if (i % 64 == 0) gc_safepoint(m);
    }
    gc_leave(m, at);
    return gc_mix(node->key);
}

static uint32_t box_of_another(struct worker *worker)
{
    uint32_t to = worker->thread;
    if (worker->threads > 1)
        to += 1 + gc_random_below(&worker->random, worker->threads - 1);
    return to % worker->threads * BOXES + gc_random_below(&worker->random, BOXES);
}

/* A part of the operations of one thread. */
static uint64_t operate(struct gc_mutator *m, const struct gc_trial_part *part,
        struct worker *worker, struct gc_array *own, struct gc_array *shared,
        struct gc_array *boxes)
{
    const struct contend_options *o = worker->options;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    uint64_t sum = 0;
    uint32_t objects = (uint32_t)o->objects;
    gc_enter(m, at);
    for (uint64_t i = part->first; i < part->end; i++) {
        uint32_t drawn = gc_random_below(&worker->random, 100);
        if (drawn < o->handoff) {
            if (!make_parcel(m, &at.node, o->parcel, gc_mix(i))) break;
            worker->account.parcels++;
            sum += swap(m, worker, boxes, box_of_another(worker), &at.node);
            sum += swap(m, worker, boxes, worker->thread * BOXES + worker->box, &at.node);
            worker->box = (worker->box + 1) % BOXES;
            continue;
        }
        uint32_t place = gc_random_below(&worker->random, objects);
        if (drawn < o->handoff + o->shared)
            gc_load_shared(m, &at.node, shared, slot[place]);
        else
            gc_load(m, &at.node, own, slot[place]);
        sum += use(m, at.node, o->pairs);
        gc_clear(m, &at.node);
        if (i % 64 == 0) gc_safepoint(m);
    }
    gc_leave(m, at);
    return sum;
}

/* Fills places first .. end - 1 of a table with objects whose keys are their places. */
static bool fill(
        struct gc_mutator *m, struct gc_array *table, uint64_t first, uint64_t end)
{
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    gc_enter(m, at);
    bool made = true;
    for (uint64_t i = first; i < end && made; i++) {
        made = make_parcel(m, &at.node, 1, i);
        if (made) gc_give(m, table, slot[i], &at.node);
    }
    gc_leave(m, at);
    return made;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    const struct contend_options *o = trial->options;
    struct contend *contend = trial->data;
    struct worker worker = {
        .options = o,
        .random = gc_random_stream(trial->seed, thread),
        .thread = thread,
        .threads = trial->threads,
    };
    struct {
        struct gc_frame frame;
        struct gc_array *own, *shared, *boxes;
        struct node *parcel;
    } at;
    uint64_t first, end, objects = (uint64_t)o->objects, sum = 0;
    gc_enter(m, at);
    gc_load_root(m, &at.shared, shared_table(contend));
    gc_load_root(m, &at.boxes, box_table(contend));
    gc_trial_share_fixed(trial, thread, objects, &first, &end);
    bool made = fill(m, at.shared, first, end) &&
                gc_new_array(m, &at.own, &table_type, (uint32_t)objects, 0) &&
                fill(m, at.own, 0, objects);
    gc_trial_wait(trial, m); /* all shared objects are there */
    struct gc_trial_part part = { 0 };
    while (gc_trial_next_part(trial, m, thread, (uint64_t)o->count, &part)) {
        if (made) sum += operate(m, &part, &worker, at.own, at.shared, at.boxes);
        contend->accounts[thread] = worker.account;
    }
    gc_trial_wait(trial, m); /* nobody puts anything into a box any more */
    for (uint32_t i = 0; i < BOXES; i++)
        sum += swap(m, &worker, at.boxes, thread * BOXES + i, &at.parcel);
    contend->accounts[thread] = worker.account;
    gc_leave(m, at);
    gc_trial_add(trial, sum);
}

static bool make_table(struct gc_mutator *m, struct gc_array **root, uint32_t slots)
{
    struct {
        struct gc_frame frame;
        struct gc_array *table;
    } at;
    gc_enter(m, at);
    bool made = gc_new_array(m, &at.table, &table_type, slots, 0);
    if (made) gc_store_root(m, root, at.table);
    gc_leave(m, at);
    return made;
}

static int setup(struct gc_mutator *m, struct gc_trial *trial)
{
    const struct contend_options *o = trial->options;
    if (o->shared + o->handoff > 100) {
        gc_trial_fail(trial, "shared=%lld and handoff=%lld are more than all operations",
                (long long)o->shared, (long long)o->handoff);
        return -EINVAL;
    }
    struct contend *contend =
            gc_os_alloc(sizeof(*contend) + trial->threads * sizeof(contend->accounts[0]));
    if (contend == NULL) {
        gc_trial_fail(trial, "there is no memory for the plan");
        return -ENOMEM;
    }
    trial->data = contend;
    gc_roots_add(m->heap, &contend->range, contend->tables, 2);
    if (make_table(m, shared_table(contend), (uint32_t)o->objects))
        make_table(m, box_table(contend), trial->threads * BOXES);
    return 0;
}

static void expect(struct gc_mutator *m, struct gc_trial *trial, struct gc_live *ret_live)
{
    const struct contend_options *o = trial->options;
    const struct contend *contend = trial->data;
    const uint64_t tables = trial->threads + 1; /* and as many objects for each place */
    uint64_t boxed = 0;
    for (uint32_t i = 0; i < trial->threads; i++)
        boxed += contend->accounts[i].boxed;
    gc_live_add(ret_live, m, &table_type, (uint32_t)o->objects, 0, tables);
    gc_live_add(ret_live, m, &table_type, trial->threads * BOXES, 0, 1);
    gc_live_add(ret_live, m, &node_type, 0, 0,
            tables * (uint64_t)o->objects + boxed * (uint64_t)o->parcel);
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    const struct contend_options *o = trial->options;
    const struct contend *contend = trial->data;
    trial->ops = (uint64_t)o->count * (trial->weak_scaling ? trial->threads : 1);
    trial->checksum = trial->sum;
    for (uint32_t i = 0; i < trial->threads; i++) {
        trial->planted += contend->accounts[i].parcels * (uint64_t)o->parcel;
        trial->planted += (uint64_t)o->objects + 1; /* its own, and their table */
    }
    trial->planted_is_known = true;
}

static void finish(struct gc_mutator *m, struct gc_trial *trial)
{
    struct contend *contend = trial->data;
    gc_store_root_null(m, shared_table(contend));
    gc_store_root_null(m, box_table(contend));
    gc_roots_remove(m->heap, &contend->range);
    gc_os_free(contend);
}

GC_WORKLOAD(contend) = {
    GC_WORKLOAD_HEADER(contend),
    .summary = "references to private and to shared objects, and objects handed over",
    .card = "live: (T + 1) * `objects` objects, and what is in the boxes; `handoff` per "
            "cent of operations allocate; nothing cyclic",
    .unit = "operations",
    .race_free = true,
    .options = options,
    .options_size = sizeof(struct contend_options),
    .setup = setup,
    .run = run,
    .expect = expect,
    .report = report,
    .finish = finish,
};
