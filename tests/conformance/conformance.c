/* SPDX-License-Identifier: MIT */
/* conformance.c - runs the cases that a collector promises on that collector.
 *
 *   gclab-conformance --collector NAME[:OPTION=VALUE]... [--protocol NAME]
 *                     [--case NUMBER]... [--list] [--quiet] FILE
 *
 * CONFORMANCE_PROTOCOLS names the protocols that the interpreter was compiled for, as
 * X(plain) X(bare). Exit status: 0 all passed, 1 a case failed, 2 usage or a bad file.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/collector.h"
#include "core/harness.h"
#include "tests/conformance/conformance.h"

#define X(protocol) extern const struct interpreter interpreter_##protocol;
CONFORMANCE_PROTOCOLS
#undef X

static const struct interpreter *const interpreters[] = {
#define X(protocol) &interpreter_##protocol,
    CONFORMANCE_PROTOCOLS
#undef X
            NULL,
};

enum { CASES_WANTED = 64 };

struct request {
    const char *collector, *protocol, *file;
    const char *cases[CASES_WANTED];
    int case_count;
    bool list, quiet;
};

void report_fail(struct report *report, int line, const char *format, ...)
{
    const int room = (int)(sizeof(report->lines) / sizeof(report->lines[0]));
    for (int i = 0; i < report->fails && i < room && line != 0; i++)
        if (report->lines[i] == line) return;
    if (report->fails < room) report->lines[report->fails] = line;
    report->fails++;
    char what[4200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    size_t left = sizeof(report->text) - report->used;
    int n = snprintf(report->text + report->used, left, "     %s:%d: %s\n", report->path,
            line, what);
    if (n > 0 && (size_t)n < left) report->used += (size_t)n;
}

bool subject_is(const struct subject *subject, const char *name)
{
    if (strcmp(subject->collector->name, name) == 0) return true;
    const char *at = subject->options;
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ":");
        const char *value = memchr(at, '=', length);
        if (value != NULL) {
            size_t n = length - (size_t)(value + 1 - at);
            if (strlen(name) == n && strncmp(value + 1, name, n) == 0) return true;
        }
        at += length + (at[length] == ':');
    }
    return false;
}

/* Whether the collector makes a promise that a case can need. */
static bool promises(const struct gc_collector *collector, const char *word)
{
    static const struct {
        const char *word;
        uint32_t capability;
    } capabilities[] = {
        { "counts", GC_CAP_COUNTS },
        { "cycles", GC_CAP_CYCLES },
        { "finalizers", GC_CAP_FINALIZERS },
        { "freeze", GC_CAP_FREEZE },
        { "generations", GC_CAP_GENERATIONS },
        { "immediate", GC_CAP_IMMEDIATE },
        { "resurrection", GC_CAP_FINALIZERS },
        { "saveall", GC_CAP_SAVE_ALL },
        { "untrack", GC_CAP_UNTRACK },
        { "weak", GC_CAP_WEAK },
    };
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
        if (strcmp(capabilities[i].word, word) == 0)
            return (collector->capabilities & capabilities[i].capability) != 0;
    if (strcmp(word, "automatic") == 0) return collector->on_budget != NULL;
    if (strcmp(word, "checked") == 0) return gc_build_check_level() >= 1;
    if (strcmp(word, "introspection") == 0) return collector->generation_of != NULL;
    if (strcmp(word, "order") == 0) return collector->birth == GC_BIRTH_LINK;
    if (strcmp(word, "observers") == 0 || strcmp(word, "stats") == 0 ||
            strcmp(word, "candidates") == 0)
        return collector->collect != NULL;
    gc_fatal("a case needs %s, which is no promise", word);
}

/* The first promise that is missing, or NULL. */
static const char *missing(
        const struct gc_collector *collector, const struct test_case *test)
{
    for (uint32_t i = 0; i < test->needs_count; i++)
        if (!promises(collector, test->needs[i].text)) return test->needs[i].text;
    return NULL;
}

static bool is_wanted(const struct request *request, const struct test_case *test)
{
    for (int i = 0; i < request->case_count; i++)
        if (strcmp(request->cases[i], test->number) == 0) return true;
    return request->case_count == 0;
}

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "gclab-conformance: %s%s\n", why, what);
    fprintf(stderr, "usage: gclab-conformance --collector NAME[:OPTION=VALUE]... "
                    "[--protocol NAME] [--case NUMBER]... [--list] [--quiet] FILE\n");
    return 2;
}

