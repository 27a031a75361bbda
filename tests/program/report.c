/* SPDX-License-Identifier: MIT */
/* report.c - what is wrong. Linked with the executors, wherever those are. */
#include <stdarg.h>
#include <stdlib.h>

#include "tests/program/program.h"

const struct program_host *program_host;

void program_fail(const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    program_host->fail(text);
    abort(); /* it does not come back */
}
