/* SPDX-License-Identifier: MIT */
/* snapshot.c - the heap of a real program: rebuilt, collected live, taken apart.
 *
 * The threads share the objects out, make them, and connect them; the graph is then read
 * back and compared with the file's digest. After a collection that must find nothing the
 * roots are dropped in the plan's steps, with a collection after each. What must be gone
 * then is known from the graph (snapshot_oracle.h), object by object, and is compared
 * with what is still in the heap. Comparing is not measured.
 *
 * An object keeps its number and its size: slots, then raw bytes that begin with the
 * number.
 */
#include <errno.h>
#include <string.h>

#include "core/os.h"
#include "workloads/snapshot_file.h"
#include "workloads/snapshot_oracle.h"
#include "workloads/workload.h"

static const struct gc_type container_type =
        GC_ARRAY_TYPE("container", .flags = GC_TYPE_ARRAY);
static const struct gc_type tuple_type =
        GC_ARRAY_TYPE("tuple", .flags = GC_TYPE_ARRAY | GC_TYPE_IMMUTABLE);
static const struct gc_type leaf_type =
        GC_ARRAY_TYPE("leaf", .flags = GC_TYPE_ARRAY | GC_TYPE_LEAF);

enum { FILE_LENGTH = 1024 };

struct snapshot_options {
    char file[FILE_LENGTH];
    int64_t steps;
};

static const struct gc_option options[] = {
    { .name = "file",
            .kind = GC_OPTION_TEXT,
            .offset = offsetof(struct snapshot_options, file),
            .max = FILE_LENGTH,
            .standard = "",
            .doc = "the snapshot, as `gclab import` writes it" },
    { .name = "steps",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct snapshot_options, steps),
            .min = 1,
            .max = 100000,
            .standard = "64",
            .doc = "steps in which the roots are dropped" },
    GC_OPTION_END,
};

struct heap_of_file {
    struct gc_snapshot *snapshot;
    struct gc_snapshot_plan *plan;
    gc_slot *made; /* each object, while the graph is built */
    gc_slot *held; /* each root's, in the plan's order, until its step */
    struct gc_root_range made_range, held_range;
    uint8_t *alive; /* thread 0, while it compares */
};

/* --- before and after ------------------------------------------------------------------ */

static void destroy(struct heap_of_file *heap)
{
    gc_snapshot_plan_destroy(heap->plan);
    gc_snapshot_destroy(heap->snapshot);
    gc_os_free(heap->made);
    gc_os_free(heap->held);
    gc_os_free(heap->alive);
    gc_os_free(heap);
}

static int load(struct heap_of_file *heap, const struct snapshot_options *o,
        uint64_t seed, struct gc_error *error)
{
    if (o->file[0] == '\0')
        return gc_error_set(
                error, -EINVAL, "workload snapshot needs an option file=NAME");
    int result = gc_snapshot_read(o->file, &heap->snapshot, error);
    if (result != 0) return result;
    result = gc_snapshot_plan_create(
            heap->snapshot, (uint32_t)o->steps, seed, &heap->plan, error);
    if (result != 0) return result;
    uint32_t objects = heap->snapshot->object_count;
    heap->made = gc_os_alloc((objects + (size_t)1) * sizeof(gc_slot));
    heap->held = gc_os_alloc((heap->plan->root_count + (size_t)1) * sizeof(gc_slot));
    heap->alive = gc_os_alloc(objects + (size_t)1);
    if (heap->made == NULL || heap->held == NULL || heap->alive == NULL)
        return gc_error_set(error, -ENOMEM, "there is no memory for %u objects", objects);
    return 0;
}

static int setup(struct gc_mutator *m, struct gc_trial *trial)
{
    struct heap_of_file *heap = gc_os_alloc(sizeof(*heap));
    if (heap == NULL) {
        gc_trial_fail(trial, "there is no memory for a snapshot");
        return -ENOMEM;
    }
    struct gc_error error = { "" };
    int result = load(heap, trial->options, trial->seed, &error);
    if (result != 0) {
        gc_trial_fail(trial, "%s", error.text);
        destroy(heap);
        return result;
    }
    gc_roots_add(m->heap, &heap->made_range, heap->made, heap->snapshot->object_count);
    gc_roots_add(m->heap, &heap->held_range, heap->held, heap->plan->root_count);
    trial->data = heap;
    return 0;
}

