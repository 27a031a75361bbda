/* SPDX-License-Identifier: MIT */
/* collector.h - all that a collector includes.
 *
 * A collector is one constant descriptor. Core does the mechanical part of every
 * scheme: what must happen at an object's birth and death, stops, roots, marking,
 * weak references, finalizers, counts. The hooks are the policy.
 */
#ifndef CORE_COLLECTOR_H
#define CORE_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/block.h"
#include "core/check.h"
#include "core/collect.h"
#include "core/field.h"
#include "core/finalize.h"
#include "core/handshake.h"
#include "core/heap.h"
#include "core/inspect.h"
#include "core/list.h"
#include "core/log.h"
#include "core/object.h"
#include "core/option.h"
#include "core/protocol.h"
#include "core/root.h"
#include "core/safepoint.h"
#include "core/share.h"
#include "core/sweep.h"
#include "core/thread.h"
#include "core/trace.h"
#include "core/type.h"
#include "core/weak.h"

/* Changes whenever a structure or a contract that a plugin sees does. */
#define GC_ABI_VERSION 4

/* What a collector promises. Conformance, workloads and the runner hold it to that. */
enum gc_capability {
    GC_CAP_RECLAIMS = 1u << 0,    /* frees anything at all */
    GC_CAP_IMMEDIATE = 1u << 1,   /* what a decrement kills is freed by it */
    GC_CAP_CYCLES = 1u << 2,      /* after gc_quiesce() no cyclic garbage is left */
    GC_CAP_COUNTS = 1u << 3,      /* gc_refcount() is exact */
    GC_CAP_GENERATIONS = 1u << 4, /* young collections; thresholds; promotion */
    GC_CAP_FINALIZERS = 1u << 5,  /* finalizers run once, before reclamation */
    GC_CAP_WEAK = 1u << 6,        /* weak references are cleared, callbacks run */
    GC_CAP_FREEZE = 1u << 7,      /* gc_freeze() exempts what exists */
    GC_CAP_UNTRACK = 1u << 8,     /* immutable objects of untracked ones are untracked */
    GC_CAP_SAVE_ALL = 1u << 9,    /* gc_save_all() keeps what is found */
};

/* What core does to each new object that can be in a cycle. */
enum gc_birth_action {
    GC_BIRTH_NOTHING,
    GC_BIRTH_LINK, /* append to its home's young list; unlink at death. Needs
                      prefix_bytes >= sizeof(struct gc_links), which lie right
                      before the header */
};

/* What a collector says of an object. Texts stay. */
struct gc_told {
    const char *place;  /* the list or set that it is in: "to scan"; NULL: in none */
    const char *number; /* what the number is called: "gc_refs"; NULL: there is none */
    uint64_t value;
};

enum { GC_COLLECTOR_NAMES = 8 };

struct gc_collector {
    uint32_t abi_version;
    uint32_t mutator_size, heap_size; /* sizes of the structs that it was built with */
    uint32_t check_level;

    const char *name;
    const char *summary;                       /* one line */
    const char *paper;                         /* key in papers/README.md, or NULL */
    const char *protocols[GC_COLLECTOR_NAMES]; /* by name; the first is the default; one
                                                  less at most */
    uint32_t other_protocols; /* enum gc_protocol_flag: it also takes any other protocol
                                 that has all of these, but private ones; 0: no other */
    uint32_t capabilities;    /* enum gc_capability */
    uint32_t prefix_bytes;    /* before the header of objects that can be in a cycle */
    uint32_t side_bits_log;   /* log2 of side metadata bits a granule, plus 1; 0: none */
    enum gc_birth_action birth;
    bool implicit_deaths; /* deaths are found, not announced: core registers
                                   objects with finalizers at birth */
    bool threaded; /* collections run beside the mutators, on a thread of their own (worker.h);
                      `collect` may all the same be called on any mutator */
    bool sweeps; /* dead objects are freed by sweeping alone, block by block, beside the
                      mutators (sweep.h) */
    const struct gc_option *options; /* or NULL */
    size_t options_size;

