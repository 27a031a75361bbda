/* SPDX-License-Identifier: MIT */
/* identity.c - by what a cell of an experiment is known, on every machine and for good. */
#include "bench/identity.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/plugins.h"
#include "bench/text.h"

uint64_t gc_hash(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void write_id(uint64_t hash, char ret_id[GC_ID])
{
    snprintf(ret_id, GC_ID, "%016" PRIx64, hash);
}

static int hash_file(const char *path, uint64_t *hash)
{
    enum { CHUNK = 1 << 16 };
    int fd = open(path, O_RDONLY | O_CLOEXEC), result = 0;
    if (fd < 0) return -errno;
    unsigned char *chunk = gc_need(CHUNK);
    for (;;) {
        ssize_t n = read(fd, chunk, CHUNK);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) result = -errno;
        if (n <= 0) break;
        *hash = gc_hash(*hash, chunk, (size_t)n);
    }
    free(chunk);
    close(fd);
    return result;
}

/* The file of the library that this program runs with, or NULL if it is a part of it: then the
 * name is what main() calls the program, and has no folder. */
static const char *library_file(void)
{
    Dl_info info;
    const void *symbol = dlsym(RTLD_DEFAULT, "gc_sample_run");
    if (symbol == NULL || dladdr(symbol, &info) == 0) return NULL;
    return strchr(info.dli_fname, '/') != NULL ? info.dli_fname : NULL;
}

int gc_identity_build(char ret_id[GC_ID])
{
    uint64_t hash = GC_HASH_START;
    const char *library = library_file(), **files = gc_plugins_files();
    int result = hash_file("/proc/self/exe", &hash);
    if (result == 0 && library != NULL) result = hash_file(library, &hash);
    for (size_t i = 0; result == 0 && files[i] != NULL; i++)
        result = hash_file(files[i], &hash);
    free(files);
    write_id(hash, ret_id);
    return result;
}

char *gc_identity_text(const char *experiment, bool is_quick, const char *build,
        const struct gc_plan *plan, struct gc_place place)
{
    struct gc_job job = gc_plan_job(plan, place);
    char *of_collector = build != NULL ? gc_need_text("build %s\ncollector %s\n", build,
                                                 job.collector->label)
                                       : gc_need_text("%s", "");
    bool is_pinned = job.pin != GC_PIN_NONE;
    char *text = gc_need_text("experiment %s%s\n%s%sworkload %s\nscale %s\n"
                              "threads %" PRIu32 "\nheap %" PRIu64 "\nseed %" PRIu64
                              "\nprocess %" PRIu32 "\n%s%s%s",
            experiment, is_quick ? " quick" : "", plan->count_ops ? "operations\n" : "",
            of_collector, job.spec->label, job.weak ? "weak" : "fixed", job.threads,
            job.heap_limit, job.seed, place.process, is_pinned ? "pin " : "",
            is_pinned ? gc_pin_names[job.pin] : "", is_pinned ? "\n" : "");
    free(of_collector);
    return text;
}

static void identify(const char *experiment, bool is_quick, const char *build,
        const struct gc_plan *plan, struct gc_place place, char ret_id[GC_ID])
{
    char *text = gc_identity_text(experiment, is_quick, build, plan, place);
    write_id(gc_hash(GC_HASH_START, text, strlen(text)), ret_id);
    free(text);
}

void gc_identity_cell(const char *experiment, bool is_quick, const char *build,
        const struct gc_plan *plan, struct gc_place place, char ret_id[GC_ID])
{
    identify(experiment, is_quick, build, plan, place, ret_id);
}

void gc_identity_block(const char *experiment, bool is_quick, const struct gc_plan *plan,
        struct gc_place place, char ret_id[GC_ID])
{
    identify(experiment, is_quick, NULL, plan, place, ret_id);
}
