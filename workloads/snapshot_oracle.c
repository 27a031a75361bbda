/* SPDX-License-Identifier: MIT */
/* snapshot_oracle.c - plans of dropping roots, and what each step must reclaim. */
#include "workloads/snapshot_oracle.h"

#include <errno.h>
#include <stdbool.h>

#include "core/os.h"

enum { CLASSES = 4 };

#define UNREACHED UINT32_MAX       /* no root reaches it, so far */
#define SHARED    (UINT32_MAX - 1) /* several roots reach it */

/* A heap under reference counting. */
struct world {
    const struct gc_snapshot *snapshot;
    uint64_t *counts; /* of references to each object, those from outside included */
    uint8_t *freed;
    uint32_t *work; /* as long as there are objects */
};

/* [2 * objects] words for depth-first and label work lists, and what else a plan
 * needs while it is made. */
struct scratch {
    uint32_t *work;
    uint32_t *labels; /* the one root that reaches an object, UNREACHED or SHARED */
    struct world world;
};

/* Memory for `count` things and one more, so that none is never asked for. */
static void *allocate_array(uint64_t count, size_t bytes)
{
    return gc_os_alloc(((size_t)count + 1) * bytes);
}

/* The SplitMix64 generator: a counter, hashed. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* A number below `bound`, from the high half; its bias is under bound / 2^32. */
static uint32_t random_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((next_random(state) >> 32) * bound >> 32);
}

static void add_object(struct gc_snapshot_tally *tally,
        const struct gc_snapshot *snapshot, uint32_t object)
{
    tally->objects++;
    tally->containers += (snapshot->flags[object] & GC_SNAPSHOT_CONTAINER) != 0;
    tally->bytes += snapshot->size[object];
}

static void reset_world(struct world *world)
{
    const struct gc_snapshot *snapshot = world->snapshot;
    for (uint32_t i = 0; i < snapshot->object_count; i++) {
        world->counts[i] = 0;
        world->freed[i] = 0;
    }
    for (uint32_t i = 0; i < snapshot->edge_count; i++)
        world->counts[snapshot->edges[i]]++;
    for (uint32_t i = 0; i < snapshot->root_count; i++)
        world->counts[snapshot->roots[i].object] += snapshot->roots[i].count;
}

/* Drops the root's references and frees what counting frees of it. `labels` (may be
 * NULL) confines the cascade to objects that are labelled with the root. */
static void drop_root(struct world *world, uint32_t root, const uint32_t *labels,
        struct gc_snapshot_tally *tally)
{
    const struct gc_snapshot *snapshot = world->snapshot;
    uint32_t depth = 0;
    uint32_t object = snapshot->roots[root].object;
    if (labels != NULL && labels[object] != root) return;
    world->counts[object] -= snapshot->roots[root].count;
    if (world->counts[object] == 0) world->work[depth++] = object;
    while (depth > 0) {
        object = world->work[--depth];
        world->freed[object] = 1;
        add_object(tally, snapshot, object);
        for (uint32_t e = snapshot->first_edge[object];
                e < snapshot->first_edge[object + 1]; e++) {
            uint32_t target = snapshot->edges[e];
            if (labels != NULL && labels[target] != root) continue;
            if (--world->counts[target] == 0) world->work[depth++] = target;
        }
    }
}

/* Labels each object with the only root that reaches it. A label changes at most
 * twice (unreached, one root, shared), so the work list never holds more than two
 * entries an object. */
static void label_objects(const struct gc_snapshot *snapshot, struct scratch *scratch)
{
    uint32_t *labels = scratch->labels;
    uint64_t depth = 0;
    for (uint32_t i = 0; i < snapshot->object_count; i++)
        labels[i] = UNREACHED;
    for (uint32_t i = 0; i < snapshot->root_count; i++) {
        labels[snapshot->roots[i].object] = i;
        scratch->work[depth++] = snapshot->roots[i].object;
    }
    while (depth > 0) {
        uint32_t object = scratch->work[--depth];
        uint32_t label = labels[object];
        for (uint32_t e = snapshot->first_edge[object];
                e < snapshot->first_edge[object + 1]; e++) {
            uint32_t target = snapshot->edges[e];
            if (labels[target] == label || labels[target] == SHARED) continue;
            labels[target] = labels[target] == UNREACHED ? label : SHARED;
            scratch->work[depth++] = target;
        }
    }
}

