/* SPDX-License-Identifier: MIT */
/* test_protocol_log_object.c - the first store into an object in an epoch logs it, once. */
#define GC_PROTOCOL_HEADER "core/protocol/log_object.h"
#define GC_COUNT_OPS

#include "core/log.h"
#include "core/schedule.h"
#include "tests/suites.h"
#include "tests/support.h"

/* What the logs hold, without disturbing them: the world is one mutator. */
struct seen {
    struct gc_object *holders[16];
    struct gc_object *values[64];
    size_t records, words;
};

static void see(struct seen *seen, const uintptr_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++, seen->words++) {
        if ((words[i] & GC_LOG_OBJECT_HOLDER) != 0) {
            CU_ASSERT_FATAL(seen->records < COUNT(seen->holders));
            seen->holders[seen->records++] =
                    (struct gc_object *)(words[i] - GC_LOG_OBJECT_HOLDER);
        } else {
            size_t values = seen->words - seen->records;
            CU_ASSERT_FATAL(values < COUNT(seen->values));
            seen->values[values] = (struct gc_object *)words[i];
        }
    }
}

static struct seen see_buffer(struct gc_mutator *m)
{
    const struct gc_log_buffer *buffer = gc_log_buffer_of(m);
    struct seen seen = { .records = 0 };
    if (buffer->chunk != NULL)
        see(&seen, buffer->chunk->words, (size_t)(buffer->cursor - buffer->chunk->words));
    return seen;
}

static bool holds(const struct seen *seen, const void *value)
{
    for (size_t i = 0; i < seen->words - seen->records; i++)
        if (seen->values[i] == value) return true;
    return false;
}

static void every_operation_does_what_it_says_on_old_objects_and_new(void)
{
    for (int is_old = 0; is_old < 2; is_old++) {
        struct fixture f;
        gc_slot root = NULL;
        struct gc_root_range range;
        struct {
            struct gc_frame frame;
            struct node *a, *b, *x, *y;
        } at;
        if (!fixture_open(&f, "coalescing", NULL, 0)) return;
        struct gc_mutator *m = f.m;
#define STEP()                                                                           \
    if (is_old) gc_collect(m, 0)
        gc_roots_add(f.heap, &range, &root, 1);
        gc_enter(m, at);
        CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
        CU_ASSERT_TRUE(gc_new(m, &at.b, &node_type));
        STEP();
        gc_store_new(m, at.a, left, at.b);
        gc_load(m, &at.x, at.a, left);
        CU_ASSERT_PTR_EQUAL(at.x, at.b);
        gc_load_shared(m, &at.y, at.a, right);
        CU_ASSERT_PTR_NULL(at.y);
        gc_move(m, &at.y, &at.x);
        CU_ASSERT_PTR_NULL(at.x);
        STEP();
        gc_give(m, at.a, right, &at.y);
        CU_ASSERT_PTR_EQUAL(at.a->right, at.b);
        CU_ASSERT_PTR_NULL(at.y);
        STEP();
        gc_exchange(m, at.a, right, &at.x);
        CU_ASSERT_PTR_NULL(at.a->right);
        CU_ASSERT_PTR_EQUAL(at.x, at.b);
        STEP();
        CU_ASSERT_FALSE(gc_compare_exchange(m, at.a, right, at.a, at.b));
        STEP();
        CU_ASSERT_TRUE(gc_compare_exchange(m, at.a, right, (struct node *)NULL, at.a));
        CU_ASSERT_PTR_EQUAL(at.a->right, at.a);
        STEP();
        gc_copy_slots(m, at.b, left, at.a, left, 2);
        CU_ASSERT_PTR_EQUAL(at.b->left, at.b);
        CU_ASSERT_PTR_EQUAL(at.b->right, at.a);
        STEP();
        gc_store_null(m, at.b, right);
        gc_store_shared(m, at.b, left, at.a);
        CU_ASSERT_PTR_NULL(at.b->right);
        CU_ASSERT_PTR_EQUAL(at.b->left, at.a);
        gc_store_root(m, &root, at.a);
        gc_load_root(m, &at.y, &root);
        CU_ASSERT_PTR_EQUAL(at.y, at.a);
        gc_store_root_null(m, &root);
        CU_ASSERT_EQUAL(gc_refcount(m, &at.a->header), 0);
        uint64_t slow = m->operations[GC_OPERATION_slow_stores];
        CU_ASSERT_EQUAL(slow, is_old ? 7 : 0);
        fixture_verify(&f);
        gc_leave(m, at);
        gc_roots_remove(f.heap, &range);
        gc_quiesce(m);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        fixture_close(&f);
#undef STEP
    }
}

