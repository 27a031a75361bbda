/* SPDX-License-Identifier: MIT */
/* support.c - heaps, workers, memory accounting and child processes for the suites. */
#include "tests/support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/verify.h"

/* --- memory: the linker sends the library's calls here (--wrap) ----------------------- */

void *__real_gc_os_alloc(size_t bytes);
void *__real_gc_os_realloc(void *memory, size_t bytes);
void __real_gc_os_free(void *memory);
void *__real_gc_os_map(size_t bytes, size_t alignment);
void __real_gc_os_unmap(void *memory, size_t bytes);
void *__wrap_gc_os_alloc(size_t bytes);
void *__wrap_gc_os_realloc(void *memory, size_t bytes);
void __wrap_gc_os_free(void *memory);
void *__wrap_gc_os_map(size_t bytes, size_t alignment);
void __wrap_gc_os_unmap(void *memory, size_t bytes);

/* Relaxed: sums, compared when only one thread is left. */
static _Atomic(int64_t) allocations, mappings, mapped_bytes;
static _Atomic(uint64_t) requests;
static _Atomic(uint32_t) refused;

void *__wrap_gc_os_alloc(size_t bytes)
{
    gc_atomic_fetch_add_relaxed(&requests, 1);
    if (gc_atomic_load_relaxed(&refused) != 0) return NULL;
    void *memory = __real_gc_os_alloc(bytes);
    if (memory != NULL) gc_atomic_fetch_add_relaxed(&allocations, 1);
    return memory;
}

void *__wrap_gc_os_realloc(void *memory, size_t bytes)
{
    gc_atomic_fetch_add_relaxed(&requests, 1);
    if (gc_atomic_load_relaxed(&refused) != 0) return NULL;
    void *grown = __real_gc_os_realloc(memory, bytes);
    if (grown != NULL && memory == NULL) gc_atomic_fetch_add_relaxed(&allocations, 1);
    return grown;
}

void __wrap_gc_os_free(void *memory)
{
    if (memory != NULL) gc_atomic_fetch_sub_relaxed(&allocations, 1);
    __real_gc_os_free(memory);
}

void *__wrap_gc_os_map(size_t bytes, size_t alignment)
{
    gc_atomic_fetch_add_relaxed(&requests, 1);
    void *memory = __real_gc_os_map(bytes, alignment);
    if (memory != NULL) {
        gc_atomic_fetch_add_relaxed(&mappings, 1);
        gc_atomic_fetch_add_relaxed(&mapped_bytes, (int64_t)bytes);
    }
    return memory;
}

void __wrap_gc_os_unmap(void *memory, size_t bytes)
{
    gc_atomic_fetch_sub_relaxed(&mappings, 1);
    gc_atomic_fetch_sub_relaxed(&mapped_bytes, (int64_t)bytes);
    __real_gc_os_unmap(memory, bytes);
}

bool __real_gc_os_must_refuse(void);
bool __wrap_gc_os_must_refuse(void);

/* As core/lock.c asks, before it starts a thread; os.c itself is not led here. */
bool __wrap_gc_os_must_refuse(void)
{
    gc_atomic_fetch_add_relaxed(&requests, 1);
    return __real_gc_os_must_refuse();
}

uint64_t memory_requests(void)
{
    return gc_atomic_load_relaxed(&requests);
}

void memory_refuse(bool refuse)
{
    gc_atomic_store_relaxed(&refused, refuse);
}

struct memory memory_now(void)
{
    return (struct memory){
        .allocations = gc_atomic_load_relaxed(&allocations),
        .mappings = gc_atomic_load_relaxed(&mappings),
        .mapped_bytes = gc_atomic_load_relaxed(&mapped_bytes),
    };
}

bool memory_is_equal(struct memory a, struct memory b)
{
    return a.allocations == b.allocations && a.mappings == b.mappings &&
           a.mapped_bytes == b.mapped_bytes;
}

int sample_run(const struct gc_sample_request *request, struct gc_sample *ret_sample,
        struct gc_error *error)
{
    struct memory before = memory_now();
    error->text[0] = '\0';
    int status = gc_sample_run(request, ret_sample, error);
    CU_ASSERT_TRUE(memory_is_equal(memory_now(), before));
    return status;
}

/* --- heaps --------------------------------------------------------------------------- */

static void exhausted(struct gc_mutator *m, size_t bytes, void *argument)
{
    struct fixture *f = argument;
    (void)m, (void)bytes;
    f->exhausted++;
}

static void failed(struct gc_mutator *m, struct gc_object *object, int error, void *data)
{
    struct fixture *f = data;
    (void)m;
    f->errors++;
    f->last_error = error;
    f->last_object = object;
}

