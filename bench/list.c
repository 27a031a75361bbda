/* SPDX-License-Identifier: MIT */
/* list.c - `gclab list` and `gclab info`: what there is, and what it promises. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/plugins.h"
#include "bench/spec.h"
#include "bench/text.h"

static const char *const kinds[] = { "collectors", "workloads", "protocols", NULL };

struct list_request {
    const char *kind; /* NULL: all */
    bool names_only;
    int status;
};

static const struct argp_option list_options[] = {
    { .name = "names", .key = 'n', .doc = "names alone, one a line (for scripts)" },
    { .name = NULL },
};

static error_t list_parse(int key, char *argument, struct argp_state *state)
{
    struct list_request *request = state->input;
    switch (key) {
    case 'n':
        request->names_only = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->kind != NULL) argp_error(state, "one kind at most");
        for (size_t i = 0; kinds[i] != NULL; i++)
            if (strcmp(argument, kinds[i]) == 0) request->kind = kinds[i];
        if (request->kind != NULL) return 0;
        request->status = gc_complain_unknown("kind", argument, kinds);
        return ECANCELED;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp list_argp = {
    .options = list_options,
    .parser = list_parse,
    .args_doc = "[collectors|workloads|protocols]",
    .doc = "Lists what is built in, and the plugins in the folders that "
           "GCLAB_PLUGIN_PATH names and in the installed one.",
};

static const char *summary_of(const char *kind, const char *name)
{
    if (kind == kinds[0]) return gc_collector_info(gc_collector_find(name)).summary;
    if (kind == kinds[1]) return gc_workload_some(name)->summary;
    return gc_protocol_summary(gc_protocol_find(name));
}

static void list_kind(const char *kind, bool names_only, bool heading)
{
    const char **names = kind == kinds[0]   ? gc_collector_names()
                         : kind == kinds[1] ? gc_workload_names()
                                            : gc_protocol_names();
    int width = 0;
    for (size_t i = 0; names[i] != NULL; i++)
        if ((int)strlen(names[i]) > width) width = (int)strlen(names[i]);
    if (heading) printf("%s\n", kind);
    for (size_t i = 0; names[i] != NULL; i++) {
        if (names_only)
            puts(names[i]);
        else
            printf("%s%-*s  %s\n", heading ? "  " : "", width, names[i],
                    summary_of(kind, names[i]));
    }
    free(names);
}

static int list_run(int argc, char **argv)
{
    struct list_request request = { .status = GC_EXIT_OK };
    error_t error = argp_parse(&list_argp, argc, argv, ARGP_IN_ORDER, NULL, &request);
    if (request.status != GC_EXIT_OK) return request.status;
    if (error != 0) return GC_EXIT_USAGE;
    int status = gc_plugins_scan();
    for (size_t i = 0; kinds[i] != NULL; i++) {
        if (request.kind != NULL && request.kind != kinds[i]) continue;
        bool heading = request.kind == NULL && !request.names_only;
        if (heading && i > 0) putchar('\n');
        list_kind(kinds[i], request.names_only, heading);
    }
    return status;
}

/* "threshold0=700  integer, 0 to 1000000" and the doc below. */
static void print_option(const struct gc_option *option)
{
    char low[GC_CELL], high[GC_CELL];
    const char *standard = option->standard != NULL ? option->standard : "";
    printf("  %s=%s  (", option->name, *standard != '\0' ? standard : "...");
    switch (option->kind) {
    case GC_OPTION_INT:
        printf("integer, %" PRId64 " to ", option->min);
        if (option->max == INT64_MAX)
            printf("2^63-1");
        else
            printf("%" PRId64, option->max);
        break;
    case GC_OPTION_SIZE:
        gc_text_bytes(low, (double)option->min);
        gc_text_bytes(high, (double)option->max);
        printf("size in bytes, %s to %s", low, high);
        break;
    case GC_OPTION_BOOL:
        printf("yes or no");
        break;
    case GC_OPTION_CHOICE:
        printf("one of %s", option->choices);
        break;
    case GC_OPTION_TEXT:
        printf("text, at most %" PRId64 " bytes", option->max - 1);
        break;
    }
    printf(")\n      %s\n", option->doc != NULL ? option->doc : "");
}

static void print_options(const struct gc_option *options)
{
    if (options == NULL || options->name == NULL) {
        puts("options: none");
        return;
    }
    puts("options, with their defaults:");
    for (; options->name != NULL; options++)
        print_option(options);
}

static void print_origin(const void *descriptor)
{
    const char *file = gc_plugins_file_of(descriptor);
    if (file != NULL) printf("file: %s\n", file);
}

static void print_collector(const struct gc_collector *collector)
{
    struct gc_collector_info info = gc_collector_info(collector);
    printf("collector %s - %s\n", info.name, info.summary);
    print_origin(collector);
    printf("promises:");
    const char *word, *before = "";
    for (size_t i = 0; gc_collector_promises(collector, i, &word); i++) {
        if (word == NULL) continue;
        printf("%s %s", before, word);
        before = ",";
    }
    puts(*before == '\0' ? " nothing" : "");
    printf("protocols:");
    for (size_t i = 0; info.protocols[i] != NULL; i++)
        printf("%s %s%s", i > 0 ? "," : "", info.protocols[i],
                i == 0 ? " (default)" : "");
    if (info.takes_others) printf(", others of their kind");
    printf("\npaper: %s\n", info.paper != NULL ? info.paper : "none");
    print_options(info.options);
}

static void print_workload(const struct gc_workload *workload)
{
    printf("workload %s - %s\n", workload->name, workload->summary);
    print_origin(workload);
    printf("card: %s\n", workload->card != NULL ? workload->card : "none");
    printf("throughput in: %s\n", workload->unit);
    printf("checksum: %s\n", workload->race_free
                                     ? "the same for every collector and protocol"
                                     : "depends on how threads interleave");
    printf("protocols:");
    const char *before = "";
    for (size_t i = 0; gc_workloads()[i] != NULL; i++) {
        if (strcmp(gc_workloads()[i]->name, workload->name) != 0) continue;
        if (gc_workloads()[i]->counts_operations) continue; /* the same again */
        printf("%s %s", before, gc_workloads()[i]->protocol);
        before = ",";
    }
    putchar('\n');
    print_options(workload->options);
    if (!gc_has_option(workload->options, "scale"))
        puts("  scale=fixed  (one of fixed|weak)\n"
             "      fixed: threads share the work; weak: each does the whole (gclab "
             "run)");
}

/* The workloads of a list that are compiled for a protocol, to be timed. */
static void print_compiled(const struct gc_workload *const *w, const char *protocol)
{
    const char *before = "";
    printf("workloads:");
    for (; *w != NULL; w++) {
        if ((*w)->counts_operations || strcmp((*w)->protocol, protocol) != 0) continue;
        printf("%s %s", before, (*w)->name);
        before = ",";
    }
    puts(*before == '\0' ? " none" : "");
}

static void print_protocol(const struct gc_protocol *protocol)
{
    const char *name = gc_protocol_name(protocol), *before = "";
    printf("protocol %s - %s\n", name, gc_protocol_summary(protocol));
    print_origin(protocol);
    printf("collectors:");
    for (size_t i = 0; gc_collectors()[i] != NULL; i++) {
        if (!gc_collector_takes(gc_collectors()[i], protocol)) continue;
        printf("%s %s", before, gc_collector_info(gc_collectors()[i]).name);
        before = ",";
    }
    puts(*before == '\0' ? " none" : "");
    print_compiled(gc_workloads(), name);
}

/* Everything of that name; false if there is nothing. */
static bool print_named(const char *name)
{
    const struct gc_collector *collector = gc_collector_find(name);
    const struct gc_workload *workload = gc_workload_some(name);
    const struct gc_protocol *protocol = gc_protocol_find(name);
    if (collector != NULL) print_collector(collector);
    if (workload != NULL) print_workload(workload);
    if (protocol != NULL) print_protocol(protocol);
    return collector != NULL || workload != NULL || protocol != NULL;
}

/* What a file has of workloads that another one brought, for a protocol that none of its
 * own is: a pack. */
static void print_pack(const struct gc_plugin *plugin, bool *first)
{
    const struct gc_workload *const *w = gc_plugin_workloads(plugin);
    for (size_t i = 0; w[i] != NULL; i++) {
        bool is_told = gc_workload_some(w[i]->name) == w[i];
        const struct gc_protocol *const *p = gc_plugin_protocols(plugin);
        for (; *p != NULL; p++)
            is_told |= strcmp(gc_protocol_name(*p), w[i]->protocol) == 0;
        for (size_t j = 0; j < i; j++)
            is_told |= strcmp(w[j]->protocol, w[i]->protocol) == 0;
        if (is_told) continue;
        if (!*first) putchar('\n');
        *first = false;
        printf("pack for protocol %s\n", w[i]->protocol);
        print_origin(w[i]);
        print_compiled(w, w[i]->protocol);
    }
}

/* All that a file holds; a workload once, whatever the number of its protocols. */
static int print_file(const char *path)
{
    const struct gc_plugin *plugin;
    bool first = true;
    int status = gc_plugins_load(path, &plugin);
    if (status != GC_EXIT_OK) return status;
    const struct gc_collector *const *c = gc_plugin_collectors(plugin);
    const struct gc_protocol *const *p = gc_plugin_protocols(plugin);
    const struct gc_workload *const *w = gc_plugin_workloads(plugin);
    for (; *c != NULL; c++, first = false) {
        if (!first) putchar('\n');
        print_collector(*c);
    }
    for (; *p != NULL; p++, first = false) {
        if (!first) putchar('\n');
        print_protocol(*p);
    }
    for (; *w != NULL; w++) {
        if (gc_workload_some((*w)->name) != *w) continue;
        if (!first) putchar('\n');
        print_workload(*w);
        first = false;
    }
    print_pack(plugin, &first);
    return GC_EXIT_OK;
}

static int complain_about(const char *name)
{
    const char **lists[] = { gc_collector_names(), gc_workload_names(),
        gc_protocol_names() };
    const char **all = gc_need(sizeof(*all));
    size_t n = 0;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (size_t j = 0; lists[i][j] != NULL; j++) {
            all = gc_need_more(all, (n + 2) * sizeof(*all));
            all[n++] = lists[i][j];
            all[n] = NULL;
        }
        free(lists[i]);
    }
    int status = gc_complain_unknown("collector, workload or protocol", name, all);
    free(all);
    return status;
}

