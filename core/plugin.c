/* SPDX-License-Identifier: MIT */
/* plugin.c - the registry: what is built in, what was loaded, and describing it.
 *
 * A list of the registry is the built-in array until something is loaded, and then an
 * array of its own that grows. One thread fills it, before there are heaps.
 */
#include "core/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/os.h"

static const struct {
    uint32_t bit;
    const char *word;
} capability_words[] = {
    { GC_CAP_RECLAIMS, "reclaims" },
    { GC_CAP_IMMEDIATE, "immediate" },
    { GC_CAP_CYCLES, "cycles" },
    { GC_CAP_COUNTS, "counts" },
    { GC_CAP_GENERATIONS, "generations" },
    { GC_CAP_FINALIZERS, "finalizers" },
    { GC_CAP_WEAK, "weak" },
    { GC_CAP_FREEZE, "freeze" },
    { GC_CAP_UNTRACK, "untrack" },
    { GC_CAP_SAVE_ALL, "save-all" },
};

enum { WORDS = sizeof(capability_words) / sizeof(capability_words[0]) };

/* --- lists ---------------------------------------------------------------------------- */

static const struct gc_collector *const no_collectors[] = { NULL };
static const struct gc_protocol *const no_protocols[] = { NULL };
static const struct gc_workload *const no_workloads[] = { NULL };

/* What was added; NULL: nothing yet. They end with NULL. */
static const struct gc_collector **all_collectors;
static const struct gc_protocol **all_protocols;
static const struct gc_workload **all_workloads;
static const struct gc_plugin **plugins;

static size_t length_of(const void *list)
{
    const char *at = list;
    const void *entry;
    size_t n = 0;
    for (;; n++) {
        memcpy(&entry, at + n * sizeof(entry), sizeof(entry));
        if (entry == NULL) return n;
    }
}

/* `now` with room for `more` behind it; they are copied by join(). NULL: no memory. */
static void *grow(const void *now, size_t more)
{
    size_t old = length_of(now);
    void *list = gc_os_alloc((old + more + 1) * sizeof(void *));
    if (list != NULL) memcpy(list, now, old * sizeof(void *));
    return list;
}

/* Appends `more` to a list that has the room. */
static void join(void *list, const void *more)
{
    memcpy((char *)list + length_of(list) * sizeof(void *), more,
            length_of(more) * sizeof(void *));
}

const struct gc_collector *const *gc_collectors(void)
{
    return all_collectors != NULL ? all_collectors : gc_static_collectors;
}

const struct gc_protocol *const *gc_protocols(void)
{
    return all_protocols != NULL ? all_protocols : gc_static_protocols;
}

const struct gc_workload *const *gc_workloads(void)
{
    return all_workloads != NULL ? all_workloads : no_workloads;
}

const struct gc_collector *const *gc_plugin_collectors(const struct gc_plugin *plugin)
{
    return plugin->collectors != NULL ? plugin->collectors : no_collectors;
}

const struct gc_protocol *const *gc_plugin_protocols(const struct gc_plugin *plugin)
{
    return plugin->protocols != NULL ? plugin->protocols : no_protocols;
}

const struct gc_workload *const *gc_plugin_workloads(const struct gc_plugin *plugin)
{
    return plugin->workloads != NULL ? plugin->workloads : no_workloads;
}

const struct gc_collector *gc_collector_find(const char *name)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0) return *c;
    return NULL;
}

const struct gc_protocol *gc_protocol_find(const char *name)
{
    for (const struct gc_protocol *const *p = gc_protocols(); *p != NULL; p++)
        if (strcmp((*p)->name, name) == 0) return *p;
    return NULL;
}

/* --- loading -------------------------------------------------------------------------- */

/* What SPECs can name: letters, digits, '_', '-', '.', and no ".so" at the end. */
static bool is_name(const char *name)
{
    if (name == NULL || *name == '\0') return false;
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".so") == 0) return false;
    static const char good[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return strspn(name, good) == length;
}

static int bad_name(
        const char *path, const char *kind, const char *name, struct gc_error *error)
{
    return gc_error_set(error, -EINVAL,
            "%s: the name of a %s, '%s', is none that can be "
            "asked for",
            path, kind, name != NULL ? name : "");
}

static int taken(
        const char *path, const char *kind, const char *name, struct gc_error *error)
{
    return gc_error_set(
            error, -EEXIST, "%s: there is a %s '%s' already", path, kind, name);
}

