/* SPDX-License-Identifier: MIT */
/* signal_words.c - signals, as people read them. */
#include "bench/signal_words.h"

#include <unistd.h>

enum { NEAR_STACK = 1 << 16 }; /* bytes: who touches memory there has used up his stack */

/* 0: not known on this machine. */
static uintptr_t stack_pointer(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.sp;
#else
    (void)context;
    return 0;
#endif
}

const char *gc_words_place_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (const char *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (const char *)(uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    return NULL;
#endif
}

static void put_segv(struct gc_words *w, const siginfo_t *info, const ucontext_t *context)
{
    const uintptr_t address = (uintptr_t)info->si_addr, stack = stack_pointer(context);
    if (info->si_code != SEGV_MAPERR && info->si_code != SEGV_ACCERR) {
        gc_words_put(w, "it follows what can be no address, as memory that was freed "
                        "holds: checked builds fill it with 0xd5");
        return;
    }
    if (stack != 0 && address + NEAR_STACK > stack && address < stack + NEAR_STACK)
        gc_words_put(w, "the stack of the thread is used up: ");
    gc_words_put(w, "it touches address ");
    gc_words_put_hex(w, address);
    gc_words_put(w, info->si_code == SEGV_MAPERR ? ", where there is no memory"
                                                 : ", where it may not");
}

static void put_at(struct gc_words *w, const char *what, const siginfo_t *info)
{
    gc_words_put(w, what);
    gc_words_put(w, " at ");
    gc_words_put_hex(w, (uintptr_t)info->si_addr);
}

static const char *name_of(int number)
{
    switch (number) {
    case SIGABRT:
        return "SIGABRT";
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    default:
        return "a signal";
    }
}

static void put_what(
        struct gc_words *w, int number, const siginfo_t *info, const ucontext_t *context)
{
    const char *fatal = gc_fatal_text();
    if (number == SIGABRT && fatal != NULL) {
        gc_words_put(w, "an assertion failed: ");
        gc_words_put(w, fatal);
    } else if (info->si_code <= 0 && info->si_pid != getpid()) {
        gc_words_put(w, "process ");
        gc_words_put_number(w, (uint64_t)info->si_pid);
        gc_words_put(w, " has sent it a signal");
    } else if (number == SIGSEGV && info->si_code > 0) {
        put_segv(w, info, context);
    } else if (number == SIGBUS && info->si_code > 0) {
        put_at(w,
                "it touches a file's memory that the file does not have, or that is "
                "not aligned,",
                info);
    } else if (number == SIGFPE && info->si_code > 0) {
        put_at(w, info->si_code == FPE_INTDIV ? "it divides by zero" : "it miscalculates",
                info);
    } else if (number == SIGILL && info->si_code > 0) {
        put_at(w,
                "it runs what is no instruction, or where the compiler saw that it "
                "can't come,",
                info);
    } else {
        gc_words_put(w, "it ends itself");
    }
}

void gc_words_put_signal(struct gc_words *words, int number, const siginfo_t *info,
        const ucontext_t *context)
{
    put_what(words, number, info, context);
    gc_words_put(words, " (");
    gc_words_put(words, name_of(number));
    gc_words_put(words, ")");
}
