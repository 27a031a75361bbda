/* SPDX-License-Identifier: MIT */
/* claims.c - what a paper claims, read from its file. */
#include "bench/analysis/program/claims.h"

#include <stdlib.h>
#include <string.h>

#include "bench/analysis/expression.h"
#include "bench/analysis/program/models.h"
#include "bench/command.h"
#include "bench/text.h"
#include "bench/yaml_file.h"
#include "core/option.h"

enum { THREADS_MOST = 1 << 20 };

static const char *const grade_letters[] = { "D", "R", "S", "W", NULL };
static const char *const source_words[] = { "full text", "abstract", "from memory",
    NULL };

const char *gc_grade_letter(enum gc_grade grade)
{
    return grade_letters[grade];
}

const char *gc_source_words(enum gc_source source)
{
    return source_words[source];
}

const struct gc_claim_group *gc_paper_group(
        const struct gc_paper *paper, const char *name, size_t length)
{
    for (size_t i = 0; i < paper->group_count; i++)
        if (strncmp(paper->groups[i].name, name, length) == 0 &&
                paper->groups[i].name[length] == '\0')
            return &paper->groups[i];
    return NULL;
}

/* --- values ------------------------------------------------------------------------------ */

/* A copy of the text under a key. `needs`: it must be there. */
static int read_text(struct gc_yaml *yaml, const yaml_node_t *mapping, const char *key,
        bool needs, char **ret_text)
{
    const yaml_node_t *node = gc_yaml_find(yaml, mapping, key);
    if (node == NULL && needs)
        return gc_yaml_complain(yaml, mapping, "the key '%s' is missing", key);
    if (node == NULL) return GC_EXIT_OK;
    const char *text = gc_yaml_text(node);
    if (text == NULL && (needs || node->type != YAML_SCALAR_NODE))
        return gc_yaml_complain(
                yaml, node, "%s is %s; it takes a text", key, gc_yaml_kind(node));
    if (text != NULL) *ret_text = gc_need_text("%s", text);
    return GC_EXIT_OK;
}

/* A list of texts, or one text. */
static int read_texts(struct gc_yaml *yaml, const yaml_node_t *mapping, const char *key,
        char ***ret_texts, size_t *ret_count)
{
    const yaml_node_t *node = gc_yaml_find(yaml, mapping, key), *item;
    if (node == NULL) return GC_EXIT_OK;
    for (size_t i = 0; (item = gc_yaml_item(yaml, node, i)) != NULL; i++) {
        const char *text = gc_yaml_text(item);
        if (text == NULL)
            return gc_yaml_complain(yaml, item, "an element of %s is %s; it takes a text",
                    key, gc_yaml_kind(item));
        *ret_texts = gc_need_more(*ret_texts, (*ret_count + 1) * sizeof(**ret_texts));
        (*ret_texts)[(*ret_count)++] = gc_need_text("%s", text);
    }
    return GC_EXIT_OK;
}

/* The number of a word among `words`. */
static int read_word(struct gc_yaml *yaml, const yaml_node_t *mapping, const char *key,
        const char *const *words, int *ret_number)
{
    char *text = NULL;
    int status = read_text(yaml, mapping, key, true, &text);
    if (status != GC_EXIT_OK) return status;
    for (*ret_number = 0; words[*ret_number] != NULL; ++*ret_number)
        if (strcmp(words[*ret_number], text) == 0) break;
    if (words[*ret_number] == NULL) {
        char *list = gc_need_text("%s", words[0]);
        for (int i = 1; words[i] != NULL; i++) {
            char *longer = gc_need_text("%s, %s", list, words[i]);
            free(list);
            list = longer;
        }
        status = gc_yaml_complain(yaml, gc_yaml_find(yaml, mapping, key),
                "%s: %s: it takes one of: %s", key, text, list);
        free(list);
    }
    free(text);
    return status;
}

/* --- groups ------------------------------------------------------------------------------- */

static bool has_experiment(const struct gc_paper *paper, const char *name)
{
    for (size_t i = 0; i < paper->experiment_count; i++)
        if (strcmp(paper->experiments[i], name) == 0) return true;
    return false;
}

