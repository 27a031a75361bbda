/* SPDX-License-Identifier: MIT */
/* results.c - samples that `gclab run --json` or `gclab sweep` has written, read back. */
#include "bench/analysis/program/results.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/analysis/program/heap.h"
#include "bench/command.h"
#include "bench/text.h"

#define FILES_OF_A_FOLDER "samples*.jsonl"
#define BYTES_MOST        0x1p60 /* of what somebody calls a heap */

enum { PATH_ROOM = 128, THREADS_MOST = 1 << 20 };

const json_t *gc_result_member(const struct gc_result *result, const char *path)
{
    const json_t *at = result->line;
    while (at != NULL) {
        char name[PATH_ROOM];
        size_t length = strcspn(path, ".");
        if (length >= sizeof(name)) return NULL;
        memcpy(name, path, length);
        name[length] = '\0';
        at = json_object_get(at, name); /* NULL where `at` is no object */
        if (path[length] == '\0') break;
        path += length + 1;
    }
    return json_is_null(at) ? NULL : at;
}

double gc_result_number(const struct gc_result *result, const char *path)
{
    const json_t *member = gc_result_member(result, path);
    return json_is_number(member) ? json_number_value(member) : NAN;
}

const char *gc_result_text(const struct gc_result *result, const char *path)
{
    return json_string_value(gc_result_member(result, path));
}

bool gc_result_is_of(const struct gc_result *result, const char *spec)
{
    const char *own = result->spec;
    if (strcmp(own, spec) == 0) return true;
    size_t length = strlen(spec);
    if (strchr(spec, ':') != NULL || strncmp(own, spec, length) != 0) return false;
    return own[length] == ':' || (own[length] == '@' && strchr(spec, '@') == NULL);
}

/* A member that a sweep may give as a truth, a number, a text or a list of reasons. */
static bool is_true(const json_t *member)
{
    if (json_is_string(member)) return *json_string_value(member) != '\0';
    if (json_is_array(member)) return json_array_size(member) > 0;
    if (json_is_number(member)) return json_number_value(member) != 0;
    return json_is_true(member) || json_is_object(member);
}

static char *with_options(char *name, const char *options)
{
    if (options == NULL || *options == '\0') return name;
    char *whole = gc_need_text("%s:%s", name, options);
    free(name);
    return whole;
}

/* What makes figures of two machines differ. */
static char *describe_machine(const struct gc_result *result)
{
    const char *cpu = gc_result_text(result, "environment.cpu");
    const char *kernel = gc_result_text(result, "environment.kernel");
    double cpus = gc_result_number(result, "environment.cpus_online");
    if (cpu == NULL && kernel == NULL) return NULL;
    return gc_need_text("%s, %.0f CPUs, %s", cpu != NULL ? cpu : "?",
            isnan(cpus) ? 0 : cpus, kernel != NULL ? kernel : "?");
}

/* A sweep numbers its builds, or names them. */
static char *describe_build(const json_t *member)
{
    if (json_is_number(member)) return gc_need_text("%g", json_number_value(member));
    return gc_need_text("%s", json_is_string(member) ? json_string_value(member) : "");
}

/* The first member of these that is no text; NULL: all are. */
static const char *missing_text(const struct gc_result *result)
{
    static const char *const needed[] = { "collector", "protocol", "workload",
        "outcome" };
    for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
        if (gc_result_text(result, needed[i]) == NULL) return needed[i];
    return NULL;
}

/* Takes over the line's value, good or bad. Returns what is wrong with it, for free(), or
 * NULL. */
