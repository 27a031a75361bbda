/* SPDX-License-Identifier: MIT */
/* experiment.c - an experiment file: what is to be measured, in YAML. */
#include "bench/experiment.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/file.h"
#include "bench/minheap_file.h"
#include "bench/plan_options.h"
#include "bench/plugins.h"
#include "bench/text.h"

enum { PROCESSES = 3, TIMEOUT_S = 300, NAME_MAX_LENGTH = 64 };

static const char *const keys[] = { "experiment", "name", "description", "paper", "suite",
    "plugins", "collectors", "workloads", "scale", "threads", "heap", "processes",
    "iterations", "count_ops", "seeds", "timeout", "pin", "order", "builds", "claims",
    "quick", NULL };

/* What is the same whether an experiment is quick or not. */
static const char *const fixed_keys[] = { "experiment", "name", "description", "paper",
    "suite", "plugins", "builds", "claims", "quick", NULL };

struct reader {
    struct gc_yaml yaml;
    const yaml_node_t *root, *quick; /* the latter goes first, or is NULL */
    struct gc_experiment *experiment;
    const char
            *minimum_heaps; /* where they are instead of where the file says, or NULL */
};

/* The value of a key, or NULL where it is not given. */
static const yaml_node_t *value_of(struct reader *reader, const char *key)
{
    const yaml_node_t *value = NULL;
    if (reader->quick != NULL) value = gc_yaml_find(&reader->yaml, reader->quick, key);
    return value != NULL ? value : gc_yaml_find(&reader->yaml, reader->root, key);
}

/* The text that must stand there; NULL: that it does not has been said. */
static const char *need_text(
        struct reader *reader, const char *what, const yaml_node_t *node)
{
    const char *text = gc_yaml_text(node);
    if (text == NULL)
        gc_yaml_complain(&reader->yaml, node, "%s is %s; it takes a text", what,
                gc_yaml_kind(node));
    return text;
}

typedef int (*read_fn)(struct reader *reader, const char *what, const yaml_node_t *node);

/* Reads each element of a list, or what stands there alone. */
static int read_list(struct reader *reader, const char *key, read_fn read_item)
{
    const yaml_node_t *node = value_of(reader, key), *item;
    int status = GC_EXIT_OK;
    size_t i = 0;
    if (node == NULL) return GC_EXIT_OK;
    for (; status == GC_EXIT_OK && (item = gc_yaml_item(&reader->yaml, node, i)) != NULL;
            i++)
        status = read_item(reader, key, item);
    if (i == 0 && status == GC_EXIT_OK)
        return gc_yaml_complain(&reader->yaml, node, "%s is an empty list", key);
    return status;
}

static int read_key(struct reader *reader, const char *key, read_fn read_value)
{
    const yaml_node_t *node = value_of(reader, key);
    return node != NULL ? read_value(reader, key, node) : GC_EXIT_OK;
}

/* One word of two; *ret_second: it is the other one. */
static int read_word(struct reader *reader, const char *what, const yaml_node_t *node,
        const char *first, const char *second, bool *ret_second)
{
    const char *text = need_text(reader, what, node);
    if (text == NULL) return GC_EXIT_FILE;
    *ret_second = strcmp(text, second) == 0;
    if (*ret_second || strcmp(text, first) == 0) return GC_EXIT_OK;
    return gc_yaml_complain(
            &reader->yaml, node, "%s: %s: it takes %s or %s", what, text, first, second);
}

static int read_number(struct reader *reader, const char *what, const yaml_node_t *node,
        uint64_t least, uint64_t most, uint64_t *ret_value)
{
    const char *text = need_text(reader, what, node);
    if (text == NULL) return GC_EXIT_FILE;
    if (gc_read_number(text, most, ret_value) && *ret_value >= least) return GC_EXIT_OK;
    return gc_yaml_complain(&reader->yaml, node,
            "%s: %s: it takes a number from %" PRIu64 " to %" PRIu64, what, text, least,
            most);
}

