/* SPDX-License-Identifier: MIT */
/* kinds.c - which of many names are the same. */
#include "bench/analysis/program/kinds.h"

#include <jansson.h>
#include <stdlib.h>

#include "bench/command.h"
#include "bench/text.h"

struct gc_kind *gc_kinds_of(char *const *names, size_t n)
{
    struct gc_kind *kinds = gc_need(n * sizeof(*kinds));
    size_t *counts = gc_need(n * sizeof(*counts));
    size_t count = 0;
    json_t *numbers = json_object(); /* jansson's objects are the hash tables at hand */
    for (size_t i = 0; i < n; i++) {
        if (names[i] == NULL) continue;
        const json_t *known = json_object_get(numbers, names[i]);
        kinds[i].number = known != NULL ? (size_t)json_integer_value(known) : count;
        if (known == NULL && json_object_set_new_nocheck(numbers, names[i],
                                     json_integer((json_int_t)count++)) != 0)
            exit(gc_complain(GC_EXIT_ENVIRONMENT, "no memory"));
        kinds[i].index = counts[kinds[i].number]++;
    }
    for (size_t i = 0; i < n; i++)
        if (names[i] != NULL) kinds[i].count = counts[kinds[i].number];
    json_decref(numbers);
    free(counts);
    return kinds;
}
