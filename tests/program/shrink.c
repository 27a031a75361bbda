/* SPDX-License-Identifier: MIT */
/* shrink.c - running programs in child processes, so that a crash or a hang is a failure
 * like any other, and making a failing program small. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/collector.h"
#include "tests/program/program.h"

enum { STATUS_FAILED = 3 };

/* A page of both processes. */
struct report {
    size_t program;
    char config[128];
    char text[1024];
    struct program_tally tally;
};

static struct report *report; /* NULL: no child; then failing aborts */

static void fail(const char *text)
{
    if (report == NULL) {
        fprintf(stderr, "%s\n", text);
        abort();
    }
    snprintf(report->text, sizeof(report->text), "%s", text);
    _exit(STATUS_FAILED);
}

static struct program_tally tally;
static const struct program_host host = { .fail = fail, .tally = &tally };

uint64_t program_run(const struct program *program, const struct program_config *config,
        const struct program_settings *settings)
{
    program_host = &host;
    return program_executor_find(config->protocol->name)
            ->execute(program, config, settings, &host);
}

const struct program_tally *program_tally(void)
{
    return &tally;
}

static uint64_t run_one(
        const struct program_batch *batch, size_t config, const struct program *program)
{
    const struct program_config *c = &batch->configs[config];
    if (report != NULL)
        snprintf(report->config, sizeof(report->config), "%s@%s%s%s", c->collector->name,
                c->protocol->name, c->options != NULL ? ":" : "",
                c->options != NULL ? c->options : "");
    return program_run(program, c, &batch->settings);
}

static void run_all(
        const struct program_batch *batch, const struct program *programs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (report != NULL) report->program = i;
        alarm(batch->timeout_seconds);
        uint64_t first = run_one(batch, 0, &programs[i]);
        for (size_t c = 1; c < batch->config_count; c++) {
            uint64_t digest = run_one(batch, c, &programs[i]);
            if (digest == first) continue;
            program_fail("the result differs from that of %s@%s",
                    batch->configs[0].collector->name, batch->configs[0].protocol->name);
        }
    }
}

/* What the child wrote to stderr, as far as it fits, with the rest read and dropped. */
static void read_errors(int from, char *to, size_t room)
{
    size_t length = 0;
    char buffer[512];
    ssize_t n;
    while ((n = read(from, buffer, sizeof(buffer))) > 0) {
        size_t fits = room - 1 - length;
        if (fits > (size_t)n) fits = (size_t)n;
        memcpy(to + length, buffer, fits);
        length += fits;
    }
    to[length] = '\0';
}

static void judge(int status, const struct report *page, struct program_verdict *verdict)
{
    verdict->program = page->program;
    char how[64] = "";
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(how, sizeof(how), "it hangs");
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof(how), "it crashes with signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != STATUS_FAILED)
        snprintf(how, sizeof(how), "it exits with status %d", WEXITSTATUS(status));
    snprintf(verdict->text, sizeof(verdict->text), "%s: %.700s", page->config,
            how[0] != '\0' ? how : page->text);
}

int program_try(const struct program_batch *batch, const struct program *programs,
        size_t count, struct program_verdict *ret_verdict)
{
    struct report *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2];
    gc_require(page != MAP_FAILED && pipe(ends) == 0, "a child can't be prepared");
    fflush(NULL);
    pid_t child = fork();
    gc_require(child >= 0, "a child can't be started");
    if (child == 0) {
        report = page;
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        tally = (struct program_tally){ 0 };
        run_all(batch, programs, count);
        report->tally = tally;
        _exit(0);
    }
    close(ends[1]);
    read_errors(ends[0], ret_verdict->errors, sizeof(ret_verdict->errors));
    close(ends[0]);
    int status;
    gc_require(waitpid(child, &status, 0) == child, "a child is lost");
    bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    ret_verdict->only_wrote = !failed && ret_verdict->errors[0] != '\0';
    if (failed)
        judge(status, page, ret_verdict);
    else if (ret_verdict->only_wrote)
        snprintf(ret_verdict->text, sizeof(ret_verdict->text),
                "it passes, but writes to stderr");
    failed |= ret_verdict->only_wrote;
    ret_verdict->tally = page->tally;
    munmap(page, sizeof(*page));
    return failed ? 1 : 0;
}

/* --- shrinking ----------------------------------------------------------------------- */

/* The program without operations [at, at + n). */
static struct program without(const struct program *program, size_t at, size_t n)
{
    struct program less = { .seed = program->seed };
    for (size_t i = 0; i < program->count; i++)
        if (i < at || i >= at + n) program_append(&less, program->ops[i]);
    return less;
}

/* Takes the smaller program if it fails as well. */
static bool replace(const struct program_batch *batch, struct program *program,
        struct program *less, struct program_verdict *verdict)
{
    struct program_verdict another;
    if (program_try(batch, less, 1, &another) == 0) {
        program_finish(less);
        return false;
    }
    program_finish(program);
    *program = *less;
    *verdict = another;
    return true;
}

/* Makes arguments 0 where that still fails. */
static size_t shrink_arguments(const struct program_batch *batch, struct program *program,
        struct program_verdict *verdict)
{
    size_t trials = 0;
    for (size_t i = 0; i < program->count; i++) {
        for (int k = 0; k < PROGRAM_ARGUMENTS; k++) {
            if (program->ops[i].arguments[k] == 0) continue;
            struct program less = without(program, 0, 0);
            less.ops[i].arguments[k] = 0;
            trials++;
            replace(batch, program, &less, verdict);
        }
    }
    return trials;
}

size_t program_shrink(const struct program_batch *batch, struct program *program,
        struct program_verdict *verdict)
{
    size_t trials = 0;
    for (size_t n = (program->count + 1) / 2; n > 0;) {
        bool shorter = false;
        for (size_t at = 0; at < program->count;) {
            struct program less = without(program, at, n);
            trials++;
            if (replace(batch, program, &less, verdict))
                shorter = true;
            else
                at += n;
        }
        if (n > 1)
            n = (n + 1) / 2;
        else if (!shorter)
            break;
    }
    return trials + shrink_arguments(batch, program, verdict);
}