/* Fills class[root] as the header says. `shares` has room for one word a root. */
static void classify_roots(const struct gc_snapshot *snapshot, struct scratch *scratch,
        uint32_t *shares, uint8_t *class)
{
    label_objects(snapshot, scratch);
    for (uint32_t i = 0; i < snapshot->object_count; i++)
        if (scratch->labels[i] < SHARED) shares[scratch->labels[i]]++;
    reset_world(&scratch->world);
    for (uint32_t i = 0; i < snapshot->root_count; i++) {
        struct gc_snapshot_tally freed = { 0 };
        drop_root(&scratch->world, i, scratch->labels, &freed);
        if (freed.objects < shares[i])
            class[i] = freed.objects > 0 ? 0 : 1;
        else
            class[i] = shares[i] > 1 ? 2 : 3;
    }
}

/* Puts the roots of each class together, shuffles each class, and deals them. */
static void deal_roots(struct gc_snapshot_plan *plan, const uint8_t *class,
        uint32_t *pack, uint64_t seed)
{
    uint32_t filled = 0;
    for (unsigned c = 0; c < CLASSES; c++) {
        uint32_t first = filled;
        for (uint32_t i = 0; i < plan->root_count; i++)
            if (class[i] == c) pack[filled++] = i;
        for (uint32_t i = filled; i > first + 1; i--) {
            uint32_t other = first + random_below(&seed, i - first);
            uint32_t root = pack[i - 1];
            pack[i - 1] = pack[other];
            pack[other] = root;
        }
    }
    /* The step that gets the first card gets every step_count-th after it. */
    uint32_t offset = random_below(&seed, plan->step_count);
    uint32_t placed = 0;
    for (uint32_t s = 0; s < plan->step_count; s++) {
        plan->steps[s].first_root = placed;
        uint64_t card = (s + (uint64_t)plan->step_count - offset) % plan->step_count;
        for (; card < plan->root_count; card += plan->step_count)
            plan->root_order[placed++] = pack[card];
        plan->steps[s].root_count = placed - plan->steps[s].first_root;
    }
}

/* The last root to reach an object kills it: goes through the steps backwards, and
 * gives each object that was not reached by a later step to this one. */
static void find_deaths(const struct gc_snapshot *snapshot, struct gc_snapshot_plan *plan,
        struct scratch *scratch)
{
    uint32_t *death = plan->death_step;
    for (uint32_t i = 0; i < snapshot->object_count; i++)
        death[i] = UNREACHED;
    for (uint32_t s = plan->step_count; s-- > 0;) {
        struct gc_snapshot_step *step = &plan->steps[s];
        uint32_t depth = 0;
        for (uint32_t i = 0; i < step->root_count; i++) {
            uint32_t root = plan->root_order[step->first_root + i];
            uint32_t object = snapshot->roots[root].object;
            if (death[object] != UNREACHED) continue;
            death[object] = s;
            scratch->work[depth++] = object;
        }
        while (depth > 0) {
            uint32_t object = scratch->work[--depth];
            add_object(&step->unreachable, snapshot, object);
            for (uint32_t e = snapshot->first_edge[object];
                    e < snapshot->first_edge[object + 1]; e++) {
                uint32_t target = snapshot->edges[e];
                if (death[target] != UNREACHED) continue;
                death[target] = s;
                scratch->work[depth++] = target;
            }
        }
    }
}

/* Counting alone: what it leaks once stays, and keeps what it refers to. */
static void count_leaking(const struct gc_snapshot *snapshot,
        struct gc_snapshot_plan *plan, struct scratch *scratch)
{
    reset_world(&scratch->world);
    for (uint32_t s = 0; s < plan->step_count; s++) {
        struct gc_snapshot_step *step = &plan->steps[s];
        for (uint32_t i = 0; i < step->root_count; i++)
            drop_root(&scratch->world, plan->root_order[step->first_root + i], NULL,
                    &step->counted);
        step->cyclic.objects = step->unreachable.objects - step->counted.objects;
        step->cyclic.containers = step->unreachable.containers - step->counted.containers;
        step->cyclic.bytes = step->unreachable.bytes - step->counted.bytes;
    }
    for (uint32_t i = 0; i < snapshot->object_count; i++)
        plan->counted[i] = scratch->world.freed[i];
}

/* Counting with a collection after each step. `by_death` receives the objects in the
 * order of their steps. */
static void count_collecting(const struct gc_snapshot *snapshot,
        struct gc_snapshot_plan *plan, struct scratch *scratch, uint32_t *by_death)
{
    struct world *world = &scratch->world;
    uint32_t *next = scratch->labels; /* no longer needed; steps <= roots <= objects */
    uint64_t first = 0;
    for (uint32_t s = 0; s < plan->step_count; s++) {
        next[s] = (uint32_t)first;
        first += plan->steps[s].unreachable.objects;
    }
    for (uint32_t i = 0; i < snapshot->object_count; i++)
        by_death[next[plan->death_step[i]]++] = i;

