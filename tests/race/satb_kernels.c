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

/* --- references that are published ---------------------------------------------------------- */

enum { PUBLISHED = 5, LOOKS = 12 };

static void make(struct gc_mutator *m, struct small **local, uint64_t kind)
{
    expect(gc_new(m, local, &small_type), "no memory");
    (*local)->kind = kind;
}

/* Into slots of the one object that all know; each in a way of its own. */
static void publish(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *shared, *made, *old;
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.shared, &t->slots[0]);
    for (int i = 0; i < PUBLISHED; i++) {
        make(m, &at.made, KIND_PUBLIC);
        switch (draw(t, 5)) {
        case 0:
            gc_store_shared(m, at.shared, a, at.made);
            break;
        case 1:
            gc_exchange(m, at.shared, a, &at.made);
            if (at.made != NULL)
                expect(at.made->kind == KIND_PUBLIC,
                        "an exchange gives what was not stored");
            break;
        case 2:
            gc_load_shared(m, &at.old, at.shared, a);
            (void)gc_compare_exchange(m, at.shared, a, at.old, at.made);
            break;
        case 3:
            gc_store_shared(m, at.shared, b, at.made);
            break;
        default:
            gc_store_root_shared(m, &t->slots[1], at.made);
        }
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void look(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *shared, *found, *other;
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.shared, &t->slots[0]);
    for (int i = 0; i < LOOKS; i++) {
        const uint32_t from = draw(t, 3);
        if (from == 0)
            gc_load_shared(m, &at.found, at.shared, a);
        else if (from == 1)
            gc_load_shared(m, &at.found, at.shared, b);
        else
            gc_load_root_shared(m, &at.found, &t->slots[1]);
        if (at.found != NULL)
            expect(at.found->kind == KIND_PUBLIC, "a load gives what was not stored");
        make(m, &at.other, KIND_PRIVATE);
        if (at.found != NULL)
            expect(at.found->kind == KIND_PUBLIC,
                    "an object is freed that a local holds");
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void run_published(struct trial *t)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct small *shared;
    } at;
    gc_enter(m, at);
    make(m, &at.shared, KIND_PUBLIC);
    gc_store_root(m, &t->slots[0], at.shared);
    gc_leave(m, at);
    start(t, publish);
    start(t, publish);
    start(t, look);
    for (int i = 0; i < 2; i++) {
        dawdle(draw(t, 10));
        gc_collect(m, 2);
    }
    join(t);
    gc_store_root_null(m, &t->slots[0]);
    gc_store_root_null(m, &t->slots[1]);
}

/* --- large objects that are born while others are swept ------------------------------------ */

enum { LARGE = 4, LARGE_BYTES = 6000 };

static const struct gc_type large_type = GC_ARRAY_TYPE("large", .flags = GC_TYPE_ARRAY);

static void make_large(struct gc_mutator *m, void *argument)
{
    (void)argument;
    struct {
        struct gc_frame frame;
        struct gc_array *made;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < LARGE; i++) {
        expect(gc_new_array(m, &at.made, &large_type, 1, LARGE_BYTES), "no memory");
        *(char *)gc_array_bytes(at.made) = 1;
        gc_safepoint(m);
        expect(*(char *)gc_array_bytes(at.made) == 1,
                "an object is freed that a local holds");
    }
    gc_leave(m, at);
}

static void run_large(struct trial *t)
{
    start(t, make_large);
    start(t, make_large);
    for (int i = 0; i < 3; i++) {
        dawdle(draw(t, 10));
        gc_collect(t->m, 2);
    }
    join(t);
}

/* --- while frames are scanned --------------------------------------------------------------- */

enum { LONG = 60 };

/* Looks at what a local holds for about as long as a collection takes. */
static void watch(struct gc_mutator *m, struct small **held, size_t count)
{
    struct {
        struct gc_frame frame;
        struct small *other;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < LONG; i++) {
        for (size_t k = 0; k < count; k++)
            expect(held[k] == NULL || held[k]->kind == KIND_PUBLIC,
                    "an object is freed that a local holds");
        make(m, &at.other, KIND_PRIVATE); /* where it was, perhaps */
        gc_schedule_yield();
    }
    gc_leave(m, at);
}

