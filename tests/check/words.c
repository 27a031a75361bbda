/* SPDX-License-Identifier: MIT */
/* words.c - assertions and addresses, as people read them. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check/check.h"

enum { WIDTH = 96, CALLS_SHOWN = 8, LINE = 512 };

/* Part of an assertion, what it means. */
static const struct {
    const char *part, *meaning;
} meanings[] = {
    { "a dead object is dropped",
            "a count is too low, or an object was freed twice: one that is dead already "
            "is let go "
            "of once more. A reference was given up twice, or was never counted" },
    { "a dead object is referenced", "a count is too low, or an object was freed too "
                                     "early: it is dead, but a slot or a "
                                     "local still leads there. A reference was given up "
                                     "twice, or was never counted" },
    { "a dead object is held", "an object was freed too early: it is dead, but the "
                               "collector takes hold of it" },
    { "a dead object is merged", "a count is too low: an object is dead, but its owner "
                                 "still has references to add" },
    { "a slot names a dead object",
            "an object was freed too early: it is dead, but a slot or a root still leads "
            "there. "
            "It was taken for garbage, a root was missed, or its count was too low" },
    { "a slot names no object", "an object was freed too early: a slot or a root leads "
                                "to memory that is free" },
    { "the free cell",
            "memory was written to after it was freed: an object was freed too early" },
    { "a cell is freed in a block of state",
            "an object was freed twice: the memory that it was in is free already" },
    { "deadlock: no thread", "all threads wait, each for what another one is to do" },
};

const char *check_meaning(const char *assertion)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (strstr(assertion, meanings[i].part) != NULL) return meanings[i].meaning;
    return NULL;
}

void check_print_wrapped(const char *text)
{
    while (*text != '\0') {
        size_t end = strlen(text);
        if (end > WIDTH) {
            end = WIDTH;
            while (end > 0 && text[end] != ' ')
                end--;
            if (end == 0) end = strcspn(text, " ");
        }
        printf("    %.*s\n", (int)end, text);
        text += end;
        text += strspn(text, " ");
    }
}

/* "function (file:line)" by addr2line, if that is there; false otherwise. */
static bool name_by_line(const Dl_info *info, const char *address, char name[LINE])
{
    char command[2 * LINE], function[LINE / 2 - 4] = "", place[LINE / 2 - 4] = "";
    size_t offset = (size_t)(address - (const char *)info->dli_fbase);
    snprintf(command, sizeof(command), "addr2line -s -f -e '%s' 0x%zx 2>/dev/null",
            info->dli_fname, offset);
    FILE *pipe = strchr(info->dli_fname, '\'') == NULL ? popen(command, "r") : NULL;
    if (pipe == NULL) return false;
    bool read = fgets(function, sizeof(function), pipe) != NULL &&
                fgets(place, sizeof(place), pipe) != NULL;
    pclose(pipe);
    function[strcspn(function, "\n")] = place[strcspn(place, " \n")] = '\0';
    if (!read || function[0] == '?') return false;
    snprintf(name, LINE, "%s (%s)", function, place);
    return true;
}

/* The name of a call; false: it is not to be shown. */
static bool name_call(const char *address, char name[LINE])
{
    Dl_info info;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL) return false;
    if (name_by_line(&info, address, name)) return true;
    if (info.dli_sname == NULL) return false;
    snprintf(name, LINE, "%s", info.dli_sname);
    return true;
}

/* How a failure is brought here, or how the program got to the operation. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = { "fail ", "program_fail ", "on_crash ",
        "gc_fatal_at ", "abort", "raise", "__", "_start", "main ", "run_all ", "run_one ",
        "be_child ", "program_", "execute ", "gclab" };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strncmp(name, ours[i], strlen(ours[i])) == 0) return true;
    return false;
}

void check_print_calls(const struct program_calls *calls)
{
    int shown = 0;
    for (int i = 0; i < calls->count && shown < CALLS_SHOWN; i++) {
        char name[LINE];
        /* a call returns behind it */
        if (!name_call((const char *)calls->address[i] - 1, name) || is_ours(name))
            continue;
        printf("    %s %s\n", shown == 0 ? "in" : "  called by", name);
        shown++;
    }
}
