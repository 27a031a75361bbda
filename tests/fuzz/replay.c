/* SPDX-License-Identifier: MIT */
/* replay.c - gclab-fuzz: tries files of a corpus, without a fuzzer.
 *
 *     gclab-fuzz TARGET FILE|FOLDER...
 *
 * Speaks TAP. What breaks something ends the program: it is the file that was named last. Exit
 * status: 0 all well, 2 usage, 3 a file can't be read. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { MOST_BYTES = 1 << 20, SECONDS = 60 };

static const struct {
    const char *name;
    void (*run)(const uint8_t *bytes, size_t size);
} targets[] = {
#define X(name) { #name, fuzz_##name },
    FUZZ_TARGETS(X)
#undef X
};

enum { TARGETS = sizeof(targets) / sizeof(targets[0]) };

static bool try_file(const char *path, void (*run)(const uint8_t *bytes, size_t size))
{
    static uint8_t bytes[MOST_BYTES];
    FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(bytes, 1, sizeof(bytes), file) : 0;
    if (file == NULL || ferror(file)) {
        printf("not ok - %s: %s\n", path, strerror(errno));
        if (file != NULL) fclose(file);
        return false;
    }
    fclose(file);
    printf("# %s\n", path);
    /* Exactly as large as it is: a byte behind it is nobody's. */
    uint8_t *copy = malloc(size > 0 ? size : 1);
    gc_require(copy != NULL, "there is no memory");
    memcpy(copy, bytes, size);
    alarm(SECONDS);
    run(copy, size);
    alarm(0);
    free(copy);
    printf("ok - %s\n", path);
    return true;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The number of files that were tried, or -1: that one can't be read was said. */
static int try_all(const char *path, void (*run)(const uint8_t *bytes, size_t size))
{
    struct dirent **entries;
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return try_file(path, run) ? 1 : -1;
    int count = scandir(path, &entries, is_shown, alphasort);
    bool good = count >= 0;
    for (int i = 0; i < count; i++) {
        char *inside = NULL;
        good = asprintf(&inside, "%s/%s", path, entries[i]->d_name) >= 0 &&
               try_file(inside, run) && good;
        free(inside);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return good ? count : -1;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was printed is there after a crash */
    size_t target = 0;
    while (argc > 1 && target < TARGETS && strcmp(targets[target].name, argv[1]) != 0)
        target++;
    if (argc < 3 || target == TARGETS) {
        fprintf(stderr, "usage: gclab-fuzz TARGET FILE|FOLDER...; targets:");
        for (size_t i = 0; i < TARGETS; i++)
            fprintf(stderr, " %s", targets[i].name);
        fprintf(stderr, "\n");
        return 2;
    }
    int count = 0, status = 0;
    for (int i = 2; i < argc; i++) {
        int tried = try_all(argv[i], targets[target].run);
        if (tried < 0) status = 3;
        count += tried > 0 ? tried : 0;
    }
    if (count == 0) status = 3; /* a corpus that is not there would pass */
    printf("1..%d\n", count);
    return status;
}
