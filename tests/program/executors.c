/* SPDX-License-Identifier: MIT */
/* executors.c - what runs programs on each protocol: compiled in, or from a plugin. */
#include <string.h>

#include "core/plugin.h"
#include "tests/program/program.h"

/* PROGRAM_PROTOCOLS is a list of X(name), given by the build. */
#define X(name) extern const struct gc_part gc_part_programs_##name;
PROGRAM_PROTOCOLS
#undef X

static const struct gc_part *const executors[] = {
#define X(name) &gc_part_programs_##name,
    PROGRAM_PROTOCOLS
#undef X
            NULL,
};

const struct program_executor *program_executor_find(const char *protocol)
{
    for (size_t i = 0; executors[i] != NULL; i++)
        if (strcmp(executors[i]->protocol, protocol) == 0) return executors[i]->what;
    return gc_part_find("programs", protocol, PROGRAM_VERSION);
}
