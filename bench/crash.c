/* SPDX-License-Identifier: MIT */
/* crash.c - the report of a process that dies.
 *
 * All below gc_crash_watch() runs in a handler of signals. What it reads belongs to threads
 * that may be at work on it, and is not synchronized with: a torn number is better than none.
 */
#include "bench/crash.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "bench/signal_words.h"
#include "core/os.h"
#include "core/situation.h"

enum {
    STACK_BYTES = 1 << 16,
    PATH_ROOM = 4096,
    NAMING_MS = 5000, /* that addr2line may take for a line */
    LINE_ROOM = 512,
    EXEC_FAILED = 127,
};

static const struct gc_crash_subject *subject;
static struct gc_crash_record *record; /* NULL: the report is printed */
static char namer[PATH_ROOM];          /* addr2line, or empty */
static char program[PATH_ROOM];        /* this program's file */

/* --- text ------------------------------------------------------------------------------ */

static void write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return; /* nobody is there to be told */
        text += n;
        length -= (size_t)n;
    }
}

static void flush(struct gc_words *w)
{
    if (record != NULL) return;
    write_all(STDERR_FILENO, w->begin, w->length);
    w->length = 0;
}

/* --- calls ----------------------------------------------------------------------------- */

struct calls {
    void **address;
    int count;
};

/* The address of the call, and where it was no call, that behind the place: one less is within
 * it either way. */
static _Unwind_Reason_Code add_call(struct _Unwind_Context *context, void *argument)
{
    struct calls *calls = argument;
    int is_exact = 0;
    const uintptr_t place = _Unwind_GetIPInfo(context, &is_exact);
    if (place == 0) return _URC_END_OF_STACK;
    calls->address[calls->count] = (void *)(place + (is_exact != 0));
    return ++calls->count < GC_CRASH_CALLS ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* Those that led to the place where the signal came, or, without one, here. */
static int find_calls(void *address[GC_CRASH_CALLS], const ucontext_t *context)
{
    struct calls calls = { .address = address };
    const char *place = context != NULL ? gc_words_place_of(context) : NULL;
    _Unwind_Backtrace(add_call, &calls);
    for (int i = 0; i < calls.count; i++) {
        if ((const char *)address[i] - 1 != place) continue;
        memmove(address, address + i, (size_t)(calls.count - i) * sizeof(*address));
        return calls.count - i;
    }
    return calls.count;
}

/* Where the file that holds an address begins, and the file's name; false: in none. */
static bool find_file(const char *address, const char **ret_base, const char **ret_name)
{
    Dl_info info, own;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL) return false;
    bool is_program = dladdr(&record, &own) != 0 && own.dli_fbase == info.dli_fbase;
    *ret_base = info.dli_fbase;
    *ret_name = is_program ? program : info.dli_fname;
    return true;
}

/* Becomes addr2line, with all that it has to say in the pipe. */
static GC_NORETURN void become_namer(char *const *arguments, int output)
{
    int null = open("/dev/null", O_WRONLY);
    dup2(output, STDOUT_FILENO);
    if (null >= 0) dup2(null, STDERR_FILENO);
    execve(namer, arguments, environ);
    _exit(EXEC_FAILED);
}

/* Reads lines, and prints those that are about the program's own functions, with a margin.
 * False: there is none, or no end of it. */
static bool print_names(struct gc_words *w, int input)
{
    char line[LINE_ROOM], letter;
    size_t length = 0;
    bool any = false;
    struct pollfd more = { .fd = input, .events = POLLIN };
    while (poll(&more, 1, NAMING_MS) == 1) {
        if (read(input, &letter, 1) != 1) return any;
        if (letter != '\n') {
            if (length < sizeof(line) - 1) line[length++] = letter;
            continue;
        }
        line[length] = '\0';
        length = 0;
        any = true;
        if (line[0] == '_') continue; /* of the C library */
        gc_words_put(w, "        ");
        gc_words_put(w, line);
        gc_words_put(w, "\n");
        flush(w);
    }
    return false;
}

/* Has addr2line print offsets of a file by name and line. False: it did not. */
static bool name_calls(
        struct gc_words *w, const char *file, char *const *offsets, int count)
{
    char *arguments[GC_CRASH_CALLS + 4] = { namer, (char *)(uintptr_t) "-fspie",
        (char *)(uintptr_t)file };
    int ends[2];
    for (int i = 0; i < count; i++)
        arguments[3 + i] = offsets[i];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    pid_t child = _Fork(); /* fork() runs handlers that may wait for locks */
    if (child == 0) become_namer(arguments, ends[1]);
    close(ends[1]);
    bool named = child > 0 && print_names(w, ends[0]);
    close(ends[0]);
    if (child > 0) {
        kill(child, SIGKILL); /* it has ended, or it hangs */
        waitpid(child, NULL, 0);
    }
    return named;
}

