/* SPDX-License-Identifier: MIT */
/* soak_leak.c - a workload that leaks as it is told to: what tests/soak has to notice. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include "core/os.h"
#include "core/plugin.h"
#include "workloads/workload.h"

struct node {
    struct gc_object header;
    struct node *next;
};

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 1);

struct leak_options {
    int64_t count, kept, lost;
};

#define OPTION(member)                                                                   \
    .offset = offsetof(struct leak_options, member), .min = 0, .max = 1 << 20

static const struct gc_option options[] = {
    { .name = "count",
            .kind = GC_OPTION_INT,
            OPTION(count),
            .standard = "1000",
            .doc = "objects of all threads" },
    { .name = "kept",
            .kind = GC_OPTION_INT,
            OPTION(kept),
            .standard = "0",
            .doc = "of a hundred objects: stay alive, unknown to the model" },
    { .name = "lost",
            .kind = GC_OPTION_INT,
            OPTION(lost),
            .standard = "0",
            .doc = "bytes outside of the heap that are lost for each object" },
    GC_OPTION_END,
};

/* Of a thread: so that sanitizers find what was lost. */
struct lost {
    struct lost *next;
};

static void lose(struct gc_trial *trial, struct lost **list, size_t bytes)
{
    if (bytes < sizeof(struct lost)) return;
    struct lost *lost = gc_os_alloc(bytes);
    if (lost == NULL) {
        gc_trial_fail(trial, "there is no memory to lose");
        return;
    }
    for (size_t i = sizeof(*lost); i < bytes; i++)
        ((volatile char *)lost)[i] = 1; /* resident */
    lost->next = *list;
    *list = lost;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t i)
{
    const struct leak_options *o = trial->options;
    struct {
        struct gc_frame frame;
        struct node *kept, *node;
    } at;
    struct lost *lost = NULL;
    struct gc_trial_part part = { 0 };
    gc_enter(m, at);
    while (gc_trial_next_part(trial, m, i, (uint64_t)o->count, &part)) {
        for (uint64_t k = part.first; k < part.end; k++) {
            lose(trial, &lost, (size_t)o->lost);
            if (!gc_new(m, &at.node, &node_type) || (int64_t)(k % 100) >= o->kept)
                continue;
            gc_give(m, at.node, next, &at.kept);
            gc_move(m, &at.kept, &at.node);
        }
        gc_clear(m, &at.node);
    }
    gc_leave(m, at);
    while (lost != NULL) {
        struct lost *next = lost->next;
        gc_os_free(lost);
        lost = next;
    }
}

/* Nothing. */
static void expect(struct gc_mutator *m, struct gc_trial *trial, struct gc_live *ret_live)
{
    (void)m, (void)trial, (void)ret_live;
}

static const struct gc_workload leak = {
    GC_WORKLOAD_HEADER(leak),
    .summary = "leaks as it is told to",
    .card = "live: nothing, or what it should not keep",
    .unit = "objects",
    .options = options,
    .options_size = sizeof(struct leak_options),
    .run = run,
    .expect = expect,
};

static const struct gc_workload *const workloads[] = { &leak, NULL };

GC_PLUGIN = {
    GC_PLUGIN_HEADER,
    .workloads = workloads,
};
