/* SPDX-License-Identifier: MIT */
/* schedules.c - runs one kernel under one schedule after the other, and writes down by their
 * hashes which there were. For tests/long, which adds up.
 *
 *   gclab-schedules-PROTOCOL --list
 *   gclab-schedules-PROTOCOL --kernel NAME [--seed N] [--seeds N] [--seconds N] [--tally FILE]
 *
 * A seed stands for RUNS_A_SEED runs, which are those of the same seed in gclab-mutants. It ends after
 * --seeds of them (1), or once --seconds are over, or at a signal; the seed that was under way then
 * does not count. Exit status: 0 none failed, 1 one did, 2 usage, 4 the tally can't be written.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/os.h"
#include "tests/race/trials.h"

enum {
    RUNS_A_SEED = 500,
    STATUS_ENVIRONMENT = 4,
};

struct options {
    struct trials_options all;
    const char *tally;
    uint64_t seconds;
};

/* What a child tells of the runs of a seed; of both processes. */
struct told {
    uint64_t hashes[RUNS_A_SEED];
    uint32_t count;
};

static struct told *told;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = number;
}

struct errand {
    const struct kernel *kernel;
    uint64_t seed;
};

/* In the child, instead of what trials_fail() would run. */
static void run_seed(const void *argument)
{
    const struct errand *errand = argument;
    signal(SIGINT,
            SIG_IGN); /* what is sent to the whole group is for the parent, who waits */
    signal(SIGTERM, SIG_IGN);
    for (uint32_t i = 0; i < RUNS_A_SEED; i++) {
        trials_run(errand->kernel, errand->seed, i, 1);
        told->hashes[told->count++] = gc_schedule_hash();
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The hashes of all runs. */
struct seen {
    uint64_t *hashes;
    size_t count, room;
};

static void see(struct seen *seen)
{
    if (seen->count + told->count > seen->room) {
        seen->room = 2 * seen->room + RUNS_A_SEED;
        seen->hashes = realloc(seen->hashes, seen->room * sizeof(*seen->hashes));
        gc_require(seen->hashes != NULL, "there is no memory for hashes");
    }
    memcpy(seen->hashes + seen->count, told->hashes, told->count * sizeof(*told->hashes));
    seen->count += told->count;
}

/* Sorts; equal ones become one. Returns the number of runs. */
static uint64_t settle(struct seen *seen)
{
    uint64_t runs = seen->count;
    size_t kept = 0;
    if (runs > 0) qsort(seen->hashes, runs, sizeof(*seen->hashes), compare);
    for (size_t i = 0; i < runs; i++)
        if (i == 0 || seen->hashes[i] != seen->hashes[i - 1])
            seen->hashes[kept++] = seen->hashes[i];
    seen->count = kept;
    return runs;
}

static int write_tally(const struct options *o, uint64_t next, bool failed, uint64_t runs,
        const struct seen *seen)
{
    FILE *to = fopen(o->tally, "w");
    if (to != NULL) {
        fprintf(to, "next %" PRIu64 "\nfailed %d\nruns %" PRIu64 "\n", next, failed,
                runs);
        for (size_t i = 0; i < seen->count; i++)
            fprintf(to, "schedule %016" PRIx64 "\n", seen->hashes[i]);
        fprintf(to, "end\n");
    }
    if (to != NULL && ferror(to) == 0 && fclose(to) == 0) return 0;
    fprintf(stderr, "gclab-schedules: %s can't be written: %s\n", o->tally,
            strerror(errno));
    return STATUS_ENVIRONMENT;
}

static int run(const struct options *o, const struct kernel *kernel)
{
    struct seen seen = { 0 };
    struct trials_end end = { .how = "" };
    uint64_t stop = gc_os_now_ns() + o->seconds * UINT64_C(1000000000);
    uint64_t seed = o->all.first_seed;
    bool failed = false;
    while (!failed && interrupted == 0) {
        if (o->seconds > 0 ? gc_os_now_ns() >= stop
                           : seed - o->all.first_seed >= o->all.seeds)
            break;
        struct errand errand = { kernel, seed };
        told->count = 0;
        failed = trials_fail(kernel, run_seed, &errand, seed, 0, &end);
        if (interrupted != 0) break;
        see(&seen);
        seed++;
    }
    uint64_t runs = settle(&seen);
    if (failed) {
        printf("kernel %s@%s fails in run %u of seed %" PRIu64 ": %s\n"
               "again: gclab-mutants-%s --rule NONE --kernel %s --seed %" PRIu64
               " --tries %u --in-process\n",
                kernel->name, KERNEL_PROTOCOL, told->count + 1, seed, end.how,
                KERNEL_PROTOCOL, kernel->name, seed, told->count + 1);
    }
    printf("%s@%s: %" PRIu64 " runs, %zu schedules\n", kernel->name, KERNEL_PROTOCOL,
            runs, seen.count);
    int status = o->tally != NULL ? write_tally(o, seed, failed, runs, &seen) : 0;
    free(seen.hashes);
    return failed ? 1 : status;
}

/* Those that a schedule decides; and once what names its own protocol. */
static bool is_wanted(const struct kernel *kernel)
{
    bool again = strchr(kernel->collector, '@') != NULL;
    return !kernel->real && (!again || strcmp(KERNEL_PROTOCOL, "atomic") == 0);
}

static void list(void)
{
    for (const struct kernel *const *family = kernel_families; *family != NULL; family++)
        for (const struct kernel *k = *family; k->name != NULL; k++)
            if (is_wanted(k)) printf("%s\n", k->name);
}

int main(int argc, char **argv)
{
    struct options o = {
        .all = { .usage = "gclab-schedules --list | --kernel NAME [--seed N] [--seeds N] "
                          "[--seconds N] [--tally FILE]",
                .first_seed = 1,
                .seeds = 1 },
    };
    const struct trials_option own[] = {
        { .name = "--seconds", .number = &o.seconds },
        { .name = "--tally", .word = &o.tally },
        { .name = NULL },
    };
    int result = trials_read_options(argc, argv, own, &o.all);
    if (result != 0) return result;
    if (o.all.list) {
        list();
        return 0;
    }
    if (o.all.kernel == NULL)
        return trials_usage(&o.all, "which kernel? --kernel NAME", "");
    const struct kernel *kernel = kernel_find(o.all.kernel);
    if (!is_wanted(kernel))
        return trials_usage(
                &o.all, "no schedule decides, here, on kernel ", kernel->name);
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
            -1, 0);
    gc_require(told != MAP_FAILED, "mmap failed with error %d", errno);
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    trials_init();
    return run(&o, kernel);
}