    reset_world(world);
    uint32_t at = 0;
    for (uint32_t s = 0; s < plan->step_count; s++) {
        struct gc_snapshot_step *step = &plan->steps[s];
        for (uint32_t i = 0; i < step->root_count; i++)
            drop_root(world, plan->root_order[step->first_root + i], NULL, &step->prompt);
        plan->mixed_steps += step->counted.objects > 0 &&
                             step->prompt.objects < step->unreachable.objects;
        /* Collect: the rest of this step's dead let go of the living. */
        for (; at < next[s]; at++) {
            uint32_t object = by_death[at];
            if (world->freed[object]) continue;
            world->freed[object] = 1;
            for (uint32_t e = snapshot->first_edge[object];
                    e < snapshot->first_edge[object + 1]; e++) {
                uint32_t target = snapshot->edges[e];
                if (plan->death_step[target] > s) world->counts[target]--;
            }
        }
    }
}

static void free_scratch(struct scratch *scratch)
{
    gc_os_free(scratch->work);
    gc_os_free(scratch->labels);
    gc_os_free(scratch->world.counts);
    gc_os_free(scratch->world.freed);
}

static bool allocate_scratch(const struct gc_snapshot *snapshot, struct scratch *scratch)
{
    uint64_t objects = snapshot->object_count;
    scratch->work = allocate_array(2 * objects, sizeof(*scratch->work));
    scratch->labels = allocate_array(objects, sizeof(*scratch->labels));
    scratch->world.snapshot = snapshot;
    scratch->world.counts = allocate_array(objects, sizeof(*scratch->world.counts));
    scratch->world.freed = allocate_array(objects, sizeof(*scratch->world.freed));
    scratch->world.work = scratch->work;
    return scratch->work != NULL && scratch->labels != NULL &&
           scratch->world.counts != NULL && scratch->world.freed != NULL;
}

static struct gc_snapshot_plan *allocate_plan(
        const struct gc_snapshot *snapshot, uint32_t steps)
{
    struct gc_snapshot_plan *plan = gc_os_alloc(sizeof(*plan));
    if (plan == NULL) return NULL;
    plan->step_count = steps < snapshot->root_count ? steps : snapshot->root_count;
    plan->object_count = snapshot->object_count;
    plan->root_count = snapshot->root_count;
    plan->steps = allocate_array(plan->step_count, sizeof(*plan->steps));
    plan->root_order = allocate_array(plan->root_count, sizeof(*plan->root_order));
    plan->death_step = allocate_array(plan->object_count, sizeof(*plan->death_step));
    plan->counted = allocate_array(plan->object_count, sizeof(*plan->counted));
    if (plan->steps != NULL && plan->root_order != NULL && plan->death_step != NULL &&
            plan->counted != NULL)
        return plan;
    gc_snapshot_plan_destroy(plan);
    return NULL;
}

int gc_snapshot_plan_create(const struct gc_snapshot *snapshot, uint32_t steps,
        uint64_t seed, struct gc_snapshot_plan **ret_plan, struct gc_error *error)
{
    if (steps == 0) return gc_error_set(error, -EINVAL, "a plan needs at least one step");
    int result = 0;
    struct scratch scratch = { 0 };
    uint64_t objects = snapshot->object_count;
    struct gc_snapshot_plan *plan = allocate_plan(snapshot, steps);
    uint32_t *shares = allocate_array(snapshot->root_count, sizeof(*shares));
    uint32_t *pack = allocate_array(objects, sizeof(*pack));
    uint8_t *class = allocate_array(snapshot->root_count, 1);
    if (plan == NULL || shares == NULL || pack == NULL || class == NULL ||
            !allocate_scratch(snapshot, &scratch)) {
        result = gc_error_set(error, -ENOMEM,
                "there is not enough memory to plan for %u objects",
                snapshot->object_count);
        gc_snapshot_plan_destroy(plan);
        goto out;
    }
    classify_roots(snapshot, &scratch, shares, class);
    deal_roots(plan, class, pack, seed);
    find_deaths(snapshot, plan, &scratch);
    count_leaking(snapshot, plan, &scratch);
    count_collecting(snapshot, plan, &scratch, pack);
    *ret_plan = plan;
out:
    free_scratch(&scratch);
    gc_os_free(class);
    gc_os_free(pack);
    gc_os_free(shares);
    return result;
}

void gc_snapshot_plan_destroy(struct gc_snapshot_plan *plan)
{
    if (plan == NULL) return;
    gc_os_free(plan->counted);
    gc_os_free(plan->death_step);
    gc_os_free(plan->root_order);
    gc_os_free(plan->steps);
    gc_os_free(plan);
}
