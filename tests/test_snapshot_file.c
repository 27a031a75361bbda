/* SPDX-License-Identifier: MIT */
/* test_snapshot_file.c - reading snapshots, refusing damaged ones, and the plans that
 * say what must be reclaimed. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/os.h"
#include "workloads/snapshot_file.h"
#include "workloads/snapshot_oracle.h"

int test_snapshot_file_suite(void);

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

enum { HEADER = 48 };

static char small_path[4096]; /* the snapshot that is checked in */
static char scratch_path[] = "/tmp/gclab-snapshot-XXXXXX"; /* a damaged copy of it */
static unsigned char *image;
static size_t image_bytes;

static int open_suite(void)
{
    const char *directory = getenv("GCLAB_TEST_DATA");
    if (directory == NULL) {
        fprintf(stderr, "GCLAB_TEST_DATA does not name the directory of test data\n");
        return 1;
    }
    snprintf(small_path, sizeof(small_path), "%s/cpython_small.gcs", directory);
    FILE *file = fopen(small_path, "rb");
    if (file == NULL) return 1;
    fseek(file, 0, SEEK_END);
    image_bytes = (size_t)ftell(file);
    rewind(file);
    image = malloc(image_bytes);
    bool whole = image != NULL && fread(image, 1, image_bytes, file) == image_bytes;
    fclose(file);
    memcpy(strrchr(scratch_path, '-') + 1, "XXXXXX", 6); /* the suite may run again */
    int fd = mkstemp(scratch_path);
    if (fd >= 0) close(fd);
    return whole && fd >= 0 ? 0 : 1;
}

static int close_suite(void)
{
    unlink(scratch_path);
    free(image);
    image = NULL;
    return 0;
}

static uint32_t get_u32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

/* Where the parts of the intact file begin. */
static size_t objects_at(void)
{
    return HEADER + (size_t)get_u32(image + 12) + get_u32(image + 20);
}

static size_t edges_at(void)
{
    return objects_at() + (size_t)get_u32(image + 24) * 12;
}

static size_t roots_at(void)
{
    return edges_at() + (size_t)get_u32(image + 28) * 4;
}

/* Writes the bytes as a file and reads it; it must be refused with a message that
 * names the file and says `reason`. */
static bool refuses(const unsigned char *bytes, size_t size, const char *reason)
{
    FILE *file = fopen(scratch_path, "wb");
    if (file == NULL) return false;
    bool written = fwrite(bytes, 1, size, file) == size;
    if (fclose(file) != 0 || !written) return false;
    struct gc_snapshot *snapshot = NULL;
    struct gc_error error = { "" };
    int result = gc_snapshot_read(scratch_path, &snapshot, &error);
    if (result == 0) gc_snapshot_destroy(snapshot);
    bool as_expected = result == -EBADMSG && snapshot == NULL &&
                       strncmp(error.text, scratch_path, strlen(scratch_path)) == 0 &&
                       strstr(error.text, reason) != NULL;
    if (!as_expected)
        fprintf(stderr, "expected \"%s\": %d \"%s\"\n", reason, result, error.text);
    return as_expected;
}

/* As refuses(), of the intact file with one word changed and a checksum that fits. */
static bool refuses_word(size_t at, uint32_t value, const char *reason)
{
    unsigned char *copy = malloc(image_bytes);
    if (copy == NULL) return false;
    memcpy(copy, image, image_bytes);
    put_u32(copy + at, value);
    put_u32(copy + image_bytes - 4, (uint32_t)crc32_z(0, copy, image_bytes - 4));
    bool refused = refuses(copy, image_bytes, reason);
    free(copy);
    return refused;
}

static struct gc_snapshot *read_small(void)
{
    struct gc_snapshot *snapshot = NULL;
    struct gc_error error = { "" };
    int result = gc_snapshot_read(small_path, &snapshot, &error);
    if (result != 0) fprintf(stderr, "%s\n", error.text);
    CU_ASSERT_EQUAL_FATAL(result, 0);
    return snapshot;
}

