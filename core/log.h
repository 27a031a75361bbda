/* SPDX-License-Identifier: MIT */
/* log.h - logs: what barriers note down, handed to a collector in O(1).
 *
 * A mutator appends words to a buffer of its own, a *chunk*. A chunk that is full goes to
 * the heap's queue by one push, whatever is in it, and a collector takes the whole queue at
 * once. What the words mean is between a protocol and its collectors: single values, or
 * records of an object and what its slots held. An entry lies in one chunk, whole.
 *
 * What is needed on the way of every barrier is the first member of the protocol's area
 * of a mutator. A barrier makes room before it has read anything:
 *
 *     if (!gc_log_has_room(m, 2)) gc_log_make_room(m, 2);    a safepoint
 *     ... read what is to be noted ...
 *     gc_log_append(m, word); gc_log_append(m, word);
 *
 * Chunks count as heap. What has been handed over and not been given back may not pass the
 * log's budget: who would is held up until a collection has taken the log (on_log_full).
 *
 * Invariants: (L1) a chunk is in one place: a mutator's buffer, the queue, what a
 *                  collector has taken, the pool.
 *             (L2) the words of a chunk that was handed over are its taker's alone.
 *             (L3) there are as many chunks of the usual size as there are records, so that
 *                  whatever memory is short of, who gives the log back can go on.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"
#include "core/thread.h"

struct gc_heap;
struct gc_log;

enum { GC_LOG_CHUNK_BYTES = 4096 }; /* usual size, charged against the heap */

struct gc_log_chunk {
    void *link; /* of the queue, or the pool */
    /* const after creation */
    uint32_t room; /* words */
    /* who may act for the home, until it is handed over */
    uint32_t used; /* words; up to date once handed over */
    uintptr_t words[];
};

/* First in the protocol_area of a mutator whose protocol logs. Owner, or who may act for
 * him; all NULL where there is no chunk. */
struct __attribute__((may_alias)) gc_log_buffer {
    uintptr_t *cursor; /* the next free word */
    uintptr_t *limit;
    struct gc_log_chunk *chunk;
};

static inline struct gc_log_buffer *gc_log_buffer_of(struct gc_mutator *m)
{
    return (struct gc_log_buffer *)(void *)m->protocol_area;
}

/* Whether an entry of `words` fits into the mutator's buffer. */
static inline bool gc_log_has_room(struct gc_mutator *m, size_t words)
{
    const struct gc_log_buffer *buffer = gc_log_buffer_of(m);
    return (size_t)(buffer->limit - buffer->cursor) >= words;
}

/* Makes it so: hands the buffer over, and gets another one; waits for a collection where
 * the budget or memory is at its end, which is logged as a stall. A safepoint: there may be
 * collections, and finalizers may run. Raw references that locals or slots hold stay good.
 * On a running mutator, under no lock. */
GC_EXPORT GC_COLD void gc_log_make_room(struct gc_mutator *m, size_t words);

/* Appends a word, for which there is room. On the mutator. */
static inline void gc_log_append(struct gc_mutator *m, uintptr_t word)
{
    struct gc_log_buffer *buffer = gc_log_buffer_of(m);
    gc_assert(buffer->cursor < buffer->limit, "a log is written to without room");
    *buffer->cursor++ = word;
}

/* Hands the buffer over, if there is anything in it; the mutator is left without one, and
 * gets another with the next gc_log_make_room(). O(1). On a running mutator, or by who may
 * act for it. */
GC_EXPORT void gc_log_flush(struct gc_mutator *m);

/* Takes all that was handed over, in O(1), behind what was taken before. Any thread, any
 * state of the world, but one at a time for a log, like the three below. */
GC_EXPORT void gc_log_take(struct gc_log *log);

/* What was taken, chunk by chunk, in the order in which it was handed over; NULL at the
 * end. */
GC_EXPORT struct gc_log_chunk *gc_log_first(struct gc_log *log);
GC_EXPORT struct gc_log_chunk *gc_log_next(
        struct gc_log *log, struct gc_log_chunk *chunk);

/* Gives back what was taken: its chunks may be written to again. */
GC_EXPORT void gc_log_give_back(struct gc_log *log);

/* What may be handed over and not given back, in bytes; 0 (at first): any amount. By a
 * collector, in `start`. */
GC_EXPORT void gc_log_set_budget(struct gc_log *log, size_t bytes);

/* For a protocol's start and finish: heap->log. 0 or -ENOMEM. */
GC_EXPORT int gc_log_create(struct gc_heap *heap) GC_NODISCARD;
GC_EXPORT void gc_log_destroy(struct gc_heap *heap);

/* For its home_start and home_finish: gives the record its first chunk. 0 or -ENOMEM. */
GC_EXPORT int gc_log_home_start(struct gc_mutator *home) GC_NODISCARD;
GC_EXPORT void gc_log_home_finish(struct gc_mutator *home);

#endif
