/* SPDX-License-Identifier: MIT */
/* file.c - writing a whole file, or none. */
#include "bench/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/text.h"

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? -errno : -EIO;
        text += n;
        length -= (size_t)n;
    }
    return 0;
}

/* Closes it; the first error of two. */
static int finish(int fd, int result)
{
    return close(fd) != 0 && result == 0 ? -errno : result;
}

/* The permissions that a file of this name has, or that a new one gets. */
static mode_t mode_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0) return status.st_mode & 0777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* The text in the file `part`, which is open; on the disk, before it takes another's place. */
static int fill(int fd, const char *path, const char *text, size_t length)
{
    int result = write_all(fd, text, length);
    if (result == 0 && fchmod(fd, mode_of(path)) != 0) result = -errno;
    if (result == 0 && fsync(fd) != 0) result = -errno;
    return finish(fd, result);
}

static int write_beside(
        const char *path, const char *text, size_t length, enum gc_file_way way)
{
    char *part = gc_need_text("%s.XXXXXX", path);
    int fd = mkostemp(part, O_CLOEXEC);
    int result = fd < 0 ? -errno : fill(fd, path, text, length);
    if (result == 0 && (way == GC_FILE_NEW ? link(part, path) : rename(part, path)) != 0)
        result = -errno;
    if (fd >= 0 && (result != 0 || way == GC_FILE_NEW)) unlink(part);
    free(part);
    return result;
}

int gc_file_write(const char *path, const char *text, size_t length, enum gc_file_way way)
{
    struct stat status;
    const bool is_there = stat(path, &status) == 0;
    if (is_there && way == GC_FILE_NEW) return -EEXIST;
    if (is_there && !S_ISREG(status.st_mode)) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        return fd < 0 ? -errno : finish(fd, write_all(fd, text, length));
    }
    char *target = is_there ? realpath(path, NULL) : NULL; /* of a link */
    int result = write_beside(target != NULL ? target : path, text, length, way);
    free(target);
    return result;
}

int gc_file_read(const char *path, char **ret_text, size_t *ret_length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    size_t length = 0, room = 4096;
    char *text = gc_need(room);
    for (;;) {
        ssize_t n = read(fd, text + length, room - length - 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            int result = n < 0 ? -errno : 0;
            close(fd);
            text[length] = '\0';
            if (result < 0) free(text);
            if (result < 0) return result;
            *ret_text = text;
            *ret_length = length;
            return 0;
        }
        length += (size_t)n;
        if (room - length > 1) continue;
        room *= 2;
        text = gc_need_more(text, room);
    }
}
