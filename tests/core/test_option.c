/* SPDX-License-Identifier: MIT */
/* test_option.c - options: every kind, its limits, and what is said about a slip. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/option.h"

int test_option_suite(void);

struct values {
    int64_t threshold;
    uint64_t bytes;
    int64_t fast;
    int64_t detect;
    char file[16];
};

static const struct gc_option table[] = {
    { .name = "threshold",
            .kind = GC_OPTION_INT,
            .offset = offsetof(struct values, threshold),
            .min = -5,
            .max = 2000,
            .standard = "700" },
    { .name = "bytes",
            .kind = GC_OPTION_SIZE,
            .offset = offsetof(struct values, bytes),
            .min = 1024,
            .max = INT64_MAX,
            .standard = "4M" },
    { .name = "fast",
            .kind = GC_OPTION_BOOL,
            .offset = offsetof(struct values, fast),
            .standard = "no" },
    { .name = "detect",
            .kind = GC_OPTION_CHOICE,
            .offset = offsetof(struct values, detect),
            .choices = "move|keep|mover",
            .standard = "move" },
    { .name = "file",
            .kind = GC_OPTION_TEXT,
            .offset = offsetof(struct values, file),
            .max = sizeof(((struct values *)NULL)->file),
            .standard = "" },
    GC_OPTION_END,
};

static int parse(const char *text, struct values *values, struct gc_error *error)
{
    memset(values, 0xa5, sizeof(*values));
    error->text[0] = '\0';
    return gc_options_parse(table, "owner", text, values, error);
}

static void test_defaults(void)
{
    const char *const nothing[] = { NULL, "" };
    for (int i = 0; i < 2; i++) {
        struct values values;
        struct gc_error error;
        CU_ASSERT_EQUAL(parse(nothing[i], &values, &error), 0);
        CU_ASSERT_EQUAL(values.threshold, 700);
        CU_ASSERT_EQUAL(values.bytes, UINT64_C(4) << 20);
        CU_ASSERT_EQUAL(values.fast, 0);
        CU_ASSERT_EQUAL(values.detect, 0);
        CU_ASSERT_STRING_EQUAL(values.file, "");
    }
}

static void test_values(void)
{
    struct values values;
    struct gc_error error;
    CU_ASSERT_EQUAL(parse("threshold=-5:bytes=3G:fast=Yes:detect=mover:file=a\\:b=\\\\",
                            &values, &error),
            0);
    CU_ASSERT_EQUAL(values.threshold, -5);
    CU_ASSERT_EQUAL(values.bytes, UINT64_C(3) << 30);
    CU_ASSERT_EQUAL(values.fast, 1);
    CU_ASSERT_EQUAL(values.detect, 2);
    CU_ASSERT_STRING_EQUAL(values.file, "a:b=\\");

    static const struct {
        const char *text;
        int64_t fast;
    } words[] = { { "fast=on", 1 }, { "fast=off", 0 }, { "fast=true", 1 },
        { "fast=FALSE", 0 }, { "fast=1", 1 }, { "fast=0", 0 }, { "fast=no", 0 } };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        CU_ASSERT_EQUAL(parse(words[i].text, &values, &error), 0);
        CU_ASSERT_EQUAL(values.fast, words[i].fast);
    }
}

static void test_limits(void)
{
    struct values values;
    struct gc_error error;
    CU_ASSERT_EQUAL(parse("threshold=2000", &values, &error), 0);
    CU_ASSERT_EQUAL(values.threshold, 2000);
    CU_ASSERT_EQUAL(parse("bytes=1024", &values, &error), 0);
    CU_ASSERT_EQUAL(parse("file=123456789012345", &values, &error), 0);
    CU_ASSERT_STRING_EQUAL(values.file, "123456789012345");

    static const char *const bad[] = { "threshold=2001", "threshold=-6", "threshold=7x",
        "threshold=", "threshold= 7", "threshold=9223372036854775808", "bytes=1023",
        "bytes=-1", "bytes=4MB", "bytes=", "bytes=18446744073709551615G", "fast=maybe",
        "fast=", "detect=mo", "detect=move|keep", "detect=", "file=1234567890123456",
        "threshold", "threshold=1:", ":threshold=1", "threshold=1::fast=1", ":", "=3",
        "threshold=1:threshold=2", "nothing=1" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int result = parse(bad[i], &values, &error);
        if (result != -EINVAL) CU_FAIL(bad[i]);
        CU_ASSERT_EQUAL(result, -EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "owner"));
    }
}

/* Whether the message about `text` contains `part`. */
static int says(const char *text, const char *part)
{
    struct values values;
    struct gc_error error;
    return parse(text, &values, &error) == -EINVAL && strstr(error.text, part) != NULL;
}

