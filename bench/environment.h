/* SPDX-License-Identifier: MIT */
/* environment.h - what a reader of a result must know of the machine. */
#ifndef BENCH_ENVIRONMENT_H
#define BENCH_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

struct gc_json;

struct gc_environment {
    char kernel[192], machine[64], cpu[128];
    char governor[32], huge_pages[32], clock_source[32]; /* "" if not known */
    int64_t aslr;                                        /* -1: not known */
    uint32_t cpus_online, cpus_allowed;
    double load; /* of the last minute, at the start; NaN: not known */
};

void gc_environment_read(struct gc_environment *ret_environment);

/* Ticks that a hypervisor has taken from this machine so far; false: not known. */
bool gc_environment_steal(uint64_t *ret_ticks);

/* Adds a member "environment". */
void gc_environment_write(const struct gc_environment *environment, bool has_steal,
        uint64_t steal, struct gc_json *json);

#endif
