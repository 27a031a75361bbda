/* SPDX-License-Identifier: MIT */
/* check.c - how the runtime ends when it must not go on, and how it words an error. */
#include "core/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mutant.h"

enum gc_mutant gc_mutant;

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
