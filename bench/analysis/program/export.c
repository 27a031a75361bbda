/* SPDX-License-Identifier: MIT */
/* export.c - `gclab export`: samples as other programs read them. */
#include "bench/analysis/program/export.h"

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/file.h"
#include "bench/text.h"

static const struct format {
    const char *name;
    int (*write)(const struct gc_results *results, const char *name, FILE *file);
} formats[] = {
    { "csv", gc_export_csv }, { "benchmark", gc_export_benchmark },
    { "hlog", gc_export_hlog }, { "running", NULL }, /* a folder: gc_export_running() */
};

enum { FORMATS = sizeof(formats) / sizeof(*formats) };

enum key { KEY_SCHEMA = 0x100 };

static const struct argp_option options[] = {
    { .name = "output",
            .key = 'o',
            .arg = "OUT",
            .doc = "the file; for running a folder that is not there yet (default, and "
                   "-: "
                   "stdout)" },
    { .name = "collector",
            .key = 'c',
            .arg = "SPEC",
            .doc = "only samples of this collector, NAME[@PROTOCOL[:OPTIONS]]" },
    { .name = "workload",
            .key = 'w',
            .arg = "SPEC",
            .doc = "only samples of this workload, NAME[:OPTIONS]" },
    { .name = "threads", .key = 't', .arg = "N", .doc = "only those with N threads" },
    { .name = "schema",
            .key = KEY_SCHEMA,
            .doc = "prints the fields of csv, with units and meanings, as CSV" },
    { .name = NULL },
};

struct request {
    const struct format *format;
    const char *path, *output;
    struct gc_results_filter filter;
    bool schema;
};

static const struct format *find_format(const char *name, struct argp_state *state)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0) return &formats[i];
    argp_error(state, "there is no format '%s'; there are: csv, benchmark, hlog, running",
            name);
    return NULL;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'o':
        request->output = strcmp(argument, "-") == 0 ? NULL : argument;
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
    case KEY_SCHEMA:
        request->schema = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->format == NULL)
            request->format = find_format(argument, state);
        else if (request->path == NULL)
            request->path = argument;
        else
            argp_error(state, "one FILE at a time");
        return 0;
    case ARGP_KEY_END:
        if (request->schema) return 0;
        if (request->format == NULL)
            argp_error(state, "the format is missing: csv, benchmark, hlog or running");
        if (request->path == NULL) argp_error(state, "a FILE of samples is missing");
        if (request->format->write == NULL && request->output == NULL)
            argp_error(state, "running makes a folder: -o FOLDER is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FORMAT FILE [-o OUT]\n--schema",
    .doc = "Writes the samples of FILE (of `gclab run --json`; -: stdin), or of the "
           "folder "
           "of a sweep, as other programs read them.\v"
           "Formats:\n"
           "  csv        one row a sample, for pandas, R, spreadsheets (--schema)\n"
           "  benchmark  JSON as of Google Benchmark, for its compare.py\n"
           "  hlog       a log of HdrHistogram, of stalls and latencies\n"
           "  running    logs as of running-ng, for plotty, in a folder\n\n"
           "What is written is there as a whole or not at all. Exit status: 2 usage, 3 a "
           "bad file, 4 OUT can't be written.",
};

static int write_output(const char *path, const char *text, size_t length)
{
    if (path == NULL) {
        fwrite(text, 1, length, stdout);
        return GC_EXIT_OK;
    }
    int result = gc_file_write(path, text, length, GC_FILE_REPLACE);
    if (result == 0) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_ENVIRONMENT, "%s: %s", path, strerror(-result));
}

static int write_format(const struct request *request, const struct gc_results *results)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL) return gc_complain(GC_EXIT_ENVIRONMENT, "no memory");
    int status = request->format->write(results, request->path, file);
    if (fclose(file) != 0) status = gc_complain(GC_EXIT_ENVIRONMENT, "no memory");
    if (status == GC_EXIT_OK) status = write_output(request->output, text, length);
    free(text);
    return status;
}

static int run(int argc, char **argv)
{
    struct request request = { .format = NULL };
    if (argp_parse(&argp, argc, argv, 0, NULL, &request) != 0) return GC_EXIT_USAGE;
    if (request.schema) {
        gc_export_csv_schema(stdout);
        return GC_EXIT_OK;
    }
    struct gc_results results = { .items = NULL };
    int status = gc_results_read(request.path, &results);
    if (status == GC_EXIT_OK)
        status = gc_results_filter(&results, request.path, &request.filter);
    if (status == GC_EXIT_OK)
        status = request.format->write != NULL
                         ? write_format(&request, &results)
                         : gc_export_running(&results, request.output);
    gc_results_finish(&results);
    return status;
}

const struct gc_command gc_command_export = {
    .name = "export",
    .summary = "write samples as other programs read them",
    .argp = &argp,
    .run = run,
};
