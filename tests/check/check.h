/* SPDX-License-Identifier: MIT */
/* check.h - the parts of gclab-checked-check: what a trial is, a campaign of many, and what is
 * said of one that failed. */
#ifndef TESTS_CHECK_CHECK_H
#define TESTS_CHECK_CHECK_H

#include "bench/spec.h"
#include "tests/program/program.h"

/* Collectors by protocol: what is tried. */
enum { CHECK_SUBJECTS = 64 };
struct check_subject {
    char *spec; /* as -c takes it, with the protocol */
    struct gc_collector_spec parsed;
    struct program_config config;
};

struct check_request {
    struct check_subject subjects[CHECK_SUBJECTS];
    uint32_t subject_count;
    const char **plugins; /* files given by --plugin, ended by NULL */
    uint64_t seed, count; /* of trials; count 0: until the time is over */
    double seconds;       /* from start_ns on */
    double shrink_seconds;
    uint64_t start_ns;
    uint32_t jobs;     /* processes */
    uint32_t object;   /* whose life a replay tells; 0: none */
    const char *save;  /* file for a program that fails, or NULL: a name is made */
    const char *tally; /* file for what was tried, or NULL */
    bool quiet;
    bool trace; /* see check_trace() */
};

/* --- trials -------------------------------------------------------------------------- */

/* Who decides which thread runs, and whether the runtime is put under stress. */
#define CHECK_TOOLS(X)                                                                   \
    X(ALONE, "one thread")                                                               \
    X(IN_TURN, "threads in turn")                                                        \
    X(AT_RANDOM, "threads at random")                                                    \
    X(PRIORITIES, "threads by priority")                                                 \
    X(REAL, "threads of the machine")                                                    \
    X(STRESS, "under stress")

enum check_tool {
#define X(name, words) CHECK_##name,
    CHECK_TOOLS(X)
#undef X
            CHECK_TOOL_COUNT
};
extern const char *const check_tool_names[CHECK_TOOL_COUNT];

/* The seed says all: the program, who runs when, the subject, and options of its collector.
 * CHECK_CHUNK trials in a row have one subject, and the same options. */
enum { CHECK_CHUNK = 10 * CHECK_TOOL_COUNT, CHECK_OPTIONS = 512 };
enum check_tool check_tool_of(uint64_t seed);
void check_draw(uint64_t seed, struct program *ret_program);

/* The subject of a seed, with options drawn from the ranges that its collector declares, in
 * every second chunk. */
const struct check_subject *check_subject_of(const struct check_request *request,
        uint64_t seed, char options[CHECK_OPTIONS], struct program_config *ret_config);

/* Seconds that a program may take, on a machine that does other things as well. */
uint32_t check_timeout(void);

/* The same where that it hangs is not known yet: a machine with much else to do may leave it
 * without a processor for seconds. */
uint32_t check_patience(void);

/* --- campaigns ------------------------------------------------------------------------ */

struct check_sum {
    uint64_t programs, operations, schedules;
    uint32_t pairs;
};

enum { CHECK_SAID = 512 };

/* What a campaign has tried. */
struct check_result {
    struct check_sum sums[CHECK_TOOL_COUNT];
    uint32_t pairs; /* of all tools */
    struct program_tally tally;
    bool has_failed;
    uint64_t failed_seed;  /* if one has */
    char said[CHECK_SAID]; /* what was wrong then */
    int signal;            /* that has ended it early, or 0 */
    bool is_unsaved; /* the file that the request names can't be written: it was said */
};

/* Tries seeds until one fails, or the time is over, on several processes; then it writes what
 * was tried to the file that the request names (README.md). False: one failed. */
bool check_campaign(const struct check_request *request, struct check_result *ret_result);

/* --- traces ------------------------------------------------------------------------------ */

/* From now on each step of a run is printed; or, without `steps`, its hash at the end, with
 * `label`, which must stay. Of this process and its children. */
void check_trace(const char *label, bool steps);

/* Runs the programs of the seeds on each subject, once, in order, and prints hashes. An enum
 * gc_exit. */
int check_trace_seeds(const struct check_request *request);

/* --- what is said ---------------------------------------------------------------------- */

/* What an assertion of the runtime means to who writes a collector: a sentence, or NULL. */
const char *check_meaning(const char *assertion);

/* Prints the calls, by name and line where those can be had, without the kit's own; each with a
 * margin. */
void check_print_calls(const struct program_calls *calls);

/* Text in lines of 96 at most, each with a margin. */
void check_print_wrapped(const char *text);

/* --- failures ------------------------------------------------------------------------- */

/* Makes the trial of a seed small, prints what is wrong, and saves the program. GC_EXIT_FAILED;
 * or GC_EXIT_ENVIRONMENT, if it can't be saved, which is said. */
int check_explain(const struct check_request *request, const struct check_result *result);

/* Runs a file's program, and says how it ends. An enum gc_exit. */
int check_replay(const struct check_request *request, const char *path, bool in_process);

#endif
