/* SPDX-License-Identifier: MIT */
/* main.c - gclab-programs: draws heap programs, runs them on collectors, and prints the
 * smallest one that fails. Exit status: 0 all well, 1 a program failed, 2 usage. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/collector.h"
#include "core/harness.h"
#include "core/os.h"
#include "core/plugin.h"
#include "tests/program/program.h"

enum { CONFIGS = 32, CHUNK = 100, SHRINK_SECONDS = 60 };

struct command {
    struct program_config configs[CONFIGS];
    size_t config_count;
    uint32_t threads;  /* 1: both workers on one */
    uint32_t schedule; /* period of the schedule, in turn; 0: none */
    uint64_t seed;
    size_t count, length;
    bool print, in_process;
    const char *replay;
};

static const char usage[] =
        "gclab-programs [--plugin FILE]...\n"
        "    --collector NAME|all [--protocol P] [--option TEXT] ...\n"
        "    [--seed N] [--count K] [--length L] [--threads 1|2] [--schedule PERIOD]\n"
        "    [--print] [--replay FILE] [--in-process]\n"
        "--protocol and --option are of the collector before them; several collectors\n"
        "must agree on the result of each program. Seeds N, N + 1, ... are drawn.\n"
        "--in-process does not fork: a failure aborts, for a debugger.\n";

GC_NORETURN static void fail_usage(const char *what, const char *value)
{
    fprintf(stderr, "gclab-programs: %s %s\n%s", what, value, usage);
    exit(2);
}

static void add_config(struct command *command, const struct gc_collector *collector,
        const struct gc_protocol *protocol)
{
    if (command->config_count == CONFIGS) fail_usage("there are too many", "collectors");
    command->configs[command->config_count++] =
            (struct program_config){ .collector = collector, .protocol = protocol };
}

/* All protocols of a collector that programs are compiled for. */
static void add_all(struct command *command)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++)
        for (const char *const *name = (*c)->protocols; *name != NULL; name++)
            if (program_executor_find(*name) != NULL)
                add_config(command, *c, gc_protocol_find(*name));
}

static void add_collector(struct command *command, const char *name)
{
    if (strcmp(name, "all") == 0) {
        add_all(command);
        return;
    }
    const struct gc_collector *collector = gc_collector_find(name);
    if (collector == NULL) fail_usage("there is no collector", name);
    add_config(command, collector, gc_protocol_find(collector->protocols[0]));
}

static void set_protocol(struct program_config *config, const char *name)
{
    const struct gc_protocol *protocol = gc_protocol_find(name);
    if (protocol == NULL || !gc_collector_takes(config->collector, protocol) ||
            program_executor_find(name) == NULL)
        fail_usage("this collector, or this program, does not run on", name);
    config->protocol = protocol;
}

static void load_plugin(const char *path)
{
    const struct gc_plugin *plugin;
    struct gc_error error;
    if (gc_plugin_load(path, &plugin, &error) != 0)
        fail_usage("a plugin can't be loaded:", error.text);
}

static uint64_t number(const char *text)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) fail_usage("this is no number:", text);
    return value;
}

static struct program_config *last_config(struct command *command)
{
    return &command->configs[command->config_count - 1];
}

static void parse(struct command *command, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--print") == 0) {
            command->print = true;
            continue;
        }
        if (strcmp(name, "--in-process") == 0) {
            command->in_process = true;
            continue;
        }
        if (++i == argc) fail_usage("this needs a value, or is unknown:", name);
        const char *value = argv[i];
        if (strcmp(name, "--plugin") == 0)
            load_plugin(value);
        else if (strcmp(name, "--collector") == 0)
            add_collector(command, value);
        else if (strcmp(name, "--protocol") == 0 && command->config_count > 0)
            set_protocol(last_config(command), value);
        else if (strcmp(name, "--option") == 0 && command->config_count > 0)
            last_config(command)->options = value;
        else if (strcmp(name, "--seed") == 0)
            command->seed = number(value);
        else if (strcmp(name, "--count") == 0)
            command->count = number(value);
        else if (strcmp(name, "--length") == 0)
            command->length = number(value);
        else if (strcmp(name, "--threads") == 0)
            command->threads = (uint32_t)number(value);
        else if (strcmp(name, "--schedule") == 0)
            command->schedule = (uint32_t)number(value);
        else if (strcmp(name, "--replay") == 0)
            command->replay = value;
        else
            fail_usage("this is not understood:", name);
    }
    if (command->config_count == 0) fail_usage("no collector is", "named");
    for (size_t i = 0; i < command->config_count; i++) {
        const struct program_config *c = &command->configs[i];
        if (c->protocol == NULL || program_executor_find(c->protocol->name) == NULL)
            fail_usage("programs are not compiled for a protocol of", c->collector->name);
    }
    if (command->threads < 1 || command->threads > 2) fail_usage("threads are", "1 or 2");
    if (command->schedule > 0 && gc_build_check_level() == 0)
        fail_usage("the deterministic schedule is", "only in checked builds");
}

static struct program_batch batch_of(const struct command *command)
{
    return (struct program_batch){
        .configs = command->configs,
        .config_count = command->config_count,
        .timeout_seconds = 20,
    };
}

/* A single configuration is enough, if one fails by itself; otherwise they disagree. */
static void narrow(struct program_batch *batch, const struct program *program,
        struct program_verdict *verdict)
{
    for (size_t i = 0; i < batch->config_count; i++) {
        struct program_batch one = *batch;
        one.configs = &batch->configs[i];
        one.config_count = 1;
        if (program_try(&one, program, 1, verdict) == 0) continue;
        *batch = one;
        return;
    }
    if (program_try(batch, program, 1, verdict) == 0)
        printf("# it fails only now and then\n");
}

