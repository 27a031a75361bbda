/* SPDX-License-Identifier: MIT */
/* heap.h - a heap: its collector, its protocol, its memory, its mutators.
 *
 * A process may have several heaps; nothing but the type table is shared.
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/atomic.h"
#include "core/block.h"
#include "core/lock.h"
#include "core/pace.h"
#include "core/thread.h"
#include "core/worker.h"

struct gc_collector;
struct gc_log;
struct gc_object;
struct gc_protocol;
struct gc_serial;
struct gc_share;
struct gc_root_range;
struct gc_sweeper;
struct gc_observer;
struct gc_weak;

enum { GC_GENERATIONS = 3 };

/* Gets an object that a collection found dead, under gc_save_all(). */
typedef void (*gc_garbage_fn)(struct gc_object *object, void *argument);

/* A function that is to run once for every mutator (handshake.h). */
struct gc_handshake {
    void (*run)(struct gc_mutator *m, void *argument);
    void *argument;
    uint64_t number;    /* from 1 */
    uint64_t posted_ns; /* gc_os_now_ns() */
};

/* What a generation's row shows: thresholds and counts are described at
 * gc_threshold_set(); the rest only grows. */
struct gc_generation {
    /* Any mutator may set the one and read both; relaxed, they order nothing. */
    _Atomic(int) threshold;
    _Atomic(int) count; /* of generation 0: what homes have flushed */
    /* written by who collects, read by anybody; relaxed */
    _Atomic(uint64_t) collections, collected, uncollectable, candidates, duration_ns;
};

struct gc_heap {
    /* const after creation */
    const struct gc_collector *collector;
    const struct gc_protocol *protocol;
    void *collector_options;     /* as collector->options says */
    void *collector_data;        /* of the collector */
    void *protocol_data;         /* of the protocol */
    struct gc_log *log;          /* of protocols that log (log.h), or NULL */
    uint32_t side_offset;        /* of the side metadata in a region */
    uint32_t first_block;        /* index of the first block behind a region's metadata */
    _Atomic(size_t) limit_bytes; /* hard limit of `bytes`; 0: none; relaxed */
    bool type_stable;            /* GC_PROTOCOL_RACES: see block.h, home.h, grace.h */
    bool parked_help;            /* the collector shares the work of its stops: share.h */
    uint32_t share_watchers_most; /* processors that may look out for a part of it */
    struct gc_sweeper *sweeper;   /* sweep.h, or NULL */

    /* any thread, atomic, relaxed: sums that order nothing */
    alignas(GC_CACHE_LINE) _Atomic(size_t) bytes; /* blocks and their metadata */
    _Atomic(size_t) peak_bytes;
    _Atomic(size_t) trigger_bytes; /* above it on_pressure is due; 0: never */
    _Atomic(size_t) taken_bytes;   /* of cells that became available to mutators since a
                                      collector has set it to 0 */
    _Atomic(size_t) taken_trigger; /* above it on_pressure is due; 0: never */
    _Atomic(uint32_t) collecting;  /* a collection is under way: [sync CO1], collect.c */
    _Atomic(uint32_t) disabled;    /* automatic collection is off */