/* --- specs ------------------------------------------------------------------------------ */

/* "text:KEY=VALUE", where a colon in the value is no end of it. Frees the text. */
static char *add_option(char *text, const char *key, const char *value)
{
    char *escaped = gc_need(2 * strlen(value) + 1), *to = escaped;
    for (; *value != '\0'; value++) {
        if (*value == ':' || *value == '\\') *to++ = '\\';
        *to++ = *value;
    }
    char *longer = gc_need_text("%s:%s=%s", text, key, escaped);
    free(escaped);
    free(text);
    return longer;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, text) == 0) return true;
    return false;
}

/* Adds the pairs of a mapping as options, but for those whose keys say something else. Frees
 * the text; NULL: something was wrong, which has been said. */
static char *add_options(struct reader *reader, char *text, const yaml_node_t *mapping,
        const char *const *others)
{
    const yaml_node_t *key, *value;
    for (size_t i = 0; gc_yaml_pair(&reader->yaml, mapping, i, &key, &value); i++) {
        const char *name = gc_yaml_text(key);
        if (others != NULL && is_one_of(name, others)) continue;
        const char *word = need_text(reader, name, value);
        if (word == NULL) {
            free(text);
            return NULL;
        }
        text = add_option(text, name, word);
    }
    return text;
}

/* A SPEC as the command line takes it, from a text or from a mapping; NULL: something was wrong,
 * which has been said. */
static char *read_spec(struct reader *reader, const char *what, const yaml_node_t *node)
{
    static const char *const others[] = { "name", "protocol", "options", NULL };
    struct gc_yaml *yaml = &reader->yaml;
    if (node->type != YAML_MAPPING_NODE) {
        const char *text = need_text(reader, what, node);
        return text != NULL ? gc_need_text("%s", text) : NULL;
    }
    if (gc_yaml_check_keys(yaml, node, what, NULL) != GC_EXIT_OK) return NULL;
    const yaml_node_t *name = gc_yaml_find(yaml, node, "name");
    const yaml_node_t *protocol = gc_yaml_find(yaml, node, "protocol");
    const yaml_node_t *options = gc_yaml_find(yaml, node, "options");
    if (name == NULL) {
        gc_yaml_complain(yaml, node, "a mapping of %s needs the key 'name'", what);
        return NULL;
    }
    const char *first = need_text(reader, "name", name);
    const char *second = protocol != NULL ? need_text(reader, "protocol", protocol) : "";
    if (first == NULL || second == NULL) return NULL;
    if (options != NULL &&
            gc_yaml_check_keys(yaml, options, "options", NULL) != GC_EXIT_OK)
        return NULL;
    char *text = gc_need_text("%s%s%s", first, protocol != NULL ? "@" : "", second);
    if (options != NULL) text = add_options(reader, text, options, NULL);
    return text != NULL ? add_options(reader, text, node, others) : NULL;
}

static int add_spec(struct reader *reader, const char *what, const yaml_node_t *node,
        int (*add)(struct gc_plan *plan, const char *text))
{
    char *spec = read_spec(reader, what, node);
    if (spec == NULL) return GC_EXIT_FILE;
    gc_yaml_about(&reader->yaml, node);
    int status = *spec != '\0' ? add(&reader->experiment->plan, spec)
                               : gc_complain(GC_EXIT_FILE, "a name is missing");
    free(spec);
    return gc_yaml_about_end(&reader->yaml, status);
}

static int read_collector(
        struct reader *reader, const char *what, const yaml_node_t *node)
{
    return add_spec(reader, what, node, gc_plan_add_collector);
}

static int read_workload(struct reader *reader, const char *what, const yaml_node_t *node)
{
    return add_spec(reader, what, node, gc_plan_add_workload);
}

/* --- the other keys ---------------------------------------------------------------------- */

