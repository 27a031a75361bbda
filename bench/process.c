/* SPDX-License-Identifier: MIT */
/* process.c - one sample, in a fresh process of its own or in this one. */
#include "bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/environment.h"
#include "bench/plugins.h"
#include "bench/sample.h"
#include "bench/text.h"
#include "core/os.h"

enum {
    TICK_MS = 500,
    REPORT_MAX = 1 << 16, /* bytes of a child's stderr that are passed on */
    EXEC_FAILED = 127,
};

volatile sig_atomic_t gc_interrupted;
static sigset_t outside; /* the mask that the program was started with */

static void on_interrupt(int number)
{
    gc_interrupted = number;
}

void gc_interrupts_catch(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = on_interrupt,
        .sa_flags = (int)SA_RESETHAND };
    sigset_t blocked;
    sigemptyset(&blocked);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction before;
        sigaction(numbers[i], NULL, &before);
        if (before.sa_handler == SIG_IGN) continue; /* as under nohup */
        sigaction(numbers[i], &action, NULL);
        sigaddset(&blocked, numbers[i]);
    }
    pthread_sigmask(SIG_BLOCK, &blocked, &outside);
}

bool gc_interrupts_wait(uint32_t ms)
{
    struct timespec wait = { .tv_sec = ms / 1000,
        .tv_nsec = (long)(ms % 1000) * 1000000 };
    if (gc_interrupted == 0) ppoll(NULL, 0, &wait, &outside);
    return gc_interrupted == 0;
}

void gc_measured_own_names(struct gc_measured *measured)
{
    struct gc_sample *sample = &measured->sample;
    for (uint32_t i = 0; i < sample->stall_count; i++)
        sample->stalls[i].cause = measured->stall_names[i];
    for (uint32_t i = 0; i < sample->counter_count; i++)
        sample->counters[i].name = measured->counter_names[i];
}

/* In the child, between fork() and exec(). Only calls that are safe there. */
static void become_sample(char **arguments, int report, const cpu_set_t *cpus)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (cpus != NULL) sched_setaffinity(0, sizeof(*cpus), cpus);
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0) dup2(null, STDIN_FILENO); /* it may not read from the terminal */
    if (report >= 0) {
        dup2(report, STDOUT_FILENO);
        dup2(report, STDERR_FILENO);
    }
    pthread_sigmask(SIG_SETMASK, &outside, NULL);
    execv("/proc/self/exe", arguments);
    _exit(EXEC_FAILED);
}

/* Starts the child; returns its id or -errno. */
static pid_t start(const struct gc_job *job, int result, int report)
{
    char fd[16], threads[16], heap[24], seed[24], checks[16];
    snprintf(fd, sizeof(fd), "%d", result);
    snprintf(threads, sizeof(threads), "%" PRIu32, job->threads);
    snprintf(heap, sizeof(heap), "%" PRIu64, job->heap_limit);
    snprintf(seed, sizeof(seed), "%" PRIu64, job->seed);
    snprintf(checks, sizeof(checks), "%" PRIu32, job->checks);
    const char *const first[] = { "gclab", "sample", fd, job->collector->label,
        job->spec->label, threads, heap, seed, job->weak ? "weak" : "fixed",
        job->workload->counts_operations ? "counted" : "timed", checks };
    enum { FIRST = sizeof(first) / sizeof(first[0]) };
    const char **files = gc_plugins_files();
    size_t count = 0;
    while (files[count] != NULL)
        count++;
    char **arguments = gc_need((FIRST + count + 1) * sizeof(*arguments));
    memcpy(arguments, first, sizeof(first));
    memcpy(arguments + FIRST, files, count * sizeof(*files));
    free(files);
    cpu_set_t cpus;
    bool is_pinned = gc_pin_cpus(job->pin, job->threads, &cpus);
    pid_t child = fork();
    if (child == 0) become_sample(arguments, report, is_pinned ? &cpus : NULL);
    int error = errno;
    free(arguments);
    if (child < 0) return -error;
    setpgid(child, child); /* both do it: neither may come too late */
    return child;
}

enum waited { WAITED_END, WAITED_TIMEOUT, WAITED_INTERRUPT };

/* Reads from the pipe until its end, the deadline or a signal. */
static enum waited receive(int pipe_end, const struct gc_job *job,
        void (*tick)(void *, bool), void *argument, struct gc_wire *wire,
        size_t *ret_length)
{
    uint64_t start_ns = gc_os_now_ns();
    size_t length = 0;
    char spill[256];
    for (;;) {
        if (gc_interrupted != 0) return WAITED_INTERRUPT;
        uint64_t wait_ns = TICK_MS * UINT64_C(1000000);
        if (job->timeout_ns > 0) {
            uint64_t spent = gc_os_now_ns() - start_ns;
            if (spent >= job->timeout_ns) return WAITED_TIMEOUT;
            if (job->timeout_ns - spent < wait_ns) wait_ns = job->timeout_ns - spent;
        }
        struct pollfd poll = { .fd = pipe_end, .events = POLLIN };
        struct timespec wait = { .tv_nsec = (long)wait_ns };
        int ready = ppoll(&poll, 1, &wait, &outside);
        if (ready == 0) tick(argument, false);
        if (ready <= 0) continue;

        /* what is longer than a result is none: the size of it will tell */
        bool room = length < sizeof(*wire);
        ssize_t n = read(pipe_end, room ? (char *)wire + length : spill,
                room ? sizeof(*wire) - length : sizeof(spill));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        length += (size_t)n;
    }
    *ret_length = length;
    return WAITED_END;
}

