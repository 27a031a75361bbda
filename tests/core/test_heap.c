/* SPDX-License-Identifier: MIT */
/* test_heap.c - making and ending heaps, their limit, their statistics, their walks. */
#define GC_PROTOCOL_HEADER "core/protocol/plain.h"

#include <errno.h>
#include <string.h>

#include "tests/suites.h"
#include "tests/support.h"

static void a_heap_comes_and_goes_without_a_trace(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct fixture f;
        if (!fixture_open(&f, (*c)->name, NULL, 0)) continue;
        CU_ASSERT_STRING_EQUAL(f.heap->protocol->name, (*c)->protocols[0]);
        fixture_close(&f);
    }
    gc_heap_destroy(NULL);
}

static int create(const struct gc_collector *collector, const char *protocol,
        const char *options, struct gc_error *error)
{
    struct gc_heap_config config = { .collector = collector, .options = options };
    struct gc_heap *heap = NULL;
    if (protocol != NULL) config.protocol = gc_protocol_find(protocol);
    struct memory before = memory_now();
    error->text[0] = '\0';
    int result = gc_heap_create(&config, &heap, error);
    if (result == 0) gc_heap_destroy(heap);
    CU_ASSERT_TRUE(memory_is_equal(memory_now(), before));
    return result;
}

static void unsound_combinations_are_refused_with_the_reason(void)
{
    struct gc_error error;
    const struct gc_collector *refcount = gc_collector_find("refcount");
    CU_ASSERT_EQUAL(create(refcount, "bare", NULL, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "bare"));
    struct gc_collector odd = *refcount;
    odd.protocols[1] = "bare"; /* but it promises counts */
    CU_ASSERT_EQUAL(create(&odd, "bare", NULL, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "counts"));
    for (uint32_t bytes = 1; bytes <= GC_PREFIX_MAX + GC_GRANULE; bytes++) {
        if (bytes <= GC_PREFIX_MAX && bytes % GC_GRANULE == 0) continue;
        odd = *refcount;
        odd.prefix_bytes = bytes;
        CU_ASSERT_EQUAL(create(&odd, NULL, NULL, &error), -EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "multiple"));
    }
    odd = *refcount;
    odd.birth = GC_BIRTH_LINK; /* without the prefix */
    CU_ASSERT_EQUAL(create(&odd, NULL, NULL, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "prefix"));
    odd = *refcount;
    odd.protocols[0] = "nowhere";
    CU_ASSERT_EQUAL(create(&odd, NULL, NULL, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nowhere"));
}

static void a_collector_built_for_another_gclab_is_refused(void)
{
    struct gc_error error;
    const struct gc_collector *refcount = gc_collector_find("refcount");
    struct gc_collector odd = *refcount;
    odd.abi_version++;
    CU_ASSERT_EQUAL(create(&odd, NULL, NULL, &error), -EINVAL);
    odd = *refcount;
    odd.mutator_size++;
    CU_ASSERT_EQUAL(create(&odd, NULL, NULL, &error), -EINVAL);
    odd = *refcount;
    odd.heap_size--;
    CU_ASSERT_EQUAL(create(&odd, NULL, NULL, &error), -EINVAL);
    odd = *refcount;
    odd.check_level = GC_CHECK + 1;
    CU_ASSERT_EQUAL(create(&odd, NULL, NULL, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "rebuild"));
    CU_ASSERT_EQUAL(create(refcount, NULL, NULL, &error), 0);
}

static void a_bad_option_is_refused_and_nothing_is_left(void)
{
    struct gc_error error;
    const struct gc_collector *c = gc_collector_find("generational");
    CU_ASSERT_EQUAL(create(c, NULL, "threshold9=1", &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "threshold9"));
    CU_ASSERT_EQUAL(create(c, NULL, "threshold0=-1", &error), -EINVAL);
    CU_ASSERT_EQUAL(create(c, NULL, "detect=fly", &error), -EINVAL);
    CU_ASSERT_EQUAL(create(gc_collector_find("none"), NULL, "x=1", &error), -EINVAL);
    CU_ASSERT_EQUAL(create(c, NULL, "threshold0=5:detect=keep", &error), 0);
}

static void statistics_are_exact(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
        struct leaf *leaf;
        struct gc_array *large;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.chain, 1234));
    CU_ASSERT_TRUE(gc_new(m, &at.leaf, &leaf_type));
    CU_ASSERT_TRUE(gc_new_array(m, &at.large, &bytes_type, 0, 100000));
    struct gc_heap_stats stats;
    gc_heap_read_stats(f.heap, &stats);
    CU_ASSERT_EQUAL(stats.allocated_objects, 1236);
    CU_ASSERT_EQUAL(stats.live_objects, 1236);
    uint64_t node = sizeof(struct node), large = sizeof(struct gc_array) + 100000;
    CU_ASSERT_EQUAL(stats.live_bytes, 1234 * node + sizeof(struct leaf) + large);
    CU_ASSERT(stats.heap_bytes >= stats.live_bytes);
    CU_ASSERT_EQUAL(stats.heap_bytes % GC_BLOCK_BYTES, 0);
    gc_clear(m, &at.chain);
    gc_clear(m, &at.large);
    gc_heap_read_stats(f.heap, &stats);
    CU_ASSERT_EQUAL(stats.allocated_objects, 1236);
    CU_ASSERT_EQUAL(stats.live_objects, 1);
    CU_ASSERT_EQUAL(stats.live_bytes, sizeof(struct leaf));
    CU_ASSERT_EQUAL(stats.counters.freed_by_count, 1235);
    CU_ASSERT(stats.peak_heap_bytes >= 1234 * node + large);
    CU_ASSERT(stats.heap_bytes < stats.peak_heap_bytes);
    gc_leave(m, at);
    gc_heap_read_stats(f.heap, &stats);
    CU_ASSERT_EQUAL(stats.live_objects, 0);
    fixture_close(&f);
}

