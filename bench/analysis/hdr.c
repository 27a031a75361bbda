/* SPDX-License-Identifier: MIT */
/* hdr.c - a histogram as HdrHistogram's logs hold it. */
#include "bench/analysis/hdr.h"

#include <string.h>
#include <zlib.h>

#include "bench/analysis/memory.h"

enum {
    DIGITS = 2,
    HALF = 128,
    SINGLE = 256, /* values below it have a bucket each */
    HALF_LOG = 7,
    HEADER = 40,
    OUTER_HEADER = 8,
    COUNT_ROOM = 9, /* bytes of a number at most: the ninth holds 8 bits */
    COOKIE = 0x1c849313,
    COMPRESSED_COOKIE = 0x1c849314,
};

/* What a histogram is told to be able to hold, if that is enough: an hour in ns. */
#define HIGHEST_USUAL UINT64_C(3600000000000)

static uint64_t low_of(size_t bucket)
{
    size_t doubling = bucket >> HALF_LOG;
    if (doubling < 2) return bucket;
    return (uint64_t)(HALF + (bucket & (HALF - 1))) << (doubling - 1);
}

static size_t bucket_of(uint64_t value)
{
    if (value < SINGLE) return (size_t)value;
    size_t shift = (size_t)(63 - __builtin_clzll(value)) - HALF_LOG;
    return (shift << HALF_LOG) + (size_t)(value >> shift);
}

bool gc_hdr_add(struct gc_hdr *hdr, uint64_t low, uint64_t count)
{
    if (low > INT64_MAX || low_of(bucket_of(low)) != low) return false;
    if (count > INT64_MAX - hdr->count) return false;
    hdr->counts[bucket_of(low)] += count;
    hdr->count += count;
    return true;
}

/* Buckets up to the last one that holds something. */
static size_t used(const struct gc_hdr *hdr)
{
    size_t n = GC_HDR_BUCKETS;
    while (n > 0 && hdr->counts[n - 1] == 0)
        n--;
    return n;
}

uint64_t gc_hdr_highest(const struct gc_hdr *hdr)
{
    size_t n = used(hdr);
    if (n == 0) return 0;
    return n == GC_HDR_BUCKETS ? INT64_MAX : low_of(n) - 1;
}

static uint8_t *put_big_endian(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *to++ = (uint8_t)(value >> (8 * i));
    return to;
}

static uint8_t *put_zigzag(uint8_t *to, int64_t value)
{
    uint64_t bits = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    for (int i = 1; i < COUNT_ROOM && bits >= 0x80; i++) {
        *to++ = (uint8_t)(bits | 0x80);
        bits >>= 7;
    }
    *to++ = (uint8_t)bits;
    return to;
}

static uint8_t *put_counts(uint8_t *to, const struct gc_hdr *hdr)
{
    size_t n = used(hdr);
    int64_t zeros = 0;
    for (size_t i = 0; i < n; i++) {
        if (hdr->counts[i] == 0) {
            zeros++;
            continue;
        }
        if (zeros > 0) to = put_zigzag(to, -zeros);
        zeros = 0;
        to = put_zigzag(to, (int64_t)hdr->counts[i]);
    }
    return to;
}

static size_t put_histogram(uint8_t *bytes, const struct gc_hdr *hdr)
{
    uint64_t highest = gc_hdr_highest(hdr);
    double ratio = 1;
    uint64_t ratio_bits;
    memcpy(&ratio_bits, &ratio, sizeof(ratio_bits));
    size_t counts = (size_t)(put_counts(bytes + HEADER, hdr) - (bytes + HEADER));
    uint8_t *at = put_big_endian(bytes, COOKIE, 4);
    at = put_big_endian(at, counts, 4);
    at = put_big_endian(at, 0, 4); /* buckets are not shifted */
    at = put_big_endian(at, DIGITS, 4);
    at = put_big_endian(at, 1, 8); /* the lowest value that is told from 0 */
    at = put_big_endian(at, highest > HIGHEST_USUAL ? highest : HIGHEST_USUAL, 8);
    put_big_endian(at, ratio_bits, 8);
    return HEADER + counts;
}

char *gc_hdr_encode(const struct gc_hdr *hdr)
{
    uint8_t *bytes = gc_analysis_array(HEADER + 2 * COUNT_ROOM * GC_HDR_BUCKETS, 1);
    size_t n = put_histogram(bytes, hdr);
    uLongf length = compressBound((uLong)n);
    uint8_t *packed = gc_analysis_array(OUTER_HEADER + length, 1);
    char *text = NULL;
    if (compress2(packed + OUTER_HEADER, &length, bytes, (uLong)n,
                Z_DEFAULT_COMPRESSION) == Z_OK) {
        put_big_endian(put_big_endian(packed, COMPRESSED_COOKIE, 4), length, 4);
        text = gc_hdr_base64(packed, OUTER_HEADER + length);
    }
    free(packed);
    free(bytes);
    return text;
}

char *gc_hdr_base64(const uint8_t *bytes, size_t n)
{
    static const char digits[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = gc_analysis_array((n + 2) / 3 * 4 + 1, 1), *to = text;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (i + 1 < n) bits |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < n) bits |= bytes[i + 2];
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 0x3f];
        *to++ = (char)(i + 1 < n ? digits[bits >> 6 & 0x3f] : '=');
        *to++ = (char)(i + 2 < n ? digits[bits & 0x3f] : '=');
    }
    return text;
}
