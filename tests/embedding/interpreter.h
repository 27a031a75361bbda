/* SPDX-License-Identifier: MIT */
/* interpreter.h - a small Lisp, as an example of a runtime that embeds gclab.
 *
 * interpreter.c is compiled once for each protocol; each time it holds one of the structs
 * below, which the rest of a program chooses from by the name of its heap's protocol.
 */
#ifndef TESTS_EMBEDDING_INTERPRETER_H
#define TESTS_EMBEDDING_INTERPRETER_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "core/object.h"

struct gc_mutator;

/* What the interpreters on one heap have in common. The heap's hook_argument must be its
 * address. */
struct world {
    gc_slot shared;              /* (share! x), (shared): a root, racing stores */
    _Atomic(uint64_t) made;      /* (resource) */
    _Atomic(uint64_t) released;  /* by their finalizers */
    _Atomic(uint64_t) exhausted; /* allocations that failed */
};

struct interpreter {
    const char *protocol;

    /* Evaluates a program, form by form, on a running mutator of a heap of this protocol;
     * what it prints goes to `out`, what goes wrong in a form too. `thread` is what
     * (thread) yields. Returns the number of forms that failed; -1: no memory to begin. */
    int (*run)(struct gc_mutator *m, struct world *world, int thread, const char *program,
            FILE *out);

    /* Makes world->shared NULL. On a running mutator. */
    void (*forget)(struct gc_mutator *m, struct world *world);
};

#endif
