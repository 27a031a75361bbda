/* SPDX-License-Identifier: MIT */
/* plugin.c - the registry: what is built in, what was loaded, and describing it.
 *
 * A list of the registry is the built-in array until something is loaded, and then an
 * array of its own that grows. One thread fills it, before there are heaps.
 */
#include "core/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

enum list { COLLECTORS, PROTOCOLS, WORKLOADS, PARTS, PLUGINS, LISTS };

static const struct gc_collector *const no_collectors[] = { NULL };
static const struct gc_protocol *const no_protocols[] = { NULL };
static const struct gc_workload *const no_workloads[] = { NULL };
static const struct gc_part *const no_parts[] = { NULL };
static const struct gc_plugin *const no_plugins[] = { NULL };

/* All of them end with NULL. */
static const void *const built_in[LISTS] = { gc_static_collectors, gc_static_protocols,
    no_workloads, no_parts, no_plugins };
static void *grown[LISTS]; /* NULL: nothing was added yet */

static const void *all(enum list list)
{
    return grown[list] != NULL ? grown[list] : built_in[list];
}

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

/* `now` with `more` behind it; NULL: no memory. */
static void *join(const void *now, const void *more)
{
    size_t old = length_of(now) * sizeof(void *), new = length_of(more) * sizeof(void *);
    char *list = gc_os_alloc(old + new + sizeof(void *));
    if (list == NULL) return NULL;
    memcpy(list, now, old);
    memcpy(list + old, more, new);
    return list;
}

const struct gc_collector *const *gc_collectors(void)
{
    return all(COLLECTORS);
}

const struct gc_protocol *const *gc_protocols(void)
{
    return all(PROTOCOLS);
}

