/* SPDX-License-Identifier: MIT */
/* spec.c - "name[@protocol][:option=value]..." as the command line gives it. */
#include "bench/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/plugins.h"
#include "bench/text.h"

const char **gc_collector_names(void)
{
    size_t n = 0, i = 0;
    const struct gc_collector *const *collectors = gc_collectors();
    while (collectors[n] != NULL)
        n++;
    const char **names = gc_need((n + 1) * sizeof(*names));
    for (; i < n; i++)
        names[i] = gc_collector_info(collectors[i]).name;
    return names;
}

const char **gc_protocol_names(void)
{
    size_t n = 0, i = 0;
    const struct gc_protocol *const *protocols = gc_protocols();
    while (protocols[n] != NULL)
        n++;
    const char **names = gc_need((n + 1) * sizeof(*names));
    for (; i < n; i++)
        names[i] = gc_protocol_name(protocols[i]);
    return names;
}

const char **gc_workload_names(void)
{
    size_t n = 0, count = 0;
    const struct gc_workload *const *workloads = gc_workloads();
    while (workloads[n] != NULL)
        n++;
    const char **names = gc_need((n + 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++) {
        const char *name = workloads[i]->name;
        size_t j = 0;
        while (j < count && strcmp(names[j], name) != 0)
            j++;
        if (j == count) names[count++] = name;
    }
    return names;
}

const struct gc_workload *gc_workload_some(const char *name)
{
    return gc_workload_find(gc_workloads(), name, NULL);
}

int gc_complain_unknown(const char *kind, const char *name, const char *const *names)
{
    const char *nearest = gc_nearest_name(name, names);
    if (nearest != NULL)
        return gc_complain(GC_EXIT_USAGE, "there is no %s '%s'; did you mean '%s'?", kind,
                name, nearest);
    char *list = gc_need_text("%s", "");
    for (; *names != NULL; names++) {
        char *longer = gc_need_text("%s%s%s", list, *list != '\0' ? ", " : "", *names);
        free(list);
        list = longer;
    }
    gc_complain(GC_EXIT_USAGE, "there is no %s '%s'; there are: %s", kind, name, list);
    free(list);
    return GC_EXIT_USAGE;
}

/* Bytes of the struct that a table of options describes. */
static size_t values_size(const struct gc_option *options)
{
    size_t size = 0;
    for (; options != NULL && options->name != NULL; options++) {
        size_t end =
                options->offset + (options->kind == GC_OPTION_TEXT ? (size_t)options->max
                                                                   : sizeof(int64_t));
        if (end > size) size = end;
    }
    return size;
}

/* A text option named "file" is the one that must be there. */
static int check_files(
        const struct gc_option *options, const char *owner, const char *values)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (options->kind != GC_OPTION_TEXT || strcmp(options->name, "file") != 0)
            continue;
        const char *path = values + options->offset;
        if (*path == '\0')
            return gc_complain(GC_EXIT_USAGE, "%s: it needs file=NAME", owner);
        if (access(path, R_OK) != 0)
            return gc_complain(GC_EXIT_FILE, "%s: %s: %s", owner, path, strerror(errno));
    }
    return GC_EXIT_OK;
}

static int check_options(
        const struct gc_option *options, const char *owner, const char *text)
{
    char *values = gc_need(values_size(options));
    struct gc_error error;
    int status;
    if (gc_options_parse(options, owner, text, values, &error) < 0)
        status = gc_complain(GC_EXIT_USAGE, "%s", error.text);
    else
        status = check_files(options, owner, values);
    free(values);
    return status;
}

/* Cuts "name[@protocol][:options]" apart; *ret_protocol is NULL without an '@'. */
static char *cut(const char *text, char **ret_protocol, char **ret_options)
{
    char *name = gc_need_text("%s", text);
    char *behind = name + gc_plugins_file(name);
    char *colon = strchr(behind, ':');
    *ret_options = gc_need_text("%s", colon != NULL ? colon + 1 : "");
    if (colon != NULL) *colon = '\0';
    *ret_protocol = strchr(behind, '@');
    if (*ret_protocol != NULL) *(*ret_protocol)++ = '\0';
    return name;
}