static void reads_the_heap_of_a_real_program(void)
{
    struct gc_snapshot *snapshot = read_small();
    CU_ASSERT(snapshot->object_count >= 20000);
    CU_ASSERT(snapshot->edge_count > snapshot->object_count);
    CU_ASSERT(snapshot->root_count >= 64);
    CU_ASSERT_EQUAL(strncmp(snapshot->producer, "cpython 3.11", 12), 0);
    CU_ASSERT_EQUAL(snapshot->first_edge[snapshot->object_count], snapshot->edge_count);
    CU_ASSERT_EQUAL(snapshot->digest, gc_snapshot_digest(snapshot));
    uint32_t tuples = 0, proper_tuples = 0, tracked = 0;
    for (uint32_t i = 0; i < snapshot->object_count; i++) {
        tracked += (snapshot->flags[i] & GC_SNAPSHOT_TRACKED) != 0;
        if (strcmp(snapshot->type_names[snapshot->type[i]], "builtins.tuple") != 0)
            continue;
        tuples++;
        /* A tuple has 40 bytes and its slots: what the reader decodes fits together. */
        proper_tuples += (snapshot->flags[i] & GC_SNAPSHOT_IMMUTABLE) != 0 &&
                         snapshot->size[i] == 40 + 8 * gc_snapshot_degree(snapshot, i);
    }
    CU_ASSERT(tuples > 1000);
    CU_ASSERT_EQUAL(tuples, proper_tuples);
    CU_ASSERT(tracked > 1000);
    gc_snapshot_destroy(snapshot);
}