static int read_threads(
        struct gc_yaml *yaml, const yaml_node_t *mapping, struct gc_claim_group *group)
{
    char *text = NULL, *end;
    int status = read_text(yaml, mapping, "threads", false, &text);
    if (status != GC_EXIT_OK || text == NULL) return status;
    unsigned long threads = strtoul(text, &end, 10);
    if (*text < '1' || *text > '9' || *end != '\0' || threads > THREADS_MOST)
        status = gc_yaml_complain(yaml, gc_yaml_find(yaml, mapping, "threads"),
                "threads: %s: it takes a number", text);
    group->threads = (uint32_t)threads;
    free(text);
    return status;
}

static int read_heap(
        struct gc_yaml *yaml, const yaml_node_t *mapping, struct gc_claim_group *group)
{
    char *text = NULL;
    int status = read_text(yaml, mapping, "heap", false, &text);
    if (status != GC_EXIT_OK || text == NULL) return status;
    if (gc_parse_size(text, &group->heap_limit) != 0)
        status = gc_yaml_complain(yaml, gc_yaml_find(yaml, mapping, "heap"),
                "heap: %s: it takes a size, as in 64M", text);
    free(text);
    return status;
}

static int read_model(
        struct gc_yaml *yaml, const yaml_node_t *mapping, struct gc_claim_group *group)
{
    char *text = NULL, why[200];
    int status = read_text(yaml, mapping, "model", true, &text);
    const yaml_node_t *key, *value;
    if (status == GC_EXIT_OK && gc_yaml_pair(yaml, mapping, 1, &key, &value))
        status = gc_yaml_complain(yaml, key, "a model has nothing else beside it");
    if (status == GC_EXIT_OK) group->model = gc_model_new(text, why, sizeof(why));
    if (status == GC_EXIT_OK && group->model == NULL)
        status = gc_yaml_complain(yaml, gc_yaml_find(yaml, mapping, "model"), "%s", why);
    free(text);
    return status;
}

static int read_group(struct gc_yaml *yaml, const yaml_node_t *key,
        const yaml_node_t *value, struct gc_paper *paper)
{
    static const char *const known[] = { "model", "experiment", "collector", "workload",
        "threads", "heap", NULL };
    paper->groups = gc_need_more(
            paper->groups, (paper->group_count + 1) * sizeof(*paper->groups));
    struct gc_claim_group *group = &paper->groups[paper->group_count++];
    *group = (struct gc_claim_group){ .name = gc_need_text("%s", gc_yaml_text(key)) };
    if (strchr(group->name, '.') != NULL)
        return gc_yaml_complain(
                yaml, key, "%s: a point ends a group's name in a claim", group->name);
    int status = gc_yaml_check_keys(yaml, value, group->name, known);
    if (status == GC_EXIT_OK && gc_yaml_find(yaml, value, "model") != NULL)
        return read_model(yaml, value, group);
    if (status == GC_EXIT_OK)
        status = read_text(yaml, value, "collector", true, &group->collector);
    if (status == GC_EXIT_OK)
        status = read_text(yaml, value, "workload", true, &group->workload);
    if (status == GC_EXIT_OK) status = read_threads(yaml, value, group);
    if (status == GC_EXIT_OK) status = read_heap(yaml, value, group);
    if (status == GC_EXIT_OK)
        status = read_text(yaml, value, "experiment", false, &group->experiment);
    if (status != GC_EXIT_OK) return status;
    if (group->experiment == NULL)
        group->experiment = gc_need_text("%s", paper->experiments[0]);
    if (has_experiment(paper, group->experiment)) return GC_EXIT_OK;
    return gc_yaml_complain(yaml, gc_yaml_find(yaml, value, "experiment"),
            "experiment: %s: it is none of this paper's", group->experiment);
}

static int read_groups(
        struct gc_yaml *yaml, const yaml_node_t *root, struct gc_paper *paper)
{
    const yaml_node_t *groups = gc_yaml_find(yaml, root, "groups"), *key, *value;
    if (groups == NULL)
        return gc_yaml_complain(yaml, root, "the key 'groups' is missing");
    int status = gc_yaml_check_keys(yaml, groups, "groups", NULL);
    for (size_t i = 0;
            status == GC_EXIT_OK && gc_yaml_pair(yaml, groups, i, &key, &value); i++)
        status = read_group(yaml, key, value, paper);
    return status;
}

