/* SPDX-License-Identifier: MIT */
/* plugins.h - collectors, protocols and workloads that come from files. */
#ifndef BENCH_PLUGINS_H
#define BENCH_PLUGINS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/harness.h"

/* Enters the workloads that the program was linked with. */
void gc_plugins_start(void);

/* The length of the file's name that a SPEC or NAME starts with: it has a slash, or ends
 * in ".so". 0: it starts with another name. */
size_t gc_plugins_file(const char *text);

/* Loads a file. What is wrong with it is said on stderr. An enum gc_exit. */
int gc_plugins_load(const char *path, const struct gc_plugin **ret_plugin);

/* Loads the files ending in .so of the folders that GCLAB_PLUGIN_PATH names, then of the
 * installed one; once. GC_EXIT_FILE if one was bad, which has been said; the others are
 * there all the same. */
int gc_plugins_scan(void);

/* The files that were loaded, in their order; ends with NULL. Free the array alone. */
const char **gc_plugins_files(void);

/* The file that a collector, protocol or workload came from, or NULL if it is built in. */
const char *gc_plugins_file_of(const void *descriptor);

#endif
