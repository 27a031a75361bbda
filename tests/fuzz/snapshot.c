/* SPDX-License-Identifier: MIT */
/* snapshot.c - the reader of snapshots: any file is refused with a sentence, or is a graph that
 * obeys what snapshot_file.h says, of which plans can be made.
 *
 * Chance finds no checksum. So where the first byte is odd, the rest is given the first bytes, the
 * sizes, the digest and the checksum that fit; where it is 2 modulo 4, the checksum alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/fuzz/fuzz.h"
#include "workloads/snapshot_file.h"
#include "workloads/snapshot_oracle.h"

enum { HEADER = 48, PRODUCER = 12, NAMES = 20, OBJECTS = 24, EDGES = 28, ROOTS = 32 };

static uint32_t get(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

static void put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* As many records of `bytes` as were asked for, if there is room for them. */
static uint32_t fit(uint8_t *count, size_t bytes, size_t *room)
{
    size_t most = *room / bytes;
    uint32_t n = get(count) < most ? get(count) : (uint32_t)most;
    put(count, n, 4);
    *room -= n * bytes;
    return n;
}

/* The degrees are taken as they are: those that do not fit are for the reader to see. */
static uint64_t digest_of(
        const uint8_t *records, uint32_t objects, const uint8_t *edges, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t o = 0, e = 0; o < objects; o++)
        for (uint32_t slot = 0; slot < get(records + o * 12 + 8) && e < count; slot++)
            sum += gc_snapshot_digest_edge(o, slot, get(edges + 4 * e++));
    return sum;
}

static void repair(uint8_t *file, size_t size)
{
    static const uint8_t begin[] = { 0x89, 'g', 'c', 's', '\r', '\n', 0x1a, '\n', 1, 0, 0,
        0 };
    size_t room = size - HEADER - 4;
    memcpy(file, begin, sizeof(begin));
    put(file + 36, 0, 4);
    uint32_t names = fit(file + NAMES, 1, &room);
    uint32_t objects = fit(file + OBJECTS, 12, &room);
    uint32_t edges = fit(file + EDGES, 4, &room);
    fit(file + ROOTS, 8, &room);
    put(file + PRODUCER, room, 4);
    const uint8_t *records = file + HEADER + room + names;
    put(file + 40, digest_of(records, objects, records + objects * (size_t)12, edges), 8);
}

static void check_graph(const struct gc_snapshot *s)
{
    uint32_t n = s->object_count;
    gc_require(n > 0 && s->first_edge[0] == 0 && s->first_edge[n] == s->edge_count, "F1");
    for (uint32_t i = 0; i < n; i++) {
        gc_require(s->first_edge[i] <= s->first_edge[i + 1], "F1");
        gc_require(
                s->type[i] < s->type_count && s->type_names[s->type[i]][0] != '\0', "F2");
        gc_require((s->flags[i] & GC_SNAPSHOT_CONTAINER) != 0 ||
                           (s->flags[i] == 0 && gc_snapshot_degree(s, i) == 0),
                "F4");
    }
    for (uint32_t i = 0; i < s->edge_count; i++)
        gc_require(s->edges[i] < n, "F2");
    for (uint32_t i = 0; i < s->root_count; i++)
        gc_require(s->roots[i].object < n && s->roots[i].count > 0 &&
                           (i == 0 || s->roots[i - 1].object < s->roots[i].object),
                "F3");
    gc_require(gc_snapshot_digest(s) == s->digest, "F6");
}

/* Every object dies once (F5), and the sums of the steps are those of the graph. */
static void check_plan(const struct gc_snapshot *s, uint32_t steps)
{
    struct gc_snapshot_plan *plan;
    struct gc_error error = { "" };
    int result = gc_snapshot_plan_create(s, steps, 7, &plan, &error);
    gc_require(result == 0, "there is no plan: %s", error.text);
    uint64_t dead = 0, roots = 0;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        dead += plan->steps[i].unreachable.objects;
        roots += plan->steps[i].root_count;
    }
    gc_require(
            dead == s->object_count && roots == s->root_count, "a plan of another graph");
    for (uint32_t i = 0; i < s->object_count; i++)
        gc_require(plan->death_step[i] < plan->step_count, "F5");
    gc_snapshot_plan_destroy(plan);
}

void fuzz_snapshot(const uint8_t *bytes, size_t size)
{
    if (size == 0) return;
    uint8_t *file = malloc(size);
    gc_require(file != NULL, "there is no memory");
    uint8_t how = bytes[0];
    memcpy(file, bytes + 1, --size);
    if (how % 2 == 1 && size >= HEADER + 4) repair(file, size);
    if (how % 4 != 0 && size >= 4) put(file + size - 4, crc32_z(0, file, size - 4), 4);
    const char *path = fuzz_file(file, size);
    struct gc_snapshot *snapshot = NULL;
    struct gc_error error = { "" };
    int result = gc_snapshot_read(path, &snapshot, &error);
    if (result == 0) {
        check_graph(snapshot);
        check_plan(snapshot, how / 4u + 1);
        gc_snapshot_destroy(snapshot);
    } else {
        gc_require(result == -EBADMSG, "it is refused with %d: %s", result, error.text);
        fuzz_require_sentence(&error);
        gc_require(strncmp(error.text, path, strlen(path)) == 0, "of which file?");
    }
    free(file);
}
