/* SPDX-License-Identifier: MIT */
/* mutant.h - rules that a build for tests can break on purpose.
 *
 * Each rule below was model-checked, and the model finds a failure without it. In a build
 * with -DGC_MUTANTS a test chooses one at run time; the site that keeps the rule asks
 * gc_broken(NAME). In all other builds that is the constant false.
 */
#ifndef CORE_MUTANT_H
#define CORE_MUTANT_H

#include <stdbool.h>

#include "core/check.h"

/* name, the rule that is broken */
#define GC_MUTANT_LIST(X)                                                                \
    X(NONE, "no rule is broken")                                                         \
    X(REREAD, "a racing load reads its slot again after it has counted")                 \
    X(DEAD_APART, "a count of 0 is not DEAD: a racing load may still take it")           \
    X(TAKE_ALIVE, "a racing load takes nothing that is DEAD")                            \
    X(UNDO_LAST, "an undo that holds the last reference does not subtract it")           \
    X(LAST_BY_EXCHANGE, "what dies by a look keeps its count")                           \
    X(BIRTH_LEAVES, "a birth writes no count")                                           \
    X(REBUILT, "a block that is built again keeps its headers")                          \
    X(REMOVED_FIRST, "what dies by a look was removed from its slots before")            \
    X(LOOK_FIRST, "the state is looked at after the count")                              \
    X(LOOK_CARES, "what has a weak reference does not die by a look")                    \
    X(ZERO_BY_EXCHANGE, "who has reached 0 kills by compare-and-exchange from 0")        \
    X(KEEP_FOR_FINALIZER, "the last reference is held while the finalizer runs")         \
    X(FINALIZE_ONCE, "a finalizer is due no longer once it runs")                        \
    X(ENTRY_OWNS, "what is queued is held by its entry")                                 \
    X(MERGE_CLAIMED, "who merges for another has claimed him")                           \
    X(OWNER_CLEARED, "what is merged has no owner any more")                             \
    X(CLEARED_FIRST, "the owner's half is given up before others may kill")              \
    X(CLAIM_KILLS, "nothing is dropped inside a claim")                                  \
    X(MERGE_BY_EXCHANGE, "a merge adds to the shared half that it finds")                \
    X(QUEUE_BELOW_ZERO, "nothing is subtracted below 0 while nothing is queued for it")  \
    X(HOLD_MERGED, "what a collection holds is merged first")                            \
    X(STOP_GIVES_BACK, "a stop gives back the references of queues, but for a last one") \
    X(WEAK_REREAD, "a weak reference's target is read again after it was counted")       \
    X(WEAK_FIRST, "weak references are cleared before the cell is free")                 \
    X(STABLE, "an empty block keeps its headers for a grace period")                     \
    X(SETTLE_FIRST, "what is kept for later is dropped before the mutator is quiet")     \
    X(HOME_FREES, "what dies elsewhere goes home to be freed")                           \
    X(LOOK_AFTER_PUSH, "who has sent something looks at the home's state")               \
    X(LOOK_AFTER_BLOCK, "who becomes BLOCKED looks at what has arrived")                 \
    X(LOOK_AFTER_EXIT, "who becomes EXITED looks at what has arrived")                   \
    X(LOOK_AFTER_CLAIM, "who gives a claim back looks at what has arrived")              \
    X(CLAIM_FIRST, "who acts for another claims him first")                              \
    X(RETURN_BY_EXCHANGE, "a return to RUNNING respects a claim")                        \
    X(STOP_CLAIMS_BLOCKED, "a stop claims those who are BLOCKED")                        \
    X(STOP_CLAIMS_EXITED, "a stop claims those who are EXITED")                          \
    X(STOP_LOOKS, "a stop's end looks at what has arrived")                              \
    X(BORN_CLAIMED,                                                                      \
            "who is made while the world is stopped does not run before its end")        \
    X(COORDINATOR_BLOCKED, "the coordinator lock is awaited in a blocked region")        \
    X(SHAKE_BLOCKED, "a handshake is answered for who is BLOCKED")                       \
    X(SHAKE_QUIET, "who shakes hands runs no code of the program meanwhile")             \
    X(ALONE_TOLD, "who is alone is told before another runs")                            \
    X(SHAKE_ONCE, "a handshake runs once for each mutator")                              \
    X(LOG_RECHECK, "a logging store looks again before it keeps what it has copied")     \
    X(SHARE_BY_EXCHANGE, "a part of a stop's work is taken by exchange")                 \
    X(POLL_AT_ONCE,                                                                      \
            "a safepoint takes poll bits away in the step in which it sees them")        \
    X(HOLD, "a collection holds the members of its unreachable set")                     \
    X(RELEASE_BY_EXCHANGE, "a held member is released from 1 or not at all")             \
    X(WEAK_AGAIN, "weak references that finalizers made are cleared")                    \
    X(WEAK_VETO, "a weak reference that meets white while marking ends takes that back") \
    X(HOME_IN_STOP, "survivors go home in a stop")

enum gc_mutant {
#define X(name, rule) GC_MUTANT_##name,
    GC_MUTANT_LIST(X)
#undef X
            GC_MUTANT_COUNT
};

/* Set by a test while no other thread runs; nothing else reads it. */
GC_EXPORT extern enum gc_mutant gc_mutant;

#ifdef GC_MUTANTS
#    define gc_broken(name) gc_unlikely(gc_mutant == GC_MUTANT_##name)
#else
#    define gc_broken(name) false
#endif

#endif
