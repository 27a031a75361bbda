/* SPDX-License-Identifier: MIT */
/* reproduce.c - `gclab reproduce`: runs the experiments of papers, and grades their claims. */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/analysis/program/grades.h"
#include "bench/command.h"
#include "bench/file.h"
#include "bench/place.h"
#include "bench/text.h"
#include "bench/yaml_file.h"

#define CLAIMS "claims.yaml"

enum key { KEY_QUICK = 0x100, KEY_GRADE };

static const struct argp_option options[] = {
    { .name = "quick",
            .key = KEY_QUICK,
            .doc = "runs what an experiment says under `quick`; claims on time may then "
                   "be inconclusive" },
    { .name = "output",
            .key = 'o',
            .arg = "FOLDER",
            .doc = "where results go, a folder for each paper (default: reproduced, or "
                   "reproduced.quick); what is there is gone on with" },
    { .name = "grade",
            .key = KEY_GRADE,
            .doc = "runs nothing, and grades what is in the folder" },
    { .name = NULL },
};

struct request {
    char **names;
    size_t name_count;
    const char *output;
    bool quick, grades_only;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_QUICK:
        request->quick = true;
        return 0;
    case KEY_GRADE:
        request->grades_only = true;
        return 0;
    case 'o':
        request->output = argument;
        return 0;
    case ARGP_KEY_ARG:
        request->names = gc_need_more(
                request->names, (request->name_count + 1) * sizeof(*request->names));
        request->names[request->name_count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->name_count == 0)
            argp_error(state, "a PAPER is missing: a folder, as papers/Collins60, or one "
                              "of such folders");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "PAPER...",
    .doc = "Runs the experiments of a paper's folder, and says of each claim whether it "
           "holds: PASS, FAIL, or INCONCLUSIVE and why.\v"
           "Of a folder of such folders all are run. Exit status: 0 no claim failed, 1 "
           "one did, 2 usage, 3 a bad file, 4 the environment.",
};

/* --- folders ----------------------------------------------------------------------------- */

struct folders {
    char **items;
    size_t count;
};

static bool has_claims(const char *folder)
{
    char *path = gc_need_text("%s/" CLAIMS, folder);
    bool has = access(path, F_OK) == 0;
    free(path);
    return has;
}

static void add(struct folders *folders, char *folder)
{
    folders->items =
            gc_need_more(folders->items, (folders->count + 1) * sizeof(*folders->items));
    folders->items[folders->count++] = folder;
}

/* Those of a folder of folders, by name. */
static void add_all_of(struct folders *folders, const char *parent)
{
    struct dirent **entries;
    int n = scandir(parent, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *folder = gc_need_text("%s/%s", parent, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && has_claims(folder))
            add(folders, folder);
        else
            free(folder);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
}

static int add_named(struct folders *folders, const char *name)
{
    size_t before = folders->count, length = strlen(name);
    while (length > 1 && name[length - 1] == '/')
        length--;
    char *folder = gc_need_text("%.*s", (int)length, name);
    if (has_claims(folder)) {
        add(folders, folder);
        return GC_EXIT_OK;
    }
    add_all_of(folders, folder);
    free(folder);
    if (folders->count > before) return GC_EXIT_OK;
    return gc_complain(
            GC_EXIT_FILE, "%s: no " CLAIMS " is in it, nor in a folder of it", name);
}

/* Of the folder, the parent's name left out. */
static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_ENVIRONMENT, "%s: %s", path, strerror(errno));
}

/* --- running ------------------------------------------------------------------------------- */

/* The one that became this program; or its neighbour. */
static char *find_gclab(void)
{
    static const char *const beside[] = { ".", "../..", NULL };
    const char *given = getenv("GCLAB_PROGRAM");
    return given != NULL && *given != '\0' ? gc_need_text("%s", given)
                                           : gc_place_program("gclab", beside);
}

/* Whether an experiment says what is less under --quick; most that count are quick anyway. */
static int read_has_quick(const char *experiment, bool *ret_has)
{
    struct gc_yaml yaml;
    int status = gc_yaml_read(experiment, &yaml);
    if (status != GC_EXIT_OK) return status;
    *ret_has = gc_yaml_find(&yaml, gc_yaml_root(&yaml), "quick") != NULL;
    gc_yaml_finish(&yaml);
    return GC_EXIT_OK;
}

/* `gclab sweep`. A sample that fails is a finding; whatever else it may be is an end. */
static int sweep(
        const struct request *request, const char *experiment, const char *results)
{
    extern char **environ;
    bool has_quick = false;
    int status = read_has_quick(experiment, &has_quick);
    if (status != GC_EXIT_OK) return status;
    char *program = find_gclab();
    if (program == NULL)
        return gc_complain(
                GC_EXIT_ENVIRONMENT, "reproduce needs the program gclab beside this one");
    const char *arguments[8] = { "gclab", "sweep", experiment, "-o", results };
    size_t n = 5;
    if (request->quick && has_quick) arguments[n++] = "--quick";
    if (access(results, F_OK) == 0) arguments[n++] = "--resume";
    pid_t child;
    int result = posix_spawn(
            &child, program, NULL, NULL, (char **)(uintptr_t)arguments, environ);
    free(program);
    if (result != 0)
        return gc_complain(
                GC_EXIT_ENVIRONMENT, "gclab sweep can't be run: %s", strerror(result));
    int state;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR)
            return gc_complain(GC_EXIT_ENVIRONMENT, "gclab sweep: %s", strerror(errno));
    if (WIFSIGNALED(state)) return GC_EXIT_SIGNAL + WTERMSIG(state);
    status = WEXITSTATUS(state);
    return status == GC_EXIT_FAILED ? GC_EXIT_OK : status;
}