static int resolve_protocol(struct gc_collector_spec *spec, const char *name)
{
    const char *const *supported = spec->info.protocols;
    if (name == NULL) name = supported[0];
    spec->protocol = gc_protocol_find(name);
    if (spec->protocol == NULL) {
        gc_plugins_scan();
        spec->protocol = gc_protocol_find(name);
    }
    if (spec->protocol != NULL) {
        spec->protocol_name = gc_protocol_name(spec->protocol);
        if (gc_collector_takes(spec->collector, spec->protocol)) return GC_EXIT_OK;
        return gc_complain(GC_EXIT_USAGE,
                "collector '%s' does not work with protocol '%s'; see 'gclab info %s'",
                spec->info.name, name, spec->info.name);
    }
    for (size_t i = 0; supported[i] != NULL; i++)
        if (strcmp(supported[i], name) == 0)
            return gc_complain(GC_EXIT_USAGE,
                    "protocol '%s', which collector '%s' names, is in no plugin here; "
                    "give its file with --plugin",
                    name, spec->info.name);
    return gc_complain_unknown("protocol", name, supported);
}

/* Says that a file does not hold exactly one thing of a kind, and what it holds. */
static int complain_choice(const char *path, const char *kind, const char *const *names)
{
    if (*names == NULL) return gc_complain(GC_EXIT_FILE, "%s holds no %s", path, kind);
    char *list = gc_need_text("%s", *names);
    while (*++names != NULL) {
        char *longer = gc_need_text("%s, %s", list, *names);
        free(list);
        list = longer;
    }
    gc_complain(GC_EXIT_USAGE,
            "%s holds more than one %s (%s): name one, and give the file with --plugin",
            path, kind, list);
    free(list);
    return GC_EXIT_USAGE;
}

