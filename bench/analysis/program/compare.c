/* SPDX-License-Identifier: MIT */
/* compare.c - `gclab compare`: which collector is better by how much, and what can't be said. */
#include "bench/analysis/program/compare.h"

#include <argp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/analysis/program/explain.h"
#include "bench/command.h"
#include "bench/text.h"

enum key { KEY_JSON = 0x100, KEY_EXPLAIN };

static const struct argp_option options[] = {
    { .name = "baseline",
            .key = 'b',
            .arg = "SPEC",
            .doc = "the collector, NAME[@PROTOCOL[:OPTIONS]], that all others of the "
                   "samples are compared with (with two FILEs: the one of A)" },
    { .name = "json", .key = KEY_JSON, .doc = "prints one JSON value instead of tables" },
    { .name = "explain",
            .key = KEY_EXPLAIN,
            .arg = "UNITS",
            .doc = "explains the difference in CPU time instead, by what operations cost "
                   "(UNITS: JSON of gclab-benchmark) and how often they occur (samples "
                   "of --count-ops, in the same FILEs)" },
    { .name = NULL },
};

struct request {
    const char *paths[2];
    size_t path_count;
    const char *baseline, *units;
    bool json;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case 'b':
        request->baseline = argument;
        return 0;
    case KEY_EXPLAIN:
        request->units = argument;
        return 0;
    case KEY_JSON:
        request->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->path_count == 2) argp_error(state, "two FILEs at most are compared");
        request->paths[request->path_count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->path_count == 0) argp_error(state, "a FILE of samples is missing");
        if (request->path_count == 1 && request->baseline == NULL)
            argp_error(state, "what to compare with is missing: another FILE, or "
                              "--baseline SPEC");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "A B\nFILE --baseline SPEC",
    .doc = "Compares the samples of B with those of A, or the collectors of one FILE "
           "with "
           "one of them: by ratios of means with intervals of 95 %, and a verdict where "
           "the intervals of the two means do not overlap.\v"
           "A FILE is what `gclab run --json` has written (-: stdin), or the folder of a "
           "sweep. Exit status: 0 whatever the verdicts are, 2 usage, 3 a bad file, or "
           "one with nothing to compare.",
};

/* The samples of one argument. */
struct input {
    const char *name;
    struct gc_results results;
    struct gc_groups groups;
    const char **specs;
    size_t spec_count;
};

static int read_input(const char *path, struct input *input)
{
    *input = (struct input){ .name = path };
    int status = gc_results_read(path, &input->results);
    if (status != GC_EXIT_OK) return status;
    input->groups = gc_groups_of(&input->results);
    input->specs = gc_groups_specs(&input->groups, &input->spec_count);
    return GC_EXIT_OK;
}

static void finish_input(struct input *input)
{
    free(input->specs);
    gc_groups_finish(&input->groups);
    gc_results_finish(&input->results);
}

struct duels {
    struct gc_duel *items;
    size_t count;
};

static void add_duel(struct duels *duels, const struct input *base, const char *base_spec,
        const struct input *candidate, const char *candidate_spec)
{
    struct gc_duel duel = {
        .base_name = base->name,
        .candidate_name = candidate->name,
        .base_spec = base_spec,
        .candidate_spec = candidate_spec,
    };
    duel.comparisons = gc_comparisons_of(&(struct gc_side){ &base->groups, base_spec },
            &(struct gc_side){ &candidate->groups, candidate_spec }, &duel.count);
    duel.means = gc_comparisons_mean(duel.comparisons, duel.count, &duel.mean_count);
    duels->items = gc_need_more(duels->items, (duels->count + 1) * sizeof(*duels->items));
    duels->items[duels->count++] = duel;
}

static char *list_specs(const struct input *input)
{
    char *list = gc_need_text("%s", "");
    for (size_t i = 0; i < input->spec_count; i++) {
        char *longer = gc_need_text("%s%s%s", list, i > 0 ? ", " : "", input->specs[i]);
        free(list);
        list = longer;
    }
    return list;
}

/* What a user has named; NULL, and said why: nothing there, or several. */
static const char *find_spec(const struct input *input, const char *wanted)
{
    const char *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < input->spec_count; i++) {
        struct gc_result named = { .spec = (char *)(uintptr_t)input->specs[i] };
        if (!gc_result_is_of(&named, wanted)) continue;
        found = input->specs[i];
        if (strcmp(found, wanted) == 0) return found;
        count++;
    }
    if (count == 1) return found;
    char *list = list_specs(input);
    gc_complain(0, "%s: %s there is named '%s'; there are: %s", input->name,
            count == 0 ? "no collector" : "more than one collector", wanted, list);
    free(list);
    return NULL;
}

static bool has_spec(const struct input *input, const char *spec)
{
    for (size_t i = 0; i < input->spec_count; i++)
        if (strcmp(input->specs[i], spec) == 0) return true;
    return false;
}