/* "experiment.yaml": DIR/experiment */
static char *results_folder(const char *folder, const char *experiment)
{
    int length = (int)strcspn(experiment, ".");
    return gc_need_text("%s/%.*s", folder, length, experiment);
}

static int measure(const struct request *request, const struct gc_paper *paper,
        const char *folder, struct gc_results *results)
{
    int status = GC_EXIT_OK;
    for (size_t i = 0; i < paper->experiment_count && status == GC_EXIT_OK; i++) {
        char *experiment = gc_need_text("%s/%s", paper->folder, paper->experiments[i]);
        char *where = results_folder(folder, paper->experiments[i]);
        if (!request->grades_only) status = sweep(request, experiment, where);
        if (status == GC_EXIT_OK) status = gc_results_read(where, &results[i]);
        free(experiment);
        free(where);
    }
    return status;
}

/* --- grading ------------------------------------------------------------------------------- */

static int write_grades(const struct gc_grades *grades, const char *folder)
{
    char *text = NULL, *path = gc_need_text("%s/grades.json", folder);
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    int result = memory != NULL ? 0 : -errno;
    if (memory != NULL) {
        gc_grades_print_json(grades, memory);
        if (fclose(memory) != 0) result = -errno;
    }
    if (result == 0) result = gc_file_write(path, text, length, GC_FILE_REPLACE);
    int status = result == 0 ? GC_EXIT_OK
                             : gc_complain(GC_EXIT_ENVIRONMENT, "%s: %s", path,
                                       strerror(-result));
    free(text);
    free(path);
    return status;
}

struct totals {
    size_t counts[3];
};

static int reproduce_one(const struct request *request, const char *folder,
        const char *output, struct totals *totals)
{
    struct gc_paper paper;
    int status = gc_paper_read(folder, &paper);
    if (status != GC_EXIT_OK) return status;
    char *own = gc_need_text("%s/%s", output, last_name(folder));
    struct gc_results *results = gc_need(paper.experiment_count * sizeof(*results));
    if (!request->grades_only) status = make_folder(own);
    if (status == GC_EXIT_OK) status = measure(request, &paper, own, results);
    if (status == GC_EXIT_OK) {
        struct gc_grades grades = gc_grades_of(&paper, results);
        gc_grades_print(&grades, stdout);
        fflush(stdout);
        status = write_grades(&grades, own);
        for (int i = 0; i < 3; i++)
            totals->counts[i] += grades.counts[i];
        gc_grades_finish(&grades);
    }
    for (size_t i = 0; i < paper.experiment_count; i++)
        gc_results_finish(&results[i]);
    free(results);
    free(own);
    gc_paper_finish(&paper);
    return status;
}

static int reproduce(const struct request *request, const struct folders *folders)
{
    const char *output = request->output;
    if (output == NULL) output = request->quick ? "reproduced.quick" : "reproduced";
    int status = request->grades_only ? GC_EXIT_OK : make_folder(output);
    struct totals totals = { { 0 } };
    for (size_t i = 0; i < folders->count && status == GC_EXIT_OK; i++)
        status = reproduce_one(request, folders->items[i], output, &totals);
    if (status != GC_EXIT_OK) return status;
    printf("%zu papers: %zu claims PASS, %zu FAIL, %zu INCONCLUSIVE; results are in %s\n",
            folders->count, totals.counts[GC_CLAIM_PASS], totals.counts[GC_CLAIM_FAIL],
            totals.counts[GC_CLAIM_INCONCLUSIVE], output);
    return totals.counts[GC_CLAIM_FAIL] > 0 ? GC_EXIT_FAILED : GC_EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct request request = { .names = NULL };
    struct folders folders = { .items = NULL };
    if (argp_parse(&argp, argc, argv, 0, NULL, &request) != 0) return GC_EXIT_USAGE;
    int status = GC_EXIT_OK;
    for (size_t i = 0; i < request.name_count && status == GC_EXIT_OK; i++)
        status = add_named(&folders, request.names[i]);
    if (status == GC_EXIT_OK) status = reproduce(&request, &folders);
    for (size_t i = 0; i < folders.count; i++)
        free(folders.items[i]);
    free(folders.items);
    free(request.names);
    return status;
}

const struct gc_command gc_command_reproduce = {
    .name = "reproduce",
    .summary = "run the experiments of papers, and grade their claims",
    .argp = &argp,
    .run = run,
};
