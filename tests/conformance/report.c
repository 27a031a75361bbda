/* SPDX-License-Identifier: MIT */
/* report.c - what did not hold. Linked with the interpreters, wherever those are. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/collector.h"
#include "tests/conformance/conformance.h"

/* The line of the file, without blanks around it, or "" if there is none. */
static void read_line(const char *path, int number, char *ret_line, size_t room)
{
    FILE *file = fopen(path, "re");
    *ret_line = '\0';
    for (int i = 0; file != NULL && i < number; i++) {
        if (fgets(ret_line, (int)room, file) == NULL) *ret_line = '\0';
    }
    if (file != NULL) fclose(file);
    size_t first = strspn(ret_line, " \t");
    size_t length = strcspn(ret_line + first, "\n");
    memmove(ret_line, ret_line + first, length);
    ret_line[length] = '\0';
}

void report_fail(struct report *report, int line, const char *format, ...)
{
    const int room = (int)(sizeof(report->lines) / sizeof(report->lines[0]));
    for (int i = 0; i < report->fails && i < room && line != 0; i++)
        if (report->lines[i] == line) return;
    if (report->fails < room) report->lines[report->fails] = line;
    report->fails++;
    char seen[4200], promised[256] = "after every case";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(seen, sizeof(seen), format, arguments);
    va_end(arguments);
    if (line != 0) {
        int used = snprintf(promised, sizeof(promised), "line %d, promised: ", line);
        read_line(report->path, line, promised + used, sizeof(promised) - (size_t)used);
    }
    size_t left = sizeof(report->text) - report->used;
    int n = snprintf(report->text + report->used, left, "     %s\n       seen: %s\n",
            promised, seen);
    if (n > 0 && (size_t)n < left) report->used += (size_t)n;
}

bool subject_is(const struct subject *subject, const char *name)
{
    if (strcmp(subject->collector->name, name) == 0) return true;
    if (strcmp(name, "implicit") == 0) return subject->collector->implicit_deaths;
    const char *at = subject->options;
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ":");
        const char *value = memchr(at, '=', length);
        if (value != NULL) {
            size_t n = length - (size_t)(value + 1 - at);
            if (strlen(name) == n && strncmp(value + 1, name, n) == 0) return true;
        }
        at += length + (at[length] == ':');
    }
    return false;
}