/* Each collector with itself at another time; or the only two that there are. */
static int pair_files(const struct input *a, const struct input *b, struct duels *duels)
{
    for (size_t i = 0; i < a->spec_count; i++)
        if (has_spec(b, a->specs[i])) add_duel(duels, a, a->specs[i], b, a->specs[i]);
    if (duels->count > 0) return GC_EXIT_OK;
    if (a->spec_count == 1 && b->spec_count == 1) {
        add_duel(duels, a, a->specs[0], b, b->specs[0]);
        return GC_EXIT_OK;
    }
    char *of_a = list_specs(a), *of_b = list_specs(b);
    int status = gc_complain(GC_EXIT_FILE,
            "%s and %s have no collector in common (%s; %s): name one with --baseline",
            a->name, b->name, of_a, of_b);
    free(of_a);
    free(of_b);
    return status;
}

static int pair_with_baseline(const struct input *a, const struct input *b,
        const char *wanted, struct duels *duels)
{
    const char *base = find_spec(a, wanted);
    if (base == NULL) return GC_EXIT_USAGE;
    for (size_t i = 0; i < b->spec_count; i++)
        if (a != b || strcmp(b->specs[i], base) != 0)
            add_duel(duels, a, base, b, b->specs[i]);
    if (duels->count > 0) return GC_EXIT_OK;
    return gc_complain(
            GC_EXIT_FILE, "%s: holds no other collector than %s", b->name, base);
}

static int complain_of_nothing(const struct duels *duels)
{
    for (size_t i = 0; i < duels->count; i++)
        if (duels->items[i].count > 0) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_FILE,
            "nothing can be compared: no workload was measured on both sides with as "
            "many threads and in the same heap");
}

static void caution(
        struct gc_cautions *cautions, const struct input *a, const struct input *b)
{
    gc_cautions_add(cautions, a->name, &a->results);
    if (a == b) return;
    gc_cautions_add(cautions, b->name, &b->results);
    gc_cautions_add_pair(cautions, &a->results, &b->results);
}

/* Explains all of them. `units` is NULL: it could not be read. */
static int explain(const struct request *request, const struct input *a,
        const struct input *b, const struct duels *duels, json_t *units)
{
    if (units == NULL) return GC_EXIT_FILE;
    const struct gc_explain_input input = { units, &a->results, &b->results };
    struct gc_json json = { .file = stdout };
    size_t n = 0;
    if (request->json) {
        gc_json_begin(&json, NULL);
        gc_json_number(&json, "schema", 1);
        gc_json_begin_array(&json, "explanations");
    }
    for (size_t i = 0; i < duels->count; i++) {
        if (request->json)
            gc_explain_write(&duels->items[i], &input, &json);
        else
            n += gc_explain_print(&duels->items[i], &input, stdout);
    }
    if (request->json) {
        gc_json_end_array(&json);
        gc_json_end(&json);
        putchar('\n');
    } else if (n == 0) {
        return gc_complain(GC_EXIT_FILE,
                "nothing can be explained: no measurement was also run with --count-ops "
                "on both sides");
    }
    return GC_EXIT_OK;
}

static int print(const struct request *request, const struct input *a,
        const struct input *b, const struct duels *duels)
{
    struct gc_cautions cautions = { .items = NULL };
    int status = GC_EXIT_OK;
    caution(&cautions, a, b);
    if (request->units != NULL) {
        json_t *units = gc_explain_read_units(request->units);
        status = explain(request, a, b, duels, units);
        json_decref(units);
    } else if (request->json) {
        gc_duels_print_json(duels->items, duels->count, &cautions, stdout);
    } else {
        gc_duels_print(duels->items, duels->count, stdout);
    }
    fflush(stdout);
    if (status == GC_EXIT_OK) gc_cautions_print(&cautions);
    gc_cautions_finish(&cautions);
    return status;
}

static int compare(
        const struct request *request, const struct input *a, const struct input *b)
{
    struct duels duels = { .items = NULL };
    int status = request->baseline != NULL
                         ? pair_with_baseline(a, b, request->baseline, &duels)
                         : pair_files(a, b, &duels);
    if (status == GC_EXIT_OK) status = complain_of_nothing(&duels);
    if (status == GC_EXIT_OK) status = print(request, a, b, &duels);
    for (size_t i = 0; i < duels.count; i++) {
        free(duels.items[i].comparisons);
        free(duels.items[i].means);
    }
    free(duels.items);
    return status;
}

static int run(int argc, char **argv)
{
    struct request request = { .path_count = 0 };
    if (argp_parse(&argp, argc, argv, 0, NULL, &request) != 0) return GC_EXIT_USAGE;
    struct input inputs[2] = { { .name = NULL } };
    int status = GC_EXIT_OK;
    for (size_t i = 0; i < request.path_count && status == GC_EXIT_OK; i++)
        status = read_input(request.paths[i], &inputs[i]);
    if (status == GC_EXIT_OK)
        status = compare(&request, &inputs[0], &inputs[request.path_count - 1]);
    for (size_t i = 0; i < request.path_count; i++)
        finish_input(&inputs[i]);
    return status;
}

const struct gc_command gc_command_compare = {
    .name = "compare",
    .summary = "compare samples: ratios, intervals, verdicts",
    .argp = &argp,
    .run = run,
};
