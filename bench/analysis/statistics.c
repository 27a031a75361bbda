/* SPDX-License-Identifier: MIT */
/* statistics.c - what is GSL's, behind checks of its arguments; Welch, Fieller, verdicts. */
#include "bench/analysis/statistics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

bool gc_statistics_is_finite(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i])) return false;
    return true;
}

bool gc_statistics_mean(const double *values, size_t n, double *ret_mean)
{
    if (n < 1 || !gc_statistics_is_finite(values, n)) return false;
    *ret_mean = gsl_stats_mean(values, 1, n);
    return true;
}

bool gc_statistics_variance(const double *values, size_t n, double *ret_variance)
{
    if (n < 2 || !gc_statistics_is_finite(values, n)) return false;
    *ret_variance = gsl_stats_variance(values, 1, n);
    return true;
}

bool gc_statistics_geometric_mean(const double *values, size_t n, double *ret_mean)
{
    if (n < 1 || !gc_statistics_is_finite(values, n)) return false;
    double sum = 0; /* of logarithms: a product of a hundred values leaves the range */
    for (size_t i = 0; i < n; i++) {
        if (values[i] <= 0) return false;
        sum += log(values[i]);
    }
    *ret_mean = exp(sum / (double)n);
    return true;
}

bool gc_statistics_t(double confidence, double degrees, double *ret_t)
{
    /* also false for NaN */
    if (!(confidence > 0 && confidence < 1 && degrees > 0) || isinf(degrees))
        return false;
    *ret_t = gsl_cdf_tdist_Qinv((1 - confidence) / 2, degrees);
    return true;
}

static struct gc_estimate around(double value, double half)
{
    return (struct gc_estimate){ value, { value - half, value + half } };
}

bool gc_statistics_mean_interval(
        const double *values, size_t n, double confidence, struct gc_estimate *ret_mean)
{
    double mean, variance, t;
    if (!gc_statistics_mean(values, n, &mean) ||
            !gc_statistics_variance(values, n, &variance) ||
            !gc_statistics_t(confidence, (double)n - 1, &t))
        return false;
    *ret_mean = around(mean, t * sqrt(variance / (double)n));
    return true;
}

bool gc_statistics_welch(const double *a, size_t na, const double *b, size_t nb,
        double confidence, struct gc_welch *ret_welch)
{
    double mean_a, mean_b, variance_a, variance_b, t;
    if (!gc_statistics_mean(a, na, &mean_a) || !gc_statistics_mean(b, nb, &mean_b) ||
            !gc_statistics_variance(a, na, &variance_a) ||
            !gc_statistics_variance(b, nb, &variance_b))
        return false;
    double of_a = variance_a / (double)na, of_b = variance_b / (double)nb;
    double degrees = (double)na + (double)nb - 2;
    if (of_a + of_b > 0) {
        /* by shares, for the squares of small variances are 0 */
        double share = of_a / (of_a + of_b);
        degrees = 1 / (share * share / ((double)na - 1) +
                              (1 - share) * (1 - share) / ((double)nb - 1));
    }
    if (!gc_statistics_t(confidence, degrees, &t)) return false;
    ret_welch->difference = around(mean_a - mean_b, t * sqrt(of_a + of_b));
    ret_welch->degrees = degrees;
    return true;
}

/* With the denominator's mean as its unit, and the larger of the numerator's mean and half
 * width as the numerator's, no square leaves the range of a double, and what stands under the
 * root is a sum of squares: p^2 - (1 - g)(p^2 - q^2) = g p^2 + (1 - g) q^2. */
bool gc_statistics_ratio(const struct gc_estimate *numerator,
        const struct gc_estimate *denominator, struct gc_estimate *ret_ratio)
{
    double half_a = denominator->interval.high / 2 - denominator->interval.low / 2;
    double half_b = numerator->interval.high / 2 - numerator->interval.low / 2;
    double a = denominator->value, b = numerator->value;
    const double all[] = { a, b, half_a, half_b };
    if (!gc_statistics_is_finite(all, 4) || half_a < 0 || half_b < 0) return false;
    if (fabs(a) <= half_a) return false;
    double unit = fmax(fabs(b), half_b);
    if (unit == 0) unit = 1; /* 0 / a, exactly */
    double p = b / unit, q = half_b / unit;
    double g = (half_a / a) * (half_a / a);
    double root = sqrt(g * p * p + (1 - g) * q * q);
    double scale = unit / a;
    struct gc_estimate ratio = {
        b / a,
        { scale * (p - root) / (1 - g), scale * (p + root) / (1 - g) },
    };
    if (scale < 0) {
        double low = ratio.interval.high;
        ratio.interval.high = ratio.interval.low;
        ratio.interval.low = low;
    }
    if (!isfinite(ratio.value) || !isfinite(ratio.interval.low) ||
            !isfinite(ratio.interval.high))
        return false;
    *ret_ratio = ratio;
    return true;
}

bool gc_statistics_rank(size_t n, double p, size_t *ret_index)
{
    if (n == 0 || !(p > 0 && p <= 1)) return false;
    if (p == 1) {
        *ret_index = n - 1;
        return true;
    }
    /* 1000 (1 - .99) is a little more or less than 10 */
    double beyond = (double)n * (1 - p);
    if (beyond < 10 - 1e-6) return false;
    size_t above = (size_t)(beyond + 1e-6);
    *ret_index = above < n ? n - 1 - above : 0;
    return true;
}

bool gc_statistics_percentile(const double *sorted, size_t n, double p, double *ret_value)
{
    size_t index;
    if (!gc_statistics_rank(n, p, &index)) return false;
    *ret_value = sorted[index];
    return true;
}

const char *gc_verdict_word(enum gc_verdict verdict)
{
    static const char *const words[] = {
        [GC_VERDICT_NO_CLAIM] = "no claim",
        [GC_VERDICT_FASTER] = "faster",
        [GC_VERDICT_SLOWER] = "slower",
    };
    return words[verdict];
}

/* A comparison with NaN is false, so that nothing is claimed of it. */
enum gc_verdict gc_verdict_of_times(struct gc_interval candidate, struct gc_interval base)
{
    if (candidate.high < base.low) return GC_VERDICT_FASTER;
    if (candidate.low > base.high) return GC_VERDICT_SLOWER;
    return GC_VERDICT_NO_CLAIM;
}

enum gc_verdict gc_verdict_of_ratio(struct gc_interval ratio)
{
    return gc_verdict_of_times(ratio, (struct gc_interval){ 1, 1 });
}