const struct gc_workload *const *gc_workloads(void)
{
    return all(WORKLOADS);
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

const struct gc_part *const *gc_plugin_parts(const struct gc_plugin *plugin)
{
    return plugin->parts != NULL ? plugin->parts : no_parts;
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

const void *gc_part_find(const char *kind, const char *protocol, uint32_t version)
{
    for (const struct gc_part *const *p = all(PARTS); *p != NULL; p++)
        if (strcmp((*p)->kind, kind) == 0 && strcmp((*p)->protocol, protocol) == 0 &&
                (*p)->version == version)
            return (*p)->what;
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
            "%s: the name of a %s, '%s', is none that can be asked for", path, kind,
            name != NULL ? name : "");
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
    if (c->protocols[GC_COLLECTOR_NAMES - 1] != NULL)
        return gc_error_set(error, -EINVAL,
                "%s: collector '%s' names more than %d protocols", path, c->name,
                GC_COLLECTOR_NAMES - 1);
    if ((c->capabilities & GC_CAP_CYCLES) != 0 && c->collect == NULL)
        return gc_error_set(error, -EINVAL,
                "%s: collector '%s' promises to find cycles, but can't collect", path,
                c->name);
    return 0;
}

static int check_protocol(
        const char *path, const struct gc_protocol *p, struct gc_error *error)
{
    if (!is_name(p->name)) return bad_name(path, "protocol", p->name, error);
    bool counts = p->take != NULL && p->try_take != NULL && p->drop != NULL &&
                  p->drop_unless_last != NULL && p->kill != NULL && p->bury != NULL &&
                  p->clear_slots != NULL && p->total != NULL && p->hold != NULL &&
                  p->immortalize != NULL;
    if (p->summary == NULL || p->weak_resolve == NULL ||
            ((p->flags & GC_PROTOCOL_COUNTED) != 0 && !counts))
        return gc_error_set(error, -EINVAL,
                "%s: protocol '%s' lacks a summary, or a function that its kind owes",
                path, p->name);
    return 0;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same_options(const struct gc_option *a, const struct gc_option *b)
{
    if (a == NULL || b == NULL) return a == b;
    for (; a->name != NULL; a++, b++)
        if (!is_same_text(a->name, b->name) || a->kind != b->kind ||
                a->offset != b->offset || !is_same_text(a->standard, b->standard))
            return false;
    return b->name == NULL;
}

/* Under one name there is one workload, whatever the number of protocols that it is
 * compiled for, and of files that it comes in. */
static int check_workload(const char *path, const struct gc_workload *w,
        const struct gc_workload *other, struct gc_error *error)
{
    if (strcmp(w->name, other->name) != 0) return 0;
    if (w->race_free != other->race_free || !is_same_text(w->summary, other->summary) ||
            !is_same_text(w->unit, other->unit) ||
            w->options_size != other->options_size ||
            !is_same_options(w->options, other->options))
        return gc_error_set(error, -EEXIST, "%s: there is another workload '%s' already",
                path, w->name);
    if (strcmp(w->protocol, other->protocol) != 0 ||
            w->counts_operations != other->counts_operations)
        return 0;
    return gc_error_set(error, -EEXIST,
            "%s: workload '%s' is here for protocol '%s' already", path, w->name,
            w->protocol);
}

/* Each check is of one entry on its own, then against what is loaded, and against what
 * comes before it in the same file. */

static int check_collectors(
        const char *path, const struct gc_collector *const *list, struct gc_error *error)
{
    int result = 0;
    for (size_t i = 0; result == 0 && list[i] != NULL; i++) {
        result = check_collector(path, list[i], error);
        bool is_taken = result == 0 && gc_collector_find(list[i]->name) != NULL;
        for (size_t j = 0; result == 0 && j < i; j++)
            is_taken |= strcmp(list[i]->name, list[j]->name) == 0;
        if (is_taken) result = taken(path, "collector", list[i]->name, error);
    }
    return result;
}

static int check_protocols(
        const char *path, const struct gc_protocol *const *list, struct gc_error *error)
{
    int result = 0;
    for (size_t i = 0; result == 0 && list[i] != NULL; i++) {
        result = check_protocol(path, list[i], error);
        bool is_taken = result == 0 && gc_protocol_find(list[i]->name) != NULL;
        for (size_t j = 0; result == 0 && j < i; j++)
            is_taken |= strcmp(list[i]->name, list[j]->name) == 0;
        if (is_taken) result = taken(path, "protocol", list[i]->name, error);
    }
    return result;
}

static int check_workloads(
        const char *path, const struct gc_workload *const *list, struct gc_error *error)
{
    int result = 0;
    for (size_t i = 0; result == 0 && list[i] != NULL; i++) {
        const struct gc_workload *w = list[i];
        if (!is_name(w->name)) return bad_name(path, "workload", w->name, error);
        if (w->protocol == NULL || w->summary == NULL || w->run == NULL ||
                w->unit == NULL)
            return gc_error_set(error, -EINVAL,
                    "%s: workload '%s' lacks a protocol, summary, unit or run", path,
                    w->name);
        const struct gc_workload *const *other = gc_workloads();
        for (; result == 0 && *other != NULL; other++)
            result = check_workload(path, w, *other, error);
        for (size_t j = 0; result == 0 && j < i; j++)
            result = check_workload(path, w, list[j], error);
    }
    return result;
}

static int check_parts(
        const char *path, const struct gc_part *const *list, struct gc_error *error)
{
    for (; *list != NULL; list++) {
        const struct gc_part *p = *list;
        if (p->kind == NULL || p->protocol == NULL || p->what == NULL)
            return gc_error_set(error, -EINVAL,
                    "%s: a part lacks its kind, its protocol, or what it is", path);
        if (gc_part_find(p->kind, p->protocol, p->version) != NULL)
            return gc_error_set(error, -EEXIST,
                    "%s: there is a part '%s' for protocol '%s' already", path, p->kind,
                    p->protocol);
    }
    return 0;
}

static int check_contents(
        const char *path, const struct gc_plugin *plugin, struct gc_error *error)
{
    const struct gc_collector *const *collectors = gc_plugin_collectors(plugin);
    const struct gc_protocol *const *protocols = gc_plugin_protocols(plugin);
    const struct gc_workload *const *workloads = gc_plugin_workloads(plugin);
    const struct gc_part *const *parts = gc_plugin_parts(plugin);
    if (*collectors == NULL && *protocols == NULL && *workloads == NULL && *parts == NULL)
        return gc_error_set(error, -EINVAL, "%s: the plugin is empty", path);
    int result = check_collectors(path, collectors, error);
    if (result == 0) result = check_protocols(path, protocols, error);
    if (result == 0) result = check_workloads(path, workloads, error);
    if (result == 0) result = check_parts(path, parts, error);
    return result;
}

/* Puts lists in the place of what there is; nothing if one of them is NULL. */
static int replace(void *const lists[LISTS])
{
    int result = 0;
    for (int i = 0; i < LISTS; i++)
        if (lists[i] == NULL) result = -ENOMEM;
    for (int i = 0; i < LISTS; i++) {
        gc_os_free(result == 0 ? grown[i] : lists[i]);
        if (result == 0) grown[i] = lists[i];
    }
    return result;
}

int gc_plugin_enter(
        const char *path, const struct gc_plugin *plugin, struct gc_error *error)
{
    for (const struct gc_plugin *const *p = all(PLUGINS); *p != NULL; p++)
        if (*p == plugin) return 0;
    int result = check_header(path, plugin, error);
    if (result == 0) result = check_contents(path, plugin, error);
    if (result != 0) return result;

    const struct gc_plugin *const this[] = { plugin, NULL };
    const void *const more[LISTS] = { gc_plugin_collectors(plugin),
        gc_plugin_protocols(plugin), gc_plugin_workloads(plugin), gc_plugin_parts(plugin),
        this };
    void *lists[LISTS];
    for (int i = 0; i < LISTS; i++)
        lists[i] = join(all((enum list)i), more[i]);
    result = replace(lists);
    if (result == 0) return 0;
    return gc_error_set(error, result, "%s: there is no memory to load it", path);
}

int gc_workloads_add(const struct gc_workload *const *workloads)
{
    void *list = join(all(WORKLOADS), workloads);
    if (list == NULL) return -ENOMEM;
    gc_os_free(grown[WORKLOADS]);
    grown[WORKLOADS] = list;
    return 0;
}

/* Says why dlopen() has failed. */
static int complain_open(const char *path, struct gc_error *error)
{
    const char *why = dlerror(); /* NOLINT(concurrency-mt-unsafe): one thread loads */
    const char *hint = "";
    if (strstr(why, "libgclab") != NULL)
        hint = "; it was built for another flavour or version of gclab";
    else if (strstr(why, "undefined symbol") != NULL)
        hint = "; it needs another version of gclab, or a protocol that is not loaded";
    return gc_error_set(error, -ENOEXEC, "%s can't be loaded%s: %s", path, hint, why);
}

/* The header of the file that this very function is in; the linker makes it.
 * NOLINTNEXTLINE(readability-identifier-naming): the linker's name */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* Whether the file has all that its header speaks of. The loader maps that without a look at the
 * file's size, and dies of what is not there. */
static bool is_whole(int fd, const ElfW(Ehdr) * header, uint64_t size)
{
    uint64_t sections = header->e_shoff + (uint64_t)header->e_shnum * header->e_shentsize;
    if (header->e_shoff > size || sections > size) return false;
    for (uint64_t i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) part;
        uint64_t at = header->e_phoff + i * sizeof(part);
        if (at > size || pread(fd, &part, sizeof(part), (off_t)at) != sizeof(part))
            return false;
        if (part.p_offset > size || part.p_filesz > size - part.p_offset) return false;
    }
    return true;
}

/* What the loader would hang on, die of, or say something misleading about. */
static int check_open_file(const char *path, int fd, struct gc_error *error)
{
    struct stat status;
    ElfW(Ehdr) header;
    if (fstat(fd, &status) != 0)
        return gc_error_set(error, -errno, "%s: %s", path, gc_os_error_text(errno));
    if (!S_ISREG(status.st_mode))
        return gc_error_set(
                error, -EINVAL, "%s can't be loaded: it is not a regular file", path);
    if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
            memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return gc_error_set(
                error, -ENOEXEC, "%s can't be loaded: it is not a shared library", path);
    if (memcmp(header.e_ident, __ehdr_start.e_ident, EI_VERSION) != 0 ||
            header.e_machine != __ehdr_start.e_machine)
        return gc_error_set(error, -ENOEXEC,
                "%s can't be loaded: it was built for another machine", path);
    if (!is_whole(fd, &header, (uint64_t)status.st_size))
        return gc_error_set(error, -ENOEXEC, "%s can't be loaded: it is cut short", path);
    return 0;
}

static int check_file(const char *path, struct gc_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return gc_error_set(error, -errno, "%s: %s", path, gc_os_error_text(errno));
    int result = check_open_file(path, fd, error);
    close(fd);
    return result;
}

/* As gc_plugin_load(), with a path that has a slash. */
static int load(const char *path, const char *file, const struct gc_plugin **ret_plugin,
        struct gc_error *error)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return complain_open(path, error);
    /* From here on the file stays loaded, good or bad. */
    const struct gc_plugin *plugin = dlsym(handle, "gc_plugin");
    if (plugin == NULL)
        return gc_error_set(error, -EINVAL,
                "%s is no plugin of gclab: it has no symbol gc_plugin", path);
    int result = gc_plugin_enter(path, plugin, error);
    if (result != 0) return result;
    /* What is compiled for a protocol calls its slow paths, from other plugins too. */
    if (*gc_plugin_protocols(plugin) != NULL &&
            dlopen(file, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD) == NULL)
        return complain_open(path, error);
    *ret_plugin = plugin;
    return 0;
}