static void says_why_a_file_cannot_be_opened(void)
{
    struct gc_snapshot *snapshot = NULL;
    struct gc_error error = { "" };
    CU_ASSERT_EQUAL(gc_snapshot_read("/nowhere/x.gcs", &snapshot, &error), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/nowhere/x.gcs"));
    CU_ASSERT_EQUAL(gc_snapshot_read("/tmp", &snapshot, &error), -EBADMSG);
    CU_ASSERT_PTR_NULL(snapshot);
}

static void refuses_a_file_cut_short_or_prolonged(void)
{
    uint32_t accepted = 0;
    for (size_t size = 0; size < 64; size++)
        accepted += !refuses(image, size, "");
    for (size_t size = 64; size < image_bytes; size += image_bytes / 40)
        accepted += !refuses(image, size, "cut short");
    for (size_t size = image_bytes - 9; size < image_bytes; size++)
        accepted += !refuses(image, size, "cut short");
    CU_ASSERT_EQUAL(accepted, 0);

    unsigned char *longer = calloc(1, image_bytes + 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(longer);
    memcpy(longer, image, image_bytes);
    CU_ASSERT(refuses(longer, image_bytes + 1, "follows the end"));
    CU_ASSERT(refuses(longer, image_bytes + 4, "follows the end"));
    free(longer);
}

static void refuses_any_flipped_bit(void)
{
    uint32_t accepted = 0;
    for (size_t at = 0; at < image_bytes; at += at < HEADER ? 1 : image_bytes / 60) {
        image[at] ^= (unsigned char)(1 << at % 8);
        accepted += !refuses(image, image_bytes, "");
        image[at] ^= (unsigned char)(1 << at % 8);
    }
    image[image_bytes - 1] ^= 0x80;
    accepted += !refuses(image, image_bytes, "checksum");
    image[image_bytes - 1] ^= 0x80;
    CU_ASSERT_EQUAL(accepted, 0);
}

static void refuses_what_a_fitting_checksum_hides(void)
{
    size_t objects = objects_at(), edges = edges_at(), roots = roots_at();
    uint32_t object_count = get_u32(image + 24);
    CU_ASSERT(refuses_word(0, 0, "not a snapshot"));
    CU_ASSERT(refuses_word(8, 2, "version 2"));
    for (size_t at = 12; at < 36; at += 4)
        if (at != 16) CU_ASSERT(refuses_word(at, UINT32_MAX, "cut short"));
    CU_ASSERT(refuses_word(16, UINT32_MAX, "fewer names than types"));
    CU_ASSERT(refuses_word(16, get_u32(image + 16) + 1, "no proper name"));
    CU_ASSERT(refuses_word(16, get_u32(image + 16) - 1, "more names"));
    CU_ASSERT(refuses_word(36, 1, "reserved"));
    CU_ASSERT(refuses_word(40, get_u32(image + 40) + 1, "digest"));
    CU_ASSERT(refuses_word(HEADER, 0x0a0a0a0a, "producer"));
    CU_ASSERT(refuses_word(objects, 0x00fffffe, "has type"));
    CU_ASSERT(refuses_word(objects, 0xff000000, "unknown flags"));
    CU_ASSERT(refuses_word(objects + 8, UINT32_MAX, "more references than are left"));
    CU_ASSERT(refuses_word(edges, object_count, "leads to object"));
    CU_ASSERT(refuses_word(roots, object_count, "root 0"));
    CU_ASSERT(refuses_word(roots, UINT32_MAX, "root 0"));
    CU_ASSERT(refuses_word(roots + 4, 0, "root 0"));
    CU_ASSERT(refuses_word(roots + 8, get_u32(image + roots), "root 1"));
}

static void refuses_one_altered_edge_with_a_fitting_checksum(void)
{
    uint32_t object_count = get_u32(image + 24), edge_count = get_u32(image + 28);
    uint32_t accepted = 0;
    for (uint32_t e = 0; e < edge_count; e += edge_count / 20) {
        size_t at = edges_at() + (size_t)e * 4;
        accepted +=
                !refuses_word(at, (get_u32(image + at) + 1) % object_count, "altered");
    }
    CU_ASSERT_EQUAL(accepted, 0);
}

static void survives_every_failing_allocation(void)
{
    /* Lets the first allocation fail, then the second, until none is left to fail. */
    uint32_t failures = 0, wrong = 0;
    int result = -ENOMEM;
    for (uint64_t n = 1; result != 0 && n < 1000; n++) {
        struct gc_snapshot *snapshot = NULL;
        struct gc_snapshot_plan *plan = NULL;
        gc_os_fail_allocation(n);
        result = gc_snapshot_read(small_path, &snapshot, NULL);
        if (result == 0) result = gc_snapshot_plan_create(snapshot, 64, 1, &plan, NULL);
        gc_os_fail_allocation(0);
        failures += result == -ENOMEM;
        wrong += (result != 0 && result != -ENOMEM) || (result == 0) != (plan != NULL);
        gc_snapshot_plan_destroy(plan);
        gc_snapshot_destroy(snapshot);
    }
    CU_ASSERT_EQUAL(result, 0);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(failures >= 20);
}

static struct gc_snapshot *build(uint32_t objects, const struct gc_snapshot_edge *edges,
        uint32_t edge_count, const struct gc_snapshot_root *roots, uint32_t root_count)
{
    struct gc_snapshot *snapshot = NULL;
    struct gc_error error = { "" };
    int result = gc_snapshot_build(
            objects, edges, edge_count, roots, root_count, &snapshot, &error);
    if (result != 0) fprintf(stderr, "%s\n", error.text);
    CU_ASSERT_EQUAL_FATAL(result, 0);
    return snapshot;
}

static struct gc_snapshot_plan *plan_for(
        const struct gc_snapshot *snapshot, uint32_t steps, uint64_t seed)
{
    struct gc_snapshot_plan *plan = NULL;
    CU_ASSERT_EQUAL_FATAL(gc_snapshot_plan_create(snapshot, steps, seed, &plan, NULL), 0);
    return plan;
}

static void builds_only_proper_graphs(void)
{
    static const struct gc_snapshot_edge edges[] = { { 0, 1 }, { 1, 0 }, { 0, 0 } };
    static const struct gc_snapshot_root roots[] = { { 0, 1 } };
    static const struct gc_snapshot_root unordered[] = { { 1, 1 }, { 0, 1 } };
    struct gc_snapshot *snapshot = build(2, edges, COUNT(edges), roots, 1);
    CU_ASSERT_EQUAL(gc_snapshot_degree(snapshot, 0), 2);
    CU_ASSERT_EQUAL(snapshot->edges[0], 1);
    CU_ASSERT_EQUAL(snapshot->edges[1], 0);
    CU_ASSERT_EQUAL(snapshot->digest, gc_snapshot_digest_edge(0, 0, 1) +
                                              gc_snapshot_digest_edge(0, 1, 0) +
                                              gc_snapshot_digest_edge(1, 0, 0));
    gc_snapshot_destroy(snapshot);

    struct gc_snapshot *none = NULL;
    struct gc_error error = { "" };
    CU_ASSERT_EQUAL(gc_snapshot_build(1, edges, 3, roots, 1, &none, &error), -EINVAL);
    CU_ASSERT_EQUAL(gc_snapshot_build(0, edges, 0, roots, 0, &none, &error), -EINVAL);
    CU_ASSERT_EQUAL(gc_snapshot_build(2, edges, 2, unordered, 2, &none, &error), -EINVAL);
    CU_ASSERT_EQUAL(gc_snapshot_build(2, edges, 0, roots, 1, &none, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "object 1 cannot be reached"));
    CU_ASSERT_PTR_NULL(none);
}

static void tells_counted_from_cyclic(void)
{
    /* 0 -> 1 <-> 2 -> 3: of one root, counting frees 0 and leaks the rest. */
    static const struct gc_snapshot_edge edges[] = {
        { 0, 1 }, { 1, 2 }, { 2, 1 }, { 2, 3 }, { 0, 3 }, { 0, 3 } /* a double edge */
    };
    static const struct gc_snapshot_root roots[] = { { 0, 3 } };
    struct gc_snapshot *snapshot = build(4, edges, COUNT(edges), roots, 1);
    struct gc_snapshot_plan *plan = plan_for(snapshot, 64, 7);
    CU_ASSERT_EQUAL_FATAL(plan->step_count, 1);
    CU_ASSERT_EQUAL(plan->steps[0].root_count, 1);
    CU_ASSERT_EQUAL(plan->steps[0].unreachable.objects, 4);
    CU_ASSERT_EQUAL(plan->steps[0].unreachable.containers, 3);
    CU_ASSERT_EQUAL(plan->steps[0].unreachable.bytes, 4 * 32);
    CU_ASSERT_EQUAL(plan->steps[0].counted.objects, 1);
    CU_ASSERT_EQUAL(plan->steps[0].cyclic.objects, 3);
    CU_ASSERT_EQUAL(plan->steps[0].cyclic.containers, 2);
    CU_ASSERT_EQUAL(plan->steps[0].prompt.objects, 1);
    CU_ASSERT_EQUAL(plan->mixed_steps, 1);
    CU_ASSERT_EQUAL(plan->counted[0], 1);
    CU_ASSERT_EQUAL(plan->counted[3], 0);
    gc_snapshot_plan_destroy(plan);
    gc_snapshot_destroy(snapshot);
}

static void knows_what_leaked_cycles_keep(void)
{
    /* The ring 0 <-> 1 holds 2, which is a root too. Once the ring has leaked, counting
     * never frees 2; had it been collected, counting frees 2 at once. */
    static const struct gc_snapshot_edge edges[] = { { 0, 1 }, { 1, 0 }, { 1, 2 } };
    static const struct gc_snapshot_root roots[] = { { 0, 1 }, { 2, 1 } };
    struct gc_snapshot *snapshot = build(3, edges, COUNT(edges), roots, 2);
    uint32_t ring_first = 0, ring_last = 0;
    for (uint64_t seed = 0; seed < 32; seed++) {
        struct gc_snapshot_plan *plan = plan_for(snapshot, 2, seed);
        const struct gc_snapshot_step *last = &plan->steps[1];
        bool ring = plan->root_order[0] == 0;
        ring_first += ring && plan->steps[0].cyclic.objects == 2 &&
                      last->unreachable.objects == 1 && last->counted.objects == 0 &&
                      last->cyclic.objects == 1 && last->prompt.objects == 1;
        ring_last += !ring && plan->steps[0].unreachable.objects == 0 &&
                     last->unreachable.objects == 3 && last->counted.objects == 0 &&
                     last->prompt.objects == 0;
        gc_snapshot_plan_destroy(plan);
    }
    CU_ASSERT(ring_first > 0);
    CU_ASSERT(ring_last > 0);
    CU_ASSERT_EQUAL(ring_first + ring_last, 32);
    gc_snapshot_destroy(snapshot);
}

static void frees_a_long_chain_without_recursion(void)
{
    enum { LENGTH = 1000000 };
    struct gc_snapshot_edge *edges = malloc(LENGTH * sizeof(*edges));
    CU_ASSERT_PTR_NOT_NULL_FATAL(edges);
    for (uint32_t i = 0; i + 1 < LENGTH; i++)
        edges[i] = (struct gc_snapshot_edge){ i, i + 1 };
    static const struct gc_snapshot_root roots[] = { { 0, 1 } };
    struct gc_snapshot *snapshot = build(LENGTH, edges, LENGTH - 1, roots, 1);
    struct gc_snapshot_plan *plan = plan_for(snapshot, 1, 0);
    CU_ASSERT_EQUAL(plan->steps[0].counted.objects, LENGTH);
    CU_ASSERT_EQUAL(plan->steps[0].cyclic.objects, 0);
    gc_snapshot_plan_destroy(plan);
    gc_snapshot_destroy(snapshot);
    free(edges);
}

/* How many objects the roots of the steps from `step` on reach: by repeated passes
 * over all edges, so that it shares no code and no idea with the plan. */
static uint64_t count_reachable(const struct gc_snapshot *snapshot,
        const struct gc_snapshot_plan *plan, uint32_t step, uint8_t *seen)
{
    uint64_t reached = 0;
    memset(seen, 0, snapshot->object_count);
    for (uint32_t i = plan->steps[step].first_root; i < plan->root_count; i++)
        seen[snapshot->roots[plan->root_order[i]].object] = 1;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t o = 0; o < snapshot->object_count; o++) {
            if (!seen[o]) continue;
            for (uint32_t e = snapshot->first_edge[o]; e < snapshot->first_edge[o + 1];
                    e++) {
                changed = changed || !seen[snapshot->edges[e]];
                seen[snapshot->edges[e]] = 1;
            }
        }
    }
    for (uint32_t o = 0; o < snapshot->object_count; o++)
        reached += seen[o];
    return reached;
}

