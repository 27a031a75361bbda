/* SPDX-License-Identifier: MIT */
/* test_protocol_eager.c - what every protocol that counts at once owes: counts are exact
 * after every operation, whoever runs beside, and what nobody holds dies. Compiled for each
 * of them: GC_PROTOCOL_HEADER, SUITE and SUITE_NAME are given by the build. */
#include "tests/gate.h"
#include "tests/suites.h"
#include "tests/support.h"

int SUITE(void);

#define QUOTE_(text)   #text
#define QUOTE(text)    QUOTE_(text)
#define WITH(protocol) "@" QUOTE(protocol)
#define HERE           WITH(GC_PROTOCOL_NAME)

/* Drops what others have sent, and what was put off. */
static uint64_t count(struct gc_mutator *m, struct node *node)
{
    gc_safepoint(m);
    return gc_refcount(m, &node->header);
}

static void every_operation_counts_exactly(void)
{
    struct fixture f;
    gc_slot root = NULL;
    struct gc_root_range range;
    struct {
        struct gc_frame frame;
        struct node *a, *b, *x, *y;
        struct gc_weak *weak;
    } at;
    if (!fixture_open(&f, "refcount" HERE, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_roots_add(f.heap, &range, &root, 1);
    gc_enter(m, at);
    CU_ASSERT_PTR_NULL(at.a);
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    CU_ASSERT_EQUAL(count(m, at.a), 1);
    gc_store_new(m, at.a, left, at.b);
    CU_ASSERT_EQUAL(count(m, at.b), 2);
    gc_load(m, &at.x, at.a, left);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_load(m, &at.x, at.a, left); /* over itself */
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_load_shared(m, &at.y, at.a, left);
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    gc_load_shared(m, &at.y, at.a, left); /* over itself */
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    gc_load_shared(m, &at.y, at.a, right); /* which is NULL */
    CU_ASSERT_PTR_NULL(at.y);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_set(m, &at.y, at.a);
    CU_ASSERT_EQUAL(count(m, at.a), 2);
    gc_set(m, &at.y, at.y);
    CU_ASSERT_EQUAL(count(m, at.a), 2);
    gc_clear(m, &at.y);
    CU_ASSERT_EQUAL(count(m, at.a), 1);
    gc_move(m, &at.y, &at.x);
    CU_ASSERT_PTR_NULL(at.x);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_store(m, at.a, left, at.b); /* over itself */
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_store_shared(m, at.a, right, at.b);
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    gc_store_shared(m, at.a, right, at.b); /* over itself */
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    gc_store_null(m, at.a, right);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_give(m, at.a, right, &at.y);
    CU_ASSERT_PTR_NULL(at.y);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_exchange(m, at.a, right, &at.x);
    CU_ASSERT_PTR_EQUAL(at.x, at.b);
    CU_ASSERT_PTR_NULL(at.a->right);
    CU_ASSERT_EQUAL(count(m, at.b), 3);
    gc_store_root(m, &root, at.b);
    gc_load_root_shared(m, &at.y, &root);
    CU_ASSERT_EQUAL(count(m, at.b), 5);
    gc_store_root_shared(m, &root, (struct node *)NULL);
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    CU_ASSERT_TRUE(gc_new_weak(m, &at.weak, at.b, NULL, (struct node *)NULL));
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    gc_load_weak(m, &at.x, at.weak); /* over itself */
    CU_ASSERT_EQUAL(count(m, at.b), 4);
    fixture_verify(&f);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void compare_exchange_stores_only_over_what_is_expected(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *holder, *a, *b;
    } at;
    if (!fixture_open(&f, "refcount" HERE, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.holder, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    gc_store(m, at.holder, left, at.a);
    CU_ASSERT_FALSE(gc_compare_exchange(m, at.holder, left, at.b, at.holder));
    CU_ASSERT_EQUAL(count(m, at.a), 2);
    CU_ASSERT_EQUAL(count(m, at.holder), 1);
    CU_ASSERT_TRUE(gc_compare_exchange(m, at.holder, left, at.a, at.b));
    CU_ASSERT_EQUAL(count(m, at.a), 1);
    CU_ASSERT_EQUAL(count(m, at.b), 2);
    CU_ASSERT_TRUE(gc_compare_exchange(m, at.holder, left, at.b, (struct node *)NULL));
    CU_ASSERT_EQUAL(count(m, at.b), 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void copied_slots_are_counted(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *from, *to;
        struct node *a, *b;
    } at;
    if (!fixture_open(&f, "refcount" HERE, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.from, &array_type, 5, 0));
    CU_ASSERT_TRUE(gc_new_array(m, &at.to, &array_type, 4, 0));
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
    gc_store(m, at.from, slot[1], at.a);
    gc_store(m, at.from, slot[3], at.a);
    gc_store(m, at.to, slot[1], at.b);
    gc_copy_slots(m, at.to, slot[0], at.from, slot[1], 3);
    CU_ASSERT_PTR_EQUAL(at.to->slot[0], at.a);
    CU_ASSERT_PTR_NULL(at.to->slot[1]);
    CU_ASSERT_PTR_EQUAL(at.to->slot[2], at.a);
    CU_ASSERT_EQUAL(count(m, at.a), 5);
    CU_ASSERT_EQUAL(count(m, at.b), 1);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

/* --- deaths ------------------------------------------------------------------------------- */

/* Deeper by far than a small stack; ThreadSanitizer has nothing to see in one thread. */
enum { LONG = GC_TSAN ? 100000 : 1000000 };

struct deep {
    struct gc_heap *heap;
    bool ring;
    uint64_t left; /* objects, in the end */
};

static void die_deep(void *argument)
{
    struct deep *deep = argument;
    struct gc_mutator *m;
    struct {
        struct gc_frame frame;
        struct node *head;
    } at;
    if (gc_attach(deep->heap, &m) != 0) return;
    gc_enter(m, at);
    if (deep->ring)
        deep->left = !make_ring(m, &at.head, LONG);
    else
        deep->left = !make_chain(m, &at.head, LONG);
    gc_clear(m, &at.head);
    gc_leave(m, at);
    gc_quiesce(m);
    struct gc_heap_stats stats;
    gc_heap_read_stats(deep->heap, &stats);
    deep->left += stats.live_objects;
    gc_detach(m);
}

static void what_is_deep_dies_on_a_small_stack(void)
{
    static const struct {
        const char *collector, *options;
        bool ring;
    } cases[] = {
        { "refcount" HERE, NULL, false },
        { "generational" HERE, NULL, false },
        { "generational" HERE, NULL, true },
        { "generational" HERE, "detect=keep", true },
        { "generational" HERE, "detect=walk", true },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fixture f;
        if (!fixture_open(&f, cases[i].collector, cases[i].options, 0)) continue;
        struct deep deep = { .heap = f.heap, .ring = cases[i].ring, .left = 1 };
        gc_blocked_begin(f.m);
        run_on_small_stack((size_t)256 << 10, die_deep, &deep);
        gc_blocked_end(f.m);
        CU_ASSERT_EQUAL(deep.left, 0);
        CU_ASSERT(fixture_allocated(&f) == LONG);
        fixture_close(&f);
    }
}

static void a_cascade_is_counted_and_timed(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    if (!fixture_open(&f, "refcount" HERE, NULL, 0)) return;
    gc_enter(f.m, at);
    const struct gc_stall_sum *cascades = &f.m->stalls->causes[GC_STALL_cascade];
    CU_ASSERT_TRUE(make_chain(f.m, &at.chain, 20));
    gc_clear(f.m, &at.chain);
    CU_ASSERT_EQUAL(cascades->count, 0); /* not worth a clock reading */
    CU_ASSERT_TRUE(make_chain(f.m, &at.chain, 5000));
    gc_clear(f.m, &at.chain);
    CU_ASSERT_EQUAL(cascades->count, 1);
    CU_ASSERT_EQUAL(cascades->max_work, 5000);
    CU_ASSERT_EQUAL(f.m->counters.freed_by_count, 5020);
    gc_leave(f.m, at);
    fixture_close(&f);
}

/* --- shared by several -------------------------------------------------------------------- */

enum { SHARERS = 4, ROUNDS = 20000 };

static void share(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct {
        struct gc_frame frame;
        struct node *node, *copy, *loaded;
    } at;
    gc_enter(m, at);
    gc_take_start(m, &at.node);
    for (int i = 0; i < ROUNDS; i++) {
        gc_set(m, &at.copy, at.node);
        gc_load_shared(m, &at.loaded, at.node, left);
        gc_store_shared(m, at.node, right, at.loaded);
        gc_exchange(m, at.node, right, &at.copy);
        if (gc_compare_exchange(m, at.node, right, at.node, at.loaded)) worker->result++;
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void counts_of_a_shared_object_stay_exact(void)
{
    struct fixture f;
    struct worker workers[SHARERS];
    struct {
        struct gc_frame frame;
        struct node *node, *other;
    } at;
    if (!fixture_open(&f, "refcount" HERE, NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.node, &node_type));
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.other, &node_type));
    gc_store(f.m, at.node, left, at.other);
    workers_run(f.m, workers, SHARERS, share, NULL, &at.node->header);
    gc_store_null(f.m, at.node, right);
    CU_ASSERT_EQUAL(count(f.m, at.node), 1);
    CU_ASSERT_EQUAL(count(f.m, at.other), 2);
    fixture_verify(&f);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void hand_over(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    gc_slot *roots = worker->shared;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    gc_enter(m, at);
    for (int i = 0; i < 500; i++) {
        worker_expect(worker, make_chain(m, &at.chain, (size_t)i % 7 + 1));
        gc_store_root_shared(m, &roots[i % 2], at.chain); /* whose chain dies by that? */
        gc_clear(m, &at.chain);
    }
    gc_leave(m, at);
}

static void what_dies_elsewhere_is_counted_once(void)
{
    static const char *const collectors[] = { "refcount" HERE, "generational" HERE };
    for (size_t i = 0; i < COUNT(collectors); i++) {
        struct fixture f;
        struct worker workers[SHARERS];
        gc_slot roots[2] = { NULL, NULL };
        struct gc_root_range range;
        if (!fixture_open(&f, collectors[i], NULL, 0)) continue;
        gc_roots_add(f.heap, &range, roots, 2);
        workers_run(f.m, workers, SHARERS, hand_over, roots, NULL);
        gc_store_root_null(f.m, &roots[0]);
        gc_store_root_null(f.m, &roots[1]);
        uint64_t freed = 0;
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        gc_for_each_mutator (m, f.heap)
            freed += m->counters.freed_by_count;
        CU_ASSERT_EQUAL(freed, fixture_allocated(&f));
        fixture_verify(&f);
        gc_roots_remove(f.heap, &range);
        fixture_close(&f);
    }
}

/* --- finalizers, weak references, callbacks ------------------------------------------------- */

static struct {
    gc_slot root;
    uint32_t finalized, called;
    bool resurrects, target_was_there;
} life;

static int note_end(struct gc_mutator *m, struct gc_object *object)
{
    life.finalized++;
    if (life.resurrects) gc_protocol_store(m, NULL, &life.root, object);
    return 5;
}
static const struct gc_type mortal_type =
        GC_TYPE(struct node, .slots = 2, .finalize = note_end);

static int note_call(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    gc_slot target = NULL;
    (void)data;
    gc_weak_load(m, &target, weak);
    life.target_was_there |= target != NULL;
    life.called++;
    return 0;
}

static void finalizers_and_callbacks_run_once_in_order(void)
{
    struct fixture f;
    struct gc_root_range range;
    struct {
        struct gc_frame frame;
        struct node *mortal;
        struct gc_weak *weak;
    } at;
    if (!fixture_open(&f, "refcount" HERE, NULL, 0)) return;
    life.root = NULL;
    life.finalized = life.called = 0;
    life.resurrects = true;
    life.target_was_there = false;
    gc_roots_add(f.heap, &range, &life.root, 1);
    gc_enter(f.m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.mortal, &mortal_type));
    CU_ASSERT_TRUE_FATAL(
            gc_new_weak(f.m, &at.weak, at.mortal, note_call, (struct node *)NULL));
    gc_clear(f.m, &at.mortal); /* the finalizer brings it back */
    CU_ASSERT_EQUAL(life.finalized, 1);
    CU_ASSERT_EQUAL(life.called, 0);
    CU_ASSERT_EQUAL(f.errors, 1);
    CU_ASSERT_EQUAL(f.last_error, 5);
    gc_load_weak(f.m, &at.mortal, at.weak);
    CU_ASSERT_PTR_EQUAL(at.mortal, life.root);
    CU_ASSERT_EQUAL(count(f.m, at.mortal), 2);
    gc_clear(f.m, &at.mortal);
    gc_store_root_null(f.m, &life.root); /* now it is for good */
    CU_ASSERT_EQUAL(life.finalized, 1);
    CU_ASSERT_EQUAL(life.called, 1);
    CU_ASSERT_FALSE(life.target_was_there);
    gc_load_weak(f.m, &at.mortal, at.weak);
    CU_ASSERT_PTR_NULL(at.mortal);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void what_is_immortal_stays(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "refcount" HERE, NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.node, &node_type));
    gc_immortalize(f.m, &at.node->header);
    CU_ASSERT_EQUAL(count(f.m, at.node), GC_REFCOUNT_IMMORTAL);
    gc_leave(f.m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 1);
    fixture_close(&f);
}

/* --- memory -------------------------------------------------------------------------------- */

#if GC_EAGER_RACES

/* What a racing load adds to a dead cell's count stays there until it takes it off again,
 * whatever becomes of the cell. */
static void dead_cells_keep_their_headers_and_counts(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *arrays[16], *huge;
    } at;
    if (!fixture_open(&f, "refcount" HERE, NULL, 0)) return;
    struct gc_mutator *m = f.m;
    CU_ASSERT_TRUE_FATAL(GC_CHECK < 1 || gc_schedule_begin(1)); /* no grace period */
    gc_enter(m, at);
    for (size_t i = 0; i < COUNT(at.arrays); i++) /* four blocks of four cells */
        CU_ASSERT_TRUE(gc_new_array(m, &at.arrays[i], &bytes_type, 0, 4000));
    CU_ASSERT_TRUE(gc_new_array(m, &at.huge, &bytes_type, 0, 8u << 20));
    struct gc_object *cell = &at.arrays[0]->header, *large = &at.huge->header;
    struct gc_block *block = gc_block_of(cell);
    for (size_t i = 0; i < COUNT(at.arrays); i++)
        gc_clear(m, &at.arrays[i]);
    CU_ASSERT_EQUAL(block->state, GC_BLOCK_EMPTY);
    CU_ASSERT_PTR_EQUAL(block->home, m);
    CU_ASSERT_TRUE(gc_object_is_dead(cell));
    CU_ASSERT_FALSE(gc_object_says_dead(cell));
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&cell->count), m->birth_count);
    /* as somebody else's stale load would */
    const uint64_t one = f.heap->protocol->layout.mask != 0 ? UINT64_C(1) << 32 : 1;
    gc_atomic_fetch_add_relaxed(&cell->count, one);
    gc_clear(m, &at.huge);
    if (GC_CHECK >= 1) {
        CU_ASSERT_TRUE(gc_object_is_dead(large)); /* still mapped */
        CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&large->count), m->birth_count);
    }
    /* Another class takes other memory; the same class takes the empty blocks at once. */
    bool again = false;
    CU_ASSERT_TRUE(gc_new_array(m, &at.huge, &bytes_type, 0, 2000));
    CU_ASSERT_PTR_NOT_EQUAL(gc_block_of(at.huge), block);
    for (size_t i = 0; i < COUNT(at.arrays); i++) {
        CU_ASSERT_TRUE(gc_new_array(m, &at.arrays[i], &bytes_type, 0, 4000));
        again |= &at.arrays[i]->header == cell;
    }
    CU_ASSERT_TRUE(again);
    CU_ASSERT_FALSE(gc_object_is_dead(cell));
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&cell->count), m->birth_count + one);
    gc_atomic_fetch_sub_relaxed(&cell->count, one);
    gc_leave(m, at);
    if (GC_CHECK >= 1) gc_schedule_end();
    /* A stop gives everything back. */
    gc_stop_begin(m);
    gc_stop_end(m, 0);
    CU_ASSERT_EQUAL(m->empty_blocks, 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_verify(&f);
    fixture_close(&f);
}