static void an_object_is_logged_at_its_first_store_with_all_that_it_held(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *holder, *x, *y, *z;
    } at;
    if (!fixture_open(&f, "coalescing", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.holder, &node_type));
    CU_ASSERT_EQUAL(gc_log_object_state(&at.holder->header), GC_LOG_OBJECT_NEW);
    CU_ASSERT_TRUE(gc_new(m, &at.x, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.y, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.z, &node_type));
    gc_store(m, at.holder, left, at.x);
    gc_store(m, at.holder, right, at.y);
    CU_ASSERT_EQUAL(see_buffer(m).words, 0); /* new objects log nothing */
    gc_collect(m, 0);
    CU_ASSERT_EQUAL(gc_log_object_state(&at.holder->header), GC_LOG_OBJECT_CLEAN);
    gc_store(m, at.holder, left, at.z);
    struct seen seen = see_buffer(m);
    CU_ASSERT_EQUAL(seen.records, 1);
    CU_ASSERT_EQUAL(seen.words, 3);
    CU_ASSERT_PTR_EQUAL(seen.holders[0], at.holder);
    CU_ASSERT_TRUE(holds(&seen, at.x) && holds(&seen, at.y));
    CU_ASSERT_EQUAL(gc_log_object_state(&at.holder->header), GC_LOG_OBJECT_DIRTY);
    gc_store(m, at.holder, right, at.z); /* another slot, and again: nothing more */
    gc_store_null(m, at.holder, left);
    gc_exchange(m, at.holder, left, &at.x);
    CU_ASSERT_EQUAL(see_buffer(m).words, 3);
    CU_ASSERT_EQUAL(m->operations[GC_OPERATION_slow_stores], 1);
    gc_collect(m, 0);
    gc_store_null(m, at.holder, left); /* a new epoch */
    seen = see_buffer(m);
    CU_ASSERT_EQUAL(seen.records, 1);
    CU_ASSERT_EQUAL(seen.words, 3);
    CU_ASSERT_FALSE(holds(&seen, at.x) && !holds(&seen, at.z));
    gc_leave(m, at);
    fixture_close(&f);
}

static void roots_and_locals_are_not_logged(void)
{
    struct fixture f;
    gc_slot root = NULL;
    struct gc_root_range range;
    struct {
        struct gc_frame frame;
        struct node *a, *b;
    } at;
    if (!fixture_open(&f, "coalescing", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_roots_add(f.heap, &range, &root, 1);
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.a, &node_type));
    gc_store_root(m, &root, at.a);
    gc_collect(m, 0);
    gc_set(m, &at.b, at.a);
    gc_store_root_null(m, &root);
    gc_store_root(m, &root, at.b);
    gc_clear(m, &at.a);
    CU_ASSERT_EQUAL(see_buffer(m).words, 0);
    CU_ASSERT_EQUAL(m->operations[GC_OPERATION_slow_stores], 0);
    gc_store_root_null(m, &root);
    gc_leave(m, at);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

static void a_wide_array_is_logged_whole(void)
{
    enum { WIDE = 3000 };
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *wide;
        struct node *node;
    } at;
    if (!fixture_open(&f, "coalescing", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.wide, &array_type, WIDE, 0));
    for (uint32_t i = 0; i < WIDE; i += 3) {
        CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
        gc_give(m, at.wide, slot[i], &at.node);
    }
    gc_collect(m, 0);
    gc_store_null(m, at.wide, slot[1]); /* does not fit into a usual chunk */
    const struct gc_log_buffer *buffer = gc_log_buffer_of(m);
    CU_ASSERT_EQUAL(buffer->cursor - buffer->chunk->words, WIDE / 3 + 1);
    for (uint32_t i = 0; i < WIDE; i++)
        gc_store_null(m, at.wide, slot[i]);
    CU_ASSERT_EQUAL(buffer->cursor - buffer->chunk->words, WIDE / 3 + 1);
    CU_ASSERT_EQUAL(gc_collect(m, 0), WIDE / 3);
    gc_leave(m, at);
    fixture_close(&f);
}

/* The share of updates that coalescing removes: a slot that is written k times in an epoch
 * costs one log entry, one down and one up, where counting costs k of each. */
static void of_k_stores_into_a_slot_all_but_one_cost_nothing(void)
{
    static const uint64_t repeats[] = { 1, 2, 3, 10, 1000 };
    for (size_t r = 0; r < COUNT(repeats); r++) {
        const uint64_t k = repeats[r];
        struct fixture f;
        struct {
            struct gc_frame frame;
            struct node *holder, *values[2];
        } at;
        if (!fixture_open(&f, "coalescing", NULL, 0)) return;
        struct gc_mutator *m = f.m;
        gc_enter(m, at);
        CU_ASSERT_TRUE(gc_new(m, &at.holder, &node_type));
        CU_ASSERT_TRUE(gc_new(m, &at.values[0], &node_type));
        CU_ASSERT_TRUE(gc_new(m, &at.values[1], &node_type));
        gc_store(m, at.holder, left, at.values[0]);
        gc_collect(m, 0);
        const uint64_t *operations = m->operations;
        uint64_t before = operations[GC_OPERATION_slot_taken_coalesced];
        enum { EPOCHS = 5 };
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            for (uint64_t i = 0; i < k; i++)
                gc_store(m, at.holder, left, at.values[i % 2]);
            struct seen seen = see_buffer(m);
            CU_ASSERT_EQUAL(seen.records, 1);
            CU_ASSERT_EQUAL(seen.words, 2);
            uint64_t edges = m->counters.visited_edges;
            gc_collect(m, 0);
            CU_ASSERT_EQUAL(m->counters.visited_edges - edges, 2); /* its slots, once */
        }
        uint64_t counted = operations[GC_OPERATION_slot_taken_buffered];
        uint64_t removed = operations[GC_OPERATION_slot_taken_coalesced] - before;
        CU_ASSERT_EQUAL(counted, EPOCHS);
        CU_ASSERT_EQUAL(operations[GC_OPERATION_slot_dropped_buffered], EPOCHS);
        CU_ASSERT_EQUAL(operations[GC_OPERATION_slot_dropped_coalesced], removed);
        /* removed / (removed + counted) = 1 - 1 / k, without rounding */
        CU_ASSERT_EQUAL(removed * k, (removed + counted) * (k - 1));
        CU_ASSERT_EQUAL(m->counters.log_records, EPOCHS);
        gc_leave(m, at);
        fixture_close(&f);
    }
}

