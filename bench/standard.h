/* SPDX-License-Identifier: MIT */
/* standard.h - stdin, stdout and stderr: there, and written. */
#ifndef BENCH_STANDARD_H
#define BENCH_STANDARD_H

#include <stdio.h>

/* Before anything is opened or printed, once. What is closed gets a place of its own, so that
 * no file that is opened later takes it; a disk that is full becomes an error of the writer
 * and no signal; and a program that ends by exit() ends with GC_EXIT_ENVIRONMENT, and says
 * so, if stdout could not be written. */
void gc_standard_begin(void);

/* Writes what is waiting for the file; an error of stdout is kept for the end. */
void gc_standard_flush(FILE *file);

/* The exit status of a program that was to end with `status`: if stdout could not be written,
 * that is said, and is worse than all well and than a failed sample. */
int gc_standard_end(int status);

#endif
