/* SPDX-License-Identifier: MIT */
/* none.c - no collection at all: what a program costs without memory management. Over
 * `bare` an allocation takes the next cell and nothing is ever freed. */
#include "core/collector.h"

GC_COLLECTOR(none) = {
    GC_COLLECTOR_HEADER,
    .name = "none",
    .summary = "never frees: the baseline of every comparison",
    .protocols = { "bare" },
};
