/* SPDX-License-Identifier: MIT */
/* support.h - what many suites need: heaps, workers, memory accounting, child processes.
 *
 * CUnit's assertions may only run on the main thread; what workers find out they leave in
 * their struct worker. A file that defines GC_PROTOCOL_HEADER before it includes this one
 * also gets objects and shapes.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/collector.h"
#include "core/harness.h"
#include "core/os.h"
#include "tests/suite.h"

/* --- memory ------------------------------------------------------------------------ */

/* What the runtime has taken through core/os.h and not given back, process-wide. */
struct memory {
    int64_t allocations, mappings, mapped_bytes;
};
struct memory memory_now(void);
bool memory_is_equal(struct memory a, struct memory b);

/* gc_sample_run(), asserting that it leaves no memory behind. */
int sample_run(const struct gc_sample_request *request, struct gc_sample *ret_sample,
        struct gc_error *error);

/* How often the runtime has asked for memory, in vain or not. */
uint64_t memory_requests(void);

/* From now on gc_os_alloc() and gc_os_realloc() have none, or have it again. */
void memory_refuse(bool refuse);

/* --- heaps ------------------------------------------------------------------------- */

/* A heap with one mutator, on the calling thread. */
struct fixture {
    struct gc_heap *heap;
    struct gc_mutator *m;
    struct memory before;
    uint64_t exhausted; /* times that on_exhausted was called */
    uint64_t errors;    /* times that on_callback_error was called */
    int last_error;
    struct gc_object *last_object; /* that the error was reported for */
};

/* Asserts that it works; false when it does not. `collector` may be followed by @ and a
 * protocol; `options` may be NULL, limit 0. */
bool fixture_open(struct fixture *f, const char *collector, const char *options,
        size_t limit_bytes);

/* Detaches, destroys, and asserts that no memory is left. */
void fixture_close(struct fixture *f);

/* Asserts that the heap is sound at the highest level. */
void fixture_verify(struct fixture *f);

uint64_t fixture_live(struct fixture *f);      /* objects */
uint64_t fixture_allocated(struct fixture *f); /* objects */
struct gc_counters fixture_counters(
        struct fixture *f); /* of all its mutators, together */

/* --- workers ----------------------------------------------------------------------- */

struct worker {
    struct gc_mutator_thread thread;
    struct gc_mutator *m;
    void (*run)(struct worker *worker);
    void *shared;
    uint32_t number;
    uint64_t result;
    const char *failed; /* the first expectation that did not hold, or NULL */
    int failed_line;
};

/* For run functions: writes down what did not hold. */
#define worker_expect(worker, condition)                                                 \
    do {                                                                                 \
        if (!(condition) && (worker)->failed == NULL) {                                  \
            (worker)->failed = #condition;                                               \
            (worker)->failed_line = __LINE__;                                            \
        }                                                                                \
    } while (0)

/* Runs `run` on `count` new mutators of the heap, joins them, and asserts, on the calling
 * thread, that all expectations held. `reference` goes to each as its start. */
void workers_run(struct gc_mutator *m, struct worker *workers, uint32_t count,
        void (*run)(struct worker *worker), void *shared, struct gc_object *reference);

/* The two halves, for tests that do something in between. */
void workers_start(struct gc_mutator *m, struct worker *workers, uint32_t count,
        void (*run)(struct worker *worker), void *shared, struct gc_object *reference);
void workers_join(struct gc_mutator *m, struct worker *workers, uint32_t count);

/* Runs run(argument) on a thread with a stack of `bytes`, and joins it. Not a mutator. */
void run_on_small_stack(size_t bytes, void (*run)(void *argument), void *argument);

/* --- processes --------------------------------------------------------------------- */

/* Runs run(argument) in a child process. True when it was ended by abort() and wrote
 * `text` to stderr. No other thread may exist. */
bool aborts_with(void (*run)(void *argument), void *argument, const char *text);

/* --- numbers ----------------------------------------------------------------------- */

struct random {
    uint64_t state;
};
uint32_t random_below(struct random *random, uint32_t n);

#ifdef GC_PROTOCOL_HEADER
#    include "tests/support_mutator.h"
#endif

#endif