/* The one collector of a file. */
static int collector_of_file(const char *path, const struct gc_collector **ret_collector)
{
    const struct gc_plugin *plugin;
    int status = gc_plugins_load(path, &plugin);
    if (status != GC_EXIT_OK) return status;
    const struct gc_collector *const *c = gc_plugin_collectors(plugin);
    if (c[0] != NULL && c[1] == NULL) {
        *ret_collector = c[0];
        return GC_EXIT_OK;
    }
    size_t n = 0;
    while (c[n] != NULL)
        n++;
    const char **names = gc_need((n + 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = gc_collector_info(c[i]).name;
    status = complain_choice(path, "collector", names);
    free(names);
    return status;
}

/* The one workload of a file, for any protocol. */
static int workload_of_file(const char *path, const struct gc_workload **ret_workload)
{
    const struct gc_plugin *plugin;
    int status = gc_plugins_load(path, &plugin);
    if (status != GC_EXIT_OK) return status;
    const struct gc_workload *const *w = gc_plugin_workloads(plugin);
    const char *names[16] = { NULL };
    size_t count = 0;
    for (; *w != NULL && count < sizeof(names) / sizeof(names[0]) - 1; w++) {
        size_t j = 0;
        while (j < count && strcmp(names[j], (*w)->name) != 0)
            j++;
        if (j == count) names[count++] = (*w)->name;
    }
    if (count != 1) return complain_choice(path, "workload", names);
    *ret_workload = gc_plugin_workloads(plugin)[0];
    return GC_EXIT_OK;
}

/* What a name stands for: a file, something built in or loaded, or something that the
 * folders of plugins hold. */
static int find_collector(const char *name, const struct gc_collector **ret_collector)
{
    if (gc_plugins_file(name) > 0) return collector_of_file(name, ret_collector);
    *ret_collector = gc_collector_find(name);
    if (*ret_collector == NULL) {
        gc_plugins_scan();
        *ret_collector = gc_collector_find(name);
    }
    if (*ret_collector != NULL) return GC_EXIT_OK;
    const char **names = gc_collector_names();
    int status = gc_complain_unknown("collector", name, names);
    free(names);
    return status;
}

static int find_workload(const char *name, const struct gc_workload **ret_workload)
{
    if (gc_plugins_file(name) > 0) return workload_of_file(name, ret_workload);
    *ret_workload = gc_workload_some(name);
    if (*ret_workload == NULL) {
        gc_plugins_scan();
        *ret_workload = gc_workload_some(name);
    }
    if (*ret_workload != NULL) return GC_EXIT_OK;
    const char **names = gc_workload_names();
    int status = gc_complain_unknown("workload", name, names);
    free(names);
    return status;
}

int gc_collector_spec_parse(const char *text, struct gc_collector_spec *ret_spec)
{
    struct gc_collector_spec *spec = ret_spec;
    char *protocol;
    memset(spec, 0, sizeof(*spec));
    char *name = cut(text, &protocol, &spec->options);
    int status = find_collector(name, &spec->collector);
    if (status != GC_EXIT_OK) goto out;
    spec->info = gc_collector_info(spec->collector);
    status = resolve_protocol(spec, protocol);
    if (status != GC_EXIT_OK) goto out;
    if (text[strlen(text) - 1] == ':')
        status = gc_complain(
                GC_EXIT_USAGE, "%s: an option is missing after the colon", text);
    else
        status = check_options(spec->info.options, spec->info.name, spec->options);
    if (status != GC_EXIT_OK) goto out;
    spec->label = gc_need_text("%s@%s%s%s", spec->info.name, spec->protocol_name,
            spec->options[0] != '\0' ? ":" : "", spec->options);
out:
    free(name);
    if (status != GC_EXIT_OK) gc_collector_spec_finish(spec);
    return status;
}

bool gc_has_option(const struct gc_option *options, const char *name)
{
    for (; options != NULL && options->name != NULL; options++)
        if (strcmp(options->name, name) == 0) return true;
    return false;
}

/* scale=fixed|weak belongs to the runner: it is taken out of the options, in place. */
static int take_scale(struct gc_workload_spec *spec)
{
    if (gc_has_option(spec->some->options, "scale")) return GC_EXIT_OK;
    char *to = spec->options, *at = spec->options;
    while (*at != '\0') {
        char *end = at;
        while (*end != '\0' && *end != ':')
            end += *end == '\\' && end[1] != '\0' ? 2 : 1;
        size_t length = (size_t)(end - at);
        if (length >= 6 && memcmp(at, "scale=", 6) == 0) {
            bool weak = length == 10 && memcmp(at, "scale=weak", 10) == 0;
            bool fixed = length == 11 && memcmp(at, "scale=fixed", 11) == 0;
            if (!weak && !fixed)
                return gc_complain(GC_EXIT_USAGE, "%s: %.*s: it takes fixed or weak",
                        spec->name, (int)length, at);
            if (spec->has_scale)
                return gc_complain(
                        GC_EXIT_USAGE, "%s: option 'scale' is given twice", spec->name);
            spec->has_scale = true;
            spec->weak = weak;
        } else {
            if (to != spec->options) *to++ = ':';
            memmove(to, at, length);
            to += length;
        }
        at = *end == ':' ? end + 1 : end;
    }
    *to = '\0';
    return GC_EXIT_OK;
}

int gc_workload_spec_parse(const char *text, struct gc_workload_spec *ret_spec)
{
    struct gc_workload_spec *spec = ret_spec;
    char *protocol;
    memset(spec, 0, sizeof(*spec));
    char *name = cut(text, &protocol, &spec->options);
    int status = find_workload(name, &spec->some);
    if (status != GC_EXIT_OK) goto out;
    spec->name = spec->some->name;
    if (protocol != NULL) {
        status = gc_complain(GC_EXIT_USAGE,
                "%s: a workload has no protocol: the collector's is used (-c NAME@%s)",
                text, protocol);
        goto out;
    }
    if (text[strlen(text) - 1] == ':')
        status = gc_complain(
                GC_EXIT_USAGE, "%s: an option is missing after the colon", text);
    else
        status = take_scale(spec);
    if (status == GC_EXIT_OK)
        status = check_options(spec->some->options, spec->name, spec->options);
    if (status != GC_EXIT_OK) goto out;
    spec->label = gc_need_text(
            "%s%s%s", spec->name, spec->options[0] != '\0' ? ":" : "", spec->options);
out:
    free(name);
    if (status != GC_EXIT_OK) gc_workload_spec_finish(spec);
    return status;
}

void gc_collector_spec_finish(struct gc_collector_spec *spec)
{
    free(spec->label);
    free(spec->options);
    spec->label = spec->options = NULL;
}

void gc_workload_spec_finish(struct gc_workload_spec *spec)
{
    free(spec->label);
    free(spec->options);
    spec->label = spec->options = NULL;
}
