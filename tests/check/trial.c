/* SPDX-License-Identifier: MIT */
/* trial.c - all of a trial, drawn from its seed. */
#include <string.h>

#include "core/collector.h"
#include "core/schedule.h"
#include "tests/check/check.h"
#include "tests/program/draw.h"

enum { LENGTH_LEAST = 20, LENGTH_MORE = 181 }; /* so the median is above 100 */

const char *const check_tool_names[CHECK_TOOL_COUNT] = {
#define X(name, words) words,
    CHECK_TOOLS(X)
#undef X
};

enum check_tool check_tool_of(uint64_t seed)
{
    return (enum check_tool)(seed % CHECK_TOOL_COUNT);
}

static void draw_schedule(
        uint64_t *state, struct program_settings *s, enum program_policy policy)
{
    s->schedule = policy;
    s->seed = program_below(state, 1 << 16);
    s->period = 1 + program_below(state, 8);
    if (policy == PROGRAM_ROUND_ROBIN) s->seed = 0;
    if (program_below(state, 2) == 0)
        s->racers = 1 + program_below(state, PROGRAM_RACERS);
    if (policy != PROGRAM_PRIORITIES) return;
    s->period = 0;
    s->changes = program_below(state, 7);
    s->length = 32u << program_below(state, 9);
}

/* What is stressed beside the schedule. Not all at once: one may hide what another finds. */
static void draw_stress(uint64_t *state, struct program_settings *s)
{
    if (program_below(state, 2) == 0) s->collect = 1 + program_below(state, 12);
    if (program_below(state, 2) == 0) s->wakeups = 2 + program_below(state, 16);
    if (program_below(state, 2) == 0) s->sleeper = 1;
    if (program_below(state, 2) == 0) s->verify = 1;
    if (program_below(state, 4) == 0) s->check = 1 + program_below(state, 8);
    if (program_below(state, 4) == 0) s->fail = 1 + program_below(state, 80);
    if (program_below(state, 4) == 0) s->room = 1 + program_below(state, 8);
    if (program_below(state, 4) == 0) s->merge = 1 + program_below(state, 8);
}

void check_draw(uint64_t seed, struct program *ret_program)
{
    enum check_tool tool = check_tool_of(seed);
    uint64_t state = seed;
    size_t length = LENGTH_LEAST + (size_t)program_below(&state, LENGTH_MORE);
    program_generate(ret_program, seed, length, 1);
    struct program_settings *s = &ret_program->settings;
    switch (tool) {
    case CHECK_ALONE:
        s->threads = 1;
        if (program_below(&state, 3) == 0) s->collect = 1 + program_below(&state, 12);
        s->verify = program_below(&state, 2);
        if (program_below(&state, 4) == 0) s->fail = 1 + program_below(&state, 40);
        if (program_below(&state, 8) == 0) s->room = 1 + program_below(&state, 8);
        break;
    case CHECK_IN_TURN:
        draw_schedule(&state, s, PROGRAM_ROUND_ROBIN);
        break;
    case CHECK_AT_RANDOM:
        draw_schedule(&state, s, PROGRAM_RANDOM);
        break;
    case CHECK_PRIORITIES:
        draw_schedule(&state, s, PROGRAM_PRIORITIES);
        break;
    case CHECK_REAL:
        s->disturb = 1 + program_below(&state, 16);
        if (program_below(&state, 2) == 0) s->racers = PROGRAM_RACERS;
        break;
    case CHECK_STRESS:
    case CHECK_TOOL_COUNT:
        draw_schedule(&state, s,
                (enum program_policy)(PROGRAM_ROUND_ROBIN + program_below(&state, 3)));
        draw_stress(&state, s);
        break;
    }
}

/* A value that the option takes: small ones, where queues, stacks and logs are full at once. */
static bool draw_value(
        uint64_t *state, const struct gc_option *option, char *to, size_t room)
{
    uint64_t up = program_below(state, 8);
    switch (option->kind) {
    case GC_OPTION_INT:
    case GC_OPTION_SIZE:
        if (option->kind == GC_OPTION_SIZE) up *= (uint64_t)option->min / 4;
        if (up > (uint64_t)option->max - (uint64_t)option->min) up = 0;
        snprintf(to, room, "%lld", (long long)(option->min + (int64_t)up));
        return true;
    case GC_OPTION_BOOL:
        snprintf(to, room, "%s", up % 2 == 0 ? "no" : "yes");
        return true;
    case GC_OPTION_CHOICE: {
        size_t count = 1;
        for (const char *c = option->choices; *c != '\0'; c++)
            count += *c == '|';
        const char *word = option->choices;
        for (size_t k = up % count; k > 0; k--)
            word = strchr(word, '|') + 1;
        snprintf(to, room, "%.*s", (int)strcspn(word, "|"), word);
        return true;
    }
    case GC_OPTION_TEXT:
        break;
    }
    return false;
}

/* Appends to what the user has asked for, which is left as it is. */
static void draw_options(
        uint64_t *state, const struct check_subject *subject, char options[CHECK_OPTIONS])
{
    const struct gc_option *option = subject->parsed.info.options;
    for (; option != NULL && option->name != NULL; option++) {
        char value[64], given[64];
        size_t length = strlen(options);
        snprintf(given, sizeof(given), "%s=", option->name);
        if (program_below(state, 2) == 0 || strstr(options, given) != NULL) continue;
        if (!draw_value(state, option, value, sizeof(value))) continue;
        if (length + strlen(given) + strlen(value) + 2 > CHECK_OPTIONS) return;
        snprintf(options + length, CHECK_OPTIONS - length, "%s%s%s",
                length > 0 ? ":" : "", given, value);
    }
}

const struct check_subject *check_subject_of(const struct check_request *request,
        uint64_t seed, char options[CHECK_OPTIONS], struct program_config *ret_config)
{
    uint64_t chunk = seed / CHECK_CHUNK;
    const struct check_subject *subject =
            &request->subjects[chunk % request->subject_count];
    uint64_t state = chunk;
    snprintf(options, CHECK_OPTIONS, "%s", subject->parsed.options);
    *ret_config = subject->config;
    if (chunk / request->subject_count % 2 == 1) {
        draw_options(&state, subject, options);
        ret_config->may_refuse = strcmp(options, subject->parsed.options) != 0;
    }
    ret_config->options = options;
    return subject;
}

uint32_t check_patience(void)
{
    return 4 * check_timeout();
}

uint32_t check_timeout(void)
{
    return GC_TSAN || GC_ASAN ? 30 : 5;
}
