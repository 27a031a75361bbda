/* SPDX-License-Identifier: MIT */
/* minheap_file.c - minimum heaps, as `gclab minheap` has measured them, in a file.
 *
 * It is written as JSON, an entry a line, which is YAML as well: read as that, it may also be
 * written by hand, and what is wrong has a place.
 */
#include "bench/minheap_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/file.h"
#include "bench/json.h"
#include "bench/plan_options.h"
#include "bench/text.h"
#include "bench/yaml_file.h"

enum { FORMAT = 1 };

void gc_minheap_finish(struct gc_minheap *minimum)
{
    for (uint32_t i = 0; i < minimum->probe_count; i++)
        free(minimum->probes[i].collector);
    free(minimum->workload);
    free(minimum->collector);
    free(minimum->probes);
}

/* --- reading ----------------------------------------------------------------------------- */

static int need_key(struct gc_yaml *yaml, const yaml_node_t *entry, const char *key,
        const yaml_node_t **ret_value)
{
    *ret_value = gc_yaml_find(yaml, entry, key);
    if (*ret_value != NULL) return GC_EXIT_OK;
    return gc_yaml_complain(yaml, entry, "an entry needs the key '%s'", key);
}

static int read_text(struct gc_yaml *yaml, const yaml_node_t *entry, const char *key,
        const char **ret_text)
{
    const yaml_node_t *node;
    int status = need_key(yaml, entry, key, &node);
    if (status != GC_EXIT_OK) return status;
    *ret_text = gc_yaml_text(node);
    if (*ret_text != NULL) return GC_EXIT_OK;
    return gc_yaml_complain(
            yaml, node, "%s is %s; it takes a text", key, gc_yaml_kind(node));
}

static int read_size(struct gc_yaml *yaml, const yaml_node_t *entry, const char *key,
        uint64_t *ret_bytes)
{
    const char *text = NULL;
    int status = read_text(yaml, entry, key, &text);
    if (status != GC_EXIT_OK) return status;
    if (gc_parse_size(text, ret_bytes) == 0 && *ret_bytes > 0 && *ret_bytes % 1024 == 0)
        return GC_EXIT_OK;
    return gc_yaml_complain(yaml, gc_yaml_find(yaml, entry, key),
            "%s %s: it takes whole KiB, as in 512K or 64M", key, text);
}

static int read_count(struct gc_yaml *yaml, const yaml_node_t *entry, const char *key,
        uint64_t most, uint64_t *ret_value)
{
    const char *text = NULL;
    int status = read_text(yaml, entry, key, &text);
    if (status != GC_EXIT_OK) return status;
    if (gc_read_number(text, most, ret_value)) return GC_EXIT_OK;
    return gc_yaml_complain(yaml, gc_yaml_find(yaml, entry, key),
            "%s %s: it takes a number up to %" PRIu64, key, text, most);
}

static int read_outcome(
        struct gc_yaml *yaml, const yaml_node_t *node, struct gc_minheap_probe *probe)
{
    const char *text = gc_yaml_text(node);
    if (probe->count == GC_MINHEAP_TRIES)
        return gc_yaml_complain(
                yaml, node, "a probe has more than %d outcomes", GC_MINHEAP_TRIES);
    for (int i = 0; text != NULL && i < GC_OUTCOME_COUNT; i++) {
        if (strcmp(text, gc_outcome_names[i]) != 0) continue;
        probe->outcomes[probe->count++] = (enum gc_outcome)i;
        return GC_EXIT_OK;
    }
    return gc_yaml_complain(yaml, node, "'%s' is no outcome", text != NULL ? text : "");
}

static int read_probe(
        struct gc_yaml *yaml, const yaml_node_t *node, struct gc_minheap_probe *probe)
{
    static const char *const keys[] = { "collector", "heap", "outcomes", NULL };
    const yaml_node_t *outcomes, *item;
    const char *collector = NULL;
    int status = gc_yaml_check_keys(yaml, node, "a probe", keys);
    if (status == GC_EXIT_OK) status = read_text(yaml, node, "collector", &collector);
    if (status == GC_EXIT_OK) probe->collector = gc_need_text("%s", collector);
    if (status == GC_EXIT_OK) status = read_size(yaml, node, "heap", &probe->bytes);
    if (status == GC_EXIT_OK) status = need_key(yaml, node, "outcomes", &outcomes);
    for (size_t i = 0;
            status == GC_EXIT_OK && (item = gc_yaml_item(yaml, outcomes, i)) != NULL; i++)
        status = read_outcome(yaml, item, probe);
    return status;
}

