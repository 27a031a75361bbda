/* SPDX-License-Identifier: MIT */
/* grades.c - whether claims hold for what was measured. */
#include "bench/analysis/program/grades.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/analysis/program/groups.h"
#include "bench/analysis/program/models.h"
#include "bench/json.h"
#include "bench/text.h"

/* --- which samples -------------------------------------------------------------------- */

/* Where a spec's name, or an option of it, ends. */
static size_t part_length(const char *spec)
{
    size_t length = 0;
    while (spec[length] != '\0' && spec[length] != ':')
        length += spec[length] == '\\' && spec[length + 1] != '\0' ? 2 : 1;
    return length;
}

static bool has_option(const char *spec, const char *option, size_t length)
{
    for (const char *at = spec + part_length(spec); *at == ':'; at += part_length(at)) {
        at++;
        if (part_length(at) == length && strncmp(at, option, length) == 0) return true;
    }
    return false;
}

/* NAME[@PROTOCOL] and all the options that are wanted; it may have more. */
static bool is_kind(const char *spec, const char *wanted)
{
    size_t own = part_length(spec), length = part_length(wanted);
    if (strncmp(spec, wanted, length) != 0) return false;
    bool is_named = own == length || (own > length && spec[length] == '@');
    if (!is_named) return false;
    for (const char *at = wanted + length; *at == ':'; at += part_length(at)) {
        at++;
        if (!has_option(spec, at, part_length(at))) return false;
    }
    return true;
}

static bool is_of(const struct gc_result *result, const struct gc_claim_group *group)
{
    return is_kind(result->spec, group->collector) &&
           is_kind(result->program, group->workload) &&
           (group->threads == 0 || group->threads == result->threads) &&
           (group->heap_limit == 0 || group->heap_limit == result->heap_limit);
}

static bool are_alike(const struct gc_result *a, const struct gc_result *b)
{
    return strcmp(a->spec, b->spec) == 0 && strcmp(a->program, b->program) == 0 &&
           a->threads == b->threads && a->heap_limit == b->heap_limit;
}

/* --- their values ------------------------------------------------------------------------ */

/* What a claim's values come from. */
struct source {
    const struct gc_paper *paper;
    const struct gc_results *results;
    enum gc_grade grade;
};

/* Whether a sample can be told of; if not, why. `like` is another one of its group. */
static bool is_usable(const struct source *source, const char *name, double value,
        const struct gc_result *result, const struct gc_result *like, char *why,
        size_t why_bytes)
{
    int length = (int)strcspn(name, ".");
    if (!are_alike(like, result))
        snprintf(why, why_bytes, "%.*s names samples of several kinds: %s and %s", length,
                name, like->program, result->program);
    else if (!result->is_good)
        snprintf(why, why_bytes, "a sample of %.*s did not end well", length, name);
    else if (isnan(value))
        snprintf(why, why_bytes, "%s was not measured", name);
    else if (source->grade == GC_GRADE_W && result->is_disturbed)
        snprintf(why, why_bytes,
                "something disturbed the machine while %.*s was measured", length, name);
    else
        return true;
    return false;
}

static const struct gc_results *results_of(
        const struct source *source, const struct gc_claim_group *group)
{
    size_t i = 0;
    while (strcmp(source->paper->experiments[i], group->experiment) != 0)
        i++;
    return &source->results[i];
}

/* A value of each sample of a group, for free(). NULL: there is none, and why. */
static double *values_of(const struct source *source, const char *name, size_t *ret_count,
        char *why, size_t why_bytes)
{
    size_t length = strcspn(name, "."), count = 0;
    const struct gc_claim_group *group = gc_paper_group(source->paper, name, length);
    const struct gc_results *results = results_of(source, group);
    const struct gc_result *first = NULL;
    double *values = gc_need((results->count + 1) * sizeof(*values));
    bool are_usable = true;
    for (size_t i = 0; i < results->count && are_usable; i++) {
        const struct gc_result *result = &results->items[i];
        if (!is_of(result, group)) continue;
        if (first == NULL) first = result;
        values[count] = gc_metric_value_named(result, name + length + 1);
        are_usable =
                is_usable(source, name, values[count++], result, first, why, why_bytes);
    }
    if (first == NULL) snprintf(why, why_bytes, "no sample of %s is there", group->name);
    *ret_count = count;
    if (first != NULL && are_usable) return values;
    free(values);
    return NULL;
}

static struct gc_range extent(const double *values, size_t count)
{
    struct gc_range range = { values[0], values[0] };
    for (size_t i = 1; i < count; i++) {
        range.low = fmin(range.low, values[i]);
        range.high = fmax(range.high, values[i]);
    }
    return range;
}

