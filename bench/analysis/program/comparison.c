/* SPDX-License-Identifier: MIT */
/* comparison.c - one measurement against another, by one metric. */
#include "bench/analysis/program/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/analysis/bootstrap.h"
#include "bench/text.h"

static const struct gc_bootstrap bootstrap = {
    .resamples = GC_BOOTSTRAP_RESAMPLES,
    .confidence = .95,
    .seed = 1,
};

static struct gc_estimate ratio_of(
        const struct gc_estimate *numerator, const struct gc_estimate *denominator)
{
    struct gc_estimate ratio = { NAN, { NAN, NAN } };
    if (gc_estimate_has_interval(numerator) && gc_estimate_has_interval(denominator) &&
            gc_statistics_ratio(numerator, denominator, &ratio))
        return ratio;
    if (denominator->value > 0) ratio.value = numerator->value / denominator->value;
    return ratio;
}

/* False: one of the two has no value. */
static bool compare(const struct gc_group *base, const struct gc_group *candidate,
        enum gc_metric metric, struct gc_comparison *ret_comparison)
{
    struct gc_values b = gc_group_values(base, metric);
    struct gc_values c = gc_group_values(candidate, metric);
    bool is_measured = b.count > 0 && c.count > 0;
    if (is_measured) {
        *ret_comparison = (struct gc_comparison){
            .base = base,
            .candidate = candidate,
            .metric = metric,
            .base_mean = gc_values_mean(&b),
            .candidate_mean = gc_values_mean(&c),
            .base_count = b.count,
            .candidate_count = c.count,
            .verdict = GC_VERDICT_NO_CLAIM,
        };
        struct gc_comparison *r = ret_comparison;
        r->ratio = ratio_of(&r->candidate_mean, &r->base_mean);
        if (gc_estimate_has_interval(&r->base_mean) &&
                gc_estimate_has_interval(&r->candidate_mean))
            r->verdict = gc_metric_verdict(
                    metric, r->candidate_mean.interval, r->base_mean.interval);
    }
    gc_values_finish(&b);
    gc_values_finish(&c);
    return is_measured;
}

struct gc_comparison *gc_comparisons_of(
        const struct gc_side *base, const struct gc_side *candidate, size_t *ret_n)
{
    struct gc_comparison *all =
            gc_need(base->groups->count * GC_METRIC_COUNT * sizeof(*all));
    size_t n = 0;
    for (size_t i = 0; i < base->groups->count; i++) {
        const struct gc_group *group = &base->groups->items[i];
        if (strcmp(group->spec, base->spec) != 0) continue;
        const struct gc_group *other = gc_groups_find(candidate->groups, candidate->spec,
                group->program, group->threads, group->heap);
        for (int metric = 0; other != NULL && metric < GC_METRIC_COUNT; metric++)
            if (gc_metrics[metric].is_compared &&
                    compare(group, other, (enum gc_metric)metric, &all[n]))
                n++;
    }
    *ret_n = n;
    return all;
}

/* Hierarchies of those comparisons that go into one mean. */
struct terms {
    struct gc_values *bases, *candidates;
    struct gc_hierarchy *below, *above;
    size_t count;
};

static bool is_resamplable(const struct gc_values *values)
{
    if (values->count < 2) return false;
    for (size_t i = 0; i < values->count; i++)
        if (!(values->values[i] > 0)) return false;
    return true;
}

static bool add_term(struct terms *terms, const struct gc_comparison *comparison)
{
    struct gc_values b = gc_group_values(comparison->base, comparison->metric);
    struct gc_values c = gc_group_values(comparison->candidate, comparison->metric);
    if (!is_resamplable(&b) || !is_resamplable(&c)) {
        gc_values_finish(&b);
        gc_values_finish(&c);
        return false;
    }
    size_t i = terms->count++;
    terms->bases[i] = b;
    terms->candidates[i] = c;
    terms->below[i] = gc_values_hierarchy(&terms->bases[i]);
    terms->above[i] = gc_values_hierarchy(&terms->candidates[i]);
    return true;
}

static bool is_of(
        const struct gc_comparison *comparison, const struct gc_mean_comparison *mean)
{
    return comparison->metric == mean->metric &&
           comparison->base->threads == mean->threads &&
           comparison->base->heap == mean->heap;
}

/* False: fewer than two programs. */
static bool take_mean(const struct gc_comparison *comparisons, size_t n,
        struct gc_mean_comparison *mean)
{
    struct terms terms = {
        .bases = gc_need(n * sizeof(*terms.bases)),
        .candidates = gc_need(n * sizeof(*terms.candidates)),
        .below = gc_need(n * sizeof(*terms.below)),
        .above = gc_need(n * sizeof(*terms.above)),
    };
    for (size_t i = 0; i < n; i++)
        if (is_of(&comparisons[i], mean) && !add_term(&terms, &comparisons[i]))
            mean->left_out++;
    mean->programs = terms.count;
    bool is_found =
            terms.count >= 2 && gc_bootstrap_geometric_mean(terms.above, terms.below,
                                        terms.count, &bootstrap, &mean->ratio);
    if (is_found)
        mean->verdict = gc_metric_verdict_of_ratio(mean->metric, mean->ratio.interval);
    for (size_t i = 0; i < terms.count; i++) {
        gc_values_finish(&terms.bases[i]);
        gc_values_finish(&terms.candidates[i]);
    }
    free(terms.bases);
    free(terms.candidates);
    free(terms.below);
    free(terms.above);
    return is_found;
}

struct gc_mean_comparison *gc_comparisons_mean(
        const struct gc_comparison *comparisons, size_t n, size_t *ret_n)
{
    struct gc_mean_comparison *means = gc_need(n * sizeof(*means));
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct gc_comparison *c = &comparisons[i];
        struct gc_mean_comparison mean = {
            .metric = c->metric,
            .threads = c->base->threads,
            .heap = c->base->heap,
        };
        bool is_known = false;
        for (size_t j = 0; j < i && !is_known; j++)
            is_known = is_of(&comparisons[j], &mean);
        if (!is_known && take_mean(comparisons, n, &mean)) means[count++] = mean;
    }
    *ret_n = count;
    return means;
}