#endif

static void an_allocation_that_fails_takes_limbo_back_first(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *array;
    } at;
    if (!fixture_open(&f, "refcount" HERE, NULL, 4u << 20)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    /* each in turn fills the heap by half and more, in blocks of its own class */
    for (int i = 0; i < 60; i++) {
        CU_ASSERT_TRUE(gc_new_array(m, &at.array, &array_type, 600, 0));
        for (int k = 0; k < 500; k++) {
            uint32_t bytes = i % 3 == 0 ? 4000 : i % 3 == 1 ? 2500 : 1300;
            gc_slot *slot = &at.array->slot[k];
            CU_ASSERT_TRUE(gc_new_slow(m, slot, &bytes_type, 0, bytes));
        }
        gc_clear(m, &at.array);
        CU_ASSERT_TRUE(gc_new_array(m, &at.array, &bytes_type, 0, 2u << 20));
        gc_clear(m, &at.array);
    }
    gc_leave(m, at);
    CU_ASSERT_EQUAL(f.exhausted, 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

/* --- many, that come and go, under collection ------------------------------------------------ */

enum { MANY = 64, LIVES = 3 };

static void make_rings(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct {
        struct gc_frame frame;
        struct node *ring, *start, *taken;
    } at;
    gc_enter(m, at);
    gc_take_start(m, &at.start);
    for (size_t i = 1; i <= 12; i++) {
        worker_expect(worker, make_ring(m, &at.ring, i));
        worker->result += i;
        gc_exchange(m, at.start, left, &at.ring); /* now somebody else's is ours */
        gc_load_shared(m, &at.taken, at.start, left);
        gc_clear(m, &at.taken);
        if (i == worker->number % 12) gc_collect(m, 1);
    }
    gc_leave(m, at);
}

static void many_that_come_and_go_leave_nothing(const char *options)
{
    struct fixture f;
    static struct worker workers[MANY];
    struct {
        struct gc_frame frame;
        struct node *start;
    } at;
    if (!fixture_open(&f, "generational" HERE, options, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE_FATAL(gc_new(f.m, &at.start, &node_type));
    for (int i = 0; i < LIVES; i++)
        workers_run(f.m, workers, MANY, make_rings, NULL, &at.start->header);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->attached), 1);
    CU_ASSERT_EQUAL(count(f.m, at.start), 1);
    gc_leave(f.m, at);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_EQUAL(fixture_allocated(&f), LIVES * MANY * 78 + 1);
    gc_for_each_mutator (m, f.heap)
        CU_ASSERT_PTR_NULL(gc_atomic_load_relaxed(&m->arrivals));
    fixture_verify(&f);
    gc_runs_flush(f.m);
    gc_stop_begin(f.m); /* takes in the empty blocks */
    gc_stop_end(f.m, 0);
    uint32_t regions = 0;
    for (struct gc_region *r = f.heap->regions; r != NULL; r = r->next)
        regions++;
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes),
            regions * f.heap->first_block * GC_BLOCK_BYTES);
    fixture_close(&f);
}

