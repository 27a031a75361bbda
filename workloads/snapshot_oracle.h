/* SPDX-License-Identifier: MIT */
/* snapshot_oracle.h - what must be reclaimed when the roots of a snapshot go.
 *
 * A plan drops all roots of a snapshot in steps, in a seeded order, and says for
 * each step, computed from the graph alone, which objects die of it. Dropping a
 * root is dropping all its references from outside at once.
 *
 * The order. In the heap of a real program most roots hold next to nothing alone,
 * nearly all objects lead to one giant component (modules, classes, functions),
 * and a few hundred roots hold a structure that nothing else holds. A blind
 * shuffle would leave many steps with nothing to reclaim. So each root is first
 * classed by what it holds alone (its share: the objects that only it reaches):
 *   1. shares that counting frees in part, the rest being cyclic
 *   2. shares of which counting frees nothing
 *   3. shares of several objects that counting frees wholly
 *   4. shares of one object, or of none
 * Each class is shuffled by the seed, and the classes are dealt one after the
 * other, like one pack of cards, to the steps, beginning at a seeded one. Steps
 * then have equally many roots (to one), and each its part of every class. What
 * a step reclaims is more than the shares of its roots: objects that several
 * roots reach die with the last. The giant component dies in one of the last
 * steps, as it must: dropping roots cannot split a component. The order depends
 * on the graph, the number of steps and the seed, and on nothing else.
 *
 * Invariants: (O1) the steps' root_count sum up to the snapshot's, none is 0.
 *             (O2) unreachable.objects sum up to the number of objects.
 *             (O3) unreachable = counted + cyclic in each step: what counting
 *                  frees at a step became unreachable at that step. (Garbage that
 *                  counting leaked is referenced by garbage only, whose counts
 *                  never change again.)
 *             (O4) counted <= prompt <= unreachable.
 * Threads:    any; a plan is constant once it has been made.
 */
#ifndef WORKLOADS_SNAPSHOT_ORACLE_H
#define WORKLOADS_SNAPSHOT_ORACLE_H

#include <stdint.h>

#include "core/check.h"
#include "workloads/snapshot_file.h"

enum { GC_SNAPSHOT_STEPS = 64 }; /* a good number for real programs */

struct gc_snapshot_tally {
    uint64_t objects;
    uint64_t containers; /* objects with GC_SNAPSHOT_CONTAINER */
    uint64_t bytes;      /* by the sizes in the snapshot */
};

struct gc_snapshot_step {
    /* The roots that it drops: root_order[first_root ...]. */
    uint32_t first_root;
    uint32_t root_count;

    /* All that becomes unreachable here: a complete collector must have reclaimed it,
     * and nothing else, when it has collected after this step. */
    struct gc_snapshot_tally unreachable;

    /* What pure reference counting, which leaked the cycles of earlier steps, frees
     * here; and the rest, which it leaks for good. */
    struct gc_snapshot_tally counted;
    struct gc_snapshot_tally cyclic;

    /* What counting frees at once where all garbage of earlier steps was reclaimed:
     * the part of `unreachable` that needs no collection at this step. It exceeds
     * `counted` by what leaked cycles would have kept. */
    struct gc_snapshot_tally prompt;
};

struct gc_snapshot_plan {
    uint32_t step_count;
    uint32_t object_count;          /* as in the snapshot */
    uint32_t root_count;            /* as in the snapshot */
    uint32_t mixed_steps;           /* steps where counted > 0 and prompt < unreachable */
    struct gc_snapshot_step *steps; /* [step_count] */
    uint32_t *root_order;           /* [root_count], indices of snapshot->roots */
    uint32_t *death_step;           /* [object_count], the step that kills the object */
    uint8_t *counted;               /* [object_count], 1 if it belongs to step.counted */
};

/* Makes the plan for `steps` steps (1 or more; no more than there are roots are
 * made). Takes O(objects + edges) time and 40 bytes an object at most. Returns 0,
 * -EINVAL or -ENOMEM. */
GC_EXPORT int gc_snapshot_plan_create(const struct gc_snapshot *snapshot, uint32_t steps,
        uint64_t seed, struct gc_snapshot_plan **ret_plan, struct gc_error *error)
        GC_NODISCARD;

/* NULL is allowed. */
GC_EXPORT void gc_snapshot_plan_destroy(struct gc_snapshot_plan *plan);

#endif
