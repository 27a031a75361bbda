/* SPDX-License-Identifier: MIT */
/* failure.c - what is said of a program that fails, and running it again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/crash.h"
#include "bench/file.h"
#include "bench/text.h"
#include "core/collector.h"
#include "core/os.h"
#include "tests/check/check.h"

enum {
    AGAIN = 50, /* times that a program without a schedule is tried again */
    SENTENCE = 512,
    STEP = 128, /* of a thread, in words */
};

/* What each thread did in the end, where there were several: "second thread, at 31: makes object
 * 4, ..." */
static void print_last(const struct program_verdict *verdict)
{
    static const char *const threads[PROGRAM_THREADS] = { "first", "second",
        "one that comes and goes", "sleeper", "first racer", "second racer",
        "collector" };
    uint32_t active = 0;
    for (size_t t = 0; t < PROGRAM_THREADS; t++)
        active += verdict->last[t].count > 0;
    if (active < 2) return;
    check_print_wrapped("the last steps of each thread, with their logical times:");
    for (size_t t = 0; t < PROGRAM_THREADS; t++) {
        const struct program_last *last = &verdict->last[t];
        uint32_t kept = last->count < PROGRAM_LAST ? last->count : PROGRAM_LAST;
        if (kept == 0) continue;
        char line[(PROGRAM_LAST + 1) * STEP];
        snprintf(line, sizeof(line), "%s:", threads[t]);
        size_t length = strlen(line);
        for (uint32_t i = last->count - kept; i != last->count; i++) {
            const struct program_step *step = &last->step[i % PROGRAM_LAST];
            snprintf(line + length, STEP, "%s %llu: %s %llu",
                    i == last->count - kept ? "" : ",", (unsigned long long)step->time,
                    step->what, (unsigned long long)step->number);
            length += strlen(line + length);
        }
        check_print_wrapped(line);
    }
}

static void print_verdict(
        const struct program *program, const struct program_verdict *verdict)
{
    printf("%s does not keep its promises:\n\n", verdict->config);
    const char *meaning = check_meaning(verdict->text);
    if (meaning != NULL) {
        check_print_wrapped(meaning);
        printf("\n");
    }
    check_print_wrapped(verdict->text);
    if (verdict->failure != PROGRAM_BROKEN_PROMISE) check_print_calls(&verdict->calls);
    if (verdict->at[0] > program->count)
        check_print_wrapped(
                "after its last operation, where all that is garbage is to go");
    for (size_t w = 0; w < PROGRAM_WORKERS; w++) {
        char sentence[SENTENCE];
        static const char *const when[] = { "when it was at ", "and at " };
        if (verdict->at[w] == 0 || verdict->at[w] > program->count) continue;
        if (w == 1 && program->settings.threads == 1) continue;
        strcpy(sentence, when[w]);
        size_t length = strlen(sentence);
        program_describe(
                program, verdict->at[w], sentence + length, sizeof(sentence) - length);
        check_print_wrapped(sentence);
    }
    if (verdict->at[PROGRAM_AT_COLLECTION] > 0)
        printf("    while a collection of generation %u was under way\n",
                verdict->at[PROGRAM_AT_COLLECTION] - 1);
    print_last(verdict);
    if (verdict->situation[0] != '\0')
        printf("    what the runtime was at, and what each of its threads did last:\n%s",
                verdict->situation);
    if (verdict->errors[0] != '\0' && verdict->failure != PROGRAM_ASSERTION)
        printf("\nIt wrote:\n%s", verdict->errors);
    printf("\n");
}

/* Whether it fails: at once, or one of several times where the machine decides who runs. */
static bool fails(const struct check_request *request, const struct program_batch *batch,
        const struct program *program, struct program_verdict *verdict,
        uint32_t *ret_times)
{
    bool is_fixed =
            program->settings.threads == 1 || program->settings.schedule != PROGRAM_REAL;
    bool once = request->object != 0 || request->trace; /* what is told is told once */
    uint32_t most = once ? 1 : is_fixed ? 2 : AGAIN;
    for (uint32_t i = 1; i <= most; i++) {
        *ret_times = i;
        if (program_try(batch, program, 1, verdict) != 0) return true;
    }
    return false;
}

