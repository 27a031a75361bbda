/* SPDX-License-Identifier: MIT */
/* os.h - what the runtime asks of the operating system: memory and clocks.
 *
 * Every allocation that the runtime makes for itself or for the heap passes
 * through these functions, so that it can be counted and made to fail.
 * All functions may be called on any thread, with the world in any state.
 */
#ifndef CORE_OS_H
#define CORE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"

/* Zeroed memory of `bytes` from the C library; NULL when there is none. */
GC_EXPORT void *gc_os_alloc(size_t bytes) GC_NODISCARD;

/* As realloc(); what is added is not zeroed. */
GC_EXPORT void *gc_os_realloc(void *memory, size_t bytes) GC_NODISCARD;

/* Gives back what gc_os_alloc() or gc_os_realloc() returned; NULL is allowed. */
GC_EXPORT void gc_os_free(void *memory);

/* Zeroed pages, `bytes` long and aligned to `alignment` (a power of two, at least
 * the page size); NULL when there are none. */
GC_EXPORT void *gc_os_map(size_t bytes, size_t alignment) GC_NODISCARD;

/* Gives back exactly what gc_os_map() returned. */
GC_EXPORT void gc_os_unmap(void *memory, size_t bytes);

/* Makes the request number `n` from now on fail (1 is the next one); 0 ends it. Memory is one,
 * and a thread. For failure injection: the count is process-wide. */
GC_EXPORT void gc_os_fail_allocation(uint64_t n);

/* Counts a request for something else than memory. True: it is the one that is to fail. */
GC_EXPORT bool gc_os_must_refuse(void) GC_NODISCARD;

/* Processors that the process may run on, whether a thread is bound or not; at least 1. */
GC_EXPORT uint32_t gc_os_processors(void);

/* Binds the calling thread, and whom it starts from now on, to the processor that it is on, until
 * it calls gc_os_unbind(): what runs one thread at a time passes on faster there. While one
 * thread runs. Where the system refuses, nothing changes. */
void gc_os_bind(void);
void gc_os_unbind(void);

/* Tells the processor that the thread spins. */
static inline void gc_os_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__("yield");
#endif
}

/* Nanoseconds of CLOCK_MONOTONIC. */
GC_EXPORT uint64_t gc_os_now_ns(void);

/* Nanoseconds of CPU that the calling thread / the whole process has used. */
GC_EXPORT uint64_t gc_os_thread_cpu_ns(void);
GC_EXPORT uint64_t gc_os_process_cpu_ns(void);

/* Resident set of the process, in bytes: now (0: the system does not tell), and the largest so
 * far. */
GC_EXPORT uint64_t gc_os_rss_bytes(void);
GC_EXPORT uint64_t gc_os_peak_rss_bytes(void);

/* A number of errno, in the system's words; good until the thread asks again. Any thread. */
GC_EXPORT const char *gc_os_error_text(int error);

#endif