/* --- claims ----------------------------------------------------------------------------- */

/* For checks: every name of a group that there is has a value. */
static bool is_known(void *argument, const char *name, struct gc_range *ret_range,
        char *why, size_t why_bytes)
{
    const struct gc_paper *paper = argument;
    size_t length = strcspn(name, ".");
    *ret_range = (struct gc_range){ 1, 1 };
    if (name[length] == '\0')
        snprintf(why, why_bytes, "%s is no value: a group's name and a point come first",
                name);
    else if (gc_paper_group(paper, name, length) == NULL)
        snprintf(why, why_bytes, "there is no group %.*s", (int)length, name);
    else
        return true;
    return false;
}

static bool is_ratio_known(void *argument, const char *numerator, const char *denominator,
        struct gc_range *ret_range, char *why, size_t why_bytes)
{
    return is_known(argument, numerator, ret_range, why, why_bytes) &&
           is_known(argument, denominator, ret_range, why, why_bytes);
}

static int check_expressions(struct gc_yaml *yaml, const yaml_node_t *node,
        struct gc_paper *paper, const struct gc_claim *claim)
{
    const struct gc_expression_values values = {
        .value = is_known, .ratio = is_ratio_known, .argument = paper, .is_check = true
    };
    struct gc_expression_error error;
    enum gc_truth truth;
    struct gc_range range;
    if (!gc_expression_claim(claim->holds, &values, &truth, &error))
        return gc_yaml_complain(yaml, gc_yaml_find(yaml, node, "holds"),
                "'%s' is no claim: at '%s': %s", claim->holds, claim->holds + error.at,
                error.text);
    for (size_t i = 0; i < claim->show_count; i++)
        if (!gc_expression_sum(claim->shows[i], &values, &range, &error))
            return gc_yaml_complain(yaml, gc_yaml_find(yaml, node, "shows"),
                    "'%s' can't be shown: at '%s': %s", claim->shows[i],
                    claim->shows[i] + error.at, error.text);
    return GC_EXIT_OK;
}

static int check_id(struct gc_yaml *yaml, const yaml_node_t *node, struct gc_paper *paper)
{
    const struct gc_claim *last = &paper->claims[paper->claim_count - 1];
    for (const struct gc_claim *other = paper->claims; other < last; other++)
        if (strcmp(other->id, last->id) == 0)
            return gc_yaml_complain(yaml, gc_yaml_find(yaml, node, "id"),
                    "id: %s: another claim has it", last->id);
    return GC_EXIT_OK;
}

static int read_claim(
        struct gc_yaml *yaml, const yaml_node_t *node, struct gc_paper *paper)
{
    static const char *const known[] = { "id", "grade", "says", "source", "place",
        "published", "holds", "shows", NULL };
    paper->claims = gc_need_more(
            paper->claims, (paper->claim_count + 1) * sizeof(*paper->claims));
    struct gc_claim *claim = &paper->claims[paper->claim_count++];
    *claim = (struct gc_claim){ .id = NULL };
    int grade = 0, source = 0;
    int status = gc_yaml_check_keys(yaml, node, "a claim", known);
    if (status == GC_EXIT_OK) status = read_text(yaml, node, "id", true, &claim->id);
    if (status == GC_EXIT_OK) status = check_id(yaml, node, paper);
    if (status == GC_EXIT_OK)
        status = read_word(yaml, node, "grade", grade_letters, &grade);
    if (status == GC_EXIT_OK)
        status = read_word(yaml, node, "source", source_words, &source);
    if (status == GC_EXIT_OK) status = read_text(yaml, node, "says", true, &claim->says);
    if (status == GC_EXIT_OK)
        status = read_text(yaml, node, "place", false, &claim->place);
    if (status == GC_EXIT_OK)
        status = read_text(yaml, node, "published", false, &claim->published);
    if (status == GC_EXIT_OK)
        status = read_text(yaml, node, "holds", true, &claim->holds);
    if (status == GC_EXIT_OK)
        status = read_texts(yaml, node, "shows", &claim->shows, &claim->show_count);
    claim->grade = (enum gc_grade)grade;
    claim->source = (enum gc_source)source;
    return status == GC_EXIT_OK ? check_expressions(yaml, node, paper, claim) : status;
}