/* Paths in the file are as seen from where it lies; free with free(). */
static char *path_beside(const struct reader *reader, const char *path)
{
    const char *slash = strrchr(reader->yaml.path, '/');
    if (*path == '/' || slash == NULL) return gc_need_text("%s", path);
    return gc_need_text(
            "%.*s/%s", (int)(slash - reader->yaml.path), reader->yaml.path, path);
}

static int read_plugin(struct reader *reader, const char *what, const yaml_node_t *node)
{
    const struct gc_plugin *plugin;
    const char *text = need_text(reader, what, node);
    if (text == NULL) return GC_EXIT_FILE;
    char *path = path_beside(reader, text);
    gc_yaml_about(&reader->yaml, node);
    int status = gc_yaml_about_end(&reader->yaml, gc_plugins_load(path, &plugin));
    free(path);
    return status;
}

static int read_threads(struct reader *reader, const char *what, const yaml_node_t *node)
{
    uint64_t value = 0;
    int status = read_number(reader, what, node, 1, GC_THREADS_MAX, &value);
    if (status != GC_EXIT_OK) return status;
    gc_yaml_about(&reader->yaml, node);
    status = gc_plan_add_thread_count(&reader->experiment->plan, (uint32_t)value);
    return gc_yaml_about_end(&reader->yaml, status);
}

static int read_seed(struct reader *reader, const char *what, const yaml_node_t *node)
{
    uint64_t value = 0;
    int status = read_number(reader, what, node, 0, UINT64_MAX, &value);
    if (status != GC_EXIT_OK) return status;
    gc_yaml_about(&reader->yaml, node);
    status = gc_plan_add_seed(&reader->experiment->plan, value);
    return gc_yaml_about_end(&reader->yaml, status);
}

static int read_processes(
        struct reader *reader, const char *what, const yaml_node_t *node)
{
    uint64_t value = 0;
    int status = read_number(reader, what, node, 1, GC_PROCESSES_MAX, &value);
    reader->experiment->plan.processes = (uint32_t)value;
    return status;
}

static int read_iterations(
        struct reader *reader, const char *what, const yaml_node_t *node)
{
    const char *text = need_text(reader, what, node);
    if (text == NULL) return GC_EXIT_FILE;
    if (strcmp(text, "1") == 0) return GC_EXIT_OK;
    return gc_yaml_complain(&reader->yaml, node,
            "iterations: %s: it takes 1: a process runs its workload once, and "
            "repetitions "
            "are processes of their own",
            text);
}

static int read_scale(struct reader *reader, const char *what, const yaml_node_t *node)
{
    return read_word(reader, what, node, "fixed", "weak", &reader->experiment->plan.weak);
}

static int read_count_ops(
        struct reader *reader, const char *what, const yaml_node_t *node)
{
    return read_word(
            reader, what, node, "no", "yes", &reader->experiment->plan.count_ops);
}

static int read_builds(struct reader *reader, const char *what, const yaml_node_t *node)
{
    return read_word(
            reader, what, node, "one", "mixed", &reader->experiment->mixes_builds);
}

static int read_timeout(struct reader *reader, const char *what, const yaml_node_t *node)
{
    const char *text = need_text(reader, what, node);
    if (text == NULL) return GC_EXIT_FILE;
    if (gc_read_seconds(text, &reader->experiment->plan.timeout_ns)) return GC_EXIT_OK;
    return gc_yaml_complain(&reader->yaml, node,
            "timeout: %s: it takes seconds, or minutes or hours, as in 120, 120s or 2m",
            text);
}

static int read_pin(struct reader *reader, const char *what, const yaml_node_t *node)
{
    const char *text = need_text(reader, what, node);
    if (text == NULL) return GC_EXIT_FILE;
    if (gc_pin_find(text, &reader->experiment->plan.pin)) return GC_EXIT_OK;
    return gc_yaml_complain(
            &reader->yaml, node, "pin: %s: it takes none, compact or spread", text);
}