/* The mean and its interval. False: there are too few for one. */
static bool estimate(const struct source *source, const char *name,
        struct gc_estimate *ret_estimate, char *why, size_t why_bytes)
{
    struct gc_values values = { .levels = 1 };
    values.values = values_of(source, name, &values.count, why, why_bytes);
    if (values.values == NULL) return false;
    values.repetitions[0] = values.count;
    *ret_estimate = gc_values_mean(&values);
    gc_values_finish(&values);
    if (gc_estimate_has_interval(ret_estimate)) return true;
    snprintf(why, why_bytes, "%s has too few samples for an interval", name);
    return false;
}

static bool find_value(void *argument, const char *name, struct gc_range *ret_range,
        char *why, size_t why_bytes)
{
    const struct source *source = argument;
    size_t length = strcspn(name, ".");
    const struct gc_claim_group *group = gc_paper_group(source->paper, name, length);
    if (group->model != NULL) {
        if (!gc_model_value(
                    group->model, name + length + 1, &ret_range->low, why, why_bytes))
            return false;
        ret_range->high = ret_range->low;
        return true;
    }
    if (source->grade == GC_GRADE_D) {
        size_t count;
        double *values = values_of(source, name, &count, why, why_bytes);
        if (values == NULL) return false;
        *ret_range = extent(values, count);
        free(values);
        return true;
    }
    struct gc_estimate mean;
    if (!estimate(source, name, &mean, why, why_bytes)) return false;
    *ret_range = (struct gc_range){ mean.interval.low, mean.interval.high };
    return true;
}

static bool is_sampled(
        const struct source *source, const char *name, char *why, size_t why_bytes)
{
    size_t length = strcspn(name, ".");
    if (gc_paper_group(source->paper, name, length)->model == NULL) return true;
    snprintf(
            why, why_bytes, "a ratio is of samples, and %s is computed: divide it", name);
    return false;
}

static bool find_ratio(void *argument, const char *numerator, const char *denominator,
        struct gc_range *ret_range, char *why, size_t why_bytes)
{
    const struct source *source = argument;
    struct gc_estimate above, below, ratio;
    if (!is_sampled(source, numerator, why, why_bytes) ||
            !is_sampled(source, denominator, why, why_bytes))
        return false;
    if (!estimate(source, numerator, &above, why, why_bytes) ||
            !estimate(source, denominator, &below, why, why_bytes))
        return false;
    if (!gc_statistics_ratio(&above, &below, &ratio)) {
        snprintf(why, why_bytes, "%s / %s has no bounds: the latter may be 0", numerator,
                denominator);
        return false;
    }
    *ret_range = (struct gc_range){ ratio.interval.low, ratio.interval.high };
    return true;
}

/* --- verdicts ------------------------------------------------------------------------------ */

static enum gc_verdict_of_claim verdict_of(enum gc_truth truth)
{
    if (truth == GC_UNDECIDED) return GC_CLAIM_INCONCLUSIVE;
    return truth == GC_TRUE ? GC_CLAIM_PASS : GC_CLAIM_FAIL;
}

static struct gc_graded grade(struct source *source, const struct gc_claim *claim)
{
    struct gc_graded graded = { .claim = claim, .verdict = GC_CLAIM_INCONCLUSIVE };
    const struct gc_expression_values values = { find_value, find_ratio, source, false };
    struct gc_expression_error error;
    enum gc_truth truth;
    source->grade = claim->grade;
    if (!gc_expression_claim(claim->holds, &values, &truth, &error)) {
        graded.why = gc_need_text("%s", error.text);
    } else {
        graded.verdict = verdict_of(truth);
        if (truth == GC_UNDECIDED)
            graded.why = gc_need_text(claim->grade == GC_GRADE_D
                                              ? "processes differ"
                                              : "the intervals hold both answers");
    }
    graded.shown = gc_need((claim->show_count + 1) * sizeof(*graded.shown));
    for (size_t i = 0; i < claim->show_count; i++)
        graded.shown[i].is_known = gc_expression_sum(
                claim->shows[i], &values, &graded.shown[i].range, &error);
    return graded;
}

struct gc_grades gc_grades_of(
        const struct gc_paper *paper, const struct gc_results *results)
{
    struct source source = { .paper = paper, .results = results };
    struct gc_grades grades = { .paper = paper };
    grades.items = gc_need((paper->claim_count + 1) * sizeof(*grades.items));
    for (size_t i = 0; i < paper->claim_count; i++) {
        grades.items[i] = grade(&source, &paper->claims[i]);
        grades.counts[grades.items[i].verdict]++;
    }
    return grades;
}

void gc_grades_finish(struct gc_grades *grades)
{
    for (size_t i = 0; i < grades->paper->claim_count; i++) {
        free(grades->items[i].why);
        free(grades->items[i].shown);
    }
    free(grades->items);
}

