/* SPDX-License-Identifier: MIT */
/* environment.c - what a reader of a result must know of the machine.
 *
 * The name of the host is left out on purpose: results are published.
 */
#include "bench/environment.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/json.h"
#include "bench/pin.h"
#include "core/harness.h"
#include "core/os.h"

/* The first line of a file, without its newline; "" if it can't be had. */
static void read_line(const char *path, char *text, size_t size)
{
    text[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL) return;
    if (fgets(text, (int)size, file) == NULL) text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    fclose(file);
}

/* The model's name, and whether there is a hypervisor, which says so in the flags. */
static void read_cpu(struct gc_environment *e)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL) return;
    while (getline(&line, &room, file) > 0) {
        char *value = strchr(line, ':');
        if (value == NULL) {
            if (e->cpu[0] != '\0') break; /* the first CPU stands for all */
            continue;
        }
        value += strspn(value, ": \t");
        value[strcspn(value, "\n")] = '\0';
        if (strncmp(line, "model name", 10) == 0)
            snprintf(e->cpu, sizeof(e->cpu), "%.127s", value);
        if (strncmp(line, "flags", 5) == 0 && strstr(value, " hypervisor") != NULL)
            e->is_virtual = true;
    }
    free(line);
    fclose(file);
}

/* CPUs of the set, one for each core; 0: not known. */
static uint32_t count_cores(const cpu_set_t *set)
{
    uint32_t cores = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, set)) continue;
        int core = gc_pin_core(cpu);
        if (core < 0) return 0;
        bool is_first = true;
        for (int other = core; other < cpu && is_first; other++)
            is_first = !CPU_ISSET(other, set) || gc_pin_core(other) != core;
        if (is_first) cores++;
    }
    return cores;
}

/* "200000 100000" is two CPUs, "max 100000" is no limit. */
static double read_quota(void)
{
    char line[64];
    double quota, period;
    read_line("/sys/fs/cgroup/cpu.max", line, sizeof(line));
    if (sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0)
        return quota / period;
    return NAN;
}

static void read_boost(char *text, size_t size)
{
    char line[16];
    read_line("/sys/devices/system/cpu/cpufreq/boost", line, sizeof(line));
    const char *on = "1";
    if (line[0] == '\0') {
        read_line("/sys/devices/system/cpu/intel_pstate/no_turbo", line, sizeof(line));
        on = "0";
    }
    snprintf(text, size, "%s",
            line[0] == '\0'         ? ""
            : strcmp(line, on) == 0 ? "on"
                                    : "off");
}

/* What of the kernel's command line changes how fast a program runs. The rest says where disks
 * are and the like: results are published. */
static void read_kernel_options(char *text, size_t size)
{
    static const char *const telling[] = { "mitigations", "pti", "nopti", "spectre",
        "isolcpus", "nohz", "nohz_full", "rcu_nocbs", "irqaffinity", "intel_pstate",
        "amd_pstate", "intel_idle", "processor.", "idle", "nosmt", "maxcpus",
        "transparent_hugepage", "hugepages", "default_hugepagesz", "numa_balancing",
        "clocksource", "tsc", "preempt", "norandmaps" };
    char line[2048], *rest, *word;
    size_t length = 0;
    read_line("/proc/cmdline", line, sizeof(line));
    text[0] = '\0';
    for (word = strtok_r(line, " ", &rest); word != NULL;
            word = strtok_r(NULL, " ", &rest)) {
        for (size_t i = 0; i < sizeof(telling) / sizeof(telling[0]); i++) {
            if (strncmp(word, telling[i], strlen(telling[i])) != 0) continue;
            if (length + strlen(word) + 2 > size) return;
            length += (size_t)snprintf(
                    text + length, size - length, "%s%s", length > 0 ? " " : "", word);
            break;
        }
    }
}

static uint32_t count_nodes(void)
{
    uint32_t nodes = 0;
    char path[64];
    while (snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", nodes) > 0 &&
            access(path, F_OK) == 0)
        nodes++;
    return nodes;
}

/* "always [madvise] never" says madvise. */
static void keep_bracketed(char *text)
{
    char *open = strchr(text, '['), *close = open != NULL ? strchr(open, ']') : NULL;
    if (close == NULL) return;
    *close = '\0';
    memmove(text, open + 1, strlen(open + 1) + 1);
}

