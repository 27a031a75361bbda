/* SPDX-License-Identifier: MIT */
/* count_kernels.c - kernels about counts: racing loads, weak references, finalizers, and
 * memory that stays what it was. */
#include "tests/race/kernel.h"

#include <string.h>

/* --- a slot that is loaded while it is written ------------------------------------------- */

enum { LOADS = 8, STORES = 5 };

static _Atomic(uint32_t)
        loading; /* mutators inside gc_load_shared(), a bit each; relaxed */
static _Atomic(uint32_t) watched_made, watched_finalized; /* relaxed: counted */

/* A load frees nothing, so it runs no finalizer. */
static int not_in_a_load(struct gc_mutator *m, struct gc_object *object)
{
    (void)object;
    expect((gc_atomic_load_relaxed(&loading) >> m->number & 1) == 0,
            "a finalizer runs inside of a load");
    gc_atomic_fetch_add_relaxed(&watched_finalized, 1);
    return 0;
}

static const struct gc_type big_type = GC_TYPE(struct big, .slots = 2);
static const struct gc_type watched_type =
        GC_TYPE(struct big, .slots = 2, .finalize = not_in_a_load);

static void make(struct gc_mutator *m, struct big **local, uint64_t id, uint64_t kind,
        const struct gc_type *type)
{
    expect(gc_new_slow(m, GC_SLOT(local), type, 0, 0), "no memory");
    (*local)->id = id;
    (*local)->kind = kind;
    memset((*local)->bytes, 0, BIG_BYTES);
}

