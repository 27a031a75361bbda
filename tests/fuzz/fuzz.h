/* SPDX-License-Identifier: MIT */
/* fuzz.h - what a fuzzer drives: functions that take any bytes and must not fall over. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/check.h"

/* X(name): each has its file, its corpus, and a program of its own where a fuzzer is linked. */
#define FUZZ_TARGETS(X)                                                                  \
    X(cases)    /* a file of conformance cases */                                        \
    X(heap)     /* a heap program, decoded and run on a collector */                     \
    X(options)  /* options, sizes, names, SPECs */                                       \
    X(program)  /* a heap program as text */                                             \
    X(snapshot) /* a snapshot, with and without a checksum that fits */

/* Each tries the bytes; what must hold is required (gc_require), at every level. */
#define X(name) void fuzz_##name(const uint8_t *bytes, size_t size);
FUZZ_TARGETS(X)
#undef X

/* A file in memory with these bytes, and its path. One at a time: the next call ends it. */
const char *fuzz_file(const uint8_t *bytes, size_t size);

/* Whether the text is a sentence that a user could be shown: not empty, terminated. */
void fuzz_require_sentence(const struct gc_error *error);

#endif
