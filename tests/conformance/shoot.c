/* SPDX-License-Identifier: MIT */
/* shoot.c - takes a picture of a case's heap. Compiled once per protocol, like run.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/inspect.h"
#include "tests/conformance/film.h"
#include "tests/conformance/run.h"

struct shot {
    struct machine *machine;
    const struct camera *camera;
    struct film_picture *picture;
};

/* --- fields --------------------------------------------------------------------------- */

static uint64_t word_of(const struct gc_object *object, const struct gc_field *field)
{
    switch ((enum gc_field_word)field->word) {
    case GC_FIELD_COUNT:
        return gc_atomic_load_relaxed(&object->count);
    case GC_FIELD_NOTED:
        return gc_atomic_load_relaxed(&object->noted);
    case GC_FIELD_MARK:
        break;
    }
    return gc_object_mark(object);
}

/* Of "clean|dirty" the word that stands for a value; or the value. */
static void put_value(char text[FILM_TEXT], const char *values, uint64_t value)
{
    const char *word = values;
    for (uint64_t i = 0; word != NULL && i < value; i++) {
        word = strchr(word, '|');
        if (word != NULL) word++;
    }
    if (word != NULL)
        snprintf(text, FILM_TEXT, "%.*s", (int)strcspn(word, "|"), word);
    else
        snprintf(text, FILM_TEXT, "%" PRIu64, value);
}

static void add_field(
        struct film_object *to, const char *name, const char *values, uint64_t value)
{
    if (to->field_count == FILM_FIELDS) return;
    struct film_field *field = &to->fields[to->field_count++];
    snprintf(field->name, sizeof(field->name), "%s", name);
    put_value(field->value, values, value);
}

/* Bits are shown where they are set. */
static void add_fields(struct film_object *to, const struct gc_object *object,
        const struct gc_field *fields)
{
    for (; fields != NULL && fields->name != NULL; fields++) {
        uint64_t mask =
                fields->bits < 64 ? (UINT64_C(1) << fields->bits) - 1 : UINT64_MAX;
        uint64_t value = (word_of(object, fields) >> fields->shift & mask) - fields->zero;
        bool is_bit = fields->bits == 1 && fields->values == NULL;
        if (!is_bit)
            add_field(to, fields->name, fields->values, value);
        else if (value != 0)
            add_field(to, fields->name, "no|yes", value);
    }
}

/* --- objects ------------------------------------------------------------------------------ */

static void put_name(char text[FILM_TEXT], const char *name, int64_t index)
{
    if (index >= 0)
        snprintf(text, FILM_TEXT, "%s[%" PRId64 "]", name, index);
    else
        snprintf(text, FILM_TEXT, "%s", name);
}

static void name_object(struct film_object *to, struct gc_object *object)
{
    const struct tag *tag = machine_tag_of(object);
    if (tag != NULL && tag->name != NULL)
        put_name(to->name, tag->name, tag->index);
    else
        snprintf(to->name, sizeof(to->name), "a %.24s",
                gc_object_info(object)->type->name);
}

static void add_edge(
        struct shot *shot, const char *handle, uint32_t from, struct gc_object *object)
{
    struct film_picture *picture = shot->picture;
    if (object == NULL || picture->edge_count == FILM_EDGES) return;
    struct film_edge *edge = &picture->edges[picture->edge_count++];
    edge->is_handle = handle != NULL;
    edge->from = from;
    edge->to = shot->camera->id(shot->camera->film, object);
    if (handle != NULL) snprintf(edge->name, sizeof(edge->name), "%s", handle);
}

static bool add_object(struct gc_object *object, void *argument)
{
    struct shot *shot = argument;
    struct film_picture *picture = shot->picture;
    struct gc_heap *heap = shot->machine->heap;
    const struct gc_collector *collector = heap->collector;
    if (picture->object_count == FILM_OBJECTS) {
        picture->left_out++;
        return true;
    }
    struct film_object *to = &picture->objects[picture->object_count++];
    to->id = shot->camera->id(shot->camera->film, object);
    name_object(to, object);
    if ((heap->protocol->flags & GC_PROTOCOL_COUNTED) != 0)
        add_fields(to, object,
                heap->protocol->fields != NULL ? heap->protocol->fields
                                               : gc_count_fields);
    struct gc_told told = { NULL, NULL, 0 };
    if (collector->tell != NULL) collector->tell(heap, object, &told);
    if (told.place != NULL) snprintf(to->place, sizeof(to->place), "%s", told.place);
    if (told.number != NULL) add_field(to, told.number, NULL, told.value);
    if (collector->tell == NULL) add_fields(to, object, collector->fields);
    struct gc_slots slots = gc_object_slots(object, gc_object_info(object));
    for (uint32_t i = 0; i < slots.count; i++)
        add_edge(shot, NULL, to->id, gc_atomic_slot_load_relaxed(&slots.first[i]));
    return true;
}

static void add_handles(struct shot *shot)
{
    const struct machine *machine = shot->machine;
    for (const struct name *name = machine->test->names; name != NULL; name = name->next)
        for (uint32_t i = 0; i < name->roots; i++) {
            char text[FILM_TEXT];
            put_name(text, name->text, name->is_array ? (int64_t)i : -1);
            add_edge(shot, text, 0,
                    gc_atomic_slot_load_relaxed(&machine->roots[name->first_root + i]));
        }
}

void machine_shoot(struct machine *machine, const char *words)
{
    const struct camera *camera = machine->subject->camera;
    struct shot shot = { machine, camera, camera->shoot(camera->film, words) };
    if (shot.picture == NULL) return;
    gc_heap_walk_stw(machine->heap, add_object, &shot);
    add_handles(&shot);
    camera->develop(camera->film);
}

static void on_step(struct gc_heap *heap, const char *words)
{
    if (machine_current != NULL && machine_current->heap == heap)
        machine_shoot(machine_current, words);
}

void machine_watch(bool on)
{
    gc_collection_watch = on ? on_step : NULL;
}
