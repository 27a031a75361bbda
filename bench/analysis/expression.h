/* SPDX-License-Identifier: MIT */
/* expression.h - arithmetic and comparisons on ranges, as claims are written.
 *
 *     claim       comparison { "and" comparison }
 *     comparison  sum ( "<" | "<=" | "==" | "!=" | ">=" | ">" ) sum
 *     sum         product { ( "+" | "-" ) product }
 *     product     factor { ( "*" | "/" ) factor }
 *     factor      NUMBER | NAME | FUNCTION "(" arguments ")" | "(" sum ")" | "-" factor
 *
 * A NAME is what the caller knows a value by: letters, digits, points, `_`. A number may have a
 * suffix k, M, G (powers of 1000). Functions: min(sum, sum), max(sum, sum), abs(sum), and
 * ratio(NAME, NAME), for which the caller may know more than two ranges tell.
 *
 * Every value is a range that is believed to hold the true one: a counter that all runs agree
 * on is a point. What is computed of ranges is the range of all that could come out. So a
 * comparison is true or false where it is so for all values, and else undecided.
 */
#ifndef BENCH_ANALYSIS_EXPRESSION_H
#define BENCH_ANALYSIS_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

struct gc_range {
    double low, high;
};

enum gc_truth { GC_FALSE, GC_UNDECIDED, GC_TRUE };

/* Where values come from. Both return whether there is one; if not, they have written a
 * sentence's end into `why` ("... has no sample"). */
struct gc_expression_values {
    bool (*value)(void *argument, const char *name, struct gc_range *ret_range, char *why,
            size_t why_bytes);
    bool (*ratio)(void *argument, const char *numerator, const char *denominator,
            struct gc_range *ret_range, char *why, size_t why_bytes);
    void *argument;
    bool is_check; /* of the text alone: no division by 0 */
};

/* What is wrong with an expression, or with a value of it. */
struct gc_expression_error {
    size_t at; /* the offset in the text */
    char text[200];
};

/* Evaluates a claim, or a sum. False: *ret_error says why. */
bool gc_expression_claim(const char *text, const struct gc_expression_values *values,
        enum gc_truth *ret_truth, struct gc_expression_error *ret_error);
bool gc_expression_sum(const char *text, const struct gc_expression_values *values,
        struct gc_range *ret_range, struct gc_expression_error *ret_error);

#endif
