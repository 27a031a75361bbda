/* SPDX-License-Identifier: MIT */
/* choose_mutant.c - takes the rule to break from the environment: a part of the runtime in
 * builds with -DGC_MUTANTS, and in no other. */
#include <stdlib.h>
#include <string.h>

#include "core/mutant.h"

static const char *const names[] = {
#define X(name, rule) #name,
    GC_MUTANT_LIST(X)
#undef X
};

static __attribute__((constructor)) void choose_mutant(void)
{
    const char *wanted = getenv("GC_MUTANT");
    if (wanted == NULL) return;
    while (gc_mutant < GC_MUTANT_COUNT && strcmp(names[gc_mutant], wanted) != 0)
        gc_mutant++;
    gc_require(gc_mutant < GC_MUTANT_COUNT, "GC_MUTANT: there is no rule %s", wanted);
}
