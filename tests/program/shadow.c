/* SPDX-License-Identifier: MIT */
/* shadow.c - the graph that a program should have made, outside the heap under test. */
#include <stdlib.h>
#include <string.h>

#include "tests/program/shadow.h"

/* Not zeroed: most programs use a thousandth of it. */
static void *room_for(size_t count, size_t bytes)
{
    void *memory = malloc(count * bytes);
    gc_require(memory != NULL, "there is no memory for the shadow");
    return memory;
}

void shadow_init(struct shadow *shadow)
{
    memset(shadow, 0, sizeof(*shadow));
    pthread_mutex_init(&shadow->lock, NULL);
    shadow->objects = room_for(SHADOW_OBJECTS, sizeof(*shadow->objects));
    shadow->stack = room_for(SHADOW_OBJECTS, sizeof(*shadow->stack));
    shadow->pool = room_for(SHADOW_SLOTS, sizeof(*shadow->pool));
    shadow->slots_left = shadow->pool;
    shadow->slots_end = shadow->pool + SHADOW_SLOTS;
    shadow->objects[0] = (struct shadow_object){ 0 };
    shadow->count = 1;
}

void shadow_finish(struct shadow *shadow)
{
    free(shadow->pool);
    free(shadow->stack);
    free(shadow->objects);
    pthread_mutex_destroy(&shadow->lock);
}

uint32_t shadow_new(struct shadow *shadow, enum program_kind kind, uint32_t slots,
        struct gc_object *address)
{
    gc_require(shadow->count < SHADOW_OBJECTS &&
                       (size_t)(shadow->slots_end - shadow->slots_left) >= slots,
            "the program makes more objects than its shadow holds");
    uint32_t id = shadow->count++;
    shadow->objects[id] = (struct shadow_object){
        .kind = kind,
        .alive = true,
        .slots = slots,
        .slot = shadow->slots_left,
        .address = address,
    };
    memset(shadow->slots_left, 0, slots * sizeof(*shadow->slots_left));
    shadow->slots_left += slots;
    return id;
}

/* --- reachability -------------------------------------------------------------------- */

uint32_t shadow_begin(struct shadow *shadow)
{
    return ++shadow->mark;
}

void shadow_reach_from(struct shadow *shadow, uint32_t id, uint32_t mark)
{
    if (id == 0 || shadow->objects[id].mark == mark) return;
    size_t depth = 0;
    shadow->objects[id].mark = mark;
    shadow->stack[depth++] = id;
    while (depth > 0) {
        const struct shadow_object *object = &shadow->objects[shadow->stack[--depth]];
        for (uint32_t i = 0; i < object->slots; i++) {
            uint32_t child = object->slot[i];
            if (child == 0 || shadow->objects[child].mark == mark) continue;
            shadow->objects[child].mark = mark;
            shadow->stack[depth++] = child;
        }
    }
}

void shadow_hold_for_dead(struct shadow *shadow, uint32_t id, uint32_t mark)
{
    uint64_t now = ++shadow->clock;
    size_t depth = 0;
    if (shadow->objects[id].mark == mark) return;
    shadow->objects[id].mark = mark;
    shadow->stack[depth++] = id;
    while (depth > 0) {
        struct shadow_object *object = &shadow->objects[shadow->stack[--depth]];
        object->found_dead_at = now;
        for (uint32_t i = 0; i < object->slots; i++) {
            uint32_t child = object->slot[i];
            if (child == 0 || shadow->objects[child].mark == mark) continue;
            shadow->objects[child].mark = mark;
            shadow->stack[depth++] = child;
        }
    }
}

bool shadow_may_be_cleared(const struct shadow *shadow, uint32_t weak)
{
    const struct shadow_object *known = &shadow->objects[weak];
    const struct shadow_object *target = &shadow->objects[known->target];
    return target->found_dead_at >= known->made_at ||
           known->found_dead_at >= known->made_at;
}

void shadow_revive(struct shadow *shadow, uint32_t id)
{
    uint32_t mark = shadow_reach(shadow, 0);
    if (!shadow_is(shadow, id, mark)) shadow->objects[id].revived_at = ++shadow->clock;
}

bool shadow_may_be_finalized(const struct shadow *shadow, uint32_t id, uint32_t thread)
{
    return shadow->began_at[thread] != 0 &&
           shadow->objects[id].revived_at > shadow->began_at[thread];
}

static void visit_all(struct shadow *shadow, const uint32_t *ids, size_t count,
        void (*visit)(struct shadow *shadow, uint32_t id, uint32_t argument),
        uint32_t argument)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] != 0) visit(shadow, ids[i], argument);
}

static void visit_backs(struct shadow *shadow, uint64_t batch,
        void (*visit)(struct shadow *shadow, uint32_t id, uint32_t argument),
        uint32_t argument)
{
    for (int w = 0; w < PROGRAM_THREADS; w++)
        for (int i = 0; i < PROGRAM_BACKS; i++)
            if (shadow->backs[w][i] != 0 &&
                    (batch == 0 || shadow->back_batch[w][i] != batch))
                visit(shadow, shadow->backs[w][i], argument);
}

