/* SPDX-License-Identifier: MIT */
/* models.c - values that are computed and not measured. */
#include "bench/analysis/program/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/analysis/latency.h"
#include "bench/analysis/stalled.h"
#include "bench/analysis/utilisation.h"
#include "bench/text.h"

#define MS 1e6

enum {
    PAUSES_MOST = 64,
    THREADS = 8,
    REQUESTS = 150000,
};

static const double unit = 1e9; /* what one unit of a pause's times is in integers */
static const double longest_ms = 10000;

struct gc_model {
    bool is_stalled;
    double stall_ms;
    struct gc_span run, pauses[PAUSES_MOST];
    size_t pause_count;
};

static bool fail(char *why, size_t why_bytes, const char *what, const char *text)
{
    snprintf(why, why_bytes, "%s: '%s'", what, text);
    return false;
}

/* "2-2.3"; *text goes behind it. */
static bool read_span(const char **text, struct gc_span *ret_span)
{
    char *end;
    double begin = strtod(*text, &end);
    if (end == *text || *end != '-') return false;
    const char *second = end + 1;
    double last = strtod(second, &end);
    if (end == second || !(begin >= 0 && begin < last && last <= 1e9)) return false;
    *ret_span = (struct gc_span){ (uint64_t)llround(begin * unit),
        (uint64_t)llround(last * unit) };
    *text = end;
    return true;
}

static bool read_option(struct gc_model *model, const char *word)
{
    char *end;
    if (model->is_stalled && strncmp(word, "stall=", 6) == 0) {
        model->stall_ms = strtod(word + 6, &end);
        return end > word + 6 && *end == '\0' && model->stall_ms >= 0 &&
               model->stall_ms <= longest_ms;
    }
    if (!model->is_stalled && strncmp(word, "run=", 4) == 0) {
        word += 4;
        return read_span(&word, &model->run) && *word == '\0';
    }
    if (model->is_stalled || strncmp(word, "at=", 3) != 0) return false;
    for (word += 3;; word++) {
        if (model->pause_count == PAUSES_MOST) return false;
        if (!read_span(&word, &model->pauses[model->pause_count++])) return false;
        if (*word != ',') return *word == '\0';
    }
}

static bool read_model(struct gc_model *model, char *text, char *why, size_t why_bytes)
{
    char *state, *word = strtok_r(text, " ", &state);
    model->is_stalled = word != NULL && strcmp(word, "stalled") == 0;
    if (word == NULL || (!model->is_stalled && strcmp(word, "pauses") != 0))
        return fail(
                why, why_bytes, "a model is pauses or stalled", word != NULL ? word : "");
    while ((word = strtok_r(NULL, " ", &state)) != NULL)
        if (!read_option(model, word))
            return fail(why, why_bytes, "this is no option of that model", word);
    if (model->is_stalled || model->run.end > 0) return true;
    return fail(why, why_bytes, "the option run is missing", text);
}

struct gc_model *gc_model_new(const char *text, char *why, size_t why_bytes)
{
    struct gc_model *model = gc_need(sizeof(*model));
    char *words = gc_need_text("%s", text);
    bool is_one = read_model(model, words, why, why_bytes);
    free(words);
    if (is_one) return model;
    free(model);
    return NULL;
}

/* --- pauses --------------------------------------------------------------------------- */

static double longest_of(const struct gc_utilisation *u)
{
    uint64_t longest = 0;
    for (size_t i = 0; i < u->n; i++)
        if (u->stalls[i].end - u->stalls[i].begin > longest)
            longest = u->stalls[i].end - u->stalls[i].begin;
    return (double)longest / unit;
}

static bool value_of_pauses(
        const struct gc_model *model, const char *name, double *ret_value)
{
    struct gc_span pauses[PAUSES_MOST];
    struct gc_utilisation u;
    memcpy(pauses, model->pauses, sizeof(pauses));
    if (!gc_utilisation_init(&u, pauses, model->pause_count, model->run)) return false;
    if (strcmp(name, "share") == 0)
        *ret_value = gc_utilisation_share(&u);
    else if (strcmp(name, "longest") == 0)
        *ret_value = longest_of(&u);
    else if (strncmp(name, "mmu_", 4) == 0 || strncmp(name, "bmu_", 4) == 0) {
        char *end;
        double window = strtod(name + 4, &end);
        if (end == name + 4 || *end != '\0' || !(window > 0 && window <= 1e9))
            return false;
        uint64_t wide = (uint64_t)llround(window * unit);
        return *name == 'm' ? gc_utilisation_minimum(&u, wide, ret_value)
                            : gc_utilisation_bounded(&u, wide, ret_value);
    } else {
        return false;
    }
    return true;
}

/* --- the stalled program ------------------------------------------------------------------ */

static bool percentile(uint64_t *latencies, double *ret_ms)
{
    uint64_t value;
    gc_latency_sort(latencies, REQUESTS);
    if (!gc_latency_percentile(latencies, REQUESTS, .99, &value)) return false;
    *ret_ms = (double)value / MS;
    return true;
}

static bool closed_loop(
        uint64_t stall, uint64_t window, uint64_t *latencies, double *ret_ms)
{
    struct gc_span *requests = gc_need(REQUESTS * sizeof(*requests));
    gc_stalled_closed_loop(stall, THREADS, REQUESTS, requests);
    bool is_known = window == 0
                            ? gc_latency_simple(requests, REQUESTS, latencies)
                            : gc_latency_metered(requests, REQUESTS, window, latencies);
    free(requests);
    return is_known && percentile(latencies, ret_ms);
}

static bool open_loop(uint64_t stall, uint64_t *latencies, double *ret_ms)
{
    const double service = MS / THREADS, load = .8;
    uint64_t *arrivals = gc_need(REQUESTS * sizeof(*arrivals));
    uint64_t *ends = gc_need(REQUESTS * sizeof(*ends));
    bool is_known = gc_latency_arrive_poisson(0, service / load, 7, REQUESTS, arrivals);
    if (is_known) {
        gc_stalled_open_loop(stall, service, true, arrivals, REQUESTS, ends);
        is_known = gc_latency_open_loop(arrivals, ends, REQUESTS, latencies);
    }
    free(arrivals);
    free(ends);
    return is_known && percentile(latencies, ret_ms);
}

static bool value_of_stalled(
        const struct gc_model *model, const char *name, double *ret_value)
{
    uint64_t stall = (uint64_t)llround(model->stall_ms * MS);
    uint64_t *latencies = gc_need(REQUESTS * sizeof(*latencies));
    bool is_known = false;
    if (strcmp(name, "simple_p99") == 0)
        is_known = closed_loop(stall, 0, latencies, ret_value);
    else if (strcmp(name, "metered_p99") == 0)
        is_known = closed_loop(stall, (uint64_t)(100 * MS), latencies, ret_value);
    else if (strcmp(name, "full_p99") == 0)
        is_known = closed_loop(stall, GC_LATENCY_FULL, latencies, ret_value);
    else if (strcmp(name, "open_p99") == 0)
        is_known = open_loop(stall, latencies, ret_value);
    free(latencies);
    return is_known;
}

bool gc_model_value(const struct gc_model *model, const char *name, double *ret_value,
        char *why, size_t why_bytes)
{
    bool is_known = model->is_stalled ? value_of_stalled(model, name, ret_value)
                                      : value_of_pauses(model, name, ret_value);
    return is_known || fail(why, why_bytes, "the model has no such value", name);
}
