/* SPDX-License-Identifier: MIT */
/* test_hdr.c - the layout of HdrHistogram, and bytes that were worked out by hand. */
#include "bench/analysis/hdr.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <CUnit/CUnit.h>

#include "tests/suite.h"
#include "tests/suites.h"

static void buckets_begin_where_those_of_two_digits_do(void)
{
    struct gc_hdr *hdr = calloc(1, sizeof(*hdr));
    CU_ASSERT_PTR_NOT_NULL_FATAL(hdr);
    CU_ASSERT_EQUAL(gc_hdr_highest(hdr), 0);
    CU_ASSERT(gc_hdr_add(hdr, 0, 1));
    CU_ASSERT_EQUAL(hdr->counts[0], 1);
    CU_ASSERT(gc_hdr_add(hdr, 255, 2));
    CU_ASSERT_EQUAL(hdr->counts[255], 2);
    CU_ASSERT_EQUAL(gc_hdr_highest(hdr), 255);
    CU_ASSERT(gc_hdr_add(hdr, 256, 3)); /* the first bucket of two values */
    CU_ASSERT_EQUAL(hdr->counts[256], 3);
    CU_ASSERT_EQUAL(gc_hdr_highest(hdr), 257);
    CU_ASSERT(gc_hdr_add(hdr, 510, 4));
    CU_ASSERT_EQUAL(hdr->counts[383], 4);
    CU_ASSERT(gc_hdr_add(hdr, 512, 5)); /* of four */
    CU_ASSERT_EQUAL(hdr->counts[384], 5);
    CU_ASSERT_EQUAL(gc_hdr_highest(hdr), 515);
    CU_ASSERT(gc_hdr_add(hdr, UINT64_C(255) << 55, 6)); /* the last one */
    CU_ASSERT_EQUAL(hdr->counts[GC_HDR_BUCKETS - 1], 6);
    CU_ASSERT_EQUAL(gc_hdr_highest(hdr), INT64_MAX);
    CU_ASSERT_EQUAL(hdr->count, 21);
    free(hdr);
}

static void what_begins_no_bucket_is_refused(void)
{
    struct gc_hdr *hdr = calloc(1, sizeof(*hdr));
    CU_ASSERT_PTR_NOT_NULL_FATAL(hdr);
    CU_ASSERT_FALSE(gc_hdr_add(hdr, 257, 1));
    CU_ASSERT_FALSE(gc_hdr_add(hdr, 514, 1));
    CU_ASSERT_FALSE(gc_hdr_add(hdr, UINT64_C(1) << 63, 1));
    CU_ASSERT_EQUAL(hdr->count, 0);
    CU_ASSERT(gc_hdr_add(hdr, 1, INT64_MAX));
    CU_ASSERT_FALSE(gc_hdr_add(hdr, 2, 1)); /* one too many */
    CU_ASSERT_EQUAL(hdr->count, INT64_MAX);
    free(hdr);
}

/* Of RFC 4648. */
static void base64_is_that_of_the_standard(void)
{
    static const char *const expected[] = { "", "Zg==", "Zm8=", "Zm9v",
        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
    for (size_t n = 0; n <= 6; n++) {
        char *text = gc_hdr_base64((const uint8_t *)"foobar", n);
        CU_ASSERT_STRING_EQUAL(text, expected[n]);
        free(text);
    }
}

static size_t decode_base64(const char *text, uint8_t *bytes)
{
    static const char digits[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    uint32_t bits = 0;
    for (int have = 0; *text != '\0' && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        bytes[n++] = (uint8_t)(bits >> have);
    }
    return n;
}

static void bytes_are_those_of_the_second_version(void)
{
    /* 3 values of 2, and 100 of 5: two zeros, 3, two zeros, 100 */
    static const uint8_t expected[] = {
        0x1c, 0x84, 0x93, 0x13, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2, /* digits */
        0, 0, 0, 0, 0, 0, 0, 1,                                     /* from 1 */
        0, 0, 0x03, 0x46, 0x30, 0xb8, 0xa0, 0,                      /* to an hour */
        0x3f, 0xf0, 0, 0, 0, 0, 0, 0,                               /* 1.0 */
        3, 6, 3, 0xc8, 0x01,                                        /* -2, 3, -2, 100 */
    };
    struct gc_hdr *hdr = calloc(1, sizeof(*hdr));
    CU_ASSERT_PTR_NOT_NULL_FATAL(hdr);
    CU_ASSERT(gc_hdr_add(hdr, 2, 3));
    CU_ASSERT(gc_hdr_add(hdr, 5, 100));
    char *text = gc_hdr_encode(hdr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT(strncmp(text, "HISTFAAA", 8) == 0);
    uint8_t packed[256], bytes[256];
    size_t n = decode_base64(text, packed);
    CU_ASSERT_EQUAL(packed[7], n - 8); /* the length of what zlib made */
    uLongf length = sizeof(bytes);
    CU_ASSERT_EQUAL(uncompress(bytes, &length, packed + 8, (uLong)n - 8), Z_OK);
    CU_ASSERT_EQUAL(length, sizeof(expected));
    CU_ASSERT(memcmp(bytes, expected, sizeof(expected)) == 0);
    free(text);
    free(hdr);
}

int test_hdr_suite(void)
{
    static const struct test tests[] = {
        { "buckets_begin_where_those_of_two_digits_do",
                buckets_begin_where_those_of_two_digits_do },
        { "what_begins_no_bucket_is_refused", what_begins_no_bucket_is_refused },
        { "base64_is_that_of_the_standard", base64_is_that_of_the_standard },
        { "bytes_are_those_of_the_second_version",
                bytes_are_those_of_the_second_version },
    };
    return suite_add("bench/analysis/hdr", tests, COUNT(tests));
}
