/* SPDX-License-Identifier: MIT */
/* native_nim.h - Nim's counts with its cycle collector, ORC, over mimalloc (-d:useMalloc,
 * with mimalloc in the place of malloc). The programs are nim_WORKLOAD.nim; the threads are
 * those of native.c, and each collects the cycles that it has dropped itself.
 */
#ifndef BENCH_PEERS_NATIVE_NIM_H
#define BENCH_PEERS_NATIVE_NIM_H

#include "bench/peers/native_on_mimalloc.h"

#define NATIVE_HEAP "Nim ORC " NATIVE_NIM_VERSION " on mimalloc"

/* Made by Nim: starts its modules. */
extern void NimMain(void);

static inline void native_heap_start(void)
{
    void *memory = malloc(1);
    if (!mi_is_in_heap_region(memory)) {
        fputs("malloc is not mimalloc's\n", stderr);
        exit(4);
    }
    free(memory);
    NimMain();
}

#endif
