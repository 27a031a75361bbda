/* SPDX-License-Identifier: MIT */
/* signal_words.h - signals, as people read them. */
#ifndef BENCH_SIGNAL_WORDS_H
#define BENCH_SIGNAL_WORDS_H

#include <signal.h>
#include <ucontext.h>

#include "core/words.h"

/* What has happened, in words: "it touches address 0x10, where there is no memory (SIGSEGV)". In the
 * handler of the signal. */
void gc_words_put_signal(struct gc_words *words, int number, const siginfo_t *info,
        const ucontext_t *context);

/* Where the thread was that got a signal; NULL: not known on this machine. */
const char *gc_words_place_of(const ucontext_t *context);

#endif