static void load_from_slot(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *loaded;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < LOADS; i++) {
        gc_atomic_fetch_or_relaxed(&loading, 1u << m->number);
        gc_load_root_shared(m, &at.loaded, &t->slots[0]);
        gc_atomic_fetch_and_relaxed(&loading, ~(1u << m->number));
        if (at.loaded != NULL) {
            uint64_t id = at.loaded->id;
            expect(at.loaded->kind == KIND_PUBLIC, "a load gives what was not stored");
            gc_schedule_yield();
            expect(at.loaded->kind == KIND_PUBLIC && at.loaded->id == id,
                    "what a load has given becomes another object");
            gc_clear(m, &at.loaded);
        }
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void store_to_slot(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    const bool watched = (t->seed & 1) != 0;
    const bool plain = (t->seed & 2) != 0; /* nobody else stores there */
    if (watched) gc_atomic_fetch_add_relaxed(&watched_made, STORES);
    struct {
        struct gc_frame frame;
        struct big *made;
    } at;
    gc_enter(m, at);
    for (uint64_t i = 1; i <= STORES; i++) {
        make(m, &at.made, i, KIND_PUBLIC, watched ? &watched_type : &big_type);
        if (plain)
            gc_store_root(m, &t->slots[0], at.made);
        else
            gc_store_root_shared(m, &t->slots[0], at.made);
        if (draw(t, 2) == 0) gc_clear(m, &at.made);
        gc_schedule_yield();
        if (plain)
            gc_store_root(m, &t->slots[0], (struct big *)NULL);
        else
            gc_store_root_shared(m, &t->slots[0], (struct big *)NULL);
        make(m, &at.made, i, KIND_PRIVATE, &big_type); /* gets the cell, if it is free */
        gc_schedule_yield();
        expect(at.made->kind == KIND_PRIVATE && at.made->id == i,
                "an object is taken from who holds it");
        gc_clear(m, &at.made);
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void count_none(void)
{
    gc_atomic_store_relaxed(&loading, 0);
    gc_atomic_store_relaxed(&watched_made, 0);
    gc_atomic_store_relaxed(&watched_finalized, 0);
}

static void expect_finalized(struct trial *t)
{
    gc_store_root_null(t->m, &t->slots[0]);
    gc_quiesce(t->m);
    expect(gc_atomic_load_relaxed(&watched_finalized) ==
                    gc_atomic_load_relaxed(&watched_made),
            "a finalizer ran twice, or not at all");
}

static void run_load(struct trial *t)
{
    count_none();
    start(t, store_to_slot);
    start(t, load_from_slot);
    start(t, load_from_slot);
    join(t);
    expect_finalized(t);
}

/* Mutator by itself, on a thread that nobody has announced. */
static void attach_and_load(void *argument)
{
    struct trial *t = argument;
    struct gc_mutator *m;
    expect(gc_attach(t->heap, &m) == 0, "no memory");
    load_from_slot(m, t);
    gc_detach(m);
}

static void run_joined(struct trial *t)
{
    struct gc_thread thread;
    count_none();
    expect(gc_thread_start(&thread, attach_and_load, t) == 0, "no memory");
    store_to_slot(t->m, t);
    gc_blocked_begin(t->m);
    gc_thread_join(&thread);
    gc_blocked_end(t->m);
    expect_finalized(t);
}

/* --- a weak reference that is resolved while its target dies ------------------------------ */

enum { RESOLVES = 6, TARGET_ID = 77 };

static uint32_t finalized;

static int resurrect_once(struct gc_mutator *m, struct gc_object *object);
static const struct gc_type coming_back_type =
        GC_TYPE(struct big, .slots = 2, .finalize = resurrect_once);
static struct trial *current;

static int resurrect_once(struct gc_mutator *m, struct gc_object *object)
{
    struct big *self = (struct big *)(void *)object;
    gc_schedule_yield();
    finalized++;
    gc_store_root_shared(m, &current->slots[2], self);
    return 0;
}

static void resolve(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct gc_weak *weak;
        struct big *target;
    } at;
    bool gone = false;
    gc_enter(m, at);
    gc_load_root(m, &at.weak, &t->slots[1]);
    for (int i = 0; i < RESOLVES; i++) {
        gc_load_weak(m, &at.target, at.weak);
        if (at.target == NULL) {
            gone = true;
        } else {
            expect(!gone, "a weak reference that was NULL is not NULL any more");
            gc_schedule_yield();
            expect(at.target->id == TARGET_ID && at.target->kind == KIND_PUBLIC,
                    "a weak reference gives another object than its target");
        }
        gc_clear(m, &at.target);
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

/* Drops one of the target's two references, then makes something in its place. */
static void let_go(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *target;
    } at;
    gc_enter(m, at);
    gc_load_root(m, &at.target, &t->slots[3]);
    gate_pass(&t->gate, m);
    gc_clear(m, &at.target);
    gc_leave(m, at);
}

static void run_weak(struct trial *t)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct big *target;
        struct gc_weak *weak;
    } at;
    finalized = 0;
    current = t;
    const bool comes_back = draw(t, 2) == 0;
    gc_enter(m, at);
    make(m, &at.target, TARGET_ID, KIND_PUBLIC,
            comes_back ? &coming_back_type : &big_type);
    expect(gc_new_weak(m, &at.weak, at.target, NULL, (struct big *)NULL), "no memory");
    gc_store_root(m, &t->slots[1], at.weak);
    gc_clear(m, &at.weak);
    gc_store_root(m, &t->slots[3], at.target);
    start(t, let_go);
    gate_await(&t->gate, m, 1);
    gc_store_root_null(m, &t->slots[3]); /* two hold it now: we, and that thread */
    start(t, resolve);
    gate_open(&t->gate);
    gc_clear(m, &at.target);
    for (uint64_t i = 0; i < 3; i++) {
        make(m, &at.target, i, KIND_PRIVATE, &big_type);
        dawdle(2);
        expect(at.target->kind == KIND_PRIVATE && at.target->id == i,
                "an object is taken from who holds it");
        gc_clear(m, &at.target);
        gc_safepoint(m);
    }
    join(t);
    if (comes_back) expect(finalized == 1, "a finalizer ran twice, or not at all");
    gc_leave(m, at);
}

/* --- finalizers --------------------------------------------------------------------------- */

/* Takes a reference to its object and drops it: a last one, if nobody held it. */
static int hold_for_a_moment(struct gc_mutator *m, struct gc_object *object)
{
    struct {
        struct gc_frame frame;
        struct big *self;
    } at;
    struct big *self = (struct big *)(void *)object;
    finalized++;
    gc_enter(m, at);
    gc_set(m, &at.self, self);
    gc_schedule_yield();
    gc_clear(m, &at.self);
    expect(self->kind == KIND_PUBLIC && self->id == TARGET_ID,
            "an object is freed under its finalizer");
    if (finalized == 1) gc_store_root_shared(m, &current->slots[2], self);
    gc_leave(m, at);
    return 0;
}

static const struct gc_type held_type =
        GC_TYPE(struct big, .slots = 2, .finalize = hold_for_a_moment);

static void run_finalizer(struct trial *t)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct big *object;
    } at;
    finalized = 0;
    current = t;
    gc_enter(m, at);
    make(m, &at.object, TARGET_ID, KIND_PUBLIC, &held_type);
    gc_clear(m, &at.object);
    expect(finalized == 1, "a finalizer ran twice, or not at all");
    expect(t->slots[2] != NULL, "a finalizer's object was not brought back");
    gc_store_root_null(m, &t->slots[2]);
    expect(finalized == 1, "a finalizer runs a second time");
    gc_leave(m, at);
}

