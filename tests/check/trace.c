/* SPDX-License-Identifier: MIT */
/* trace.c - what runs do, step by step, so that two of them can be compared: the same seed has the
 * same steps under a schedule, whatever addresses the system gives. */
#include <inttypes.h>
#include <string.h>

#include "bench/command.h"
#include "tests/check/check.h"

/* Of the run that is under way. */
static struct {
    const char *label;
    bool prints;
    uint64_t seed, steps, hash, counters, time;
    uint32_t threads; /* a bit for each that has taken a step */
} trace;

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 29;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    while (*text != '\0')
        hash = mix(hash, (unsigned char)*text++);
    return hash;
}

static void see_step(const struct program_step *step)
{
    uint64_t hash = mix(mix(trace.hash, step->time), step->thread);
    trace.hash = mix(mix_text(hash, step->what), step->number);
    trace.steps++;
    trace.threads |= 1u << step->thread;
    if (step->time > 0) trace.time = step->time;
    if (strcmp(step->what, PROGRAM_BEGIN) == 0) trace.seed = step->number;
    if (strncmp(step->what, PROGRAM_COUNTER, strlen(PROGRAM_COUNTER)) == 0)
        trace.counters = mix(mix_text(trace.counters, step->what), step->number);
    if (trace.prints)
        printf("%9" PRIu64 " %" PRIu32 " %s %" PRIu64 "\n", step->time, step->thread,
                step->what, step->number);
    if (strcmp(step->what, PROGRAM_END) != 0) return;
    printf("%s seed %" PRIu64 " %s: trace %016" PRIx64 " counters %016" PRIx64
           " steps %" PRIu64 " threads %d time %" PRIu64 "\n",
            trace.label, trace.seed, trace.time > 0 ? "scheduled" : "free", trace.hash,
            trace.counters, trace.steps, __builtin_popcount(trace.threads), trace.time);
    fflush(stdout); /* a child ends without that */
    trace.steps = trace.hash = trace.counters = trace.time = trace.threads = 0;
}

void check_trace(const char *label, bool steps)
{
    trace.label = label;
    trace.prints = steps;
    program_trace_to(see_step);
}

/* Chunks of seeds, each in a child for each subject. */
static int trace_chunk(const struct check_request *request, uint64_t first, size_t count)
{
    static struct program programs[CHECK_CHUNK];
    struct program_verdict verdict;
    int status = GC_EXIT_OK;
    for (size_t i = 0; i < count; i++)
        check_draw(first + i, &programs[i]);
    for (uint32_t s = 0; s < request->subject_count; s++) {
        const struct check_subject *subject = &request->subjects[s];
        struct program_config config = subject->config;
        struct program_batch batch = { &config, 1, check_timeout() };
        config.options = subject->parsed.options;
        check_trace(subject->spec, false);
        if (program_try(&batch, programs, count, &verdict) == 0) continue;
        printf("%s seed %" PRIu64 " fails: %s\n", subject->spec, first + verdict.program,
                verdict.text);
        status = GC_EXIT_FAILED;
    }
    for (size_t i = 0; i < count; i++)
        program_finish(&programs[i]);
    return status;
}

int check_trace_seeds(const struct check_request *request)
{
    uint64_t count = request->count > 0 ? request->count : 1;
    int status = GC_EXIT_OK;
    for (uint64_t at = 0; at < count; at += CHECK_CHUNK) {
        uint64_t left = count - at;
        int one = trace_chunk(request, request->seed + at,
                left < CHECK_CHUNK ? (size_t)left : CHECK_CHUNK);
        if (one != GC_EXIT_OK) status = one;
    }
    return status;
}
