/* SPDX-License-Identifier: MIT */
/* check.c - gclab check, gclab explain: hands over to the kit, which is a program of the checked flavour.
 *
 * The kit lies in tests/, which this folder does not include; it asserts, and needs the
 * deterministic schedule, so it is never of the release flavour. Both flavours are installed
 * side by side. */
#include <stddef.h>

#include "bench/become.h"
#include "bench/command.h"

#define KIT "gclab-checked-check"

/* Installed, it is beside this program. In a build it has a folder, and a release build may have
 * the checked one for a neighbour (tests/run builds both). */
static const char *const folders[] = {
    ".",
    "../tests/check",
    "../../build-checked/tests/check",
    NULL,
};

static int run(int argc, char **argv)
{
    (void)argc;
    return gc_become(KIT, folders, GC_BECOME_CHECKED, argv);
}

static const struct argp argp = {
    .args_doc = "-c SPEC [OPTION]...",
    .doc = "Tries a collector until it breaks, and says what is wrong.\v"
           "A SPEC is NAME[@PROTOCOL][:OPTION=VALUE]..., or a plugin's file. `gclab "
           "check "
           "--help` lists the options.",
};

static const struct argp explain_argp = {
    .args_doc = "FILE --object ID [-c SPEC]",
    .doc = "Runs a program that `gclab check` has saved, and tells the life of one of "
           "its "
           "objects: made where, held by whom, counted, finalized, gone.",
};

const struct gc_command gc_command_explain = {
    .name = "explain",
    .summary = "tell the life of an object in a program that failed",
    .argp = &explain_argp,
    .run = run,
};

const struct gc_command gc_command_check = {
    .name = "check",
    .summary = "try a collector until it breaks",
    .argp = &argp,
    .run = run,
};