static void print_replay(const struct program_batch *batch, const char *file)
{
    printf("# replay: gclab-programs");
    for (size_t i = 0; i < batch->config_count; i++) {
        const struct program_config *c = &batch->configs[i];
        printf(" --collector %s --protocol %s", c->collector->name, c->protocol->name);
        if (c->options != NULL) printf(" --option %s", c->options);
    }
    printf(" --replay %s\n", file);
}

static void explain(struct program_batch *batch, struct program *program,
        struct program_verdict *verdict)
{
    printf("# FAILED: %s: %s\n", verdict->config, verdict->text);
    uint64_t start = gc_os_now_ns();
    narrow(batch, program, verdict);
    size_t trials = program_shrink(batch, program, verdict, SHRINK_SECONDS);
    printf("# shrunk in %zu trials, %.1f s, to:\n", trials,
            (double)(gc_os_now_ns() - start) / 1e9);
    print_replay(batch, "FILE (these lines)");
    program_print(program, stdout);
    printf("# %s: %s\n", verdict->config, verdict->text);
    if (verdict->errors[0] != '\0') printf("# it wrote: %s\n", verdict->errors);
}

static void print_tally(const struct program_tally *t)
{
#define N(member) (unsigned long long)t->member
    printf("  %llu runs, %llu threads besides the first, %llu checks of %llu objects;\n"
           "  %llu collections, %llu finalizers, %llu objects brought back,\n"
           "  %llu weak references cleared, %llu callbacks\n",
            N(runs), N(threads), N(checks), N(objects), N(collections), N(finalizers),
            N(resurrected), N(weak_cleared), N(callbacks));
#undef N
}

static int run_chunk(struct program_batch *batch, struct program *programs, size_t count,
        struct program_tally *sum)
{
    static struct program_verdict verdict; /* large for a stack */
    int status = program_try(batch, programs, count, &verdict);
    program_tally_add(sum, &verdict.tally);
    if (status == 0) return 0;
    /* A sanitizer's report does not say of which program it is. */
    if (verdict.failure == PROGRAM_WROTE)
        for (size_t i = 0; i < count; i++)
            if (program_try(batch, &programs[i], 1, &verdict) != 0) {
                verdict.program = i;
                break;
            }
    struct program *failed = &programs[verdict.program];
    explain(batch, failed, &verdict);
    return 1;
}

static int run_in_process(
        const struct program_batch *batch, const struct program *program)
{
    for (size_t i = 0; i < batch->config_count; i++) {
        const struct program_config *c = &batch->configs[i];
        uint64_t digest = program_run(program, c);
        printf("%s@%s: %016llx\n", c->collector->name, c->protocol->name,
                (unsigned long long)digest);
    }
    return 0;
}

static int replay(struct program_batch *batch, const struct command *command)
{
    FILE *file = fopen(command->replay, "r");
    if (file == NULL) fail_usage("this can't be read:", command->replay);
    struct program program;
    struct gc_error error;
    int status = program_read(&program, file, &error);
    fclose(file);
    if (status != 0) fail_usage("this is no program:", error.text);
    if (command->print) program_print(&program, stdout);
    static struct program_verdict verdict; /* large for a stack */
    if (command->in_process) {
        status = run_in_process(batch, &program);
    } else {
        status = program_try(batch, &program, 1, &verdict);
        if (status == 0)
            printf("1 program passed\n");
        else
            printf("%s: %s\n%s", verdict.config, verdict.text, verdict.errors);
    }
    program_finish(&program);
    return status;
}

static void set_schedule(struct program *program, const struct command *command)
{
    if (command->threads == 1) program->settings.threads = 1;
    if (command->schedule == 0) return;
    program->settings.schedule = PROGRAM_ROUND_ROBIN;
    program->settings.period = command->schedule;
}

static int run_drawn(struct program_batch *batch, const struct command *command)
{
    static struct program programs[CHUNK];
    int status = 0;
    size_t operations = 0;
    struct program_tally sum = { 0 };
    for (size_t done = 0; done < command->count && status == 0;) {
        size_t n = command->count - done < CHUNK ? command->count - done : CHUNK;
        for (size_t i = 0; i < n; i++) {
            program_generate(&programs[i], command->seed + done + i, command->length, 3);
            set_schedule(&programs[i], command);
            operations += programs[i].count;
            if (command->print) program_print(&programs[i], stdout);
        }
        if (command->in_process) {
            for (size_t i = 0; i < n; i++)
                status |= run_in_process(batch, &programs[i]);
        } else {
            status = run_chunk(batch, programs, n, &sum);
        }
        for (size_t i = 0; i < n; i++)
            program_finish(&programs[i]);
        done += n;
    }
    if (status != 0) return status;
    printf("%zu programs of %zu operations in all passed on %zu configurations\n",
            command->count, operations, command->config_count);
    print_tally(command->in_process ? program_tally() : &sum);
    return 0;
}

int main(int argc, char **argv)
{
    static struct command command = {
        .threads = 2,
        .seed = 1,
        .count = 100,
        .length = 80,
    };
    parse(&command, argc, argv);
    struct program_batch batch = batch_of(&command);
    if (command.replay != NULL) return replay(&batch, &command);
    return run_drawn(&batch, &command);
}
