/* SPDX-License-Identifier: MIT */
/* try.c - running programs: here, or in child processes, so that a crash or a hang is a
 * failure like any other. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/crash.h"
#include "core/atomic.h"
#include "core/collector.h"
#include "tests/program/program.h"

enum { STATUS_FAILED = 3 };

_Static_assert((int)PROGRAM_CALLS == (int)GC_CRASH_CALLS &&
                       (int)PROGRAM_SITUATION == (int)GC_CRASH_TEXT,
        "a verdict holds what the record of a crash does");

/* A page of both processes. */
struct report {
    size_t program;
    char config[128];
    char text[1024];
    _Atomic(uint32_t) at[PROGRAM_AT];
    struct gc_crash_record crash;
    struct program_last last[PROGRAM_THREADS];
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
    gc_crash_note(&report->crash);
    _exit(STATUS_FAILED);
}

static struct program_tally tally;
static _Atomic(uint32_t) at[PROGRAM_AT];
static struct program_host host = { .fail = fail, .tally = &tally, .at = at };

void program_watch(
        void (*pair)(const struct program *program, uint32_t first, uint32_t second),
        void (*schedule)(const struct program *program, uint64_t hash))
{
    host.pair = pair;
    host.schedule = schedule;
}

void program_tell_of(uint32_t object,
        void (*tell)(const struct program *program, uint32_t at, const char *text))
{
    host.object = object;
    host.tell = tell;
}

void program_trace_to(void (*trace)(const struct program_step *step))
{
    host.trace = trace;
}

uint64_t program_run(const struct program *program, const struct program_config *config)
{
    program_host = &host;
    for (int w = 0; w < PROGRAM_AT; w++)
        gc_atomic_store_relaxed(&host.at[w], 0);
    return program_executor_find(config->protocol->name)->execute(program, config, &host);
}

const struct program_tally *program_tally(void)
{
    return &tally;
}

void program_tally_add(struct program_tally *sum, const struct program_tally *part)
{
#define X(name) sum->name += part->name;
    PROGRAM_TALLY(X)
#undef X
}

static uint64_t run_one(
        const struct program_batch *batch, size_t config, const struct program *program)
{
    const struct program_config *c = &batch->configs[config];
    bool options = c->options != NULL && *c->options != '\0';
    if (report != NULL)
        snprintf(report->config, sizeof(report->config), "%s@%s%s%s", c->collector->name,
                c->protocol->name, options ? ":" : "", options ? c->options : "");
    return program_run(program, c);
}

static void run_all(
        const struct program_batch *batch, const struct program *programs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        report->program = i;
        memset(report->last, 0, sizeof(report->last));
        alarm(batch->timeout_seconds);
        uint64_t first = run_one(batch, 0, &programs[i]);
        for (size_t c = 1; c < batch->config_count; c++) {
            uint64_t digest = run_one(batch, c, &programs[i]);
            if (digest == first) continue;
            program_fail("two collectors disagree: the result differs from that of %s@%s",
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

/* What gc_fatal() has written: "gclab: fatal: FILE:LINE: FUNCTION: SENTENCE". */
static bool judge_assertion(struct program_verdict *verdict)
{
    static const char begin[] = "gclab: fatal: ";
    const char *place = strstr(verdict->errors, begin);
    if (place == NULL) return false;
    place += strlen(begin);
    const char *function = strstr(place, ": ");
    const char *sentence = function != NULL ? strstr(function + 2, ": ") : NULL;
    if (sentence == NULL) return false;
    verdict->failure = PROGRAM_ASSERTION;
    snprintf(verdict->text, sizeof(verdict->text), "an assertion failed: %.*s (%.*s)",
            (int)strcspn(sentence + 2, "\n"), sentence + 2, (int)(sentence - place),
            place);
    return true;
}

static void judge(int status, const struct report *page, struct program_verdict *verdict)
{
    verdict->failure = PROGRAM_CRASH;
    char *to = verdict->text;
    size_t room = sizeof(verdict->text);
    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_FAILED) {
        verdict->failure = PROGRAM_BROKEN_PROMISE;
        snprintf(to, room, "%s", page->text);
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        verdict->failure = PROGRAM_HANG;
        snprintf(to, room,
                "it hangs: somebody waits for what never comes, or goes round in "
                "a list that has no end");
    } else if (judge_assertion(verdict)) {
        return;
    } else if (WIFSIGNALED(status)) {
        const bool known = page->crash.what[0] != '\0';
        snprintf(to, room,
                "it crashes: %s%s, as when a pointer is followed into an object "
                "that was freed",
                known ? page->crash.what : "SIG",
                known ? "" : sigabbrev_np(WTERMSIG(status)));
    } else {
        snprintf(
                to, room, "it ends: with status %d, out of its own", WEXITSTATUS(status));
    }
}

static GC_NORETURN void be_child(struct report *page, int errors,
        const struct program_batch *batch, const struct program *programs, size_t count)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a campaign that ends takes it along */
    report = page;
    host.tally = &page->tally;
    host.at = page->at;
    host.last = page->last;
    dup2(errors, STDERR_FILENO);
    close(errors);
    gc_crash_watch(NULL, &page->crash);
    run_all(batch, programs, count);
    _exit(0);
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
        close(ends[0]);
        be_child(page, ends[1], batch, programs, count);
    }
    close(ends[1]);
    memset(ret_verdict, 0, sizeof(*ret_verdict)); /* large for a stack, as a literal */
    read_errors(ends[0], ret_verdict->errors, sizeof(ret_verdict->errors));
    close(ends[0]);
    int status;
    gc_require(waitpid(child, &status, 0) == child, "a child is lost");
    ret_verdict->program = page->program;
    for (int w = 0; w < PROGRAM_AT; w++)
        ret_verdict->at[w] = gc_atomic_load_relaxed(&page->at[w]);
    snprintf(ret_verdict->config, sizeof(ret_verdict->config), "%s", page->config);
    ret_verdict->tally = page->tally;
    ret_verdict->calls.count = page->crash.call_count;
    memcpy(ret_verdict->calls.address, page->crash.calls, sizeof(page->crash.calls));
    snprintf(ret_verdict->situation, sizeof(ret_verdict->situation), "%s",
            page->crash.text);
    memcpy(ret_verdict->last, page->last, sizeof(ret_verdict->last));
    bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (failed) {
        judge(status, page, ret_verdict);
    } else if (ret_verdict->errors[0] != '\0') {
        failed = true;
        ret_verdict->failure = PROGRAM_WROTE;
        snprintf(ret_verdict->text, sizeof(ret_verdict->text),
                "it writes to stderr: but passes otherwise");
    }
    munmap(page, sizeof(*page));
    return failed ? 1 : 0;
}