/* --- what several have written to, and a finalizer reads ---------------------------------- */

static int read_all(struct gc_mutator *m, struct gc_object *object)
{
    struct big *self = (struct big *)(void *)object;
    uint32_t written = 0;
    for (int i = 0; i <= TRIAL_THREADS; i++)
        written += self->bytes[i] != 0;
    expect(written <= self->id && self->kind == KIND_PUBLIC,
            "the finalizer of something that is gone runs");
    (void)m;
    finalized++;
    return 0;
}
static const struct gc_type read_type =
        GC_TYPE(struct big, .slots = 2, .finalize = read_all);

/* Each of who holds it writes what is his own. */
static void write_and_drop(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *held;
    } at;
    gc_enter(m, at);
    gc_load_root_shared(m, &at.held, &t->slots[0]);
    if (at.held != NULL) at.held->bytes[m->number] = 1;
    gc_schedule_yield();
    gc_clear(m, &at.held);
    gc_leave(m, at);
}

static void make_and_write(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *made;
    } at;
    gc_enter(m, at);
    make(m, &at.made, TRIAL_THREADS + 1, KIND_PUBLIC, &read_type);
    gc_store_root_shared(m, &t->slots[0], at.made);
    at.made->bytes[m->number] = 1;
    dawdle(draw(t, 8));
    if ((t->seed & 1) != 0) gc_store_root_shared(m, &t->slots[0], (struct big *)NULL);
    dawdle(draw(t, 4));
    gc_clear(m, &at.made);
    gc_leave(m, at);
}

/* The last one to let go is its owner, or somebody else. */
static void run_written(struct trial *t)
{
    finalized = 0;
    start(t, make_and_write);
    start(t, write_and_drop);
    start(t, write_and_drop);
    dawdle(draw(t, 20));
    if ((t->seed & 1) == 0) gc_store_root_shared(t->m, &t->slots[0], (struct big *)NULL);
    join(t);
    gc_store_root_null(t->m, &t->slots[0]);
    gc_quiesce(t->m);
    expect(finalized == 1, "a finalizer ran twice, or not at all");
}

/* --- a block whose cells are all dead ----------------------------------------------------- */

struct page {
    struct gc_object header;
    char bytes[1500]; /* of another class: headers of the old cells lie in here */
};
static const struct gc_type page_type = GC_TYPE(struct page, .slots = 0);

enum { PAGES = 10, CELLS = 4 }; /* of a block */

