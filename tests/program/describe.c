/* SPDX-License-Identifier: MIT */
/* describe.c - objects of the shadow, and ways to them, in words. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/program/shadow.h"

static const char *const kind_names[PROGRAM_KINDS] = { "node of 2 slots",
    "node of 3 slots", "node of 4 slots", "object with a finalizer", "irregular object",
    "tuple of 2", "tuple of 3", "array", "leaf", "leaf array", "box", "weak reference" };

const char *shadow_kind_name(const struct shadow *shadow, uint32_t id)
{
    return kind_names[shadow->objects[id].kind];
}

/* Appends as far as it fits. */
GC_PRINTF(2, 3)
static void append(struct shadow_text *text, const char *format, ...)
{
    size_t length = strlen(text->text);
    va_list list;
    va_start(list, format);
    vsnprintf(text->text + length, sizeof(text->text) - length, format, list);
    va_end(list);
}

struct shadow_text shadow_name(const struct shadow *shadow, uint32_t id)
{
    struct shadow_text text = { "" };
    append(&text, "object %u (%s", id, shadow_kind_name(shadow, id));
    uint64_t name = shadow->objects[id].name;
    if (name != 0)
        append(&text, ", made by operation %llu)", (unsigned long long)(name >> 16));
    else
        append(&text, ", made by a finalizer or a passing thread)");
    return text;
}

/* Calls visit() for each root, with its name, until that returns false. */
struct root_visit {
    bool (*visit)(struct root_visit *visit, const char *name, uint32_t id);
    const struct shadow *shadow;
    uint32_t wanted;
    struct shadow_text text;
};

static bool visit_group(struct root_visit *v, const char *what, const uint32_t *ids,
        uint32_t count, uint32_t owner)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[80];
        if (ids[i] == 0) continue;
        snprintf(name, sizeof(name), "%s %u%s", what, i,
                owner == 1 ? " of the second worker" : "");
        if (!v->visit(v, name, ids[i])) return false;
    }
    return true;
}

static bool visit_roots(struct root_visit *v)
{
    const struct shadow *shadow = v->shadow;
    for (uint32_t w = 0; w < PROGRAM_WORKERS; w++) {
        const uint32_t *places = shadow->places[w];
        if (!visit_group(v, "root", places, PROGRAM_ROOTS, w) ||
                !visit_group(v, "local", places + PROGRAM_ROOTS, PROGRAM_LOCALS, w) ||
                !visit_group(v, "view", shadow->views[w], PROGRAM_VIEWS, w))
            return false;
    }
    for (uint32_t t = 0; t < PROGRAM_THREADS; t++) {
        for (struct shadow_frame *f = shadow->frames[t]; f != NULL; f = f->caller)
            if (!visit_group(v, "a local of the operation under way,", f->id,
                        PROGRAM_TEMPS, 0))
                return false;
        if (!visit_group(v, "what a finalizer brought back,", shadow->backs[t],
                    PROGRAM_BACKS, 0))
            return false;
    }
    return visit_group(v, "the board", &shadow->board, 1, 0);
}

/* From a root, breadth first, so that the way is a shortest one: parents, or 0. */
static bool find_way(const struct shadow *shadow, uint32_t root, uint32_t wanted,
        uint32_t *parent, uint32_t *queue)
{
    size_t first = 0, end = 0;
    memset(parent, 0, shadow->count * sizeof(*parent));
    parent[root] = root;
    queue[end++] = root;
    while (first < end) {
        uint32_t id = queue[first++];
        if (id == wanted) return true;
        const struct shadow_object *object = &shadow->objects[id];
        for (uint32_t i = 0; i < object->slots; i++) {
            uint32_t child = object->slot[i];
            if (child == 0 || parent[child] != 0) continue;
            parent[child] = id;
            queue[end++] = child;
        }
    }
    return false;
}

static uint32_t slot_to(const struct shadow *shadow, uint32_t id, uint32_t child)
{
    uint32_t slot = 0;
    while (shadow->objects[id].slot[slot] != child)
        slot++;
    return slot;
}

static bool visit_way(struct root_visit *v, const char *name, uint32_t id)
{
    const struct shadow *shadow = v->shadow;
    uint32_t *parent = calloc(2 * (size_t)shadow->count, sizeof(*parent));
    gc_require(parent != NULL, "there is no memory for a way");
    uint32_t *way = parent + shadow->count; /* the queue, and then the way */
    bool found = find_way(shadow, id, v->wanted, parent, way);
    if (found) {
        uint32_t length = 0;
        for (uint32_t at = v->wanted; at != id; at = parent[at])
            way[length++] = at;
        append(&v->text, "%s -> object %u", name, id);
        for (uint32_t before = id; length > 0; before = way[length]) {
            length--;
            append(&v->text, " .slot %u -> object %u",
                    slot_to(shadow, before, way[length]), way[length]);
        }
    }
    free(parent);
    return !found;
}

struct shadow_text shadow_path(const struct shadow *shadow, uint32_t id)
{
    struct root_visit visit = { .visit = visit_way, .shadow = shadow, .wanted = id };
    if (visit_roots(&visit)) append(&visit.text, "nothing");
    return visit.text;
}

static void add_holder(struct root_visit *v, const char *name)
{
    append(&v->text, "%s%s", v->text.text[0] != '\0' ? ", " : "", name);
}

static bool visit_holder(struct root_visit *v, const char *name, uint32_t id)
{
    if (id == v->wanted) add_holder(v, name);
    return true;
}

struct shadow_text shadow_holders(const struct shadow *shadow, uint32_t id)
{
    struct root_visit visit = { .visit = visit_holder, .shadow = shadow, .wanted = id };
    visit_roots(&visit);
    for (uint32_t holder = 1; holder < shadow->count; holder++) {
        const struct shadow_object *object = &shadow->objects[holder];
        for (uint32_t i = 0; object->alive && i < object->slots; i++) {
            char name[48];
            if (object->slot[i] != id) continue;
            snprintf(name, sizeof(name), "object %u .slot %u", holder, i);
            add_holder(&visit, name);
        }
    }
    if (visit.text.text[0] == '\0') append(&visit.text, "nothing");
    return visit.text;
}