static int read_order(struct reader *reader, const char *what, const yaml_node_t *node)
{
    static const char *const known[] = { "collectors", "seed", NULL };
    struct gc_experiment *experiment = reader->experiment;
    bool is_listed = false;
    int status;
    if (node->type != YAML_MAPPING_NODE) {
        status = read_word(reader, what, node, "shuffled", "listed", &is_listed);
        experiment->is_shuffled = !is_listed;
        return status;
    }
    status = gc_yaml_check_keys(&reader->yaml, node, what, known);
    const yaml_node_t *collectors = gc_yaml_find(&reader->yaml, node, "collectors");
    const yaml_node_t *seed = gc_yaml_find(&reader->yaml, node, "seed");
    if (status == GC_EXIT_OK && collectors != NULL)
        status = read_word(
                reader, "collectors", collectors, "shuffled", "listed", &is_listed);
    if (status == GC_EXIT_OK && seed != NULL)
        status =
                read_number(reader, "seed", seed, 0, UINT64_MAX, &experiment->order_seed);
    experiment->is_shuffled = !is_listed;
    return status;
}

static int read_heap(struct reader *reader, const char *what, const yaml_node_t *node)
{
    const char *text = need_text(reader, what, node);
    if (text == NULL) return GC_EXIT_FILE;
    uint64_t bytes;
    bool is_none = strcmp(text, "none") == 0;
    bool is_size = gc_parse_size(text, &bytes) == 0 && bytes > 0 && bytes % 1024 == 0;
    if (!is_none && !is_size)
        return gc_yaml_complain(&reader->yaml, node,
                "heap: %s: it takes whole KiB, as in 512K, 64M or 2G, or none, or a "
                "mapping "
                "of 'factors' and 'of'",
                text);
    gc_yaml_about(&reader->yaml, node);
    return gc_yaml_about_end(
            &reader->yaml, gc_plan_add_heap(&reader->experiment->plan, text));
}

static int read_factor(struct reader *reader, const yaml_node_t *node)
{
    const char *text = need_text(reader, "factors", node);
    if (text == NULL) return GC_EXIT_FILE;
    char *end, *word = gc_need_text("%gx", strtod(text, &end));
    int status = GC_EXIT_OK;
    if (end == text || (*end != '\0' && strcmp(end, "x") != 0) ||
            !(strtod(text, NULL) > 0))
        status = gc_yaml_complain(&reader->yaml, node,
                "factors: %s: it takes multiples of the minimum heap, as in 1.25", text);
    gc_yaml_about(&reader->yaml, node);
    if (status == GC_EXIT_OK) status = gc_plan_add_heap(&reader->experiment->plan, word);
    free(word);
    return gc_yaml_about_end(&reader->yaml, status);
}

/* {factors: [1.25, 2], of: FILE} */
static int read_factors(struct reader *reader, const yaml_node_t *heap)
{
    static const char *const known[] = { "factors", "of", NULL };
    struct gc_yaml *yaml = &reader->yaml;
    int status = gc_yaml_check_keys(yaml, heap, "heap", known);
    if (status != GC_EXIT_OK) return status;
    const yaml_node_t *factors = gc_yaml_find(yaml, heap, "factors"), *item;
    if (factors == NULL || gc_yaml_find(yaml, heap, "of") == NULL)
        return gc_yaml_complain(yaml, heap,
                "heap needs both 'factors' and 'of', a file of minimum heaps made by "
                "'gclab minheap'");
    for (size_t i = 0;
            status == GC_EXIT_OK && (item = gc_yaml_item(yaml, factors, i)) != NULL; i++)
        status = read_factor(reader, item);
    return status;
}

static int read_heaps(struct reader *reader)
{
    const yaml_node_t *heap = value_of(reader, "heap");
    if (heap == NULL) return GC_EXIT_OK;
    if (heap->type == YAML_MAPPING_NODE) return read_factors(reader, heap);
    return read_list(reader, "heap", read_heap);
}

