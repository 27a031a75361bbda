/* SPDX-License-Identifier: MIT */
/* histogram.h - counts of values in logarithmic buckets, with the exact maximum.
 *
 * Values below 256 have a bucket each; above, each doubling is cut into 128 buckets,
 * so that a percentile is at most 1/128 too high. That is the layout of
 * HdrHistogram with two significant digits. 64-bit values of any size are counted.
 */
#ifndef CORE_HISTOGRAM_H
#define CORE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/check.h"

enum {
    GC_HISTOGRAM_HALF = 128,
    GC_HISTOGRAM_BUCKETS = (64 - 7 + 1) * GC_HISTOGRAM_HALF,
};

struct gc_histogram {
    uint64_t count, max; /* exact */
    uint64_t buckets[GC_HISTOGRAM_BUCKETS];
};

GC_EXPORT void gc_histogram_record(struct gc_histogram *histogram, uint64_t value);
GC_EXPORT void gc_histogram_add(struct gc_histogram *to, const struct gc_histogram *from);

/* The value that a share p (0..1] of all recorded values does not exceed: the upper
 * end of its bucket, at most the exact maximum. False, and nothing written, when
 * fewer than ten values lie beyond it (p = 1 asks for the maximum and needs one):
 * a percentile of too few values says nothing. */
GC_EXPORT bool gc_histogram_percentile(
        const struct gc_histogram *histogram, double p, uint64_t *ret_value) GC_NODISCARD;

/* Lowest and highest value that bucket `i` counts. */
GC_EXPORT uint64_t gc_histogram_bucket_low(uint32_t i);
GC_EXPORT uint64_t gc_histogram_bucket_high(uint32_t i);

#endif