static char *understand(json_t *line, struct gc_result *ret_result)
{
    struct gc_result *r = ret_result;
    r->line = line;
    if (!json_is_object(line)) return gc_need_text("is no sample, but other JSON");
    const json_t *schema = gc_result_member(r, "schema");
    if (!json_is_number(schema)) return gc_need_text("is no sample: it has no schema");
    if (json_number_value(schema) != GC_RESULTS_SCHEMA)
        return gc_need_text("has schema %g, and this gclab reads %d",
                json_number_value(schema), GC_RESULTS_SCHEMA);
    const char *missing = missing_text(r);
    if (missing != NULL) return gc_need_text("is no sample: it has no %s", missing);
    double threads = gc_result_number(r, "threads");
    if (!(threads >= 1 && threads <= THREADS_MOST))
        return gc_need_text("is no sample: it has no number of threads");

    r->threads = (uint32_t)threads;
    double limit = gc_result_number(r, "heap_limit");
    r->heap_limit = limit > 0 && limit < BYTES_MOST ? (uint64_t)limit : 0;
    r->heap = gc_heap_of(r->heap_limit, gc_result_number(r, "heap_factor"));
    r->spec = with_options(gc_need_text("%s@%s", gc_result_text(r, "collector"),
                                   gc_result_text(r, "protocol")),
            gc_result_text(r, "options"));
    r->program = with_options(gc_need_text("%s", gc_result_text(r, "workload")),
            gc_result_text(r, "workload_options"));
    const char *scale = gc_result_text(r, "scale");
    if (scale != NULL && strcmp(scale, "fixed") != 0) {
        char *how = gc_need_text("scale=%s", scale);
        r->program = with_options(r->program, how);
        free(how);
    }
    r->machine = describe_machine(r);
    r->build = describe_build(gc_result_member(r, "build"));
    r->is_good = strcmp(gc_result_text(r, "outcome"), "ok") == 0;
    r->counts = is_true(gc_result_member(r, "count_ops"));
    r->is_disturbed = is_true(gc_result_member(r, "disturbed"));
    r->is_checked = is_true(gc_result_member(r, "checks"));
    r->is_quick = is_true(gc_result_member(r, "quick"));
    r->shares_its_process = is_true(gc_result_member(r, "in_process"));
    double level = gc_result_number(r, "environment.check_level");
    r->check_level = level > 0 ? (long)level : 0;
    return NULL;
}

static void finish(struct gc_result *result)
{
    json_decref(result->line);
    free(result->spec);
    free(result->program);
    free(result->machine);
    free(result->build);
}

/* A seed may be larger than jansson's integers; then all of them are read as reals. */
static json_t *parse_line(const char *text, size_t length, json_error_t *ret_error)
{
    json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, ret_error);
    if (line == NULL && json_error_code(ret_error) == json_error_numeric_overflow)
        line = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                ret_error);
    return line;
}

static bool is_blank(const char *text, size_t length)
{
    return strspn(text, " \t\r\n") == length;
}

static int add_line(struct gc_results *results, const char *file, size_t number,
        const char *text, size_t length)
{
    json_error_t error;
    json_t *line = parse_line(text, length, &error);
    if (line == NULL && text[length - 1] != '\n')
        return gc_complain(GC_EXIT_FILE,
                "%s:%zu: is torn: the file ends within this line", file, number);
    if (line == NULL)
        return gc_complain(
                GC_EXIT_FILE, "%s:%zu: is no line of JSON: %s", file, number, error.text);
    struct gc_result result = { .file = file, .number = number };
    char *wrong = understand(line, &result);
    if (wrong != NULL) {
        int status = gc_complain(GC_EXIT_FILE, "%s:%zu: %s", file, number, wrong);
        free(wrong);
        finish(&result);
        return status;
    }
    results->items =
            gc_need_more(results->items, (results->count + 1) * sizeof(*results->items));
    results->items[results->count++] = result;
    return GC_EXIT_OK;
}

static int read_stream(struct gc_results *results, const char *name, FILE *stream)
{
    results->files = gc_need_more(
            results->files, (results->file_count + 1) * sizeof(*results->files));
    const char *file = results->files[results->file_count++] = gc_need_text("%s", name);
    char *text = NULL;
    size_t room = 0;
    int status = GC_EXIT_OK;
    for (size_t number = 1; status == GC_EXIT_OK; number++) {
        errno = 0;
        ssize_t length = getline(&text, &room, stream);
        if (length < 0) break;
        if (is_blank(text, (size_t)length)) continue;
        status = add_line(results, file, number, text, (size_t)length);
    }
    if (status == GC_EXIT_OK && (ferror(stream) || errno == ENOMEM))
        status = gc_complain(GC_EXIT_FILE, "%s: %s", name, strerror(errno));
    free(text);
    return status;
}

