/* SPDX-License-Identifier: MIT */
/* test_check.c - how an error is worded, and how the runtime ends. */
#include <errno.h>
#include <string.h>

#include "core/check.h"
#include "core/os.h"
#include "tests/suites.h"
#include "tests/support.h"

static void words_an_error_and_returns_its_code(void)
{
    struct gc_error error;
    CU_ASSERT_EQUAL(gc_error_set(&error, -EINVAL, "%s is %d", "x", 7), -EINVAL);
    CU_ASSERT_STRING_EQUAL(error.text, "x is 7");
    CU_ASSERT_EQUAL(gc_error_set(NULL, -ENOMEM, "nobody listens"), -ENOMEM);
}

static void cuts_an_error_that_is_too_long(void)
{
    struct gc_error error;
    char text[2 * sizeof(error.text)];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CU_ASSERT_EQUAL(gc_error_set(&error, -1, "%s", text), -1);
    CU_ASSERT_EQUAL(strlen(error.text), sizeof(error.text) - 1);
    /* the middle is missing: what is wrong stands at the end */
    gc_error_set(&error, -1, "first %s last", text);
    CU_ASSERT_EQUAL(strlen(error.text), sizeof(error.text) - 1);
    CU_ASSERT_EQUAL(strncmp(error.text, "first aaa", 9), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "a...a"));
    CU_ASSERT_STRING_EQUAL(error.text + strlen(error.text) - 6, "a last");
    gc_os_fail_allocation(1);
    gc_error_set(&error, -1, "first %s last", text);
    gc_os_fail_allocation(0);
    CU_ASSERT_PTR_NULL(strstr(error.text, "..."));
    CU_ASSERT_EQUAL(strlen(error.text), sizeof(error.text) - 1);
}

static void die_fatally(void *argument)
{
    (void)argument;
    gc_fatal("the number is %d", 42);
}

static void require_what_is_false(void *argument)
{
    gc_require(argument == NULL, "required, and not so");
}

static void assert_what_is_false(void *argument)
{
    gc_assert(argument == NULL, "asserted, and not so");
}

static void says_where_and_why_it_ends(void)
{
    CU_ASSERT_TRUE(aborts_with(die_fatally, NULL, "die_fatally: the number is 42"));
    CU_ASSERT_TRUE(aborts_with(die_fatally, NULL, "test_check.c:"));
}

static void requires_at_every_level_and_asserts_in_checked_builds(void)
{
    int something;
    CU_ASSERT_TRUE(
            aborts_with(require_what_is_false, &something, "required, and not so"));
    if (GC_ASSERTS >= 1) {
        bool aborts =
                aborts_with(assert_what_is_false, &something, "asserted, and not so");
        CU_ASSERT_TRUE(aborts);
    } else {
        assert_what_is_false(&something); /* and lives */
    }
}

int test_check_suite(void)
{
    static const struct test tests[] = {
        { "words_an_error_and_returns_its_code", words_an_error_and_returns_its_code },
        { "cuts_an_error_that_is_too_long", cuts_an_error_that_is_too_long },
        { "says_where_and_why_it_ends", says_where_and_why_it_ends },
        { "requires_at_every_level_and_asserts_in_checked_builds",
                requires_at_every_level_and_asserts_in_checked_builds },
    };
    return suite_add("core/check", tests, COUNT(tests));
}
