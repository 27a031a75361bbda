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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/check.h"

struct gc_collector;
struct gc_protocol;

enum {
    PROGRAM_WORKERS = 2,
    PROGRAM_RACERS = 2,
    /* theirs, one that comes and goes, a sleeper, those who race, a collector's */
    PROGRAM_THREADS = 5 + PROGRAM_RACERS,
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
    X(blocked, "yields", NULL, NULL, NULL)                                               \
    X(churn, "threads", "nodes", NULL, NULL)                                             \
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

/* Who runs when. The last three are of checked builds alone. */
enum program_policy {
    PROGRAM_REAL, /* the machine decides */
    PROGRAM_ROUND_ROBIN,
    PROGRAM_RANDOM,
    PROGRAM_PRIORITIES,
    PROGRAM_POLICIES,
};

/* How a program is run: a number each, which its file names. */
#define PROGRAM_SETTINGS(X)                                                              \
    X(threads)  /* 1: the second worker's operations run on the first thread; 2 */       \
    X(schedule) /* enum program_policy; a word in files */                               \
    X(seed)     /* of a schedule */                                                      \
    X(period)   /* of a schedule in turn, or at random (core/schedule.h) */              \
    X(changes)  /* of priorities */                                                      \
    X(length)   /* that they lie in */                                                   \
    X(wakeups)  /* a thread wakes early at one in so many turns; 0: none does */         \
    X(disturb)  /* without a schedule: threads yield at one in so many points */         \
    X(collect)  /* a collection before every so manieth allocation; 0: none */           \
    X(check)    /* the heap is compared after every so manieth operation; 0: never */    \
    X(verify)   /* 1: the heap is verified after each collection */                      \
    X(sleeper)  /* 1: a third thread holds an object, blocked from begin to end */       \
    X(racers)   /* so many threads race for the slots of one object beside the second */ \
    X(fail)     /* this allocation of the runtime fails, from 1; 0: none does */         \
    X(room)     /* the heap may take so many blocks, and each further one only when a  \
                   collection has not made room for what is asked for; 0: any number */ \
    X(merge)    /* counts of all objects are merged after every so manieth operation */

struct program_settings {
#define X(name) uint32_t name;
    PROGRAM_SETTINGS(X)
#undef X
};

struct program {
    uint64_t seed;   /* that it was drawn from; 0: read from a file */
    char *collector; /* SPEC that it is for, or NULL */
    struct program_settings settings;
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

/* All end the process where memory runs out: these are tests. One in `one_in` programs
 * has stretches in which both workers run. The settings are those of one thread or two. */
void program_generate(
        struct program *program, uint64_t seed, size_t length, uint32_t one_in);
/* As a file: what program_read() reads, and beside each operation in words what it does. */
void program_print(const struct program *program, FILE *to);
/* 0, or -EINVAL with the line that is wrong in `error`. */
int program_read(struct program *program, FILE *from, struct gc_error *error)
        GC_NODISCARD;
/* The operation `number`, from 1, in words. */
void program_describe(
        const struct program *program, size_t number, char *to, size_t room);
void program_append(struct program *program, struct program_op op);
struct program program_copy(const struct program *program);
void program_finish(struct program *program);

/* --- configurations, and running ----------------------------------------------------- */

struct program_config {
    const struct gc_collector *collector;
    const struct gc_protocol *protocol;
    const char *options; /* or NULL */
    bool may_refuse;     /* the collector may say that these options don't go together */
};

/* What has been tried in a process: a run that tried nothing shows here. */
#define PROGRAM_TALLY(X)                                                                 \
    X(runs)                                                                              \
    X(refused) /* heaps that could not be made with drawn options */                     \
    X(operations)                                                                        \
    X(checks)                                                                            \
    X(threads)                                                                           \
    X(objects)                                                                           \
    X(collections)                                                                       \
    X(finalizers)                                                                        \
    X(callbacks)                                                                         \
    X(resurrected)                                                                       \
    X(weak_cleared)                                                                      \
    X(refusals) /* of allocations, for want of room */                                   \
    X(moves)    /* of the token */

struct program_tally {
#define X(name) uint64_t name;
    PROGRAM_TALLY(X)
#undef X
};
void program_tally_add(struct program_tally *sum, const struct program_tally *part);

/* Where a run is: for each worker the operation that it is at, from 1 (0: none); and the
 * generation of the collection that is under way, plus 1 (0: none is). */
enum { PROGRAM_AT_COLLECTION = PROGRAM_WORKERS, PROGRAM_AT };

/* A step of a run. What it names are objects and operations by their numbers, collections by
 * their generations, and counters: no address and no clock, so that a run under a schedule has the
 * same steps each time. */
struct program_step {
    uint64_t time;   /* logical: gc_schedule_now() */
    uint32_t thread; /* of the program, 0 the first; PROGRAM_THREADS - 1: a collector's */
    const char *what;
    uint64_t number;
};
/* The last steps of a thread: the newest is number `count - 1`, modulo PROGRAM_LAST. */
enum { PROGRAM_LAST = 16 };
struct program_last {
    struct program_step step[PROGRAM_LAST];
    uint32_t count;
};
#define PROGRAM_COUNTER "counter " /* how the steps at a run's end begin that are sums */
#define PROGRAM_BEGIN   "begins"   /* the first one; the number is the seed */
#define PROGRAM_END     "ends"     /* the last one */

/* What an executor tells the program that runs it, which may be in another file. */
struct program_host {
    void (*fail)(const char *text); /* ends the process; any thread */
    struct program_tally *tally;    /* the first thread's */
    /* [PROGRAM_AT]. Relaxed: for texts. */
    _Atomic(uint32_t) *at;
    /* NULL, or told of a pair of operations that had an effect one after the other (on any
     * thread), and of the hash of a schedule that has ended. */
    void (*pair)(const struct program *program, uint32_t first, uint32_t second);
    void (*schedule)(const struct program *program, uint64_t hash);
    /* An object whose life is told: each step of it, and the operation at which that was. 0:
     * of none. The heap is compared after each operation then. */
    uint32_t object;
    void (*tell)(const struct program *program, uint32_t at, const char *text);
    struct program_last
            *last; /* [PROGRAM_THREADS], each written by its thread; or NULL */
    /* NULL, or told of each step, one at a time. */
    void (*trace)(const struct program_step *step);
};

/* One per protocol, compiled with its header; a plugin may bring one as its part "programs"
 * (core/plugin.h). The version changes with whatever is declared down to here. */
enum { PROGRAM_VERSION = 4 };
struct program_executor {
    /* Runs the program, with all checks; a violation ends in host->fail(). Returns the
     * digest of its results. */
    uint64_t (*execute)(const struct program *program,
            const struct program_config *config, const struct program_host *host);
};
const struct program_executor *program_executor_find(const char *protocol); /* or NULL */

/* The program's own, or that which the executor of a plugin was given. */
extern const struct program_host *program_host;

/* Says what is wrong, and ends the process. Any thread. */
GC_NORETURN void program_fail(const char *format, ...) GC_PRINTF(1, 2);

/* A step that is taken now. Any thread, holding whatever locks of the program. */
void program_trace(uint32_t thread, const char *what, uint64_t number);

/* Runs a program once, in this process; and what has been tried in it so far. */
uint64_t program_run(const struct program *program, const struct program_config *config);
const struct program_tally *program_tally(void);

/* Who is told of pairs and schedules (struct program_host), from now on, in this process
 * and its children. */
void program_watch(
        void (*pair)(const struct program *program, uint32_t first, uint32_t second),
        void (*schedule)(const struct program *program, uint64_t hash));

/* From now on the life of an object is told: struct program_host. */
void program_tell_of(uint32_t object,
        void (*tell)(const struct program *program, uint32_t at, const char *text));

/* From now on the steps of runs are told: struct program_host. */
void program_trace_to(void (*trace)(const struct program_step *step));

/* How many pairs of operations there are that a program can have. */
uint32_t program_pairs(void);

/* How bad the news is: the lower, the more it says. */
enum program_failure {
    PROGRAM_BROKEN_PROMISE, /* the comparison with the shadow says which */
    PROGRAM_ASSERTION, /* the runtime or the collector said that something is wrong */
    PROGRAM_CRASH,
    PROGRAM_HANG,
    PROGRAM_WROTE, /* it passed, but wrote to stderr */
};

/* Functions that were under way where a child failed, the innermost first; plugins and
 * libraries are where they were in this process. */
enum { PROGRAM_CALLS = 24, PROGRAM_SITUATION = 1 << 13 };
struct program_calls {
    void *address[PROGRAM_CALLS];
    int count;
};

/* Runs programs[0 .. count) on all configurations in a child process, and compares the
 * digests of a program. 0: all is well; otherwise 1, with the number of the program that
 * failed, and how. */
struct program_verdict {
    size_t program;
    enum program_failure failure;
    char config[128]; /* under which it failed */
    char text[1024];
    char errors[1024];       /* what it wrote to stderr, as far as it fits */
    uint32_t at[PROGRAM_AT]; /* where it was */
    struct program_calls calls;
    /* The phase that the collector was in, and what each mutator did last: lines. */
    char situation[PROGRAM_SITUATION];
    struct program_last last[PROGRAM_THREADS];
    struct program_tally tally;
};
struct program_batch {
    const struct program_config *configs;
    size_t config_count;
    uint32_t timeout_seconds; /* for each program */
};
int program_try(const struct program_batch *batch, const struct program *programs,
        size_t count, struct program_verdict *ret_verdict) GC_NODISCARD;

/* Removes operations from a failing program, and makes its settings plain, as long as it
 * breaks the same promise, or says more than before; at most for so many seconds. The verdict
 * is of what is left. Returns the number of trials. */
size_t program_shrink(const struct program_batch *batch, struct program *program,
        struct program_verdict *verdict, double seconds);

#endif
