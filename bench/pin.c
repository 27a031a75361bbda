/* SPDX-License-Identifier: MIT */
/* pin.c - which CPUs the process of a sample may run on. */
#include "bench/pin.h"

#include <stdio.h>
#include <string.h>

const char *const gc_pin_names[GC_PIN_COUNT] = {
    [GC_PIN_NONE] = "none",
    [GC_PIN_COMPACT] = "compact",
    [GC_PIN_SPREAD] = "spread",
};

bool gc_pin_find(const char *name, enum gc_pin *ret_pin)
{
    for (int i = 0; i < GC_PIN_COUNT; i++) {
        if (strcmp(gc_pin_names[i], name) != 0) continue;
        *ret_pin = (enum gc_pin)i;
        return true;
    }
    return false;
}

int gc_pin_core(int cpu)
{
    char path[96];
    int first = -1;
    snprintf(path, sizeof(path),
            "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE *file = fopen(path, "re");
    if (file == NULL) return -1;
    if (fscanf(file, "%d", &first) != 1) first = -1; /* "0,4" or "0-1": in their order */
    fclose(file);
    return first;
}

/* Adds those of `from` that share a core with `cpu`, up to `most` of them in all. */
static void add_core(const cpu_set_t *from, int cpu, uint32_t most, cpu_set_t *to)
{
    int core = gc_pin_core(cpu);
    for (int other = cpu; other < CPU_SETSIZE; other++)
        if (CPU_ISSET(other, from) && (uint32_t)CPU_COUNT(to) < most &&
                (other == cpu || (core >= 0 && gc_pin_core(other) == core)))
            CPU_SET(other, to);
}

/* Adds one CPU of each core, up to `most` in all. */
static void add_one_each(const cpu_set_t *from, uint32_t most, cpu_set_t *to)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    for (int cpu = 0; cpu < CPU_SETSIZE && (uint32_t)CPU_COUNT(to) < most; cpu++) {
        if (!CPU_ISSET(cpu, from)) continue;
        int core = gc_pin_core(cpu);
        if (core < 0 || core >= CPU_SETSIZE) core = cpu;
        if (CPU_ISSET(core, &cores)) continue;
        CPU_SET(core, &cores);
        CPU_SET(cpu, to);
    }
}

bool gc_pin_cpus(enum gc_pin pin, uint32_t threads, cpu_set_t *ret_cpus)
{
    cpu_set_t allowed;
    if (pin == GC_PIN_NONE) return false;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return false;
    CPU_ZERO(ret_cpus);
    if (pin == GC_PIN_SPREAD) add_one_each(&allowed, threads, ret_cpus);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if ((uint32_t)CPU_COUNT(ret_cpus) >= threads) break;
        if (CPU_ISSET(cpu, &allowed) && !CPU_ISSET(cpu, ret_cpus))
            add_core(&allowed, cpu, threads, ret_cpus);
    }
    return CPU_COUNT(ret_cpus) > 0;
}