    /* registry_lock */
    struct gc_lock registry_lock;
    _Atomic(struct gc_mutator *) mutators; /* see gc_for_each_mutator */
    uint32_t mutator_count;                /* records */
    struct gc_mutator *alone;              /* who is told that it is, or NULL */
    _Atomic(uint32_t) attached; /* records not EXITED; read relaxed without the lock */
    struct gc_root_range *roots;
    uint64_t root_passes; /* of gc_roots_visit_global() */
    struct gc_observer *observers;
    _Atomic(uint32_t) observer_count; /* also read without it, relaxed: is there any? */
    uint64_t observed;                /* events that observers were told of */
    struct gc_condition parked;       /* a mutator became BLOCKED or EXITED */
    struct gc_condition resumed;      /* claims were given back */
    struct gc_condition collected;    /* no collection is under way any more */
    _Atomic(uint32_t) stop_requested; /* also read without it: [sync ST1] */
    _Atomic(uint32_t) shake_pending;  /* a handshake awaits answers: [sync HS1] */
    _Atomic(uint32_t)
            claim_waiters; /* who await that a claim is given back: [sync ST2] */
    _Atomic(struct gc_mutator *) stopper; /* who has stopped the world, or NULL; relaxed
                                             where it is read without the lock */
    struct gc_handshake handshake;        /* the last one that was asked for */
    const void *phase;  /* what the last gc_handshake_phase() has posted, or NULL */
    bool grace_awaited; /* mutators are asked to be quiet: grace.c */
    _Atomic(struct gc_mutator *)
            collecting_mutator; /* whose collection is under way, or NULL */
    uint64_t stop_started_ns;   /* the stopper's */

    /* written by the stopper; read by who has taken a part of what is shared: [sync ST3] */
    const struct gc_share *share;
    _Atomic(uint32_t) share_awaited; /* the stopper sleeps until a part is done */
    _Atomic(uint32_t)
            share_watchers; /* parked mutators that look out for a part; relaxed */
    struct gc_worker worker;
    struct gc_pace pace; /* who waits for a collection before the heap grows */

    /* held from a stop's request to its end */
    struct gc_lock coordinator;

    /* blocks_lock */
    struct gc_lock blocks_lock;
    struct gc_region *regions;
    uint64_t regions_made;
    bool regions_have_marks;       /* a tracer wants mark tables for new regions too */
    struct gc_region *region_hint; /* where blocks were taken or freed last; not huge */
    struct gc_block
            *limbo; /* empty, and stale references to them may be about: by next */
    struct gc_block *limbo_aging;     /* the same, while a grace period is awaited */
    struct gc_block *ripe;            /* the same after it */
    struct gc_condition limbo_filled; /* also: `grace_ends` was set */
    struct gc_thread grace_thread;    /* awaits grace periods, once there was a limbo */
    bool grace_runs, grace_ends;

    /* weak_lock */
    struct gc_lock weak_lock;
    struct gc_weak **weak_table; /* hashed by target */
    size_t weak_room, weak_count;

    /* who collects; world stopped or running, but one at a time */
    struct gc_generation generations[GC_GENERATIONS];
    _Atomic(uint64_t) collections;      /* also read by all; relaxed */
    _Atomic(uint64_t) collector_cpu_ns; /* of threads while they collected; relaxed */
    _Atomic(uint64_t) finalized; /* objects whose finalizers collections ran; relaxed */
    gc_garbage_fn save_all;      /* or NULL */
    void *save_all_argument;

    /* objects with finalizers, for collectors whose deaths are implicit: registered
     * at birth, weeded out by collections; registry_lock */
    struct gc_object **finalizable;
    size_t finalizable_count, finalizable_room, finalizable_reserved;

    /* const after creation: the lock of who runs (serial.h), or NULL */
    struct gc_serial *serial;

    /* const after creation: the embedder's hooks */
    void (*on_exhausted)(struct gc_mutator *m, size_t bytes, void *argument);
    void (*on_callback_error)(
            struct gc_mutator *m, struct gc_object *object, int error, void *argument);
    void *hook_argument;
};

/* The first heaps of the process that were made and not destroyed, in no order; for who looks
 * at a process that has crashed, or stands in a debugger. Relaxed: they order nothing. */
enum { GC_HEAPS_KNOWN = 8 };
GC_EXPORT extern _Atomic(struct gc_heap *) gc_heaps[GC_HEAPS_KNOWN];

struct gc_heap_config {
    const struct gc_collector *collector;
    const struct gc_protocol *protocol; /* NULL: the collector's first */
    const char *options;                /* "name=value:name=value", or NULL */
    size_t limit_bytes;                 /* 0: none */