/* Looks at one slot for a while, and keeps what was there last. */
static void take_some(struct gc_mutator *m, void *argument)
{
    enum { FOUND = 8 };
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *shared, *found[FOUND];
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.shared, &t->slots[0]);
    for (uint32_t i = draw(t, LONG); i > 0; i--) {
        gc_load_shared(m, &at.found[i % FOUND], at.shared, a);
        gc_schedule_yield();
        if (i % FOUND == 0) gc_safepoint(m);
    }
    watch(m, at.found, FOUND);
    gc_leave(m, at);
}

/* Puts new objects into that slot, or nothing, and keeps nothing. Between the stores there is
 * no safepoint. */
static void overwrite(struct gc_mutator *m, void *argument)
{
    enum { MADE = 3 };
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct small *shared, *made[MADE];
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.shared, &t->slots[0]);
    for (uint32_t n = 1 + draw(t, 4); n > 0; n--) {
        const bool makes = draw(t, 2) == 0;
        for (int i = 0; i < MADE && makes; i++)
            make(m, &at.made[i], KIND_PUBLIC);
        dawdle(draw(t, 10));
        for (int i = 0; i < MADE; i++) {
            gc_store_shared(m, at.shared, a, at.made[i]);
            gc_clear(m, &at.made[i]);
            gc_schedule_yield();
        }
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void run_overwritten(struct trial *t)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct small *shared, *first;
    } at;
    gc_enter(m, at);
    make(m, &at.shared, KIND_PUBLIC);
    make(m, &at.first, KIND_PUBLIC);
    gc_store(m, at.shared, a, at.first);
    gc_store_root(m, &t->slots[0], at.shared);
    gc_leave(m, at);
    start(t, take_some);
    start(t, overwrite);
    start(t, overwrite);
    dawdle(draw(t, 30));
    gc_collect(m, 2);
    join(t);
    gc_store_root_null(m, &t->slots[0]);
}

static void be_child(struct gc_mutator *m, void *argument)
{
    struct {
        struct gc_frame frame;
        struct small *start;
    } at;
    (void)argument;
    gc_enter(m, at);
    gc_take_start(m, &at.start);
    watch(m, &at.start, 1);
    gc_leave(m, at);
}

/* Hands the only reference to an object to a thread. */
static void be_parent(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct gc_mutator_thread child;
    struct {
        struct gc_frame frame;
        struct small *made;
    } at;
    gc_enter(m, at);
    dawdle(draw(t, 30));
    make(m, &at.made, KIND_PUBLIC);
    dawdle(draw(t, 10)); /* without a safepoint */
    int result = gc_spawn(m, &child, be_child, t, &at.made->header);
    gc_require(result == 0, "a thread can't be started: error %d", -result);
    gc_clear(m, &at.made);
    gc_leave(m, at);
    gc_join(m, &child);
}

static void run_child(struct trial *t)
{
    start(t, be_parent);
    gc_collect(t->m, 2);
    gc_collect(t->m, 2);
    join(t);
}

const struct kernel satb_kernels[] = {
    { "veto", "a weak reference is resolved while marking ends", "on_the_fly@satb", NULL,
            false, run_veto },
    { "published", "references are stored, exchanged and loaded beside a collection",
            "on_the_fly@satb", NULL, false, run_published },
    { "large", "large objects are born beside a collection", "on_the_fly@satb", NULL,
            false, run_large },
    { "overwritten", "a slot is overwritten and loaded while frames are scanned",
            "on_the_fly@satb", NULL, false, run_overwritten },
    { "child", "a reference is handed to a new thread while frames are scanned",
            "on_the_fly@satb", NULL, false, run_child },
    { NULL, NULL, NULL, NULL, false, NULL },
};
