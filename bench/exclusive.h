/* SPDX-License-Identifier: MIT */
/* exclusive.h - one timed run at a time on a machine. */
#ifndef BENCH_EXCLUSIVE_H
#define BENCH_EXCLUSIVE_H

/* The environment variable that names the lock file, instead of one that all users share. */
#define GC_EXCLUSIVE_VARIABLE "GCLAB_LOCK"

/* Waits until no other run on this machine holds the lock file, and says so if it has to wait.
 * The lock is held until close() of *ret_fd, or the end of the process. An enum gc_exit. */
int gc_exclusive_begin(int *ret_fd);

#endif
