/* SPDX-License-Identifier: MIT */
/* identity.h - by what a cell of an experiment is known, on every machine and for good.
 *
 * A cell is one sample that an experiment asks for. Its id is the 64-bit FNV-1a hash of a text
 * that README.md beside this file shows, as 16 hexadecimal digits: who asks for the same gets
 * the same, so that what was done can be skipped, and what was done elsewhere be merged.
 */
#ifndef BENCH_IDENTITY_H
#define BENCH_IDENTITY_H

#include "bench/plan.h"

enum { GC_ID = 17 }; /* with its zero byte */

/* What the program is made of: the hash of its file, of the library's, and of those of the
 * plugins that are loaded, in their order. 0, or -errno. */
int gc_identity_build(char ret_id[GC_ID]);

/* Of the sample at a place of the plan. Its block is all that shares workload, number of
 * threads, heap, seed and process, whatever the build. */
void gc_identity_cell(const char *experiment, bool is_quick, const char *build,
        const struct gc_plan *plan, struct gc_place place, char ret_id[GC_ID]);
void gc_identity_block(const char *experiment, bool is_quick, const struct gc_plan *plan,
        struct gc_place place, char ret_id[GC_ID]);

/* The text whose hash an id is; free with free(). `build` is NULL for that of a block. */
char *gc_identity_text(const char *experiment, bool is_quick, const char *build,
        const struct gc_plan *plan, struct gc_place place);

#define GC_HASH_START UINT64_C(0xcbf29ce484222325)

uint64_t gc_hash(uint64_t hash, const void *bytes, size_t length); /* 64-bit FNV-1a */

#endif