void gc_environment_read(struct gc_environment *ret_environment)
{
    struct gc_environment *e = ret_environment;
    struct utsname name;
    char line[64];
    memset(e, 0, sizeof(*e));
    if (uname(&name) == 0) {
        snprintf(e->kernel, sizeof(e->kernel), "%s %s", name.sysname, name.release);
        snprintf(e->machine, sizeof(e->machine), "%.63s", name.machine);
    } else {
        e->kernel[0] = e->machine[0] = '\0';
    }
    read_cpu(e);
    read_boost(e->boost, sizeof(e->boost));
    read_kernel_options(e->kernel_options, sizeof(e->kernel_options));
    read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", e->governor,
            sizeof(e->governor));
    read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource",
            e->clock_source, sizeof(e->clock_source));
    read_line("/sys/kernel/mm/transparent_hugepage/enabled", e->huge_pages,
            sizeof(e->huge_pages));
    keep_bracketed(e->huge_pages);
    read_line("/proc/sys/kernel/randomize_va_space", line, sizeof(line));
    e->aslr = isdigit((unsigned char)line[0]) ? strtol(line, NULL, 10) : -1;

    long online = sysconf(_SC_NPROCESSORS_ONLN);
    e->cpus_online = online > 0 ? (uint32_t)online : 1;
    cpu_set_t set;
    bool has_set = sched_getaffinity(0, sizeof(set), &set) == 0;
    e->cpus_allowed = has_set ? (uint32_t)CPU_COUNT(&set) : e->cpus_online;
    e->cores_allowed = has_set ? count_cores(&set) : 0;
    e->numa_nodes = count_nodes();
    e->cpu_quota = read_quota();
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    e->memory_bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    struct gc_cpu_time time = gc_environment_cpu_time();
    uint64_t all = time.busy + time.idle + time.steal;
    e->steal_percent =
            time.is_known && all > 0 ? (double)time.steal * 100 / (double)all : NAN;
    if (getloadavg(&e->load, 1) != 1) e->load = NAN;
}

struct gc_cpu_time gc_environment_cpu_time(void)
{
    char line[256];
    uint64_t ticks[8]; /* user nice system idle iowait irq softirq steal */
    struct gc_cpu_time time = { .at_ns = gc_os_now_ns() };
    read_line("/proc/stat", line, sizeof(line));
    if (sscanf(line,
                "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                " %" SCNu64 " %" SCNu64,
                &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5],
                &ticks[6], &ticks[7]) != 8)
        return time;
    time.is_known = true;
    time.busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6];
    time.idle = ticks[3] + ticks[4];
    time.steal = ticks[7];
    return time;
}

void gc_environment_disturbance(const struct gc_cpu_time *before,
        const struct gc_cpu_time *after, uint64_t own_ns, char *text, size_t size)
{
    text[0] = '\0';
    if (!before->is_known || !after->is_known || after->at_ns <= before->at_ns) return;
    double per_second = (double)sysconf(_SC_CLK_TCK);
    double whole = (double)(after->at_ns - before->at_ns) / 1e9 * per_second;
    double steal = (double)(after->steal - before->steal);
    double others =
            (double)(after->busy - before->busy) - (double)own_ns / 1e9 * per_second;
    if (steal >= GC_DISTURBED_STEAL_TICKS && steal * 100 > GC_DISTURBED_STEAL * whole)
        snprintf(text, size, "steal: a hypervisor took %.1f %% of a CPU",
                steal * 100 / whole);
    else if (others >= GC_DISTURBED_LOAD_TICKS &&
             others * 100 > GC_DISTURBED_LOAD * whole)
        snprintf(text, size, "load: other processes took %.0f %% of a CPU",
                others * 100 / whole);
}

static const char *known(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* What a line and a machine record share. */
static void write_common(const struct gc_environment *e, struct gc_json *json)
{
    gc_json_text(json, "gclab_version", GCLAB_VERSION);
    gc_json_number(json, "check_level", (uint64_t)gc_build_check_level());
    gc_json_text(json, "compiler", GCLAB_COMPILER);
    gc_json_text(json, "build_type", GCLAB_BUILD_TYPE);
    gc_json_text(json, "kernel", known(e->kernel));
    gc_json_text(json, "machine", known(e->machine));
    gc_json_text(json, "cpu", known(e->cpu));
    gc_json_number(json, "cpus_online", e->cpus_online);
    gc_json_number(json, "cpus_allowed", e->cpus_allowed);
    gc_json_real(json, "load_at_start", e->load);
    gc_json_text(json, "governor", known(e->governor));
    gc_json_number_if(json, "aslr", e->aslr >= 0, (uint64_t)e->aslr);
    gc_json_text(json, "transparent_huge_pages", known(e->huge_pages));
    gc_json_text(json, "clock_source", known(e->clock_source));
}

void gc_environment_write_machine(
        const struct gc_environment *environment, struct gc_json *json)
{
    const struct gc_environment *e = environment;
    write_common(e, json);
    gc_json_text(json, "build_options", GCLAB_BUILD_OPTIONS);
    gc_json_bool(json, "virtual", e->is_virtual);
    gc_json_number_if(json, "cores_allowed", e->cores_allowed > 0, e->cores_allowed);
    gc_json_number_if(json, "numa_nodes", e->numa_nodes > 0, e->numa_nodes);
    gc_json_number_if(json, "memory_bytes", e->memory_bytes > 0, e->memory_bytes);
    gc_json_text(json, "boost", known(e->boost));
    gc_json_real(json, "cpu_quota", e->cpu_quota);
    gc_json_real(json, "steal_percent", e->steal_percent);
    gc_json_text(json, "kernel_options", known(e->kernel_options));
}

void gc_environment_write(const struct gc_environment *environment, bool has_steal,
        uint64_t steal, struct gc_json *json)
{
    gc_json_begin(json, "environment");
    write_common(environment, json);
    gc_json_number_if(json, "steal_ticks", has_steal, steal);
    gc_json_end(json);
}