/* --- several mutators ----------------------------------------------------------------- */

enum { WRITERS = 4, HUBS = 8, ROUNDS = 4000 };

/* Everybody stores, exchanges and compares into the same few slots, while collections come
 * and go; what is met there must be whole. */
static void write_to_all(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct random random = { worker->number + 1 };
    struct {
        struct gc_frame frame;
        struct gc_array *hubs;
        struct node *hub, *mine, *theirs;
    } at;
    gc_enter(m, at);
    gc_take_start(m, &at.hubs);
    for (int64_t i = 1; i < ROUNDS; i++) {
        gc_load(m, &at.hub, at.hubs, slot[random_below(&random, HUBS)]);
        worker_expect(worker, gc_new(m, &at.mine, &node_type));
        at.mine->key = i;
        gc_store_new(m, at.mine, right, at.mine);
        switch (random_below(&random, 4)) {
        case 0:
            gc_store_shared(m, at.hub, left, at.mine);
            break;
        case 1:
            gc_store_shared(m, at.hub, right, at.mine);
            break;
        case 2:
            gc_exchange(m, at.hub, left, &at.mine);
            break;
        default:
            gc_load_shared(m, &at.theirs, at.hub, right);
            gc_compare_exchange(m, at.hub, right, at.theirs, at.mine);
        }
        gc_load_shared(m, &at.theirs, at.hub, left);
        worker_expect(
                worker, at.theirs == NULL ||
                                (at.theirs->key > 0 && at.theirs->right == at.theirs));
        if (random_below(&random, 100) == 0) {
            gc_collect(m, (int)random_below(&random, 3));
            worker->result++;
        }
    }
    gc_leave(m, at);
}

static void racing_writers_lose_and_leak_nothing(void)
{
    struct fixture f;
    struct worker workers[WRITERS];
    struct {
        struct gc_frame frame;
        struct gc_array *hubs;
        struct node *hub;
    } at;
    if (!fixture_open(&f, "coalescing", "young=64K:log=4K", 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new_array(m, &at.hubs, &array_type, HUBS, 0));
    for (uint32_t i = 0; i < HUBS; i++) {
        CU_ASSERT_TRUE(gc_new(m, &at.hub, &node_type));
        at.hub->key = -1;
        gc_give(m, at.hubs, slot[i], &at.hub);
    }
    workers_run(m, workers, WRITERS, write_to_all, NULL, &at.hubs->header);
    struct gc_heap_stats stats;
    gc_heap_read_stats(f.heap, &stats);
    /* Between two collections that a worker has waited for it has stored, which was logged, unless
     * a comparison failed. Those of others may have been the same ones. */
    CU_ASSERT(workers[0].result > 10);
    CU_ASSERT(stats.counters.log_records > workers[0].result / 2);
    gc_quiesce(m);
    /* at most two nodes a hub, and what an exchange took out is gone */
    CU_ASSERT(fixture_live(&f) <= 1 + HUBS * 3);
    fixture_verify(&f);
    gc_leave(m, at);
    gc_quiesce(m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

int test_protocol_log_object_suite(void)
{
    static const struct test tests[] = {
        { "every_operation_does_what_it_says_on_old_objects_and_new",
                every_operation_does_what_it_says_on_old_objects_and_new },
        { "an_object_is_logged_at_its_first_store_with_all_that_it_held",
                an_object_is_logged_at_its_first_store_with_all_that_it_held },
        { "roots_and_locals_are_not_logged", roots_and_locals_are_not_logged },
        { "a_wide_array_is_logged_whole", a_wide_array_is_logged_whole },
        { "of_k_stores_into_a_slot_all_but_one_cost_nothing",
                of_k_stores_into_a_slot_all_but_one_cost_nothing },
        { "racing_writers_lose_and_leak_nothing", racing_writers_lose_and_leak_nothing },
    };
    return suite_add("core/protocol_log_object", tests, COUNT(tests));
}
