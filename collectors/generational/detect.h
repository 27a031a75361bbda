/* SPDX-License-Identifier: MIT */
/* detect.h - which objects of some lists are held from nowhere else? [CPythonGC]
 *
 * Counts minus the references from inside the lists are the references from outside; what
 * is reachable from an object with one of those is alive, the rest is not. There is no
 * set of roots.
 *
 * An object's mark says which set it belongs to: its generation (0 .. 2), or one of the
 * marks below. The set that is looked at is a range of marks, and the lists hold exactly
 * its objects; so an object can be drawn into the count when a reference to it is met,
 * before the walk comes to it.
 *
 * While it runs, with the world stopped, the prefix of an object in the lists means:
 *   prev  first:                      the predecessor
 *         once it has been met:       (references from outside so far) << 3 | COLLECTING
 *         after the scan reached it:  the predecessor, | TENTATIVE or REVISIT if so
 *   next  the successor; | UNREACHABLE while `move` has it in the list of trash
 * The bits are all gone when detect_unreachable() returns.
 */
#ifndef COLLECTORS_GENERATIONAL_DETECT_H
#define COLLECTORS_GENERATIONAL_DETECT_H

#include "core/collector.h"

enum {
    MARK_FROZEN = GC_GENERATIONS, /* in a permanent list */
    MARK_UNTRACKED,               /* in no list */
    MARK_TRASH,                   /* found dead by the collection under way */
};

/* One list to look at, and how far the scan has come in it. */
struct detect_scan {
    struct gc_links *list;
    struct gc_links *last; /* the last object that was scanned and stays; or the list */
};

enum detect_way {
    DETECT_MOVE, /* the tentatively unreachable are moved out, and back to the tail */
    DETECT_KEEP, /* they stay where they are: the order of the list is preserved */
};

struct detector {
    /* const after detector_init() */
    const struct gc_protocol *protocol;
    enum detect_way way;
    struct gc_object **stack; /* `keep`: unflagged, not yet visited */
    size_t room;
    /* per run: the marks of the set, and what survivors are marked with */
    uint16_t lowest, highest, survivor;
    uint16_t held; /* references of the collector to each object of the set */
    size_t depth;
    bool overflowed; /* some REVISIT bit is set */
    size_t reached;  /* objects that lost their TENTATIVE bit again */
    struct gc_links *trash;
    struct detect_scan *only; /* the one scan, or NULL where there are several */
    uint64_t objects, edges;  /* looked at */
    uint32_t flags_seen;      /* of types, all objects' or-ed */
};

/* Reserves the stack. 0 or -ENOMEM. */
int detector_init(struct detector *detector, const struct gc_protocol *protocol,
        enum detect_way way) GC_NODISCARD;
void detector_finish(struct detector *detector);

/* The scan of an object's home, for runs over several lists. */
struct detect_scan *detect_scan_of_home(struct gc_mutator *home);

/* Moves what is unreachable out of the lists and to the tail of `trash` (which is empty);
 * it keeps its mark, the rest gets detector->survivor. The lists are those of `scan` alone,
 * or, if that is NULL, of all homes' own scans.
 * World stopped. Returns the number of objects moved. */
size_t detect_unreachable_stw(struct detector *detector, struct gc_heap *heap,
        struct detect_scan *scan, struct gc_links *trash);

#endif
