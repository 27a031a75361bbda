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
    uint64_t end = gc_os_process_cpu_ns() + TRIALS_LIMIT_SECONDS * UINT64_C(1000000000);
    for (uint64_t i = first; i - first < tries && gc_os_process_cpu_ns() < end; i++) {
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

/* False: not a number from 1 on. */
static bool read_number(const char *text, uint64_t *ret)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value == 0)
        return false;
    *ret = value;
    return true;
}

int trials_usage(
        const struct trials_options *options, const char *what, const char *detail)
{
    fprintf(stderr, "%.*s: %s%s\nusage: %s\n", (int)strcspn(options->usage, " "),
            options->usage, what, detail, options->usage);
    return TRIALS_USAGE;
}

static const struct trials_option *find_option(
        const struct trials_option *options, const char *name)
{
    while (options->name != NULL && strcmp(options->name, name) != 0)
        options++;
    return options->name != NULL ? options : NULL;
}

int trials_read_options(
        int argc, char **argv, const struct trials_option *own, struct trials_options *o)
{
    enum { SEEDS_MOST = 1000 };
    const struct trials_option common[] = {
        { .name = "--tap", .flag = &o->tap },
        { .name = "--list", .flag = &o->list },
        { .name = "--in-process", .flag = &o->in_process },
        { .name = "--kernel", .word = &o->kernel },
        { .name = "--seeds", .number = &o->seeds },
        { .name = "--seed", .number = &o->first_seed },
        { .name = "--tries", .number = &o->tries },
        { .name = NULL },
    };
    for (int i = 1; i < argc; i++) {
        const struct trials_option *option = find_option(common, argv[i]);
        if (option == NULL) option = find_option(own, argv[i]);
        if (option == NULL) return trials_usage(o, "unknown option ", argv[i]);
        if (option->flag != NULL) {
            *option->flag = true;
            continue;
        }
        if (++i == argc) return trials_usage(o, "there is no value of ", argv[i - 1]);
        if (option->word != NULL)
            *option->word = argv[i];
        else if (!read_number(argv[i], option->number))
            return trials_usage(o, "a number from 1 on is wanted, not ", argv[i]);
    }
    if (o->kernel != NULL && kernel_find(o->kernel) == NULL)
        return trials_usage(o, "there is no kernel ", o->kernel);
    if (o->seeds > SEEDS_MOST) return trials_usage(o, "so many seeds take for ever", "");
    return 0;
}

static int tests, failures;

void trials_say(
        const struct trials_options *o, bool good, const char *name, const char *text)
{
    tests++;
    failures += !good;
    if (o->tap) printf("%s %d - %s\n", good ? "ok" : "not ok", tests, name);
    if (!o->tap || !good) printf("%s%s\n", o->tap ? "# " : "", text);
    fflush(stdout);
}

int trials_sum_up(const struct trials_options *o)
{
    if (tests == 0) return trials_usage(o, "there is nothing of that name", "");
    if (o->tap)
        printf("1..%d\n", tests);
    else
        printf("%d as it should be, %d not\n", tests - failures, failures);
    return failures > 0;
}