static void finish(struct gc_mutator *m, struct gc_trial *trial)
{
    struct heap_of_file *heap = trial->data;
    gc_roots_remove(m->heap, &heap->held_range);
    gc_roots_remove(m->heap, &heap->made_range);
    destroy(heap);
}

/* --- building ---------------------------------------------------------------------------- */

static struct gc_array **made(struct heap_of_file *heap, uint32_t object)
{
    return (struct gc_array **)(void *)&heap->made[object];
}

static uint64_t number_of(struct gc_array *array)
{
    uint64_t number;
    memcpy(&number, gc_array_bytes(array), sizeof(number));
    return number;
}

static bool make(struct gc_mutator *m, struct heap_of_file *heap, uint32_t object)
{
    const struct gc_snapshot *s = heap->snapshot;
    uint32_t flags = s->flags[object];
    const struct gc_type *type = &leaf_type;
    if ((flags & GC_SNAPSHOT_CONTAINER) != 0)
        type = (flags & GC_SNAPSHOT_IMMUTABLE) != 0 ? &tuple_type : &container_type;
    uint32_t slots = gc_snapshot_degree(s, object);
    uint64_t fixed = sizeof(struct gc_array) + (uint64_t)slots * sizeof(gc_slot);
    uint64_t bytes = s->size[object] > fixed ? s->size[object] - fixed : 0;
    if (bytes < sizeof(uint64_t)) bytes = sizeof(uint64_t);
    struct {
        struct gc_frame frame;
        struct gc_array *array;
    } at;
    gc_enter(m, at);
    bool done = gc_new_array(m, &at.array, type, slots, (uint32_t)bytes);
    if (done) {
        uint64_t number = object;
        memcpy(gc_array_bytes(at.array), &number, sizeof(number));
        gc_store_root(m, made(heap, object), at.array);
    }
    gc_leave(m, at);
    return done;
}

static void connect(struct gc_mutator *m, struct heap_of_file *heap, uint32_t object)
{
    const struct gc_snapshot *s = heap->snapshot;
    struct {
        struct gc_frame frame;
        struct gc_array *from, *to;
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.from, made(heap, object));
    uint32_t slots = gc_snapshot_degree(s, object);
    for (uint32_t i = 0; i < slots; i++) {
        gc_load_root(m, &at.to, made(heap, s->edges[s->first_edge[object] + i]));
        gc_store_new(m, at.from, slot[i], at.to);
    }
    gc_leave(m, at);
    gc_safepoint(m);
}

/* What the live object's slots add to the digest. */
static uint64_t digest(struct gc_mutator *m, struct heap_of_file *heap, uint32_t object)
{
    struct {
        struct gc_frame frame;
        struct gc_array *from, *to;
    } at;
    uint64_t sum = 0;
    gc_enter(m, at);
    gc_load_root(m, &at.from, made(heap, object));
    for (uint32_t i = 0; i < at.from->slots; i++) {
        gc_load(m, &at.to, at.from, slot[i]);
        sum += gc_snapshot_digest_edge(
                (uint32_t)number_of(at.from), i, (uint32_t)number_of(at.to));
    }
    gc_leave(m, at);
    gc_safepoint(m);
    return sum;
}

static void hold_roots(struct gc_mutator *m, struct heap_of_file *heap)
{
    struct {
        struct gc_frame frame;
        struct gc_array *object;
    } at;
    gc_enter(m, at);
    for (uint32_t i = 0; i < heap->plan->root_count; i++) {
        uint32_t root = heap->plan->root_order[i];
        gc_load_root(m, &at.object, made(heap, heap->snapshot->roots[root].object));
        gc_store_root(m, (struct gc_array **)(void *)&heap->held[i], at.object);
    }
    gc_leave(m, at);
}

/* --- comparing ---------------------------------------------------------------------------- */

static bool note_alive(struct gc_object *object, void *argument)
{
    struct heap_of_file *heap = argument;
    heap->alive[number_of((struct gc_array *)(void *)object)] = 1;
    return true;
}

/* Whether the object must be gone when the steps before `done` have been taken. */
static bool must_be_gone(const struct gc_trial *trial, uint32_t object, uint32_t done)
{
    const struct heap_of_file *heap = trial->data;
    if (!trial->promises_to_reclaim || heap->plan->death_step[object] >= done)
        return false;
    return trial->promises_cycles || heap->plan->counted[object] != 0;
}

