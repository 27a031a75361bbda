/* SPDX-License-Identifier: MIT */
/* generational.h - what the files of `generational` share. */
#ifndef COLLECTORS_GENERATIONAL_GENERATIONAL_H
#define COLLECTORS_GENERATIONAL_GENERATIONAL_H

#include "collectors/generational/detect.h"
#include "core/collector.h"

/* Of each home; its generation 0 is the mutator's `young`. Who may act for the home. Under
 * `walk` generation 2 and what is frozen are in no list: each object is linked to itself, so
 * that it can be unlinked without a question, and is found by its address. */
struct generational_home {
    struct gc_links old[GC_GENERATIONS - 1];
    struct gc_links permanent;   /* frozen */
    struct detect_scan scan;     /* in a stop */
    struct detect_worker worker; /* under passes=owners */
};

struct generational {
    bool walks;  /* const: detect=walk */
    bool owners; /* const: passes=owners, and mutators run in parallel */
    struct detector detector;
    /* written by who collects, read by every mutator's trigger; relaxed */
    _Atomic(size_t) long_lived_total;   /* generation 2 after the last full collection */
    _Atomic(size_t) long_lived_pending; /* what has come to generation 2 since */
    /* who collects, of the collection under way */
    bool alone;            /* all that it looks at is its own home's */
    bool shared;           /* owners do their parts of it */
    bool wake;             /* those who sleep too */
    struct gc_links trash; /* if owners have found it, it is with them first */
};

static inline struct generational_home *generational_home_of(struct gc_mutator *home)
{
    return home->collector_data;
}

/* The list of generation g (0 .. 2) of a home. */
static inline struct gc_links *generational_list(struct gc_mutator *home, int g)
{
    gc_assert(g >= 0 && g < GC_GENERATIONS, "no generation has the number %d", g);
    return g == 0 ? &home->young : &generational_home_of(home)->old[g - 1];
}

/* Puts an object that is in a list at the end of its home's list of generation g, or, under
 * `walk`, out of all lists. World stopped. */
void generational_send_home_stw(
        const struct generational *state, struct gc_links *at, int g);

/* Where survivors of a collection of generation g go. */
static inline int generational_older(int g)
{
    return g + 1 < GC_GENERATIONS ? g + 1 : g;
}

/* Steps 9 to 13 for what detection has put into state->trash; `g` is the generation that
 * is collected. Called with the world stopped; returns with it running. Returns what was
 * found dead. */
size_t generational_bury(struct gc_mutator *m, int g);

#endif
