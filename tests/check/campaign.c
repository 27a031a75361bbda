/* SPDX-License-Identifier: MIT */
/* campaign.c - trials by the thousand, on several processes, until one fails.
 *
 * Worker processes take chunks of seeds, and run each in a child of their own (try.c). What
 * they have seen is in memory that all share. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/file.h"
#include "bench/text.h"
#include "core/atomic.h"
#include "core/collector.h"
#include "core/os.h"
#include "tests/check/check.h"

enum {
    JOBS = 64,
    SEEN = 1 << 22, /* hashes of schedules that are told apart */
    NOTHING = 0,    /* an empty place of the table */
    TICK_NS = 100 * 1000 * 1000,
    LENGTHS = 512, /* operations of a program, and all that are longer */
};

/* Of one worker, by it alone; read by all at the end. */
struct worker {
    _Atomic(uint64_t) programs[CHECK_TOOL_COUNT], operations[CHECK_TOOL_COUNT];
    struct program_tally tally;
    uint64_t threaded, lengths[LENGTHS];
    uint64_t failed; /* its seed that failed, plus 1 */
    char said[CHECK_SAID];
};

/* Of all processes. */
struct shared {
    _Atomic(uint64_t) chunks; /* that were given out */
    _Atomic(uint64_t) failed; /* the lowest seed that failed, plus 1; 0: none */
    _Atomic(uint64_t) schedules[CHECK_TOOL_COUNT];
    _Atomic(uint8_t) pairs[CHECK_TOOL_COUNT][PROGRAM_OP_COUNT][PROGRAM_OP_COUNT];
    struct worker workers[JOBS];
    _Atomic(uint64_t) seen[SEEN];
};

static struct shared *shared;

static volatile sig_atomic_t
        interrupted; /* the signal that ends a campaign early, or 0 */

static void on_interrupt(int number)
{
    interrupted = number;
}

/* What is ignored stays so. */
static void watch_interrupts(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction action = { .sa_handler = on_interrupt }, old;
        if (sigaction(numbers[i], &action, &old) == 0 && old.sa_handler == SIG_IGN)
            sigaction(numbers[i], &old, NULL);
    }
}

/* A terminal's signals reach its own group alone; the one who waits ends the others. */
static void become_worker(void)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
}

static void see_pair(const struct program *program, uint32_t first, uint32_t second)
{
    enum check_tool tool = check_tool_of(program->seed);
    gc_atomic_store_relaxed(&shared->pairs[tool][first][second], 1);
}

/* Counts a schedule of which no other process has told yet. A full table counts no more. */
static void see_schedule(const struct program *program, uint64_t hash)
{
    if (hash == NOTHING) hash++;
    for (uint32_t i = 0; i < 64; i++) {
        _Atomic(uint64_t) *place = &shared->seen[(hash + i) % SEEN];
        uint64_t is = gc_atomic_load_relaxed(place);
        if (is == NOTHING && gc_atomic_compare_exchange_relaxed(place, &is, hash)) {
            gc_atomic_fetch_add_relaxed(
                    &shared->schedules[check_tool_of(program->seed)], 1);
            return;
        }
        if (is == hash) return;
    }
}

static bool is_over(const struct check_request *request)
{
    double spent = (double)(gc_os_now_ns() - request->start_ns) / 1e9;
    return gc_atomic_load_relaxed(&shared->failed) != 0 ||
           (request->count == 0 && spent >= request->seconds);
}

/* --- workers -------------------------------------------------------------------------- */

/* A sanitizer's report does not say of which program it is. */
static size_t find_writer(
        const struct program_batch *batch, const struct program *programs, size_t count)
{
    struct program_verdict verdict;
    for (size_t i = 0; i < count; i++)
        if (program_try(batch, &programs[i], 1, &verdict) != 0) return i;
    return 0;
}

/* Whether its second worker has a thread: the first spawn of a program always makes one. */
static bool is_threaded(const struct program *program)
{
    for (size_t i = 0; i < program->count && program->settings.threads != 1; i++)
        if (program->ops[i].kind == PROGRAM_spawn) return true;
    return false;
}

static void add_program(
        struct worker *worker, enum check_tool tool, const struct program *program)
{
    size_t length = program->count < LENGTHS ? program->count : LENGTHS - 1;
    gc_atomic_fetch_add_relaxed(&worker->programs[tool], 1);
    gc_atomic_fetch_add_relaxed(&worker->operations[tool], program->count);
    worker->lengths[length]++;
    worker->threaded += is_threaded(program);
}

