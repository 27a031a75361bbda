/* SPDX-License-Identifier: MIT */
/* env.c - `gclab env`: what this machine is, and what can be claimed of figures from it. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/command.h"
#include "bench/environment.h"
#include "bench/json.h"
#include "bench/json_read.h"
#include "bench/text.h"
#include "core/harness.h"
#include "core/os.h"

enum key { KEY_CHECK = 0x100, KEY_JSON };

enum { CLOCK_READINGS = 1000, CLOCK_MAX_NS = 200 };
enum { WATCH_MS = 1000, REASONS_MAX = 12, REASON = 160 };

/* Above these the machine is busy with something else, or is not ours alone. */
#define LOAD_MAX          0.5
#define STEAL_MAX_PERCENT 0.1

static const struct argp_option options[] = {
    { .name = "check",
            .key = KEY_CHECK,
            .doc = "says which claims figures from this machine and this build can "
                   "support, and why not; watches it for a second" },
    { .name = "json", .key = KEY_JSON, .doc = "one line of JSON" },
    { .name = NULL },
};

struct request {
    bool checks, as_json;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    if (key == ARGP_KEY_ARG) {
        gc_complain(GC_EXIT_USAGE, "'%s': env takes options only", argument);
        return ECANCELED;
    }
    if (key == KEY_CHECK)
        request->checks = true;
    else if (key == KEY_JSON)
        request->as_json = true;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc = "Prints what a reader of results must know of this machine and build.\v"
           "Exit status: 0; with --check 1 if there is a claim that is not supported.",
};

/* --- claims ------------------------------------------------------------------------------ */

enum claim { COUNTS, MEMORY, RATIOS, PAUSES, SCALING, CLAIMS };

static const struct {
    const char *name, *key;
} claims[CLAIMS] = {
    [COUNTS] = { "counts of work (operations, visits, collections)", "counts" },
    [MEMORY] = { "sizes of heaps", "memory" },
    [RATIOS] = { "ratios of times, of collectors that take turns", "ratios" },
    [PAUSES] = { "pauses and latencies", "pauses" },
    [SCALING] = { "scaling with threads", "scaling" },
};

/* What speaks against each claim. */
struct verdicts {
    struct {
        char reasons[REASONS_MAX][REASON];
        uint32_t count;
    } against[CLAIMS];
    uint32_t threads; /* up to so many scaling can be claimed; 0: not at all */
};

static void object(struct verdicts *verdicts, enum claim claim, const char *format, ...)
        GC_PRINTF(3, 4);

static void object(struct verdicts *verdicts, enum claim claim, const char *format, ...)
{
    if (verdicts->against[claim].count == REASONS_MAX) return;
    va_list args;
    va_start(args, format);
    vsnprintf(verdicts->against[claim].reasons[verdicts->against[claim].count++], REASON,
            format, args);
    va_end(args);
}

static void judge_build(struct verdicts *verdicts)
{
    int level = gc_build_check_level();
    for (enum claim claim = MEMORY; level > 0 && claim < CLAIMS; claim++)
        object(verdicts, claim, "this build checks itself (level %d)", level);
    for (enum claim claim = RATIOS; claim < CLAIMS; claim++) {
        if (strstr(GCLAB_BUILD_OPTIONS, "optimization=0") != NULL ||
                strstr(GCLAB_BUILD_OPTIONS, "optimization=g") != NULL)
            object(verdicts, claim, "this build is not optimized");
        if (strstr(GCLAB_BUILD_OPTIONS, "sanitize=none") == NULL)
            object(verdicts, claim, "this build runs under a sanitizer");
    }
}

/* What makes times vary, whatever is timed. */
static void judge_times(struct verdicts *verdicts, const struct gc_environment *e,
        const char *disturbance)
{
    for (enum claim claim = RATIOS; claim < CLAIMS; claim++) {
        if (disturbance[0] != '\0') object(verdicts, claim, "just now, %s", disturbance);
        if (e->load > LOAD_MAX)
            object(verdicts, claim, "load of the last minute: %.2f (up to %.1f is quiet)",
                    e->load, LOAD_MAX);
        if (e->steal_percent > STEAL_MAX_PERCENT)
            object(verdicts, claim,
                    "a hypervisor has given %.2f %% of the CPU time to others",
                    e->steal_percent);
        if (e->governor[0] != '\0' && strcmp(e->governor, "performance") != 0)
            object(verdicts, claim, "governor: %s (performance keeps the frequency)",
                    e->governor);
        if (!isnan(e->cpu_quota))
            object(verdicts, claim,
                    "a control group stops all threads after %.2f CPUs of time",
                    e->cpu_quota);
    }
}

static void judge_pauses(struct verdicts *verdicts, const struct gc_environment *e)
{
    if (e->is_virtual)
        object(verdicts, PAUSES,
                "a virtual machine: the hypervisor can hold a CPU for longer than a "
                "pause");
    if (e->cpus_allowed < 2)
        object(verdicts, PAUSES, "one CPU: a pause includes waiting for it");
    if (strcmp(e->huge_pages, "always") == 0)
        object(verdicts, PAUSES,
                "transparent huge pages: always (the kernel compacts memory when it "
                "likes)");
    uint64_t start_ns = gc_os_now_ns(), now_ns = start_ns;
    for (int i = 0; i < CLOCK_READINGS; i++)
        now_ns = gc_os_now_ns();
    uint64_t cost_ns = (now_ns - start_ns) / CLOCK_READINGS;
    if (cost_ns > CLOCK_MAX_NS)
        object(verdicts, PAUSES, "a look at the clock (%s) takes %" PRIu64 " ns",
                e->clock_source[0] != '\0' ? e->clock_source : "?", cost_ns);
}