static void agrees_with_a_plain_search_at_every_step(void)
{
    struct gc_snapshot *snapshot = read_small();
    struct gc_snapshot_plan *plan = plan_for(snapshot, GC_SNAPSHOT_STEPS, 3);
    uint8_t *seen = malloc(snapshot->object_count);
    CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
    uint64_t left = snapshot->object_count;
    uint32_t wrong = 0;
    for (uint32_t s = 0; s < plan->step_count; s++) {
        wrong += count_reachable(snapshot, plan, s, seen) != left;
        for (uint32_t o = 0; o < snapshot->object_count; o++)
            wrong += seen[o] != (plan->death_step[o] >= s);
        left -= plan->steps[s].unreachable.objects;
    }
    CU_ASSERT_EQUAL(left, 0);
    CU_ASSERT_EQUAL(wrong, 0);
    free(seen);
    gc_snapshot_plan_destroy(plan);
    gc_snapshot_destroy(snapshot);
}

/* Checks O1 to O4 and what the steps say against what the objects say. */
static uint32_t count_broken_invariants(
        const struct gc_snapshot *snapshot, const struct gc_snapshot_plan *plan)
{
    uint32_t broken = 0, roots = 0;
    uint64_t objects = 0, counted = 0, in_counted = 0;
    for (uint32_t s = 0; s < plan->step_count; s++) {
        const struct gc_snapshot_step *step = &plan->steps[s];
        broken += step->root_count == 0 || step->first_root != roots;
        roots += step->root_count;
        objects += step->unreachable.objects;
        counted += step->counted.objects;
        broken += step->counted.objects > step->prompt.objects ||
                  step->prompt.objects > step->unreachable.objects;
        broken += step->counted.objects + step->cyclic.objects !=
                          step->unreachable.objects ||
                  step->counted.bytes + step->cyclic.bytes != step->unreachable.bytes ||
                  step->cyclic.containers > step->unreachable.containers;
    }
    uint8_t *dropped = calloc(plan->root_count, 1);
    if (dropped == NULL) return UINT32_MAX;
    for (uint32_t i = 0; i < plan->root_count; i++) {
        broken += dropped[plan->root_order[i]];
        dropped[plan->root_order[i]] = 1;
    }
    free(dropped);
    for (uint32_t o = 0; o < snapshot->object_count; o++)
        in_counted += plan->counted[o];
    return broken + (roots != snapshot->root_count) +
           (objects != snapshot->object_count) + (counted != in_counted);
}

