/* SPDX-License-Identifier: MIT */
/* native_bdwgc.h - the conservative collector of Boehm, Demers and Weiser, as it comes:
 * threads are registered as they are created (it is compiled with that asked for), marking is
 * parallel; GC_MARKERS in the environment says with how many threads.
 */
#ifndef BENCH_PEERS_NATIVE_BDWGC_H
#define BENCH_PEERS_NATIVE_BDWGC_H

#include <gc.h> /* it also redirects pthread_create() and its like */

#define NATIVE_HEAP "bdwgc"
enum { NATIVE_FREES = 0, NATIVE_CLEARS = 1 };

static inline void native_heap_start(void)
{
    GC_init();
}

static inline void native_heap_version(char *text, size_t size)
{
    unsigned version = GC_get_version();
    snprintf(text, size, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
}

static inline uint64_t native_heap_collections(void)
{
    return GC_get_gc_no();
}

/* Memory that may hold pointers. */
static inline void *native_new(size_t bytes)
{
    return native_require(GC_malloc(bytes));
}

/* Memory that holds none. */
static inline void *native_new_leaf(size_t bytes)
{
    return native_require(GC_malloc_atomic(bytes));
}

/* A cleared array of pointers. */
static inline void *native_new_table(size_t count)
{
    return native_require(GC_malloc(count * sizeof(void *)));
}

static inline void native_free(void *memory)
{
    (void)memory;
}

#endif