    /* The heap has been made, nobody is attached. heap->collector_options are filled.
     * May allocate with gc_os_alloc(). 0 or -errno with `error` set. NULL: nothing. */
    int (*start)(struct gc_heap *heap, struct gc_error *error);

    /* The heap is about to go; all mutators have exited. NULL: nothing. */
    void (*finish)(struct gc_heap *heap);

    /* A record was made (not: adopted), before its thread runs. On the attaching
     * thread, under the registry lock: no wait, no safepoint. 0 or -ENOMEM. NULL: nothing. */
    int (*home_start)(struct gc_mutator *home);

    /* The record's memory is about to go, with the heap. NULL: nothing. */
    void (*home_finish)(struct gc_mutator *home);

    /* A mutator exits; it still runs. May collect; no allocation. NULL: nothing. */
    void (*thread_exit)(struct gc_mutator *m);

    /* One collection of `generation` (0 .. 2; collectors without generations do a
     * whole one). On a running mutator, world running, `collecting` set by core, so
     * never nested and one at a time. May stop the world, run finalizers, wait.
     * Returns what it found dead, adds what it could not free to *uncollectable.
     * NULL: gc_collect() returns 0. */
    size_t (*collect)(struct gc_mutator *m, int generation, size_t *uncollectable);

    /* The mutator's object budget is used up: flush and grant it (gc_budget_flush),
     * and collect if that is due. Inside an allocation. NULL: budgets are endless. */
    void (*on_budget)(struct gc_mutator *m);

    /* heap->bytes would pass heap->trigger_bytes by an allocation of `bytes`, or
     * heap->taken_bytes has passed heap->taken_trigger. Inside it. Collect, or set a new
     * trigger. While one who has been told collects, others whose blocks are used up wait if
     * the heap would pass the trigger, or heap->pace.bytes where that is set (pace.h): by
     * collectors that work beside mutators, or whose trigger is not heap->trigger_bytes.
     * NULL: no trigger, and nobody waits. */
    void (*on_pressure)(struct gc_mutator *m, size_t bytes);

    /* The log is as large as its budget allows (log.h): collect. Inside a store, on its
     * mutator, before anything was read. NULL: it may grow. */
    void (*on_log_full)(struct gc_mutator *m);

    /* World running; NULL: not promised. */
    void (*freeze)(struct gc_mutator *m);
    void (*unfreeze)(struct gc_mutator *m);
    size_t (*freeze_count)(struct gc_mutator *m);

    /* The generation that an object is in, -1: none (untracked), -2: frozen. World
     * stopped or serial. NULL: not promised. */
    int (*generation_of)(struct gc_mutator *m, struct gc_object *object);

    /* Checks the collector's own invariants. World stopped or nobody attached. 0, or
     * -EINVAL with what is wrong. NULL: none. */
    int (*verify)(struct gc_heap *heap, struct gc_error *error);

    /* How `mark` is read, for people (field.h); NULL: it is a number. */
    const struct gc_field *fields;

    /* For people: what the collector has to say of an object that is alive, at this step of a
     * collection or outside of one. Called by gc_collection_watch, or with the world stopped;
     * reads alone, and never waits. *ret_told is empty before. NULL: nothing. */
    void (*tell)(
            struct gc_heap *heap, struct gc_object *object, struct gc_told *ret_told);
};

#define GC_COLLECTOR_HEADER                                                              \
    .abi_version = GC_ABI_VERSION, .mutator_size = sizeof(struct gc_mutator),            \
    .heap_size = sizeof(struct gc_heap), .check_level = GC_CHECK

#define GC_COLLECTOR(id)                                                                 \
    extern const struct gc_collector gc_collector_##id;                                  \
    const struct gc_collector gc_collector_##id

#endif