static int read_claims(
        struct gc_yaml *yaml, const yaml_node_t *root, struct gc_paper *paper)
{
    const yaml_node_t *claims = gc_yaml_find(yaml, root, "claims"), *item;
    int status = GC_EXIT_OK;
    if (claims == NULL || claims->type != YAML_SEQUENCE_NODE ||
            gc_yaml_item(yaml, claims, 0) == NULL)
        return gc_yaml_complain(yaml, claims != NULL ? claims : root,
                "the key 'claims' needs a list of claims");
    for (size_t i = 0;
            status == GC_EXIT_OK && (item = gc_yaml_item(yaml, claims, i)) != NULL; i++)
        status = read_claim(yaml, item, paper);
    return status;
}

/* --- the file ------------------------------------------------------------------------------ */

/* What is computed alone needs no experiment. */
static bool needs_experiment(struct gc_yaml *yaml, const yaml_node_t *root)
{
    const yaml_node_t *groups = gc_yaml_find(yaml, root, "groups"), *key, *value;
    for (size_t i = 0; groups != NULL && gc_yaml_pair(yaml, groups, i, &key, &value); i++)
        if (gc_yaml_find(yaml, value, "model") == NULL) return true;
    return groups == NULL;
}

static int read_paper(struct gc_yaml *yaml, struct gc_paper *paper)
{
    static const char *const known[] = { "paper", "experiments", "groups", "claims",
        "not_ported", NULL };
    const yaml_node_t *root = gc_yaml_root(yaml);
    int status = gc_yaml_check_keys(yaml, root, "the file", known);
    if (status == GC_EXIT_OK) status = read_text(yaml, root, "paper", true, &paper->key);
    if (status == GC_EXIT_OK)
        status = read_texts(
                yaml, root, "experiments", &paper->experiments, &paper->experiment_count);
    if (status == GC_EXIT_OK)
        status = read_texts(
                yaml, root, "not_ported", &paper->not_ported, &paper->not_ported_count);
    if (status != GC_EXIT_OK) return status;
    if (paper->experiment_count == 0 && needs_experiment(yaml, root)) {
        paper->experiments = gc_need(sizeof(*paper->experiments));
        paper->experiments[paper->experiment_count++] = gc_need_text("experiment.yaml");
    }
    status = read_groups(yaml, root, paper);
    return status == GC_EXIT_OK ? read_claims(yaml, root, paper) : status;
}

int gc_paper_read(const char *folder, struct gc_paper *ret_paper)
{
    struct gc_yaml yaml;
    *ret_paper = (struct gc_paper){ .folder = gc_need_text("%s", folder) };
    char *path = gc_need_text("%s/claims.yaml", folder);
    int status = gc_yaml_read(path, &yaml);
    free(path);
    if (status == GC_EXIT_OK) {
        status = read_paper(&yaml, ret_paper);
        gc_yaml_finish(&yaml);
    }
    if (status != GC_EXIT_OK) gc_paper_finish(ret_paper);
    return status;
}

static void finish_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void gc_paper_finish(struct gc_paper *paper)
{
    for (size_t i = 0; i < paper->group_count; i++) {
        free(paper->groups[i].name);
        free(paper->groups[i].model);
        free(paper->groups[i].experiment);
        free(paper->groups[i].collector);
        free(paper->groups[i].workload);
    }
    for (size_t i = 0; i < paper->claim_count; i++) {
        struct gc_claim *claim = &paper->claims[i];
        free(claim->id);
        free(claim->says);
        free(claim->place);
        free(claim->published);
        free(claim->holds);
        finish_texts(claim->shows, claim->show_count);
    }
    free(paper->groups);
    free(paper->claims);
    finish_texts(paper->experiments, paper->experiment_count);
    finish_texts(paper->not_ported, paper->not_ported_count);
    free(paper->key);
    free(paper->folder);
    *paper = (struct gc_paper){ .key = NULL };
}
