/* SPDX-License-Identifier: MIT */
/* report.c - `gclab report`: a page with figures and tables of samples. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/analysis/program/page.h"
#include "bench/command.h"
#include "bench/file.h"
#include "bench/text.h"

#define SUFFIX ".html"

enum key { KEY_TITLE = 0x100 };

static const struct argp_option options[] = {
    { .name = "output",
            .key = 'o',
            .arg = "REPORT.html",
            .doc = "the page (required); its figures are REPORT-NAME.svg beside it" },
    { .name = "title", .key = KEY_TITLE, .arg = "TEXT", .doc = "the heading" },
    { .name = "collector",
            .key = 'c',
            .arg = "SPEC",
            .doc = "only samples of this collector, NAME[@PROTOCOL[:OPTIONS]]" },
    { .name = "workload",
            .key = 'w',
            .arg = "SPEC",
            .doc = "only samples of this workload, NAME[:OPTIONS]" },
    { .name = "threads", .key = 't', .arg = "N", .doc = "only those with N threads" },
    { .name = NULL },
};

struct request {
    const char *path, *output, *title;
    struct gc_results_filter filter;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'o':
        request->output = argument;
        return 0;
    case KEY_TITLE:
        request->title = argument;
        return 0;
    case 'c':
        request->filter.spec = argument;
        return 0;
    case 'w':
        request->filter.program = argument;
        return 0;
    case 't':
        if (!gc_results_filter_threads(&request->filter, argument))
            argp_error(state, "-t takes a number of threads, not '%s'", argument);
        return 0;
    case ARGP_KEY_ARG:
        if (request->path != NULL) argp_error(state, "one FILE at a time");
        request->path = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->path == NULL) argp_error(state, "a FILE of samples is missing");
        if (request->output == NULL) argp_error(state, "-o REPORT.html is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FILE -o REPORT.html",
    .doc = "Makes a page of the samples of FILE (of `gclab run --json`; -: stdin), or of "
           "the folder of a sweep: which collector is best, figures with intervals, and "
           "the tables behind them. It needs no network, and no other file.\v"
           "Exit status: 2 usage, 3 a bad file, 4 the page can't be written.",
};

/* The page's name without its suffix. */
static char *stem_of(const char *path)
{
    size_t length = strlen(path), suffix = strlen(SUFFIX);
    if (length > suffix && strcmp(path + length - suffix, SUFFIX) == 0) length -= suffix;
    return gc_need_text("%.*s", (int)length, path);
}

static const char *without_folders(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Calls what writes, and puts it into a file. 0 or -errno. */
static int write_file(
        const char *path, const struct gc_figure *figure, const struct gc_page *page)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL) return -errno;
    if (figure != NULL)
        gc_figure_draw(figure, true, file);
    else
        gc_page_write(page, file);
    int result = fclose(file) != 0 ? -ENOMEM : 0;
    if (result == 0) result = gc_file_write(path, text, length, GC_FILE_REPLACE);
    free(text);
    return result;
}

/* Figures first: where there is a page, there are its figures. If one can't be written, those
 * before it go again. */
static int write_all(const struct gc_page *page, const char *output, const char *stem)
{
    const struct gc_figures *figures = page->figures;
    size_t written = 0;
    char *path = NULL;
    int result = 0;
    while (written < figures->count && result == 0) {
        const struct gc_figure *figure = &figures->items[written];
        free(path);
        path = gc_need_text("%s-%s.svg", stem, figure->name);
        result = write_file(path, figure, page);
        if (result == 0) written++;
    }
    if (result == 0) {
        free(path);
        path = gc_need_text("%s", output);
        result = write_file(path, NULL, page);
    }
    for (size_t i = 0; i < written && result != 0; i++) {
        char *made = gc_need_text("%s-%s.svg", stem, figures->items[i].name);
        unlink(made);
        free(made);
    }
    int status = GC_EXIT_OK;
    if (result != 0)
        status = gc_complain(GC_EXIT_ENVIRONMENT, "%s: %s", path, strerror(-result));
    free(path);
    return status;
}

static int report(
        const struct request *request, const char *command, struct gc_results *results)
{
    struct gc_groups groups = gc_groups_of(results);
    struct gc_figures figures = gc_figures_of(&groups);
    struct gc_cautions cautions = { .items = NULL };
    gc_cautions_add(&cautions, request->path, results);
    char *stem = stem_of(request->output);
    struct gc_page page = {
        .title = request->title != NULL ? request->title : "gclab: collectors compared",
        .source = request->path,
        .command = command,
        .results = results,
        .groups = &groups,
        .figures = &figures,
        .cautions = &cautions,
        .stem = without_folders(stem),
    };
    int status = figures.count > 0 ? write_all(&page, request->output, stem)
                                   : gc_complain(GC_EXIT_FILE,
                                             "%s: no sample has ended well and was timed",
                                             request->path);
    if (status == GC_EXIT_OK) gc_cautions_print(&cautions);
    free(stem);
    gc_cautions_finish(&cautions);
    gc_figures_finish(&figures);
    gc_groups_finish(&groups);
    return status;
}

static int run(int argc, char **argv)
{
    struct request request = { .path = NULL };
    char *command = gc_need_text("%s", argv[0]);
    for (int i = 1; i < argc; i++) /* argp puts them into another order */
        command = gc_text_with_word(command, " ", argv[i]);
    int status = argp_parse(&argp, argc, argv, 0, NULL, &request) != 0 ? GC_EXIT_USAGE
                                                                       : GC_EXIT_OK;
    struct gc_results results = { .items = NULL };
    if (status == GC_EXIT_OK) status = gc_results_read(request.path, &results);
    if (status == GC_EXIT_OK)
        status = gc_results_filter(&results, request.path, &request.filter);
    if (status == GC_EXIT_OK) status = report(&request, command, &results);
    gc_results_finish(&results);
    free(command);
    return status;
}

const struct gc_command gc_command_report = {
    .name = "report",
    .summary = "make a page with figures of samples",
    .argp = &argp,
    .run = run,
};
