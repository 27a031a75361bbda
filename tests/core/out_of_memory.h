/* SPDX-License-Identifier: MIT */
/* out_of_memory.h - the program that test_out_of_memory.c starves, once per protocol. */
#ifndef TESTS_CORE_OUT_OF_MEMORY_H
#define TESTS_CORE_OUT_OF_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/collector.h"

struct outcome {
    const struct gc_collector *collector;
    const struct gc_protocol *protocol;
    const char *options;
    bool completed;    /* it came to its end */
    uint32_t refusals; /* calls that said that there is no memory */
    uint32_t unsound;  /* times that the heap was not what it should be */
    struct gc_error error;
};

void out_of_memory_run_bare(struct outcome *outcome);
void out_of_memory_run_plain(struct outcome *outcome);
void out_of_memory_run_atomic(struct outcome *outcome);
void out_of_memory_run_biased(struct outcome *outcome);
void out_of_memory_run_log_object(struct outcome *outcome);

#endif