    /* Called by the mutator whose allocation of `bytes` can't be served; NULL: the
     * process ends with a message. May return: the allocation then fails. A store that
     * has to be logged can't: it is tried once more, and ends the process if that is in vain. */
    void (*on_exhausted)(struct gc_mutator *m, size_t bytes, void *argument);

    /* Called where a finalizer or callback returned non-zero; NULL: only counted. */
    void (*on_callback_error)(
            struct gc_mutator *m, struct gc_object *object, int error, void *argument);
    void *hook_argument;
};

/* Makes a heap without mutators. Returns 0, -EINVAL (an option, or a combination
 * that is unsound: `error` says why), or -ENOMEM. Any thread. */
GC_EXPORT int gc_heap_create(const struct gc_heap_config *config,
        struct gc_heap **ret_heap, struct gc_error *error) GC_NODISCARD;

/* Frees the heap and everything in it; no finalizer runs. All mutators must have
 * exited. NULL is allowed. */
GC_EXPORT void gc_heap_destroy(struct gc_heap *heap);

/* From now on the heap may take so many bytes in all; 0: any number. What it has taken
 * already it keeps, if that is more. Any thread, at any time. */
GC_EXPORT void gc_heap_set_limit(struct gc_heap *heap, size_t bytes);

/* What that is now. Any thread. */
static inline size_t gc_heap_limit(const struct gc_heap *heap)
{
    return gc_atomic_load_relaxed(&heap->limit_bytes);
}

/* Charges `bytes` against the limit. False when they do not fit. Any thread. */
GC_EXPORT GC_NODISCARD bool gc_heap_charge(struct gc_heap *heap, size_t bytes);
GC_EXPORT void gc_heap_discharge(struct gc_heap *heap, size_t bytes);

/* What is in a heap, exact while the world is stopped or no mutator is attached. */
struct gc_heap_stats {
    uint64_t allocated_objects; /* since the heap was made */
    uint64_t live_objects;      /* not yet reclaimed */
    uint64_t live_bytes;        /* of their cells */
    uint64_t heap_bytes, peak_heap_bytes;
    uint64_t collections;
    struct gc_counters counters;             /* of all mutators */
    uint64_t operations[GC_OPERATION_COUNT]; /* the same */
};
GC_EXPORT void gc_heap_read_stats(struct gc_heap *heap, struct gc_heap_stats *ret_stats);

/* The stall logs of all mutators, added up; same condition. The result is the
 * caller's, to be freed with gc_os_free(); NULL when memory is exhausted. */
GC_EXPORT struct gc_stall_log *gc_heap_read_stalls(struct gc_heap *heap) GC_NODISCARD;

/* Calls visit(object, argument) for every object that is not DEAD, by block; stops
 * early when it returns false, and says so. World stopped, or nobody attached. */
typedef bool (*gc_object_fn)(struct gc_object *object, void *argument);
GC_EXPORT bool gc_heap_walk_stw(struct gc_heap *heap, gc_object_fn visit, void *argument);

/* The same over blocks in use, one at a time: NULL behind the last. From { NULL, 0 } on,
 * with the same heap. The block that was returned may be freed before the next is asked for. */
struct gc_block_cursor {
    struct gc_region *region; /* where to look next, and */
    uint32_t index; /* from which block on; 0: at the first region if it is NULL */
};
GC_EXPORT struct gc_block *gc_next_block_stw(
        struct gc_heap *heap, struct gc_block_cursor *cursor);

/* The same over blocks in use. */
typedef void (*gc_block_fn)(struct gc_block *block, void *argument);
GC_EXPORT void gc_heap_walk_blocks_stw(
        struct gc_heap *heap, gc_block_fn visit, void *argument);

/* The collector's side metadata of the region that `address` lies in. */
static inline void *gc_side_of(const struct gc_heap *heap, const void *address)
{
    return (char *)gc_region_of(address) + heap->side_offset;
}

#endif
