/* SPDX-License-Identifier: MIT */
/* list.h - the two-word prefix: a circular doubly linked list of objects.
 *
 * A collector that asks for GC_BIRTH_LINK gets these two words before the header
 * of every object that can be in a cycle; core links a new object at the tail of
 * its home's young list and unlinks it when it dies. An object is *tracked* while
 * it is in a list: next is not NULL. Lists are owned by whoever may act for their
 * home: its mutator (under `plain`: the holder of the global lock), or, in a stop,
 * the collector, who may then borrow the low bits of next and all of prev.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/object.h"

struct gc_links {
    struct gc_links *next;
    struct gc_links *prev;
};

static inline struct gc_links *gc_links_of(struct gc_object *object)
{
    return (struct gc_links *)(void *)object - 1;
}

static inline struct gc_object *gc_links_object(struct gc_links *links)
{
    return (struct gc_object *)(void *)(links + 1);
}

static inline void gc_list_init(struct gc_links *list)
{
    list->next = list->prev = list;
}

static inline bool gc_list_is_empty(const struct gc_links *list)
{
    return list->next == list;
}

static inline bool gc_links_are_tracked(const struct gc_links *links)
{
    return links->next != NULL;
}

static inline void gc_list_append(struct gc_links *list, struct gc_links *links)
{
    struct gc_links *last = list->prev;
    links->next = list;
    links->prev = last;
    last->next = links;
    list->prev = links;
}

static inline void gc_list_unlink(struct gc_links *links)
{
    links->prev->next = links->next;
    links->next->prev = links->prev;
    links->next = NULL;
}

static inline void gc_list_move(struct gc_links *list, struct gc_links *links)
{
    links->prev->next = links->next;
    links->next->prev = links->prev;
    gc_list_append(list, links);
}

/* Appends all of `from` to `to`; `from` is empty afterwards. */
static inline void gc_list_merge(struct gc_links *to, struct gc_links *from)
{
    if (gc_list_is_empty(from)) return;
    struct gc_links *last = to->prev;
    last->next = from->next;
    from->next->prev = last;
    to->prev = from->prev;
    from->prev->next = to;
    gc_list_init(from);
}

static inline size_t gc_list_length(const struct gc_links *list)
{
    size_t n = 0;
    for (const struct gc_links *at = list->next; at != list; at = at->next)
        n++;
    return n;
}

#endif
