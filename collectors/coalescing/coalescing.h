/* SPDX-License-Identifier: MIT */
/* coalescing.h - what the files of this collector share. */
#ifndef COLLECTORS_COALESCING_COALESCING_H
#define COLLECTORS_COALESCING_COALESCING_H

#include "collectors/common/sweep.h"
#include "core/protocol/log_object.h"

struct coalescing_options {
    uint64_t young_bytes;
    uint64_t log_bytes;
    int64_t backup;
    int64_t growth_percent;
    uint64_t minimum_bytes;
    int64_t mark_stack;
};

/* The 16-bit mark of an object, in stops. */
enum {
    COALESCING_ROOTED = 1u << 0, /* it is in the table of what roots hold */
    COALESCING_MISSED = 1u << 1, /* its slots are to be counted, and the stack was full */
};

/* A table of objects, with room for what a stop will need. */
struct coalescing_table {
    struct gc_object **objects;
    size_t count;
};

struct coalescing {
    struct gc_mutator *m; /* who collects */
    struct gc_tracer
            tracer; /* its stack holds new objects whose slots are to be counted */
    struct gc_due due;
    size_t freed; /* objects, by this collection */

    /* world stopped. Both tables have the same room. */
    struct coalescing_table zero;   /* objects of count 0 that a root held last time */
    struct coalescing_table rooted; /* objects that a root holds now, each once */
    size_t room;
    bool is_full;            /* the roots did not fit into the table */
    bool has_missed;         /* some object is MISSED */
    struct gc_object *dying; /* DEAD, by gc_object_link_dead(); slots not taken down */
    struct gc_object *dead;  /* the same; their cells are to be freed */
    size_t live_bytes;
    struct gc_swept swept; /* by a trace */

    /* who collects: when the next backup trace is due */
    size_t traced_bytes; /* live, after the last */
    int64_t counted;     /* collections since */
    bool backup_due;
};

static inline struct coalescing *coalescing_of(const struct gc_heap *heap)
{
    return heap->collector_data;
}

/* Takes the logs, and notes down what roots hold. False: the table is too small, and nothing
 * has been done. World stopped, like below. */
bool coalescing_prepare_stw(struct coalescing *state);

/* One collection by counting: what the logs say, and what comes of it. Returns the work. */
uint64_t coalescing_count_stw(struct coalescing *state);

/* The roots' table has been used: what of it has count 0 is the table of zeros now. */
void coalescing_settle_stw(struct coalescing *state);

/* Enters an object that is held by no slot, and is to live until the next collection. */
void coalescing_hold_stw(struct coalescing *state, struct gc_object *object);

#endif
