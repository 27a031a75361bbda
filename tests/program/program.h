/* SPDX-License-Identifier: MIT */
/* program.h - random heap programs, and the shadow that knows what they must leave.
 *
 * A program is a list of operations of two workers. Each worker has PLACES: global
 * roots, then locals of a frame. Only what places reach is the program's *result*; it
 * does not depend on the collector. What weak references and finalizers bring back
 * depends on when collections happen, so it goes to *views* and *backs*: roots that the
 * program can drop, but never loads from into a place.
 *
 * README.md says what is checked, and why the checks are exact.
 */
#ifndef TESTS_PROGRAM_PROGRAM_H
#define TESTS_PROGRAM_PROGRAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/check.h"
#include "core/object.h"
#include "core/type.h"

struct gc_collector;
struct gc_heap;
struct gc_mutator;
struct gc_protocol;

enum {
    PROGRAM_WORKERS = 2,
    PROGRAM_THREADS = 3, /* theirs, and a collector's */
    PROGRAM_ROOTS = 6,
    PROGRAM_LOCALS = 3,
    PROGRAM_PLACES = PROGRAM_ROOTS + PROGRAM_LOCALS,
    PROGRAM_VIEWS = 2, /* of each worker: what it read through weak references */
    PROGRAM_BACKS = 4, /* of each thread: what finalizers brought back */
    PROGRAM_TEMPS = 5, /* locals of one operation */
    PROGRAM_ARGUMENTS = 4,
};

/* --- programs ------------------------------------------------------------------------ */

/* name, then the arguments by name. `in`, `to`, `from` and the like are places; slots
 * are taken modulo the number of slots; an operation on nothing does nothing. */
#define PROGRAM_OPS(X)                                                                   \
    X(new_node, "to", "slots", NULL, NULL)                                               \
    X(new_finalized, "to", "behaviour", NULL, NULL)                                      \
    X(new_irregular, "to", NULL, NULL, NULL)                                             \
    X(new_tuple, "to", "first", "second", "third")                                       \
    X(new_array, "to", "slots", "bytes", NULL)                                           \
    X(new_leaf, "to", "bytes", NULL, NULL)                                               \
    X(new_box, "to", NULL, NULL, NULL)                                                   \
    X(ring, "to", "nodes", "mix", "behaviour")                                           \
    X(chain, "to", "nodes", "end", NULL)                                                 \
    X(compound, "to", "rings", "nodes", NULL)                                            \
    X(burst, "count", "nodes", "shape", NULL)                                            \
    X(watched, "to", "keep", NULL, NULL)                                                 \
    X(load, "to", "in", "slot", "shared")                                                \
    X(store, "in", "slot", "value", "shared")                                            \
    X(store_null, "in", "slot", NULL, NULL)                                              \
    X(give, "in", "slot", "from", NULL)                                                  \
    X(exchange, "in", "slot", "with", NULL)                                              \
    X(compare_exchange, "in", "slot", "expected", "value")                               \
    X(copy_slots, "in", "from", "count", NULL)                                           \
    X(set, "to", "from", NULL, NULL)                                                     \
    X(move, "to", "from", NULL, NULL)                                                    \
    X(drop, "at", NULL, NULL, NULL)                                                      \
    X(new_weak, "to", "target", "callback", NULL)                                        \
    X(read_weak, "view", "weak", NULL, NULL)                                             \
    X(drop_view, "view", NULL, NULL, NULL)                                               \
    X(cut_view, "view", "slot", NULL, NULL)                                              \
    X(drop_back, "back", NULL, NULL, NULL)                                               \
    X(collect, "generation", NULL, NULL, NULL)                                           \
    X(quiesce, NULL, NULL, NULL, NULL)                                                   \
    X(check, NULL, NULL, NULL, NULL)                                                     \
    X(freeze, NULL, NULL, NULL, NULL)                                                    \
    X(unfreeze, NULL, NULL, NULL, NULL)                                                  \
    X(disable, NULL, NULL, NULL, NULL)                                                   \
    X(enable, NULL, NULL, NULL, NULL)                                                    \
    X(threshold, "generation", "value", NULL, NULL)                                      \
    X(safepoint, NULL, NULL, NULL, NULL)                                                 \
    X(blocked, NULL, NULL, NULL, NULL)                                                   \
    X(spawn, "hand_over", NULL, NULL, NULL)                                              \
    X(join, NULL, NULL, NULL, NULL)                                                      \
    X(adopt, "to", "from", NULL, NULL)

enum program_op_kind {
#define X(name, a, b, c, d) PROGRAM_##name,
    PROGRAM_OPS(X)
#undef X
            PROGRAM_OP_COUNT
};

struct program_op {
    uint8_t kind;   /* enum program_op_kind */
    uint8_t worker; /* whose places it works on */
    uint16_t arguments[PROGRAM_ARGUMENTS];
};

struct program {
    uint64_t seed; /* that it was drawn from; 0: read from a file */
    struct program_op *ops;
    size_t count, room;
};

