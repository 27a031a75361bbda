/* SPDX-License-Identifier: MIT */
/* coverage_flush.c - linked into each program and library of a build for coverage: what a process
 * has counted is written also when it ends by abort() or _exit(), as most children of tests do.
 *
 * Every one of them has a __gcov_dump() of its own, hidden from the others, so each enters its
 * own into a list that the dynamic linker makes one of.
 */
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct dump {
    void (*run)(void);
    struct dump *next;
};

void __gcov_dump(void); /* NOLINT(bugprone-reserved-identifier): libgcov's name */

extern struct dump *gclab_coverage_dumps;
struct dump *gclab_coverage_dumps;

static struct dump own = { __gcov_dump, NULL };

__attribute__((constructor)) static void enter(void)
{
    own.next = gclab_coverage_dumps;
    gclab_coverage_dumps = &own;
}

/* A plugin is unloaded. It has written its counts, or is about to. */
__attribute__((destructor)) static void leave(void)
{
    struct dump **at = &gclab_coverage_dumps;
    while (*at != NULL && *at != &own)
        at = &(*at)->next;
    if (*at != NULL) *at = own.next;
}

static void dump_all(void)
{
    for (struct dump *at = gclab_coverage_dumps; at != NULL; at = at->next)
        at->run();
}

void _exit(int status)
{
    dump_all();
    for (;;)
        syscall(SYS_exit_group, status);
}

void abort(void)
{
    dump_all();
    raise(SIGABRT);
    signal(SIGABRT, SIG_DFL); /* it was caught, or ignored */
    raise(SIGABRT);
    for (;;)
        syscall(SYS_exit_group, 127);
}
