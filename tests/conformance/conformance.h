/* SPDX-License-Identifier: MIT */
/* conformance.h - the case language: what the parser hands to the interpreters.
 *
 * parse.c reads a file of cases into lists of statements; run.c, objects.c and expect.c,
 * which are compiled once per protocol, run them on a heap, and say by report.c what did
 * not hold; conformance.c is the program.
 */
#ifndef TESTS_CONFORMANCE_CONFORMANCE_H
#define TESTS_CONFORMANCE_CONFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/check.h"

struct gc_collector;
struct gc_protocol;

enum {
    CASE_STEPS = 8,   /* slots in one path */
    CASE_LOOPS = 3,   /* loop variables: i, j, k */
    CASE_KEEP = 64,   /* room of KEEP, and of the list of saved garbage */
    CASE_TAGS = 16384 /* bytes of what is written into the log */
};

/* A number that is written down, or the loop variable that holds it. */
struct index {
    bool is_loop;
    uint32_t value; /* the number, or which variable */
};

enum ref_base { REF_NOT, REF_NONE, REF_SELF, REF_HANDLE, REF_KEEP, REF_GARBAGE };

/* NAME, NAME[index], NAME[first..last], each with .slot after it. */
struct ref {
    enum ref_base base;
    const char *name;
    uint32_t first_root; /* of a handle: where its roots start */
    uint32_t roots;      /* 1, or the size of the array */
    bool is_array, has_index, has_last;
    struct index index;
    uint32_t last;
    uint32_t steps;
    struct index step[CASE_STEPS];
};

struct word {
    const char *text;
    struct ref ref; /* base is REF_NOT where the text can't be a reference */
};

struct statement {
    int line;
    uint32_t count; /* words; the first is the verb */
    struct word *words;
    uint32_t verb;                 /* set by resolve(), an index of the interpreter's */
    const char *system;            /* of a replacement: where it applies */
    struct statement *replacement; /* list */
    struct statement *body;        /* of a block */
    struct statement *next;
};

struct script {
    const char *name;
    struct statement *body;
    struct script *next;
};

/* A name of a case: a handle, or an array of them, or a remembered number. */
struct name {
    const char *text;
    uint32_t first_root, roots;
    bool is_array;
    uint64_t number;
    struct name *next;
};

struct test_case {
    int line;
    const char *number, *title;
    uint32_t needs_count;
    struct word *needs;
    struct script *scripts; /* its own, then those of the file */
    struct statement *body;
    struct name *names;
    uint32_t roots;
    struct test_case *next;
};

struct case_file {
    const char *path;
    struct script *scripts;
    struct test_case *cases;
};

/* Reads a file. What it returns lives until case_files_free(). 0 or -errno. */
int case_file_read(const char *path, struct case_file *ret_file, struct gc_error *error);

/* Frees all that was ever read. */
void case_files_free(void);

struct film;
struct film_picture;

/* Who takes pictures of collections: film.h, for interpreters that a plugin brings. */
struct camera {
    struct film *film;
    struct film_picture *(*shoot)(struct film *film, const char *words);
    uint32_t (*id)(struct film *film, const void *object);
    void (*develop)(struct film *film);
};

/* The system that cases are run on. */
struct subject {
    const struct gc_collector *collector;
    const struct gc_protocol *protocol;
    const char *options;         /* of the collector, or NULL */
    const struct camera *camera; /* or NULL */
};

/* Whether a replacement for the system `name` is for this one: the collector's name, "implicit",
 * or a value of one of its options. */
bool subject_is(const struct subject *subject, const char *name);

/* What did not hold, each line of the case once. */
struct report {
    const char *path;
    int fails;
    int lines[64];
    char text[8192];
    size_t used;
};

void report_fail(struct report *report, int line, const char *format, ...)
        GC_PRINTF(3, 4);

/* One per protocol that this program was built for, or that a plugin brings as its part
 * "conformance" (core/plugin.h); the version changes with whatever is declared here. */
enum { INTERPRETER_VERSION = 2 };
struct interpreter {
    void (*run)(const struct case_file *file, struct test_case *test,
            const struct subject *subject, struct report *report);
};

#endif