static void the_hard_limit_holds_and_an_allocation_then_fails(void)
{
    const size_t limit = (size_t)1 << 20;
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain;
        struct gc_array *array;
    } at;
    if (!fixture_open(&f, "refcount", NULL, limit)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_FALSE(make_chain(m, &at.chain, 1000000));
    CU_ASSERT_EQUAL(f.exhausted, 1);
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->peak_bytes) <= limit);
    CU_ASSERT(gc_atomic_load_relaxed(&f.heap->bytes) > limit - 2 * GC_BLOCK_BYTES);
    /* the cell must be new: a local that held something is NULL after a failure */
    CU_ASSERT_FALSE(gc_new_array(m, &at.array, &bytes_type, 0, 2u << 20));
    CU_ASSERT_PTR_NULL(at.array);
    CU_ASSERT_FALSE(gc_new_array(m, &at.array, &array_type, UINT32_MAX, UINT32_MAX));
    CU_ASSERT_EQUAL(f.exhausted, 3);
    gc_clear(m, &at.chain);
    CU_ASSERT_EQUAL(fixture_live(&f), 0);
    CU_ASSERT_TRUE(make_chain(m, &at.chain, 10000));
    CU_ASSERT_EQUAL(f.exhausted, 3);
    gc_leave(m, at);
    fixture_close(&f);
}

static void a_limit_below_one_region_s_metadata_refuses_the_first_object(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *node;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 1000)) return;
    gc_enter(f.m, at);
    CU_ASSERT_FALSE(gc_new(f.m, &at.node, &node_type));
    CU_ASSERT_PTR_NULL(at.node);
    CU_ASSERT_EQUAL(f.exhausted, 1);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes), 0);
    gc_leave(f.m, at);
    fixture_close(&f);
}

static void charges_add_up_and_the_peak_stays(void)
{
    struct fixture f;
    if (!fixture_open(&f, "none", NULL, 1000)) return;
    CU_ASSERT_TRUE(gc_heap_charge(f.heap, 600));
    CU_ASSERT_FALSE(gc_heap_charge(f.heap, 401));
    CU_ASSERT_TRUE(gc_heap_charge(f.heap, 400));
    CU_ASSERT_FALSE(gc_heap_charge(f.heap, 1));
    gc_heap_discharge(f.heap, 1000);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->bytes), 0);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f.heap->peak_bytes), 1000);
    fixture_close(&f);
}

struct seen {
    uint64_t objects, keys, until;
};

static bool see(struct gc_object *object, void *argument)
{
    struct seen *seen = argument;
    if (gc_object_info(object)->type == &node_type)
        seen->keys += (uint64_t)((struct node *)(void *)object)->key;
    return ++seen->objects != seen->until;
}

static void a_walk_meets_every_object_once(void)
{
    struct fixture f;
    struct {
        struct gc_frame frame;
        struct node *chain, *other;
        struct gc_array *large, *huge;
    } at;
    if (!fixture_open(&f, "refcount", NULL, 0)) return;
    struct gc_mutator *m = f.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.chain, 3000));
    CU_ASSERT_TRUE(make_chain(m, &at.other, 100));
    gc_clear(m, &at.other);
    CU_ASSERT_TRUE(gc_new_array(m, &at.large, &bytes_type, 0, 50000));
    CU_ASSERT_TRUE(gc_new_array(m, &at.huge, &bytes_type, 0, 5u << 20));
    struct seen seen = { 0, 0, 0 };
    CU_ASSERT_TRUE(gc_heap_walk_stw(f.heap, see, &seen));
    CU_ASSERT_EQUAL(seen.objects, 3002);
    CU_ASSERT_EQUAL(seen.keys, 3000 * 2999 / 2);
    seen = (struct seen){ .until = 17 };
    CU_ASSERT_FALSE(gc_heap_walk_stw(f.heap, see, &seen));
    CU_ASSERT_EQUAL(seen.objects, 17);
    gc_leave(m, at);
    fixture_close(&f);
}

