/* SPDX-License-Identifier: MIT */
/* place.c - where the program's own files are. */
#include "bench/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/text.h"

#define DATA "GCLAB_DATA"

enum { PATH_ROOM = 4096 };

char *gc_place_self(void)
{
    char *program =
            gc_need(PATH_ROOM); /* all zero: what is read into it ends somewhere */
    if (readlink("/proc/self/exe", program, PATH_ROOM - 1) < 0) *program = '\0';
    return program;
}

/* The folder that this program is in. */
static char *here(void)
{
    char *program = gc_place_self();
    char *slash = strrchr(program, '/');
    if (slash != NULL) *slash = '\0';
    return program;
}

/* A folder that the build has described as seen from the prefix. */
static char *installed(const char *folder)
{
    if (*folder == '/') return gc_need_text("%s", folder);
    char *program = here();
    char *path = gc_need_text("%s/" GCLAB_UP "/%s", program, folder);
    free(program);
    return path;
}

static char *in_folder(const char *folder, const char *name)
{
    char *path = gc_need_text("%s/%s", folder, name);
    if (access(path, R_OK) == 0) return path;
    free(path);
    return NULL;
}

char *gc_place_find(const char *name)
{
    const char *given = getenv(DATA);
    if (given != NULL && *given != '\0') {
        char *path = in_folder(given, name);
        if (path == NULL)
            gc_complain(GC_EXIT_ENVIRONMENT, "%s/%s (from " DATA "): %s", given, name,
                    strerror(errno));
        return path;
    }
    char *data = installed(GCLAB_DATA_DIR);
    char *path = in_folder(data, name);
    if (path == NULL) path = in_folder(GCLAB_SOURCE_DATA_DIR, name);
    if (path == NULL)
        gc_complain(GC_EXIT_ENVIRONMENT,
                "%s/%s is missing: install gclab, or name its data in " DATA, data, name);
    free(data);
    return path;
}

char *gc_place_program(const char *name, const char *const *folders)
{
    char *program = here(), *path = NULL;
    for (const char *const *f = folders; *f != NULL && path == NULL; f++) {
        path = **f == '/' ? gc_need_text("%s/%s", *f, name)
                          : gc_need_text("%s/%s/%s", program, *f, name);
        if (access(path, X_OK) == 0) continue;
        free(path);
        path = NULL;
    }
    free(program);
    return path;
}

char *gc_place_plugins(void)
{
    return installed(GCLAB_PLUGIN_DIR);
}