static int read_file(struct gc_results *results, const char *path)
{
    FILE *stream = fopen(path, "re");
    if (stream == NULL) return gc_complain(GC_EXIT_FILE, "%s: %s", path, strerror(errno));
    int status = read_stream(results, path, stream);
    fclose(stream);
    return status;
}

static int is_wanted(const struct dirent *entry)
{
    return fnmatch(FILES_OF_A_FOLDER, entry->d_name, 0) == 0;
}

static int read_folder(struct gc_results *results, const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_wanted, alphasort);
    if (n < 0) return gc_complain(GC_EXIT_FILE, "%s: %s", path, strerror(errno));
    int status = GC_EXIT_OK;
    if (n == 0)
        status = gc_complain(GC_EXIT_FILE, "%s: holds no file " FILES_OF_A_FOLDER, path);
    for (int i = 0; i < n; i++) {
        char *file = gc_need_text("%s/%s", path, entries[i]->d_name);
        if (status == GC_EXIT_OK) status = read_file(results, file);
        free(file);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* From item `first` on: a cell that was run again counts as it ended last. */
static void keep_last_of_cells(struct gc_results *results, size_t first)
{
    json_t *last = json_object();
    for (size_t i = first; i < results->count; i++) {
        const char *cell = gc_result_text(&results->items[i], "cell");
        if (cell == NULL) continue;
        if (json_object_set_new(last, cell, json_integer((json_int_t)i)) != 0)
            exit(gc_complain(GC_EXIT_ENVIRONMENT, "no memory"));
    }
    size_t kept = first;
    for (size_t i = first; i < results->count; i++) {
        struct gc_result *item = &results->items[i];
        const char *cell = gc_result_text(item, "cell");
        if (cell != NULL &&
                json_integer_value(json_object_get(last, cell)) != (json_int_t)i)
            finish(item);
        else
            results->items[kept++] = *item;
    }
    results->count = kept;
    json_decref(last);
}

bool gc_results_filter_threads(struct gc_results_filter *filter, const char *text)
{
    char *end;
    if (*text < '1' || *text > '9') return false;
    errno = 0;
    unsigned long threads = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || threads > THREADS_MOST) return false;
    filter->threads = (uint32_t)threads;
    return true;
}

static bool is_program(const struct gc_result *result, const char *program)
{
    size_t length = strlen(program);
    if (strncmp(result->program, program, length) != 0) return false;
    char next = result->program[length];
    return next == '\0' || (next == ':' && strchr(program, ':') == NULL);
}

int gc_results_filter(struct gc_results *results, const char *name,
        const struct gc_results_filter *filter)
{
    size_t kept = 0;
    for (size_t i = 0; i < results->count; i++) {
        struct gc_result *item = &results->items[i];
        bool is_meant = (filter->spec == NULL || gc_result_is_of(item, filter->spec)) &&
                        (filter->program == NULL || is_program(item, filter->program)) &&
                        (filter->threads == 0 || filter->threads == item->threads);
        if (is_meant)
            results->items[kept++] = *item;
        else
            finish(item);
    }
    results->count = kept;
    if (kept > 0) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_FILE, "%s: none of its samples is of that kind", name);
}

int gc_results_read(const char *path, struct gc_results *results)
{
    size_t before = results->count;
    struct stat state;
    int status;
    if (strcmp(path, "-") == 0)
        status = read_stream(results, "stdin", stdin);
    else if (stat(path, &state) == 0 && S_ISDIR(state.st_mode))
        status = read_folder(results, path);
    else
        status = read_file(results, path);
    if (status != GC_EXIT_OK) return status;
    keep_last_of_cells(results, before);
    if (results->count == before)
        return gc_complain(GC_EXIT_FILE, "%s: holds no sample", path);
    return GC_EXIT_OK;
}

void gc_results_finish(struct gc_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        finish(&results->items[i]);
    for (size_t i = 0; i < results->file_count; i++)
        free(results->files[i]);
    free(results->items);
    free(results->files);
    *results = (struct gc_results){ .items = NULL };
}
