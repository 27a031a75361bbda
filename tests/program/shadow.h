/* SPDX-License-Identifier: MIT */
/* shadow.h - the objects that programs are made of, the graph that they must form, and the
 * comparison of a heap at rest with it. */
#ifndef TESTS_PROGRAM_SHADOW_H
#define TESTS_PROGRAM_SHADOW_H

#include <pthread.h>

#include "core/object.h"
#include "core/type.h"
#include "tests/program/program.h"

/* --- objects ------------------------------------------------------------------------- */

enum program_kind {
    PROGRAM_NODE2,
    PROGRAM_NODE3,
    PROGRAM_NODE4,
    PROGRAM_FINALIZED, /* 3 slots */
    PROGRAM_IRREGULAR, /* 3 slots, by a trace callback, and a clear callback */
    PROGRAM_TUPLE2,    /* immutable */
    PROGRAM_TUPLE3,
    PROGRAM_ARRAY,
    PROGRAM_LEAF,
    PROGRAM_LEAF_ARRAY,
    PROGRAM_BOX, /* acyclic: its slot holds a leaf */
    PROGRAM_WEAK,
    PROGRAM_KINDS,
};

/* What every object but a weak reference holds besides its slots: who it is. */
struct program_tag {
    uint64_t id;
    uint64_t canary; /* of the id */
};

/* Any object with slots; they may begin one word later (program_first_slot()). */
struct program_any {
    struct gc_object header;
    gc_slot slot[];
};

extern const struct gc_type *const program_types[PROGRAM_KINDS];
enum program_kind program_kind_of(const struct gc_object *object);
uint32_t program_first_slot(enum program_kind kind);
struct program_tag *program_tag_of(struct gc_object *object, enum program_kind kind);
uint64_t program_canary(uint64_t id);
bool program_is_mutable(enum program_kind kind);

/* What the finalizer of PROGRAM_FINALIZED calls: the executor that runs. */
extern int (*program_on_finalize)(struct gc_mutator *m, struct gc_object *object);

/* --- the shadow ---------------------------------------------------------------------- */

/* Objects of the shadow are numbered from 1; 0 is NULL. */

struct shadow_object {
    enum program_kind kind;
    bool alive;    /* was there at the last check, or was made since */
    bool raced;    /* threads race for the slots that hold it (racers.h) */
    bool constant; /* neither it nor what it reaches can change: shadow_is_apart() */
    uint64_t
            name; /* the operation that made it << 16 | its number among those of that; the
                      same under every collector. 0: made by none */
    uint32_t slots; /* their number */
    uint32_t *slot;
    struct gc_object *address; /* collectors that move objects would need another way */
    uint64_t found_dead_at;    /* when a collection was last seen to hold it for dead */
    uint64_t revived_at;       /* when it was last had from a weak reference alone */
    /* PROGRAM_FINALIZED */
    enum program_behaviour behaviour;
    uint32_t finalized; /* times */
    /* PROGRAM_WEAK */
    uint32_t target;
    uint64_t made_at;
    bool by_finalizer;
    bool has_callback;
    uint32_t called; /* times */
    /* the tag object of a weak reference */
    uint32_t weak;
    /* a pass over the shadow */
    uint32_t mark;
    uint32_t degree;
};

/* The locals of one operation, of a finalizer, of a callback. */
struct shadow_frame {
    uint32_t id[PROGRAM_TEMPS];
    struct shadow_frame *caller;
};

struct shadow {
    pthread_mutex_t lock; /* of everything; never held across a safepoint */
    struct shadow_object *objects;
    uint32_t count; /* objects made, plus 1 */
    uint32_t *slots_left, *slots_end, *pool;
    uint64_t clock;
    uint64_t began_at[PROGRAM_THREADS]; /* the operation under way */
    uint32_t places[PROGRAM_WORKERS][PROGRAM_PLACES];
    uint32_t views[PROGRAM_WORKERS][PROGRAM_VIEWS];
    uint32_t backs[PROGRAM_THREADS][PROGRAM_BACKS];
    uint64_t back_batch[PROGRAM_THREADS][PROGRAM_BACKS]; /* collection that it is from */
    uint32_t start, board;
    struct shadow_frame *frames[PROGRAM_THREADS];
    uint32_t mark; /* the latest */
    uint32_t *stack;
};

