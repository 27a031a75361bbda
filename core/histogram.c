/* SPDX-License-Identifier: MIT */
/* histogram.c - logarithmic buckets: find, count, read off. */
#include "core/histogram.h"

/* Bucket 0..255: the value itself. Then, for values with 8 + k significant bits
 * (k >= 1), the top 8 bits, of which the first is always 1, choose among 128. */
static uint32_t bucket_of(uint64_t value)
{
    if (value < UINT64_C(2) * GC_HISTOGRAM_HALF) return (uint32_t)value;
    uint32_t shift = (uint32_t)(63 - __builtin_clzll(value)) - 7;
    return (shift + 1) * GC_HISTOGRAM_HALF + (uint32_t)(value >> shift) -
           GC_HISTOGRAM_HALF;
}

uint64_t gc_histogram_bucket_low(uint32_t i)
{
    if (i < 2 * GC_HISTOGRAM_HALF) return i;
    uint32_t shift = i / GC_HISTOGRAM_HALF - 1;
    uint64_t top = GC_HISTOGRAM_HALF + i % GC_HISTOGRAM_HALF;
    return top << shift;
}

uint64_t gc_histogram_bucket_high(uint32_t i)
{
    if (i == GC_HISTOGRAM_BUCKETS - 1) return UINT64_MAX;
    return gc_histogram_bucket_low(i + 1) - 1;
}

void gc_histogram_record(struct gc_histogram *histogram, uint64_t value)
{
    histogram->count++;
    if (value > histogram->max) histogram->max = value;
    histogram->buckets[bucket_of(value)]++;
}

void gc_histogram_add(struct gc_histogram *to, const struct gc_histogram *from)
{
    if (from->count == 0) return;
    to->count += from->count;
    if (from->max > to->max) to->max = from->max;
    for (uint32_t i = 0; i < GC_HISTOGRAM_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
}

bool gc_histogram_percentile(
        const struct gc_histogram *histogram, double p, uint64_t *ret_value)
{
    if (histogram->count == 0 || p <= 0 || p > 1) return false;
    if (p == 1) {
        *ret_value = histogram->max;
        return true;
    }
    double beyond = (double)histogram->count * (1 - p);
    if (beyond < 10 - 1e-6) return false;
    /* As DaCapo: the element at n - 1 - floor(n (1 - p)) of the sorted values. */
    uint64_t rank = histogram->count - (uint64_t)(beyond + 1e-9);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < GC_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen < rank) continue;
        uint64_t high = gc_histogram_bucket_high(i);
        *ret_value = high < histogram->max ? high : histogram->max;
        return true;
    }
    return false;
}
