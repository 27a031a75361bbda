/* SPDX-License-Identifier: MIT */
/* crash.h - what a process says that dies of an assertion or of a signal: what happened, what
 * was running, in which phase the collector was, what each mutator did last, the calls that
 * led there, and the command that does it again.
 *
 * It is written by a handler, from a process in whatever state: on a stack of its own, with
 * no allocation and no lock, each list bounded, what is certain first. Then the signal does
 * what it would have done: a debugger and a core file see the place itself. A crash of the
 * handler ends the process at once; other threads that crash meanwhile wait.
 *
 * Under a sanitizer no signal is watched: it says more.
 */
#ifndef BENCH_CRASH_H
#define BENCH_CRASH_H

#include "core/check.h"

/* What runs; the texts stay where they are. */
struct gc_crash_subject {
    const char *what;  /* "generational@plain, workload rings, 2 threads, seed 1" */
    const char *again; /* the command that does it again, or NULL */
};

enum { GC_CRASH_CALLS = 24, GC_CRASH_TEXT = 1 << 13 };

/* What is known of a crash; it may lie in memory that another process reads. */
struct gc_crash_record {
    void *calls[GC_CRASH_CALLS]; /* return addresses, the innermost first */
    int call_count;
    char what[256]; /* "it touches address 0x10, where there is no memory (SIGSEGV)" */
    char text[GC_CRASH_TEXT]; /* phases and last events: lines, each with a margin */
};

/* From now on a crash of any thread is reported: on stderr; or, if there is a record, into that
 * and without a word, and also an alarm (SIGALRM), which is the end of what hangs. Again: the
 * subject and the record change. The texts and the record must stay. While no thread runs that
 * gc_thread_start() has started. */
void gc_crash_watch(
        const struct gc_crash_subject *subject, struct gc_crash_record *record);

/* Fills the record in as a crash at this place would: for a process that ends otherwise. */
void gc_crash_note(struct gc_crash_record *to);

#endif
