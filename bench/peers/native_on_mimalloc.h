/* SPDX-License-Identifier: MIT */
/* native_on_mimalloc.h - what the heaps that get their memory from mimalloc share. */
#ifndef BENCH_PEERS_NATIVE_ON_MIMALLOC_H
#define BENCH_PEERS_NATIVE_ON_MIMALLOC_H

#include <mimalloc.h>

/* That of mimalloc. */
static inline void native_heap_version(char *text, size_t size)
{
    int version = mi_version();
    snprintf(text, size, "%d.%d.%d", version / 100, version / 10 % 10, version % 10);
}

/* There are none, or they are not to be had. */
static inline uint64_t native_heap_collections(void)
{
    return 0;
}

#endif