/* Where the program goes; free with free(). NULL: nowhere, which was said. */
static char *save(const struct check_request *request, const struct program *program,
        const struct program_config *config, uint64_t seed)
{
    char *path = request->save != NULL
                         ? gc_need_text("%s", request->save)
                         : gc_need_text("%s@%s-%llu.program", config->collector->name,
                                   config->protocol->name, (unsigned long long)seed);
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file != NULL) program_print(program, file);
    int result = file == NULL || fclose(file) != 0 ? -errno : 0;
    if (result == 0) result = gc_file_write(path, text, length, GC_FILE_REPLACE);
    free(text);
    if (result == 0) return path;
    gc_complain(0, "%s can't be written: %s", path, strerror(-result));
    free(path);
    return NULL;
}

static void print_replay(const struct check_request *request, const char *path)
{
    if (path == NULL) {
        printf("Save these lines, and see it again with `gclab check --replay FILE`.\n");
        return;
    }
    char *command =
            gc_text_with_word(gc_need_text("%s", "gclab check"), " --replay ", path);
    for (const char *const *p = request->plugins; *p != NULL; p++)
        command = gc_text_with_word(command, " --plugin ", *p);
    printf("Saved. To see it again (with --in-process: without a child, for a "
           "debugger):\n\n    %s",
            command);
    free(command);
    printf("\n\nThe life of an object in it: gclab explain %s --object ID\n\n", path);
}

/* Goes back to the options that were asked for, if it fails under those as well. */
static void shrink_options(const struct check_subject *subject,
        const struct program *program, struct program_config *config,
        struct program_verdict *verdict)
{
    struct program_config plain = subject->config;
    struct program_batch batch = { &plain, 1, check_timeout() };
    struct program_verdict same;
    config->may_refuse = false;
    if (strcmp(config->options, subject->parsed.options) == 0) return;
    if (program_try(&batch, program, 1, &same) == 0 || same.failure > verdict->failure)
        return;
    *config = plain;
    *verdict = same;
}

/* What -c takes, with these options. */
static char *spec_of(
        const struct check_subject *subject, const struct program_config *config)
{
    size_t options = strlen(subject->parsed.options);
    size_t length = strlen(subject->spec) - (options > 0 ? options + 1 : 0);
    return gc_need_text("%.*s%s%s", (int)length, subject->spec,
            config->options[0] != '\0' ? ":" : "", config->options);
}

int check_explain(const struct check_request *request, const struct check_result *result)
{
    const uint64_t seed = result->failed_seed;
    char options[CHECK_OPTIONS];
    struct program_config config;
    struct program program;
    struct program_verdict verdict;
    uint32_t times;
    const struct check_subject *subject =
            check_subject_of(request, seed, options, &config);
    struct program_batch batch = { &config, 1, check_timeout() };
    uint64_t start = gc_os_now_ns();
    check_draw(seed, &program);
    size_t before = program.count;
    if (!fails(request, &batch, &program, &verdict, &times)) {
        printf("A program failed once, and not again. It is one of these, from a process "
               "that runs several:\n    gclab check -c %s --seed %llu --count %d\n",
                subject->spec, (unsigned long long)(seed / CHECK_CHUNK * CHECK_CHUNK),
                CHECK_CHUNK);
        printf("What was wrong then:\n");
        check_print_wrapped(result->said);
        program_finish(&program);
        return GC_EXIT_FAILED;
    }
    shrink_options(subject, &program, &config, &verdict);
    size_t trials = program_shrink(&batch, &program, &verdict, request->shrink_seconds);
    program.collector = spec_of(subject, &config);
    print_verdict(&program, &verdict);
    printf("Found by random programs, %s, seed %llu; made small in %.1f s (%zu "
           "programs), "
           "from %zu operations to:\n\n",
            check_tool_names[check_tool_of(seed)], (unsigned long long)seed,
            (double)(gc_os_now_ns() - start) / 1e9, trials, before);
    program_print(&program, stdout);
    printf("\n");
    char *path = save(request, &program, &config, seed);
    print_replay(request, path);
    const int status = path != NULL ? GC_EXIT_FAILED : GC_EXIT_ENVIRONMENT;
    free(path);
    program_finish(&program);
    return status;
}