static void plans_for_a_real_heap_are_exact_and_mixed(void)
{
    struct gc_snapshot *snapshot = read_small();
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct gc_snapshot_plan *plan = plan_for(snapshot, GC_SNAPSHOT_STEPS, seed);
        CU_ASSERT(plan->step_count >= 50);
        CU_ASSERT(plan->mixed_steps >= 10);
        CU_ASSERT_EQUAL(count_broken_invariants(snapshot, plan), 0);
        gc_snapshot_plan_destroy(plan);
    }
    struct gc_snapshot_plan *plan = plan_for(snapshot, 1, 1);
    CU_ASSERT_EQUAL(plan->steps[0].unreachable.objects, snapshot->object_count);
    CU_ASSERT_EQUAL(count_broken_invariants(snapshot, plan), 0);
    gc_snapshot_plan_destroy(plan);
    CU_ASSERT_EQUAL(gc_snapshot_plan_create(snapshot, 0, 1, &plan, NULL), -EINVAL);
    gc_snapshot_destroy(snapshot);
}

static void a_seed_makes_one_plan(void)
{
    struct gc_snapshot *snapshot = read_small();
    struct gc_snapshot_plan *one = plan_for(snapshot, 64, 11);
    struct gc_snapshot_plan *same = plan_for(snapshot, 64, 11);
    struct gc_snapshot_plan *other = plan_for(snapshot, 64, 12);
    size_t bytes = snapshot->root_count * sizeof(uint32_t);
    CU_ASSERT_EQUAL(memcmp(one->root_order, same->root_order, bytes), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(one->root_order, other->root_order, bytes), 0);
    gc_snapshot_plan_destroy(one);
    gc_snapshot_plan_destroy(same);
    gc_snapshot_plan_destroy(other);
    gc_snapshot_destroy(snapshot);
}

