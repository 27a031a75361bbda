/* SPDX-License-Identifier: MIT */
/* environment.h - what a reader of a result must know of the machine. */
#ifndef BENCH_ENVIRONMENT_H
#define BENCH_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gc_json;

struct gc_environment {
    char kernel[192], machine[64], cpu[128];
    char governor[32], huge_pages[32], clock_source[32]; /* "" if not known */
    int64_t aslr;                                        /* -1: not known */
    uint32_t cpus_online, cpus_allowed;
    uint32_t cores_allowed; /* of these CPUs, those that share no core; 0: not known */
    uint32_t numa_nodes;    /* 0: not known */
    double load;            /* of the last minute, at the start; NaN: not known */
    double cpu_quota; /* CPUs that a control group leaves; NaN: no limit that is known */
    double steal_percent;  /* of the CPU time since the machine started; NaN: not known */
    uint64_t memory_bytes; /* 0: not known */
    char boost[32];        /* "on", "off" or "" */
    char kernel_options[512];
    bool is_virtual;
};

void gc_environment_read(struct gc_environment *ret_environment);

/* What the CPUs of this machine have done so far, all together. */
struct gc_cpu_time {
    bool is_known;
    uint64_t at_ns;             /* monotonic */
    uint64_t busy, idle, steal; /* ticks of the kernel; the last went to other guests */
};

struct gc_cpu_time gc_environment_cpu_time(void);

/* Bounds above which others have disturbed a sample, in percent of one CPU while it ran; and
 * so many ticks that they are no accident of rounding. */
enum {
    GC_DISTURBED_STEAL = 1,
    GC_DISTURBED_LOAD = 10,
    GC_DISTURBED_STEAL_TICKS = 2,
    GC_DISTURBED_LOAD_TICKS = 5,
};

/* What disturbed a process that used so much CPU time between the two, in a few words; ""
 * if nothing did, or nothing is known. */
void gc_environment_disturbance(const struct gc_cpu_time *before,
        const struct gc_cpu_time *after, uint64_t own_ns, char *text, size_t size);

/* Adds what a machine record says: members of an object that is begun. */
void gc_environment_write_machine(
        const struct gc_environment *environment, struct gc_json *json);

/* Adds a member "environment". */
void gc_environment_write(const struct gc_environment *environment, bool has_steal,
        uint64_t steal, struct gc_json *json);

#endif
