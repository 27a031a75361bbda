/* SPDX-License-Identifier: MIT */
/* test_generational.c - cycles by subtracting internal references, in three generations. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <string.h>

#include "collectors/generational/generational.h"
#include "core/verify.h"
#include "tests/suites.h"
#include "tests/support.h"

/* --- random graphs against a search of our own ----------------------------------------- */

enum { NODES = 60, STEPS = 150 };

/* Node i of the model may be held by root i; the edges are those of the heap. */
struct model {
    uint64_t seed;
    gc_slot roots[NODES];
    struct gc_root_range range;
    bool exists[NODES], rooted[NODES];
    uint8_t left[NODES], right[NODES]; /* NODES: NULL */
    uint64_t hash; /* of what each step freed: equal for all ways to detect */
};

static struct model model;

static uint32_t reachable(bool *reached)
{
    uint8_t queue[NODES];
    uint32_t head = 0, tail = 0;
    memset(reached, 0, NODES);
    for (uint8_t i = 0; i < NODES; i++) {
        if (!model.rooted[i]) continue;
        reached[i] = true;
        queue[tail++] = i;
    }
    while (head < tail) {
        uint8_t node = queue[head++];
        uint8_t next[2] = { model.left[node], model.right[node] };
        for (int k = 0; k < 2; k++) {
            if (next[k] == NODES || reached[next[k]]) continue;
            reached[next[k]] = true;
            queue[tail++] = next[k];
        }
    }
    return tail;
}

static struct node *root_node(uint32_t i)
{
    return (struct node *)(void *)model.roots[i];
}

static void step(struct gc_mutator *m, struct random *random)
{
    uint32_t i = random_below(random, NODES), j = random_below(random, NODES);
    switch (random_below(random, 5)) {
    case 0: /* a new node, in place of one that is not there */
        if (model.exists[i]) break;
        CU_ASSERT_TRUE_FATAL(gc_new_slow(m, &model.roots[i], &node_type, 0, 0));
        root_node(i)->key = i;
        model.exists[i] = model.rooted[i] = true;
        model.left[i] = model.right[i] = NODES;
        break;
    case 1:
        if (random_below(random, 3) != 0 || !model.rooted[i]) break;
        gc_store_root_null(m, &model.roots[i]);
        model.rooted[i] = false;
        break;
    case 2:
        if (!model.rooted[i] || !model.rooted[j]) break;
        gc_store(m, root_node(i), left, root_node(j));
        model.left[i] = (uint8_t)j;
        break;
    case 3:
        if (!model.rooted[i] || !model.rooted[j]) break;
        gc_store(m, root_node(i), right, root_node(j));
        model.right[i] = (uint8_t)j;
        break;
    default:
        if (!model.rooted[i]) break;
        gc_store_null(m, root_node(i), left);
        model.left[i] = NODES;
        break;
    }
}

/* What counting frees, and what a collection frees, by the model. */
static void check_step(struct fixture *f, struct random *random)
{
    bool reached[NODES];
    uint32_t generation = random_below(random, 6);
    uint64_t live = fixture_live(f);
    if (generation < GC_GENERATIONS) {
        int64_t found = gc_collect(f->m, (int)generation);
        CU_ASSERT(found >= 0);
        CU_ASSERT_EQUAL(fixture_live(f), live - (uint64_t)found);
        model.hash = model.hash * 31 + (uint64_t)found;
    }
    uint32_t expected = reachable(reached);
    CU_ASSERT(fixture_live(f) >= expected);
    if (generation == 2) { /* everything is gone that should */
        CU_ASSERT_EQUAL(fixture_live(f), expected);
        for (uint32_t i = 0; i < NODES; i++)
            model.exists[i] = reached[i];
    }
    model.hash = model.hash * 31 + fixture_live(f);
    fixture_verify(f);
}

static uint64_t random_graph(uint64_t seed, const char *options)
{
    struct fixture f;
    struct random random = { seed };
    memset(&model, 0, sizeof(model));
    if (!fixture_open(&f, "generational", options, 0)) return 0;
    gc_roots_add(f.heap, &model.range, model.roots, NODES);
    for (int i = 0; i < STEPS; i++) {
        for (int k = 0; k < 5; k++)
            step(f.m, &random);
        check_step(&f, &random);
    }
    for (uint32_t i = 0; i < NODES; i++)
        gc_store_root_null(f.m, &model.roots[i]);
    gc_roots_remove(f.heap, &model.range);
    gc_quiesce(f.m);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
    return model.hash;
}

