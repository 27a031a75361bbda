/* SPDX-License-Identifier: MIT */
/* new.c - `gclab new`: makes a collector, protocol or workload that builds, runs and
 * passes, or a paper's folder whose claims are graded.
 *
 * What it makes is copied from templates in the data (bench/new/), with the word
 * "example" replaced by the name. With the top of a source tree as the current folder a
 * collector or workload goes into the tree, and into the lists there; otherwise it goes into
 * a folder of its own, as a plugin.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/file.h"
#include "bench/place.h"
#include "bench/spec.h"
#include "bench/text.h"

#define WORD "example"

enum { NAME_MAX_LENGTH = 32 };

/* What a plugin's folder is made of: templates, with the word in their names replaced as
 * well. `behind` follows README.md in its file. */
struct kind {
    const char *name;
    const char *files[8];
    const char *behind;
    const char *try; /* arguments of `gclab run` that try it */
};

enum { COLLECTOR, PROTOCOL, WORKLOAD, PAPER };

static const struct kind kinds[] = {
    [COLLECTOR] = { "collector", { WORD ".c", "plugin.c", "meson.build", "README.md" },
            "BUILD.md", "-c ./build/" WORD ".so" },
    [PROTOCOL] = { "protocol",
            { WORD ".h", WORD ".c", "plugin.c", "meson.build", "README.md" }, NULL,
            "-c refcount@" WORD " --plugin ./build/" WORD ".so" },
    [WORKLOAD] = { "workload",
            /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one word, of two parts */
            { WORD ".c", "plugin.c", "meson.build", "meson_options.txt", "README.md" },
            NULL, "-w ./build/" WORD ".so" },
    [PAPER] = { "paper", { "experiment.yaml", "claims.yaml", "README.md" }, NULL, NULL },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const struct argp_option options[] = {
    { .name = "output",
            .key = 'o',
            .arg = "DIR",
            .doc = "make a plugin in this folder, which must not exist (default: the "
                   "name; in the top folder of a gclab source tree: in the tree)" },
    { .name = NULL },
};

struct request {
    const struct kind *kind;
    const char *name, *folder;
    int status;
};

static error_t read_kind(struct request *request, const char *text)
{
    const char *names[KINDS + 1] = { NULL };
    for (size_t i = 0; i < KINDS; i++) {
        names[i] = kinds[i].name;
        if (strcmp(text, names[i]) == 0) request->kind = &kinds[i];
    }
    if (request->kind != NULL) return 0;
    request->status = gc_complain_unknown("kind", text, names);
    return ECANCELED;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'o':
        request->folder = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (request->name != NULL) argp_error(state, "one name at most");
        if (request->kind != NULL) {
            request->name = argument;
            return 0;
        }
        return read_kind(request, argument);
    case ARGP_KEY_END:
        if (request->kind == NULL)
            argp_error(state, "what to make is missing: collector, protocol, workload or "
                              "paper");
        if (request->name == NULL) argp_error(state, "its name is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "collector|protocol|workload|paper NAME",
    .doc = "Makes a collector, protocol or workload that builds, runs and passes the "
           "tests, or the folder of a paper whose claims are graded by `gclab "
           "reproduce`, "
           "to be changed into what you have in mind.\v"
           "Exit status: 2 usage, 3 the folder is there or can't be made, 4 the "
           "environment.",
};

/* What the build files could not have as the name of what they make. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = { "all", "benchmark", "clean", "coverage", "dist",
        "distcheck", "install", "phony", "plugin", "reconfigure", "test", "uninstall" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static bool is_taken(const struct request *request)
{
    if (request->kind == &kinds[COLLECTOR])
        return gc_collector_find(request->name) != NULL;
    if (request->kind == &kinds[PROTOCOL]) return gc_protocol_find(request->name) != NULL;
    return gc_workload_some(request->name) != NULL;
}

/* A paper's is its key: authors and year, as "Collins60". */
static int check_key(const char *key)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char good[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(key);
    if (length > 0 && length <= NAME_MAX_LENGTH && strspn(key, letters) > 0 &&
            strspn(key, good) == length)
        return GC_EXIT_OK;
    return gc_complain(GC_EXIT_USAGE,
            "'%s' can't be the key of a paper: it takes a letter, then up to %d letters "
            "and digits, as in Collins60",
            key, NAME_MAX_LENGTH - 1);
}

static int check_name(const struct request *request)
{
    const char *name = request->name, *kind = request->kind->name;
    if (request->kind == &kinds[PAPER]) return check_key(name);
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t length = strlen(name);
    if (length == 0 || length > NAME_MAX_LENGTH || strspn(name, letters) == 0 ||
            strspn(name, good) != length)
        return gc_complain(GC_EXIT_USAGE,
                "'%s' can't be the name of a %s: it takes a small letter, then up to %d "
                "small letters, digits and '_'",
                name, kind, NAME_MAX_LENGTH - 1);
    if (is_reserved(name))
        return gc_complain(GC_EXIT_USAGE,
                "'%s' can't be the name of a %s: the build files need it", name, kind);
    if (is_taken(request))
        return gc_complain(GC_EXIT_USAGE, "there is a %s '%s' already", kind, name);
    return GC_EXIT_OK;
}

/* --- files ------------------------------------------------------------------------------ */

static int complain_file(const char *path)
{
    return gc_complain(GC_EXIT_FILE, "%s: %s", path, strerror(errno));
}

/* The whole of a file, or NULL with errno. Free with free(). */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return NULL;
    size_t length = 0, room = 1 << 12, n;
    char *text = gc_need(room);
    while ((n = fread(text + length, 1, room - length - 1, file)) > 0) {
        length += n;
        if (length == room - 1) text = gc_need_more(text, room *= 2);
    }
    text[length] = '\0';
    bool failed = ferror(file) != 0;
    fclose(file);
    if (!failed) return text;
    free(text);
    errno = EIO;
    return NULL;
}

/* Writes a file: the whole of it, or none. An enum gc_exit. */
static int write_text(const char *path, const char *text, enum gc_file_way way)
{
    int result = gc_file_write(path, text, strlen(text), way);
    if (result == 0) return GC_EXIT_OK;
    const bool is_full =
            result == -ENOSPC || result == -EFBIG || result == -EDQUOT || result == -EIO;
    if (is_full)
        return gc_complain(
                GC_EXIT_ENVIRONMENT, "%s can't be written: %s", path, strerror(-result));
    return gc_complain(GC_EXIT_FILE, "%s: %s", path, strerror(-result));
}

/* The text with the name filled in. */
static char *fill(const struct request *request, const char *text)
{
    char *result = gc_need_text("%s", "");
    for (const char *at = text, *word; at != NULL;
            at = word != NULL ? word + strlen(WORD) : NULL) {
        word = strstr(at, WORD);
        int length = word != NULL ? (int)(word - at) : (int)strlen(at);
        char *longer = gc_need_text(
                "%s%.*s%s", result, length, at, word != NULL ? request->name : "");
        free(result);
        result = longer;
    }
    return result;
}

/* A template with the name filled in, or NULL: then it has been said. */
static char *read_template(const struct request *request, const char *template)
{
    char *file = gc_need_text("new/%s/%s", request->kind->name, template);
    char *path = gc_place_find(file);
    free(file);
    if (path == NULL) return NULL;
    char *text = read_text(path);
    if (text == NULL) complain_file(path);
    free(path);
    if (text == NULL) return NULL;
    char *result = fill(request, text);
    free(text);
    return result;
}

/* Makes a file of the folder from a template, and from a second one behind it unless that
 * is NULL. */
static int make(const struct request *request, const char *folder, const char *template,
        const char *behind)
{
    char *text = read_template(request, template);
    char *more = behind != NULL ? read_template(request, behind) : gc_need_text("%s", "");
    int status = text == NULL || more == NULL ? GC_EXIT_ENVIRONMENT : GC_EXIT_OK;
    if (status == GC_EXIT_OK) {
        char *name = fill(request, template);
        char *path = gc_need_text("%s/%s", folder, name);
        char *whole = gc_need_text("%s%s", text, more);
        status = write_text(path, whole, GC_FILE_NEW);
        free(whole);
        free(path);
        free(name);
    }
    free(more);
    free(text);
    return status;
}

static int make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0) return GC_EXIT_OK;
    return complain_file(path);
}