/* What the child wrote, cut to REPORT_MAX bytes. */
static char *read_report(int report)
{
    char *text = gc_need(REPORT_MAX + 1);
    size_t length = 0;
    while (report >= 0 && length < REPORT_MAX) {
        ssize_t n = pread(report, text + length, REPORT_MAX - length, (off_t)length);
        if (n <= 0) break;
        length += (size_t)n;
    }
    return text;
}

static void set_outcome(struct gc_measured *measured, enum gc_outcome outcome,
        const char *format, ...) GC_PRINTF(3, 4);

static void set_outcome(
        struct gc_measured *measured, enum gc_outcome outcome, const char *format, ...)
{
    va_list args;
    measured->sample.outcome = outcome;
    va_start(args, format);
    vsnprintf(measured->sample.message, sizeof(measured->sample.message), format, args);
    va_end(args);
}

/* How a child ended that did not end well, and the first line that it wrote, or, better, what
 * its report of the crash begins with (crash.h). */
static void describe_crash(struct gc_measured *measured, int status, const char *report)
{
    static const char crash[] = "gclab: crash: ", fatal[] = "gclab: fatal: ";
    const char *begin = strstr(report, crash);
    if (begin != NULL && strstr(report, fatal) == NULL) report = begin + strlen(crash);
    int length = (int)strcspn(report, "\n");
    if (length > 300) length = 300;
    const char *colon = length > 0 ? ": " : "";
    if (!WIFSIGNALED(status)) {
        set_outcome(measured, GC_OUTCOME_CRASH, "ended with status %d%s%.*s",
                WEXITSTATUS(status), colon, length, report);
        return;
    }
    int number = WTERMSIG(status);
    const char *name = sigabbrev_np(number);
    set_outcome(measured, GC_OUTCOME_CRASH, "killed by SIG%s%s%s%.*s",
            name != NULL ? name : "?",
            number == SIGKILL ? " (perhaps the system ran out of memory)" : "", colon,
            length, report);
}

/* `wire` is NULL where less, or more, has come than a result. */
static void judge(struct gc_measured *measured, const struct gc_job *job,
        enum waited waited, int status, const struct gc_wire *wire, const char *report)
{
    bool whole =
            wire != NULL && wire->magic == GC_WIRE_MAGIC && wire->size == sizeof(*wire);
    if (waited == WAITED_TIMEOUT) {
        set_outcome(measured, GC_OUTCOME_TIMEOUT, "killed after %g s",
                (double)job->timeout_ns / 1e9);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        describe_crash(measured, status, report);
    } else if (!whole) {
        set_outcome(measured, GC_OUTCOME_CRASH, "ended without a result");
    } else {
        *measured = wire->measured;
        gc_measured_own_names(measured);
    }
}

/* What is noted before a sample. */
struct before {
    char started[32];
    struct gc_cpu_time cpu;
};

static void note_start(struct before *before)
{
    time_t now = time(NULL);
    struct tm utc;
    memset(&utc, 0, sizeof(utc));
    gmtime_r(&now, &utc);
    strftime(before->started, sizeof(before->started), "%Y-%m-%dT%H:%M:%SZ", &utc);
    before->cpu = gc_environment_cpu_time();
}

static uint64_t nanoseconds(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_usec * 1000;
}

/* `usage` is that of the process that ended, or NULL where it was this one. */
static void note_end(struct gc_measured *measured, const struct before *before,
        const struct rusage *usage)
{
    struct gc_cpu_time after = gc_environment_cpu_time();
    measured->has_steal = before->cpu.is_known && after.is_known;
    measured->steal = measured->has_steal ? after.steal - before->cpu.steal : 0;
    memcpy(measured->started, before->started, sizeof(measured->started));
    measured->disturbed[0] = '\0';
    if (usage != NULL)
        gc_environment_disturbance(&before->cpu, &after,
                nanoseconds(&usage->ru_utime) + nanoseconds(&usage->ru_stime),
                measured->disturbed, sizeof(measured->disturbed));
}

int gc_process_run(const struct gc_job *job, void (*tick)(void *argument, bool clear),
        void *argument, struct gc_measured *ret_measured)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    int report = memfd_create("gclab-stderr", MFD_CLOEXEC); /* -1: the terminal gets it */
    struct before before;
    note_start(&before);
    int result = dup(ends[1]); /* the one that survives exec() */
    pid_t child = result < 0 ? -errno : start(job, result, report);
    if (result >= 0) close(result);
    close(ends[1]);

    struct gc_wire *wire = gc_need(sizeof(*wire));
    if (child > 0) {
        size_t length = 0;
        int status;
        enum waited waited = receive(ends[0], job, tick, argument, wire, &length);
        if (waited != WAITED_END) kill(-child, SIGKILL);
        struct rusage usage;
        while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR)
            continue;
        char *text = read_report(report);
        memset(ret_measured, 0, sizeof(*ret_measured));
        judge(ret_measured, job, waited, status, length == sizeof(*wire) ? wire : NULL,
                text);
        note_end(ret_measured, &before, &usage);
        if (*text != '\0') {
            tick(argument, true); /* clears the line that it would run into */
            fputs(text, stderr);
        }
        free(text);
        if (waited == WAITED_INTERRUPT) child = -EINTR;
    }
    free(wire);
    close(ends[0]);
    if (report >= 0) close(report);
    return child < 0 ? (int)child : 0;
}

void gc_process_run_here(const struct gc_job *job,
        void (*exhausted)(const struct gc_sample *sample, void *argument), void *argument,
        struct gc_measured *ret_measured)
{
    struct before before;
    note_start(&before);
    memset(ret_measured, 0, sizeof(*ret_measured));
    gc_sample_measure(job, exhausted, argument, ret_measured);
    note_end(ret_measured, &before, NULL);
}