static void all_ways_to_detect_free_the_same_of_random_graphs(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t move = random_graph(seed, "threshold0=0:detect=move");
        uint64_t keep = random_graph(seed, "threshold0=0:detect=keep");
        uint64_t walk = random_graph(seed, "threshold0=0:detect=walk");
        CU_ASSERT_EQUAL(move, keep);
        CU_ASSERT_EQUAL(move, walk);
        if (move != keep || move != walk)
            printf("# seed %llu\n", (unsigned long long)seed);
    }
}

/* --- white box: the order of the list ---------------------------------------------------- */

/* Writes the keys of a list down; their number. */
static size_t keys_of(const struct gc_links *list, int64_t *keys, size_t room)
{
    size_t n = 0;
    for (struct gc_links *at = list->next; at != list && n < room; at = at->next)
        keys[n++] = ((struct node *)(void *)gc_links_object(at))->key;
    return n;
}

/* A chain whose holder is the youngest: each is tentatively unreachable at first. With
 * every third node in garbage rings of its own. */
static size_t order_after(const char *options, int64_t *keys, size_t room)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    size_t n = 0;
    if (!fixture_open(&f, "generational", options, 0)) return 0;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.chain, 10)); /* keys 0 .. 9 in order of birth */
    make_garbage_ring(m, 3);
    CU_ASSERT_EQUAL(gc_collect(m, 0), 3);
    n = keys_of(generational_list(m, 1), keys, room);
    fixture_verify(&f);
    gc_leave(m, at);
    fixture_close(&f);
    return n;
}

static void keep_preserves_the_order_of_the_list_and_move_does_not(void)
{
    int64_t keys[16];
    uint32_t wrong = 0;
    CU_ASSERT_EQUAL(order_after("detect=keep", keys, 16), 10);
    for (int i = 0; i < 10; i++)
        wrong += keys[i] != 9 - i;
    CU_ASSERT_EQUAL(wrong, 0);
    /* make_chain() gives the first that is born the highest key, and the last, which the
     * local holds, 0: it alone stays in place; each of the others comes back behind its
     * holder. */
    CU_ASSERT_EQUAL(order_after("detect=move", keys, 16), 10);
    for (int i = 0; i < 10; i++)
        wrong += keys[i] != i;
    CU_ASSERT_EQUAL(wrong, 0);
}

/* --- white box: nothing old is in a list ------------------------------------------------ */

/* Nodes spread over many blocks, linked in an order that is random in address; half of
 * them is garbage. The references that `walk` looks at late lead everywhere. */
static void walk_finds_scattered_garbage_and_keeps_the_rest(void)
{
    enum { MANY = 20000 };
    struct fixture f;
    struct gc_root_range range;
    struct random random = { 7 };
    if (!fixture_open(&f, "generational", "threshold0=0:detect=walk", 0)) return;
    struct gc_mutator *m = f.m;
    gc_slot *nodes = gc_os_alloc(MANY * sizeof(*nodes));
    CU_ASSERT_PTR_NOT_NULL_FATAL(nodes);
    gc_roots_add(f.heap, &range, nodes, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        CU_ASSERT_TRUE_FATAL(gc_new_slow(m, &nodes[i], &node_type, 0, 0));
    for (uint32_t i = MANY - 1; i > 0; i--) { /* shuffled */
        uint32_t j = random_below(&random, i + 1);
        gc_slot node = nodes[i];
        nodes[i] = nodes[j];
        nodes[j] = node;
    }
    /* Two rings over the halves; the lower half is held by its last node alone. */
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t half = i / (MANY / 2) * (MANY / 2);
        uint32_t next = half + (i - half + 1) % (MANY / 2);
        gc_store(m, (struct node *)(void *)nodes[i], left,
                (struct node *)(void *)nodes[next]);
        gc_store(m, (struct node *)(void *)nodes[next], right,
                (struct node *)(void *)nodes[i]);
    }
    for (uint32_t i = 0; i < MANY; i++)
        if (i != MANY / 2 - 1) gc_store_root_null(m, &nodes[i]);
    CU_ASSERT_EQUAL(gc_collect(m, 2), MANY / 2);
    CU_ASSERT_EQUAL(fixture_live(&f), MANY / 2);
    fixture_verify(&f); /* the collector's own invariants, too */
    CU_ASSERT_EQUAL(gc_generation_of(m, nodes[MANY / 2 - 1]), 2);
    CU_ASSERT_TRUE(gc_list_is_empty(generational_list(m, 2)));
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    gc_store_root_null(m, &nodes[MANY / 2 - 1]);
    CU_ASSERT_EQUAL(gc_collect(m, 2), MANY / 2);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    gc_os_free(nodes);
    fixture_close(&f);
}