enum { SHADOW_OBJECTS = 1 << 16, SHADOW_SLOTS = 1 << 20 };

void shadow_init(struct shadow *shadow);
void shadow_finish(struct shadow *shadow);

/* All below: under the lock. */
uint32_t shadow_new(struct shadow *shadow, enum program_kind kind, uint32_t slots,
        struct gc_object *address);

/* Marks what is reachable, and returns the mark. From all roots; `batch` other than 0
 * leaves out what finalizers of that collection brought back. */
uint32_t shadow_reach(struct shadow *shadow, uint64_t batch);
/* From the places alone. */
uint32_t shadow_reach_places(struct shadow *shadow);
/* From one object, with a mark that was begun with shadow_begin(). */
uint32_t shadow_begin(struct shadow *shadow);
void shadow_reach_from(struct shadow *shadow, uint32_t id, uint32_t mark);
static inline bool shadow_is(const struct shadow *shadow, uint32_t id, uint32_t mark)
{
    return shadow->objects[id].mark == mark;
}

/* What `id` reaches and `mark` does not: a collection holds it for dead. Marks it. */
void shadow_hold_for_dead(struct shadow *shadow, uint32_t id, uint32_t mark);

/* May this weak reference be NULL although its target lives? Where a collection has held
 * either of them for dead since it was made. */
bool shadow_may_be_cleared(const struct shadow *shadow, uint32_t weak);

/* A weak reference has given this one: is it what nothing else leads to? */
void shadow_revive(struct shadow *shadow, uint32_t id);

/* May the object be reachable though its finalizer runs on this thread, since its count has said
 * so? Where the last reference to it was given up by the operation that is under way there, and another
 * thread has had it from a weak reference since: before the finalizer has run that is no
 * mistake. */
bool shadow_may_be_finalized(const struct shadow *shadow, uint32_t id, uint32_t thread);

/* Calls visit(id) for each root that is not NULL. */
void shadow_for_roots(struct shadow *shadow,
        void (*visit)(struct shadow *shadow, uint32_t id, uint32_t argument),
        uint32_t argument);

/* Counts all references, of alive objects and roots, into the objects' degrees. */
void shadow_count(struct shadow *shadow);
/* What of the alive objects is left when everything without a reference dies, and so on:
 * returns a mark. */
uint32_t shadow_count_out(struct shadow *shadow);

/* Which objects may change hands: can the second worker's places and `id` be reached from
 * the first one's, `id`'s own place left out? What can't change may be reached from both. */
bool shadow_is_apart(struct shadow *shadow, uint32_t id, uint32_t place);

/* --- in words ------------------------------------------------------------------------- */

struct shadow_text {
    char text[256];
};

/* "object 3 (a node, made by operation 2)". Under the lock, or at rest; as all below. */
struct shadow_text shadow_name(const struct shadow *shadow, uint32_t id);

/* "root 2 -> object 1 .slot 0 -> object 3", from a root that leads there; "nothing": there is
 * none. */
struct shadow_text shadow_path(const struct shadow *shadow, uint32_t id);

/* "object 1 .slot 0, root 2": who refers to an object, as far as it fits. */
struct shadow_text shadow_holders(const struct shadow *shadow, uint32_t id);

const char *shadow_kind_name(const struct shadow *shadow, uint32_t id);

/* --- checking a heap at rest --------------------------------------------------------- */

/* The program's global roots, in the shadow's order. */
struct program_roots {
    gc_slot places[PROGRAM_WORKERS][PROGRAM_ROOTS];
    gc_slot views[PROGRAM_WORKERS][PROGRAM_VIEWS];
    gc_slot backs[PROGRAM_THREADS][PROGRAM_BACKS];
    gc_slot board;
};

struct program_check {
    struct shadow *shadow;
    const struct program_roots *roots;
    const gc_slot *locals[PROGRAM_WORKERS]; /* the places that are locals */
    uint32_t capabilities;                  /* enum gc_capability */
    bool quiesced; /* gc_quiesce() was called, and nothing is frozen */
};

/* Compares heap and shadow: no other mutator runs, no operation is under way. Returns the
 * digest of the result. */
uint64_t program_check(struct gc_mutator *m, const struct program_check *check);

#endif
