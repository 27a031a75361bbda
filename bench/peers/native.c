/* SPDX-License-Identifier: MIT */
/* native.c - a peer's main(): its numbers, its threads, the clock, and one line of JSON.
 *
 *     native-WORKLOAD-HEAP threads=T seed=S NAME=NUMBER|NAME=WORD...
 *
 * The clock runs from when all threads are ready until the last has done its share, as
 * in core/harness.c.
 */
#include "bench/peers/native.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { MOST_THREADS = 1024, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 4 };

struct thread {
    pthread_t id;
    const struct native_trial *trial;
    pthread_barrier_t *start;
    uint32_t number;
    uint64_t sum, end_ns;
};

static pthread_barrier_t everybody; /* the threads of the trial */

void native_wait(void)
{
    pthread_barrier_wait(&everybody);
}

uint64_t native_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Of this program alone: getrusage() would count what ran in the process before it. */
static uint64_t peak_rss_bytes(void)
{
    unsigned long long kib = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof(line), status) != NULL)
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1) break;
    if (status != NULL) fclose(status);
    return kib * 1024;
}

static void *run(void *argument)
{
    struct thread *self = argument;
    pthread_barrier_wait(self->start); /* all are ready */
    pthread_barrier_wait(self->start); /* the clock has been started */
    self->sum = native_run(self->trial, self->number);
    self->end_ns = native_now_ns();
    return NULL;
}

/* Runs all threads; returns the time that they took, and the sum of what they say. */
static uint64_t run_threads(const struct native_trial *trial, uint64_t *ret_sum)
{
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, trial->threads + 1);
    pthread_barrier_init(&everybody, NULL, trial->threads);
    struct thread *all = native_require(calloc(trial->threads, sizeof(*all)));
    for (uint32_t i = 0; i < trial->threads; i++) {
        all[i].trial = trial;
        all[i].start = &start;
        all[i].number = i;
        int error = pthread_create(&all[i].id, NULL, run, &all[i]);
        if (error != 0) {
            fprintf(stderr, "thread %u can't be started: %s\n", i + 1, strerror(error));
            exit(EXIT_ENVIRONMENT);
        }
    }
    pthread_barrier_wait(&start);
    uint64_t start_ns = native_now_ns(), end_ns = start_ns, sum = 0;
    pthread_barrier_wait(&start);
    for (uint32_t i = 0; i < trial->threads; i++) {
        pthread_join(all[i].id, NULL);
        sum += all[i].sum;
        if (all[i].end_ns > end_ns) end_ns = all[i].end_ns;
    }
    pthread_barrier_destroy(&everybody);
    pthread_barrier_destroy(&start);
    free(all);
    *ret_sum = sum;
    return end_ns - start_ns;
}

/* The name without the words that its value may be. */
static size_t name_length(const char *name)
{
    return strcspn(name, "=");
}

/* The place of the number of that name: 0 threads, 1 seed, then native_workload.names; or -1.
 * *ret_words is what follows it there: "", or "=WORD|WORD...". */
static int find_number(const char *name, const char **ret_words)
{
    const char *names[NATIVE_NUMBERS + 3] = { "threads", "seed" };
    size_t length = name_length(name);
    memcpy(&names[2], native_workload.names, sizeof(native_workload.names));
    for (int i = 0; names[i] != NULL; i++) {
        *ret_words = names[i] + name_length(names[i]);
        if (name_length(names[i]) == length && memcmp(name, names[i], length) == 0)
            return i;
    }
    return -1;
}

/* Which of "=WORD|WORD..." it is. */
static bool read_word(const char *words, const char *value, uint64_t *ret_number)
{
    size_t length = strlen(value);
    for (*ret_number = 0; *words != '\0'; ++*ret_number) {
        words++;
        size_t candidate = strcspn(words, "|");
        if (candidate == length && memcmp(words, value, length) == 0) return true;
        words += candidate;
    }
    return false;
}

