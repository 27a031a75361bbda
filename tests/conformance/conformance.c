/* SPDX-License-Identifier: MIT */
/* conformance.c - runs the cases that a collector promises on that collector.
 *
 *   gclab-conformance --collector SPEC [--protocol NAME] [--plugin FILE]...
 *                     [--case NUMBER]... [--list] [--quiet] [--in-process]
 *                     [--show PAGE [--svg STEM]] [FILE]
 *
 * SPEC is what `gclab run -c` takes: a name or a plugin's file, with options. A plugin may
 * bring a protocol, with the interpreter compiled for it. Without a FILE the cases are those that gclab was installed with. A case runs in a process of its own,
 * so that a crash is a failure of that case alone; --in-process runs all in one, for
 * debuggers and leak checkers. --show runs one case, the first that is wanted, and makes a page
 * of pictures of its collections, with --svg also a file STEM-NN.svg of each (`gclab show`).
 *
 * CONFORMANCE_PROTOCOLS names the protocols that the interpreter was compiled for, as
 * X(plain) X(bare). Exit status: 0 all passed, 1 a case failed, 2 usage, 3 a bad file.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/place.h"
#include "bench/plugins.h"
#include "bench/spec.h"
#include "bench/text.h"
#include "core/collector.h"
#include "core/plugin.h"
#include "tests/conformance/conformance.h"
#include "tests/conformance/film.h"

#define X(protocol) extern const struct gc_part gc_part_conformance_##protocol;
CONFORMANCE_PROTOCOLS
#undef X

static const struct gc_part *const interpreters[] = {
#define X(protocol) &gc_part_conformance_##protocol,
    CONFORMANCE_PROTOCOLS
#undef X
            NULL,
};

enum { CASES_WANTED = 64, PLUGINS_WANTED = 16, PROMISES = 32 };

struct request {
    const char *collector, *protocol, *file;
    const char *cases[CASES_WANTED], *plugins[PLUGINS_WANTED];
    int case_count, plugin_count;
    const char *page, *stem; /* of what is filmed, or NULL */
    bool list, quiet, in_process;
};

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
    gc_complain(GC_EXIT_USAGE, "%s%s", why, what);
    fprintf(stderr, "usage: gclab-conformance --collector SPEC [--protocol NAME] "
                    "[--plugin FILE]... [--case NUMBER]... [--list] [--quiet] "
                    "[--in-process] [--show PAGE [--svg STEM]] [FILE]\n");
    return GC_EXIT_USAGE;
}

