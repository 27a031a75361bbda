/* SPDX-License-Identifier: MIT */
/* standard.c - stdin, stdout and stderr: there, and written. */
#include "bench/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/text.h"

static int stdout_error; /* errno of the first time that it could not be written */
static bool has_ended;

/* The way out of argp's --help and --version, which look at no error. */
static void at_exit(void)
{
    if (!has_ended && gc_standard_end(GC_EXIT_OK) != GC_EXIT_OK)
        _exit(GC_EXIT_ENVIRONMENT);
}

void gc_standard_begin(void)
{
    /* For the wrong direction: to read stdin or to write stdout stays an error. */
    static const int ways[] = { O_WRONLY, O_RDONLY, O_RDONLY };
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) continue;
        int null = open("/dev/null", ways[fd]);
        if (null >= 0 && null != fd) close(null); /* there is no such file: as it was */
    }
    signal(SIGXFSZ, SIG_IGN);
    atexit(at_exit);
}

void gc_standard_flush(FILE *file)
{
    if (fflush(file) != 0 && file == stdout && stdout_error == 0) stdout_error = errno;
}

int gc_standard_end(int status)
{
    has_ended = true;
    gc_standard_flush(stdout);
    /* What was written because the buffer was full has left no errno. */
    if (stdout_error == 0 && ferror(stdout)) stdout_error = EIO;
    if (stdout_error == 0) return status;
    gc_complain(0, "stdout can't be written: %s", strerror(stdout_error));
    return status <= GC_EXIT_FAILED ? GC_EXIT_ENVIRONMENT : status;
}
