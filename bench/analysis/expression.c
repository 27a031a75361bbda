/* SPDX-License-Identifier: MIT */
/* expression.c - arithmetic and comparisons on ranges: evaluated as they are read. */
#include "bench/analysis/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEEPEST = 64, /* parentheses and signs in each other */
    NAME_BYTES = 128,
};

struct reader {
    const char *text, *at;
    const struct gc_expression_values *values;
    struct gc_expression_error *error;
    int depth;
};

__attribute__((format(printf, 2, 3))) static bool fail(
        struct reader *r, const char *format, ...)
{
    va_list args;
    r->error->at = (size_t)(r->at - r->text);
    va_start(args, format);
    vsnprintf(r->error->text, sizeof(r->error->text), format, args);
    va_end(args);
    return false;
}

static void skip_space(struct reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static bool take(struct reader *r, const char *token)
{
    skip_space(r);
    if (strncmp(r->at, token, strlen(token)) != 0) return false;
    r->at += strlen(token);
    return true;
}

static bool expect(struct reader *r, const char *token)
{
    return take(r, token) || fail(r, "'%s' is missing", token);
}

/* --- ranges ------------------------------------------------------------------------- */

static struct gc_range hull(double a, double b, double c, double d)
{
    return (struct gc_range){ fmin(fmin(a, b), fmin(c, d)),
        fmax(fmax(a, b), fmax(c, d)) };
}

static struct gc_range product(struct gc_range a, struct gc_range b)
{
    return hull(a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high);
}

static struct gc_range quotient(struct gc_range a, struct gc_range b)
{
    return hull(a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high);
}

static struct gc_range magnitude(struct gc_range a)
{
    double low = fabs(a.low), high = fabs(a.high);
    bool holds_0 = a.low <= 0 && a.high >= 0;
    return (struct gc_range){ holds_0 ? 0 : fmin(low, high), fmax(low, high) };
}

static enum gc_truth is_less(struct gc_range a, struct gc_range b)
{
    if (a.high < b.low) return GC_TRUE;
    return a.low >= b.high ? GC_FALSE : GC_UNDECIDED;
}

static enum gc_truth is_equal(struct gc_range a, struct gc_range b)
{
    if (a.low == a.high && b.low == b.high && a.low == b.low) return GC_TRUE;
    return a.high < b.low || b.high < a.low ? GC_FALSE : GC_UNDECIDED;
}

static enum gc_truth negation(enum gc_truth truth)
{
    return (enum gc_truth)(GC_TRUE - truth);
}

/* --- the grammar ------------------------------------------------------------------------ */

static bool read_sum(struct reader *r, struct gc_range *ret);

static bool is_in_name(char c)
{
    return isalnum((unsigned char)c) || c == '.' || c == '_';
}

static bool read_name(struct reader *r, char name[NAME_BYTES])
{
    skip_space(r);
    size_t length = 0;
    while (is_in_name(r->at[length]))
        length++;
    if (length == 0 || isdigit((unsigned char)*r->at))
        return fail(r, "a name is missing");
    if (length >= NAME_BYTES) return fail(r, "a name is too long");
    memcpy(name, r->at, length);
    name[length] = '\0';
    r->at += length;
    return true;
}

static bool read_number(struct reader *r, struct gc_range *ret)
{
    char *end;
    double number = strtod(r->at, &end);
    double factor = *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
    end += factor > 1;
    if (end == r->at || is_in_name(*end) || !isfinite(number))
        return fail(r, "this is no number");
    r->at = end;
    *ret = (struct gc_range){ number * factor, number * factor };
    return true;
}

static bool read_ratio(struct reader *r, struct gc_range *ret)
{
    char numerator[NAME_BYTES], denominator[NAME_BYTES];
    const char *begin = r->at;
    if (!read_name(r, numerator) || !expect(r, ",") || !read_name(r, denominator) ||
            !expect(r, ")"))
        return false;
    if (r->values->ratio(r->values->argument, numerator, denominator, ret, r->error->text,
                sizeof(r->error->text)))
        return true;
    r->error->at = (size_t)(begin - r->text);
    return false;
}

static bool read_pair(struct reader *r, bool most, struct gc_range *ret)
{
    struct gc_range a, b;
    if (!read_sum(r, &a) || !expect(r, ",") || !read_sum(r, &b) || !expect(r, ")"))
        return false;
    *ret = most ? (struct gc_range){ fmax(a.low, b.low), fmax(a.high, b.high) }
                : (struct gc_range){ fmin(a.low, b.low), fmin(a.high, b.high) };
    return true;
}

static bool read_call(
        struct reader *r, const char *begin, const char *name, struct gc_range *ret)
{
    if (strcmp(name, "ratio") == 0) return read_ratio(r, ret);
    if (strcmp(name, "min") == 0) return read_pair(r, false, ret);
    if (strcmp(name, "max") == 0) return read_pair(r, true, ret);
    if (strcmp(name, "abs") == 0) {
        if (!read_sum(r, ret) || !expect(r, ")")) return false;
        *ret = magnitude(*ret);
        return true;
    }
    r->at = begin;
    return fail(r, "there is no function %s; there are ratio, min, max, abs", name);
}

static bool read_named(struct reader *r, struct gc_range *ret)
{
    char name[NAME_BYTES];
    skip_space(r);
    const char *begin = r->at;
    if (!read_name(r, name)) return false;
    if (take(r, "(")) return read_call(r, begin, name, ret);
    if (r->values->value(
                r->values->argument, name, ret, r->error->text, sizeof(r->error->text)))
        return true;
    r->error->at = (size_t)(begin - r->text);
    return false;
}

static bool read_signed(struct reader *r, struct gc_range *ret)
{
    if (take(r, "-")) {
        struct gc_range range;
        if (++r->depth > DEEPEST) return fail(r, "this is nested too deeply");
        if (!read_signed(r, &range)) return false;
        r->depth--;
        *ret = (struct gc_range){ -range.high, -range.low };
        return true;
    }
    if (take(r, "(")) return read_sum(r, ret) && expect(r, ")");
    skip_space(r);
    if (isdigit((unsigned char)*r->at)) return read_number(r, ret);
    return read_named(r, ret);
}

static bool read_product(struct reader *r, struct gc_range *ret)
{
    if (!read_signed(r, ret)) return false;
    for (;;) {
        struct gc_range other;
        if (take(r, "*")) {
            if (!read_signed(r, &other)) return false;
            *ret = product(*ret, other);
        } else if (take(r, "/")) {
            skip_space(r);
            const char *begin = r->at;
            if (!read_signed(r, &other)) return false;
            if (other.low <= 0 && other.high >= 0 && !r->values->is_check) {
                r->at = begin;
                return fail(r, "this may be 0, and is divided by");
            }
            *ret = quotient(*ret, other);
        } else {
            return true;
        }
    }
}

static bool read_sum(struct reader *r, struct gc_range *ret)
{
    if (++r->depth > DEEPEST) return fail(r, "this is nested too deeply");
    if (!read_product(r, ret)) return false;
    for (;;) {
        struct gc_range other;
        bool plus = take(r, "+");
        if (!plus && !take(r, "-")) break;
        if (!read_product(r, &other)) return false;
        ret->low += plus ? other.low : -other.high;
        ret->high += plus ? other.high : -other.low;
    }
    r->depth--;
    return true;
}

static bool read_comparison(struct reader *r, enum gc_truth *ret)
{
    static const char *const signs[] = { "<=", ">=", "==", "!=", "<", ">" };
    enum { AT_MOST, AT_LEAST, EQUAL, UNEQUAL, LESS, MORE, NONE } sign = 0;
    struct gc_range a, b;
    if (!read_sum(r, &a)) return false;
    while (sign < NONE && !take(r, signs[sign]))
        sign++;
    if (sign == NONE) return fail(r, "a comparison is missing");
    if (!read_sum(r, &b)) return false;
    switch (sign) {
    case LESS:
        *ret = is_less(a, b);
        break;
    case MORE:
        *ret = is_less(b, a);
        break;
    case AT_MOST:
        *ret = negation(is_less(b, a));
        break;
    case AT_LEAST:
        *ret = negation(is_less(a, b));
        break;
    case EQUAL:
        *ret = is_equal(a, b);
        break;
    case UNEQUAL:
        *ret = negation(is_equal(a, b));
        break;
    case NONE:
        break;
    }
    return true;
}

static bool read_and(struct reader *r)
{
    skip_space(r);
    if (strncmp(r->at, "and", 3) != 0 || is_in_name(r->at[3])) return false;
    r->at += 3;
    return true;
}

static bool read_end(struct reader *r)
{
    skip_space(r);
    return *r->at == '\0' || fail(r, "this is too much");
}

static struct reader begin(const char *text, const struct gc_expression_values *values,
        struct gc_expression_error *ret_error)
{
    return (struct reader){
        .text = text, .at = text, .values = values, .error = ret_error
    };
}

bool gc_expression_claim(const char *text, const struct gc_expression_values *values,
        enum gc_truth *ret_truth, struct gc_expression_error *ret_error)
{
    struct reader r = begin(text, values, ret_error);
    enum gc_truth least = GC_TRUE, truth = GC_UNDECIDED;
    do {
        if (!read_comparison(&r, &truth)) return false;
        if (truth < least) least = truth;
    } while (read_and(&r));
    if (!read_end(&r)) return false;
    *ret_truth = least;
    return true;
}

bool gc_expression_sum(const char *text, const struct gc_expression_values *values,
        struct gc_range *ret_range, struct gc_expression_error *ret_error)
{
    struct reader r = begin(text, values, ret_error);
    struct gc_range range;
    if (!read_sum(&r, &range) || !read_end(&r)) return false;
    *ret_range = range;
    return true;
}
