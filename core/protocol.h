/* SPDX-License-Identifier: MIT */
/* protocol.h - what core itself must be able to ask of a mutator protocol.
 *
 * The inline half of a protocol is a header in protocol/ (or anywhere else) that a
 * workload is compiled with; this is its other half, for slow paths. The two are
 * linked by the name. protocol/README.md says what each half owes.
 */
#ifndef CORE_PROTOCOL_H
#define CORE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/field.h"
#include "core/object.h"

struct gc_heap;
struct gc_mutator;
struct gc_weak;

enum gc_protocol_flag {
    GC_PROTOCOL_COUNTED = 1u << 0, /* references are counted, those of locals too */
    GC_PROTOCOL_FRAMES = 1u << 1,  /* frames are linked: locals can be enumerated */
    GC_PROTOCOL_SERIAL = 1u << 2,  /* one mutator runs at a time */
    GC_PROTOCOL_RACES = 1u << 3,   /* loads race with stores and deaths: memory must be
                                      type-stable, and what dies elsewhere goes home */
    GC_PROTOCOL_LEAVES_COUNTS = 1u
                                << 4, /* the count of a free cell is that of a new object:
                                            neither a birth nor every death writes it */
    GC_PROTOCOL_PRIVATE = 1u << 8,    /* only collectors that name it can work with it */
};

struct gc_protocol {
    const char *name;
    const char *summary;  /* one line */
    uint32_t flags;       /* enum gc_protocol_flag */
    uint64_t birth_count; /* count word of a new object, which a local holds; home_start
                             may choose another for its mutator */

    /* Called when a heap is made and destroyed; NULL: nothing to do. 0 or -errno. */
    int (*start)(struct gc_heap *heap);
    void (*finish)(struct gc_heap *heap);

    /* A record was made (not: adopted); its memory is about to go, with the heap. Fills in
     * its protocol_area, protocol_data, birth_count. On the attaching thread, under the
     * registry lock: no wait. 0 or -errno. NULL: nothing to do. */
    int (*home_start)(struct gc_mutator *home);
    void (*home_finish)(struct gc_mutator *home);

    /* The mutator is about to return to RUNNING / has become BLOCKED or EXITED; enter
     * may wait. NULL: nothing to do. On the mutator's thread. */
    void (*enter)(struct gc_mutator *m);
    void (*leave)(struct gc_mutator *m);

    /* What mutators send to each other's homes (home.h). All three or none.
     * Whether something was sent to the home that it has not taken in. Any thread; ordered
     * by seq_cst against a change of the home's state (Dekker). */
    bool (*has_sent)(struct gc_mutator *home);
    /* Takes that in. `by` may act for the home, and will be the one to settle what comes of
     * it: a running mutator, or the stopper. Perhaps under a claim: no wait, no drop. */
    void (*drain)(struct gc_mutator *home, struct gc_mutator *by);
    /* Sends what `m` has kept to be sent, drops what drain() has left to it, until there is
     * nothing of either. Whether there was anything. On a running mutator; a safepoint. */
    bool (*settle)(struct gc_mutator *m);

    /* One more reference to an object that the caller knows to be alive. On a running
     * mutator, or the stopper. NULL where references are not counted, like all below but
     * weak_resolve. */
    void (*take)(struct gc_mutator *m, struct gc_object *object);

    /* The same for an object that has or is a weak reference, whose memory is an object's, but
     * that may be DEAD: then false. */
    bool (*try_take)(struct gc_mutator *m, struct gc_object *object);

    /* One reference less; the last one kills. On a running mutator; a safepoint.
     * Returns true, so that fast paths can end in it. */
    bool (*drop)(struct gc_mutator *m, struct gc_object *object);

    /* One reference less, unless it is the last: then false, and nothing has changed. On a
     * running mutator, or the stopper. */
    bool (*drop_unless_last)(struct gc_mutator *m, struct gc_object *object);

    /* One more reference, such that kill() can tell, from then on and whoever calls it,
     * when it is the only one. World stopped. */
    void (*hold)(struct gc_mutator *m, struct gc_object *object);

    /* Makes the object DEAD if the caller's reference to it, by hold(), is the only one.
     * True: it owes a bury(). No finalizer may be due. On a running mutator, or the stopper.
     */
    bool (*kill)(struct gc_mutator *m, struct gc_object *object);

    /* Ends an object that kill() has made DEAD, and that is in no list: its weak references
     * are cleared and called, its slots dropped, its cell freed, with all that dies by
     * that. On a running mutator; a safepoint. */
    void (*bury)(struct gc_mutator *m, struct gc_object *object);

    /* Sets each slot to NULL and drops what it held. As drop. */
    void (*clear_slots)(struct gc_mutator *m, struct gc_object *object);

    /* How the total of most objects can be read without a call: where (word & mask) is
     * `value`, it is (word ^ value) >> shift. All zero: the word is the total. */
    struct gc_count_layout {
        uint64_t mask, value;
        uint32_t shift;
    } layout;

    /* All references to the object. World stopped, or serial. */
    uint64_t (*total)(const struct gc_object *object);

    /* From now on no drop is the last. On a running mutator that holds the object. */
    void (*immortalize)(struct gc_mutator *m, struct gc_object *object);

    /* A counted reference to the target of a weak reference, or NULL when it is dead
     * or dying. On a running mutator. */
    struct gc_object *(*weak_resolve)(struct gc_mutator *m, struct gc_weak *weak);

    /* How the count and `noted` are read, for people (field.h); NULL: the count is a number,
     * but for DEAD. */
    const struct gc_field *fields;
};

#endif