static const char *flavour(uint32_t check_level)
{
    return check_level > 0 ? "checked" : "release";
}

static int check_header(
        const char *path, const struct gc_plugin *plugin, struct gc_error *error)
{
    if (plugin->abi_version != GC_ABI_VERSION)
        return gc_error_set(error, -EINVAL,
                "%s: it was built for plugin ABI %u, and this gclab has %u; rebuild it",
                path, plugin->abi_version, GC_ABI_VERSION);
    if (plugin->check_level != GC_CHECK)
        return gc_error_set(error, -EINVAL,
                "%s: it was built for the %s flavour of gclab (GC_CHECK=%u), and this is "
                "the %s flavour (GC_CHECK=%u)",
                path, flavour(plugin->check_level), plugin->check_level,
                flavour(GC_CHECK), (unsigned)GC_CHECK);
    if (plugin->mutator_size != sizeof(struct gc_mutator) ||
            plugin->heap_size != sizeof(struct gc_heap) ||
            plugin->collector_size != sizeof(struct gc_collector) ||
            plugin->protocol_size != sizeof(struct gc_protocol) ||
            plugin->workload_size != sizeof(struct gc_workload))
        return gc_error_set(error, -EINVAL,
                "%s: it was built with the headers of another gclab; rebuild it", path);
    return 0;
}

static int check_collector(
        const char *path, const struct gc_collector *c, struct gc_error *error)
{
    if (c->abi_version != GC_ABI_VERSION ||
            c->mutator_size != sizeof(struct gc_mutator) ||
            c->heap_size != sizeof(struct gc_heap) || c->check_level != GC_CHECK)
        return gc_error_set(error, -EINVAL,
                "%s: a collector was not compiled as the plugin was, or has no "
                "GC_COLLECTOR_HEADER",
                path);
    if (!is_name(c->name)) return bad_name(path, "collector", c->name, error);
    if (c->summary == NULL || c->protocols[0] == NULL)
        return gc_error_set(error, -EINVAL,
                "%s: collector '%s' has no summary, or names no protocol", path, c->name);
    if ((c->capabilities & GC_CAP_CYCLES) != 0 && c->collect == NULL)
        return gc_error_set(error, -EINVAL,
                "%s: collector '%s' promises to find cycles, but can't collect", path,
                c->name);
    if (gc_collector_find(c->name) != NULL)
        return taken(path, "collector", c->name, error);
    return 0;
}

static int check_workload(
        const char *path, const struct gc_workload *w, struct gc_error *error)
{
    if (!is_name(w->name)) return bad_name(path, "workload", w->name, error);
    if (w->protocol == NULL || w->summary == NULL || w->run == NULL || w->unit == NULL)
        return gc_error_set(error, -EINVAL,
                "%s: workload '%s' lacks a protocol, summary, unit or run", path,
                w->name);
    /* Another protocol of the same name would be half a workload of each. */
    if (gc_workload_find(gc_workloads(), w->name, NULL) != NULL)
        return taken(path, "workload", w->name, error);
    return 0;
}

static int check_contents(
        const char *path, const struct gc_plugin *plugin, struct gc_error *error)
{
    int result = 0;
    const struct gc_collector *const *c = gc_plugin_collectors(plugin);
    const struct gc_protocol *const *p = gc_plugin_protocols(plugin);
    const struct gc_workload *const *w = gc_plugin_workloads(plugin);
    if (*c == NULL && *p == NULL && *w == NULL)
        result = gc_error_set(error, -EINVAL, "%s: the plugin is empty", path);
    for (; result == 0 && *c != NULL; c++) {
        result = check_collector(path, *c, error);
        for (size_t i = 0; result == 0 && gc_plugin_collectors(plugin)[i] != *c; i++)
            if (strcmp(gc_plugin_collectors(plugin)[i]->name, (*c)->name) == 0)
                result = taken(path, "collector", (*c)->name, error);
    }
    for (; result == 0 && *p != NULL; p++) {
        if (!is_name((*p)->name))
            result = bad_name(path, "protocol", (*p)->name, error);
        else if (gc_protocol_find((*p)->name) != NULL)
            result = taken(path, "protocol", (*p)->name, error);
    }
    for (; result == 0 && *w != NULL; w++)
        result = check_workload(path, *w, error);
    return result;
}

