/* SPDX-License-Identifier: MIT */
/* memory.h - arrays for intermediate results.
 *
 * A function here answers false where its question has no answer. Memory that can't be had
 * is another matter: GSL's own allocations end the process by its error handler, and ours
 * do the same, so that a caller has one thing to know.
 */
#ifndef BENCH_ANALYSIS_MEMORY_H
#define BENCH_ANALYSIS_MEMORY_H

#include <gsl/gsl_errno.h>
#include <stddef.h>
#include <stdlib.h>

/* `count` elements of `size` bytes, all zero, for free(). Never NULL, not for none either. */
static inline void *gc_analysis_array(size_t count, size_t size)
{
    void *array = calloc(count > 0 ? count : 1, size);
    if (array == NULL) {
        gsl_error("no memory for an array", __FILE__, __LINE__, GSL_ENOMEM);
        abort(); /* whatever the handler is: nobody looks for NULL */
    }
    return array;
}

#endif
