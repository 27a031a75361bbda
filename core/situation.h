/* SPDX-License-Identifier: MIT */
/* situation.h - what the runtime is at, in words: for who tells of a process that dies. */
#ifndef CORE_SITUATION_H
#define CORE_SITUATION_H

#include "core/words.h"

/* Puts, of each heap of the process (gc_heaps), the phase that its collector is in, and what its
 * mutators did last: events in checked builds, stalls; `now_ns` is gc_os_now_ns(). Any thread,
 * in whatever state the process is, also in a handler of signals. */
GC_EXPORT void gc_situation_put(struct gc_words *words, uint64_t now_ns);

/* Called first on each thread that the runtime starts from now on; NULL: nothing is. For who
 * prepares for a crash of any thread. Set while one thread runs. */
GC_EXPORT extern void (*gc_thread_begins)(void);

#endif