int gc_plugin_enter(
        const char *path, const struct gc_plugin *plugin, struct gc_error *error)
{
    for (size_t i = 0; plugins != NULL && plugins[i] != NULL; i++)
        if (plugins[i] == plugin) return 0;
    int result = check_header(path, plugin, error);
    if (result == 0) result = check_contents(path, plugin, error);
    if (result != 0) return result;

    const struct gc_collector *const *c = gc_plugin_collectors(plugin);
    const struct gc_protocol *const *p = gc_plugin_protocols(plugin);
    const struct gc_workload *const *w = gc_plugin_workloads(plugin);
    const struct gc_plugin *this[] = { plugin, NULL }, *const nothing[] = { NULL };
    void *grown[] = { grow(gc_collectors(), length_of(c)),
        grow(gc_protocols(), length_of(p)), grow(gc_workloads(), length_of(w)),
        grow(plugins != NULL ? (const void *)plugins : nothing, 1) };
    enum { LISTS = sizeof(grown) / sizeof(grown[0]) };
    for (int i = 0; i < LISTS; i++)
        if (grown[i] == NULL) result = -ENOMEM;
    if (result != 0) {
        for (int i = 0; i < LISTS; i++)
            gc_os_free(grown[i]);
        return gc_error_set(error, result, "%s: there is no memory to load it", path);
    }
    join(grown[0], c);
    join(grown[1], p);
    join(grown[2], w);
    join(grown[3], this);
    gc_os_free(all_collectors);
    gc_os_free(all_protocols);
    gc_os_free(all_workloads);
    gc_os_free(plugins);
    all_collectors = grown[0];
    all_protocols = grown[1];
    all_workloads = grown[2];
    plugins = grown[3];
    return 0;
}

int gc_workloads_add(const struct gc_workload *const *workloads)
{
    const struct gc_workload **grown = grow(gc_workloads(), length_of(workloads));
    if (grown == NULL) return -ENOMEM;
    join(grown, workloads);
    gc_os_free(all_workloads);
    all_workloads = grown;
    return 0;
}

int gc_plugin_load(
        const char *path, const struct gc_plugin **ret_plugin, struct gc_error *error)
{
    if (access(path, R_OK) != 0)
        return gc_error_set(error, -errno, "%s: %s", path, strerror(errno));
    /* Without a slash the loader would look among the system's libraries. */
    size_t room = strlen(path) + sizeof("./");
    char *here = gc_os_alloc(room);
    if (here == NULL)
        return gc_error_set(error, -ENOMEM, "%s: there is no memory to load it", path);
    snprintf(here, room, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    void *handle = dlopen(here, RTLD_NOW | RTLD_LOCAL);
    gc_os_free(here);
    if (handle == NULL) {
        const char *why = dlerror(); /* NOLINT(concurrency-mt-unsafe): one thread loads */
        bool other = strstr(why, "libgclab") != NULL;
        return gc_error_set(error, -ENOEXEC, "%s can't be loaded%s: %s", path,
                other ? "; it was built for another flavour or version of gclab" : "",
                why);
    }
    /* From here on the file stays loaded, good or bad. */
    const struct gc_plugin *plugin = dlsym(handle, "gc_plugin");
    if (plugin == NULL)
        return gc_error_set(error, -EINVAL,
                "%s is no plugin of gclab: it has no symbol gc_plugin", path);
    int result = gc_plugin_enter(path, plugin, error);
    if (result == 0) *ret_plugin = plugin;
    return result;
}

/* --- describing ----------------------------------------------------------------------- */

bool gc_collector_promises(
        const struct gc_collector *collector, size_t i, const char **ret_word)
{
    if (i >= WORDS) return false;
    bool promised = (collector->capabilities & capability_words[i].bit) != 0;
    *ret_word = promised ? capability_words[i].word : NULL;
    return true;
}

struct gc_collector_info gc_collector_info(const struct gc_collector *collector)
{
    return (struct gc_collector_info){
        .name = collector->name,
        .summary = collector->summary,
        .paper = collector->paper,
        .protocols = collector->protocols,
        .options = collector->options,
        .reclaims = (collector->capabilities & GC_CAP_RECLAIMS) != 0,
        .immediate = (collector->capabilities & GC_CAP_IMMEDIATE) != 0,
        .cycles = (collector->capabilities & GC_CAP_CYCLES) != 0,
    };
}

const char *gc_protocol_name(const struct gc_protocol *protocol)
{
    return protocol->name;
}

const char *gc_protocol_summary(const struct gc_protocol *protocol)
{
    return protocol->summary;
}

int gc_build_check_level(void)
{
    return GC_CHECK;
}
