/* SPDX-License-Identifier: MIT */
/* main.c - the runner: registers all suites and runs those that are asked for.
 *
 *   gclab-test [--tap] [--list] [--suite NAME]...
 *
 * NAME is a suite, or a folder of suites ("core"). The exit status is the number of
 * failed assertions and suites, at most 100; a test that takes too long ends the process
 * with a line that names it. GCLAB_TEST_SECONDS in the environment is how long it may take
 * where something makes it slower that the build does not know of (tests/analyse).
 */
#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/check.h"
#include "tests/suites.h"

enum {
    TEST_SECONDS = GC_TSAN || GC_ASAN ? 240 : 60,
    STATUS_MAX = 100,
    STATUS_TIMEOUT = 101,
    STATUS_USAGE = 102,
};

static bool tap;
static unsigned number; /* of the test in TAP's counting */
static char running[256];
static unsigned seconds = TEST_SECONDS;

static void on_alarm(int signal)
{
    (void)signal;
    static const char text[] = "\ngclab-test: this test takes too long: ";
    /* write() is all that a signal handler may do here; what it says is best effort */
    ssize_t done = write(STDERR_FILENO, text, sizeof(text) - 1);
    done += write(STDERR_FILENO, running, strlen(running));
    done += write(STDERR_FILENO, "\n", 1);
    _exit(done > 0 ? STATUS_TIMEOUT : STATUS_MAX);
}

static void on_start(const CU_pTest test, const CU_pSuite suite)
{
    snprintf(running, sizeof(running), "%s: %s", suite->pName, test->pName);
    alarm(seconds);
}

static void say(bool passed, const char *suite, const char *test)
{
    number++;
    if (tap)
        printf("%s %u - %s: %s\n", passed ? "ok" : "not ok", number, suite, test);
    else
        printf("%s %s: %s\n", passed ? "pass" : "FAIL", suite, test);
    fflush(stdout);
}

static void on_complete(
        const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
    alarm(0);
    say(failures == NULL, suite->pName, test->pName);
    for (CU_pFailureRecord f = failures; f != NULL; f = f->pNext)
        printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
    fflush(stdout);
}

static void on_suite_failure(const CU_pSuite suite)
{
    say(false, suite->pName, "its set-up failed");
}

static void on_cleanup_failure(const CU_pSuite suite)
{
    say(false, suite->pName, "its clean-up failed");
}

static bool is_in(const char *suite, const char *name)
{
    size_t length = strlen(name);
    return strncmp(suite, name, length) == 0 &&
           (suite[length] == '\0' || suite[length] == '/');
}

static bool is_wanted(const char *suite, char **names, int count)
{
    for (int i = 0; i < count; i++)
        if (is_in(suite, names[i])) return true;
    return count == 0;
}

static int usage(const char *text, const char *detail)
{
    fprintf(stderr,
            "gclab-test: %s%s\nusage: gclab-test [--tap] [--list] [--suite NAME]...\n",
            text, detail);
    return STATUS_USAGE;
}

/* Registers the suites and leaves those active that are wanted. Returns how many tests
 * these have, or -1. */
static int select_suites(char **names, int count, bool list)
{
    int tests = 0;
    for (const struct suite_entry *entry = suite_entries; entry->name != NULL; entry++) {
        CU_pSuite last = CU_get_registry()->pSuite;
        while (last != NULL && last->pNext != NULL)
            last = last->pNext;
        if (!is_wanted(entry->name, names, count)) continue;
        if (entry->add() != 0) {
            usage("a suite can't be registered: ", entry->name);
            return -1;
        }
        CU_pSuite suite = last != NULL ? last->pNext : CU_get_registry()->pSuite;
        for (; suite != NULL; suite = suite->pNext) {
            tests += (int)suite->uiNumberOfTests;
            for (CU_pTest test = suite->pTest; list && test != NULL; test = test->pNext)
                printf("%s: %s\n", suite->pName, test->pName);
        }
    }
    return tests;
}

static int run(int tests)
{
    struct sigaction action = { .sa_handler = on_alarm };
    sigaction(SIGALRM, &action, NULL);
    CU_set_test_start_handler(on_start);
    CU_set_test_complete_handler(on_complete);
    CU_set_suite_init_failure_handler(on_suite_failure);
    CU_set_suite_cleanup_failure_handler(on_cleanup_failure);
    if (tap) printf("1..%d\n", tests);
    CU_ErrorCode code = CU_run_all_tests();
    unsigned failed_tests = CU_get_number_of_tests_failed();
    unsigned bad = CU_get_number_of_failures() + CU_get_number_of_suites_failed() +
                   (code != CUE_SUCCESS);
    if (!tap) {
        printf("%u tests, %u failed, %u assertions\n", CU_get_number_of_tests_run(),
                failed_tests, CU_get_number_of_asserts());
    }
    return bad < STATUS_MAX ? (int)bad : STATUS_MAX;
}

int main(int argc, char **argv)
{
    bool list = false;
    int count = 0;
    char **names = argv; /* those of the suites, moved to the front */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tap") == 0) {
            tap = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            list = true;
        } else if (strcmp(argv[i], "--suite") == 0) {
            if (++i == argc) return usage("--suite wants a name", "");
            names[count++] = argv[i];
        } else {
            return usage("unknown argument ", argv[i]);
        }
    }
    setenv("GCLAB_TEST_DATA", TEST_DATA, 0); /* where the build has it */
    const char *given = getenv("GCLAB_TEST_SECONDS");
    if (given != NULL && (seconds = (unsigned)strtoul(given, NULL, 10)) == 0)
        return usage("GCLAB_TEST_SECONDS is no number of seconds: ", given);
    if (CU_initialize_registry() != CUE_SUCCESS) return STATUS_MAX;
    int tests = select_suites(names, count, list);
    int status = 0;
    if (tests <= 0)
        status = tests < 0 ? STATUS_USAGE : usage("no suite has that name", "");
    else if (!list)
        status = run(tests);
    CU_cleanup_registry();
    return status;
}