int test_snapshot_file_suite(void)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } tests[] = {
        { "reads_the_heap_of_a_real_program", reads_the_heap_of_a_real_program },
        { "says_why_a_file_cannot_be_opened", says_why_a_file_cannot_be_opened },
        { "refuses_a_file_cut_short_or_prolonged",
                refuses_a_file_cut_short_or_prolonged },
        { "refuses_any_flipped_bit", refuses_any_flipped_bit },
        { "refuses_what_a_fitting_checksum_hides",
                refuses_what_a_fitting_checksum_hides },
        { "refuses_one_altered_edge_with_a_fitting_checksum",
                refuses_one_altered_edge_with_a_fitting_checksum },
        { "survives_every_failing_allocation", survives_every_failing_allocation },
        { "builds_only_proper_graphs", builds_only_proper_graphs },
        { "tells_counted_from_cyclic", tells_counted_from_cyclic },
        { "knows_what_leaked_cycles_keep", knows_what_leaked_cycles_keep },
        { "frees_a_long_chain_without_recursion", frees_a_long_chain_without_recursion },
        { "agrees_with_a_plain_search_at_every_step",
                agrees_with_a_plain_search_at_every_step },
        { "plans_for_a_real_heap_are_exact_and_mixed",
                plans_for_a_real_heap_are_exact_and_mixed },
        { "a_seed_makes_one_plan", a_seed_makes_one_plan },
    };
    CU_pSuite suite = CU_add_suite("workloads/snapshot_file", open_suite, close_suite);
    if (suite == NULL) return 1;
    for (uint32_t i = 0; i < COUNT(tests); i++)
        if (CU_add_test(suite, tests[i].name, tests[i].function) == NULL) return 1;
    return 0;
}
