/* SPDX-License-Identifier: MIT */
/* detect.h - which objects of a set are held from nowhere else? [CPythonGC]
 *
 * Counts minus the references from inside the set are the references from outside; what
 * is reachable from an object with one of those is alive, the rest is not. There is no
 * set of roots.
 *
 * An object's mark says which set it belongs to: its generation (0 .. 2), or one of the
 * marks below. The set that is looked at is a range of marks. It is found in lists that
 * hold exactly its objects, or by walking the heap by address; either way an object can be
 * drawn into the count when a reference to it is met, before the walk comes to it.
 *
 * While it runs, with the world stopped, the prefix of an object of the set means:
 *   prev  first:                      the predecessor (by address: the object itself)
 *         once it has been met:       (references from outside so far) << 3 | COLLECTING
 *         after the scan reached it:  the predecessor, | TENTATIVE or REVISIT if so
 *   next  the successor; | UNREACHABLE while `move` has it in the list of trash
 * The bits are all gone when a detection returns.
 */
#ifndef COLLECTORS_GENERATIONAL_DETECT_H
#define COLLECTORS_GENERATIONAL_DETECT_H

#include "core/collector.h"

enum {
    MARK_FROZEN = GC_GENERATIONS, /* out of reach of collections */
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
    DETECT_WALK, /* the same; and the whole heap is walked by address, not in lists */
};

/* The set, and how to count: what every pass reads. */
struct detect_set {
    uint16_t lowest, span; /* marks */
    uint16_t held;         /* references of the collector to each */
    uint16_t survivor;     /* what those that stay are marked with */
    bool cut;              /* a cascade was: some may be DEAD, and in lists */
    struct gc_count_layout layout;
    uint64_t (*total)(const struct gc_object *object);
};

/* Who goes through the passes, and what was found by it: one for all homes, or, where the
 * owners do it, one for each home. That one touches the objects of its home alone, or, by
 * address, those of the blocks that it was given; what it meets of others it sends: in a box,
 * which their workers read in the next round, while it fills the other. */
struct detect_worker {
    /* const after detect_worker_init() */
    struct gc_heap *heap;
    struct gc_mutator *home;  /* NULL: all homes' */
    struct gc_object **stack; /* `keep`: unflagged, not yet visited */
    size_t room;
    struct gc_object **boxes[2]; /* NULL: it has all homes */
    /* per run */
    struct detect_set set;
    enum detect_way way;
    struct detect_scan *only; /* the one scan, or NULL where there are several */
    size_t depth;
    bool overflowed;         /* some REVISIT bit is set */
    size_t left;             /* objects that the scan has left TENTATIVE */
    size_t reached;          /* and those of them that lost the bit again */
    uint64_t objects, edges; /* looked at */
    uint32_t flags_seen;     /* of types, all objects' or-ed */
    struct gc_links trash;   /* what is unreachable, marked MARK_TRASH */
    size_t found;            /* its number */
    uint32_t states;         /* its states, or-ed */
    /* the same, of one for a home */
    bool subtracted;       /* it is through with steps 3 and 4 */
    uint32_t side;         /* of the box that it fills */
    size_t sent[2];        /* in the boxes */
    size_t room_left;      /* in the one that it fills */
    struct gc_object *big; /* has more slots than a box: the stopper is to look at it */
    uint16_t number; /* by address: what its blocks have in `kept`; 0: see is_its() */
    struct gc_links lent;  /* trash in blocks of other homes */
    size_t cells, spare;   /* that it is to be given of its home's, and of others' */
    struct gc_links *next; /* where steps 3 and 4 go on; by address, in `block`: */
    struct gc_block_cursor cursor;
    struct gc_block *block;
    uint32_t cell;
    /* the same, read by others while it works */
    char apart[GC_CACHE_LINE];     /* from what it writes all the time */
    _Atomic(uint32_t) first_round; /* enum detect_outcome; relaxed */
    bool takes_part;               /* it had something to look at when the run began */
    bool scanned;                  /* it is through with the first scan */
};

/* What has come of the first round of steps 3 and 4, for one worker. */
enum detect_outcome {
    DETECT_UNDER_WAY,
    DETECT_SETTLED,   /* all is subtracted, and nothing was sent */
    DETECT_UNSETTLED, /* there is to be another round */
};

/* References that a box holds. */
enum { DETECT_BOX_ENTRIES = 1 << 16 };

/* For each home, where owners do the passes. 0 or -ENOMEM. */
int detect_worker_init_home(struct detect_worker *worker, struct gc_mutator *home)
        GC_NODISCARD;
void detect_worker_finish(struct detect_worker *worker);

/* What all workers of a run have found. */
struct detect_sum {
    uint64_t objects, edges;
    uint32_t flags_seen;
    size_t found;
    uint32_t states;
};

struct detector {
    const struct gc_protocol *protocol; /* const after detector_init() */
    enum detect_way way;                /* the same */
    struct detect_worker alone;         /* for all homes, on one thread */
    struct detect_set set;              /* of the run under way */
    bool runs, scans; /* in lists, by one for all: a run is under way, and is through with
                         steps 3 and 4; for who watches */
    struct detect_sum sum;              /* of the last run */
};

/* Reserves a stack. 0 or -ENOMEM. */
int detector_init(struct detector *detector, const struct gc_protocol *protocol,
        enum detect_way way) GC_NODISCARD;
void detector_finish(struct detector *detector);

/* Chooses the set: marks `lowest` to `highest`, of which each object counts `held`
 * references of the collector; survivors are to get the mark `survivor`. World stopped. */
void detect_choose(struct detector *detector, struct gc_heap *heap, uint16_t lowest,
        uint16_t highest, uint16_t survivor, uint16_t held);

/* The scan of an object's home, for runs over several lists. */
struct detect_scan *detect_scan_of_home(struct gc_mutator *home);

/* Moves what is unreachable out of the lists and to the tail of `trash`, marked MARK_TRASH;
 * the rest gets the survivor's mark. The lists are those of `scan` alone, or, if that is
 * NULL, of all homes' own scans. detector->sum tells how many. World stopped. */
void detect_in_lists_stw(struct detector *detector, struct gc_heap *heap,
        struct detect_scan *scan, struct gc_links *trash);

/* The same for a set whose objects are in no list: each is linked to itself. What is
 * unreachable comes in the order of addresses. */
void detect_by_address_stw(
        struct detector *detector, struct gc_heap *heap, struct gc_links *trash);

/* The same, each home's part by its owner if he is parked; in lists (those of the homes' own
 * scans), or by address. The trash stays with the workers: what is moved to `trash` by
 * detect_gather_stw() is in the order of homes. By the stopper. */
void detect_by_owners_stw(
        struct detector *detector, struct gc_mutator *m, bool by_address, bool wake);
void detect_gather_stw(struct gc_heap *heap, struct gc_links *trash);

/* For people: where an object of the set is, and its number, in the middle of a run in lists.
 * False: there is no run, or it is none of the set. */
bool detect_tell(const struct detector *detector, const struct gc_object *object,
        struct gc_told *ret_told);

/* The worker of a home. */
struct detect_worker *detect_worker_of_home(struct gc_mutator *home);

#endif