bool fixture_open(
        struct fixture *f, const char *collector, const char *options, size_t limit_bytes)
{
    *f = (struct fixture){ .before = memory_now() };
    char name[64];
    const char *at = strchr(collector, '@');
    snprintf(name, sizeof(name), "%.*s",
            (int)(at != NULL ? at - collector : (ptrdiff_t)strlen(collector)), collector);
    struct gc_heap_config config = {
        .collector = gc_collector_find(name),
        .protocol = at != NULL ? gc_protocol_find(at + 1) : NULL,
        .options = options,
        .limit_bytes = limit_bytes,
        .on_exhausted = exhausted,
        .on_callback_error = failed,
        .hook_argument = f,
    };
    struct gc_error error = { "" };
    CU_ASSERT_PTR_NOT_NULL_FATAL(config.collector);
    CU_ASSERT_TRUE_FATAL(at == NULL || config.protocol != NULL);
    int result = gc_heap_create(&config, &f->heap, &error);
    CU_ASSERT_EQUAL(result, 0);
    if (result != 0) {
        printf("# %s\n", error.text);
        return false;
    }
    result = gc_attach(f->heap, &f->m);
    CU_ASSERT_EQUAL(result, 0);
    if (result != 0) gc_heap_destroy(f->heap);
    return result == 0;
}

void fixture_close(struct fixture *f)
{
    gc_detach(f->m);
    CU_ASSERT_EQUAL(gc_atomic_load_relaxed(&f->heap->claim_waiters), 0);
    gc_heap_destroy(f->heap);
    CU_ASSERT_TRUE(memory_is_equal(memory_now(), f->before));
}

void fixture_verify(struct fixture *f)
{
    struct gc_error error = { "" };
    int result = gc_verify(f->m, 3, &error);
    CU_ASSERT_EQUAL(result, 0);
    if (result != 0) printf("# %s\n", error.text);
}

static struct gc_heap_stats stats_of(struct fixture *f)
{
    struct gc_heap_stats stats;
    gc_stop_begin(f->m);
    gc_heap_read_stats(f->heap, &stats);
    gc_stop_end_unlogged(f->m);
    return stats;
}

uint64_t fixture_live(struct fixture *f)
{
    return stats_of(f).live_objects;
}

uint64_t fixture_allocated(struct fixture *f)
{
    return stats_of(f).allocated_objects;
}

struct gc_counters fixture_counters(struct fixture *f)
{
    return stats_of(f).counters;
}

/* --- workers ------------------------------------------------------------------------- */

static void worker_main(struct gc_mutator *m, void *argument)
{
    struct worker *worker = argument;
    worker->m = m;
    worker->run(worker);
}

void workers_start(struct gc_mutator *m, struct worker *workers, uint32_t count,
        void (*run)(struct worker *worker), void *shared, struct gc_object *reference)
{
    for (uint32_t i = 0; i < count; i++) {
        struct worker *worker = &workers[i];
        *worker = (struct worker){ .run = run, .shared = shared, .number = i };
        int result = gc_spawn(m, &worker->thread, worker_main, worker, reference);
        gc_require(result == 0, "worker %u can't be started: error %d", i, -result);
    }
}

void workers_join(struct gc_mutator *m, struct worker *workers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        gc_join(m, &workers[i].thread);
    for (uint32_t i = 0; i < count; i++) {
        CU_ASSERT_PTR_NULL(workers[i].failed);
        if (workers[i].failed != NULL)
            printf("# worker %u, line %d: %s\n", i, workers[i].failed_line,
                    workers[i].failed);
    }
}

void workers_run(struct gc_mutator *m, struct worker *workers, uint32_t count,
        void (*run)(struct worker *worker), void *shared, struct gc_object *reference)
{
    workers_start(m, workers, count, run, shared, reference);
    workers_join(m, workers, count);
}

struct small_stack {
    void (*run)(void *argument);
    void *argument;
};

static void *small_stack_main(void *argument)
{
    struct small_stack *small = argument;
    small->run(small->argument);
    return NULL;
}

void run_on_small_stack(size_t bytes, void (*run)(void *argument), void *argument)
{
    struct small_stack small = { run, argument };
    pthread_attr_t attributes;
    pthread_t thread;
    gc_require(pthread_attr_init(&attributes) == 0, "pthread_attr_init failed");
    int result = pthread_attr_setstacksize(&attributes, bytes);
    gc_require(result == 0, "a stack of %zu bytes is refused", bytes);
    result = pthread_create(&thread, &attributes, small_stack_main, &small);
    gc_require(result == 0, "pthread_create failed with error %d", result);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

/* --- processes ----------------------------------------------------------------------- */

static void be_child(int output, void (*run)(void *argument), void *argument)
{
    struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    dup2(output, STDERR_FILENO);
    run(argument);
    _exit(0);
}

bool aborts_with(void (*run)(void *argument), void *argument, const char *text)
{
    int ends[2];
    gc_require(pipe(ends) == 0, "pipe failed");
    fflush(stdout);
    pid_t child = fork();
    gc_require(child >= 0, "fork failed");
    if (child == 0) be_child(ends[1], run, argument);
    close(ends[1]);
    char output[2048];
    size_t used = 0;
    ssize_t got;
    while ((got = read(ends[0], output + used, sizeof(output) - 1 - used)) > 0)
        used += (size_t)got;
    output[used] = '\0';
    close(ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    bool says = strstr(output, text) != NULL;
    if (!aborted || !says) printf("# status %d, stderr: %s\n", status, output);
    return aborted && says;
}

/* --- numbers ------------------------------------------------------------------------- */

uint32_t random_below(struct random *random, uint32_t n)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % n);
}