struct info_request {
    const char *names[16];
    uint32_t count;
};

static error_t info_parse(int key, char *argument, struct argp_state *state)
{
    struct info_request *request = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (request->count == sizeof(request->names) / sizeof(request->names[0]))
            argp_error(state, "too many names");
        request->names[request->count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->count == 0)
            argp_error(state, "a name is missing; 'gclab list' shows all");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp info_argp = {
    .parser = info_parse,
    .args_doc = "NAME...",
    .doc = "Tells about a collector, workload or protocol, or all that a plugin's file "
           "holds: promises, protocols, options with type, range and default, paper; of "
           "a workload its card; of a protocol who takes it, and what is compiled for "
           "it.",
};

static int info_run(int argc, char **argv)
{
    struct info_request request = { .count = 0 };
    if (argp_parse(&info_argp, argc, argv, ARGP_IN_ORDER, NULL, &request) != 0)
        return GC_EXIT_USAGE;
    for (uint32_t i = 0; i < request.count; i++) {
        if (i > 0) putchar('\n');
        const char *name = request.names[i];
        if (gc_plugins_file(name) > 0) {
            int status = print_file(name);
            if (status != GC_EXIT_OK) return status;
            continue;
        }
        if (print_named(name)) continue;
        gc_plugins_scan();
        if (!print_named(name)) return complain_about(name);
    }
    return GC_EXIT_OK;
}

const struct gc_command gc_command_list = {
    .name = "list",
    .summary = "list collectors, workloads and protocols",
    .argp = &list_argp,
    .run = list_run,
};

const struct gc_command gc_command_info = {
    .name = "info",
    .summary = "tell about one of them: promises, options, paper",
    .argp = &info_argp,
    .run = info_run,
};
