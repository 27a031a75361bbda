/* SPDX-License-Identifier: MIT */
/* main.c - gclab-analysis: `gclab compare`, `export`, `report` and `reproduce`.
 *
 * `gclab` becomes this program, and leaves its own name and the command's in argv[0] ("gclab
 * compare"). On its own the program takes the command as its first argument. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/standard.h"
#include "bench/text.h"

static const struct gc_command *const commands[] = {
    &gc_command_compare,
    &gc_command_report,
    &gc_command_export,
    &gc_command_reproduce,
    NULL,
};

static const struct gc_command *find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static void print_commands(FILE *file)
{
    fputs("Usage: gclab-analysis COMMAND [ARGUMENT]...\n"
          "What samples of `gclab run --json` and `gclab sweep` say.\n\nCommands:\n",
            file);
    for (size_t i = 0; commands[i] != NULL; i++)
        fprintf(file, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
}

static int run_own(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return GC_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_commands(stdout);
        return GC_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts(argp_program_version);
        return GC_EXIT_OK;
    }
    const struct gc_command *command = find(argv[1]);
    if (command == NULL)
        return gc_complain(GC_EXIT_USAGE,
                "unknown command '%s'; there are compare, report, export, reproduce",
                argv[1]);
    char *name = gc_need_text("gclab %s", command->name);
    argv[1] = name;
    int status = command->run(argc - 1, argv + 1);
    free(name);
    return status;
}

int main(int argc, char **argv)
{
    gc_standard_begin();
    argp_program_version = "gclab-analysis " GCLAB_VERSION;
    argp_err_exit_status = GC_EXIT_USAGE;
    const char *word = argc > 0 ? strchr(argv[0], ' ') : NULL;
    const struct gc_command *command = word != NULL ? find(word + 1) : NULL;
    return gc_standard_end(
            command != NULL ? command->run(argc, argv) : run_own(argc, argv));
}
