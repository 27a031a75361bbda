/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/race/trials.h"
#include "tests/weak/memory.h"

struct mutant { int file_line; };

static const char *drop_name;
static const char *want;

static const char *path_of(const char *file)
{
    static const char *const roots[] = { "core/", "collectors/", "tests/" };
    const char *best = file;
    for (size_t i = 0; i < 3; i++)
        for (const char *at = file; (at = strstr(at, roots[i])) != NULL; at++)
            if (at > best) best = at;
    return best;
}

static void prepare(const void *argument)
{
    size_t n;
    struct weak_site **sites = weak_sites(&n);
    (void)argument;
    if (want == NULL) return;
    int bits = strcmp(drop_name, "seq_cst") == 0 ? 4 : strcmp(drop_name, "acquire") == 0 ? 5 : 6;
    for (size_t i = 0; i < n; i++) {
        char name[256];
        snprintf(name, sizeof(name), "%s:%d", path_of(sites[i]->file), sites[i]->line);
        if (strcmp(name, want) == 0) sites[i]->order &= (uint8_t)~bits;
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, tries = 50, first = 0;
    const char *kernel = NULL;
    bool inside = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--kernel") == 0) kernel = argv[++i];
        else if (strcmp(argv[i], "--seed") == 0) seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--tries") == 0) tries = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--first") == 0) first = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--weaken") == 0) want = argv[++i], drop_name = argv[++i];
        else if (strcmp(argv[i], "--trace") == 0) weak_traces = true;
        else if (strcmp(argv[i], "--in") == 0) inside = true;
    }
    trials_init();
    if (inside) {
        prepare(NULL);
        trials_run(kernel_find(kernel), seed, first, tries);
        return 0;
    }
    for (const struct kernel *const *f = kernel_families; *f != NULL; f++)
        for (const struct kernel *k = *f; k->name != NULL; k++) {
            struct trials_end end;
            if (k->real || (kernel != NULL && strcmp(kernel, k->name) != 0)) continue;
            bool failed = trials_fail(k, prepare, NULL, seed, tries, &end);
            printf("%-12s %s %6llu %8.3f s  %s\n", k->name, failed ? "FAILS" : "passes", (unsigned long long)end.tries, (double)end.ns / 1e9, end.how);
        }
}
