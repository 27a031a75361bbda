/* SPDX-License-Identifier: MIT */
/* main.c - gclab: the command line, up to the name of the subcommand. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/plugins.h"
#include "bench/spec.h"
#include "bench/standard.h"
#include "bench/text.h"

static int help(int argc, char **argv);

static const struct argp help_argp = {
    .args_doc = "[COMMAND]",
    .doc = "Explains a command.",
};

static const struct gc_command command_help = {
    .name = "help",
    .summary = "explain a command",
    .argp = &help_argp,
    .run = help,
};

static const struct gc_command *const commands[] = {
    &gc_command_list,
    &gc_command_info,
    &gc_command_run,
    &gc_command_sweep,
    &gc_command_minheap,
    &gc_command_env,
    &gc_command_compare,
    &gc_command_report,
    &gc_command_export,
    &gc_command_reproduce,
    &gc_command_import,
    &gc_command_new,
    &gc_command_check,
    &gc_command_explain,
    &gc_command_show,
    &command_help,
    &gc_command_sample,
    NULL,
};

static const struct gc_command *find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static int complain_command(const char *name)
{
    const char *names[sizeof(commands) / sizeof(commands[0])];
    size_t n = 0;
    for (size_t i = 0; commands[i] != NULL; i++)
        if (commands[i]->summary != NULL) names[n++] = commands[i]->name;
    names[n] = NULL;
    return gc_complain_unknown("command", name, names);
}

/* The commands, below the options in --help. */
static char *filter(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) return (char *)(uintptr_t)text;
    char *all = gc_need_text("%s", "Commands:\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (commands[i]->summary == NULL) continue;
        char *longer = gc_need_text(
                "%s  %-8s %s\n", all, commands[i]->name, commands[i]->summary);
        free(all);
        all = longer;
    }
    return all;
}

struct request {
    const struct gc_command *command;
    int first; /* index of the command's name */
    int status;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        request->command = find(argument);
        request->first = state->next - 1;
        state->next = state->argc; /* the rest is the command's */
        if (request->command != NULL) return 0;
        request->status = complain_command(argument);
        return ECANCELED;
    case ARGP_KEY_NO_ARGS:
        argp_state_help(state, stderr, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK);
        request->status = GC_EXIT_USAGE;
        return ECANCELED;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "COMMAND [ARGUMENT]...",
    .doc = "A laboratory for reference counting and cycle collection.\v"
           "Commands",
    .help_filter = filter,
};

static int help(int argc, char **argv)
{
    if (argc > 2) return gc_complain(GC_EXIT_USAGE, "help takes one command at most");
    char program[] = "gclab";
    if (argc < 2) {
        argp_help(
                &argp, stdout, ARGP_HELP_USAGE | ARGP_HELP_DOC | ARGP_HELP_LONG, program);
        return GC_EXIT_OK;
    }
    const struct gc_command *command = find(argv[1]);
    if (command == NULL || command->argp == NULL) return complain_command(argv[1]);
    char *name = gc_need_text("gclab %s", command->name);
    bool is_elsewhere = command->argp->options == NULL && command->argp->parser == NULL;
    if (is_elsewhere && command != &command_help) {
        char *arguments[] = { name, (char[]){ "--help" }, NULL };
        return command->run(2, arguments); /* another program's, which it becomes */
    }
    argp_help(command->argp, stdout, ARGP_HELP_USAGE | ARGP_HELP_DOC | ARGP_HELP_LONG,
            name);
    free(name);
    return GC_EXIT_OK;
}

int main(int argc, char **argv)
{
    gc_standard_begin();
    argv[0] = program_invocation_short_name; /* what getopt() calls us */
    argp_program_version = "gclab " GCLAB_VERSION;
    argp_err_exit_status = GC_EXIT_USAGE;
    gc_plugins_start();
    struct request request = { .status = GC_EXIT_OK };
    error_t error = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &request);
    if (request.status != GC_EXIT_OK) return request.status;
    if (error != 0 || request.command == NULL) return GC_EXIT_USAGE;

    /* argp takes the program's name from here: "gclab run: unrecognized option" */
    char *name = gc_need_text("gclab %s", request.command->name);
    argv[request.first] = name;
    int status = request.command->run(argc - request.first, argv + request.first);
    free(name);
    return gc_standard_end(status);
}
