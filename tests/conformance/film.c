/* SPDX-License-Identifier: MIT */
/* film.c - pictures of a small heap: taking them. film_page.c draws them. */
#include "tests/conformance/film.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/text.h"

struct film_picture *film_shoot(struct film *film, const char *words)
{
    if (film->count == FILM_PICTURES) return NULL;
    struct film_picture *picture = gc_need(sizeof(*picture));
    snprintf(picture->words, sizeof(picture->words), "%s", words);
    film->pictures =
            gc_need_more(film->pictures, (film->count + 1) * sizeof(*film->pictures));
    film->pictures[film->count++] = picture;
    return picture;
}

uint32_t film_id(struct film *film, const void *object)
{
    for (uint32_t i = 0; i < film->seen_count; i++)
        if (film->seen[i] == object) return i;
    film->seen = gc_need_more(film->seen, (film->seen_count + 1) * sizeof(*film->seen));
    film->seen[film->seen_count] = object;
    return film->seen_count++;
}

static bool is_in(const struct film_picture *picture, uint32_t id)
{
    for (uint32_t i = 0; i < picture->object_count; i++)
        if (picture->objects[i].id == id) return true;
    return false;
}

void film_develop(struct film *film)
{
    for (uint32_t i = 0; i < film->seen_count; i++)
        if (!is_in(film->pictures[film->count - 1], i)) film->seen[i] = NULL;
    if (film->count < 2) return;
    const size_t words = sizeof(film->pictures[0]->words);
    struct film_picture *last = film->pictures[film->count - 1];
    struct film_picture *before = film->pictures[film->count - 2];
    if (memcmp((char *)last + words, (char *)before + words, sizeof(*last) - words) != 0)
        return;
    free(last);
    film->count--;
}

void film_finish(struct film *film)
{
    for (uint32_t i = 0; i < film->count; i++)
        free(film->pictures[i]);
    free(film->pictures);
    free(film->seen);
}