static int read_request(int argc, char **argv, struct request *ret_request)
{
    static const struct option options[] = {
        { "collector", required_argument, NULL, 'c' },
        { "protocol", required_argument, NULL, 'p' },
        { "case", required_argument, NULL, 'n' },
        { "list", no_argument, NULL, 'l' },
        { "quiet", no_argument, NULL, 'q' },
        { NULL, 0, NULL, 0 },
    };
    struct request request = { 0 };
    for (int c; (c = getopt_long(argc, argv, "c:p:n:lq", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            request.collector = optarg;
            break;
        case 'p':
            request.protocol = optarg;
            break;
        case 'l':
            request.list = true;
            break;
        case 'q':
            request.quiet = true;
            break;
        case 'n':
            if (request.case_count == CASES_WANTED) return usage("too many cases", "");
            request.cases[request.case_count++] = optarg;
            break;
        default:
            return usage("unknown option", "");
        }
    }
    if (optind + 1 != argc) return usage("one file of cases is wanted", "");
    request.file = argv[optind];
    if (request.collector == NULL && !request.list) return usage("which collector?", "");
    *ret_request = request;
    return 0;
}

/* Splits NAME:OPTIONS and finds what it names. */
static int find_subject(const struct request *request, struct subject *ret_subject,
        const struct interpreter **ret_interpreter)
{
    static char name[128];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(request->collector, ":"),
            request->collector);
    const char *options = strchr(request->collector, ':');
    const struct gc_collector *collector = gc_collector_find(name);
    if (collector == NULL) return usage("no such collector: ", name);
    const char *protocol = request->protocol;
    if (protocol == NULL) protocol = collector->protocols[0];
    *ret_subject = (struct subject){
        .collector = collector,
        .protocol = gc_protocol_find(protocol),
        .options = options != NULL ? options + 1 : NULL,
    };
    if (ret_subject->protocol == NULL) return usage("no such protocol: ", protocol);
    for (size_t i = 0; interpreters[i] != NULL; i++)
        if (strcmp(interpreters[i]->protocol, protocol) == 0)
            *ret_interpreter = interpreters[i];
    if (*ret_interpreter == NULL)
        return usage("not compiled for the protocol ", protocol);
    return 0;
}

static int list_cases(const struct request *request, const struct case_file *file)
{
    for (struct test_case *test = file->cases; test != NULL; test = test->next)
        if (is_wanted(request, test)) printf("%4s %s\n", test->number, test->title);
    return 0;
}

/* Runs the cases that are wanted; returns the exit status. */
static int run_cases(const struct request *request, const struct case_file *file)
{
    struct subject subject = { 0 };
    const struct interpreter *interpreter = NULL;
    struct rlimit stack;
    int passed = 0, failed = 0, skipped = 0;
    if (find_subject(request, &subject, &interpreter) != 0) return 2;
    if (getrlimit(RLIMIT_STACK, &stack) != 0) return usage("no limit of the stack", "");
    for (struct test_case *test = file->cases; test != NULL; test = test->next) {
        if (!is_wanted(request, test)) continue;
        const char *promise = missing(subject.collector, test);
        if (promise != NULL) {
            skipped++;
            if (!request->quiet)
                printf("skip %s %s (%s)\n", test->number, test->title, promise);
            continue;
        }
        struct report report = { .path = request->file };
        interpreter->run(file, test, &subject, &report);
        setrlimit(RLIMIT_STACK, &stack);
        *(report.fails > 0 ? &failed : &passed) += 1;
        if (report.fails > 0 || !request->quiet)
            printf("%s %s %s\n%s", report.fails > 0 ? "FAIL" : "ok  ", test->number,
                    test->title, report.text);
        fflush(stdout);
    }
    if (passed + failed + skipped == 0) return usage("no such case", "");
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed > 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct request request = { 0 };
    struct case_file file;
    struct gc_error error;
    int result = read_request(argc, argv, &request);
    if (result != 0) return result;
    if (case_file_read(request.file, &file, &error) != 0)
        result = usage(error.text, "");
    else
        result = request.list ? list_cases(&request, &file) : run_cases(&request, &file);
    case_files_free();
    return result;
}