static int read_probes(
        struct gc_yaml *yaml, const yaml_node_t *entry, struct gc_minheap *minimum)
{
    const yaml_node_t *probes = gc_yaml_find(yaml, entry, "probes"), *item;
    int status = GC_EXIT_OK;
    for (size_t i = 0; status == GC_EXIT_OK && probes != NULL &&
                       (item = gc_yaml_item(yaml, probes, i)) != NULL;
            i++) {
        minimum->probes =
                gc_need_more(minimum->probes, (i + 1) * sizeof(*minimum->probes));
        minimum->probes[i] = (struct gc_minheap_probe){ .bytes = 0 };
        minimum->probe_count++;
        status = read_probe(yaml, item, &minimum->probes[i]);
    }
    return status;
}

static int read_entry(
        struct gc_yaml *yaml, const yaml_node_t *entry, struct gc_minheap *minimum)
{
    static const char *const keys[] = { "workload", "scale", "threads", "seed",
        "collector", "heap", "probes", NULL };
    const char *workload = NULL, *scale = "fixed", *collector = "";
    uint64_t threads = 1;
    int status = gc_yaml_check_keys(yaml, entry, "an entry", keys);
    if (status == GC_EXIT_OK) status = read_text(yaml, entry, "workload", &workload);
    if (status == GC_EXIT_OK && gc_yaml_find(yaml, entry, "scale") != NULL)
        status = read_text(yaml, entry, "scale", &scale);
    if (status == GC_EXIT_OK && gc_yaml_find(yaml, entry, "collector") != NULL)
        status = read_text(yaml, entry, "collector", &collector);
    if (status == GC_EXIT_OK && strcmp(scale, "weak") != 0 && strcmp(scale, "fixed") != 0)
        status = gc_yaml_complain(yaml, gc_yaml_find(yaml, entry, "scale"),
                "scale %s: it takes fixed or weak", scale);
    if (status == GC_EXIT_OK)
        status = read_count(yaml, entry, "threads", GC_THREADS_MAX, &threads);
    minimum->seed = 1;
    if (status == GC_EXIT_OK && gc_yaml_find(yaml, entry, "seed") != NULL)
        status = read_count(yaml, entry, "seed", UINT64_MAX, &minimum->seed);
    if (status == GC_EXIT_OK) status = read_size(yaml, entry, "heap", &minimum->bytes);
    if (status == GC_EXIT_OK) status = read_probes(yaml, entry, minimum);
    if (status != GC_EXIT_OK) return status;
    minimum->workload = gc_need_text("%s", workload);
    minimum->collector = gc_need_text("%s", collector);
    minimum->weak = strcmp(scale, "weak") == 0;
    minimum->threads = (uint32_t)threads;
    return GC_EXIT_OK;
}

static int read_all(struct gc_yaml *yaml, struct gc_minheap_file *file)
{
    static const char *const keys[] = { "minheap", "entries", NULL };
    const yaml_node_t *root = gc_yaml_root(yaml), *item, *entries;
    uint64_t format = 0;
    int status = gc_yaml_check_keys(yaml, root, "a file of minimum heaps", keys);
    if (status == GC_EXIT_OK)
        status = read_count(yaml, root, "minheap", UINT32_MAX, &format);
    if (status == GC_EXIT_OK && format != FORMAT)
        status = gc_yaml_complain(yaml, gc_yaml_find(yaml, root, "minheap"),
                "it is of version %" PRIu64 " of this format; known is %d", format,
                FORMAT);
    if (status == GC_EXIT_OK) status = need_key(yaml, root, "entries", &entries);
    for (size_t i = 0;
            status == GC_EXIT_OK && (item = gc_yaml_item(yaml, entries, i)) != NULL;
            i++) {
        struct gc_minheap minimum = { .probe_count = 0 };
        status = read_entry(yaml, item, &minimum);
        if (status == GC_EXIT_OK)
            gc_minheap_file_put(file, &minimum);
        else
            gc_minheap_finish(&minimum);
    }
    return status;
}

int gc_minheap_file_read(const char *path, struct gc_minheap_file *ret_file)
{
    struct gc_yaml yaml;
    *ret_file = (struct gc_minheap_file){ NULL, 0 };
    int status = gc_yaml_read(path, &yaml);
    if (status != GC_EXIT_OK) return status;
    status = read_all(&yaml, ret_file);
    gc_yaml_finish(&yaml);
    if (status != GC_EXIT_OK) gc_minheap_file_finish(ret_file);
    return status;
}

