/* SPDX-License-Identifier: MIT */
/* mutants.c - breaks each rule of core/mutant.h on purpose, and asks that a kernel fails;
 * unbroken, all kernels must pass.
 *
 *   gclab-mutants-PROTOCOL [--tap] [--rule NAME] [--kernel NAME] [--seeds N] [--seed N] [--tries N]
 *                 [--list] [--in-process]
 *
 * A rule is killed if a kernel fails for each of N seeds (5), within LIMIT_SECONDS; the
 * kernels pass if each of --tries (200) runs for each seed does. Exit status: 0 all as it
 * should be, 1 a rule survived or a kernel failed, 2 usage.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mutant.h"
#include "core/os.h"
#include "tests/race/kernel.h"

enum {
    LIMIT_SECONDS = 60, /* for each seed of a rule */
    HANG_SECONDS = 8,   /* for one run of a kernel, which takes milliseconds */
    SEEDS_MOST = 1000,
    STATUS_USAGE = 2,
};

/* Which kernel needs which rule; under which protocol, if not under every one. */
static const struct {
    enum gc_mutant rule;
    const char *kernel, *protocol;
} needs[] = {
    { GC_MUTANT_REREAD, "load", NULL },
    { GC_MUTANT_DEAD_APART, "weak", "atomic" },
    { GC_MUTANT_TAKE_ALIVE, "weak", NULL },
    { GC_MUTANT_UNDO_LAST, "load", NULL },
    { GC_MUTANT_LAST_BY_EXCHANGE, "load", NULL },
    { GC_MUTANT_BIRTH_LEAVES, "load", NULL },
    { GC_MUTANT_REBUILT, "rebuilt", NULL },
    { GC_MUTANT_REMOVED_FIRST, "load", NULL },
    { GC_MUTANT_LOOK_FIRST, "named", NULL },
    { GC_MUTANT_LOOK_CARES, "named", NULL },
    { GC_MUTANT_ZERO_BY_EXCHANGE, "weak", "atomic" },
    { GC_MUTANT_KEEP_FOR_FINALIZER, "finalizer", NULL },
    { GC_MUTANT_FINALIZE_ONCE, "finalizer", NULL },
    { GC_MUTANT_QUEUE_BELOW_ZERO, "mixed", "biased" },
    { GC_MUTANT_ENTRY_OWNS, "entry", "biased" },
    { GC_MUTANT_MERGE_CLAIMED, "returning", "biased" },
    { GC_MUTANT_MERGE_BY_EXCHANGE, "mixed", "biased" },
    { GC_MUTANT_OWNER_CLEARED, "mixed", "biased" },
    { GC_MUTANT_CLEARED_FIRST, "handed", "biased" },
    { GC_MUTANT_CLAIM_KILLS, "claimed", "biased" },
    { GC_MUTANT_HOLD_MERGED, "cut", "biased" },
    { GC_MUTANT_STOP_GIVES_BACK, "given_back", "biased" },
    { GC_MUTANT_SHAKE_QUIET, "shaken", "biased" },
    { GC_MUTANT_ALONE_TOLD, "joined", NULL },
    { GC_MUTANT_WEAK_REREAD, "weak", NULL },
    { GC_MUTANT_WEAK_FIRST, "weak_first", NULL },
    { GC_MUTANT_STABLE, "stable", NULL },
    { GC_MUTANT_SETTLE_FIRST, "settle", NULL },
    { GC_MUTANT_HOME_FREES, "foreign", NULL },
    { GC_MUTANT_LOOK_AFTER_PUSH, "arrivals", NULL },
    { GC_MUTANT_LOOK_AFTER_BLOCK, "arrivals", NULL },
    { GC_MUTANT_LOOK_AFTER_EXIT, "arrivals", NULL },
    { GC_MUTANT_LOOK_AFTER_CLAIM, "arrivals", NULL },
    { GC_MUTANT_CLAIM_FIRST, "leaving", "atomic" },
    { GC_MUTANT_CLAIM_FIRST, "returning", "biased" },
    { GC_MUTANT_RETURN_BY_EXCHANGE, "handshake", NULL },
    { GC_MUTANT_STOP_CLAIMS_BLOCKED, "stopped", NULL },
    { GC_MUTANT_STOP_CLAIMS_EXITED, "leaving", NULL },
    { GC_MUTANT_STOP_LOOKS, "stop_end", NULL },
    { GC_MUTANT_BORN_CLAIMED, "stopped", NULL },
    { GC_MUTANT_COORDINATOR_BLOCKED, "coordinator", NULL },
    { GC_MUTANT_SHAKE_BLOCKED, "handshake", NULL },
    { GC_MUTANT_SHAKE_ONCE, "handshake", NULL },
    { GC_MUTANT_SHARE_BY_EXCHANGE, "share", NULL },
    { GC_MUTANT_POLL_AT_ONCE, "busy", NULL },
    { GC_MUTANT_LOG_RECHECK, "log", "atomic" }, /* and once suffices */
    { GC_MUTANT_WEAK_VETO, "veto", "atomic" },  /* likewise */
    { GC_MUTANT_HOLD, "cut", NULL },
    { GC_MUTANT_RELEASE_BY_EXCHANGE, "release", NULL },
    { GC_MUTANT_WEAK_AGAIN, "weak_again", NULL },
    { GC_MUTANT_HOME_IN_STOP, "survivor", NULL },
};