/* Seeds [first, first + count), of one chunk. */
static void run_seeds(const struct check_request *request, struct worker *worker,
        uint64_t first, size_t count)
{
    static struct program programs[CHECK_CHUNK];
    char options[CHECK_OPTIONS];
    struct program_config config;
    struct program_verdict verdict;
    struct program_batch batch = {
        .configs = &config,
        .config_count = 1,
        .timeout_seconds = check_patience(),
    };
    check_subject_of(request, first, options, &config);
    for (size_t i = 0; i < count; i++)
        check_draw(first + i, &programs[i]);
    int status = program_try(&batch, programs, count, &verdict);
    if (status != 0 && verdict.failure == PROGRAM_WROTE)
        verdict.program = find_writer(&batch, programs, count);
    program_tally_add(&worker->tally, &verdict.tally);
    for (size_t i = 0; i < count; i++) {
        if (status == 0 || i <= verdict.program)
            add_program(worker, check_tool_of(first + i), &programs[i]);
        program_finish(&programs[i]);
    }
    if (status == 0) return;
    uint64_t none = 0;
    worker->failed = first + verdict.program + 1;
    snprintf(worker->said, sizeof(worker->said), "%.*s", CHECK_SAID - 1, verdict.text);
    gc_atomic_compare_exchange_relaxed(&shared->failed, &none, worker->failed);
}

static void work(const struct check_request *request, struct worker *worker)
{
    uint64_t first_chunk = request->seed / CHECK_CHUNK;
    while (!is_over(request)) {
        uint64_t chunk = first_chunk + gc_atomic_fetch_add_relaxed(&shared->chunks, 1);
        uint64_t first = chunk * CHECK_CHUNK, end = first + CHECK_CHUNK;
        if (first < request->seed) first = request->seed;
        if (request->count > 0 && end > request->seed + request->count)
            end = request->seed + request->count;
        if (first >= end) return;
        run_seeds(request, worker, first, (size_t)(end - first));
    }
}

/* --- the one who waits ---------------------------------------------------------------- */

static uint32_t count_pairs(int tool)
{
    uint32_t count = 0;
    for (int a = 0; a < PROGRAM_OP_COUNT; a++) {
        for (int b = 0; b < PROGRAM_OP_COUNT; b++) {
            bool seen = false;
            for (int t = 0; t < CHECK_TOOL_COUNT; t++)
                seen |= (tool < 0 || t == tool) &&
                        gc_atomic_load_relaxed(&shared->pairs[t][a][b]) != 0;
            count += seen;
        }
    }
    return count;
}

static void sum_up(uint32_t jobs, struct check_sum sums[CHECK_TOOL_COUNT])
{
    for (int t = 0; t < CHECK_TOOL_COUNT; t++) {
        sums[t] = (struct check_sum){
            .schedules = gc_atomic_load_relaxed(&shared->schedules[t]),
            .pairs = count_pairs(t),
        };
        for (uint32_t j = 0; j < jobs; j++) {
            const struct worker *worker = &shared->workers[j];
            sums[t].programs += gc_atomic_load_relaxed(&worker->programs[t]);
            sums[t].operations += gc_atomic_load_relaxed(&worker->operations[t]);
        }
    }
}

static void draw_progress(const struct check_request *request, uint32_t jobs)
{
    struct check_sum sums[CHECK_TOOL_COUNT], all = { 0 };
    char programs[GC_CELL], schedules[GC_CELL];
    sum_up(jobs, sums);
    for (int t = 0; t < CHECK_TOOL_COUNT; t++) {
        all.programs += sums[t].programs;
        all.schedules += sums[t].schedules;
    }
    gc_text_si(programs, (double)all.programs);
    gc_text_si(schedules, (double)all.schedules);
    fprintf(stderr, "\r%s programs, %s schedules, %u %% of pairs; %.0f s", programs,
            schedules, 100 * count_pairs(-1) / program_pairs(),
            (double)(gc_os_now_ns() - request->start_ns) / 1e9);
    if (request->count == 0) fprintf(stderr, " of %.0f s", request->seconds);
    fprintf(stderr, "\033[K");
    fflush(stderr);
}

/* Waits until all workers have ended, or the first has found something: then the others
 * are ended. */
static void await(
        const struct check_request *request, const pid_t *workers, uint32_t jobs)
{
    bool is_shown = !request->quiet && isatty(STDERR_FILENO) == 1;
    bool ended[JOBS] = { false };
    for (uint32_t left = jobs; left > 0;) {
        bool found = gc_atomic_load_relaxed(&shared->failed) != 0 || interrupted != 0;
        for (uint32_t j = 0; j < jobs; j++) {
            int status;
            if (ended[j]) continue;
            if (found) kill(workers[j], SIGTERM);
            if (waitpid(workers[j], &status, WNOHANG) == 0) continue;
            gc_require(found || interrupted != 0 || status == 0 ||
                               gc_atomic_load_relaxed(&shared->failed) != 0,
                    "a process of the campaign is lost: status %d", status);
            ended[j] = true;
            left--;
        }
        if (left == 0) break;
        if (is_shown) draw_progress(request, jobs);
        struct timespec tick = { .tv_nsec = TICK_NS / 5 };
        nanosleep(&tick, NULL);
    }
    if (is_shown) fprintf(stderr, "\r\033[K");
}

