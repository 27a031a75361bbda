/* SPDX-License-Identifier: MIT */
/* results.c - the folder that the results of an experiment go to. */
#include "bench/results.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/file.h"
#include "bench/text.h"

static int is_samples(const struct dirent *entry)
{
    static const char begin[] = "samples", end[] = ".jsonl";
    size_t length = strlen(entry->d_name), suffix = strlen(end);
    return strncmp(entry->d_name, begin, strlen(begin)) == 0 && length > suffix &&
           strcmp(entry->d_name + length - suffix, end) == 0;
}

static int is_something(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* How many entries pass; -1: the folder can't be read. */
static int count(const char *folder, int (*passes)(const struct dirent *))
{
    struct dirent **entries;
    int n = scandir(folder, &entries, passes, NULL);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    if (n >= 0) free(entries);
    return n;
}

bool gc_results_is_empty(const char *folder)
{
    struct stat status;
    return stat(folder, &status) != 0 ? errno == ENOENT
                                      : count(folder, is_something) == 0;
}

static int complain_of(int status, const char *path, int error)
{
    return gc_complain(status, "%s: %s", path, strerror(error));
}

/* --- reading ----------------------------------------------------------------------------- */

static int visit_line(struct gc_results_line *line, bool is_last,
        gc_results_line_fn visit, void *argument)
{
    json_t *value = gc_json_read(line->text, line->length);
    if (value == NULL || gc_json_find_text(value, "cell") == NULL) {
        json_decref(value);
        /* a power failure may have left anything there */
        if (is_last) return GC_EXIT_OK;
        return gc_complain(GC_EXIT_FILE, "%s:%zu: it is not the sample of an experiment",
                line->path, line->number);
    }
    line->value = value;
    int status = visit(line, argument);
    json_decref(value);
    return status;
}

static int read_file(const char *path, gc_results_line_fn visit, void *argument)
{
    char *text;
    size_t length;
    int result = gc_file_read(path, &text, &length);
    if (result < 0) return complain_of(GC_EXIT_FILE, path, -result);
    struct gc_results_line line = { .path = path, .text = text };
    int status = GC_EXIT_OK;
    while (status == GC_EXIT_OK) {
        const char *end = memchr(line.text, '\n', length - (size_t)(line.text - text));
        if (end == NULL) break; /* what follows is no whole line */
        line.length = (size_t)(end - line.text);
        line.number++;
        status = visit_line(&line, end + 1 == text + length, visit, argument);
        line.text = end + 1;
    }
    free(text);
    return status;
}

int gc_results_read(const char *folder, gc_results_line_fn visit, void *argument)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_samples, alphasort), status = GC_EXIT_OK;
    if (n < 0) return complain_of(GC_EXIT_FILE, folder, errno);
    for (int i = 0; i < n; i++) {
        char *path = gc_need_text("%s/%s", folder, entries[i]->d_name);
        if (status == GC_EXIT_OK) status = read_file(path, visit, argument);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return status;
}

size_t gc_results_count(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_samples, NULL);
    size_t lines = 0;
    for (int i = 0; i < n; i++) {
        char *path = gc_need_text("%s/%s", folder, entries[i]->d_name), *text;
        size_t length;
        if (gc_file_read(path, &text, &length) == 0) {
            for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
                lines++;
            free(text);
        }
        free(path);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    return lines;
}

/* --- writing ----------------------------------------------------------------------------- */

int gc_results_make(const char *folder)
{
    struct stat status;
    if (mkdir(folder, 0777) == 0) return GC_EXIT_OK;
    if (errno != EEXIST) return complain_of(GC_EXIT_ENVIRONMENT, folder, errno);
    if (stat(folder, &status) == 0 && S_ISDIR(status.st_mode)) return GC_EXIT_OK;
    return gc_complain(GC_EXIT_FILE, "%s is no folder", folder);
}

/* Length of what can be kept of a file of samples: whole lines, the last of which is one of ours.
 * -1: it can't be read, which has been said. */
static off_t whole_length(const char *path)
{
    char *text;
    size_t length;
    int result = gc_file_read(path, &text, &length);
    if (result < 0) {
        complain_of(GC_EXIT_FILE, path, -result);
        return -1;
    }
    while (length > 0) {
        const char *end = memrchr(text, '\n', length);
        length = end != NULL ? (size_t)(end - text) + 1 : 0;
        if (end == NULL) break;
        const char *before = memrchr(text, '\n', length - 1);
        size_t begin = before != NULL ? (size_t)(before - text) + 1 : 0;
        json_t *value = gc_json_read(text + begin, length - 1 - begin);
        json_decref(value);
        if (value != NULL) break;
        length = begin; /* zeros, say, that a power failure left there */
    }
    free(text);
    return (off_t)length;
}

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = gc_results_flush(fd);
    close(fd);
    return result;
}

static int prepare(const char *folder, const char *path, int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return gc_complain(GC_EXIT_FILE, "%s is being written by another sweep", path);
    off_t length = whole_length(path);
    if (length < 0) return GC_EXIT_FILE;
    int result = ftruncate(fd, length) != 0 ? -errno : gc_results_flush(fd);
    if (result == 0) result = sync_folder(folder);
    return result == 0 ? GC_EXIT_OK : complain_of(GC_EXIT_ENVIRONMENT, path, -result);
}

int gc_results_open(const char *folder, const char *name, int *ret_fd)
{
    char *path = gc_need_text("%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    int status = fd < 0 ? complain_of(GC_EXIT_ENVIRONMENT, path, errno)
                        : prepare(folder, path, fd);
    if (status != GC_EXIT_OK && fd >= 0) close(fd);
    *ret_fd = status == GC_EXIT_OK ? fd : -1;
    free(path);
    return status;
}

int gc_results_flush(int fd)
{
    while (fsync(fd) != 0)
        if (errno != EINTR) return errno == EINVAL ? 0 : -errno; /* no file on a disk */
    return 0;
}

int gc_results_keep(const char *folder, const char *name, const char *text, size_t length,
        const char *source)
{
    char *path = gc_need_text("%s/%s", folder, name), *old;
    size_t old_length;
    int status = GC_EXIT_OK;
    int result = gc_file_read(path, &old, &old_length);
    if (result == 0) {
        if (old_length != length || memcmp(old, text, length) != 0)
            status = gc_complain(GC_EXIT_FILE,
                    "%s differs from %s: results of different experiments don't go "
                    "together; give another folder with -o",
                    path, source);
        free(old);
    } else if (result == -ENOENT) {
        result = gc_file_write(path, text, length, GC_FILE_REPLACE);
        if (result < 0) status = complain_of(GC_EXIT_ENVIRONMENT, path, -result);
    } else {
        status = complain_of(GC_EXIT_FILE, path, -result);
    }
    free(path);
    return status;
}
