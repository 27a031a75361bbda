/* SPDX-License-Identifier: MIT */
/* near.h - numbers that are equal but for rounding, for the suites of bench/analysis. */
#ifndef TESTS_BENCH_ANALYSIS_NEAR_H
#define TESTS_BENCH_ANALYSIS_NEAR_H

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdbool.h>

/* Within `tolerance`; never for NaN. */
static inline bool is_near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance;
}

#define CHECK_NEAR(a, b, tolerance) CU_ASSERT(is_near(a, b, tolerance))

#endif
