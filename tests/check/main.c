/* SPDX-License-Identifier: MIT */
/* main.c - gclab-checked-check, which `gclab check` becomes: tries a collector until it
 * breaks. Exit status: enum gc_exit. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/place.h"
#include "bench/plugins.h"
#include "bench/standard.h"
#include "bench/text.h"
#include "core/collector.h"
#include "core/os.h"
#include "tests/check/check.h"

enum {
    KEY_FAST = 1000,
    KEY_IN_PROCESS,
    KEY_JOBS,
    KEY_COUNT,
    KEY_PLUGIN,
    KEY_SAVE,
    KEY_NO_CONFORMANCE,
    KEY_OBJECT,
    KEY_TALLY,
    KEY_TRACE,
    LIST = 64, /* of whatever is named several times */
    FAST_SECONDS = 18,
    FAST_SHRINK_SECONDS = 8,
    SHRINK_SECONDS = 60,
};

struct command {
    struct check_request request;
    const char *specs[LIST + 1], *replays[LIST + 1], *plugins[LIST + 1];
    int spec_count, replay_count, plugin_count;
    const char *protocol;
    bool in_process, no_conformance, is_fast;
};

static const struct argp_option options[] = {
    { "collector", 'c', "SPEC", 0,
            "what is tried: a name or a plugin's file, [@PROTOCOL][:OPTION=VALUE]...; "
            "`all`: "
            "those that are built in",
            0 },
    { "protocol", 'p', "P", 0, "one protocol instead of all that the collector names",
            0 },
    { "plugin", KEY_PLUGIN, "FILE", 0, "loads a plugin with a protocol", 0 },
    { "fast", KEY_FAST, NULL, 0, "answers within 30 s (the default)", 0 },
    { "minutes", 'm', "M", 0, "searches so long", 0 },
    { "count", KEY_COUNT, "N", 0, "tries so many programs, whatever time it takes", 0 },
    { "seed", 's', "N", 0, "the first program's seed; the same seed, the same program",
            0 },
    { "jobs", KEY_JOBS, "N", 0, "processes (one for each processor)", 0 },
    { "replay", 'r', "FILE", 0, "runs the program of a file; may be repeated", 0 },
    { "object", KEY_OBJECT, "ID", 0, "with --replay: tells the life of an object", 0 },
    { "in-process", KEY_IN_PROCESS, NULL, 0, "a replay makes no child: for a debugger",
            0 },
    { "save", KEY_SAVE, "FILE", 0, "where a program that fails goes", 0 },
    { "trace", KEY_TRACE, NULL, 0,
            "prints the steps of a replay; of seeds (--count), a hash each", 0 },
    { "tally", KEY_TALLY, "FILE", 0, "where the sums go, for programs to read", 0 },
    { "no-conformance", KEY_NO_CONFORMANCE, NULL, 0, "leaves out the conformance cases",
            0 },
    { "quiet", 'q', NULL, 0, "prints what fails, and sums", 0 },
    { 0 },
};

