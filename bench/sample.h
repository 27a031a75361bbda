/* SPDX-License-Identifier: MIT */
/* sample.h - the side of a sample that measures, and what it sends back. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include "bench/process.h"

#define GC_WIRE_MAGIC UINT64_C(0x67636c6162773031)

/* Both ends are the same program, so a struct will do; its size is checked anyway. */
struct gc_wire {
    uint64_t magic, size;
    struct gc_measured measured;
};

/* Runs the job on the threads of this process. */
void gc_sample_measure(const struct gc_job *job,
        void (*exhausted)(const struct gc_sample *sample, void *argument), void *argument,
        struct gc_measured *ret_measured);

/* Copies a sample with its names, and says what of it was measured. */
void gc_measured_fill(struct gc_measured *measured, const struct gc_sample *sample);

#endif
