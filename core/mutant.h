/* SPDX-License-Identifier: MIT */
/* mutant.h - rules that a build for tests can break on purpose.
 *
 * The runtime does not work without any of the rules below; so a test has to fail without it.
 * In a build with -DGC_MUTANTS a test chooses one at run time, or whoever runs a program, in the
 * environment: GC_MUTANT=NAME. The site that keeps the rule asks gc_broken(NAME). In all other
 * builds that is the constant false.
 */
#ifndef CORE_MUTANT_H
#define CORE_MUTANT_H

#include <stdbool.h>

#include "core/check.h"

/* name, the rule that is broken: what the order of events decides. Killed by the kernels of tests/race. */
#define GC_MUTANT_RACES(X)                                                               \
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
    X(DEAD_OWNER_DRAINED, "who sends to an exited mutator takes it in for him")          \
    X(LOGS_NEW, "a store logs what it stores, until its mutator's frames are scanned")   \
    X(HANDED_LOGGED, "what is handed to a new thread is logged")                         \
    X(RAISE_FIRST, "all stores are logged before anybody's frames are scanned")          \
    X(LOGGED_ONCE, "of several records of an object one counts")                         \
    X(WEAK_REVIVES, "what a weak reference gives while a collector marks is logged")     \
    X(HOME_IN_STOP, "survivors go home in a stop")

/* The same: what a program meets whatever the order. tests/mutants says what kills each. */
#define GC_MUTANT_RULES(X)                                                               \
    X(LEAVES_LIST, "who dies leaves his home's list")                                    \
    X(SLOTS_FIRST, "who dies gives up his references before his cell is free")           \
    X(DEATH_GIVES_UP, "who dies gives up his references")                                \
    X(FAILED_GIVES_BACK,                                                                 \
            "a compare-and-exchange that fails gives up what it has counted")            \
    X(EXIT_SETTLES, "who exits sends off what he has kept for later")                    \
    X(RELIEF_COLLECTS, "a full collection comes before a refusal")                       \
    X(OWN_BLOCK, "a cell goes back to its own block")                                    \
    X(WEAK_LEAVES, "a weak reference that dies leaves the table")                        \
    X(DEAD_NOT_CALLED, "a weak reference that is dead itself is not called back")        \
    X(ROOT_START, "what a thread is started with is a root")                             \
    X(ROOT_LOCALS, "every local of a frame is a root")                                   \
    X(ROOT_GLOBALS, "every slot of a range is a root")                                   \
    X(SPILL_RESCANNED, "what the mark stack has no room for is found again")             \
    X(FLUSH_ALL, "a log is handed over whole")                                           \
    X(LOGS_OLD, "a store logs what it replaces, while a collector marks")                \
    X(DIRTY_LOGGED, "an object that says it is in the log is there")                     \
    X(DEAD_WEAK_CLEARED,                                                                 \
            "weak references to what is dead are cleared before finalizers")             \
    X(DUE_ONCE, "who is finalized leaves the register of finalizers")                    \
    X(DUE_KEPT, "who is about to be finalized is kept")                                  \
    X(DUE_TRACED, "what a finalizer may look at is kept")                                \
    X(CALLBACKS_FIRST, "callbacks come before finalizers and clearing")                  \
    X(RUNS_FLUSHED, "runs give their cells back before a sweep")                         \
    X(ADOPTED_COUNTED,                                                                   \
            "what a new object refers to is counted when it is first counted")           \
    X(ROOTED_ADOPTED, "a new object that a root holds is kept")                          \
    X(ROOTED_LIVES, "an object of count 0 that a root holds is kept")                    \
    X(ZEROS_AGAIN, "what only a root held is looked at when it holds it no more")        \
    X(UPS_FIRST,                                                                         \
            "all that has been stored is counted up before anything is counted down")    \
    X(MISSED_FOUND, "what the stack of new objects has no room for is found again")      \
    X(TRACE_COUNTS, "a backup trace leaves the counts that it finds")                    \
    X(DUE_HELD, "who is finalized after a trace is of count 0, and known to be")         \
    X(BORN_BLACK, "whose frames are scanned makes marked objects")                       \
    X(SWEPT_FIRST, "nothing is marked while a mutator sweeps")                           \
    X(DRAINED_TRACED, "marking ends when no log has anything new")                       \
    X(BEHIND_STACKED, "what the pass has gone by is traced from the stack")              \
    X(FULL_LINKED, "what the stack has no room for is linked")                           \
    X(MEMBERS_ONLY, "only references to members of the set are subtracted")              \
    X(REACHED_LIVES, "who was passed over as unreachable and is reached lives")          \
    X(OVERFLOW_REVISITED, "what the detector's stack has no room for is visited again")  \
    X(SCAN_GOES_ROUND, "a scan of several lists goes round until none has grown")        \
    X(OTHERS_HAVE_PARTS, "a collection looks at the objects of all mutators")            \
    X(YOUNGER_JOIN, "a collection looks at the younger generations, too")                \
    X(BOXES_TAKEN, "what an owner is sent he looks at")                                  \
    X(ROUND_AGAIN, "rounds go on until nothing is left to do")                           \
    X(LENT_RETURNED, "the trash of lent blocks goes back to their home")                 \
    X(KEPT_DROPPED, "what was kept to be dropped after the stop is dropped")             \
    X(TRASH_WEAK_CLEARED, "weak references to the trash are cleared before finalizers")  \
    X(LEAVING_DROPPED, "what the trash refers to outside of it is dropped")              \
    X(FINALIZED_AGAIN_SOUGHT, "who can be reached again after a finalizer lives")        \
    X(UNFILLED_TRACKED, "an immutable object with an empty slot stays tracked")          \
    X(COUNTS_RESET, "a collection sets the counts of its generations to 0")              \
    X(QUARTER_RULE, "a full collection waits until a quarter is new")                    \
    X(THRESHOLD, "a collection is due beyond the threshold, and not one later")

#define GC_MUTANT_LIST(X)                                                                \
    X(NONE, "no rule is broken")                                                         \
    GC_MUTANT_RACES(X)                                                                   \
    GC_MUTANT_RULES(X)

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
