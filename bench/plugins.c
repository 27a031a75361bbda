/* SPDX-License-Identifier: MIT */
/* plugins.c - collectors, protocols and workloads that come from files. */
#include "bench/plugins.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/place.h"
#include "bench/text.h"
#include "workloads/registry.h"

#define PATH   "GCLAB_PLUGIN_PATH"
#define SUFFIX ".so"

/* What was loaded, and from where. */
static struct loaded {
    char *path;
    const struct gc_plugin *plugin;
    struct loaded *next;
} * loaded;

void gc_plugins_start(void)
{
    if (gc_workloads_add(gc_all_workloads) == 0) return;
    gc_complain(0, "there is not enough memory");
    exit(GC_EXIT_ENVIRONMENT);
}

size_t gc_plugins_file(const char *text)
{
    size_t length = strcspn(text, "@:"), suffix = strlen(SUFFIX);
    if (length > suffix && memcmp(text + length - suffix, SUFFIX, suffix) == 0)
        return length;
    if (memchr(text, '/', length) == NULL) return 0;
    /* The path may have '@' and ':' in it: then it goes on to its suffix. */
    for (const char *at = text; (at = strstr(at, SUFFIX)) != NULL; at++)
        if (strchr("@:", at[suffix]) != NULL) /* or the end */
            return (size_t)(at - text) + suffix;
    return length;
}

int gc_plugins_load(const char *path, const struct gc_plugin **ret_plugin)
{
    struct gc_error error;
    if (gc_plugin_load(path, ret_plugin, &error) < 0)
        return gc_complain(GC_EXIT_FILE, "%s", error.text);
    for (const struct loaded *l = loaded; l != NULL; l = l->next)
        if (l->plugin == *ret_plugin) return GC_EXIT_OK;
    struct loaded *entry = gc_need(sizeof(*entry));
    *entry = (struct loaded){ gc_need_text("%s", path), *ret_plugin, loaded };
    loaded = entry;
    return GC_EXIT_OK;
}

static int is_plugin(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);
    return length > suffix && strcmp(entry->d_name + length - suffix, SUFFIX) == 0;
}

/* In the order of their names, so that the same ones win everywhere. */
static int scan_folder(const char *folder, bool must_exist)
{
    struct dirent **entries;
    int status = GC_EXIT_OK;
    int n = scandir(folder, &entries, is_plugin, alphasort);
    if (n < 0 && !must_exist && errno == ENOENT) return GC_EXIT_OK;
    if (n < 0)
        return gc_complain(
                GC_EXIT_FILE, "%s (from " PATH "): %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        const struct gc_plugin *plugin;
        char *path = gc_need_text("%s/%s", folder, entries[i]->d_name);
        if (gc_plugins_load(path, &plugin) != GC_EXIT_OK) status = GC_EXIT_FILE;
        free(path);
        free(entries[i]);
    }
    free(entries);
    return status;
}

int gc_plugins_scan(void)
{
    static bool done;
    int status = GC_EXIT_OK;
    if (done) return GC_EXIT_OK;
    done = true;
    const char *path = getenv(PATH);
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        char *folder = gc_need_text("%.*s", (int)length, path);
        if (length > 0 && scan_folder(folder, true) != GC_EXIT_OK) status = GC_EXIT_FILE;
        free(folder);
        path += length + (path[length] == ':');
    }
    char *folder = gc_place_plugins();
    if (scan_folder(folder, false) != GC_EXIT_OK) status = GC_EXIT_FILE;
    free(folder);
    return status;
}

const char *gc_plugins_file_of(const void *descriptor)
{
    for (const struct loaded *l = loaded; l != NULL; l = l->next) {
        const struct gc_collector *const *c = gc_plugin_collectors(l->plugin);
        const struct gc_protocol *const *p = gc_plugin_protocols(l->plugin);
        const struct gc_workload *const *w = gc_plugin_workloads(l->plugin);
        while (*c != NULL && *c != descriptor)
            c++;
        while (*p != NULL && *p != descriptor)
            p++;
        while (*w != NULL && *w != descriptor)
            w++;
        if (*c != NULL || *p != NULL || *w != NULL) return l->path;
    }
    return NULL;
}
