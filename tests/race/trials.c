/* SPDX-License-Identifier: MIT */
/* trials.c - runs kernels in child processes, and says how they end. */
#include "tests/race/trials.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/os.h"

/* What a child leaves behind, whatever ends it. */
struct progress {
    uint64_t tries;
};

static struct progress *progress;

const struct kernel *const kernel_families[] = {
    count_kernels,
    owner_kernels,
    home_kernels,
    handshake_kernels,
    share_kernels,
    trash_kernels,
    log_kernels,
    satb_kernels,
    NULL,
};

const struct kernel *kernel_find(const char *name)
{
    for (const struct kernel *const *family = kernel_families; *family != NULL; family++)
        for (const struct kernel *k = *family; k->name != NULL; k++)
            if (strcmp(k->name, name) == 0) return k;
    return NULL;
}

void trials_init(void)
{
    progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    gc_require(progress != MAP_FAILED, "mmap failed with error %d", errno);
}

/* The seed of a run: those of one seed given are far from those of the next. */
static uint64_t seed_of(uint64_t seed, uint64_t run)
{
    return seed * 1000003 + run;
}

void trials_run(
        const struct kernel *kernel, uint64_t seed, uint64_t first, uint64_t tries)
{
    uint64_t end = gc_os_now_ns() + TRIALS_LIMIT_SECONDS * UINT64_C(1000000000);
    for (uint64_t i = first; i - first < tries && gc_os_now_ns() < end; i++) {
        progress->tries++;
        alarm(TRIALS_HANG_SECONDS);
        kernel_run(kernel, seed_of(seed, i));
    }
    alarm(0);
}

bool trials_fail(const struct kernel *kernel, void (*prepare)(const void *argument),
        const void *argument, uint64_t seed, uint64_t tries, struct trials_end *end)
{
    int ends[2];
    char *how = end->how;
    const size_t room = sizeof(end->how);
    const uint64_t start = gc_os_now_ns();
    gc_require(pipe(ends) == 0, "pipe failed with error %d", errno);
    fflush(stdout);
    progress->tries = 0;
    pid_t child = fork();
    gc_require(child >= 0, "fork failed with error %d", errno);
    if (child == 0) {
        struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        prepare(argument);
        trials_run(kernel, seed, 0, tries);
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t got;
    while ((got = read(ends[0], how + used, room - 1 - used)) > 0)
        used += (size_t)got;
    close(ends[0]);
    how[used] = '\0';
    how[strcspn(how, "\n")] = '\0';
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(how, room, "it hangs");
    else if (WIFSIGNALED(status) && used == 0)
        snprintf(how, room, "it ends by signal %d", WTERMSIG(status));
    end->tries = progress->tries;
    end->ns = gc_os_now_ns() - start;
    return status != 0;
}

bool trials_read_number(const char *text, uint64_t *ret)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value == 0)
        return false;
    *ret = value;
    return true;
}
