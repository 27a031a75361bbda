/* SPDX-License-Identifier: MIT */
/* show.c - gclab show: a collection of a small heap, step by step, as a page.
 *
 * The heap is a conformance case, so that its objects have names; the interpreter of those runs
 * it, and takes the pictures. It is a program of the checked flavour: in release builds nobody
 * can watch. */
#include <stdlib.h>
#include <string.h>

#include "bench/become.h"
#include "bench/command.h"
#include "bench/place.h"
#include "bench/spec.h"
#include "bench/text.h"

#define INTERPRETER "gclab-checked-conformance"

/* Installed, it is beside this program. In a build it has a folder, and a release build may have
 * the checked one for a neighbour (tests/run builds both). */
static const char *const folders[] = {
    ".",
    "../tests/conformance",
    "../../build-checked/tests/conformance",
    NULL,
};

enum { PLUGINS_MOST = 16 };

static const struct argp_option options[] = {
    { .name = "collector",
            .key = 'c',
            .arg = "SPEC",
            .doc = "who collects, NAME[@PROTOCOL][:OPTION=VALUE]..., or a plugin's "
                   "FILE.so "
                   "instead of the NAME (default: generational)" },
    { .name = "plugin",
            .key = 'p',
            .arg = "FILE",
            .doc = "loads a plugin, as one that brings a protocol; may be repeated" },
    { .name = "case",
            .key = 'n',
            .arg = "NUMBER",
            .doc = "of a file of several cases (default: the first)" },
    { .name = "output",
            .key = 'o',
            .arg = "FILE",
            .doc = "the page (default: NAME.html)" },
    { .name = "svg",
            .key = 's',
            .arg = "STEM",
            .doc = "each step also as a file STEM-NN.svg" },
    { .name = NULL },
};

struct request {
    const char *what, *collector, *number, *page, *stem;
    const char *plugins[PLUGINS_MOST];
    size_t plugin_count;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'c':
        request->collector = argument;
        return 0;
    case 'p':
        if (request->plugin_count == PLUGINS_MOST) argp_error(state, "too many plugins");
        request->plugins[request->plugin_count++] = argument;
        return 0;
    case 'n':
        request->number = argument;
        return 0;
    case 'o':
        request->page = argument;
        return 0;
    case 's':
        request->stem = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (request->what != NULL) argp_error(state, "one heap at a time");
        request->what = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->what == NULL)
            argp_error(state, "what to show is missing: article, rings, finalizer, or a "
                              "FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "article|rings|finalizer|FILE",
    .doc = "Shows a collection of a small heap, step by step: objects, references, "
           "counts, and "
           "the lists or marks of the collector, as a page with Back and Forward.\v"
           "article is the example of CPython's documentation, rings three rings, "
           "finalizer one "
           "that a finalizer saves. A FILE (it has a slash or a point in its name) holds "
           "conformance cases, see tests/conformance/README.md. Exit status: 0 the page "
           "is "
           "there, 1 the case did not pass, 2 usage, 3 a bad file, 4 the environment.",
};

/* The file of what is to be shown; free with free(). NULL: there is none, which was said. */
static char *find_file(const char *what)
{
    static const char *const names[] = { "article", "finalizer", "rings", NULL };
    if (strpbrk(what, "/.") != NULL) return gc_need_text("%s", what);
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(what, names[i]) != 0) continue;
        char *name = gc_need_text("show/%s.txt", what);
        char *path = gc_place_find(name);
        free(name);
        return path;
    }
    gc_complain_unknown("heap", what, names);
    return NULL;
}

/* "folder/mine.txt": "mine.html" */
static char *page_of(const char *what)
{
    const char *slash = strrchr(what, '/'), *name = slash != NULL ? slash + 1 : what;
    return gc_need_text("%.*s.html", (int)strcspn(name, "."), name);
}

static int become(const struct request *request, const char *file, const char *page)
{
    const char *arguments[16 + 2 * PLUGINS_MOST] = { "gclab show", "--collector",
        request->collector != NULL ? request->collector : "generational", "--show",
        page };
    size_t n = 5;
    if (request->number != NULL) {
        arguments[n++] = "--case";
        arguments[n++] = request->number;
    }
    if (request->stem != NULL) {
        arguments[n++] = "--svg";
        arguments[n++] = request->stem;
    }
    for (size_t i = 0; i < request->plugin_count; i++) {
        arguments[n++] = "--plugin";
        arguments[n++] = request->plugins[i];
    }
    arguments[n] = file;
    return gc_become(
            INTERPRETER, folders, GC_BECOME_CHECKED, (char **)(uintptr_t)arguments);
}

static int run(int argc, char **argv)
{
    struct request request = { .what = NULL };
    if (argp_parse(&argp, argc, argv, 0, NULL, &request) != 0) return GC_EXIT_USAGE;
    char *file = find_file(request.what);
    if (file == NULL) return GC_EXIT_USAGE;
    char *page = request.page != NULL ? gc_need_text("%s", request.page)
                                      : page_of(request.what);
    int status = become(&request, file, page);
    free(page);
    free(file);
    return status;
}

const struct gc_command gc_command_show = {
    .name = "show",
    .summary = "show a collection of a small heap, step by step",
    .argp = &argp,
    .run = run,
};
