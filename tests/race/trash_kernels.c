/* SPDX-License-Identifier: MIT */
/* trash_kernels.c - kernels about collections that let the world run in between. */
#include "tests/race/kernel.h"

static struct trial *current;
static uint32_t finalized, cleared;

static const struct gc_type small_type = GC_TYPE(struct small, .slots = 2);

static void make(struct gc_mutator *m, struct small **local, const struct gc_type *type)
{
    expect(gc_new_slow(m, GC_SLOT(local), type, 0, 0), "no memory");
    (*local)->kind = KIND_PUBLIC;
}

/* A ring of n, linked by a, and backwards by b where `twice`; held by nobody afterwards. */
static void make_ring_of(
        struct gc_mutator *m, int n, const struct gc_type *type, bool twice)
{
    struct {
        struct gc_frame frame;
        struct small *first, *last, *next;
    } at;
    gc_enter(m, at);
    make(m, &at.first, type);
    gc_set(m, &at.last, at.first);
    for (int i = 1; i < n; i++) {
        make(m, &at.next, type);
        gc_store(m, at.last, a, at.next);
        if (twice) gc_store(m, at.next, b, at.last);
        gc_move(m, &at.last, &at.next);
    }
    gc_store(m, at.last, a, at.first);
    gc_leave(m, at);
}

/* --- finalizers that cut ------------------------------------------------------------------ */

static int cut(struct gc_mutator *m, struct gc_object *object)
{
    struct small *self = (struct small *)(void *)object;
    expect(self->kind == KIND_PUBLIC, "the finalizer of something that is gone runs");
    finalized++;
    gc_store_null(m, self, a);
    expect(self->kind == KIND_PUBLIC, "an object is freed under its finalizer");
    return 0;
}
static const struct gc_type cut_type = GC_TYPE(struct small, .slots = 2, .finalize = cut);

enum { RING = 5 };

static void make_to_be_cut(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    make_ring_of(m, RING, &cut_type, (t->seed & 1) != 0);
}

/* Who collects has made the ring, or somebody who is gone. What dies by the cuts alone
 * nobody had to find. */
static void run_cut(struct trial *t)
{
    finalized = 0;
    if (draw(t, 2) == 0) {
        make_to_be_cut(t->m, t);
    } else {
        start(t, make_to_be_cut);
        join(t);
    }
    int64_t found = gc_collect(t->m, 2);
    expect(found == 0, "who has died of its count alone is counted as found");
    expect(finalized == RING, "a finalizer ran twice, or not at all");
}

/* --- a member that is resolved while it is released ------------------------------------------ */

/* Cuts its ring of two, and makes a weak reference to the other. */
static int leave_weak(struct gc_mutator *m, struct gc_object *object)
{
    struct small *self = (struct small *)(void *)object;
    struct {
        struct gc_frame frame;
        struct small *other;
        struct gc_weak *weak;
    } at;
    if (finalized++ > 0) return 0;
    gc_enter(m, at);
    gc_load(m, &at.other, self, a);
    expect(gc_new_weak(m, &at.weak, at.other, NULL, (struct small *)NULL), "no memory");
    gc_store_root_shared(m, &current->slots[0], at.weak);
    gc_store_null(m, self, a);
    gc_leave(m, at);
    gc_schedule_yield();
    return 0;
}
static const struct gc_type leave_weak_type =
        GC_TYPE(struct small, .slots = 2, .finalize = leave_weak);