static void sixty_four_that_come_and_go_leave_nothing(void)
{
    many_that_come_and_go_leave_nothing("threshold0=10");
    many_that_come_and_go_leave_nothing("threshold0=10:detect=keep");
    many_that_come_and_go_leave_nothing("threshold0=3:threshold1=2:threshold2=2:"
                                        "quarter_rule=no:detect=walk");
    many_that_come_and_go_leave_nothing("threshold0=3:threshold1=2:threshold2=2:"
                                        "detect=keep:passes=owners");
    many_that_come_and_go_leave_nothing("threshold0=3:threshold1=2:threshold2=2");
}

int SUITE(void)
{
    static const struct test tests[] = {
        { "every_operation_counts_exactly", every_operation_counts_exactly },
        { "compare_exchange_stores_only_over_what_is_expected",
                compare_exchange_stores_only_over_what_is_expected },
        { "copied_slots_are_counted", copied_slots_are_counted },
        { "what_is_deep_dies_on_a_small_stack", what_is_deep_dies_on_a_small_stack },
        { "a_cascade_is_counted_and_timed", a_cascade_is_counted_and_timed },
        { "counts_of_a_shared_object_stay_exact", counts_of_a_shared_object_stay_exact },
        { "what_dies_elsewhere_is_counted_once", what_dies_elsewhere_is_counted_once },
        { "finalizers_and_callbacks_run_once_in_order",
                finalizers_and_callbacks_run_once_in_order },
        { "what_is_immortal_stays", what_is_immortal_stays },
#if GC_EAGER_RACES
        { "dead_cells_keep_their_headers_and_counts",
                dead_cells_keep_their_headers_and_counts },
#endif
        { "an_allocation_that_fails_takes_limbo_back_first",
                an_allocation_that_fails_takes_limbo_back_first },
        { "sixty_four_that_come_and_go_leave_nothing",
                sixty_four_that_come_and_go_leave_nothing },
    };
    return suite_add(SUITE_NAME, tests, COUNT(tests));
}
