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

/* 0, or -errno with the reason. */
static int load(
        const char *path, const struct gc_plugin **ret_plugin, struct gc_error *error)
{
    int result = gc_plugin_load(path, ret_plugin, error);
    if (result < 0) return result;
    for (const struct loaded *l = loaded; l != NULL; l = l->next)
        if (l->plugin == *ret_plugin) return 0;
    struct loaded *entry = gc_need(sizeof(*entry));
    *entry = (struct loaded){ gc_need_text("%s", path), *ret_plugin, loaded };
    loaded = entry;
    return 0;
}

int gc_plugins_load(const char *path, const struct gc_plugin **ret_plugin)
{
    struct gc_error error;
    if (load(path, ret_plugin, &error) == 0) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_FILE, "%s", error.text);
}

static int is_plugin(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);
    return length > suffix && strcmp(entry->d_name + length - suffix, SUFFIX) == 0;
}

/* Files that wait to be loaded. */
struct waiting {
    char **paths;
    size_t count;
};

/* In the order of their names, so that the same ones win everywhere. */
static int add_folder(struct waiting *waiting, const char *folder, bool must_exist)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_plugin, alphasort);
    if (n < 0 && !must_exist && errno == ENOENT) return GC_EXIT_OK;
    if (n < 0)
        return gc_complain(
                GC_EXIT_FILE, "%s (from " PATH "): %s", folder, strerror(errno));
    size_t room = (waiting->count + (size_t)n) * sizeof(*waiting->paths);
    if (n > 0) waiting->paths = gc_need_more(waiting->paths, room);
    for (int i = 0; i < n; i++) {
        waiting->paths[waiting->count++] =
                gc_need_text("%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return GC_EXIT_OK;
}

/* Loads what can be, until there is nothing more of it: one may need the protocol of
 * another. */
static int load_all(struct waiting *waiting)
{
    const struct gc_plugin *plugin;
    struct gc_error error;
    int status = GC_EXIT_OK;
    for (size_t before = waiting->count + 1; waiting->count < before;) {
        size_t left = 0;
        before = waiting->count;
        for (size_t i = 0; i < before; i++) {
            char *path = waiting->paths[i];
            if (load(path, &plugin, &error) < 0)
                waiting->paths[left++] = path;
            else
                free(path);
        }
        waiting->count = left;
    }
    for (size_t i = 0; i < waiting->count; i++) {
        status = gc_plugins_load(waiting->paths[i], &plugin); /* says what is wrong */
        free(waiting->paths[i]);
    }
    free(waiting->paths);
    return status;
}

int gc_plugins_scan(void)
{
    static bool done;
    struct waiting waiting = { NULL, 0 };
    int status = GC_EXIT_OK;
    if (done) return GC_EXIT_OK;
    done = true;
    const char *path = getenv(PATH);
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        char *folder = gc_need_text("%.*s", (int)length, path);
        if (length > 0 && add_folder(&waiting, folder, true) != GC_EXIT_OK)
            status = GC_EXIT_FILE;
        free(folder);
        path += length + (path[length] == ':');
    }
    char *folder = gc_place_plugins();
    if (add_folder(&waiting, folder, false) != GC_EXIT_OK) status = GC_EXIT_FILE;
    free(folder);
    return load_all(&waiting) != GC_EXIT_OK ? GC_EXIT_FILE : status;
}

const char **gc_plugins_files(void)
{
    size_t count = 0;
    for (const struct loaded *l = loaded; l != NULL; l = l->next)
        count++;
    const char **files = gc_need((count + 1) * sizeof(*files));
    for (const struct loaded *l = loaded; l != NULL; l = l->next)
        files[--count] = l->path;
    return files;
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
