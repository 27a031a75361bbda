/* SPDX-License-Identifier: MIT */
/* film.h - pictures of a small heap, one for each step of a collection. */
#ifndef TESTS_CONFORMANCE_FILM_H
#define TESTS_CONFORMANCE_FILM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"

enum {
    FILM_OBJECTS = 64, /* in a picture; what comes above is counted, and left out */
    FILM_EDGES = 256,
    FILM_FIELDS = 6,
    FILM_TEXT = 32,
    FILM_PICTURES = 2000,
};

struct film_field {
    char name[FILM_TEXT], value[FILM_TEXT];
};

/* An object, as it is at a step. Its id is its place in order of age among all that the film has
 * seen, so it has the same place in all pictures. */
struct film_object {
    uint32_t id;
    char name[FILM_TEXT];      /* as the case calls it, or its type's */
    char place[2 * FILM_TEXT]; /* the list or set that it is in; "" */
    struct film_field fields[FILM_FIELDS];
    uint32_t field_count;
};

struct film_edge {
    bool is_handle;    /* from outside, by the name of a handle */
    uint32_t from, to; /* ids; a handle has none */
    char name[FILM_TEXT];
};

struct film_picture {
    char words[2 * FILM_TEXT + 64]; /* what is happening */
    struct film_object objects[FILM_OBJECTS];
    struct film_edge edges[FILM_EDGES];
    uint32_t object_count, edge_count, left_out;
};

struct film {
    char title[128];
    char subject[128]; /* who collects */
    struct film_picture **pictures;
    uint32_t count;
    const void **seen; /* addresses, by id; a cell that is used again is another object */
    uint32_t seen_count;
};

/* A new picture, to be filled; NULL: there have been too many. */
struct film_picture *film_shoot(struct film *film, const char *words);

/* The id of an object; it gets one where it has none. */
uint32_t film_id(struct film *film, const void *object);

/* The last picture is complete. What is not in it is gone: its address may be another object's
 * next time. If it looks like the one before it, it is taken back. */
void film_develop(struct film *film);

/* Writes a page with all pictures, and, unless `stem` is NULL, each as STEM-NN.svg. 0 or -errno. */
int film_write(const struct film *film, const char *page, const char *stem);

void film_finish(struct film *film);

#endif