static const struct {
    const char *name, *text;
} rules[] = {
#define X(name, text) { #name, text },
    GC_MUTANT_LIST(X)
#undef X
};

static const struct kernel *const families[] = {
    count_kernels,
    owner_kernels,
    home_kernels,
    handshake_kernels,
    share_kernels,
    trash_kernels,
    log_kernels,
    satb_kernels,
};

struct options {
    bool tap, list, in_process;
    const char *rule, *kernel;
    uint64_t first_seed, seeds, tries;
};

/* What a child leaves behind, whatever ends it. */
struct progress {
    uint64_t tries;
};

static struct progress *progress;
static int failures, tests;

static const struct kernel *kernel_find(const char *name)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        for (const struct kernel *k = families[i]; k->name != NULL; k++)
            if (strcmp(k->name, name) == 0) return k;
    return NULL;
}

/* The seed of a run: those of one seed given are far from those of the next. */
static uint64_t seed_of(uint64_t seed, uint64_t run)
{
    return seed * 1000003 + run;
}

static void run_many(const struct kernel *kernel, uint64_t seed, uint64_t tries)
{
    uint64_t end = gc_os_now_ns() + LIMIT_SECONDS * UINT64_C(1000000000);
    for (uint64_t i = 0; i < tries && gc_os_now_ns() < end; i++) {
        progress->tries++;
        alarm(HANG_SECONDS);
        kernel_run(kernel, seed_of(seed, i));
    }
    alarm(0);
}

/* Runs a kernel up to `tries` times in a child. True if one failed; *how then says how. */
static bool fails(const struct kernel *kernel, enum gc_mutant rule, uint64_t seed,
        uint64_t tries, char *how, size_t room)
{
    int ends[2];
    gc_require(pipe(ends) == 0, "pipe failed with error %d", errno);
    fflush(stdout);
    progress->tries = 0;
    pid_t child = fork();
    gc_require(child >= 0, "fork failed with error %d", errno);
    if (child == 0) {
        struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        gc_mutant = rule;
        run_many(kernel, seed, tries);
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
    return status != 0;
}

static void say(const struct options *o, bool good, const char *name, const char *text)
{
    tests++;
    failures += !good;
    if (o->tap) printf("%s %d - %s\n", good ? "ok" : "not ok", tests, name);
    if (!o->tap || !good) printf("%s%s\n", o->tap ? "# " : "", text);
    fflush(stdout);
}

static void try_rule(const struct options *o, enum gc_mutant rule, const char *kernel)
{
    char how[512] = "", text[1024], name[128];
    uint64_t tries = 0, killed = 0, slowest = 0;
    uint64_t start = gc_os_now_ns();
    for (uint64_t i = 0; i < o->seeds; i++) {
        uint64_t before = gc_os_now_ns();
        killed += fails(kernel_find(kernel), rule, o->first_seed + i, UINT64_MAX, how,
                sizeof(how));
        tries += progress->tries;
        uint64_t ns = gc_os_now_ns() - before;
        if (ns > slowest) slowest = ns;
    }
    uint64_t ns = gc_os_now_ns() - start;
    snprintf(name, sizeof(name), "broken rule %s is noticed", rules[rule].name);
    snprintf(text, sizeof(text), "%-20s %-11s %llu of %llu %8llu %8.2f %8.2f  %s: %s",
            rules[rule].name, kernel, (unsigned long long)killed,
            (unsigned long long)o->seeds, (unsigned long long)tries, (double)ns / 1e9,
            (double)slowest / 1e9, rules[rule].text,
            killed > 0 ? how : "it SURVIVES, nobody has noticed");
    say(o, killed == o->seeds, name, text);
}

static void try_unbroken(const struct options *o, const struct kernel *kernel)
{
    char how[512], text[1024], name[128];
    uint64_t start = gc_os_now_ns(), tries = 0;
    bool failed = false;
    for (uint64_t i = 0; i < o->seeds && !failed; i++) {
        uint64_t seed = o->first_seed + i;
        failed = fails(kernel, GC_MUTANT_NONE, seed,
                kernel->real ? (o->tries + 49) / 50 : o->tries, how, sizeof(how));
        tries += progress->tries;
        if (failed) {
            snprintf(text, sizeof(text), "kernel %s, seed %llu, run %llu: %s",
                    kernel->name, (unsigned long long)seed,
                    (unsigned long long)progress->tries, how);
        }
    }
    if (!failed) {
        snprintf(text, sizeof(text), "%-20s %-11s passes %8llu %8.2f           %s",
                "none", kernel->name, (unsigned long long)tries,
                (double)(gc_os_now_ns() - start) / 1e9, kernel->shows);
    }
    snprintf(name, sizeof(name), "kernel %s passes with no rule broken", kernel->name);
    say(o, !failed, name, text);
}

static int usage(const char *what, const char *detail)
{
    fprintf(stderr,
            "gclab-mutants: %s%s\nusage: gclab-mutants [--tap] [--rule NAME] [--kernel "
            "NAME] [--seeds N] [--seed N] [--tries N] [--list] [--in-process]\n",
            what, detail);
    return STATUS_USAGE;
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

static int read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--tap") == 0) {
            o->tap = true;
        } else if (strcmp(name, "--list") == 0) {
            o->list = true;
        } else if (strcmp(name, "--in-process") == 0) {
            o->in_process = true;
        } else if (i + 1 == argc) {
            return usage("unknown option, or one without its value: ", name);
        } else if (strcmp(name, "--rule") == 0) {
            o->rule = argv[++i];
        } else if (strcmp(name, "--kernel") == 0) {
            o->kernel = argv[++i];
            if (kernel_find(o->kernel) == NULL)
                return usage("there is no kernel ", o->kernel);
        } else {
            uint64_t *number = strcmp(name, "--seeds") == 0   ? &o->seeds
                               : strcmp(name, "--seed") == 0  ? &o->first_seed
                               : strcmp(name, "--tries") == 0 ? &o->tries
                                                              : NULL;
            if (number == NULL) return usage("unknown option ", name);
            if (!read_number(argv[++i], number))
                return usage("a number from 1 on is wanted, not ", argv[i]);
        }
    }
    if (o->seeds > SEEDS_MOST) return usage("so many seeds take for ever", "");
    return 0;
}

