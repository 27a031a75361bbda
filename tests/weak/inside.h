/* SPDX-License-Identifier: MIT */
/* inside.h - what the parts of the simulated memory share: views, and what is known of a word. */
#ifndef TESTS_WEAK_INSIDE_H
#define TESTS_WEAK_INSIDE_H

#include "tests/weak/memory.h"

enum {
    WEAK_THREADS = 8, /* of one run */
    WEAK_CELLS = 6,   /* accesses that are remembered of a word */
};

/* What a thread knows, or a store passes on. Each thread has a clock, which counts what it does
 * to others' knowledge; a view has a time of each. */
struct weak_view {
    uint32_t before[WEAK_THREADS]; /* up to here all happened before */
    uint32_t seen[WEAK_THREADS]; /* up to here nothing older may be read: at least that */
    uint32_t fence; /* in the order of what is sequentially consistent, the last fence */
};

struct weak_thread {
    struct weak_view view;
    struct weak_view relaxed; /* what relaxed loads have met: for the next fence */
    struct weak_view fenced;  /* the view at the last fence: for relaxed stores */
};

/* An access, for the detection of data races. */
struct weak_cell {
    const void *pc;
    uint32_t time; /* 0: none */
    uint8_t thread, bytes, flags;
};

enum weak_access { WEAK_WRITES = 1, WEAK_ATOMIC = 2 };

struct weak_history;

/* What is known of an aligned word of 8 bytes. */
struct weak_word {
    uintptr_t address;
    uint32_t run; /* of another run: nothing is */
    struct weak_history *history;
    struct weak_cell cells[WEAK_CELLS];
};

/* The simulation is on, and the caller is a thread of it. */
bool weak_is_on(void);

/* The calling thread's. */
uint32_t weak_self(void);
struct weak_thread *weak_me(void);

void weak_join(struct weak_view *to, const struct weak_view *from);

/* The caller's later accesses do not belong to what it has passed on so far. */
void weak_tick(void);

/* Below n; from the schedule's seed. */
uint32_t weak_draw(uint32_t n);

/* words.c: the word, which it makes; the same if there is one, or NULL. */
struct weak_word *weak_word_get(const void *address);
struct weak_word *weak_word_find(const void *address);
void weak_words_begin(uint32_t run);

/* words.c: an access; ends the process where it races with an earlier one. */
void weak_note(const void *p, size_t size, unsigned flags, const void *pc);

/* words.c: the memory is another's now, by ways that are no accesses. */
void weak_forget(const void *p, size_t size);

/* memory.c: a new run; the units of a history have been written plainly. */
void weak_memory_begin(uint64_t seed);
void weak_memory_end(void);
void weak_history_written(struct weak_history *history, const void *p, size_t size);

/* memory.c: a thread is made by the caller, begins, and ends; the caller has joined it. */
uint32_t weak_thread_make(void);
void weak_thread_begin(uint32_t thread);
void weak_thread_end(void);
void weak_thread_joined(uint32_t thread);

/* memory.c: edges by other means than atoms, by the address of whatever it is. */
void weak_edge_out(const void *key);
void weak_edge_in(const void *key);

#endif
