/* SPDX-License-Identifier: MIT */
/* os.c - memory and clocks on POSIX. */
#include "core/os.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/atomic.h"

/* Counts down to the allocation that is to fail; 0 while none is. Relaxed: it
 * orders nothing, and a test that uses it sets it before it starts threads. */
static _Atomic(uint64_t) allocations_to_failure;

bool gc_os_must_refuse(void)
{
    if (gc_likely(gc_atomic_load_relaxed(&allocations_to_failure) == 0)) return false;
    return gc_atomic_fetch_sub_relaxed(&allocations_to_failure, 1) == 1;
}

void gc_os_fail_allocation(uint64_t n)
{
    gc_atomic_store_relaxed(&allocations_to_failure, n);
}

void *gc_os_alloc(size_t bytes)
{
    if (gc_os_must_refuse()) return NULL;
    return calloc(1, bytes);
}

void *gc_os_realloc(void *memory, size_t bytes)
{
    if (gc_os_must_refuse()) return NULL;
    return realloc(memory, bytes);
}

void gc_os_free(void *memory)
{
    free(memory);
}

void *gc_os_map(size_t bytes, size_t alignment)
{
    size_t spare = alignment > (size_t)sysconf(_SC_PAGESIZE) ? alignment : 0;
    if (gc_os_must_refuse() || bytes + spare < bytes) return NULL;
    char *raw = mmap(NULL, bytes + spare, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    uintptr_t skip = (alignment - (uintptr_t)raw % alignment) % alignment;
    if (skip > 0) munmap(raw, skip);
    if (spare > skip) munmap(raw + skip + bytes, spare - skip);
    return raw + skip;
}

void gc_os_unmap(void *memory, size_t bytes)
{
    int result = munmap(memory, bytes);
    gc_require(result == 0, "munmap of %zu bytes failed", bytes);
}

/* Where the thread that is bound may run otherwise. Written while one thread runs. */
static cpu_set_t unbound;
static bool is_bound;

void gc_os_bind(void)
{
    cpu_set_t one;
    int here = sched_getcpu();
    if (is_bound || here < 0 || sched_getaffinity(0, sizeof(unbound), &unbound) != 0)
        return;
    CPU_ZERO(&one);
    CPU_SET((size_t)here, &one);
    is_bound = sched_setaffinity(0, sizeof(one), &one) == 0;
}

void gc_os_unbind(void)
{
    if (is_bound) sched_setaffinity(0, sizeof(unbound), &unbound);
    is_bound = false;
}

uint32_t gc_os_processors(void)
{
    cpu_set_t set = unbound;
    if (!is_bound && sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? (uint32_t)count : 1;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t gc_os_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t gc_os_thread_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t gc_os_process_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t gc_os_rss_bytes(void)
{
    /* Pages: all, then the resident ones. A read() of our own, since stdio would allocate. */
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *resident = strchr(text, ' ');
    if (resident == NULL) return 0;
    return strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t gc_os_peak_rss_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024; /* Linux reports KiB */
}

const char *gc_os_error_text(int error)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): glibc gives each thread a text of its own */
    return strerror(error);
}
