/* SPDX-License-Identifier: MIT */
/* collect.h - asking for collections: the part that is the same for all collectors.
 *
 * At most one collection of a heap is under way. Who asks for one meanwhile gets 0 at
 * once, so a finalizer that collects, or eight threads that do at a time, are safe.
 */
#ifndef CORE_COLLECT_H
#define CORE_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"
#include "core/heap.h"

/* Collects `generation` (0, 1, 2) and younger ones, whether or not automatic
 * collection is enabled. Returns what was found dead and what could not be freed;
 * 0 when a collection is under way; -EINVAL, and nothing is collected, for another
 * generation. On a running mutator; a safepoint. */
GC_EXPORT int64_t gc_collect(struct gc_mutator *m, int generation);

/* The same, on the thread that calls, whatever the collector's threads. For worker.c, and
 * where no thread can be had. */
int64_t gc_collect_here(struct gc_mutator *m, int generation);

/* For collectors' triggers: the same, but nothing while automatic collection is
 * disabled. Where collections have a thread of their own, it is asked, and not waited for. */
GC_EXPORT void gc_collect_automatic(struct gc_mutator *m, int generation);

/* Waits until no collection of another thread is under way, or has been asked for before, in
 * a blocked region. */
GC_EXPORT void gc_collect_wait(struct gc_mutator *m);

/* Collects until nothing more is found, at most ten times; all that the collector
 * promises to reclaim is reclaimed afterwards, if no other mutator interferes. */
GC_EXPORT void gc_quiesce(struct gc_mutator *m);

/* Automatic collection is on from the start. Any mutator. */
GC_EXPORT void gc_enable(struct gc_mutator *m);
GC_EXPORT void gc_disable(struct gc_mutator *m);
GC_EXPORT bool gc_is_enabled(struct gc_mutator *m);

/* Threshold of generation g. 0: net allocations of objects that can be in a cycle,
 * beyond which a young collection is due (0 itself: never); 1, 2: collections of the
 * next younger generation beyond which g is due. -EINVAL for another g. */
GC_EXPORT int gc_threshold_set(struct gc_mutator *m, int generation, int threshold);
GC_EXPORT int gc_threshold_get(struct gc_mutator *m, int generation);

/* What the thresholds are compared with. Reading does not change it. */
GC_EXPORT int gc_generation_count(struct gc_mutator *m, int generation);

/* Rows of statistics; they only grow. Read while no other mutator collects. */
struct gc_generation_stats {
    uint64_t collections, collected, uncollectable;
    uint64_t candidates;  /* objects that were examined */
    uint64_t duration_ns; /* of the collections, finalizers and callbacks included */
};
GC_EXPORT struct gc_generation_stats gc_generation_stats_get(
        struct gc_mutator *m, int generation);

/* Moves all tracked objects out of reach of collections, and back to the oldest
 * generation. Collectors that don't promise it do nothing. */
GC_EXPORT void gc_freeze(struct gc_mutator *m);
GC_EXPORT void gc_unfreeze(struct gc_mutator *m);
GC_EXPORT size_t gc_freeze_count(struct gc_mutator *m);

/* The generation of an object; -1 untracked (or no generations), -2 frozen. */
GC_EXPORT int gc_generation_of(struct gc_mutator *m, struct gc_object *object);

/* Debugging aid ("save all"): what a collection finds dead is not cleared but handed to
 * `keep`, counted by the receiver, e.g. by storing it in a root. NULL ends it. */
GC_EXPORT void gc_save_all(struct gc_mutator *m, gc_garbage_fn keep, void *argument);

/* Observers hear of every collection, on the collecting mutator with the world
 * running, in the order in which they were added. Non-zero is reported to
 * on_callback_error. Adding and removing: any running mutator, at any time; removing is a
 * safepoint, and waits for another mutator's collection: the observer is free afterwards. */
enum gc_collection_event { GC_COLLECTION_START, GC_COLLECTION_STOP };
struct gc_observer {
    int (*notify)(struct gc_mutator *m, enum gc_collection_event event, int generation,
            size_t collected, size_t uncollectable, void *argument);
    void *argument;
    struct gc_observer *next; /* registry lock */
    uint64_t heard;           /* registry lock: number of the last event it was told of */
};
GC_EXPORT void gc_observer_add(struct gc_mutator *m, struct gc_observer *observer);
GC_EXPORT void gc_observer_remove(struct gc_mutator *m, struct gc_observer *observer);

/* For who shows collections to people: called, in builds that check, on the thread that
 * collects, where a collection comes to something (gc_collection_at(), gc_collection_step()).
 * Stopped or not, the world is as the collector has it there, so lists may be in disorder. NULL:
 * nobody watches. It may read, and must not wait, allocate from the heap or collect. Set while
 * nobody collects. */
typedef void (*gc_collection_watch_fn)(struct gc_heap *heap, const char *words);
GC_EXPORT extern gc_collection_watch_fn gc_collection_watch;

/* For collectors: a step within what the collection is at, as one object of many. Nothing in
 * release builds. */
static inline void gc_collection_step(struct gc_heap *heap, const char *words)
{
    if (GC_CHECK >= 1 && gc_unlikely(gc_collection_watch != NULL))
        gc_collection_watch(heap, words);
}

/* For collectors: what a collection is at, from now on: for who looks at a process that has
 * crashed, and for who watches. A few words, which stay: "marks". On the mutator that collects. */
static inline void gc_collection_at(struct gc_mutator *m, const char *words)
{
    gc_event_set_phase(&m->events, words);
    gc_collection_step(m->heap, words);
}

/* For collectors that use budgets: adds the mutator's net allocations to the heap's
 * sum (never below 0) and grants it a new budget, which is exact while it is the only
 * mutator. Returns the sum. On the mutator, or for it in a stop. */
GC_EXPORT int gc_budget_flush(struct gc_mutator *m);

/* For blocked regions: under a serial protocol the mutator's budget goes back to the sum,
 * so that whoever runs next counts on from there. On the mutator. */
void gc_budget_return(struct gc_mutator *m);

/* Lets the mutator make some more objects before on_budget is asked again: for a time in
 * which no collection can be. On the mutator, right after a flush. */
GC_EXPORT void gc_budget_postpone(struct gc_mutator *m);

/* The mutator has freed `count` objects that can be in a cycle otherwise than by their
 * counts. On the mutator. */
GC_EXPORT void gc_budget_credit(struct gc_mutator *m, size_t count);

/* The sum becomes 0, and every mutator starts anew. When the young are collected. */
GC_EXPORT void gc_budget_reset_stw(struct gc_heap *heap);

#endif
