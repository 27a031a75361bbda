/* SPDX-License-Identifier: MIT */
/* shrink.c - making a failing program small. */
#include <stdlib.h>
#include <string.h>

#include "core/collector.h"
#include "core/os.h"
#include "tests/program/program.h"

struct shrink {
    const struct program_batch *batch;
    struct program *program;
    struct program_verdict *verdict;
    uint64_t end_ns;
    size_t trials;
};

/* A failure that says at least as much, of the same promise: otherwise one bug would turn
 * into another one on the way. */
static bool is_as_good(
        const struct program_verdict *new_one, const struct program_verdict *old)
{
    if (new_one->failure != old->failure) return new_one->failure < old->failure;
    if (old->failure != PROGRAM_BROKEN_PROMISE) return true;
    size_t length = strcspn(old->text, ":");
    return strcspn(new_one->text, ":") == length &&
           memcmp(new_one->text, old->text, length) == 0;
}

/* Takes the smaller program if it fails as well; frees it otherwise. */
static bool replace(struct shrink *s, struct program *less)
{
    static struct program_verdict another; /* large for a stack */
    bool fails = false;
    const bool can_be_read = less->count > 0; /* program_read() takes no empty one */
    if (can_be_read && gc_os_now_ns() < s->end_ns) {
        s->trials++;
        fails = program_try(s->batch, less, 1, &another) != 0 &&
                is_as_good(&another, s->verdict);
    }
    if (!fails) {
        program_finish(less);
        return false;
    }
    program_finish(s->program);
    *s->program = *less;
    *s->verdict = another;
    return true;
}

/* The program without operations [at, at + n). */
static struct program without(const struct program *program, size_t at, size_t n)
{
    struct program less = program_copy(program);
    size_t left = less.count - at > n ? less.count - at - n : 0;
    memmove(&less.ops[at], &less.ops[at + n], left * sizeof(*less.ops));
    less.count = at + left;
    return less;
}

static void shrink_operations(struct shrink *s)
{
    for (size_t n = (s->program->count + 1) / 2; n > 0;) {
        bool shorter = false;
        for (size_t at = 0; at < s->program->count;) {
            struct program less = without(s->program, at, n);
            if (replace(s, &less))
                shorter = true;
            else
                at += n;
        }
        if (n > 1)
            n = (n + 1) / 2;
        else if (!shorter)
            break;
    }
}

/* Makes arguments 0, and workers the first, where that still fails. */
static void shrink_arguments(struct shrink *s)
{
    for (size_t i = 0; i < s->program->count; i++) {
        for (int k = -1; k < PROGRAM_ARGUMENTS; k++) {
            struct program less = program_copy(s->program);
            struct program_op *op = &less.ops[i];
            bool plain = k < 0 ? op->worker == 0 : op->arguments[k] == 0;
            if (k < 0)
                op->worker = 0;
            else
                op->arguments[k] = 0;
            if (plain)
                program_finish(&less);
            else
                replace(s, &less);
        }
    }
}

/* Makes settings 0, or else 1, where that still fails; one thread instead of two. */
static void shrink_settings(struct shrink *s)
{
    struct program less = program_copy(s->program);
    less.settings = (struct program_settings){ .threads = 1 };
    if (replace(s, &less)) return;
    less = program_copy(s->program);
    less.settings.schedule = PROGRAM_REAL;
    replace(s, &less);
#define X(name)                                                                          \
    for (uint32_t value = 0; value <= 1 && strcmp(#name, "threads") != 0; value++) {     \
        if (s->program->settings.name <= value) break;                                   \
        less = program_copy(s->program);                                                 \
        less.settings.name = value;                                                      \
        if (replace(s, &less)) break;                                                    \
    }
    PROGRAM_SETTINGS(X)
#undef X
}

size_t program_shrink(const struct program_batch *batch, struct program *program,
        struct program_verdict *verdict, double seconds)
{
    struct shrink s = {
        .batch = batch,
        .program = program,
        .verdict = verdict,
        .end_ns = gc_os_now_ns() + (uint64_t)(seconds * 1e9),
    };
    shrink_settings(&s);
    shrink_operations(&s);
    shrink_settings(&s);
    shrink_arguments(&s);
    return s.trials;
}