/* --- a plugin --------------------------------------------------------------------------- */

/* Half of it could be taken for the whole: takes back the first `count` files, and the folder. */
static void unmake(const struct request *request, const char *folder, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *name = fill(request, request->kind->files[i]);
        char *path = gc_need_text("%s/%s", folder, name);
        unlink(path);
        free(path);
        free(name);
    }
    rmdir(folder);
}

static int make_files(const struct request *request, const char *folder)
{
    const struct kind *kind = request->kind;
    int status = make_folder(folder);
    for (size_t i = 0; kind->files[i] != NULL && status == GC_EXIT_OK; i++) {
        bool is_readme = strcmp(kind->files[i], "README.md") == 0;
        status = make(request, folder, kind->files[i], is_readme ? kind->behind : NULL);
        if (status != GC_EXIT_OK) unmake(request, folder, i);
    }
    return status;
}

static int make_plugin(const struct request *request)
{
    const struct kind *kind = request->kind;
    const char *folder = request->folder != NULL ? request->folder : request->name;
    int status = make_files(request, folder);
    if (status != GC_EXIT_OK) return status;
    char *try = fill(request, kind->try);
    printf("%s is a %s that works, as a plugin. Build and test it for both flavours:\n"
           "\n"
           "    cd %s\n"
           "    meson setup build && meson test -C build\n"
           "    meson setup build-checked --buildtype=debug && meson test -C "
           "build-checked\n"
           "    gclab run %s\n",
            folder, kind->name, folder, try);
    free(try);
    return GC_EXIT_OK;
}

/* --- a paper ------------------------------------------------------------------------------ */