/* Thread 0, the others waiting: what is in the heap must be what the graph says. */
static void compare(struct gc_mutator *m, struct gc_trial *trial, uint32_t done)
{
    struct heap_of_file *heap = trial->data;
    uint32_t objects = heap->snapshot->object_count;
    gc_trial_unmeasured_begin(trial);
    memset(heap->alive, 0, objects);
    gc_stop_begin(m);
    gc_heap_walk_stw(m->heap, note_alive, heap);
    gc_stop_end_unlogged(m);
    uint64_t lost = 0, left = 0;
    for (uint32_t i = 0; i < objects; i++) {
        bool gone = must_be_gone(trial, i, done);
        lost += !gone && !heap->alive[i];
        left += gone && heap->alive[i];
    }
    if (lost > 0)
        gc_trial_fail(trial, "after step %u, %llu objects are gone that must be alive",
                done, (unsigned long long)lost);
    if (left > 0)
        gc_trial_fail(trial, "after step %u, %llu objects are left that must be gone",
                done, (unsigned long long)left);
    gc_trial_unmeasured_end(trial);
}

/* --- the run ------------------------------------------------------------------------------- */

static void collect_and_compare(
        struct gc_mutator *m, struct gc_trial *trial, uint32_t thread, uint32_t done)
{
    gc_trial_wait(trial, m);
    if (thread == 0) {
        gc_collect_wait(m);
        gc_collect(m, GC_GENERATIONS - 1);
        compare(m, trial, done);
    }
    gc_trial_wait(trial, m);
}

static void rebuild(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    struct heap_of_file *heap = trial->data;
    uint64_t first, end, sum = 0;
    gc_trial_share_fixed(trial, thread, heap->snapshot->object_count, &first, &end);
    for (uint32_t i = (uint32_t)first; i < end; i++)
        if (!make(m, heap, i)) break;
    gc_trial_wait(trial, m);
    for (uint32_t i = (uint32_t)first; i < end; i++)
        connect(m, heap, i);
    gc_trial_wait(trial, m);
    for (uint32_t i = (uint32_t)first; i < end; i++)
        sum += digest(m, heap, i);
    gc_trial_add(trial, sum);
    if (thread == 0) hold_roots(m, heap);
    gc_trial_wait(trial, m);
    for (uint32_t i = (uint32_t)first; i < end; i++) {
        gc_store_root_null(m, made(heap, i));
        gc_safepoint(m);
    }
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    struct heap_of_file *heap = trial->data;
    const struct gc_snapshot_plan *plan = heap->plan;
    rebuild(m, trial, thread);
    collect_and_compare(m, trial, thread, 0);
    for (uint32_t s = 0; s < plan->step_count; s++) {
        const struct gc_snapshot_step *step = &plan->steps[s];
        uint64_t first, end;
        gc_trial_share_fixed(trial, thread, step->root_count, &first, &end);
        for (uint64_t i = first; i < end; i++) {
            gc_store_root_null(m, &heap->held[step->first_root + i]);
            gc_safepoint(m);
        }
        collect_and_compare(m, trial, thread, s + 1);
    }
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    struct heap_of_file *heap = trial->data;
    uint64_t counted = 0;
    for (uint32_t s = 0; s < heap->plan->step_count; s++)
        counted += heap->plan->steps[s].counted.objects;
    trial->checksum = trial->sum;
    if (trial->checksum != heap->snapshot->digest)
        gc_trial_fail(trial, "the graph in the heap is not the one in the file");
    trial->ops = trial->planted = heap->snapshot->object_count;
    trial->planted_cyclic = trial->planted - counted;
    trial->planted_is_known = true;
}

GC_WORKLOAD(snapshot) = {
    GC_WORKLOAD_HEADER(snapshot),
    .summary =
            "the heap of a real program: rebuilt, collected live, dropped root by root",
    .card = "live: the whole snapshot, then less and less; allocates only at the start; "
            "one "
            "giant cyclic component and many small ones",
    .unit = "objects",
    .race_free = true,
    .options = options,
    .options_size = sizeof(struct snapshot_options),
    .setup = setup,
    .run = run,
    .report = report,
    .finish = finish,
};