/* Once workloads and threads are known. */
static int read_minimum_heaps(struct reader *reader)
{
    struct gc_minheap_file file;
    if (!gc_plan_needs_minimum(&reader->experiment->plan)) return GC_EXIT_OK;
    const yaml_node_t *of = gc_yaml_find(&reader->yaml, value_of(reader, "heap"), "of");
    const char *text = need_text(reader, "of", of);
    if (text == NULL) return GC_EXIT_FILE;
    struct gc_experiment *experiment = reader->experiment;
    char *path = reader->minimum_heaps != NULL ? gc_need_text("%s", reader->minimum_heaps)
                                               : path_beside(reader, text);
    gc_yaml_about(&reader->yaml, of);
    int status = GC_EXIT_OK;
    int result = gc_file_read(
            path, &experiment->minimum_heaps, &experiment->minimum_heaps_length);
    if (result < 0) status = gc_complain(GC_EXIT_FILE, "%s: %s", path, strerror(-result));
    if (status == GC_EXIT_OK) status = gc_minheap_file_read(path, &file);
    gc_yaml_about(&reader->yaml, of); /* the other file has had places of its own */
    if (status == GC_EXIT_OK) {
        status = gc_minheap_file_apply(&file, path, &experiment->plan);
        gc_minheap_file_finish(&file);
    }
    free(path);
    return gc_yaml_about_end(&reader->yaml, status);
}

static int read_name(struct reader *reader)
{
    struct gc_yaml *yaml = &reader->yaml;
    const yaml_node_t *node = gc_yaml_find(yaml, reader->root, "experiment");
    const yaml_node_t *other = gc_yaml_find(yaml, reader->root, "name");
    if (node != NULL && other != NULL)
        return gc_yaml_complain(yaml, other,
                "'experiment' and 'name' are the same: one of them is enough");
    if (node == NULL) node = other;
    if (node == NULL)
        return gc_yaml_complain(
                yaml, reader->root, "an experiment needs a name: the key 'experiment'");
    const char *text = need_text(reader, "experiment", node);
    if (text == NULL) return GC_EXIT_FILE;
    size_t length = strlen(text);
    if (length == 0 || length > NAME_MAX_LENGTH || *text == '.' ||
            strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789."
                         "_-") != length)
        return gc_yaml_complain(yaml, node,
                "experiment: %s: a name has up to %d letters, digits, '.', '_' and '-', "
                "and begins with no '.'",
                text, NAME_MAX_LENGTH);
    reader->experiment->name = gc_need_text("%s", text);
    return GC_EXIT_OK;
}

/* What is only kept. */
static int check_metadata(struct reader *reader)
{
    static const char *const texts[] = { "description", "paper", "suite" };
    struct gc_yaml *yaml = &reader->yaml;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const yaml_node_t *node = gc_yaml_find(yaml, reader->root, texts[i]), *key,
                          *value;
        if (node == NULL) continue;
        if (node->type != YAML_MAPPING_NODE) {
            if (need_text(reader, texts[i], node) == NULL) return GC_EXIT_FILE;
            continue;
        }
        int status = gc_yaml_check_keys(yaml, node, texts[i], NULL);
        if (status != GC_EXIT_OK) return status;
        for (size_t p = 0; gc_yaml_pair(yaml, node, p, &key, &value); p++)
            if (need_text(reader, gc_yaml_text(key), value) == NULL) return GC_EXIT_FILE;
    }
    return GC_EXIT_OK;
}

/* What --quick puts over the rest; it is checked without it as well. */
static int check_quick(struct reader *reader)
{
    struct gc_yaml *yaml = &reader->yaml;
    const yaml_node_t *quick = gc_yaml_find(yaml, reader->root, "quick"), *key, *value;
    if (quick == NULL && reader->experiment->is_quick)
        return gc_yaml_complain(yaml, reader->root,
                "--quick: the experiment has no key 'quick' that says what is less then");
    if (quick == NULL) return GC_EXIT_OK;
    int status = gc_yaml_check_keys(yaml, quick, "quick", keys);
    for (size_t i = 0; status == GC_EXIT_OK && gc_yaml_pair(yaml, quick, i, &key, &value);
            i++)
        if (is_one_of(gc_yaml_text(key), fixed_keys))
            status = gc_yaml_complain(
                    yaml, key, "'%s' can't differ in 'quick'", gc_yaml_text(key));
    if (reader->experiment->is_quick) reader->quick = quick;
    return status;
}

