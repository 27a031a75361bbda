/* SPDX-License-Identifier: MIT */
/* native_nim.c - the C side of a peer in Nim: what its workload is, and the way to its run. */
#include NATIVE_WORKLOAD_HEADER

/* In nim_WORKLOAD.nim. */
uint64_t nim_run(const struct native_trial *trial, uint32_t thread);

uint64_t native_run(const struct native_trial *trial, uint32_t thread)
{
    return nim_run(trial, thread);
}
