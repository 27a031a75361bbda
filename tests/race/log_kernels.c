/* SPDX-License-Identifier: MIT */
/* log_kernels.c - kernels about stores that log, compiled for the protocol that does. */
#undef GC_PROTOCOL_HEADER
#define GC_PROTOCOL_HEADER "core/protocol/log_object.h"

#include "tests/race/kernel.h"

static const struct gc_type small_type = GC_TYPE(struct small, .slots = 2);

static void make(struct gc_mutator *m, struct small **local)
{
    expect(gc_new_slow(m, GC_SLOT(local), &small_type, 0, 0), "no memory");
    (*local)->kind = KIND_PUBLIC;
}

/* Writes both slots of the one object that all share, and logs it thereby. */
static void write_both(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *shared, *mine;
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.shared, &t->slots[0]);
    make(m, &at.mine);
    gc_store_shared(m, at.shared, a, at.mine);
    gc_store_shared(m, at.shared, b, at.mine);
    gc_leave(m, at);
}

/* Two log the same object in one epoch; whichever record is taken first must hold what the
 * slots held at the last collection. The collector compares all counts with all slots. */
static void run_log(struct trial *t)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct small *shared, *old;
    } at;
    gc_enter(m, at);
    make(m, &at.shared);
    make(m, &at.old);
    gc_store(m, at.shared, a, at.old);
    gc_store(m, at.shared, b, at.old);
    gc_clear(m, &at.old);
    gc_store_root(m, &t->slots[0], at.shared);
    gc_collect(m, 0);
    start(t, write_both);
    start(t, write_both);
    join(t);
    gc_collect(m, 0);
    expect(at.shared->a->kind == KIND_PUBLIC && at.shared->b->kind == KIND_PUBLIC,
            "an object is freed that a slot holds");
    gc_store_root_null(m, &t->slots[0]);
    gc_leave(m, at);
}

const struct kernel log_kernels[] = {
    { "log", "two mutators log one object in one epoch", "coalescing@log_object", NULL,
            false, run_log },
    { NULL, NULL, NULL, NULL, false, NULL },
};