/* --- what is printed ------------------------------------------------------------------------- */

static const char *const verdict_words[] = { "PASS", "FAIL", "INCONCLUSIVE" };

static void write_number(char text[GC_CELL], double value)
{
    bool is_count = value == floor(value) && fabs(value) < 1e15;
    snprintf(text, GC_CELL, is_count ? "%.0f" : "%.4g", value);
}

static void print_shown(const char *what, const struct gc_shown *shown, FILE *file)
{
    char low[GC_CELL], high[GC_CELL];
    if (!shown->is_known) {
        fprintf(file, "        measured: %s: not known\n", what);
        return;
    }
    write_number(low, shown->range.low);
    write_number(high, shown->range.high);
    if (strcmp(low, high) == 0)
        fprintf(file, "        measured: %s = %s\n", what, low);
    else
        fprintf(file, "        measured: %s from %s to %s\n", what, low, high);
}

static void print_published(const struct gc_claim *claim, FILE *file)
{
    const char *place = claim->place != NULL ? claim->place : "";
    const char *comma = claim->place != NULL ? ", " : "";
    if (claim->source == GC_SOURCE_MEMORY)
        fputs("        published: not quoted (it is known from memory)\n", file);
    else
        fprintf(file, "        published: %s (%s%s%s)\n",
                claim->published != NULL ? claim->published : "no figure", place, comma,
                gc_source_words(claim->source));
}

void gc_grades_print(const struct gc_grades *grades, FILE *file)
{
    const struct gc_paper *paper = grades->paper;
    fprintf(file, "%s\n", paper->key);
    for (size_t i = 0; i < paper->claim_count; i++) {
        const struct gc_graded *graded = &grades->items[i];
        const struct gc_claim *claim = graded->claim;
        fprintf(file, "    %s %-12s %s: %s\n", gc_grade_letter(claim->grade),
                verdict_words[graded->verdict], claim->id, claim->says);
        print_published(claim, file);
        for (size_t k = 0; k < claim->show_count; k++)
            print_shown(claim->shows[k], &graded->shown[k], file);
        if (graded->why != NULL) fprintf(file, "        because: %s\n", graded->why);
    }
    for (size_t i = 0; i < paper->not_ported_count; i++)
        fprintf(file, "    not ported: %s\n", paper->not_ported[i]);
    fprintf(file, "    %zu PASS, %zu FAIL, %zu INCONCLUSIVE\n\n",
            grades->counts[GC_CLAIM_PASS], grades->counts[GC_CLAIM_FAIL],
            grades->counts[GC_CLAIM_INCONCLUSIVE]);
}

static void put_shown(
        struct gc_json *json, const char *what, const struct gc_shown *shown)
{
    gc_json_begin(json, NULL);
    gc_json_text(json, "what", what);
    gc_json_real(json, "low", shown->is_known ? shown->range.low : NAN);
    gc_json_real(json, "high", shown->is_known ? shown->range.high : NAN);
    gc_json_end(json);
}

static void put_graded(struct gc_json *json, const struct gc_graded *graded)
{
    const struct gc_claim *claim = graded->claim;
    bool is_quoted = claim->source != GC_SOURCE_MEMORY;
    gc_json_begin(json, NULL);
    gc_json_text(json, "id", claim->id);
    gc_json_text(json, "grade", gc_grade_letter(claim->grade));
    gc_json_text(json, "verdict", verdict_words[graded->verdict]);
    gc_json_text(json, "why", graded->why);
    gc_json_text(json, "says", claim->says);
    gc_json_text(json, "source", gc_source_words(claim->source));
    gc_json_text(json, "place", claim->place);
    gc_json_text(json, "published", is_quoted ? claim->published : NULL);
    gc_json_text(json, "holds", claim->holds);
    gc_json_begin_array(json, "measured");
    for (size_t i = 0; i < claim->show_count; i++)
        put_shown(json, claim->shows[i], &graded->shown[i]);
    gc_json_end_array(json);
    gc_json_end(json);
}

void gc_grades_print_json(const struct gc_grades *grades, FILE *file)
{
    const struct gc_paper *paper = grades->paper;
    struct gc_json json = { .file = file };
    gc_json_begin(&json, NULL);
    gc_json_text(&json, "paper", paper->key);
    gc_json_begin_array(&json, "claims");
    for (size_t i = 0; i < paper->claim_count; i++)
        put_graded(&json, &grades->items[i]);
    gc_json_end_array(&json);
    gc_json_begin_array(&json, "not_ported");
    for (size_t i = 0; i < paper->not_ported_count; i++)
        gc_json_text(&json, NULL, paper->not_ported[i]);
    gc_json_end_array(&json);
    gc_json_end(&json);
    fputc('\n', file);
}