/* --- when ---------------------------------------------------------------------------------- */

static char pattern[64];

static int write_generation(struct gc_mutator *m, enum gc_collection_event event,
        int generation, size_t collected, size_t uncollectable, void *argument)
{
    (void)m, (void)collected, (void)uncollectable, (void)argument;
    size_t n = strlen(pattern);
    if (event == GC_COLLECTION_START && n + 1 < sizeof(pattern))
        pattern[n] = (char)('0' + generation);
    return 0;
}

static void run_pattern(const char *options, uint32_t objects)
{
    struct fixture f;
    struct gc_observer observer = { .notify = write_generation };
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    memset(pattern, 0, sizeof(pattern));
    if (!fixture_open(&f, "generational", options, 0)) return;
    gc_observer_add(f.m, &observer);
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(make_chain(f.m, &at.chain, objects));
    gc_observer_remove(f.m, &observer);
    gc_leave(f.m, at);
    fixture_close(&f);
}

static void generations_are_collected_in_the_known_pattern(void)
{
    run_pattern("threshold0=50:threshold1=2:threshold2=2", 13 * 51);
    CU_ASSERT_STRING_EQUAL(pattern, "0001000100012");
}

static void the_quarter_rule_puts_full_collections_off(void)
{
    run_pattern("threshold0=50:threshold1=0:threshold2=0", 60 * 51);
    char with[sizeof(pattern)];
    memcpy(with, pattern, sizeof(with));
    run_pattern("threshold0=50:threshold1=0:threshold2=0:quarter_rule=no", 60 * 51);
    uint32_t full_with = 0, full_without = 0;
    for (size_t i = 0; i < sizeof(pattern); i++) {
        full_with += with[i] == '2';
        full_without += pattern[i] == '2';
    }
    CU_ASSERT(full_with > 0);
    CU_ASSERT(full_without > 2 * full_with);
}

static void a_quarter_is_enough_for_a_full_collection_and_less_is_not(void)
{
    enum { OLD = 40 };
    for (size_t more = OLD / 4 - 1; more <= OLD / 4; more++) {
        struct fixture f;
        struct {
            struct gc_frame frame;
            struct node *old, *more, *last;
        } at;
        const char *options = "threshold0=0:threshold1=1000:threshold2=0";
        if (!fixture_open(&f, "generational", options, 0)) return;
        struct gc_mutator *m = f.m;
        gc_enter(m, at);
        CU_ASSERT_TRUE(make_chain(m, &at.old, OLD));
        gc_collect(m, 2);
        CU_ASSERT_TRUE(make_chain(m, &at.more, more));
        gc_collect(m, 0);
        gc_collect(m, 1);
        uint64_t before = gc_generation_stats_get(m, 2).collections;
        gc_threshold_set(m, 0, 5);
        CU_ASSERT_TRUE(make_chain(m, &at.last, 20));
        uint64_t full = gc_generation_stats_get(m, 2).collections - before;
        CU_ASSERT_EQUAL(full > 0, more == OLD / 4);
        gc_leave(m, at);
        fixture_close(&f);
    }
}

static void survivors_grow_older(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node;
        struct leaf *leaf;
    } at;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
    CU_ASSERT_TRUE(gc_new(m, &at.leaf, &leaf_type));
    static const int expected[] = { 0, 1, 2, 2 };
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(gc_generation_of(m, &at.node->header), expected[i]);
        CU_ASSERT_EQUAL(gc_generation_of(m, &at.leaf->header), -1);
        gc_collect(m, i < 3 ? i : 2);
    }
    gc_leave(m, at);
    fixture_close(&f);
}

static void old_garbage_waits_for_its_generation(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *ring;
    } at;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_ring(m, &at.ring, 6));
    gc_collect(m, 2);
    gc_clear(m, &at.ring);
    CU_ASSERT_EQUAL(gc_collect(m, 0), 0);
    CU_ASSERT_EQUAL(gc_collect(m, 1), 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 6);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 6);
    CU_ASSERT_EQUAL(m->counters.freed_by_cycle, 6);
    gc_leave(m, at);
    fixture_close(&f);
}

/* --- freeze, untrack, save all -------------------------------------------------------------- */