/* --- what is in it ----------------------------------------------------------------------- */

static struct gc_minheap *find(const struct gc_minheap_file *file, const char *workload,
        bool weak, uint32_t threads)
{
    for (uint32_t i = 0; i < file->count; i++) {
        struct gc_minheap *entry = &file->entries[i];
        if (entry->threads == threads && entry->weak == weak &&
                strcmp(entry->workload, workload) == 0)
            return entry;
    }
    return NULL;
}

void gc_minheap_file_put(struct gc_minheap_file *file, const struct gc_minheap *entry)
{
    struct gc_minheap *old = find(file, entry->workload, entry->weak, entry->threads);
    if (old != NULL) {
        gc_minheap_finish(old);
        *old = *entry;
        return;
    }
    file->entries =
            gc_need_more(file->entries, (file->count + 1) * sizeof(*file->entries));
    file->entries[file->count++] = *entry;
}

void gc_minheap_file_finish(struct gc_minheap_file *file)
{
    for (uint32_t i = 0; i < file->count; i++)
        gc_minheap_finish(&file->entries[i]);
    free(file->entries);
    *file = (struct gc_minheap_file){ NULL, 0 };
}

int gc_minheap_file_apply(
        const struct gc_minheap_file *file, const char *path, const struct gc_plan *plan)
{
    for (uint32_t w = 0; w < plan->workload_count; w++) {
        const struct gc_workload_spec *spec = &plan->workloads[w];
        bool weak = spec->has_scale ? spec->weak : plan->weak;
        for (uint32_t t = 0; t < plan->thread_count; t++) {
            const struct gc_minheap *entry =
                    find(file, spec->label, weak, plan->threads[t]);
            if (entry == NULL)
                return gc_complain(GC_EXIT_FILE,
                        "%s has no minimum heap of %s with %" PRIu32
                        " thread%s%s: gclab minheap -w %s%s -t %" PRIu32 " -o %s",
                        path, spec->label, plan->threads[t],
                        plan->threads[t] == 1 ? "" : "s", weak ? ", scale=weak" : "",
                        spec->label, weak ? " --scale weak" : "", plan->threads[t], path);
            *gc_plan_minimum_heap(plan, w, t) = entry->bytes;
        }
    }
    return GC_EXIT_OK;
}

/* --- writing ----------------------------------------------------------------------------- */

static void write_entry(FILE *file, const struct gc_minheap *entry)
{
    struct gc_json json = { .file = file };
    gc_json_begin(&json, NULL);
    gc_json_text(&json, "workload", entry->workload);
    gc_json_text(&json, "scale", entry->weak ? "weak" : "fixed");
    gc_json_number(&json, "threads", entry->threads);
    gc_json_number(&json, "seed", entry->seed);
    gc_json_text(&json, "collector", entry->collector);
    gc_json_number(&json, "heap", entry->bytes);
    gc_json_begin_array(&json, "probes");
    for (uint32_t i = 0; i < entry->probe_count; i++) {
        const struct gc_minheap_probe *probe = &entry->probes[i];
        gc_json_begin(&json, NULL);
        gc_json_text(&json, "collector", probe->collector);
        gc_json_number(&json, "heap", probe->bytes);
        gc_json_begin_array(&json, "outcomes");
        for (uint32_t t = 0; t < probe->count; t++)
            gc_json_text(&json, NULL, gc_outcome_names[probe->outcomes[t]]);
        gc_json_end_array(&json);
        gc_json_end(&json);
    }
    gc_json_end_array(&json);
    gc_json_end(&json);
}

int gc_minheap_file_write(const char *path, const struct gc_minheap_file *file)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (memory == NULL) return -errno;
    fprintf(memory, "{\"minheap\":%d,\"entries\":[\n", FORMAT);
    for (uint32_t i = 0; i < file->count; i++) {
        write_entry(memory, &file->entries[i]);
        fputs(i + 1 < file->count ? ",\n" : "\n", memory);
    }
    fputs("]}\n", memory);
    int result = fclose(memory) != 0 ? -errno : 0;
    if (result == 0) result = gc_file_write(path, text, length, GC_FILE_REPLACE);
    free(text);
    return result;
}