static void side_metadata_lies_in_front_of_the_blocks(void)
{
    struct gc_collector odd = *gc_collector_find("none");
    struct gc_heap_config config = { .collector = &odd };
    struct gc_heap *heap, *plain;
    struct gc_error error;
    CU_ASSERT_EQUAL_FATAL(gc_heap_create(&config, &plain, &error), 0);
    odd.side_bits_log = 4; /* a byte a granule */
    CU_ASSERT_EQUAL_FATAL(gc_heap_create(&config, &heap, &error), 0);
    CU_ASSERT(heap->side_offset >= sizeof(struct gc_region));
    uint32_t more = heap->first_block - plain->first_block;
    CU_ASSERT_EQUAL(more, GC_REGION_BYTES / GC_GRANULE / GC_BLOCK_BYTES);
    struct gc_mutator *m;
    CU_ASSERT_EQUAL_FATAL(gc_attach(heap, &m), 0);
    gc_slot local = NULL;
    CU_ASSERT_TRUE(gc_new_slow(m, &local, &node_type, 0, 0));
    unsigned char *side = gc_side_of(heap, local);
    memset(side, 0xff, GC_REGION_BYTES / GC_GRANULE);
    CU_ASSERT_EQUAL(gc_block_of(local)->state, GC_BLOCK_CURRENT);
    CU_ASSERT(side + GC_REGION_BYTES / GC_GRANULE <= (unsigned char *)local);
    gc_detach(m);
    gc_heap_destroy(heap);
    gc_heap_destroy(plain);
}

static void destroy_while_attached(void *argument)
{
    (void)argument;
    struct gc_heap_config config = { .collector = gc_collector_find("none") };
    struct gc_heap *heap;
    struct gc_mutator *m;
    if (gc_heap_create(&config, &heap, NULL) != 0 || gc_attach(heap, &m) != 0) return;
    gc_heap_destroy(heap);
}

static void a_heap_is_not_destroyed_under_its_mutators(void)
{
    CU_ASSERT_TRUE(aborts_with(destroy_while_attached, NULL, "1 mutators are attached"));
}

static void a_heap_with_objects_is_destroyed_whole(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct fixture f;
        static gc_slot root;
        static struct gc_root_range range;
        root = NULL;
        if (!fixture_open(&f, (*c)->name, NULL, 0)) continue;
        gc_roots_add(f.heap, &range, &root, 1);
        for (int i = 0; i < 5; i++)
            CU_ASSERT_TRUE(gc_new_slow(f.m, &root, &array_type, 1u << 20, 0));
        fixture_close(&f); /* the root still holds the last */
    }
}

static void two_heaps_do_not_know_each_other(void)
{
    struct fixture a, b;
    struct {
        struct gc_frame frame;
        struct node *chain;
    } at;
    if (!fixture_open(&a, "refcount", NULL, 0)) return;
    struct gc_mutator *m = a.m;
    gc_enter(m, at);
    CU_ASSERT_TRUE(make_chain(m, &at.chain, 100));
    /* a thread is one mutator at a time; of the other heap only the locks are its own */
    struct gc_heap_config config = { .collector = gc_collector_find("generational") };
    CU_ASSERT_EQUAL_FATAL(gc_heap_create(&config, &b.heap, NULL), 0);
    struct gc_heap_stats stats;
    gc_heap_read_stats(b.heap, &stats);
    CU_ASSERT_EQUAL(stats.allocated_objects, 0);
    CU_ASSERT_EQUAL(stats.heap_bytes, 0);
    gc_heap_destroy(b.heap);
    CU_ASSERT_EQUAL(fixture_live(&a), 100);
    gc_leave(m, at);
    fixture_close(&a);
}

int test_heap_suite(void)
{
    static const struct test tests[] = {
        { "a_heap_comes_and_goes_without_a_trace",
                a_heap_comes_and_goes_without_a_trace },
        { "unsound_combinations_are_refused_with_the_reason",
                unsound_combinations_are_refused_with_the_reason },
        { "a_collector_built_for_another_gclab_is_refused",
                a_collector_built_for_another_gclab_is_refused },
        { "a_bad_option_is_refused_and_nothing_is_left",
                a_bad_option_is_refused_and_nothing_is_left },
        { "statistics_are_exact", statistics_are_exact },
        { "the_hard_limit_holds_and_an_allocation_then_fails",
                the_hard_limit_holds_and_an_allocation_then_fails },
        { "a_limit_below_one_region_s_metadata_refuses_the_first_object",
                a_limit_below_one_region_s_metadata_refuses_the_first_object },
        { "charges_add_up_and_the_peak_stays", charges_add_up_and_the_peak_stays },
        { "a_walk_meets_every_object_once", a_walk_meets_every_object_once },
        { "side_metadata_lies_in_front_of_the_blocks",
                side_metadata_lies_in_front_of_the_blocks },
        { "a_heap_is_not_destroyed_under_its_mutators",
                a_heap_is_not_destroyed_under_its_mutators },
        { "a_heap_with_objects_is_destroyed_whole",
                a_heap_with_objects_is_destroyed_whole },
        { "two_heaps_do_not_know_each_other", two_heaps_do_not_know_each_other },
    };
    return suite_add("core/heap", tests, COUNT(tests));
}
