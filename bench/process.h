/* SPDX-License-Identifier: MIT */
/* process.h - one sample, in a fresh process of its own or in this one.
 *
 * The fresh process is this program again, with the hidden subcommand `sample`; its
 * result comes back as a struct through a pipe. It is the leader of a process group, so
 * that whatever it started ends with it.
 */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <signal.h>

#include "bench/pin.h"
#include "bench/spec.h"

struct gc_job {
    const struct gc_collector_spec *collector;
    const struct gc_workload_spec *spec;
    const struct gc_workload *workload; /* it, for the collector's protocol; it counts its
                                           operations, or is to be timed */
    uint32_t threads;
    uint64_t heap_limit; /* 0: none */
    uint64_t seed;
    bool weak;
    uint32_t checks;     /* on the way */
    uint64_t timeout_ns; /* 0: none */
    enum gc_pin pin;     /* of its process */
};

enum { GC_STALL_NAME = 24, GC_COUNTER_NAME = 40 };

/* A sample, and the names that it points to. */
struct gc_measured {
    struct gc_sample sample;
    char stall_names[GC_SAMPLE_STALLS][GC_STALL_NAME];
    char counter_names[GC_SAMPLE_COUNTERS][GC_COUNTER_NAME];
    bool is_measured; /* false: outcome and message are all that is known */
    bool is_partial;  /* it ended early: what is 0 was not measured */
    bool is_bad_file; /* it could not be run, most likely for the file that it names */
    bool has_rss;     /* the peak is this sample's and nobody else's */
    bool has_steal;
    uint64_t steal;     /* ticks that a hypervisor took meanwhile */
    char disturbed[96]; /* by what; "" if by nothing that is known */
    char started[32];
};

/* Signals that end a run early are blocked, but while it waits: gc_interrupted is the
 * one that came, or 0. */
extern volatile sig_atomic_t gc_interrupted;
void gc_interrupts_catch(void);

/* Waits, unless a signal came or comes meanwhile: then it returns false at once. */
bool gc_interrupts_wait(uint32_t ms);

/* Runs the job in a fresh process; `tick` is called about twice a second meanwhile.
 * Returns 0 with *ret_measured filled, -EINTR after a signal, or -errno if no process
 * could be made. What the process wrote to its stderr is passed on afterwards. */
int gc_process_run(const struct gc_job *job, void (*tick)(void *argument, bool clear),
        void *argument, struct gc_measured *ret_measured);

/* Runs the job in this process. `exhausted` gets the sample when an allocation fails
 * for good, and must not return. */
void gc_process_run_here(const struct gc_job *job,
        void (*exhausted)(const struct gc_sample *sample, void *argument), void *argument,
        struct gc_measured *ret_measured);

/* Points the sample's names into the struct that it lies in. */
void gc_measured_own_names(struct gc_measured *measured);

#endif
