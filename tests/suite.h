/* SPDX-License-Identifier: MIT */
/* suite.h - a suite as a table of tests, for suites that need no more than that. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct test {
    const char *name; /* a sentence */
    void (*run)(void);
};

/* Adds a suite of `count` tests. 0, or 1 when CUnit refuses. */
int suite_add(const char *name, const struct test *tests, size_t count);

#endif