static void test_messages(void)
{
    CU_ASSERT(says("treshold=1", "did you mean 'threshold'?"));
    CU_ASSERT(says("thr=1", "did you mean 'threshold'?"));
    CU_ASSERT(says("zzzzzz=1", "threshold, bytes, fast, detect, file"));
    CU_ASSERT(says("threshold=9999", "from -5 to 2000"));
    CU_ASSERT(says("detect=kepe", "did you mean 'keep'?"));
    CU_ASSERT(says("detect=zzzzz", "move|keep|mover"));
    CU_ASSERT(says("file=1234567890123456", "at most 15 bytes"));
    CU_ASSERT(says("fast", "needs a value"));
    CU_ASSERT(says("fast=1:fast=1", "given twice"));

    struct gc_error error;
    CU_ASSERT_EQUAL(gc_options_parse(NULL, "owner", "a=1", NULL, &error), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "it has no options"));
    CU_ASSERT_EQUAL(gc_options_parse(NULL, "owner", "", NULL, &error), 0);
    CU_ASSERT_EQUAL(gc_options_parse(NULL, "owner", "a=1", NULL, NULL), -EINVAL);
}

static void test_sizes(void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = { { "0", 0 }, { "1024", 1024 }, { "64M", UINT64_C(64) << 20 },
        { "3G", UINT64_C(3) << 30 }, { "7k", 7 << 10 },
        { "18446744073709551615", UINT64_MAX },
        { "18014398509481983K", UINT64_MAX - 1023 } };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t bytes = 1;
        CU_ASSERT_EQUAL(gc_parse_size(good[i].text, &bytes), 0);
        CU_ASSERT_EQUAL(bytes, good[i].bytes);
    }
    static const char *const bad[] = { "", "M", "-1", "+1", "1.5M", "64MB", "64 M", "64T",
        "18446744073709551616", "18014398509481984K", " 1", "0x10" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t bytes = 42;
        CU_ASSERT_EQUAL(gc_parse_size(bad[i], &bytes), -EINVAL);
        CU_ASSERT_EQUAL(bytes, 42);
    }
    uint64_t bytes;
    CU_ASSERT_EQUAL(gc_parse_size(NULL, &bytes), -EINVAL);
}

static void test_nearest(void)
{
    static const char *const names[] = { "none", "refcount", "generational", "mark_sweep",
        "k", NULL };
    static const struct {
        const char *name, *nearest;
    } cases[] = { { "generatinal", "generational" }, { "genrational", "generational" },
        { "generaitonal", "generational" }, { "Mark-Sweep", "mark_sweep" },
        { "gen", "generational" }, { "mark", "mark_sweep" }, { "nnoe", "none" },
        { "refcuont", "refcount" }, { "x", NULL }, { "", NULL }, { "recycler", NULL },
        { "entirely_other", NULL } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *nearest = gc_nearest_name(cases[i].name, names);
        if (cases[i].nearest == NULL) {
            CU_ASSERT_PTR_NULL(nearest);
        } else {
            CU_ASSERT_PTR_NOT_NULL_FATAL(nearest);
            CU_ASSERT_STRING_EQUAL(nearest, cases[i].nearest);
        }
    }
    char long_name[200];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    CU_ASSERT_PTR_NULL(gc_nearest_name(long_name, names));

    /* one edit of each sort is as near as the other; a swap counts once */
    static const char *const pair[] = { "abcd", "abdd", NULL };
    CU_ASSERT_STRING_EQUAL(gc_nearest_name("abcd", pair), "abcd");
    CU_ASSERT_STRING_EQUAL(gc_nearest_name("bacd", pair), "abcd");
}

int test_option_suite(void)
{
    CU_pSuite suite = CU_add_suite("option", NULL, NULL);
    if (suite == NULL || CU_add_test(suite, "defaults", test_defaults) == NULL ||
            CU_add_test(suite, "values", test_values) == NULL ||
            CU_add_test(suite, "limits", test_limits) == NULL ||
            CU_add_test(suite, "messages", test_messages) == NULL ||
            CU_add_test(suite, "sizes", test_sizes) == NULL ||
            CU_add_test(suite, "nearest name", test_nearest) == NULL)
        return -1;
    return 0;
}
