/* SPDX-License-Identifier: MIT */
/* native_mimalloc.h - memory that is freed by hand, from mimalloc. */
#ifndef BENCH_PEERS_NATIVE_MIMALLOC_H
#define BENCH_PEERS_NATIVE_MIMALLOC_H

#include "bench/peers/native_on_mimalloc.h"

#define NATIVE_HEAP "mimalloc"
enum { NATIVE_FREES = 1, NATIVE_CLEARS = 0 };

static inline void native_heap_start(void) {}

/* Memory that may hold pointers. */
static inline void *native_new(size_t bytes)
{
    return native_require(mi_malloc(bytes));
}

/* Memory that holds none. */
static inline void *native_new_leaf(size_t bytes)
{
    return native_require(mi_malloc(bytes));
}

/* A cleared array of pointers. */
static inline void *native_new_table(size_t count)
{
    return native_require(mi_calloc(count, sizeof(void *)));
}

static inline void native_free(void *memory)
{
    mi_free(memory);
}

#endif