static int make_paper(const struct request *request)
{
    bool is_here = request->folder != NULL || access("papers/README.md", R_OK) != 0;
    char *folder = !is_here ? gc_need_text("papers/%s", request->name)
                            : gc_need_text("%s", request->folder != NULL ? request->folder
                                                                         : request->name);
    int status = make_files(request, folder);
    if (status == GC_EXIT_OK)
        printf("%s holds an experiment and a claim. Change both, and grade it:\n"
               "\n"
               "    gclab reproduce %s --quick\n",
                folder, folder);
    free(folder);
    return status;
}

/* --- in the tree -------------------------------------------------------------------------- */

/* One line more at the end of a list. */
struct entry {
    const char *file;
    const char *list; /* how the list's first line starts */
    const char *end;  /* how the first line behind its last one starts */
    char *line;
};

/* Puts the line there; an enum gc_exit. */
static int insert(const struct entry *entry)
{
    char *text = read_text(entry->file);
    if (text == NULL) return complain_file(entry->file);
    char *at = text;
    while (at != NULL && strncmp(at, entry->list, strlen(entry->list)) != 0) {
        at = strchr(at, '\n');
        if (at != NULL) at++;
    }
    while (at != NULL && strncmp(at, entry->end, strlen(entry->end)) != 0) {
        at = strchr(at, '\n');
        if (at != NULL) at++;
    }
    int status;
    if (at == NULL) {
        status =
                gc_complain(GC_EXIT_FILE, "%s: the list that starts with '%s' is missing",
                        entry->file, entry->list);
    } else {
        char *changed = gc_need_text("%.*s%s%s", (int)(at - text), text, entry->line, at);
        status = write_text(entry->file, changed, GC_FILE_REPLACE);
        free(changed);
    }
    free(text);
    return status;
}

static int make_collector_in_tree(const struct request *request)
{
    char *folder = gc_need_text("collectors/%s", request->name);
    int status = make_folder(folder);
    if (status == GC_EXIT_OK) status = make(request, folder, WORD ".c", NULL);
    if (status == GC_EXIT_OK) status = make(request, folder, "README.md", NULL);
    free(folder);
    return status;
}

static int make_in_tree(const struct request *request)
{
    const char *name = request->name;
    bool is_collector = request->kind == &kinds[COLLECTOR];
    char *row = read_template(request, "row.md");
    if (row == NULL) return GC_EXIT_ENVIRONMENT;
    const struct entry entries[] = {
        { is_collector ? "collectors/meson.build" : "workloads/meson.build",
                is_collector ? "collectors = {" : "workloads = {", "}",
                is_collector
                        ? gc_need_text("    '%s': files('%s/%s.c'),\n", name, name, name)
                        : gc_need_text("    '%s': files('%s.c'),\n", name, name) },
        { is_collector ? "collectors/meson.build" : "workloads/meson.build",
                is_collector ? "collector_order = [" : "workload_order = [", "]",
                gc_need_text("    '%s',\n", name) },
        { is_collector ? "collectors/README.md" : "workloads/README.md",
                is_collector ? "| collector |" : "| workload |", "\n", row },
    };
    enum { ENTRIES = sizeof(entries) / sizeof(entries[0]) };
    int status = is_collector ? make_collector_in_tree(request)
                              : make(request, "workloads", WORD ".c", NULL);
    for (int i = 0; i < ENTRIES; i++) {
        if (status == GC_EXIT_OK) status = insert(&entries[i]);
        free(entries[i].line);
    }
    if (status != GC_EXIT_OK) return status;
    printf("%s%s%s is made, and entered into %s and %s. Build and test:\n"
           "\n"
           "    meson setup build && ninja -C build\n"
           "    build/bench/gclab run %s %s\n"
           "    tests/run --fast\n",
            is_collector ? "collectors/" : "workloads/", name, is_collector ? "/" : ".c",
            entries[0].file, entries[2].file, is_collector ? "-c" : "-w", name);
    return GC_EXIT_OK;
}

static bool is_source_tree(void)
{
    static const char *const files[] = { "collectors/meson.build", "core/collector.h",
        "meson.build", "workloads/meson.build" };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (access(files[i], R_OK) != 0) return false;
    return true;
}

static int run(int argc, char **argv)
{
    struct request request = { .status = GC_EXIT_OK };
    error_t error = argp_parse(&argp, argc, argv, 0, NULL, &request);
    if (request.status != GC_EXIT_OK) return request.status;
    if (error != 0) return GC_EXIT_USAGE;
    int status = check_name(&request);
    if (status != GC_EXIT_OK) return status;
    if (request.kind == &kinds[PAPER]) return make_paper(&request);
    if (request.folder != NULL || !is_source_tree()) return make_plugin(&request);
    if (request.kind != &kinds[PROTOCOL]) return make_in_tree(&request);
    return gc_complain(GC_EXIT_USAGE,
            "a protocol is made as a plugin, outside of the source tree: name its folder "
            "with -o DIR");
}

const struct gc_command gc_command_new = {
    .name = "new",
    .summary = "make a collector, protocol, workload or paper of your own",
    .argp = &argp,
    .run = run,
};
