/* SPDX-License-Identifier: MIT */
/* hdr.h - a histogram as HdrHistogram's logs hold it.
 *
 * Two significant digits, and values from 1 up: a bucket for each value below 256; above,
 * 128 for each doubling, as in core/histogram.h. The text is that of its V2 encoding: counts in
 * their order as zigzag LEB128, where a negative number stands for so many zeros; 40 bytes of
 * header before them; compressed by zlib; 8 bytes before that; in base64.
 */
#ifndef BENCH_ANALYSIS_HDR_H
#define BENCH_ANALYSIS_HDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"

enum { GC_HDR_BUCKETS = (63 - 7 + 1) * 128 }; /* for all values up to INT64_MAX */

struct gc_hdr {
    uint64_t counts[GC_HDR_BUCKETS];
    uint64_t count; /* of all */
};

/* Adds `count` values to the bucket whose lowest value is `low`. False where no bucket has
 * it, or there would be more than INT64_MAX values: nothing is added then. */
bool gc_hdr_add(struct gc_hdr *hdr, uint64_t low, uint64_t count) GC_NODISCARD;

/* The highest value that is in the same bucket as the highest of all; 0: there is none. */
uint64_t gc_hdr_highest(const struct gc_hdr *hdr);

/* For free(). NULL: zlib has failed. */
char *gc_hdr_encode(const struct gc_hdr *hdr);

/* Bytes as base64, with padding; for free(). */
char *gc_hdr_base64(const uint8_t *bytes, size_t n);

#endif
