/* SPDX-License-Identifier: MIT */
/* pin.h - which CPUs the process of a sample may run on.
 *
 * A pinned sample gets as many CPUs as it has mutators, if there are so many. What a collector
 * does on threads of its own then takes CPU time from the mutators, as it would on a busy
 * machine: collectors are compared on equal means.
 */
#ifndef BENCH_PIN_H
#define BENCH_PIN_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

enum gc_pin {
    GC_PIN_NONE,
    GC_PIN_COMPACT, /* CPUs that share cores come together */
    GC_PIN_SPREAD,  /* one CPU of each core first */
    GC_PIN_COUNT
};
extern const char *const gc_pin_names[GC_PIN_COUNT];

/* False: there is none of that name. */
bool gc_pin_find(const char *name, enum gc_pin *ret_pin);

/* The CPUs for so many threads, out of those that this process may use. False: nobody is to be
 * pinned, or the CPUs are not known. */
bool gc_pin_cpus(enum gc_pin pin, uint32_t threads, cpu_set_t *ret_cpus);

/* The lowest CPU that shares a core with this one; -1: not known. */
int gc_pin_core(int cpu);

#endif