static int read_request(int argc, char **argv, struct request *ret_request)
{
    static const struct option options[] = {
        { "collector", required_argument, NULL, 'c' },
        { "protocol", required_argument, NULL, 'p' },
        { "plugin", required_argument, NULL, 'P' },
        { "case", required_argument, NULL, 'n' },
        { "list", no_argument, NULL, 'l' },
        { "quiet", no_argument, NULL, 'q' },
        { "in-process", no_argument, NULL, 'i' },
        { "show", required_argument, NULL, 's' },
        { "svg", required_argument, NULL, 'v' },
        { NULL, 0, NULL, 0 },
    };
    struct request request = { 0 };
    for (int c; (c = getopt_long(argc, argv, "c:p:n:lqi", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            request.collector = optarg;
            break;
        case 'p':
            request.protocol = optarg;
            break;
        case 'P':
            if (request.plugin_count == PLUGINS_WANTED)
                return usage("too many plugins", "");
            request.plugins[request.plugin_count++] = optarg;
            break;
        case 'l':
            request.list = true;
            break;
        case 'q':
            request.quiet = true;
            break;
        case 'i':
            request.in_process = true;
            break;
        case 's':
            request.page = optarg;
            break;
        case 'v':
            request.stem = optarg;
            break;
        case 'n':
            if (request.case_count == CASES_WANTED) return usage("too many cases", "");
            request.cases[request.case_count++] = optarg;
            break;
        default:
            return usage("unknown option", "");
        }
    }
    if (optind + 1 < argc) return usage("one file of cases at most", "");
    request.file = argv[optind]; /* or NULL */
    if (request.collector == NULL && !request.list) return usage("which collector?", "");
    *ret_request = request;
    return 0;
}

/* Reads the SPEC, with --protocol put into it. An enum gc_exit. */
static int read_spec(const struct request *request, struct gc_collector_spec *ret_spec)
{
    const char *text = request->collector;
    if (request->protocol == NULL) return gc_collector_spec_parse(text, ret_spec);
    size_t name = gc_plugins_file(text);
    name += strcspn(text + name, "@:");
    if (text[name] == '@') return usage("two protocols: ", text);
    char *whole =
            gc_need_text("%.*s@%s%s", (int)name, text, request->protocol, text + name);
    int status = gc_collector_spec_parse(whole, ret_spec);
    free(whole);
    return status;
}

static const struct interpreter *find_interpreter(const char *protocol)
{
    for (size_t i = 0; interpreters[i] != NULL; i++)
        if (strcmp(interpreters[i]->protocol, protocol) == 0)
            return interpreters[i]->what;
    return gc_part_find("conformance", protocol, INTERPRETER_VERSION);
}

static int list_cases(const struct request *request, const struct case_file *file)
{
    for (struct test_case *test = file->cases; test != NULL; test = test->next)
        if (is_wanted(request, test)) printf("%4s %s\n", test->number, test->title);
    return 0;
}

/* Says what a case promised and what was seen. */
static void print_failure(const struct test_case *test, const char *text)
{
    printf("FAIL %s %s\n     promised by:", test->number, test->title);
    for (uint32_t i = 0; i < test->needs_count; i++)
        printf(" %s", test->needs[i].text);
    printf("%s\n%s", test->needs_count == 0 ? " every collector" : "", text);
    fflush(stdout);
}

/* Runs a case here; what failed is printed. */
static bool run_here(const struct case_file *file, struct test_case *test,
        const struct subject *subject, const struct interpreter *interpreter)
{
    struct report report = { .path = file->path };
    interpreter->run(file, test, subject, &report);
    if (report.fails > 0) print_failure(test, report.text);
    return report.fails == 0;
}

/* The same in a process of its own. */
static bool run_apart(const struct case_file *file, struct test_case *test,
        const struct subject *subject, const struct interpreter *interpreter)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        bool passed = run_here(file, test, subject, interpreter);
        fflush(NULL);
        _exit(passed ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        print_failure(test, "     seen: no process could be made\n");
        return false;
    }
    if (WIFSIGNALED(status)) {
        char text[256];
        snprintf(text, sizeof(text), "     seen: the case was killed by SIG%s\n",
                sigabbrev_np(WTERMSIG(status)));
        print_failure(test, text);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* How a promise was kept. */
struct promise {
    const char *word;
    int run, failed;
};

static void count_promises(
        const struct test_case *test, bool passed, struct promise promises[PROMISES])
{
    for (uint32_t i = 0; i < test->needs_count; i++) {
        struct promise *p = promises;
        while (p->word != NULL && strcmp(p->word, test->needs[i].text) != 0)
            p++;
        p->word = test->needs[i].text;
        p->run++;
        p->failed += !passed;
    }
}

static double failed_share(const struct promise *promise)
{
    return promise->word != NULL ? (double)promise->failed / promise->run : 0;
}

/* Why it failed, in a sentence: the promises whose cases failed, the worst first. Uses them
 * up. */
static void print_verdict(const char *label, struct promise promises[PROMISES])
{
    const char *before = "";
    printf("%s does not keep what it promises:", label);
    for (;;) {
        struct promise *worst = promises;
        for (int i = 0; i < PROMISES; i++)
            if (failed_share(&promises[i]) > failed_share(worst)) worst = &promises[i];
        if (failed_share(worst) == 0) break;
        printf("%s %s (%d of %d cases that need it failed)", before, worst->word,
                worst->failed, worst->run);
        worst->failed = 0;
        before = ",";
    }
    puts(*before == '\0' ? " what every collector owes" : "");
}

static const struct interpreter *need_interpreter(const struct gc_collector_spec *spec)
{
    const struct interpreter *interpreter = find_interpreter(spec->protocol_name);
    if (interpreter == NULL)
        gc_complain(GC_EXIT_USAGE,
                "the cases are not compiled for protocol '%s'; if a plugin has them, "
                "give "
                "its file with --plugin",
                spec->protocol_name);
    return interpreter;
}

static struct subject subject_of(const struct gc_collector_spec *spec)
{
    return (struct subject){
        .collector = spec->collector,
        .protocol = spec->protocol,
        .options = spec->options,
    };
}

/* Films a case, and writes what was seen. */
static int film_case(const struct request *request, const struct case_file *file,
        struct test_case *test, const struct gc_collector_spec *spec)
{
    const struct interpreter *interpreter = need_interpreter(spec);
    struct subject subject = subject_of(spec);
    struct film film = { .pictures = NULL };
    const struct camera camera = { &film, film_shoot, film_id, film_develop };
    if (interpreter == NULL) return GC_EXIT_USAGE;
    subject.camera = &camera;
    snprintf(film.title, sizeof(film.title), "%s", test->title);
    snprintf(film.subject, sizeof(film.subject), "%s", spec->label);
    bool passed = run_here(file, test, &subject, interpreter);
    int status = passed ? GC_EXIT_OK : GC_EXIT_FAILED;
    int result = film.count > 0 ? film_write(&film, request->page, request->stem) : 0;
    if (film.count == 0)
        status = gc_complain(
                GC_EXIT_FILE, "%s: case %s collects nothing", file->path, test->number);
    else if (result < 0)
        status = gc_complain(
                GC_EXIT_ENVIRONMENT, "%s: %s", request->page, strerror(-result));
    else if (!request->quiet)
        printf("%s: %u steps\n", request->page, film.count);
    film_finish(&film);
    return status;
}

static int show_case(const struct request *request, const struct case_file *file,
        const struct gc_collector_spec *spec)
{
    if (gc_build_check_level() == 0)
        return gc_complain(GC_EXIT_ENVIRONMENT,
                "collections can be watched in builds that check something alone");
    for (struct test_case *test = file->cases; test != NULL; test = test->next) {
        if (!is_wanted(request, test)) continue;
        const char *promise = missing(spec->collector, test);
        if (promise == NULL) return film_case(request, file, test, spec);
        return gc_complain(GC_EXIT_USAGE, "%s does not promise %s, which case %s needs",
                spec->label, promise, test->number);
    }
    return usage("no such case", "");
}

/* Runs the cases that are wanted; returns the exit status. */
static int run_cases(const struct request *request, const struct case_file *file,
        const struct gc_collector_spec *spec)
{
    struct subject subject = subject_of(spec);
    const struct interpreter *interpreter = need_interpreter(spec);
    struct promise promises[PROMISES] = { 0 };
    struct rlimit stack;
    int passed = 0, failed = 0, skipped = 0;
    if (interpreter == NULL) return GC_EXIT_USAGE;
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
        bool good = (request->in_process ? run_here : run_apart)(
                file, test, &subject, interpreter);
        setrlimit(RLIMIT_STACK, &stack);
        *(good ? &passed : &failed) += 1;
        if (good && !request->quiet) printf("ok   %s %s\n", test->number, test->title);
        fflush(stdout);
        count_promises(test, good, promises);
    }
    if (passed + failed + skipped == 0) return usage("no such case", "");
    if (failed > 0) print_verdict(spec->label, promises);
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed > 0 ? 1 : 0;
}

static int run_file(const struct request *request, const char *path)
{
    struct case_file file;
    struct gc_collector_spec spec;
    struct gc_error error;
    int status = GC_EXIT_OK;
    if (case_file_read(path, &file, &error) != 0)
        status = gc_complain(GC_EXIT_FILE, "%s", error.text);
    else if (request->list)
        status = list_cases(request, &file);
    else if ((status = read_spec(request, &spec)) == GC_EXIT_OK) {
        status = (request->page != NULL ? show_case : run_cases)(request, &file, &spec);
        gc_collector_spec_finish(&spec);
    }
    case_files_free();
    return status;
}

int main(int argc, char **argv)
{
    struct request request = { 0 };
    int status = read_request(argc, argv, &request);
    if (status != 0) return status;
    gc_plugins_start();
    for (int i = 0; i < request.plugin_count; i++) {
        const struct gc_plugin *plugin;
        status = gc_plugins_load(request.plugins[i], &plugin);
        if (status != GC_EXIT_OK) return status;
    }
    if (request.file != NULL) return run_file(&request, request.file);
    char *path = gc_place_find("conformance/cases.txt");
    if (path == NULL) return GC_EXIT_ENVIRONMENT;
    status = run_file(&request, path);
    free(path);
    return status;
}
