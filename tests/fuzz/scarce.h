/* SPDX-License-Identifier: MIT */
/* scarce.h - heaps where memory is short and threads race: what programs with a shadow can't do. */
#ifndef TESTS_FUZZ_SCARCE_H
#define TESTS_FUZZ_SCARCE_H

#include <stddef.h>
#include <stdint.h>

struct gc_heap_config;

/* Bytes that run out: then they are 0. */
struct fuzz_reader {
    const uint8_t *at, *end;
};

static inline uint8_t fuzz_next(struct fuzz_reader *reader)
{
    return reader->at < reader->end ? *reader->at++ : 0;
}

/* Runs the bytes as operations of a few threads on the same slots, on a heap that is made from
 * `config` (whose limit is set here) and unmade. Compiled once per protocol; a schedule is on.
 * Whatever is refused, the heap must be sound, and give back all. */
typedef void (*fuzz_scarce_fn)(struct gc_heap_config *config, struct fuzz_reader *reader);
fuzz_scarce_fn fuzz_scarce_find(const char *protocol);

#endif
