/* SPDX-License-Identifier: MIT */
/* plan_options.c - options that say what is measured, the same for every command that does. */
#include "bench/plan_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/plugins.h"
#include "bench/text.h"

enum key {
    KEY_PLUGIN = 0x1000,
    KEY_HEAP,
    KEY_MINHEAP,
    KEY_SEED,
    KEY_SCALE,
    KEY_TIMEOUT,
    KEY_PIN
};

#define WHAT                                                                             \
    { .doc = "What is measured:", .group = 1 },                                          \
            {                                                                            \
                .name = "collector",                                                     \
                .key = 'c',                                                              \
                .arg = "SPEC",                                                           \
                .doc = "a collector, NAME[@PROTOCOL][:OPTION=VALUE]..., or a plugin's "  \
                       "FILE.so instead of the NAME; may be repeated",                   \
            },                                                                           \
            {                                                                            \
                .name = "workload",                                                      \
                .key = 'w',                                                              \
                .arg = "SPEC",                                                           \
                .doc = "a workload, NAME[:OPTION=VALUE]... or FILE.so...; scale=weak "   \
                       "gives each thread the whole work; may be repeated",              \
            },                                                                           \
            {                                                                            \
                .name = "plugin",                                                        \
                .key = KEY_PLUGIN,                                                       \
                .arg = "FILE",                                                           \
                .doc = "loads a plugin: a protocol, or what is compiled for one, or "    \
                       "several collectors, to be asked for by name; may be repeated",   \
            },                                                                           \
            {                                                                            \
                .name = "threads",                                                       \
                .key = 't',                                                              \
                .arg = "LIST",                                                           \
                .doc = "numbers of mutator threads, as in 1,2,4 (default: 1, or the "    \
                       "suite's)",                                                       \
            },                                                                           \
            {                                                                            \
                .name = "seed",                                                          \
                .key = KEY_SEED,                                                         \
                .arg = "N",                                                              \
                .doc = "seed of the workloads, the same for every sample (default: 1)",  \
            },                                                                           \
            {                                                                            \
                .name = "scale",                                                         \
                .key = KEY_SCALE,                                                        \
                .arg = "HOW",                                                            \
                .doc = "fixed: threads share the work; weak: each does the whole "       \
                       "(default: fixed)",                                               \
            },                                                                           \
    {                                                                                    \
        .name = "timeout", .key = KEY_TIMEOUT, .arg = "SECONDS",                         \
        .doc = "kills a sample that takes longer; 0: never (default: 300)"               \
    }

static const struct argp_option options_short[] = { WHAT, { .name = NULL } };

static const struct argp_option options_all[] = {
    WHAT,
    {
            .name = "processes",
            .key = 'n',
            .arg = "N",
            .doc = "fresh processes for each cell of the table (default: 3, or the "
                   "suite's)",
    },
    {
            .name = "heap",
            .key = KEY_HEAP,
            .arg = "SIZE",
            .doc = "hard limit of the heap, in whole KiB, as in 64M, or a multiple of "
                   "the minimum heap, as in 1.5x (default: none)",
    },
    {
            .name = "minheap",
            .key = KEY_MINHEAP,
            .arg = "FILE",
            .doc = "where --heap 1.5x finds minimum heaps, made by 'gclab minheap' "
                   "(default: what GCLAB_MINHEAP names; without it they are measured)",
    },
    {
            .name = "pin",
            .key = KEY_PIN,
            .arg = "HOW",
            .doc = "compact or spread: a sample runs on as many CPUs as it has mutators, "
                   "on cores that they share or on one each first (default: none)",
    },
    { .name = NULL },
};

bool gc_read_number(const char *text, uint64_t most, uint64_t *ret_value)
{
    if (*text < '0' || *text > '9') return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > most) return false;
    *ret_value = value;
    return true;
}

bool gc_read_seconds(const char *text, uint64_t *ret_ns)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text) return false;
    if (strcmp(end, "m") == 0)
        seconds *= 60;
    else if (strcmp(end, "h") == 0)
        seconds *= 3600;
    else if (*end != '\0' && strcmp(end, "s") != 0)
        return false;
    if (!(seconds >= 0) || seconds > 1e9) return false;
    *ret_ns = (uint64_t)(seconds * 1e9);
    if (seconds > 0 && *ret_ns == 0) *ret_ns = 1; /* 0 would be never */
    return true;
}