static int add(const char *list[LIST + 1], int *count, const char *value)
{
    if (*count == LIST)
        return gc_complain(GC_EXIT_USAGE, "there are too many of %s", value);
    list[(*count)++] = value;
    return 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct command *command = state->input;
    struct check_request *request = &command->request;
    char *end = NULL;
    double number = value != NULL ? strtod(value, &end) : 0;
    bool good = end != value && end != NULL && *end == '\0' && number >= 0;
    switch (key) {
    case 'c':
        return add(command->specs, &command->spec_count, value);
    case 'p':
        command->protocol = value;
        return 0;
    case 'r':
        return add(command->replays, &command->replay_count, value);
    case KEY_PLUGIN:
        return add(command->plugins, &command->plugin_count, value);
    case KEY_FAST:
        command->is_fast = true;
        return 0;
    case KEY_IN_PROCESS:
        command->in_process = true;
        return 0;
    case KEY_SAVE:
        request->save = value;
        return 0;
    case KEY_TRACE:
        request->trace = true;
        return 0;
    case KEY_TALLY:
        request->tally = value;
        return 0;
    case KEY_NO_CONFORMANCE:
        command->no_conformance = true;
        return 0;
    case 'q':
        request->quiet = true;
        return 0;
    case 'm':
        if (!good || number > 1e6)
            argp_error(state, "this is no number of minutes: %s", value);
        request->seconds = number * 60;
        return 0;
    case 's':
    case KEY_COUNT:
    case KEY_JOBS:
    case KEY_OBJECT:
        if (!good || number > 1e15) argp_error(state, "this is no number: %s", value);
        if (key == 's') request->seed = (uint64_t)number;
        if (key == KEY_COUNT) request->count = (uint64_t)number;
        if (key == KEY_OBJECT) request->object = number < 1e9 ? (uint32_t)number : 0;
        if (key == KEY_JOBS) request->jobs = number < 64 ? (uint32_t)number : 64;
        return 0;
    case ARGP_KEY_ARG: /* of `gclab explain` */
        if (strcmp(state->name, "gclab explain") == 0)
            return add(command->replays, &command->replay_count, value);
        argp_error(state, "what is %s for?", value);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "-c SPEC",
    .doc = "Tries a collector until it breaks: the conformance cases that it promises, "
           "then "
           "random heap programs against a graph of what must be reachable, under "
           "schedules "
           "and stress. A program that fails is made small, explained, and saved.",
};

/* --- who is tried ------------------------------------------------------------------------ */

/* SPEC with another protocol than it has, if it has none. */
static int add_subject(struct command *command, const char *spec, const char *protocol)
{
    struct check_request *request = &command->request;
    if (request->subject_count == CHECK_SUBJECTS)
        return gc_complain(GC_EXIT_USAGE, "there are too many collectors");
    struct check_subject *subject = &request->subjects[request->subject_count];
    size_t name = gc_plugins_file(spec);
    name += strcspn(spec + name, "@:");
    if (spec[name] == '@')
        subject->spec = gc_need_text("%s", spec);
    else
        subject->spec = gc_need_text("%.*s@%s%s", (int)name, spec, protocol, spec + name);
    int status = gc_collector_spec_parse(subject->spec, &subject->parsed);
    if (status != GC_EXIT_OK) return status;
    subject->config = (struct program_config){
        .collector = subject->parsed.collector,
        .protocol = subject->parsed.protocol,
        .options = subject->parsed.options,
    };
    if (program_executor_find(subject->parsed.protocol_name) == NULL)
        return gc_complain(GC_EXIT_USAGE,
                "programs are not compiled for protocol '%s'; if a plugin has them, give "
                "its "
                "file with --plugin",
                subject->parsed.protocol_name);
    request->subject_count++;
    return GC_EXIT_OK;
}

static int add_spec(struct command *command, const char *spec)
{
    struct gc_collector_spec parsed;
    size_t name = gc_plugins_file(spec);
    name += strcspn(spec + name, "@:");
    if (spec[name] == '@' || command->protocol != NULL) {
        if (spec[name] == '@' && command->protocol != NULL)
            return gc_complain(GC_EXIT_USAGE, "two protocols are named for %s", spec);
        return add_subject(command, spec, command->protocol);
    }
    int status = gc_collector_spec_parse(spec, &parsed);
    if (status == GC_EXIT_FILE && gc_plugins_file(spec) > 0)
        gc_complain(0,
                "gclab check tries what was built for the checked flavour: `meson setup "
                "build-checked --buildtype=debug` in the plugin's folder");
    if (status != GC_EXIT_OK) return status;
    const char *const *protocol = parsed.info.protocols;
    for (; *protocol != NULL && status == GC_EXIT_OK; protocol++)
        status = add_subject(command, spec, *protocol);
    gc_collector_spec_finish(&parsed);
    return status;
}

static int add_all(struct command *command)
{
    const struct gc_collector *const *c = gc_collectors();
    int status = GC_EXIT_OK;
    for (; *c != NULL && status == GC_EXIT_OK; c++)
        if (gc_plugins_file_of(*c) == NULL) status = add_spec(command, (*c)->name);
    return status;
}

static int add_subjects(struct command *command)
{
    int status = GC_EXIT_OK;
    for (int i = 0; i < command->spec_count && status == GC_EXIT_OK; i++)
        status = strcmp(command->specs[i], "all") == 0
                         ? add_all(command)
                         : add_spec(command, command->specs[i]);
    return status;
}

/* --- the tools ---------------------------------------------------------------------------- */

/* Prints what gclab-conformance says: its sum, and in front of it the first case that fails, but
 * only of the first collector with one. */
static void print_conformance(FILE *from, const char *who, bool *ret_is_first)
{
    static const char fatal[] = "gclab: fatal: ";
    char line[1024], said[1024] = "", verdict[1024] = "", sum[1024] = "none ended\n";
    uint32_t cases = 0;
    while (fgets(line, sizeof(line), from) != NULL) {
        if (strncmp(line, fatal, strlen(fatal)) == 0) { /* comes before the case's name */
            if (cases == 0) strcpy(said, line);
            continue;
        }
        cases += strncmp(line, "FAIL ", 5) == 0;
        if (strstr(line, "does not keep what it promises") != NULL)
            strcpy(verdict, line);
        else if (line[0] >= '0' && line[0] <= '9')
            strcpy(sum, line);
        else if (cases <= 1 && *ret_is_first)
            printf("    %s", line);
    }
    if (cases > 0 && *ret_is_first && said[0] != '\0') printf("         said: %s", said);
    printf("  %-24s %s: %s", "conformance cases", who, sum);
    if (cases == 0) return;
    printf("    %s", verdict);
    *ret_is_first = false;
}

/* Becomes `program`, with all that it writes in a pipe; in a group of its own, so that what
 * hangs can be ended whole. */
static GC_NORETURN void be_conformance(
        const char *program, const char *const *arguments, int output, uint32_t seconds)
{
    setpgid(0, 0);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    close(output);
    alarm(seconds);
    execv(program, (char **)(uintptr_t)arguments);
    _exit(127);
}

/* The cases that a subject promises, in a program of their own. An enum gc_exit. */
static int run_conformance(struct command *command, const struct check_subject *subject,
        bool *ret_is_first, bool *ret_hangs)
{
    static const char *const folders[] = { ".", "../conformance", NULL };
    char *program = gc_place_program(CHECK_FLAVOUR "-conformance", folders);
    if (program == NULL)
        return gc_complain(
                GC_EXIT_ENVIRONMENT, CHECK_FLAVOUR "-conformance is not installed");
    const char *arguments[2 * LIST + 8];
    int n = 0, ends[2], status = 0;
    arguments[n++] = program;
    arguments[n++] = "--quiet";
    arguments[n++] = "--collector";
    arguments[n++] = subject->spec;
    for (int i = 0; i < command->plugin_count; i++) {
        arguments[n++] = "--plugin";
        arguments[n++] = command->plugins[i];
    }
    arguments[n] = NULL;
    fflush(NULL);
    pid_t child = pipe(ends) == 0 ? fork() : -1;
    if (child < 0)
        return gc_complain(
                GC_EXIT_ENVIRONMENT, "no process can be made: %s", strerror(errno));
    if (child == 0) {
        close(ends[0]);
        be_conformance(program, arguments, ends[1], 2 * check_timeout());
    }
    free(program);
    close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    gc_require(from != NULL, "there is no memory for a pipe");
    print_conformance(from, subject->parsed.label, ret_is_first);
    fclose(from);
    gc_require(waitpid(child, &status, 0) == child, "the conformance cases are lost");
    kill(-child, SIGKILL); /* a case that hangs */
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        *ret_hangs = true;
        printf("    a case hangs: they were not through after %u s\n",
                2 * check_timeout());
        return GC_EXIT_FAILED;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        return gc_complain(GC_EXIT_ENVIRONMENT, "the conformance cases can't be run");
    return WEXITSTATUS(status) == 0 ? GC_EXIT_OK : GC_EXIT_FAILED;
}

static void print_sums(
        const struct check_request *request, const struct check_result *result)
{
    const struct program_tally *t = &result->tally;
    uint64_t programs = 0, operations = 0, schedules = 0;
    printf("  %-24s %9s %11s %7s %10s\n", "random programs", "programs", "operations",
            "pairs", "schedules");
    for (int i = 0; i < CHECK_TOOL_COUNT; i++) {
        const struct check_sum *s = &result->sums[i];
        if (s->programs == 0) continue;
        printf("    %-22s %9" PRIu64 " %11" PRIu64 " %5u %% %10" PRIu64 "\n",
                check_tool_names[i], s->programs, s->operations,
                100 * s->pairs / program_pairs(), s->schedules);
        programs += s->programs;
        operations += s->operations;
        schedules += s->schedules;
    }
    printf("    %-22s %9" PRIu64 " %11" PRIu64 " %5u %% %10" PRIu64 "\n", "all", programs,
            operations, 100 * result->pairs / program_pairs(), schedules);
    printf("  %" PRIu64 " objects, %" PRIu64 " collections, %" PRIu64
           " checks of the heap, "
           "%" PRIu64 " finalizers, %" PRIu64 " weak references cleared, %" PRIu64
           " refusals, in %.1f s\n",
            t->objects, t->collections, t->checks, t->finalizers, t->weak_cleared,
            t->refusals, (double)(gc_os_now_ns() - request->start_ns) / 1e9);
}

/* GC_EXIT_FAILED where a promise is broken; more where a file can't be written, or a signal has
 * ended it. */
static int run_programs(struct command *command, struct check_result *result)
{
    struct check_request *request = &command->request;
    bool good = check_campaign(request, result);
    print_sums(request, result);
    if (result->signal != 0) return GC_EXIT_SIGNAL + result->signal;
    int status = GC_EXIT_OK;
    if (!good) {
        printf("\n");
        status = check_explain(request, result);
    }
    return result->is_unsaved ? GC_EXIT_ENVIRONMENT : status;
}

static int run_check(struct command *command)
{
    struct check_request *request = &command->request;
    int status = GC_EXIT_OK;
    printf("%s", "gclab check:");
    for (uint32_t i = 0; i < request->subject_count; i++)
        printf(" %s", request->subjects[i].parsed.label);
    printf("; seed %" PRIu64 ", %u processes\n", request->seed, request->jobs);
    bool is_first = true;
    for (uint32_t i = 0; i < request->subject_count && !command->no_conformance; i++) {
        bool hangs = false;
        int one = run_conformance(command, &request->subjects[i], &is_first, &hangs);
        if (one == GC_EXIT_ENVIRONMENT) return one;
        if (one != GC_EXIT_OK) status = GC_EXIT_FAILED;
        if (hangs) break; /* the others would as well */
    }
    fflush(stdout);
    struct check_result result;
    int programs = run_programs(command, &result);
    if (programs >= GC_EXIT_SIGNAL) {
        printf("ended early\n");
        return programs;
    }
    const bool is_broken = status != GC_EXIT_OK || result.has_failed;
    printf("%s\n", is_broken ? "a promise was broken" : "no promise was broken");
    if (programs == GC_EXIT_ENVIRONMENT) return programs;
    return is_broken ? GC_EXIT_FAILED : GC_EXIT_OK;
}

static uint32_t processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

int main(int argc, char **argv)
{
    static struct command command = { .request = { .seed = 1 } };
    struct check_request *request = &command.request;
    request->start_ns = gc_os_now_ns();
    gc_standard_begin();
    argp_err_exit_status = GC_EXIT_USAGE;
    gc_plugins_start();
    if (argp_parse(&argp, argc, argv, 0, NULL, &command) != 0) return GC_EXIT_USAGE;
    bool is_fast = command.is_fast || (request->seconds == 0 && request->count == 0);
    if (is_fast) request->seconds = FAST_SECONDS;
    request->shrink_seconds = is_fast ? FAST_SHRINK_SECONDS : SHRINK_SECONDS;
    if (request->jobs == 0) request->jobs = processors();
    request->plugins = command.plugins;
    for (int i = 0; i < command.plugin_count; i++) {
        const struct gc_plugin *plugin;
        int status = gc_plugins_load(command.plugins[i], &plugin);
        if (status != GC_EXIT_OK) return status;
    }
    int status = add_subjects(&command);
    if (status != GC_EXIT_OK) return status;
    if (command.replay_count > 0 && strcmp(argv[0], "gclab explain") == 0 &&
            request->object == 0)
        return gc_complain(GC_EXIT_USAGE, "which object? --object ID");
    for (int i = 0; i < command.replay_count; i++) {
        int one = check_replay(request, command.replays[i], command.in_process);
        if (one != GC_EXIT_OK) status = one;
    }
    if (command.replay_count > 0) return status;
    if (request->subject_count == 0)
        return gc_complain(GC_EXIT_USAGE, "which collector? -c NAME or -c ./mine.so");
    return request->trace ? check_trace_seeds(request) : run_check(&command);
}