/* --- for other programs ----------------------------------------------------------------- */

static bool is_pair_seen(int first, int second)
{
    for (int t = 0; t < CHECK_TOOL_COUNT; t++)
        if (gc_atomic_load_relaxed(&shared->pairs[t][first][second]) != 0) return true;
    return false;
}

static void write_pairs(FILE *to)
{
    static const char *const names[] = {
#define X(name, a, b, c, d) #name,
        PROGRAM_OPS(X)
#undef X
    };
    fprintf(to, "pairs %u\n", program_pairs());
    for (int a = 0; a < PROGRAM_OP_COUNT; a++)
        for (int b = 0; b < PROGRAM_OP_COUNT; b++)
            if (is_pair_seen(a, b)) fprintf(to, "pair %s %s\n", names[a], names[b]);
}

/* Lines of words and numbers; README.md says which. */
static void write_tally(const struct check_request *request, uint32_t jobs,
        const struct check_result *result, FILE *to)
{
    uint64_t programs = 0, threaded = 0, lengths[LENGTHS] = { 0 };
    uint64_t chunks =
            request->seed / CHECK_CHUNK + gc_atomic_load_relaxed(&shared->chunks);
    for (int t = 0; t < CHECK_TOOL_COUNT; t++)
        programs += result->sums[t].programs;
    for (uint32_t j = 0; j < jobs; j++) {
        threaded += shared->workers[j].threaded;
        for (int i = 0; i < LENGTHS; i++)
            lengths[i] += shared->workers[j].lengths[i];
    }
    fprintf(to,
            "next %" PRIu64 "\nfailed %d\nprograms %" PRIu64 "\nthreaded %" PRIu64 "\n",
            chunks * CHECK_CHUNK, result->has_failed, programs, threaded);
#define X(name) fprintf(to, "%s %" PRIu64 "\n", #name, result->tally.name);
    PROGRAM_TALLY(X)
#undef X
    for (int i = 0; i < LENGTHS; i++)
        if (lengths[i] > 0) fprintf(to, "length %d %" PRIu64 "\n", i, lengths[i]);
    write_pairs(to);
    for (size_t i = 0; i < SEEN; i++) {
        uint64_t hash = gc_atomic_load_relaxed(&shared->seen[i]);
        if (hash != NOTHING) fprintf(to, "schedule %016" PRIx64 "\n", hash);
    }
    fprintf(to, "end\n");
}

/* False: it can't be, which is said. */
static bool save_tally(const struct check_request *request, uint32_t jobs,
        const struct check_result *result)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    if (to != NULL) write_tally(request, jobs, result, to);
    int error = to == NULL || fclose(to) != 0 ? -errno : 0;
    if (error == 0) error = gc_file_write(request->tally, text, length, GC_FILE_REPLACE);
    free(text);
    if (error != 0)
        gc_complain(0, "%s can't be written: %s", request->tally, strerror(-error));
    return error == 0;
}

bool check_campaign(const struct check_request *request, struct check_result *ret_result)
{
    pid_t workers[JOBS];
    uint32_t jobs = request->jobs < JOBS ? request->jobs : JOBS;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    gc_require(shared != MAP_FAILED, "there is no memory for what processes share");
    program_watch(see_pair, see_schedule);
    watch_interrupts();
    fflush(NULL);
    for (uint32_t j = 0; j < jobs; j++) {
        workers[j] = fork();
        gc_require(workers[j] >= 0, "a process can't be made: %s", strerror(errno));
        if (workers[j] > 0) continue;
        become_worker();
        work(request, &shared->workers[j]);
        fflush(NULL);
        _exit(0);
    }
    await(request, workers, jobs);
    program_watch(NULL, NULL);
    uint64_t failed = gc_atomic_load_relaxed(&shared->failed);
    *ret_result = (struct check_result){
        .pairs = count_pairs(-1),
        .has_failed = failed != 0 && interrupted == 0,
        .failed_seed = failed - 1,
        .signal = interrupted,
    };
    sum_up(jobs, ret_result->sums);
    for (uint32_t j = 0; j < jobs; j++) {
        const struct worker *worker = &shared->workers[j];
        program_tally_add(&ret_result->tally, &worker->tally);
        if (failed != 0 && worker->failed == failed)
            snprintf(ret_result->said, sizeof(ret_result->said), "%s", worker->said);
    }
    if (request->tally != NULL)
        ret_result->is_unsaved = !save_tally(request, jobs, ret_result);
    munmap(shared, sizeof(*shared));
    return !ret_result->has_failed;
}
