/* SPDX-License-Identifier: MIT */
/* test_histogram.c - logarithmic buckets and honest percentiles. */
#include "core/histogram.h"
#include "tests/suites.h"
#include "tests/support.h"

/* The bucket that a value is counted in, found from outside. */
static uint32_t bucket_of(uint64_t value)
{
    static struct gc_histogram histogram;
    histogram = (struct gc_histogram){ .count = 0 };
    gc_histogram_record(&histogram, value);
    for (uint32_t i = 0; i < GC_HISTOGRAM_BUCKETS; i++)
        if (histogram.buckets[i] != 0) return i;
    return UINT32_MAX;
}

static void buckets_cover_all_values_without_a_gap(void)
{
    uint32_t wrong = 0;
    CU_ASSERT_EQUAL(gc_histogram_bucket_low(0), 0);
    CU_ASSERT_EQUAL(gc_histogram_bucket_high(GC_HISTOGRAM_BUCKETS - 1), UINT64_MAX);
    for (uint32_t i = 0; i + 1 < GC_HISTOGRAM_BUCKETS; i++)
        wrong += gc_histogram_bucket_high(i) + 1 != gc_histogram_bucket_low(i + 1);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void buckets_are_at_most_one_part_in_128_wide(void)
{
    uint32_t wrong = 0;
    for (uint32_t i = 0; i + 1 < GC_HISTOGRAM_BUCKETS; i++) {
        uint64_t low = gc_histogram_bucket_low(i), high = gc_histogram_bucket_high(i);
        wrong += high - low > low / 128;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void a_value_lands_in_the_bucket_that_holds_it(void)
{
    uint32_t wrong = 0;
    for (uint32_t bit = 0; bit < 64; bit++) {
        for (int64_t off = -1; off <= 1; off++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)off;
            uint32_t i = bucket_of(value);
            wrong += i == UINT32_MAX || value < gc_histogram_bucket_low(i) ||
                     value > gc_histogram_bucket_high(i);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(bucket_of(UINT64_MAX), GC_HISTOGRAM_BUCKETS - 1);
    CU_ASSERT_EQUAL(bucket_of(255), 255);
    CU_ASSERT_EQUAL(bucket_of(256), bucket_of(257));
    CU_ASSERT_NOT_EQUAL(bucket_of(257), bucket_of(258));
}

static void fill(struct gc_histogram *histogram, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i <= to; i++)
        gc_histogram_record(histogram, i);
}

static void percentiles_of_known_values_are_right(void)
{
    static struct gc_histogram h;
    uint64_t value = 0;
    h = (struct gc_histogram){ .count = 0 };
    fill(&h, 1, 100);
    CU_ASSERT_TRUE(gc_histogram_percentile(&h, .5, &value));
    CU_ASSERT_EQUAL(value, 50);
    CU_ASSERT_TRUE(gc_histogram_percentile(&h, .9, &value));
    CU_ASSERT_EQUAL(value, 90);
    fill(&h, 101, 10000);
    CU_ASSERT_TRUE(gc_histogram_percentile(&h, .99, &value));
    CU_ASSERT(value >= 9900 && value <= 9900 + 9900 / 128);
    CU_ASSERT_TRUE(gc_histogram_percentile(&h, .999, &value));
    CU_ASSERT(value >= 9990 && value <= 10000);
}

static void the_maximum_is_exact(void)
{
    static struct gc_histogram h;
    uint64_t value = 0;
    h = (struct gc_histogram){ .count = 0 };
    CU_ASSERT_FALSE(gc_histogram_percentile(&h, 1, &value));
    gc_histogram_record(&h, 1234567891);
    gc_histogram_record(&h, 3);
    CU_ASSERT_TRUE(gc_histogram_percentile(&h, 1, &value));
    CU_ASSERT_EQUAL(value, 1234567891);
    CU_ASSERT_EQUAL(h.max, 1234567891);
    for (int i = 0; i < 100; i++)
        gc_histogram_record(&h, 1234567890);
    CU_ASSERT_TRUE(gc_histogram_percentile(&h, .5, &value));
    CU_ASSERT_EQUAL(value, 1234567891); /* the bucket's end, but not past the maximum */
}

static void too_few_values_are_refused(void)
{
    static struct gc_histogram h;
    uint64_t value = 77;
    h = (struct gc_histogram){ .count = 0 };
    fill(&h, 1, 19);
    CU_ASSERT_FALSE(gc_histogram_percentile(&h, .5, &value));
    CU_ASSERT_EQUAL(value, 77);
    fill(&h, 20, 20);
    CU_ASSERT_TRUE(gc_histogram_percentile(&h, .5, &value));
    CU_ASSERT_EQUAL(value, 10);
    fill(&h, 21, 99);
    CU_ASSERT_FALSE(gc_histogram_percentile(&h, .9, &value));
    fill(&h, 100, 100);
    CU_ASSERT_TRUE(gc_histogram_percentile(&h, .9, &value));
    CU_ASSERT_FALSE(gc_histogram_percentile(&h, .99, &value));
    fill(&h, 101, 999);
    CU_ASSERT_FALSE(gc_histogram_percentile(&h, .99, &value));
    fill(&h, 1000, 1000);
    CU_ASSERT_TRUE(gc_histogram_percentile(&h, .99, &value));
    CU_ASSERT_FALSE(gc_histogram_percentile(&h, 0, &value));
    CU_ASSERT_FALSE(gc_histogram_percentile(&h, 1.01, &value));
}

static void sums_are_as_if_recorded_together(void)
{
    static struct gc_histogram a, b, both;
    a = b = both = (struct gc_histogram){ .count = 0 };
    fill(&a, 1, 500);
    fill(&b, 300, 90000);
    fill(&both, 1, 500);
    fill(&both, 300, 90000);
    gc_histogram_add(&a, &b);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < GC_HISTOGRAM_BUCKETS; i++)
        wrong += a.buckets[i] != both.buckets[i];
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(a.count, both.count);
    CU_ASSERT_EQUAL(a.max, 90000);
}

int test_histogram_suite(void)
{
    static const struct test tests[] = {
        { "buckets_cover_all_values_without_a_gap",
                buckets_cover_all_values_without_a_gap },
        { "buckets_are_at_most_one_part_in_128_wide",
                buckets_are_at_most_one_part_in_128_wide },
        { "a_value_lands_in_the_bucket_that_holds_it",
                a_value_lands_in_the_bucket_that_holds_it },
        { "percentiles_of_known_values_are_right",
                percentiles_of_known_values_are_right },
        { "the_maximum_is_exact", the_maximum_is_exact },
        { "too_few_values_are_refused", too_few_values_are_refused },
        { "sums_are_as_if_recorded_together", sums_are_as_if_recorded_together },
    };
    return suite_add("core/histogram", tests, COUNT(tests));
}
