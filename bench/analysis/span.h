/* SPDX-License-Identifier: MIT */
/* span.h - a stretch of time: of a request, a stall, or a whole run. */
#ifndef BENCH_ANALYSIS_SPAN_H
#define BENCH_ANALYSIS_SPAN_H

#include <stdint.h>

/* From `begin` to just before `end`, in nanoseconds of one clock. Integers, because a float
 * can't tell 60 s from 60 s and 4 us. */
struct gc_span {
    uint64_t begin, end;
};

#endif
