/* SPDX-License-Identifier: MIT */
/* export_running.c - samples as the logs that running-ng keeps, and plotty reads.
 *
 * A folder with one compressed file for each measurement, whose name says what it is:
 * workload.factor.MiB.collector.modifier-value...log.gz. In it stand the lines of each
 * process, as of a benchmark of DaCapo under MMTk. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "bench/analysis/program/export.h"
#include "bench/analysis/program/kinds.h"
#include "bench/command.h"
#include "bench/file.h"
#include "bench/text.h"

#define SUITE "gclab 1.0" /* its version is that of these lines */

enum { GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 };

/* The figures that MMTk would print; all but the first in two parts. */
static void write_statistics(FILE *file, const struct gc_result *result)
{
    double stopped = gc_result_number(result, "counters.stop_ns");
    double wall = gc_result_number(result, "wall_ns");
    double stops = gc_result_number(result, "counters.stops");
    double mutators = gc_result_number(result, "mutator_cpu_ns");
    double collector = gc_result_number(result, "collector_cpu_ns");
    if (isnan(stopped)) stopped = 0;
    if (isnan(mutators))
        mutators = gc_result_number(result, "cpu_ns"); /* not told apart */
    if (isnan(collector)) collector = 0;
    fprintf(file, "============================ Tabulate Statistics "
                  "============================\n"
                  "pauses\ttime.other\ttime.stw\tPERF_COUNT_SW_TASK_CLOCK.other\t"
                  "PERF_COUNT_SW_TASK_CLOCK.stw\n");
    fprintf(file, "%.0f\t%.6f\t%.6f\t%.0f\t%.0f\n", isnan(stops) ? 0 : stops,
            (wall - stopped) / 1e6, stopped / 1e6, mutators, collector);
    fputs("-------------------------- End Tabulate Statistics "
          "--------------------------\n",
            file);
}

static void write_latency(FILE *file, const struct gc_result *result)
{
    static const struct {
        const char *percent, *path;
    } parts[] = {
        { "50%", "latency.p50_ns" },
        { "90%", "latency.p90_ns" },
        { "99%", "latency.p99_ns" },
        { "99.9%", "latency.p999_ns" },
        { "max", "latency.max_ns" },
    };
    double count = gc_result_number(result, "latency.count");
    if (!(count > 0)) return;
    fputs("===== DaCapo simple tail latency: ", file);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        double ns = gc_result_number(result, parts[i].path);
        if (isfinite(ns)) fprintf(file, "%s %.0f usec, ", parts[i].percent, ns / 1e3);
    }
    fprintf(file, "measured over %.0f events =====\n", count);
}

static void write_process(FILE *file, const struct gc_result *result)
{
    const char *workload = gc_result_text(result, "workload");
    const char *outcome = gc_result_text(result, "outcome");
    fprintf(file, "===== " SUITE " %s starting =====\n", workload);
    if (!result->is_good) {
        if (strcmp(outcome, "out of memory") == 0) fputs("ran out of memory\n", file);
        fprintf(file, "===== " SUITE " %s FAILED =====\n", workload);
        return;
    }
    write_statistics(file, result);
    write_latency(file, result);
    fprintf(file, "===== " SUITE " %s PASSED in %.0f msec =====\n", workload,
            gc_result_number(result, "wall_ns") / 1e6);
}

/* Letters, digits and `more`; all else becomes an underscore. */
static void keep_plain(char *text, const char *more)
{
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && strchr(more, *text) == NULL) *text = '_';
}

/* name=value:name=value as .name-value.name-value */
static void put_modifiers(FILE *file, const char *prefix, const char *options)
{
    while (options != NULL && *options != '\0') {
        size_t length = strcspn(options, ":");
        char *part = gc_need_text("%.*s", (int)length, options);
        char *value = strchr(part, '=');
        if (value != NULL) *value++ = '\0';
        keep_plain(part, "_");
        fprintf(file, ".%s%s", prefix, part);
        if (value != NULL) {
            keep_plain(value, "_,");
            fprintf(file, "-%s", value);
        }
        free(part);
        options += length + (options[length] == ':');
    }
}