static void judge_scaling(struct verdicts *verdicts, const struct gc_environment *e)
{
    uint32_t cores = e->cores_allowed > 0 ? e->cores_allowed : e->cpus_allowed;
    verdicts->threads = cores;
    if (cores < 2) object(verdicts, SCALING, "one core");
    if (e->numa_nodes > 1)
        object(verdicts, SCALING,
                "%" PRIu32 " NUMA nodes, and threads are bound to none of them",
                e->numa_nodes);
}

static void watch(char *text, size_t size)
{
    struct gc_cpu_time before = gc_environment_cpu_time();
    struct timespec pause = { .tv_sec = WATCH_MS / 1000 };
    nanosleep(&pause, NULL);
    struct gc_cpu_time after = gc_environment_cpu_time();
    gc_environment_disturbance(&before, &after, 0, text, size);
}

static void judge(struct verdicts *verdicts, const struct gc_environment *environment)
{
    char disturbance[96];
    watch(disturbance, sizeof(disturbance));
    judge_build(verdicts);
    judge_times(verdicts, environment, disturbance);
    judge_pauses(verdicts, environment);
    judge_scaling(verdicts, environment);
}

/* --- what is printed --------------------------------------------------------------------- */

static void print_verdicts(const struct verdicts *verdicts)
{
    puts("\nWhat can be claimed of figures from here:");
    for (int c = 0; c < CLAIMS; c++) {
        bool no = verdicts->against[c].count > 0;
        printf("  %-3s  %s", no ? "no" : "yes", claims[c].name);
        if (c == SCALING && !no)
            printf(", up to %" PRIu32 " threads, those of collectors among them",
                    verdicts->threads);
        putchar('\n');
        for (uint32_t i = 0; i < verdicts->against[c].count; i++)
            printf("         %s\n", verdicts->against[c].reasons[i]);
    }
}

static void write_verdicts(struct gc_json *json, const struct verdicts *verdicts)
{
    gc_json_begin(json, "claims");
    for (int c = 0; c < CLAIMS; c++) {
        bool yes = verdicts->against[c].count == 0;
        gc_json_begin(json, claims[c].key);
        gc_json_bool(json, "supported", yes);
        if (c == SCALING) gc_json_number_if(json, "threads", yes, verdicts->threads);
        gc_json_begin_array(json, "reasons");
        for (uint32_t i = 0; i < verdicts->against[c].count; i++)
            gc_json_text(json, NULL, verdicts->against[c].reasons[i]);
        gc_json_end_array(json);
        gc_json_end(json);
    }
    gc_json_end(json);
}

/* Free with free(). */
static char *text_of(const json_t *value)
{
    if (json_is_string(value)) return gc_need_text("%s", json_string_value(value));
    if (json_is_integer(value))
        return gc_need_text("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value)) return gc_need_text("%.6g", json_real_value(value));
    if (json_is_boolean(value)) return gc_need_text(json_is_true(value) ? "yes" : "no");
    return gc_need_text("-");
}

/* The members of the record, one a line. */
static void print_record(const char *text, size_t length)
{
    json_t *record = gc_json_read(text, length), *member;
    const char *name;
    json_object_foreach(record, name, member)
    {
        char *value = text_of(member);
        printf("%-23s %s\n", name, value);
        free(value);
    }
    json_decref(record);
}

static void print(const struct request *request, const struct gc_environment *environment,
        const struct verdicts *verdicts)
{
    char *text = NULL;
    size_t length = 0;
    struct gc_json json = { .file = open_memstream(&text, &length) };
    if (json.file == NULL) exit(gc_complain(GC_EXIT_ENVIRONMENT, "no memory"));
    gc_json_begin(&json, NULL);
    gc_environment_write_machine(environment, &json);
    if (request->checks && request->as_json) write_verdicts(&json, verdicts);
    gc_json_end(&json);
    fclose(json.file);
    if (request->as_json)
        puts(text);
    else
        print_record(text, length);
    free(text);
    if (request->checks && !request->as_json) print_verdicts(verdicts);
}

static int run(int argc, char **argv)
{
    struct request request = { false, false };
    if (argp_parse(&argp, argc, argv, 0, NULL, &request) != 0) return GC_EXIT_USAGE;
    struct gc_environment environment;
    struct verdicts *verdicts = gc_need(sizeof(*verdicts));
    gc_environment_read(&environment);
    if (request.checks) judge(verdicts, &environment);
    print(&request, &environment, verdicts);
    int status = GC_EXIT_OK;
    for (int c = 0; c < CLAIMS; c++)
        if (verdicts->against[c].count > 0) status = GC_EXIT_FAILED;
    free(verdicts);
    return status;
}

const struct gc_command gc_command_env = {
    .name = "env",
    .summary = "say what this machine is, and what can be claimed of it",
    .argp = &argp,
    .run = run,
};