/* What a finalizer does, besides being counted. */
enum program_behaviour {
    PROGRAM_FINALIZE_LOG,
    PROGRAM_FINALIZE_RETURN, /* puts the object into a back */
    PROGRAM_FINALIZE_CUT,    /* empties its slots */
    PROGRAM_FINALIZE_WEAK,   /* puts a new weak reference to the object into a back */
    PROGRAM_FINALIZE_BURST,  /* makes garbage */
    PROGRAM_FINALIZE_COLLECT,
    PROGRAM_FINALIZE_TIE, /* stores the object into what its first slot refers to */
    PROGRAM_FINALIZE_ERROR,
    PROGRAM_BEHAVIOURS,
};

/* All end the process where memory runs out: these are tests. */
void program_generate(struct program *program, uint64_t seed, size_t length);
void program_print(const struct program *program, FILE *to);
/* 0, or -EINVAL with the line that is wrong in `error`. */
int program_read(struct program *program, FILE *from, struct gc_error *error)
        GC_NODISCARD;
void program_append(struct program *program, struct program_op op);
void program_finish(struct program *program);

/* --- configurations, and running ----------------------------------------------------- */

struct program_config {
    const struct gc_collector *collector;
    const struct gc_protocol *protocol;
    const char *options; /* or NULL */
};

struct program_settings {
    uint32_t threads;  /* 1: the second worker's operations run on the first thread */
    uint32_t schedule; /* period of the deterministic schedule; 0: none */
};

/* What has been tried in a process: a run that tried nothing shows here. */
struct program_tally {
    uint64_t runs, checks, threads, objects, collections, finalizers, callbacks,
            resurrected, weak_cleared;
};

/* What an executor tells the program that runs it, which may be in another file. */
struct program_host {
    void (*fail)(const char *text); /* ends the process; any thread */
    struct program_tally *tally;    /* the first thread's */
};

/* One per protocol, compiled with its header; a plugin may bring one as its part "programs"
 * (core/plugin.h). The version changes with whatever is declared down to here. */
enum { PROGRAM_VERSION = 1 };
struct program_executor {
    /* Runs the program, with all checks; a violation ends in host->fail(). Returns the
     * digest of its results. */
    uint64_t (*execute)(const struct program *program,
            const struct program_config *config, const struct program_settings *settings,
            const struct program_host *host);
};
const struct program_executor *program_executor_find(const char *protocol); /* or NULL */

/* The program's own, or that which the executor of a plugin was given. */
extern const struct program_host *program_host;

/* Says what is wrong, and ends the process. Any thread. */
GC_NORETURN void program_fail(const char *format, ...) GC_PRINTF(1, 2);

/* Runs a program once, in this process; and what has been tried in it so far. */
uint64_t program_run(const struct program *program, const struct program_config *config,
        const struct program_settings *settings);
const struct program_tally *program_tally(void);

/* Runs programs[0 .. count) on all configurations in a child process, and compares the
 * digests of a program. 0: all is well; otherwise 1, with the number of the program that
 * failed, and how. */
struct program_verdict {
    size_t program;
    char text[1024];
    char errors[1024]; /* what it wrote to stderr, as far as it fits */
    bool only_wrote;   /* it passed, but for that */
    struct program_tally tally;
};
struct program_batch {
    const struct program_config *configs;
    size_t config_count;
    struct program_settings settings;
    uint32_t timeout_seconds; /* for each program */
};
int program_try(const struct program_batch *batch, const struct program *programs,
        size_t count, struct program_verdict *ret_verdict) GC_NODISCARD;

/* Removes operations from a failing program as long as it fails in some way; the verdict
 * is of what is left. Returns the number of trials. */
size_t program_shrink(const struct program_batch *batch, struct program *program,
        struct program_verdict *verdict);

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
    bool alive;     /* was there at the last check, or was made since */
    uint64_t name;  /* the same under every collector; 0: made by a finalizer */
    uint32_t slots; /* their number */
    uint32_t *slot;
    struct gc_object *address; /* collectors that move objects would need another way */
    uint64_t found_dead_at;    /* when a collection was last seen to hold it for dead */
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
    uint32_t places[PROGRAM_WORKERS][PROGRAM_PLACES];
    uint32_t views[PROGRAM_WORKERS][PROGRAM_VIEWS];
    uint32_t backs[PROGRAM_THREADS][PROGRAM_BACKS];
    uint64_t back_batch[PROGRAM_THREADS][PROGRAM_BACKS]; /* collection that it is from */
    uint32_t start;
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
 * the first one's, `id`'s own place left out? */
bool shadow_is_apart(struct shadow *shadow, uint32_t id, uint32_t place);

/* --- checking a heap at rest --------------------------------------------------------- */

/* The program's global roots, in the shadow's order. */
struct program_roots {
    gc_slot places[PROGRAM_WORKERS][PROGRAM_ROOTS];
    gc_slot views[PROGRAM_WORKERS][PROGRAM_VIEWS];
    gc_slot backs[PROGRAM_THREADS][PROGRAM_BACKS];
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