/* --- replay --------------------------------------------------------------------------- */

/* A step of an object's life. */
static void tell(const struct program *program, uint32_t at, const char *text)
{
    static uint32_t last = UINT32_MAX; /* operation that was named */
    if (at != last && at > 0 && at <= program->count) {
        char sentence[SENTENCE];
        program_describe(program, at, sentence, sizeof(sentence));
        printf("  %s\n", sentence);
    } else if (at != last) {
        printf("  %s\n",
                at == 0 ? "before the first operation" : "after the last operation");
    }
    last = at;
    check_print_wrapped(text);
    fflush(stdout); /* it may be the last one */
}

/* A debugger comes first, for it sees signals before their handlers do. */
static void watch_crashes(const struct check_request *request, const char *path,
        const struct check_subject *subject)
{
    static struct gc_crash_subject crash; /* texts stay: this is the last that is run */
    char *program = realpath("/proc/self/exe", NULL), *file = realpath(path, NULL);
    crash.what = gc_need_text("%s, program %s", subject->parsed.label, path);
    char *again = gc_text_with_word(gc_need_text("%s", ""), "", program);
    again = gc_text_with_word(again, " --in-process --replay ", file);
    again = gc_text_with_word(again, " -c ", subject->spec);
    for (const char *const *p = request->plugins; *p != NULL; p++)
        again = gc_text_with_word(again, " --plugin ", *p);
    crash.again = again;
    free(program);
    free(file);
    gc_crash_watch(&crash, NULL);
}

static int replay_on(const struct check_request *request, const char *path,
        const struct program *program, const struct check_subject *subject,
        bool in_process)
{
    struct program_config config = subject->config;
    struct program_batch batch = { &config, 1, check_timeout() };
    struct program_verdict verdict;
    uint32_t times;
    config.options = subject->parsed.options;
    if (request->object != 0) {
        printf("object %u under %s:\n", request->object, subject->parsed.label);
        program_tell_of(request->object, tell);
    }
    if (request->trace) check_trace(subject->parsed.label, true);
    if (in_process) {
        watch_crashes(request, path, subject);
        program_run(program, &config);
    } else if (fails(request, &batch, program, &verdict, &times)) {
        print_verdict(program, &verdict);
        if (times > 1) printf("It failed the %u. time.\n", times);
        printf("%s: failed\n", path);
        return GC_EXIT_FAILED;
    }
    if (!request->quiet) printf("%s: %s passed\n", path, subject->parsed.label);
    return GC_EXIT_OK;
}

/* On the file's own collector, where none was named. */
static int replay_alone(const struct check_request *request, const char *path,
        const struct program *program, bool in_process)
{
    if (program->collector == NULL)
        return gc_complain(
                GC_EXIT_USAGE, "%s names no collector; name one with -c", path);
    struct check_subject own = { .spec = program->collector };
    int status = gc_collector_spec_parse(own.spec, &own.parsed);
    if (status != GC_EXIT_OK) return status;
    own.config = (struct program_config){ .collector = own.parsed.collector,
        .protocol = own.parsed.protocol };
    if (program_executor_find(own.parsed.protocol_name) == NULL)
        status = gc_complain(GC_EXIT_USAGE, "programs are not compiled for protocol '%s'",
                own.parsed.protocol_name);
    else
        status = replay_on(request, path, program, &own, in_process);
    gc_collector_spec_finish(&own.parsed);
    return status;
}

int check_replay(const struct check_request *request, const char *path, bool in_process)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) return gc_complain(GC_EXIT_FILE, "%s: %s", path, strerror(errno));
    struct program program;
    struct gc_error error;
    int status = program_read(&program, file, &error);
    fclose(file);
    if (status != 0) return gc_complain(GC_EXIT_FILE, "%s: %s", path, error.text);
    if (request->subject_count == 0) {
        status = replay_alone(request, path, &program, in_process);
    } else {
        for (uint32_t i = 0; i < request->subject_count; i++) {
            int one =
                    replay_on(request, path, &program, &request->subjects[i], in_process);
            if (one != GC_EXIT_OK) status = one;
        }
    }
    program_finish(&program);
    return status;
}
