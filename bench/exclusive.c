/* SPDX-License-Identifier: MIT */
/* exclusive.c - one timed run at a time on a machine. */
#include "bench/exclusive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/text.h"

/* Another user's file is only opened: where anybody may make files, the system may refuse to
 * "create" one that is there. To lock it, reading is enough. */
static int open_lock(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
    return fd;
}

int gc_exclusive_begin(int *ret_fd)
{
    const char *path = getenv(GC_EXCLUSIVE_VARIABLE);
    if (path == NULL || *path == '\0') path = P_tmpdir "/gclab.lock";
    int fd = open_lock(path);
    *ret_fd = fd;
    if (fd < 0)
        return gc_complain(
                GC_EXIT_ENVIRONMENT, "lock file %s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return GC_EXIT_OK;
    gc_complain(
            0, "another run measures on this machine (%s): waiting for its end", path);
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return gc_complain(
                    GC_EXIT_ENVIRONMENT, "lock file %s: %s", path, strerror(errno));
    return GC_EXIT_OK;
}
