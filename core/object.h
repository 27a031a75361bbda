/* SPDX-License-Identifier: MIT */
/* object.h - what every object starts with.
 *
 *   word 0   count      layout owned by the protocol; bit 63 is core's: DEAD. A protocol
 *                       may use its halves as two atoms, with a writer for each; and of
 *                       the lower one a quarter that is no atom
 *   word 1   type_id    (16 bits)
 *            noted      the protocol's own (16): whether it is logged, ...
 *            state      bits of core (8), and of the collector (8), by read-modify-write
 *            mark       of the collector alone (16): a colour, a generation, ...
 *
 * type_id, noted, state and mark are separate atoms, because two writers never share one.
 * A cell that is free, or dying, keeps its header. Its count says DEAD, and bits 16 to 62
 * of the count may then link it into a worklist of whoever is killing it; the lower 16 are
 * zero then: a protocol can tell by them that nobody owns it. Or its state says GONE, and
 * the count is what it was: where a racing load may add to the count of anything, and take
 * that off again, a death and a birth that need not write it need no read-modify-write.
 * In a free cell the word behind the header links it into its block's free list.
 */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "core/atomic.h"

struct gc_object {
    /* Relaxed wherever a protocol needs no order; the protocol's header says. */
    union {
        _Atomic(uint64_t) count;
        struct {
            union {
                _Atomic(uint32_t) count_low;
                struct {
                    _Atomic(uint16_t) count_owner;
                    uint16_t count_own; /* who may act for the owner (biased.h) */
                };
            };
            _Atomic(uint32_t) count_high;
        };
    };
    union {
        struct {
            /* Constant from birth to death. Relaxed: an object is published by count. */
            _Atomic(uint16_t) type_id;
            _Atomic(uint16_t) noted; /* as the protocol says */
            _Atomic(uint16_t) state; /* relaxed; changes by read-modify-write */
            _Atomic(uint16_t) mark;  /* relaxed; written as the collector says */
        };
        _Atomic(uint64_t) words; /* all four, at birth, when nobody else looks */
    };
};

/* A field of a program's struct, or a local, that holds a reference. Any pointer
 * to a struct that starts with a gc_object may be accessed through it. */
typedef struct gc_object *gc_slot __attribute__((may_alias));

/* An object of an array type: slots, then raw bytes, both per object. */
struct gc_array {
    struct gc_object header;
    uint32_t slots; /* constant after birth */
    uint32_t bytes; /* the same */
    gc_slot slot[];
};

/* The raw bytes of an array start behind its slots. */
static inline void *gc_array_bytes(struct gc_array *array)
{
    return &array->slot[array->slots];
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "count_low is the lower half");

#define GC_COUNT_DEAD (UINT64_C(1) << 63)

/* An address of 48 bits, of which the lowest three are zero, becomes bits 16 to 60. */
enum { GC_COUNT_LINK_SHIFT = 13 };

/* Bits of `state` that belong to core. */
enum gc_state_bit {
    GC_STATE_FINALIZER = 1u << 0,  /* has a finalizer that has not run yet */
    GC_STATE_REFERENCED = 1u << 1, /* the weak table knows references to it */
    GC_STATE_WEAK = 1u << 2,       /* is itself a weak reference */
    GC_STATE_IMMORTAL = 1u << 3,   /* gc_refcount shows a constant */
    GC_STATE_CYCLIC = 1u << 4,     /* its cell has the prefix; const after birth */
    GC_STATE_GONE = 1u << 5, /* dead, whatever its count says; ends with the birth */
};

/* An object with one of these does not die by its count alone. */
#define GC_STATE_CARE (GC_STATE_FINALIZER | GC_STATE_REFERENCED | GC_STATE_WEAK)

/* What becomes of an attempt to take a reference to what a slot held a moment ago. */
enum gc_taken {
    GC_TAKEN_NOT,   /* it is DEAD */
    GC_TAKEN_MAYBE, /* counted, but it may be another object by now: look again */
    GC_TAKEN_SURE,  /* counted; nobody can have ended it since the slot was read */
};

enum { GC_NOTED_SHIFT = 16, GC_STATE_SHIFT = 32, GC_MARK_SHIFT = 48 }; /* in `words` */

/* By its count: whoever has killed it may write to that. */
static inline bool gc_object_says_dead(const struct gc_object *object)
{
    /* Of the rest another may write a part that is no atom. */
    return (gc_atomic_load_relaxed(&object->count_high) & (GC_COUNT_DEAD >> 32)) != 0;
}

static inline bool gc_object_is_dead(const struct gc_object *object)
{
    return gc_object_says_dead(object) ||
           (gc_atomic_load_relaxed(&object->state) & GC_STATE_GONE) != 0;
}

static inline uint32_t gc_object_type_id(const struct gc_object *object)
{
    return gc_atomic_load_relaxed(&object->type_id);
}

static inline uint32_t gc_object_state(const struct gc_object *object)
{
    return gc_atomic_load_relaxed(&object->state);
}

/* Any thread; read-modify-write, so other bits may change at the same time. */
static inline void gc_object_set_state(struct gc_object *object, uint32_t bits)
{
    gc_atomic_fetch_or_relaxed(&object->state, (uint16_t)bits);
}

/* Returns what the state was. */
static inline uint32_t gc_object_clear_state(struct gc_object *object, uint32_t bits)
{
    return gc_atomic_fetch_and_relaxed(&object->state, (uint16_t)~bits);
}

/* For who has found that nobody else has the object any more. `state`: what it was. */
static inline void gc_object_set_gone(struct gc_object *object, uint32_t state)
{
    gc_atomic_store_relaxed(&object->state, (uint16_t)(state | GC_STATE_GONE));
}

static inline uint16_t gc_object_mark(const struct gc_object *object)
{
    return gc_atomic_load_relaxed(&object->mark);
}

static inline void gc_object_set_mark(struct gc_object *object, uint16_t mark)
{
    gc_atomic_store_relaxed(&object->mark, mark);
}

/* Worklists of dying objects, threaded through their count words. */
static inline void gc_object_link_dead(struct gc_object *object, struct gc_object *next)
{
    gc_atomic_store_relaxed(&object->count,
            GC_COUNT_DEAD | (uint64_t)(uintptr_t)next << GC_COUNT_LINK_SHIFT);
}

static inline struct gc_object *gc_object_next_dead(const struct gc_object *object)
{
    uint64_t link = gc_atomic_load_relaxed(&object->count) << 1; /* without DEAD */
    return (struct gc_object *)(uintptr_t)(link >> (GC_COUNT_LINK_SHIFT + 1));
}

#endif
