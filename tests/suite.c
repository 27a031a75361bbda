/* SPDX-License-Identifier: MIT */
/* suite.c - adds a table of tests to CUnit's registry. */
#include "tests/suite.h"

#include <CUnit/CUnit.h>
#include <string.h>

int suite_add(const char *name, const struct test *tests, size_t count)
{
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    if (suite == NULL) return 1;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) /* CUnit takes a name twice without a word */
            if (strcmp(tests[i].name, tests[k].name) == 0) return 1;
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL) return 1;
    }
    return 0;
}
