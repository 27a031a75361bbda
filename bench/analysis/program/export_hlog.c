/* SPDX-License-Identifier: MIT */
/* export_hlog.c - histograms of samples as a log of HdrHistogram.
 *
 * Each sample is an interval: one line for each cause of stalls, and for latencies, with a
 * tag; and one without a tag for all stalls together (of latencies, if there are no stalls),
 * because Java's HistogramLogProcessor fails on a log whose lines all have one. The lines of
 * a sample hold them as `histogram`: README.md of bench/. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/analysis/hdr.h"
#include "bench/analysis/program/export.h"
#include "bench/command.h"
#include "bench/text.h"

struct log {
    FILE *file;
    double start; /* of the first sample, in s since 1970 */
    const struct gc_result *result;
    size_t lines;
};

static double started(const struct gc_result *result)
{
    const char *text = gc_result_text(result, "started");
    struct tm parts = { .tm_mday = 0 };
    if (text == NULL) return NAN;
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    return end != NULL && *end == 'Z' ? (double)timegm(&parts) : NAN;
}

/* Adds the pairs of a member. False: it is no histogram. */
static bool add_pairs(struct gc_hdr *hdr, const json_t *pairs)
{
    if (!json_is_array(pairs)) return false;
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const json_t *low = json_array_get(pair, 0), *count = json_array_get(pair, 1);
        if (json_array_size(pair) != 2 || !json_is_integer(low) ||
                !json_is_integer(count) || json_integer_value(low) < 0 ||
                json_integer_value(count) < 0)
            return false;
        if (!gc_hdr_add(hdr, (uint64_t)json_integer_value(low),
                    (uint64_t)json_integer_value(count)))
            return false;
    }
    return true;
}

/* A tag ends at a comma, and logs are parted by spaces. */
static char *tag_of(const struct gc_result *result, const char *what)
{
    char *tag = gc_need_text("%s/%s/threads:%" PRIu32 "/%s", result->program,
            result->spec, result->threads, what);
    for (char *at = tag; *at != '\0'; at++)
        if (*at == ',' || (unsigned char)*at <= ' ') *at = '_';
    return tag;
}

static int write_line(struct log *log, const char *what, const struct gc_hdr *hdr)
{
    char *text = gc_hdr_encode(hdr);
    if (text == NULL) return gc_complain(GC_EXIT_ENVIRONMENT, "no memory");
    double begin = started(log->result) - log->start;
    double seconds = gc_result_number(log->result, "wall_ns") / 1e9;
    if (what != NULL) {
        char *tag = tag_of(log->result, what);
        fprintf(log->file, "Tag=%s,", tag);
        free(tag);
    }
    fprintf(log->file, "%.3f,%.3f,%.3f,%s\n", begin > 0 ? begin : 0,
            isfinite(seconds) ? seconds : 0, (double)gc_hdr_highest(hdr) / 1e6, text);
    log->lines++;
    free(text);
    return GC_EXIT_OK;
}

/* Adds a member's histogram to *all as well. One that is empty has no line. */
static int write_member(
        struct log *log, const char *what, const json_t *member, struct gc_hdr *all)
{
    const json_t *pairs = json_object_get(member, "histogram");
    if (pairs == NULL || json_is_null(pairs)) return GC_EXIT_OK;
    struct gc_hdr *one = gc_need(sizeof(*one));
    int status = GC_EXIT_OK;
    if (!add_pairs(one, pairs) || !add_pairs(all, pairs))
        status = gc_complain(GC_EXIT_FILE,
                "%s:%zu: the histogram of %s is none: pairs of the lowest value of a "
                "bucket and a count are due",
                log->result->file, log->result->number, what);
    else if (one->count > 0)
        status = write_line(log, what, one);
    free(one);
    return status;
}

static int write_sample(struct log *log)
{
    struct gc_hdr *stalls = gc_need(sizeof(*stalls)),
                  *latency = gc_need(sizeof(*latency));
    int status = GC_EXIT_OK;
    const json_t *causes = gc_result_member(log->result, "stalls");
    const char *cause;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)causes, cause, member)
    {
        status = write_member(log, cause, member, stalls);
        if (status != GC_EXIT_OK) break;
    }
    if (status == GC_EXIT_OK)
        status = write_member(
                log, "latency", gc_result_member(log->result, "latency"), latency);
    const struct gc_hdr *all = stalls->count > 0 ? stalls : latency;
    if (status == GC_EXIT_OK && all->count > 0) status = write_line(log, NULL, all);
    free(stalls);
    free(latency);
    return status;
}

static double first_start(const struct gc_results *results)
{
    double first = NAN;
    for (size_t i = 0; i < results->count; i++) {
        double start = started(&results->items[i]);
        if (!isnan(start) && !(first <= start)) first = start;
    }
    return isnan(first) ? 0 : first;
}

int gc_export_hlog(const struct gc_results *results, const char *name, FILE *file)
{
    struct log log = { .file = file, .start = first_start(results) };
    fprintf(file,
            "#[Histogram log format version 1.3]\n"
            "#[StartTime: %.3f (seconds since epoch)]\n"
            "#[values in ns, maxima in ms]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
            "\"Interval_Compressed_Histogram\"\n",
            log.start);
    int status = GC_EXIT_OK;
    for (size_t i = 0; i < results->count && status == GC_EXIT_OK; i++) {
        log.result = &results->items[i];
        if (log.result->is_good && !log.result->counts) status = write_sample(&log);
    }
    if (status == GC_EXIT_OK && log.lines == 0)
        status = gc_complain(GC_EXIT_FILE,
                "%s: its samples hold no histograms, only percentiles", name);
    return status;
}
