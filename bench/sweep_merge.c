/* SPDX-License-Identifier: MIT */
/* sweep_merge.c - one folder of results of several, as from shards that shared no folder. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/file.h"
#include "bench/sweep.h"
#include "bench/text.h"

/* Lines in the order in which they were read. */
struct merged {
    struct line {
        char *text; /* without its newline; NULL: a later one is of the same cell */
        char *cell;
        size_t order;
    } * lines;
    size_t count, room;
    unsigned machines; /* records that were copied */
    char *build;       /* of the first line */
    bool is_mixed;     /* another build was met */
};

static int add_line(const struct gc_results_line *line, void *argument)
{
    struct merged *merged = argument;
    const char *build = gc_json_find_text(line->value, "build");
    if (build == NULL) build = "?";
    if (merged->build == NULL) merged->build = gc_need_text("%s", build);
    if (strcmp(merged->build, build) != 0) merged->is_mixed = true;
    if (merged->count == merged->room) {
        merged->room = merged->room > 0 ? 2 * merged->room : 64;
        merged->lines =
                gc_need_more(merged->lines, merged->room * sizeof(*merged->lines));
    }
    merged->lines[merged->count] = (struct line){
        .text = gc_need_text("%.*s", (int)line->length, line->text),
        .cell = gc_need_text("%s", gc_json_find_text(line->value, "cell")),
        .order = merged->count,
    };
    merged->count++;
    return GC_EXIT_OK;
}

static int by_cell(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int by = strcmp(x->cell, y->cell);
    return by != 0 ? by : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* Of a cell that is there more than once the last line stays. */
static void drop_earlier(struct merged *merged)
{
    if (merged->count == 0) return;
    qsort(merged->lines, merged->count, sizeof(*merged->lines), by_cell);
    for (size_t i = 0; i + 1 < merged->count; i++) {
        if (strcmp(merged->lines[i].cell, merged->lines[i + 1].cell) != 0) continue;
        free(merged->lines[i].text);
        merged->lines[i].text = NULL;
    }
    qsort(merged->lines, merged->count, sizeof(*merged->lines), by_order);
}

static int write_lines(const struct merged *merged, const char *folder)
{
    char *text = NULL, *path = gc_need_text("%s/samples.jsonl", folder);
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (memory == NULL) exit(gc_complain(GC_EXIT_ENVIRONMENT, "no memory"));
    for (size_t i = 0; i < merged->count; i++)
        if (merged->lines[i].text != NULL) fprintf(memory, "%s\n", merged->lines[i].text);
    int result = fclose(memory) != 0 ? -errno : 0;
    if (result == 0) result = gc_file_write(path, text, length, GC_FILE_NEW);
    int status = GC_EXIT_OK;
    if (result < 0)
        status = gc_complain(GC_EXIT_ENVIRONMENT, "%s: %s", path, strerror(-result));
    free(text);
    free(path);
    return status;
}

/* Copies a file that must be the same in all folders. */
static int keep_common(const char *from, const char *name, const char *into, bool must)
{
    char *path = gc_need_text("%s/%s", from, name), *text;
    size_t length;
    int status = GC_EXIT_OK;
    int result = gc_file_read(path, &text, &length);
    if (result == 0) {
        status = gc_results_keep(into, name, text, length, path);
        free(text);
    } else if (must || result != -ENOENT) {
        status = gc_complain(GC_EXIT_FILE, "%s: %s", path, strerror(-result));
    }
    free(path);
    return status;
}

static int is_machine(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return strncmp(entry->d_name, "machine", 7) == 0 && length > 5 &&
           strcmp(entry->d_name + length - 5, ".json") == 0;
}

/* Machine records, numbered anew: folders may have come from several machines. */
static int keep_machines(const char *folder, const char *into, struct merged *merged)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_machine, alphasort), status = GC_EXIT_OK;
    for (int i = 0; i < n; i++) {
        char *path = gc_need_text("%s/%s", folder, entries[i]->d_name), *text;
        char *name = gc_need_text("machine-%u.json", merged->machines++);
        size_t length;
        if (status == GC_EXIT_OK && gc_file_read(path, &text, &length) == 0) {
            status = gc_results_keep(into, name, text, length, path);
            free(text);
        }
        free(name);
        free(path);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    return status;
}

static int take_folder(const char *folder, const char *into, struct merged *merged)
{
    int status = keep_common(folder, "experiment.yaml", into, true);
    if (status == GC_EXIT_OK) status = keep_common(folder, "minheap.yaml", into, false);
    if (status == GC_EXIT_OK) status = keep_machines(folder, into, merged);
    if (status == GC_EXIT_OK) status = gc_results_read(folder, add_line, merged);
    return status;
}

static int check_builds(const struct merged *merged, const char *into)
{
    struct gc_experiment experiment;
    if (!merged->is_mixed) return GC_EXIT_OK;
    char *path = gc_need_text("%s/experiment.yaml", into);
    char *heaps = gc_need_text("%s/minheap.yaml", into);
    int status = gc_experiment_read(path, false, heaps, &experiment);
    if (status == GC_EXIT_OK && !experiment.mixes_builds)
        status = gc_complain(GC_EXIT_FILE,
                "results of several builds can't be compared unless the experiment says "
                "'builds: mixed'");
    if (status == GC_EXIT_OK) gc_experiment_finish(&experiment);
    free(heaps);
    free(path);
    return status;
}

int gc_sweep_merge(char *const *folders, const char *into)
{
    struct merged merged = { .count = 0 };
    if (!gc_results_is_empty(into))
        return gc_complain(
                GC_EXIT_FILE, "%s is there already: give another folder with -o", into);
    int status = gc_results_make(into);
    for (; *folders != NULL && status == GC_EXIT_OK; folders++)
        status = take_folder(*folders, into, &merged);
    if (status == GC_EXIT_OK) status = check_builds(&merged, into);
    drop_earlier(&merged);
    if (status == GC_EXIT_OK) status = write_lines(&merged, into);
    for (size_t i = 0; i < merged.count; i++) {
        free(merged.lines[i].text);
        free(merged.lines[i].cell);
    }
    free(merged.lines);
    free(merged.build);
    return status;
}