int gc_plugin_load(
        const char *path, const struct gc_plugin **ret_plugin, struct gc_error *error)
{
    int result = check_file(path, error);
    if (result != 0) return result;
    /* Without a slash the loader would look among the system's libraries. */
    size_t room = strlen(path) + sizeof("./");
    char *file = gc_os_alloc(room);
    if (file == NULL)
        return gc_error_set(error, -ENOMEM, "%s: there is no memory to load it", path);
    snprintf(file, room, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    result = load(path, file, ret_plugin, error);
    gc_os_free(file);
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

bool gc_collector_takes(
        const struct gc_collector *collector, const struct gc_protocol *protocol)
{
    for (int i = 0; i < GC_COLLECTOR_NAMES && collector->protocols[i] != NULL; i++)
        if (strcmp(collector->protocols[i], protocol->name) == 0) return true;
    uint32_t other = collector->other_protocols;
    return other != 0 && (protocol->flags & GC_PROTOCOL_PRIVATE) == 0 &&
           (protocol->flags & other) == other;
}

struct gc_collector_info gc_collector_info(const struct gc_collector *collector)
{
    return (struct gc_collector_info){
        .name = collector->name,
        .summary = collector->summary,
        .paper = collector->paper,
        .protocols = collector->protocols,
        .options = collector->options,
        .takes_others = collector->other_protocols != 0,
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