static void freeze_and_unfreeze(const char *options)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *ring, *young;
    } at;
    if (!fixture_open(&f, "generational", options, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_ring(m, &at.ring, 5));
    gc_freeze(m);
    CU_ASSERT_EQUAL(gc_freeze_count(m), 5);
    CU_ASSERT_EQUAL(gc_generation_of(m, &at.ring->header), -2);
    CU_ASSERT_TRUE(make_ring(m, &at.young, 2));
    gc_store(m, at.ring, right, at.young); /* held from the frozen part */
    gc_clear(m, &at.young);
    gc_clear(m, &at.ring);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 0);
    CU_ASSERT_EQUAL(fixture_live(&f), 7);
    fixture_verify(&f);
    gc_unfreeze(m);
    CU_ASSERT_EQUAL(gc_freeze_count(m), 0);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 7);
    gc_leave(m, at);
    fixture_close(&f);
}

static void frozen_objects_are_left_alone_until_unfrozen(void)
{
    freeze_and_unfreeze(NULL);
    freeze_and_unfreeze("detect=walk");
}

static const struct gc_type tuple_type =
        GC_ARRAY_TYPE("tuple", .flags = GC_TYPE_ARRAY | GC_TYPE_IMMUTABLE);

static void untrack(const char *options)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct gc_array *inner, *outer, *of_node, *unfilled;
        struct leaf *leaf;
        struct node *node;
    } at;
    if (!fixture_open(&f, "generational", options, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(gc_new(m, &at.leaf, &leaf_type));
    CU_ASSERT_TRUE(gc_new(m, &at.node, &node_type));
    CU_ASSERT_TRUE(gc_new_array(m, &at.inner, &tuple_type, 1, 0));
    CU_ASSERT_TRUE(gc_new_array(m, &at.outer, &tuple_type, 2, 0));
    CU_ASSERT_TRUE(gc_new_array(m, &at.of_node, &tuple_type, 1, 0));
    CU_ASSERT_TRUE(gc_new_array(m, &at.unfilled, &tuple_type, 2, 0));
    gc_store_new(m, at.inner, slot[0], at.leaf);
    gc_store_new(m, at.outer, slot[0], at.inner);
    gc_store_new(m, at.outer, slot[1], at.leaf);
    gc_store_new(m, at.of_node, slot[0], at.node);
    gc_store_new(m, at.unfilled, slot[0], at.leaf);
    gc_collect(m, 2);
    gc_collect(m, 2); /* by address, a tuple may be met before what it holds */
    CU_ASSERT_EQUAL(gc_generation_of(m, &at.inner->header), -1);
    CU_ASSERT_EQUAL(gc_generation_of(m, &at.outer->header), -1);
    CU_ASSERT_EQUAL(gc_generation_of(m, &at.of_node->header), 2);
    CU_ASSERT_EQUAL(gc_generation_of(m, &at.unfilled->header), 2);
    fixture_verify(&f);
    gc_leave(m, at);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    fixture_close(&f);
}

static void immutable_objects_of_untracked_ones_are_untracked(void)
{
    untrack(NULL);
    untrack("detect=walk");
}

static gc_slot saved[8];
static uint32_t saved_count;

static void save(struct gc_object *object, void *argument)
{
    struct gc_mutator *m = argument;
    gc_protocol_store(m, NULL, &saved[saved_count++], object);
}

static void save_all_hands_the_dead_over_instead_of_clearing_them(void)
{
    struct fixture f;
    struct gc_root_range range;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    memset(saved, 0, sizeof(saved));
    saved_count = 0;
    gc_roots_add(f.heap, &range, saved, 8);
    gc_save_all(m, save, m);
    make_garbage_ring(m, 4);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 4);
    CU_ASSERT_EQUAL(saved_count, 4);
    CU_ASSERT_EQUAL(fixture_live(&f), 4);
    CU_ASSERT_PTR_NOT_NULL(((struct node *)(void *)saved[0])->left);
    fixture_verify(&f);
    gc_save_all(m, NULL, NULL);
    for (int i = 0; i < 4; i++)
        gc_store_root_null(m, &saved[i]);
    CU_ASSERT_EQUAL(gc_collect(m, 2), 4);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    gc_roots_remove(f.heap, &range);
    fixture_close(&f);
}

/* --- several homes ---------------------------------------------------------------------------- */