static void visit_roots(struct shadow *shadow, uint64_t batch,
        void (*visit)(struct shadow *shadow, uint32_t id, uint32_t argument),
        uint32_t argument)
{
    for (int w = 0; w < PROGRAM_WORKERS; w++) {
        visit_all(shadow, shadow->places[w], PROGRAM_PLACES, visit, argument);
        visit_all(shadow, shadow->views[w], PROGRAM_VIEWS, visit, argument);
    }
    for (int t = 0; t < PROGRAM_THREADS; t++)
        for (struct shadow_frame *f = shadow->frames[t]; f != NULL; f = f->caller)
            visit_all(shadow, f->id, PROGRAM_TEMPS, visit, argument);
    visit_all(shadow, &shadow->start, 1, visit, argument);
    visit_all(shadow, &shadow->board, 1, visit, argument);
    visit_backs(shadow, batch, visit, argument);
}

void shadow_for_roots(struct shadow *shadow,
        void (*visit)(struct shadow *shadow, uint32_t id, uint32_t argument),
        uint32_t argument)
{
    visit_roots(shadow, 0, visit, argument);
}

uint32_t shadow_reach(struct shadow *shadow, uint64_t batch)
{
    uint32_t mark = shadow_begin(shadow);
    visit_roots(shadow, batch, shadow_reach_from, mark);
    return mark;
}

uint32_t shadow_reach_places(struct shadow *shadow)
{
    uint32_t mark = shadow_begin(shadow);
    for (int w = 0; w < PROGRAM_WORKERS; w++)
        for (int i = 0; i < PROGRAM_PLACES; i++)
            shadow_reach_from(shadow, shadow->places[w][i], mark);
    shadow_reach_from(shadow, shadow->start, mark);
    return mark;
}

/* Leaves, boxes of leaves, and tuples of such; a tuple is younger than what it holds. */
static void find_constants(struct shadow *shadow)
{
    for (uint32_t id = 1; id < shadow->count; id++) {
        struct shadow_object *object = &shadow->objects[id];
        object->constant = object->kind == PROGRAM_BOX || object->kind == PROGRAM_LEAF ||
                           object->kind == PROGRAM_LEAF_ARRAY;
        if (object->kind != PROGRAM_TUPLE2 && object->kind != PROGRAM_TUPLE3) continue;
        object->constant = true;
        for (uint32_t i = 0; i < object->slots; i++) {
            uint32_t child = object->slot[i];
            object->constant &= child == 0 || shadow->objects[child].constant;
        }
    }
}

bool shadow_is_apart(struct shadow *shadow, uint32_t id, uint32_t place)
{
    find_constants(shadow);
    uint32_t first = shadow_begin(shadow);
    for (uint32_t i = 0; i < PROGRAM_PLACES; i++)
        if (i != place) shadow_reach_from(shadow, shadow->places[0][i], first);
    /* The first worker's marks stay where the second one's pass does not come. */
    size_t depth = 0;
    uint32_t second = shadow_begin(shadow);
    for (uint32_t i = 0; i <= PROGRAM_PLACES; i++) {
        uint32_t root = i < PROGRAM_PLACES ? shadow->places[1][i] : id;
        if (root == 0 || shadow->objects[root].mark == second) continue;
        if (shadow->objects[root].constant) continue;
        if (shadow->objects[root].mark == first) return false;
        shadow->objects[root].mark = second;
        shadow->stack[depth++] = root;
        while (depth > 0) {
            const struct shadow_object *object = &shadow->objects[shadow->stack[--depth]];
            for (uint32_t k = 0; k < object->slots; k++) {
                uint32_t child = object->slot[k];
                if (child == 0 || shadow->objects[child].mark == second) continue;
                if (shadow->objects[child].constant) continue;
                if (shadow->objects[child].mark == first) return false;
                shadow->objects[child].mark = second;
                shadow->stack[depth++] = child;
            }
        }
    }
    return true;
}

/* --- counts -------------------------------------------------------------------------- */

static void count_one(struct shadow *shadow, uint32_t id, uint32_t argument)
{
    (void)argument;
    shadow->objects[id].degree++;
}

void shadow_count(struct shadow *shadow)
{
    for (uint32_t id = 1; id < shadow->count; id++)
        shadow->objects[id].degree = 0;
    for (uint32_t id = 1; id < shadow->count; id++) {
        const struct shadow_object *object = &shadow->objects[id];
        if (!object->alive) continue;
        for (uint32_t i = 0; i < object->slots; i++)
            if (object->slot[i] != 0) shadow->objects[object->slot[i]].degree++;
    }
    shadow_for_roots(shadow, count_one, 0);
}

uint32_t shadow_count_out(struct shadow *shadow)
{
    shadow_count(shadow);
    uint32_t left = shadow_begin(shadow);
    size_t depth = 0;
    for (uint32_t id = 1; id < shadow->count; id++) {
        struct shadow_object *object = &shadow->objects[id];
        if (!object->alive) continue;
        object->mark = left;
        if (object->degree == 0) shadow->stack[depth++] = id;
    }
    while (depth > 0) {
        struct shadow_object *object = &shadow->objects[shadow->stack[--depth]];
        object->mark = 0;
        for (uint32_t i = 0; i < object->slots; i++) {
            uint32_t child = object->slot[i];
            if (child != 0 && --shadow->objects[child].degree == 0)
                shadow->stack[depth++] = child;
        }
    }
    return left;
}