static void empty_a_block(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *made[CELLS + 1];
        struct page *pages[PAGES];
    } at;
    gc_enter(m, at);
    for (int i = 0; i <= CELLS; i++) /* the last one lies in a block of its own */
        make(m, &at.made[i], 1, KIND_PUBLIC, &big_type);
    gc_store_root_shared(m, &t->slots[0], at.made[1]); /* which begins inside of a page */
    for (int i = 0; i < CELLS; i++)
        gc_clear(m, &at.made[i]);
    gc_schedule_yield();
    gc_store_root_shared(m, &t->slots[0], (struct big *)NULL);
    for (int i = 0; i < PAGES; i++) {
        expect(gc_new_slow(m, GC_SLOT(&at.pages[i]), &page_type, 0, 0), "no memory");
        memset(at.pages[i]->bytes, 0, sizeof(at.pages[i]->bytes));
    }
    for (int round = 0; round < 4; round++) {
        gc_schedule_yield();
        for (int i = 0; i < PAGES; i++)
            for (size_t k = 0; k < sizeof(at.pages[i]->bytes); k++)
                expect(at.pages[i]->bytes[k] == 0, "something writes into an object");
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void run_stable(struct trial *t)
{
    gc_atomic_store_relaxed(&loading, 0);
    start(t, empty_a_block);
    start(t, load_from_slot);
    start(t, load_from_slot);
    join(t);
}

/* The same, but it is used for the same class again, as soon as it may be. */
static void rebuild_a_block(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *made[2 * CELLS];
    } at;
    gc_enter(m, at);
    for (int i = 0; i <= CELLS; i++)
        make(m, &at.made[i], 1, KIND_PUBLIC, &big_type);
    gc_store_root_shared(m, &t->slots[0], at.made[1]);
    for (int i = 0; i < CELLS; i++)
        gc_clear(m, &at.made[i]);
    gc_schedule_yield();
    gc_store_root_shared(m, &t->slots[0], (struct big *)NULL);
    for (int i = 0; i < CELLS - 1; i++) /* the rest of the block that is current */
        make(m, &at.made[CELLS + 1 + i], 2, KIND_PRIVATE, &big_type);
    for (int i = 0; i < CELLS; i++)
        make(m, &at.made[i], 3, KIND_PRIVATE, &big_type);
    for (int round = 0; round < 4; round++) {
        gc_schedule_yield();
        for (int i = 0; i < CELLS; i++)
            expect(at.made[i]->kind == KIND_PRIVATE && at.made[i]->id == 3,
                    "an object is taken from who holds it");
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void run_rebuilt(struct trial *t)
{
    gc_atomic_store_relaxed(&loading, 0);
    start(t, rebuild_a_block);
    start(t, load_from_slot);
    start(t, load_from_slot);
    join(t);
}

/* --- a new object that gets its first references while others look -------------------------- */

static void look_inside(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *holder, *inside;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < LOADS; i++) {
        gc_load_root_shared(m, &at.holder, &t->slots[0]);
        if (at.holder != NULL) gc_load_shared(m, &at.inside, at.holder, a);
        if (at.inside != NULL)
            expect(at.inside->kind == KIND_PUBLIC, "a load gives what was not stored");
        gc_clear(m, &at.inside);
    }
    gc_leave(m, at);
}

static void run_filled(struct trial *t)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct big *holder, *inside;
    } at;
    gc_enter(m, at);
    make(m, &at.holder, 1, KIND_PUBLIC, &big_type);
    gc_store_root_shared(m, &t->slots[0], at.holder);
    start(t, look_inside);
    start(t, look_inside);
    make(m, &at.inside, 2, KIND_PUBLIC, &big_type);
    gc_store_new(m, at.holder, a, at.inside);
    join(t);
    gc_leave(m, at);
}

/* --- a type that two use for the first time ------------------------------------------------- */

enum { FRESH_TYPES = 1024 };

static struct gc_type fresh_types[FRESH_TYPES];
static struct gc_type_cell fresh_cells[FRESH_TYPES];
static const struct gc_type *fresh; /* const while threads run */

