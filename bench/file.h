/* SPDX-License-Identifier: MIT */
/* file.h - files that are there as a whole, or not at all. */
#ifndef BENCH_FILE_H
#define BENCH_FILE_H

#include <stddef.h>

enum gc_file_way {
    GC_FILE_NEW,     /* there must be none of this name */
    GC_FILE_REPLACE, /* what was there stays if the new one can't be written */
};

/* Writes the text to a file beside it, and then gives that its name. What is no regular file is
 * written to and not replaced. Returns 0 or -errno; then there is nothing new. */
int gc_file_write(
        const char *path, const char *text, size_t length, enum gc_file_way way);

/* Reads all of it, with a zero byte behind it; free with free(). Returns 0 or -errno. */
int gc_file_read(const char *path, char **ret_text, size_t *ret_length);

#endif
