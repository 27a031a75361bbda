/* SPDX-License-Identifier: MIT */
/* out_of_memory_program.c - a small program that uses everything that allocates: heap,
 * mutators, objects of all sizes, weak references, finalizers, threads, collections.
 * Compiled once per protocol, with GC_PROTOCOL_HEADER given by the build. */
#include "tests/core/out_of_memory.h"

#include "core/mutator.h"
#include "core/verify.h"
#include "tests/support.h"

#define PASTE2(name, protocol) name##_##protocol
#define PASTE(name, protocol)  PASTE2(name, protocol)

static int finalize(struct gc_mutator *m, struct gc_object *object)
{
    (void)m, (void)object;
    return 0;
}

static int call_back(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    (void)m, (void)weak, (void)data;
    return 0;
}

static const struct gc_type finalized_type =
        GC_TYPE(struct node, .slots = 2, .finalize = finalize);

static void on_exhausted(struct gc_mutator *m, size_t bytes, void *argument)
{
    (void)m, (void)bytes, (void)argument;
}

static void run_thread(struct gc_mutator *m, void *argument)
{
    struct {
        struct gc_frame frame;
        struct node *ring;
    } at;
    uint32_t *refusals = argument;
    gc_enter(m, at);
    *refusals += !make_ring(m, &at.ring, 30);
    gc_leave(m, at);
}

static void verify(struct outcome *outcome, struct gc_mutator *m)
{
    /* It needs memory itself: that it has none is no verdict. */
    int result = gc_verify(m, 3, &outcome->error);
    if (result == -22) outcome->unsound++;
    if (result == -12) outcome->refusals++;
}

static void use(struct outcome *outcome, struct gc_mutator *m)
{
    struct {
        struct gc_frame frame;
        struct node *ring, *finalized;
        struct gc_array *array;
        struct gc_weak *weak;
    } at;
    static const uint32_t sizes[] = { 10, 700, 5000 };
    gc_enter(m, at);
    outcome->refusals += !make_ring(m, &at.ring, 50);
    for (size_t i = 0; i < COUNT(sizes); i++)
        outcome->refusals += !gc_new_array(m, &at.array, &bytes_type, 0, sizes[i]);
    for (int i = 0; i < 70; i++) {
        bool made = gc_new(m, &at.finalized, &finalized_type);
        outcome->refusals += !made;
        if (made) gc_store(m, at.finalized, left, at.finalized);
        if (made)
            outcome->refusals +=
                    !gc_new_weak(m, &at.weak, at.finalized, call_back, at.ring);
        if (i % 16 == 0) verify(outcome, m);
    }
    gc_collect(m, 0);
    gc_collect(m, 2);
    verify(outcome, m);
    gc_leave(m, at);
}

/* An object that no region holds. To touch all of it takes longer than all else: only where
 * nothing was refused before. */
static void use_large(struct outcome *outcome, struct gc_mutator *m)
{
    struct {
        struct gc_frame frame;
        struct gc_array *array;
    } at;
    if (outcome->refusals > 0) return;
    gc_enter(m, at);
    outcome->refusals += !gc_new_array(m, &at.array, &bytes_type, 0, 5u << 20);
    gc_leave(m, at);
}

static void use_threads(struct outcome *outcome, struct gc_mutator *m)
{
    struct gc_mutator_thread threads[3];
    uint32_t refusals[3] = { 0 };
    bool started[3];
    for (int i = 0; i < 3; i++) {
        started[i] = gc_spawn(m, &threads[i], run_thread, &refusals[i], NULL) == 0;
        outcome->refusals += !started[i];
    }
    for (int i = 0; i < 3; i++) {
        if (started[i]) gc_join(m, &threads[i]);
        outcome->refusals += refusals[i];
    }
}

void PASTE(out_of_memory_run, GC_PROTOCOL_NAME)(struct outcome *outcome)
{
    struct gc_heap_config config = {
        .collector = outcome->collector,
        .protocol = outcome->protocol,
        .options = outcome->options,
        .on_exhausted = on_exhausted,
    };
    struct gc_heap *heap;
    struct gc_mutator *m;
    if (gc_heap_create(&config, &heap, &outcome->error) != 0) {
        outcome->refusals++;
        return;
    }
    if (gc_attach(heap, &m) == 0) {
        use(outcome, m);
        use_threads(outcome, m);
        use_large(outcome, m);
        gc_quiesce(m);
        verify(outcome, m);
        struct gc_stall_log *stalls = gc_heap_read_stalls(heap);
        outcome->refusals += stalls == NULL;
        gc_os_free(stalls);
        gc_detach(m);
        outcome->completed = true;
    } else {
        outcome->refusals++;
    }
    gc_heap_destroy(heap);
}
