/* SPDX-License-Identifier: MIT */
/* satb_kernels.c - kernels about tracing beside the mutators, compiled for its protocol. */
#undef GC_PROTOCOL_HEADER
#define GC_PROTOCOL_HEADER "core/protocol/satb.h"

#include "tests/race/kernel.h"

static const struct gc_type small_type = GC_TYPE(struct small, .slots = 2);

/* Takes the target once, at some time, and looks at it for a while. */
static void hold_target(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct gc_weak *weak;
        struct small *target, *other;
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.weak, &t->slots[0]);
    for (uint32_t n = draw(t, 40); n > 0; n--) {
        gc_schedule_yield();
        gc_safepoint(m);
    }
    gc_load_weak(m, &at.target, at.weak);
    for (int k = 0; k < 20 && at.target != NULL; k++) {
        expect(at.target->kind == KIND_PUBLIC, "an object is freed that a local holds");
        expect(gc_new(m, &at.other, &small_type),
                "no memory"); /* where it was, perhaps */
        at.other->kind = KIND_PRIVATE;
        gc_schedule_yield();
    }
    gc_leave(m, at);
}

/* A weak reference is the only one to its target while the collector closes. */
static void run_veto(struct trial *t)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct small *target;
        struct gc_weak *weak;
    } at;
    gc_enter(m, at);
    expect(gc_new_slow(m, GC_SLOT(&at.target), &small_type, 0, 0), "no memory");
    at.target->kind = KIND_PUBLIC;
    expect(gc_new_weak(m, &at.weak, at.target, NULL, (struct small *)NULL), "no memory");
    gc_store_root(m, &t->slots[0], at.weak);
    gc_leave(m, at);
    start(t, hold_target);
    start(t, hold_target);
    dawdle(draw(t, 10));
    gc_collect(m, 2);
    gc_collect(m, 2);
    join(t);
    gc_store_root_null(m, &t->slots[0]);
}

const struct kernel satb_kernels[] = {
    { "veto", "a weak reference is resolved while marking ends", "on_the_fly@satb", NULL,
            false, run_veto },
    { NULL, NULL, NULL, NULL, false, NULL },
};
