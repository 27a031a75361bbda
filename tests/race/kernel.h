/* SPDX-License-Identifier: MIT */
/* kernel.h - a kernel: a handful of lines on a few threads that a rule of the runtime is
 * needed for, and what is common to all of them.
 *
 * A kernel runs in a child process, under a schedule that its seed decides, and ends the
 * process where something is wrong; so does an assertion of the library, or a deadlock.
 */
#ifndef TESTS_RACE_KERNEL_H
#define TESTS_RACE_KERNEL_H

#include "core/collector.h"
#include "core/mutator.h"
#include "tests/gate.h"

enum {
    TRIAL_THREADS = 4,
    TRIAL_SLOTS = 6,
    /* Few cells of a block hold one of these, and a run takes one at a time: what one
     * object has left the next one gets. */
    BIG_BYTES = 3900,
};

/* What an object may be met as. */
enum kind {
    KIND_PUBLIC = 0x11, /* stored in slots */
    KIND_PRIVATE = 0x22 /* held by its maker alone */
};

struct big {
    struct gc_object header;
    struct big *a, *b;
    uint64_t id, kind;
    char bytes[BIG_BYTES];
};

struct small {
    struct gc_object header;
    struct small *a, *b;
    uint64_t id, kind;
};

/* A heap with a mutator on the calling thread, threads, slots, a schedule. */
struct trial {
    struct gc_heap *heap;
    struct gc_mutator *m;
    uint64_t seed;
    uint64_t random; /* of draw(): the program's own choices */
    gc_slot slots[TRIAL_SLOTS];
    struct gc_root_range range;
    struct gate gate;
    struct gc_mutator_thread threads[TRIAL_THREADS];
    uint32_t started;
    bool scheduled;
};

struct kernel {
    const char *name;
    const char *shows;               /* what it does, for the table */
    const char *collector, *options; /* NAME, or NAME@PROTOCOL; of itself "atomic" */
    bool real; /* on threads as they come: no schedule can show it */
    void (*run)(struct trial *t);
};

extern const struct kernel count_kernels[], owner_kernels[], home_kernels[],
        handshake_kernels[], share_kernels[], trash_kernels[], log_kernels[],
        satb_kernels[];

/* The protocol that kernels are compiled for; others name theirs behind the collector. */
#define KERNEL_QUOTE_(text) #text
#define KERNEL_QUOTE(text)  KERNEL_QUOTE_(text)
#define KERNEL_PROTOCOL     KERNEL_QUOTE(GC_PROTOCOL_NAME)

/* Ends the process and says what was wrong. */
void wrong(const char *file, int line, const char *what) GC_NORETURN;
#define expect(condition, what)                                                          \
    do {                                                                                 \
        if (!(condition)) wrong(__FILE__, __LINE__, (what));                             \
    } while (0)

/* Runs a kernel once. Between the two ends every kernel's own part. */
void kernel_run(const struct kernel *kernel, uint64_t seed);

/* Below n. */
uint32_t draw(struct trial *t, uint32_t n);

/* Starts run(mutator, trial), or joins all that were started. */
void start(struct trial *t, void (*run)(struct gc_mutator *m, void *trial));
void join(struct trial *t);

/* Lets others go first, n times. */
void dawdle(uint32_t n);

/* Expects that nothing waits in vain: no mutator that is BLOCKED or EXITED has arrivals, or
 * a queue. Of a time when nobody is about to look. */
void expect_no_arrivals(struct trial *t);

/* Expects that the world is empty once all slots are. */
void expect_empty(struct trial *t);

#endif