static bool has_needs(int rule)
{
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        if (needs[i].rule == (enum gc_mutant)rule) return true;
    return false;
}

/* One kernel in this process, for a debugger. */
static int run_in_process(const struct options *o)
{
    if (o->kernel == NULL) return usage("--in-process wants a --kernel", "");
    for (int rule = 0; rule < GC_MUTANT_COUNT; rule++)
        if (o->rule != NULL && strcmp(rules[rule].name, o->rule) == 0)
            gc_mutant = (enum gc_mutant)rule;
    run_many(kernel_find(o->kernel), o->first_seed, o->tries);
    return 0;
}

static void list_all(void)
{
    for (int i = 0; i < GC_MUTANT_COUNT; i++)
        printf("rule    %-20s %s\n", rules[i].name, rules[i].text);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        for (const struct kernel *k = families[i]; k->name != NULL; k++)
            printf("kernel  %-20s %s\n", k->name, k->shows);
}

int main(int argc, char **argv)
{
    struct options o = { .first_seed = 1, .seeds = 5, .tries = 200 };
    int result = read_options(argc, argv, &o);
    if (result != 0) return result;
    if (o.list) {
        list_all();
        return 0;
    }
    progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    gc_require(progress != MAP_FAILED, "mmap failed with error %d", errno);
    if (o.in_process) return run_in_process(&o);
    if (!o.tap) {
        printf("%-20s %-11s %6s %8s %8s %8s  %s\n", "rule", "kernel", "killed", "runs",
                "seconds", "slowest", "what is broken: how it was noticed");
    }
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        for (const struct kernel *k = families[i]; k->name != NULL; k++) {
            bool wanted = o.kernel == NULL || strcmp(o.kernel, k->name) == 0;
            if (wanted && (o.rule == NULL || strcmp(o.rule, "NONE") == 0))
                try_unbroken(&o, k);
        }
    }
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (o.rule != NULL && strcmp(o.rule, rules[needs[i].rule].name) != 0) continue;
        if (needs[i].protocol != NULL && strcmp(needs[i].protocol, KERNEL_PROTOCOL) != 0)
            continue;
        if (o.kernel != NULL && strcmp(o.kernel, needs[i].kernel) != 0) continue;
        try_rule(&o, needs[i].rule, needs[i].kernel);
    }
    for (int rule = 1; rule < GC_MUTANT_COUNT && o.rule == NULL && o.kernel == NULL;
            rule++)
        if (!has_needs(rule))
            say(&o, false, rules[rule].name, "no kernel needs this rule");
    if (tests == 0) return usage("there is no such rule, or no kernel that needs it", "");
    if (o.tap)
        printf("1..%d\n", tests);
    else
        printf("%d as it should be, %d not\n", tests - failures, failures);
    return failures > 0;
}