static int need_list(struct reader *reader, const char *key, read_fn read_item)
{
    if (value_of(reader, key) == NULL)
        return gc_yaml_complain(
                &reader->yaml, reader->root, "an experiment needs the key '%s'", key);
    return read_list(reader, key, read_item);
}

static int read_all(struct reader *reader)
{
    struct gc_plan *plan = &reader->experiment->plan;
    int status = gc_yaml_check_keys(&reader->yaml, reader->root, "an experiment", keys);
    if (status == GC_EXIT_OK) status = read_name(reader);
    if (status == GC_EXIT_OK) status = check_metadata(reader);
    if (status == GC_EXIT_OK) status = check_quick(reader);
    if (status == GC_EXIT_OK) status = read_list(reader, "plugins", read_plugin);
    if (status == GC_EXIT_OK) status = read_key(reader, "count_ops", read_count_ops);
    if (status == GC_EXIT_OK) status = need_list(reader, "collectors", read_collector);
    if (status == GC_EXIT_OK) status = need_list(reader, "workloads", read_workload);
    if (status == GC_EXIT_OK) status = read_list(reader, "threads", read_threads);
    if (status == GC_EXIT_OK) status = read_heaps(reader);
    if (status == GC_EXIT_OK) status = read_list(reader, "seeds", read_seed);
    if (status == GC_EXIT_OK) status = read_key(reader, "processes", read_processes);
    if (status == GC_EXIT_OK) status = read_key(reader, "iterations", read_iterations);
    if (status == GC_EXIT_OK) status = read_key(reader, "scale", read_scale);
    if (status == GC_EXIT_OK) status = read_key(reader, "timeout", read_timeout);
    if (status == GC_EXIT_OK) status = read_key(reader, "pin", read_pin);
    if (status == GC_EXIT_OK) status = read_key(reader, "order", read_order);
    if (status == GC_EXIT_OK) status = read_key(reader, "builds", read_builds);
    if (status == GC_EXIT_OK && plan->thread_count == 0)
        status = gc_plan_add_thread_count(plan, 1);
    if (status != GC_EXIT_OK) return status;
    gc_yaml_about(&reader->yaml, value_of(reader, "workloads"));
    status = gc_yaml_about_end(&reader->yaml, gc_plan_complete(plan));
    return status == GC_EXIT_OK ? read_minimum_heaps(reader) : status;
}

int gc_experiment_read(const char *path, bool is_quick, const char *minimum_heaps,
        struct gc_experiment *ret_experiment)
{
    struct gc_experiment *experiment = ret_experiment;
    struct reader reader = { .experiment = experiment, .minimum_heaps = minimum_heaps };
    *experiment = (struct gc_experiment){
        .is_quick = is_quick,
        .is_shuffled = true,
        .order_seed = 1,
        .plan = { .processes = PROCESSES,
                .timeout_ns = TIMEOUT_S * UINT64_C(1000000000) },
    };
    int status = gc_yaml_read(path, &reader.yaml);
    if (status != GC_EXIT_OK) return status;
    reader.root = gc_yaml_root(&reader.yaml);
    status = read_all(&reader);
    experiment->text = reader.yaml.text;
    experiment->length = reader.yaml.length;
    reader.yaml.text = NULL;
    gc_yaml_finish(&reader.yaml);
    if (status != GC_EXIT_OK) gc_experiment_finish(experiment);
    return status;
}

void gc_experiment_finish(struct gc_experiment *experiment)
{
    gc_plan_finish(&experiment->plan);
    free(experiment->name);
    free(experiment->text);
    free(experiment->minimum_heaps);
    memset(experiment, 0, sizeof(*experiment));
}
