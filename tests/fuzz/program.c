/* SPDX-License-Identifier: MIT */
/* program.c - programs as text: what is read can be printed, and read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/program/program.h"

static int read_text(
        struct program *program, const char *text, size_t length, struct gc_error *error)
{
    FILE *from = fmemopen((void *)(uintptr_t)text, length, "r");
    gc_require(from != NULL, "there is no memory");
    int result = program_read(program, from, error);
    fclose(from);
    return result;
}

static void require_same(const struct program *a, const struct program *b)
{
    gc_require(a->count == b->count &&
                       memcmp(a->ops, b->ops, a->count * sizeof(*a->ops)) == 0 &&
                       memcmp(&a->settings, &b->settings, sizeof(a->settings)) == 0,
            "a program is another one after it was printed and read");
    gc_require((a->collector == NULL) == (b->collector == NULL) &&
                       (a->collector == NULL || strcmp(a->collector, b->collector) == 0),
            "a program is for another collector after it was printed and read");
}

void fuzz_program(const uint8_t *bytes, size_t size)
{
    struct program program, again;
    struct gc_error error = { "" };
    if (size == 0) return; /* of which fmemopen() makes no file */
    if (read_text(&program, (const char *)bytes, size, &error) != 0) {
        fuzz_require_sentence(&error);
        return;
    }
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    gc_require(to != NULL, "there is no memory");
    program_print(&program, to);
    fclose(to);
    int result = read_text(&again, text, length, &error);
    gc_require(result == 0, "what was printed can't be read: %s", error.text);
    require_same(&program, &again);
    program_finish(&again);
    program_finish(&program);
    free(text);
}