static void make_fresh(struct gc_mutator *m, void *argument)
{
    (void)argument;
    struct {
        struct gc_frame frame;
        struct big *made, *inside;
    } at;
    gc_enter(m, at);
    make(m, &at.made, 0, KIND_PUBLIC,
            &big_type); /* a block, whose lock orders what follows */
    dawdle(4);
    make(m, &at.inside, 1, KIND_PUBLIC, fresh);
    make(m, &at.made, 2, KIND_PUBLIC, fresh);
    gc_store(m, at.made, a, at.inside);
    gc_leave(m, at);
}

static void run_types(struct trial *t)
{
    static uint32_t used;
    const uint32_t n = used++ % FRESH_TYPES;
    if (fresh_types[n].cell == NULL) {
        fresh_types[n] = big_type;
        fresh_types[n].cell = &fresh_cells[n];
    }
    fresh = &fresh_types[n];
    start(t, make_fresh);
    start(t, make_fresh);
    join(t);
}

/* --- a weak reference that somebody makes who then lets go -------------------------------- */

static void make_weak(struct gc_mutator *m, void *argument)
{
    struct trial *t = argument;
    struct {
        struct gc_frame frame;
        struct big *target;
        struct gc_weak *weak;
    } at;
    gc_enter(m, at);
    gc_load_root_shared(m, &at.target, &t->slots[0]);
    if (at.target != NULL) {
        expect(gc_new_weak(m, &at.weak, at.target, NULL, (struct big *)NULL),
                "no memory");
        gc_clear(m, &at.target);
        dawdle(draw(t, 6));
        gc_load_weak(m, &at.target, at.weak);
        if (at.target != NULL)
            expect(at.target->kind == KIND_PUBLIC && at.target->id == TARGET_ID,
                    "a weak reference gives another object than its target");
    }
    gc_leave(m, at);
}

static void run_named(struct trial *t)
{
    struct gc_mutator *m = t->m;
    struct {
        struct gc_frame frame;
        struct big *holder, *made;
    } at;
    gc_enter(m, at);
    make(m, &at.holder, 0, KIND_PRIVATE, &big_type);
    make(m, &at.made, TARGET_ID, KIND_PUBLIC, &big_type);
    gc_store_root_shared(m, &t->slots[0], at.made);
    gc_store_new(m, at.holder, a, at.made);
    gc_clear(m, &at.made);
    start(t, make_weak);
    dawdle(draw(t, 4));
    gc_store_root_shared(m, &t->slots[0], (struct big *)NULL);
    dawdle(draw(t, 8));
    gc_clear(m, &at.holder);
    make(m, &at.made, 1, KIND_PRIVATE, &big_type);
    dawdle(4);
    expect(at.made->kind == KIND_PRIVATE && at.made->id == 1,
            "an object is taken from who holds it");
    gc_clear(m, &at.made);
    join(t);
    gc_leave(m, at);
}

const struct kernel count_kernels[] = {
    { "load", "a slot is loaded while it is written, its cells are used again at once",
            "refcount", NULL, false, run_load },
    { "joined", "a slot is loaded by who attaches while another is alone", "refcount",
            NULL, false, run_joined },
    { "weak", "a weak reference is resolved while two let its target go", "refcount",
            NULL, false, run_weak },
    { "finalizer", "a finalizer holds its object for a moment and brings it back",
            "refcount", NULL, false, run_finalizer },
    { "written", "a finalizer reads what all have written who have let go", "refcount",
            NULL, false, run_written },
    { "stable", "a slot is loaded while its block becomes one of another class",
            "refcount", NULL, false, run_stable },
    { "rebuilt", "a slot is loaded while its block is built again", "refcount", NULL,
            false, run_rebuilt },
    { "filled", "a new object is filled while others look inside", "refcount", NULL,
            false, run_filled },
    { "types", "a type is used for the first time by two at once", "refcount", NULL,
            false, run_types },
    { "named", "a weak reference is made to what its owner lets go of", "refcount", NULL,
            false, run_named },
    { NULL, NULL, NULL, NULL, false, NULL },
};
