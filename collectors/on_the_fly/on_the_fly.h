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

struct otf {
    /* const while its phase is posted */
    struct otf_phase phases[OTF_HANDSHAKES];

    /* who answers SCAN: what frames hold, marked, by its link (mark.h) */
    _Atomic(struct gc_object *) scanned;

    /* who collects */
    uint16_t white;
    struct gc_object *grey; /* marked, and not traced yet; by its link */
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

/* Marks an object, unless it is marked; it is traced by the next otf_trace(). By who
 * collects, like all below. */
void otf_mark(struct otf *otf, struct gc_object *object);

/* Marks what SCAN has found, and what the global roots hold. */
void otf_mark_roots(struct otf *otf);

/* Marks what mutators have logged and handed over; true if anything is grey then. At any time:
 * it traces nothing. */
bool otf_mark_logged(struct otf *otf);

/* Traces until nothing is grey, and nothing that was handed over is white. Safepoints. */
void otf_trace(struct otf *otf);

/* Traces what is grey, whatever was logged. Safepoints. */
void otf_trace_grey(struct otf *otf);

#endif
