/* SPDX-License-Identifier: MIT */
/* test_words.c - text made without stdio. */
#include <string.h>

#include "core/words.h"
#include "tests/suites.h"
#include "tests/support.h"

static char flushed[512];

static void flush(struct gc_words *words)
{
    strncat(flushed, words->begin, sizeof(flushed) - strlen(flushed) - 1);
    words->length = 0;
    words->begin[0] = '\0';
}

static void numbers_are_as_printf_has_them(void)
{
    char room[256];
    struct gc_words w = { .begin = room, .room = sizeof(room) };
    gc_words_put(&w, "a ");
    gc_words_put_number(&w, 0);
    gc_words_put(&w, " ");
    gc_words_put_number(&w, UINT64_MAX);
    gc_words_put(&w, " ");
    gc_words_put_hex(&w, 0xdeadbeef);
    gc_words_put(&w, " ");
    gc_words_put_hex(&w, 0);
    CU_ASSERT_STRING_EQUAL(room, "a 0 18446744073709551615 0xdeadbeef 0x0");
}

static void times_have_three_decimals(void)
{
    char room[256];
    struct gc_words w = { .begin = room, .room = sizeof(room) };
    static const uint64_t ns[] = { 0, 1999, 12000, 345678, 1007000, 1234567890 };
    for (size_t i = 0; i < COUNT(ns); i++) {
        gc_words_put_ms(&w, ns[i]);
        gc_words_put(&w, "|");
    }
    CU_ASSERT_STRING_EQUAL(
            room, "0.000 ms|0.001 ms|0.012 ms|0.345 ms|1.007 ms|1234.567 ms|");
}

static void what_does_not_fit_is_lost_or_flushed(void)
{
    char room[8];
    struct gc_words kept = { .begin = room, .room = sizeof(room) };
    gc_words_put(&kept, "0123456789");
    CU_ASSERT_STRING_EQUAL(room, "0123456");
    struct gc_words passed = { .begin = room, .room = sizeof(room), .flush = flush };
    flushed[0] = '\0';
    gc_words_put(&passed, "0123456789");
    flush(&passed);
    CU_ASSERT_STRING_EQUAL(flushed, "0123456789");
}

static void put_items(struct gc_words *words, int count)
{
    for (int i = 0; i < count; i++) {
        gc_words_item_begin(words);
        gc_words_put(words,
                i == 3 ? "here is a longer one than all of the others" : "item number ");
        gc_words_put_number(words, (uint64_t)i);
        gc_words_item_end(words);
    }
    gc_words_items_end(words);
}

static void items_make_lines(void)
{
    char room[1024];
    struct gc_words w = { .begin = room, .room = sizeof(room) };
    put_items(&w, 3);
    CU_ASSERT_STRING_EQUAL(room, "        item number 0; item number 1; item number 2\n");
    w.length = 0;
    put_items(&w, 9);
    CU_ASSERT_STRING_EQUAL(room,
            "        item number 0; item number 1; item number 2; here is a longer one "
            "than all of the others3;\n"
            "        item number 4; item number 5; item number 6; item number 7; item "
            "number 8\n");
    w.length = 0;
    put_items(&w, 0);
    CU_ASSERT_EQUAL(w.length, 0);
}

/* An item that is longer than a line has one for itself. */
static void long_items_stand_alone(void)
{
    char room[512], item[128];
    memset(item, 'x', sizeof(item) - 1);
    item[sizeof(item) - 1] = '\0';
    struct gc_words w = { .begin = room, .room = sizeof(room) };
    for (int i = 0; i < 2; i++) {
        gc_words_item_begin(&w);
        gc_words_put(&w, item);
        gc_words_item_end(&w);
    }
    gc_words_items_end(&w);
    CU_ASSERT_EQUAL(w.length, 2 * (8 + 127) + 3);
    CU_ASSERT_EQUAL(memcmp(room + 8 + 127, ";\n        x", 11), 0);
}

int test_words_suite(void)
{
    static const struct test tests[] = {
        { "numbers_are_as_printf_has_them", numbers_are_as_printf_has_them },
        { "times_have_three_decimals", times_have_three_decimals },
        { "what_does_not_fit_is_lost_or_flushed", what_does_not_fit_is_lost_or_flushed },
        { "items_make_lines", items_make_lines },
        { "long_items_stand_alone", long_items_stand_alone },
    };
    return suite_add("core/words", tests, COUNT(tests));
}
