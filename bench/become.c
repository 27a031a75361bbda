/* SPDX-License-Identifier: MIT */
/* become.c - gclab compare, report, export, reproduce: hands over to gclab-analysis.
 *
 * That is a program of its own because it links GSL, whose licence what loads plugins can't
 * take on (bench/analysis/). It lies beside this one; in a build, in a folder of its own. */
#include "bench/become.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/place.h"
#include "bench/text.h"

#define ANALYSIS "gclab-analysis"

static const char *const folders[] = { ".", "analysis/program", NULL };

int gc_become(const char *program, const char *const *places, const char *needs,
        char *const *argv)
{
    char *path = gc_place_program(program, places);
    const char *space = strchr(argv[0], ' ');
    if (path == NULL)
        return gc_complain(GC_EXIT_ENVIRONMENT, "%s needs %s",
                space != NULL ? space + 1 : argv[0], needs);
    /* which one it may run: this, and not the other flavour's */
    char *self = gc_place_self();
    setenv("GCLAB_PROGRAM", self, 1);
    free(self);
    fflush(NULL);
    execv(path, argv);
    int status = gc_complain(GC_EXIT_ENVIRONMENT, "%s: %s", path, strerror(errno));
    free(path);
    return status;
}

static int run(int argc, char **argv)
{
    (void)argc;
    return gc_become(ANALYSIS, folders,
            "the program " ANALYSIS " beside this one: install gclab, or build it", argv);
}

static const struct argp compare_argp = {
    .args_doc = "A B\nFILE --baseline SPEC",
    .doc = "Compares samples: ratios of means with intervals, and verdicts.\v"
           "`gclab compare --help` lists the options.",
};

static const struct argp report_argp = {
    .args_doc = "FILE -o REPORT.html",
    .doc = "Makes a page with figures and tables of samples.\v"
           "`gclab report --help` lists the options.",
};

static const struct argp export_argp = {
    .args_doc = "FORMAT FILE -o OUT",
    .doc = "Writes samples as other programs read them.\v"
           "`gclab export --help` lists the formats.",
};

static const struct argp reproduce_argp = {
    .args_doc = "PAPER... [--quick] [-o FOLDER]",
    .doc = "Runs the experiments of papers, and grades their claims.\v"
           "`gclab reproduce --help` lists the options.",
};

const struct gc_command gc_command_reproduce = {
    .name = "reproduce",
    .summary = "run the experiments of papers, and grade their claims",
    .argp = &reproduce_argp,
    .run = run,
};

const struct gc_command gc_command_compare = {
    .name = "compare",
    .summary = "compare samples: ratios, intervals, verdicts",
    .argp = &compare_argp,
    .run = run,
};

const struct gc_command gc_command_report = {
    .name = "report",
    .summary = "make a page with figures of samples",
    .argp = &report_argp,
    .run = run,
};

const struct gc_command gc_command_export = {
    .name = "export",
    .summary = "write samples as other programs read them",
    .argp = &export_argp,
    .run = run,
};
