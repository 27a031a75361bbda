/* SPDX-License-Identifier: MIT */
/* import.c - `gclab import`: takes a snapshot of a real program's heap.
 *
 * The work is done by a script that runs inside the other system; this command finds it
 * and becomes it, so its exit status is this command's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/place.h"
#include "bench/spec.h"
#include "bench/text.h"

#define DUMPER  "import/cpython_dump.py"
#define PYTHON3 "/usr/bin/python3"

enum key { KEY_PYTHON = 0x100 };

static const struct argp_option options[] = {
    { .name = "output", .key = 'o', .arg = "FILE", .doc = "the snapshot (required)" },
    { .name = "python",
            .key = KEY_PYTHON,
            .arg = "PATH",
            .doc = "the interpreter, CPython 3.11 (default: " PYTHON3 ")" },
    { .name = NULL },
};

struct request {
    const char *system, *output, *python;
    int rest; /* index of the script */
    int status;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    static const char *const systems[] = { "cpython", NULL };
    struct request *request = state->input;
    switch (key) {
    case 'o':
        request->output = argument;
        return 0;
    case KEY_PYTHON:
        request->python = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (request->system == NULL) {
            if (strcmp(argument, systems[0]) != 0) {
                request->status = gc_complain_unknown("system", argument, systems);
                return ECANCELED;
            }
            request->system = argument;
            return 0;
        }
        request->rest = state->next - 1; /* it and all behind it are the script's */
        state->next = state->argc;
        return 0;
    case ARGP_KEY_END:
        if (request->system == NULL)
            argp_error(state, "what to import is missing: cpython");
        if (request->output == NULL) argp_error(state, "-o FILE is missing");
        if (request->rest == 0) argp_error(state, "the script is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "cpython -o FILE -- SCRIPT [ARGUMENT]...",
    .doc = "Runs a script under CPython 3.11 and writes the graph of its heap to FILE, "
           "for "
           "the workload 'snapshot'.\v"
           "Exit status: 2 usage, 3 a bad file or script, 4 the environment.",
};

static int run(int argc, char **argv)
{
    struct request request = { .python = PYTHON3 };
    error_t error = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &request);
    if (request.status != GC_EXIT_OK) return request.status;
    if (error != 0) return GC_EXIT_USAGE;
    if (access(argv[request.rest], R_OK) != 0)
        return gc_complain(GC_EXIT_FILE, "%s: %s", argv[request.rest], strerror(errno));
    char *dumper = gc_place_find(DUMPER);
    if (dumper == NULL) return GC_EXIT_ENVIRONMENT;

    const char **arguments =
            gc_need((size_t)(argc - request.rest + 6) * sizeof(*arguments));
    size_t n = 0;
    arguments[n++] = request.python;
    arguments[n++] = dumper;
    arguments[n++] = "-o";
    arguments[n++] = request.output;
    arguments[n++] = "--";
    for (int i = request.rest; i < argc; i++)
        arguments[n++] = argv[i];
    fflush(NULL);
    execv(request.python, (char *const *)arguments);
    int status = gc_complain(
            GC_EXIT_ENVIRONMENT, "%s can't be run: %s", request.python, strerror(errno));
    free(arguments);
    free(dumper);
    return status;
}

const struct gc_command gc_command_import = {
    .name = "import",
    .summary = "take a snapshot of a real program's heap",
    .argp = &argp,
    .run = run,
};
