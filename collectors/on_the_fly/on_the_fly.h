/* SPDX-License-Identifier: MIT */
/* on_the_fly.h - what the parts of the collector share: its state, and the phases. */
#ifndef COLLECTORS_ON_THE_FLY_ON_THE_FLY_H
#define COLLECTORS_ON_THE_FLY_ON_THE_FLY_H

#include "collectors/common/due.h"

/* The handshakes of a cycle; what each does is said at answer() (on_the_fly.c). */
enum otf_handshake { OTF_RAISE, OTF_SCAN, OTF_DRAIN, OTF_LOWER, OTF_HANDSHAKES };

/* What has been posted. Constant while it is the last. */
struct otf_phase {
    enum otf_handshake handshake;
    uint16_t white; /* mark of what existed when the cycle began */
};

enum {
    OTF_STACK_ENTRIES = 1 << 14, /* 128 KiB; what does not fit is linked */
    OTF_WINDOW =
            16, /* objects that are fetched at a time: as many as a core can have under way */
};

struct otf {
    /* who collects: what the last cycle has found alive, and the trigger that it has set */
    size_t live_bytes, trigger_bytes;

    /* const while its phase is posted */
    struct otf_phase phases[OTF_HANDSHAKES];

    /* who answers SCAN: what frames hold, marked, by its link (mark.h) */
    _Atomic(struct gc_object *) scanned;

    /* who collects */
    uint16_t white;
    struct gc_object *grey;    /* marked, and not traced yet; by its link */
    uint32_t side_offset;      /* const: heap->side_offset */
    struct gc_region *regions; /* those that the pass goes through */
    struct gc_object **stack;  /* reached, and not looked at yet */
    uint32_t depth;            /* of the stack */
    uint32_t fetched, at;      /* objects in the window; the oldest one's place */
    struct gc_object *window[OTF_WINDOW]; /* popped, and being fetched; NULL: nothing */
    uint64_t objects, edges, bytes, roots;
    struct gc_due due;
    struct gc_mutator *m; /* who collects */
};

static inline struct otf *otf_of(const struct gc_heap *heap)
{
    return heap->collector_data;
}

/* Two colours, which change their meaning from cycle to cycle. */
static inline uint16_t otf_black(uint16_t white)
{
    return white ^ 1;
}

/* --- mark.c ------------------------------------------------------------------------------ */

/* A mutator's roots are marked, and go to `scanned`; returns how many slots hold them. In a
 * handshake, by who may act for it, while nobody else marks but others who answer. */
uint64_t otf_scan(struct otf *otf, struct gc_mutator *m, uint16_t white);

/* The same, for what mutators have logged and handed over, by who collects: at any time. */
void otf_claim_logged(struct otf *otf);

/* By who collects, while nobody else marks, like all below. Forgets what was reached. */
void otf_mark_begin(struct otf *otf);

/* Marks an object, unless it is marked; it is traced by the next otf_trace_grey(). */
void otf_mark(struct otf *otf, struct gc_object *object);

/* Reaches what SCAN has found, and what the global roots hold. */
void otf_mark_roots(struct otf *otf);

/* Reaches what mutators have logged and handed over; true if anything is to be traced. */
bool otf_reach_logged(struct otf *otf);

/* Traces what roots have reached: once, first. Safepoints, as in the two below. */
void otf_trace_roots(struct otf *otf);

/* Traces until nothing is left to do, and nothing that was handed over is white. */
void otf_trace(struct otf *otf);

/* Traces what is grey, whatever was logged. */
void otf_trace_grey(struct otf *otf);

#endif