/* A line for each call; those of one file that follow each other are named at once. */
static void print_calls(struct gc_words *w, void *const *address, int count)
{
    char text[GC_CRASH_CALLS][2 + 16 + 1], *offsets[GC_CRASH_CALLS];
    for (int i = 0, n; i < count; i += n) {
        const char *base = NULL, *file = NULL, *other_base, *other;
        const bool known = find_file((const char *)address[i] - 1, &base, &file);
        n = 1;
        while (known && i + n < count &&
                find_file((const char *)address[i + n] - 1, &other_base, &other) &&
                other_base == base)
            n++;
        for (int k = 0; k < n; k++) { /* a call returns behind it */
            struct gc_words offset = { .begin = text[k], .room = sizeof(text[k]) };
            const char *at = (const char *)address[i + k] - 1;
            gc_words_put_hex(&offset, (uint64_t)(at - base));
            offsets[k] = text[k];
        }
        if (known && *namer != '\0' && name_calls(w, file, offsets, n)) continue;
        for (int k = 0; k < n; k++) {
            gc_words_put(w, "        ");
            gc_words_put(w, offsets[k]);
            gc_words_put(w, known ? " in " : "\n");
            if (known) gc_words_put(w, file);
            if (known) gc_words_put(w, "\n");
        }
        flush(w);
    }
}

/* --- the report ------------------------------------------------------------------------- */

static void print_report(int number, const siginfo_t *info, const ucontext_t *context)
{
    static char room[512];
    struct gc_words w = { .begin = room, .room = sizeof(room), .flush = flush };
    void *address[GC_CRASH_CALLS];
    gc_words_put(&w, "gclab: crash: ");
    gc_words_put_signal(&w, number, info, context);
    gc_words_put(&w, "\n");
    if (subject != NULL) {
        gc_words_put(&w, "    while: ");
        gc_words_put(&w, subject->what);
        gc_words_put(&w, "\n");
    }
    if (subject != NULL && subject->again != NULL) {
        gc_words_put(&w, "    again: ");
        gc_words_put(&w, subject->again);
        gc_words_put(&w, "\n");
    }
    flush(&w);
    gc_situation_put(&w, gc_os_now_ns());
    gc_words_put(&w, "    calls, the innermost first:\n");
    flush(&w);
    print_calls(&w, address, find_calls(address, context));
}

static void fill_record(struct gc_crash_record *to, const ucontext_t *context)
{
    struct gc_words w = { .begin = to->text, .room = sizeof(to->text) };
    to->call_count = find_calls(to->calls, context);
    if (!GC_TSAN) gc_situation_put(&w, gc_os_now_ns()); /* it reads what others write */
}

void gc_crash_note(struct gc_crash_record *to)
{
    fill_record(to, NULL);
}

/* The first one to come here has the word. All of the signals are blocked meanwhile: one that
 * the report itself causes ends the process. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    static atomic_flag crashed = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&crashed))
        for (;;)
            pause();
    if (record == NULL) {
        print_report(number, info, context);
    } else {
        struct gc_words what = { .begin = record->what, .room = sizeof(record->what) };
        gc_words_put_signal(&what, number, info, context);
        fill_record(record, context);
        if (number == SIGALRM) record->call_count = 0; /* of any thread */
    }
    signal(number, SIG_DFL);
    /* What the processor has noticed happens again, at its place. */
    if (info->si_code <= 0 || number == SIGABRT || number == SIGALRM) raise(number);
}

/* --- watching --------------------------------------------------------------------------- */

static pthread_key_t stack_key;

static void give_stack_back(void *stack)
{
    stack_t none = { .ss_flags = SS_DISABLE };
    sigaltstack(&none, NULL);
    munmap(stack, STACK_BYTES);
}

/* Without one a crash is reported all the same, unless the thread's own is used up. Untouched,
 * it is no memory. */
static void take_stack(void)
{
    stack_t stack = { .ss_size = STACK_BYTES };
    stack.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack.ss_sp == MAP_FAILED) return;
    if (sigaltstack(&stack, NULL) != 0 ||
            pthread_setspecific(stack_key, stack.ss_sp) != 0)
        give_stack_back(stack.ss_sp);
}

static void find_namer(void)
{
    const char *path = getenv("PATH");
    for (const char *at = path != NULL ? path : ""; *at != '\0';) {
        size_t length = strcspn(at, ":");
        static const char name[] = "/addr2line";
        if (length + sizeof(name) <= sizeof(namer)) {
            memcpy(namer, at, length);
            memcpy(namer + length, name, sizeof(name));
            if (access(namer, X_OK) == 0) return;
        }
        at += length;
        at += *at == ':';
    }
    *namer = '\0';
}

static void install(void)
{
    static const int numbers[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM };
    struct sigaction action = { .sa_sigaction = on_crash,
        .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK) };
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&action.sa_mask, numbers[i]);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (record != NULL || numbers[i] != SIGALRM) sigaction(numbers[i], &action, NULL);
}

void gc_crash_watch(
        const struct gc_crash_subject *new_subject, struct gc_crash_record *new_record)
{
    subject = new_subject;
    record = new_record;
    if (GC_TSAN || GC_ASAN || gc_thread_begins != NULL) return;
    if (pthread_key_create(&stack_key, give_stack_back) != 0) return;
    if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0) *program = '\0';
    find_namer();
    take_stack();
    gc_thread_begins = take_stack;
    install();
}
