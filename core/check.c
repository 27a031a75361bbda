/* SPDX-License-Identifier: MIT */
/* check.c - how the runtime ends when it must not go on, and how it words an error. */
#include "core/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mutant.h"

enum gc_mutant gc_mutant;

#define NAME(name, rule) #name,
#ifdef GC_MUTANTS
static __attribute__((constructor)) void choose_mutant(void)
{
    static const char *const names[] = { GC_MUTANT_LIST(NAME) };
    const char *wanted = getenv("GC_MUTANT");
    if (wanted == NULL) return;
    while (gc_mutant < GC_MUTANT_COUNT && strcmp(names[gc_mutant], wanted) != 0)
        gc_mutant++;
    gc_require(gc_mutant < GC_MUTANT_COUNT, "GC_MUTANT: there is no rule %s", wanted);
}
#endif

void gc_fatal_at(
        const char *file, int line, const char *function, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "gclab: fatal: %s:%d: %s: ", file, line, function);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    fflush(stderr);
    abort();
}

int gc_error_set(struct gc_error *error, int code, const char *format, ...)
{
    if (error != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(error->text, sizeof(error->text), format, args);
        va_end(args);
    }
    return code;
}