static void resolve(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct gc_weak *weak;
        struct small *target;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < 12; i++) {
        gc_load_root_shared(m, &at.weak, &t->slots[0]);
        if (at.weak != NULL) gc_load_weak(m, &at.target, at.weak);
        if (at.target != NULL) {
            gc_schedule_yield();
            expect(at.target->kind == KIND_PUBLIC, "what is held is freed");
            expect(gc_refcount(m, &at.target->header) > 0, "what is held is dead");
            gc_clear(m, &at.target);
        }
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void run_release(struct trial *t)
{
    finalized = 0;
    current = t;
    make_ring_of(t->m, 2, &leave_weak_type, false);
    start(t, resolve);
    start(t, resolve);
    gc_collect(t->m, 2);
    join(t);
}

/* --- weak references that finalizers make ------------------------------------------------- */

static int make_weak_to_self(struct gc_mutator *m, struct gc_object *object)
{
    struct small *self = (struct small *)(void *)object;
    struct {
        struct gc_frame frame;
        struct gc_weak *weak;
    } at;
    gc_enter(m, at);
    expect(gc_new_weak(m, &at.weak, self, NULL, (struct small *)NULL), "no memory");
    gc_store_root_shared(m, &current->slots[0], at.weak);
    gc_leave(m, at);
    return 0;
}

/* Clears as core does; the weak reference must give nothing by now. */
static int look_while_clearing(struct gc_mutator *m, struct gc_object *object)
{
    struct small *self = (struct small *)(void *)object;
    struct {
        struct gc_frame frame;
        struct gc_weak *weak;
        struct small *target;
    } at;
    gc_enter(m, at);
    gc_load_root_shared(m, &at.weak, &current->slots[0]);
    gc_load_weak(m, &at.target, at.weak);
    expect(at.target == NULL, "a weak reference gives what is being cleared");
    gc_leave(m, at);
    cleared++;
    gc_store_null(m, self, a);
    gc_store_null(m, self, b);
    return 0;
}
static const struct gc_type look_type = GC_TYPE(struct small, .slots = 2,
        .finalize = make_weak_to_self, .clear = look_while_clearing);

static void run_weak_again(struct trial *t)
{
    current = t;
    cleared = 0;
    make_ring_of(t->m, 2, &look_type, (t->seed & 1) != 0);
    gc_collect(t->m, 2);
    expect(cleared > 0, "nothing was cleared");
}

/* --- survivors of the clearing ------------------------------------------------------------- */

static int escape(struct gc_mutator *m, struct gc_object *object)
{
    struct small *self = (struct small *)(void *)object;
    if (cleared++ == 0) gc_store_root_shared(m, &current->slots[0], self);
    gc_store_null(m, self, a);
    gc_store_null(m, self, b);
    gc_schedule_yield();
    return 0;
}
static const struct gc_type escape_type =
        GC_TYPE(struct small, .slots = 2, .clear = escape);

/* Makes the ring, then lets go of whoever has escaped. */
static void make_and_let_go(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *found;
    } at;
    make_ring_of(m, 2, &escape_type, false);
    gate_pass(&t->gate, m);
    gc_enter(m, at);
    for (int i = 0; i < 20; i++) {
        gc_load_root_shared(m, &at.found, &t->slots[0]);
        gc_store_root_shared(m, &t->slots[0], (struct small *)NULL);
        if (at.found != NULL)
            expect(at.found->kind == KIND_PUBLIC, "what is held is freed");
        gc_clear(m, &at.found);
        gc_safepoint(m);
    }
    gc_leave(m, at);
    for (int i = 0; i < 4; i++) { /* uses the cell again */
        make_ring_of(m, 1, &small_type, false);
        gc_safepoint(m);
    }
}

static void run_survivor(struct trial *t)
{
    current = t;
    cleared = 0;
    start(t, make_and_let_go);
    gate_await(&t->gate, t->m, 1);
    gate_open(&t->gate);
    gc_collect(t->m, 2);
    join(t);
}

/* --- collections one after the other, on different threads --------------------------------- */

static void make_and_collect(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    for (int i = 0; i < 3; i++) {
        make_ring_of(m, 2, (t->seed & 1) != 0 ? &cut_type : &small_type, false);
        gc_collect(m, 2);
    }
}

static void run_turns(struct trial *t)
{
    start(t, make_and_collect);
    start(t, make_and_collect);
    join(t);
    gc_collect(t->m, 2);
}

#define GENERATIONAL "generational", "threshold0=0"

const struct kernel trash_kernels[] = {
    { "cut", "the finalizers of a ring cut it while it is collected", GENERATIONAL, false,
            run_cut },
    { "release", "members of the trash are resolved while they are released",
            GENERATIONAL, false, run_release },
    { "weak_again", "the finalizers of a ring make weak references to it", GENERATIONAL,
            false, run_weak_again },
    { "survivor", "a member escapes while it is cleared, and its home lets it go",
            GENERATIONAL, false, run_survivor },
    { "turns", "two collect, one after the other", GENERATIONAL, false, run_turns },
    { NULL, NULL, NULL, NULL, false, NULL },
};
