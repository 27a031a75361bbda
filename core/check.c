/* SPDX-License-Identifier: MIT */
/* check.c - how the runtime ends when it must not go on, and how it words an error. */
#include "core/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "core/mutant.h"
#include "core/os.h"

enum gc_mutant gc_mutant;

static _Atomic(const char *) fatal; /* of the first thread that ends so; relaxed */

const char *gc_fatal_text(void)
{
    return gc_atomic_load_relaxed(&fatal);
}

void gc_fatal_at(
        const char *file, int line, const char *function, const char *format, ...)
{
    char text[1024];
    va_list args;
    int place = snprintf(text, sizeof(text), "%s:%d: %s: ", file, line, function);
    if (place < 0 || (size_t)place >= sizeof(text)) place = 0;
    va_start(args, format);
    vsnprintf(text + place, sizeof(text) - (size_t)place, format, args);
    va_end(args);
    const char *nothing = NULL;
    gc_atomic_compare_exchange_relaxed(&fatal, &nothing, text);
    fprintf(stderr, "gclab: fatal: %s\n", text);
    fflush(stderr);
    abort();
}

void gc_text_fit(char *to, size_t room, const char *format, va_list args)
{
    static const char gap[] = "...";
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(to, room, format, args);
    char *whole = NULL;
    if (length > 0 && (size_t)length >= room && room > 4 * sizeof(gap))
        whole = gc_os_alloc((size_t)length + 1); /* NULL: then its end is missing */
    if (whole != NULL) {
        vsnprintf(whole, (size_t)length + 1, format, again);
        char *at = stpcpy(to + room / 4, gap);
        size_t rest = room - (size_t)(at - to); /* with its end */
        memcpy(at, whole + length + 1 - rest, rest);
        gc_os_free(whole);
    }
    va_end(again);
}

int gc_error_set(struct gc_error *error, int code, const char *format, ...)
{
    if (error != NULL) {
        va_list args;
        va_start(args, format);
        gc_text_fit(error->text, sizeof(error->text), format, args);
        va_end(args);
    }
    return code;
}
