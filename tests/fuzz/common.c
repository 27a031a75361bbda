/* SPDX-License-Identifier: MIT */
/* common.c - what several targets need. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

const char *fuzz_file(const uint8_t *bytes, size_t size)
{
    static int fd = -1;
    static char path[32];
    if (fd >= 0) close(fd);
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    gc_require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size, "there is no memory");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return path;
}

void fuzz_require_sentence(const struct gc_error *error)
{
    size_t length = strnlen(error->text, sizeof(error->text));
    gc_require(length > 0 && length < sizeof(error->text), "an error says nothing");
}