static char *name_of(const struct gc_result *result)
{
    char *name = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&name, &length);
    if (file == NULL) exit(gc_complain(GC_EXIT_ENVIRONMENT, "no memory"));
    char *workload = gc_need_text("%s", gc_result_text(result, "workload"));
    char *collector = gc_need_text("%s", gc_result_text(result, "collector"));
    char *protocol = gc_need_text("%s", gc_result_text(result, "protocol"));
    keep_plain(workload, "_");
    keep_plain(collector, "_");
    keep_plain(protocol, "_");
    uint64_t mib = (result->heap_limit + (1 << 20) - 1) >> 20;
    fprintf(file, "%s.0.%" PRIu64 ".%s.protocol-%s.threads-%" PRIu32, workload, mib,
            collector, protocol, result->threads);
    if (result->heap_limit > 0)
        fprintf(file, ".heap_kib-%" PRIu64, result->heap_limit / 1024);
    put_modifiers(file, "", gc_result_text(result, "options"));
    put_modifiers(file, "workload_", gc_result_text(result, "workload_options"));
    if (strcmp(gc_result_text(result, "scale") != NULL ? gc_result_text(result, "scale")
                                                       : "fixed",
                "fixed") != 0)
        fputs(".scale-weak", file);
    fputs(".log.gz", file);
    fclose(file);
    free(workload);
    free(collector);
    free(protocol);
    return name;
}

/* 0 or -errno. */
static int write_compressed(const char *path, const char *text, size_t length)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)length };
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    uLong room = deflateBound(&stream, (uLong)length);
    char *packed = gc_need(room);
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)room;
    int result = deflate(&stream, Z_FINISH) == Z_STREAM_END ? 0 : -EIO;
    size_t size = stream.total_out;
    deflateEnd(&stream);
    if (result == 0) result = gc_file_write(path, packed, size, GC_FILE_NEW);
    free(packed);
    return result;
}

/* Of all samples that have the name of number `first`. 0 or -errno. */
static int write_log(const struct gc_results *results, char *const *names,
        const struct gc_kind *kinds, size_t first, const char *folder)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL) return -errno;
    for (size_t i = first; i < results->count; i++)
        if (names[i] != NULL && kinds[i].number == kinds[first].number)
            write_process(file, &results->items[i]);
    int result = fclose(file) != 0 ? -ENOMEM : 0;
    char *path = gc_need_text("%s/%s", folder, names[first]);
    if (result == 0) result = write_compressed(path, text, length);
    free(path);
    free(text);
    return result;
}

static bool is_first(const struct gc_kind *kind)
{
    return kind->count > 0 && kind->index == 0;
}

/* Fills a folder of another name, and then gives it its own. 0 or -errno. */
static int write_folder(const struct gc_results *results, char *const *names,
        const struct gc_kind *kinds, const char *folder)
{
    struct stat there;
    if (lstat(folder, &there) == 0) return -EEXIST;
    char *part = gc_need_text("%s.XXXXXX", folder);
    mode_t mask = umask(0);
    umask(mask);
    int result = mkdtemp(part) == NULL || chmod(part, 0777 & ~mask) != 0 ? -errno : 0;
    bool is_made = access(part, F_OK) == 0;
    for (size_t i = 0; i < results->count && result == 0; i++)
        if (is_first(&kinds[i])) result = write_log(results, names, kinds, i, part);
    if (result == 0 && rename(part, folder) != 0) result = -errno;
    for (size_t i = 0; i < results->count && is_made && result != 0; i++) {
        if (!is_first(&kinds[i])) continue;
        char *path = gc_need_text("%s/%s", part, names[i]);
        unlink(path);
        free(path);
    }
    if (is_made && result != 0) rmdir(part);
    free(part);
    return result;
}

int gc_export_running(const struct gc_results *results, const char *folder)
{
    char **names = gc_need(results->count * sizeof(*names));
    for (size_t i = 0; i < results->count; i++)
        if (!results->items[i].counts) names[i] = name_of(&results->items[i]);
    struct gc_kind *kinds = gc_kinds_of(names, results->count);
    int result = write_folder(results, names, kinds, folder);
    free(kinds);
    for (size_t i = 0; i < results->count; i++)
        free(names[i]);
    free(names);
    if (result == 0) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_ENVIRONMENT, "%s: %s", folder, strerror(-result));
}