/* The last one counts. */
static int read_heap(const char *text, struct gc_plan *plan)
{
    plan->heap_count = 0;
    return gc_plan_add_heap(plan, text);
}

static int read_seed(const char *text, struct gc_plan *plan)
{
    uint64_t seed;
    if (!gc_read_number(text, UINT64_MAX, &seed))
        return gc_complain(GC_EXIT_USAGE, "--seed %s: it takes a number", text);
    plan->seed_count = 0;
    return gc_plan_add_seed(plan, seed);
}

static int read_timeout(const char *text, struct gc_plan_options *options)
{
    options->has_timeout = true;
    if (gc_read_seconds(text, &options->plan->timeout_ns)) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_USAGE, "--timeout %s: it takes seconds", text);
}

static int read_scale(const char *text, struct gc_plan *plan)
{
    plan->weak = strcmp(text, "weak") == 0;
    if (plan->weak || strcmp(text, "fixed") == 0) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_USAGE, "--scale %s: it takes fixed or weak", text);
}

static int read_pin(const char *text, struct gc_plan *plan)
{
    if (gc_pin_find(text, &plan->pin)) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_USAGE, "--pin %s: it takes none, compact or spread", text);
}

static int read_processes(const char *text, struct gc_plan *plan)
{
    uint64_t value;
    if (!gc_read_number(text, GC_PROCESSES_MAX, &value) || value == 0)
        return gc_complain(GC_EXIT_USAGE, "-n %s: it takes a number from 1 to %d", text,
                GC_PROCESSES_MAX);
    plan->processes = (uint32_t)value;
    return GC_EXIT_OK;
}

static int read_option(int key, const char *argument, struct gc_plan_options *options)
{
    struct gc_plan *plan = options->plan;
    const struct gc_plugin *plugin;
    switch (key) {
    case KEY_PLUGIN:
        return gc_plugins_load(argument, &plugin);
    case 'c':
        return gc_plan_add_collector(plan, argument);
    case 'w':
        return gc_plan_add_workload(plan, argument);
    case 't':
        return gc_plan_add_threads(plan, argument);
    case 'n':
        return read_processes(argument, plan);
    case KEY_HEAP:
        return read_heap(argument, plan);
    case KEY_MINHEAP:
        options->minimum_heaps = argument;
        return GC_EXIT_OK;
    case KEY_SEED:
        return read_seed(argument, plan);
    case KEY_SCALE:
        return read_scale(argument, plan);
    case KEY_PIN:
        return read_pin(argument, plan);
    case KEY_TIMEOUT:
        return read_timeout(argument, options);
    default:
        return -1;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct gc_plan_options *options = state->input;
    static const int keys[] = { KEY_PLUGIN, 'c', 'w', 't', 'n', KEY_HEAP, KEY_MINHEAP,
        KEY_SEED, KEY_SCALE, KEY_TIMEOUT, KEY_PIN };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (keys[i] != key) continue;
        if (options->loads_plugins != (key == KEY_PLUGIN)) return 0;
        return gc_plan_options_end(options, read_option(key, argument, options));
    }
    return ARGP_ERR_UNKNOWN;
}

const struct argp gc_plan_argp_short = { .options = options_short, .parser = parse };
const struct argp gc_plan_argp = { .options = options_all, .parser = parse };

error_t gc_plan_options_end(struct gc_plan_options *options, int status)
{
    options->status = status;
    return status == GC_EXIT_OK ? 0 : ECANCELED;
}

int gc_plan_options_read(const struct argp *argp, int argc, char **argv,
        struct gc_plan_options *options, void *input)
{
    options->status = GC_EXIT_OK;
    options->loads_plugins = true;
    error_t error = argp_parse(argp, argc, argv, ARGP_IN_ORDER, NULL, input);
    options->loads_plugins = false;
    if (error == 0) error = argp_parse(argp, argc, argv, ARGP_IN_ORDER, NULL, input);
    if (error != 0 && options->status == GC_EXIT_OK) options->status = GC_EXIT_USAGE;
    return options->status;
}

int gc_plan_add_default_collectors(struct gc_plan *plan)
{
    int status = GC_EXIT_OK;
    if (plan->collector_count > 0) return status;
    const char **names = gc_collector_names();
    for (size_t i = 0; names[i] != NULL && status == GC_EXIT_OK; i++)
        status = gc_plan_add_collector(plan, names[i]);
    free(names);
    return status;
}
