/* SPDX-License-Identifier: MIT */
/* mutants.c - breaks each rule of core/mutant.h on purpose, and asks that a kernel fails;
 * unbroken, all kernels must pass.
 *
 *   gclab-mutants-PROTOCOL [--tap] [--rule NAME] [--kernel NAME] [--seeds N] [--seed N] [--tries N]
 *                 [--list] [--in-process]
 *
 * A rule is killed if a kernel fails for each of N seeds (5), within a minute; the
 * kernels pass if each of --tries (200) runs for each seed does. Exit status: 0 all as it
 * should be, 1 a rule survived or a kernel failed, 2 usage.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/mutant.h"
#include "tests/race/trials.h"

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
    { GC_MUTANT_WEAK_REVIVES, "veto", "atomic" },
    { GC_MUTANT_RAISE_FIRST, "overwritten", "atomic" },
    { GC_MUTANT_LOGS_NEW, "overwritten", "atomic" },
    { GC_MUTANT_HANDED_LOGGED, "child", "atomic" },
    { GC_MUTANT_LOGGED_ONCE, "log", "atomic" },
    { GC_MUTANT_DEAD_OWNER_DRAINED, "arrivals", NULL },
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

/* NONE and those that need a kernel. */
enum {
#define X(name, text) RACE_##name,
    RACE_NONE,
    GC_MUTANT_RACES(X)
#undef X
            RACES
};

struct options {
    struct trials_options all;
    const char *rule;
};

/* In the child. */
static void break_rule(const void *argument)
{
    gc_mutant = *(const enum gc_mutant *)argument;
}

static bool fails(const struct kernel *kernel, enum gc_mutant rule, uint64_t seed,
        uint64_t tries, struct trials_end *end)
{
    return trials_fail(kernel, break_rule, &rule, seed, tries, end);
}

static void try_rule(const struct options *o, enum gc_mutant rule, const char *kernel)
{
    struct trials_end end = { .how = "" };
    char text[1024], name[128];
    uint64_t tries = 0, killed = 0, slowest = 0, ns = 0;
    for (uint64_t i = 0; i < o->all.seeds; i++) {
        killed +=
                fails(kernel_find(kernel), rule, o->all.first_seed + i, UINT64_MAX, &end);
        tries += end.tries;
        ns += end.ns;
        if (end.ns > slowest) slowest = end.ns;
    }
    snprintf(name, sizeof(name), "broken rule %s is noticed", rules[rule].name);
    snprintf(text, sizeof(text), "%-20s %-11s %llu of %llu %8llu %8.2f %8.2f  %s: %s",
            rules[rule].name, kernel, (unsigned long long)killed,
            (unsigned long long)o->all.seeds, (unsigned long long)tries, (double)ns / 1e9,
            (double)slowest / 1e9, rules[rule].text,
            killed > 0 ? end.how : "it SURVIVES, nobody has noticed");
    trials_say(&o->all, killed == o->all.seeds, name, text);
}

static void try_unbroken(const struct options *o, const struct kernel *kernel)
{
    struct trials_end end;
    char text[1024], name[128];
    uint64_t tries = 0, ns = 0;
    bool failed = false;
    for (uint64_t i = 0; i < o->all.seeds && !failed; i++) {
        uint64_t seed = o->all.first_seed + i;
        failed = fails(kernel, GC_MUTANT_NONE, seed,
                kernel->real ? (o->all.tries + 49) / 50 : o->all.tries, &end);
        tries += end.tries;
        ns += end.ns;
        if (failed) {
            snprintf(text, sizeof(text), "kernel %s, seed %llu, run %llu: %s",
                    kernel->name, (unsigned long long)seed, (unsigned long long)end.tries,
                    end.how);
        }
    }
    if (!failed) {
        snprintf(text, sizeof(text), "%-20s %-11s passes %8llu %8.2f           %s",
                "none", kernel->name, (unsigned long long)tries, (double)ns / 1e9,
                kernel->shows);
    }
    snprintf(name, sizeof(name), "kernel %s passes with no rule broken", kernel->name);
    trials_say(&o->all, !failed, name, text);
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
    if (o->all.kernel == NULL)
        return trials_usage(&o->all, "--in-process wants a --kernel", "");
    for (int rule = 0; rule < GC_MUTANT_COUNT; rule++)
        if (o->rule != NULL && strcmp(rules[rule].name, o->rule) == 0)
            gc_mutant = (enum gc_mutant)rule;
    trials_run(kernel_find(o->all.kernel), o->all.first_seed, 0, o->all.tries);
    return 0;
}

static void list_all(void)
{
    for (int i = 0; i < GC_MUTANT_COUNT; i++)
        printf("rule    %-20s %s\n", rules[i].name, rules[i].text);
    for (const struct kernel *const *family = kernel_families; *family != NULL; family++)
        for (const struct kernel *k = *family; k->name != NULL; k++)
            printf("kernel  %-20s %s\n", k->name, k->shows);
}

int main(int argc, char **argv)
{
    struct options o = {
        .all = { .usage = "gclab-mutants [--tap] [--rule NAME] [--kernel NAME] [--seeds "
                          "N] "
                          "[--seed N] [--tries N] [--list] [--in-process]",
                .first_seed = 1,
                .seeds = 5,
                .tries = 200 },
    };
    const struct trials_option own[] = {
        { .name = "--rule", .word = &o.rule },
        { .name = NULL },
    };
    int result = trials_read_options(argc, argv, own, &o.all);
    if (result != 0) return result;
    if (o.all.list) {
        list_all();
        return 0;
    }
    trials_init();
    if (o.all.in_process) return run_in_process(&o);
    if (!o.all.tap) {
        printf("%-20s %-11s %6s %8s %8s %8s  %s\n", "rule", "kernel", "killed", "runs",
                "seconds", "slowest", "what is broken: how it was noticed");
    }
    for (const struct kernel *const *family = kernel_families; *family != NULL;
            family++) {
        for (const struct kernel *k = *family; k->name != NULL; k++) {
            bool wanted = o.all.kernel == NULL || strcmp(o.all.kernel, k->name) == 0;
            if (wanted && (o.rule == NULL || strcmp(o.rule, "NONE") == 0))
                try_unbroken(&o, k);
        }
    }
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (o.rule != NULL && strcmp(o.rule, rules[needs[i].rule].name) != 0) continue;
        if (needs[i].protocol != NULL && strcmp(needs[i].protocol, KERNEL_PROTOCOL) != 0)
            continue;
        if (o.all.kernel != NULL && strcmp(o.all.kernel, needs[i].kernel) != 0) continue;
        try_rule(&o, needs[i].rule, needs[i].kernel);
    }
    for (int rule = 1; rule < RACES && o.rule == NULL && o.all.kernel == NULL; rule++)
        if (!has_needs(rule))
            trials_say(&o.all, false, rules[rule].name, "no kernel needs this rule");
    return trials_sum_up(&o.all);
}