static void build_across(struct worker *worker)
{
    struct gc_mutator *m = worker->m;
    struct {
        struct gc_frame frame;
        struct gc_array *hub;
        struct node *ring, *other;
    } at;
    struct random random = { worker->number };
    gc_enter(m, at);
    gc_take_start(m, &at.hub);
    for (int i = 0; i < 400; i++) {
        worker_expect(worker, make_ring(m, &at.ring, 1 + random_below(&random, 5)));
        gc_load_shared(m, &at.other, at.hub, slot[random_below(&random, 8)]);
        if (at.other != NULL) gc_store_shared(m, at.other, right, at.ring);
        if (at.other != NULL) gc_store(m, at.ring, right, at.other);
        gc_store_shared(m, at.hub, slot[random_below(&random, 8)], at.ring);
        gc_safepoint(m);
    }
    gc_leave(m, at);
}

static void the_verifier_sees_what_is_in_a_list_and_cannot_be_in_a_cycle(void)
{
    struct fixture f;
    struct gc_error error = { "" };
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "generational", NULL, 0)) return;
    gc_enter(f.m, at);
    CU_ASSERT_TRUE(gc_new(f.m, &at.node, &node_type));
    gc_object_clear_state(&at.node->header, GC_STATE_CYCLIC);
    CU_ASSERT_NOT_EQUAL(gc_verify(f.m, 2, &error), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "it has no prefix"));
    gc_object_set_state(&at.node->header, GC_STATE_CYCLIC);
    fixture_verify(&f);
    gc_leave(f.m, at);
    fixture_close(&f);
}

static void cycles_through_many_homes_are_found(void)
{
    static const char *const options[] = { "threshold0=50:detect=move",
        "threshold0=50:detect=keep",
        "threshold0=50:threshold1=2:threshold2=2:quarter_rule=no:detect=walk" };
    for (size_t i = 0; i < COUNT(options); i++) {
        struct fixture f;
        struct worker workers[4];
        struct {
            struct gc_frame frame;
            struct gc_array *hub;
        } at;
        if (!fixture_open(&f, "generational", options[i], 0)) continue;
        gc_enter(f.m, at);
        CU_ASSERT_TRUE(gc_new_array(f.m, &at.hub, &array_type, 8, 0));
        if (GC_CHECK >= 1) CU_ASSERT_TRUE(gc_schedule_begin(3)); /* so that they mix */
        workers_run(f.m, workers, 4, build_across, NULL, &at.hub->header);
        if (GC_CHECK >= 1) CU_ASSERT(gc_schedule_end() > 100);
        fixture_verify(&f);
        gc_leave(f.m, at);
        gc_quiesce(f.m);
        CU_ASSERT_EQUAL(fixture_live(&f), 0);
        CU_ASSERT(f.heap->collections > 10);
        fixture_close(&f);
    }
}

int test_generational_suite(void)
{
    static const struct test tests[] = {
        { "all_ways_to_detect_free_the_same_of_random_graphs",
                all_ways_to_detect_free_the_same_of_random_graphs },
        { "walk_finds_scattered_garbage_and_keeps_the_rest",
                walk_finds_scattered_garbage_and_keeps_the_rest },
        { "keep_preserves_the_order_of_the_list_and_move_does_not",
                keep_preserves_the_order_of_the_list_and_move_does_not },
        { "generations_are_collected_in_the_known_pattern",
                generations_are_collected_in_the_known_pattern },
        { "the_quarter_rule_puts_full_collections_off",
                the_quarter_rule_puts_full_collections_off },
        { "a_quarter_is_enough_for_a_full_collection_and_less_is_not",
                a_quarter_is_enough_for_a_full_collection_and_less_is_not },
        { "survivors_grow_older", survivors_grow_older },
        { "old_garbage_waits_for_its_generation", old_garbage_waits_for_its_generation },
        { "frozen_objects_are_left_alone_until_unfrozen",
                frozen_objects_are_left_alone_until_unfrozen },
        { "immutable_objects_of_untracked_ones_are_untracked",
                immutable_objects_of_untracked_ones_are_untracked },
        { "save_all_hands_the_dead_over_instead_of_clearing_them",
                save_all_hands_the_dead_over_instead_of_clearing_them },
        { "the_verifier_sees_what_is_in_a_list_and_cannot_be_in_a_cycle",
                the_verifier_sees_what_is_in_a_list_and_cannot_be_in_a_cycle },
        { "cycles_through_many_homes_are_found", cycles_through_many_homes_are_found },
    };
    return suite_add("collectors/generational", tests, COUNT(tests));
}