/* NAME=NUMBER or NAME=WORD: its place, and *ret_number. -1 if it is anything else. */
static int read_argument(const char *argument, uint64_t *ret_number)
{
    const char *words = "", *value = argument + name_length(argument);
    int place = find_number(argument, &words);
    if (place < 0 || *value++ != '=') return -1;
    if (*words != '\0') return read_word(words, value, ret_number) ? place : -1;
    if (*value < '0' || *value > '9') return -1;
    char *end;
    errno = 0;
    *ret_number = strtoull(value, &end, 10);
    return *end == '\0' && errno == 0 ? place : -1;
}

/* Every number must be given, once. */
static int parse(int argc, char **argv, struct native_trial *trial)
{
    uint64_t numbers[NATIVE_NUMBERS + 2] = { 0 };
    bool given[NATIVE_NUMBERS + 2] = { false };
    int wanted = 2;
    while (native_workload.names[wanted - 2] != NULL)
        wanted++;
    for (int i = 1; i < argc; i++) {
        uint64_t number = 0;
        int place = read_argument(argv[i], &number);
        if (place < 0 || given[place]) {
            fprintf(stderr, "%s: %s argument '%s'\n", argv[0],
                    place < 0 ? "unknown" : "second", argv[i]);
            return EXIT_USAGE;
        }
        given[place] = true;
        numbers[place] = number;
    }
    if (argc - 1 != wanted || numbers[0] < 1 || numbers[0] > MOST_THREADS) {
        fprintf(stderr, "usage: %s threads=1..%d seed=NUMBER", argv[0], MOST_THREADS);
        for (int i = 0; native_workload.names[i] != NULL; i++)
            fprintf(stderr, " %s%s", native_workload.names[i],
                    strchr(native_workload.names[i], '=') == NULL ? "=NUMBER" : "");
        fputs("\n", stderr);
        return EXIT_USAGE;
    }
    trial->threads = (uint32_t)numbers[0];
    trial->seed = numbers[1];
    memcpy(trial->numbers, &numbers[2], sizeof(trial->numbers));
    return 0;
}

static void print_ns(const char *name, bool is_known, uint64_t ns)
{
    if (is_known)
        printf(",\"%s\":%llu", name, (unsigned long long)ns);
    else
        printf(",\"%s\":null", name);
}

static void print_latency(const struct native_latency *latency)
{
    if (latency->count == 0) {
        fputs("\"latency\":null", stdout);
        return;
    }
    printf("\"latency\":{\"count\":%llu", (unsigned long long)latency->count);
    print_ns("max_ns", true, latency->max_ns);
    print_ns("p50_ns", latency->has_p50, latency->p50_ns);
    print_ns("p99_ns", latency->has_p99, latency->p99_ns);
    print_ns("p999_ns", latency->has_p999, latency->p999_ns);
    fputs("}", stdout);
}

int main(int argc, char **argv)
{
    struct native_trial trial = { .threads = 0 };
    int status = parse(argc, argv, &trial);
    if (status != 0) return status;
    native_heap_start();
    if (native_workload.setup != NULL) native_workload.setup(&trial);
    struct native_result result = { 0 };
    uint64_t wall_ns = run_threads(&trial, &result.checksum);
    uint64_t peak = peak_rss_bytes();
    uint64_t collections = native_heap_collections();
    native_workload.report(&trial, &result);
    char version[32];
    native_heap_version(version, sizeof(version));
    printf("{\"heap\":\"%s\",\"version\":\"%s\",\"workload\":\"%s\",\"threads\":%u,"
           "\"checksum\":\"%016llx\",\"ops\":%llu,\"wall_ns\":%llu,"
           "\"peak_rss_bytes\":%llu,\"collections\":%llu,\"compiler\":\"%s\",",
            NATIVE_HEAP, version, native_workload.name, trial.threads,
            (unsigned long long)result.checksum, (unsigned long long)result.ops,
            (unsigned long long)wall_ns, (unsigned long long)peak,
            (unsigned long long)collections, NATIVE_COMPILER);
    print_latency(&result.latency);
    fputs("}\n", stdout);
    return 0;
}
