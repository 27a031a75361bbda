/* SPDX-License-Identifier: MIT */
/* check.h - compiler attributes, assertion levels, and the end of the line.
 *
 * GC_CHECK is the level of checking that a build was made with:
 *   0  release: only gc_require() is left
 *   1  O(1) assertions, poison, ranked locks, the deterministic scheduler
 *   2  the heap's and the collector's validators after collections (verify.h)
 *   3  and every reference of the heap against its target
 * It is a constant tested by an ordinary `if`, so every level always compiles.
 *
 * GC_COVERAGE is for tests/coverage alone: the checks and the schedule of a level, but not its
 * assertions (their failing side is what no test is to reach), and each inline function once
 * in a unit, instead of once for each of its callers.
 */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifndef GC_CHECK
#    define GC_CHECK 0
#endif

#ifndef GC_COVERAGE
#    define GC_COVERAGE 0
#endif

/* The level of assertions that are compiled in. */
#define GC_ASSERTS (GC_COVERAGE ? 0 : GC_CHECK)

#if GC_COVERAGE
#    define GC_INLINE static inline
#else
#    define GC_INLINE static inline __attribute__((always_inline))
#endif
#define GC_EXPORT __attribute__((visibility("default")))
#define GC_COLD   __attribute__((cold, noinline))
/* For what a fast path hands over to, but that is no rare event: a function that only cold
 * ones call is optimised for size. */
#define GC_NOINLINE     __attribute__((noinline))
#define GC_NODISCARD    __attribute__((warn_unused_result))
#define GC_NORETURN     __attribute__((noreturn))
#define GC_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Keeps the compiler from taking an address apart again, into the registers that it was
 * computed from. */
#define gc_as_one(pointer) __asm__("" : "+r"(pointer))

/* Before a loop whose bound is a small constant once its function is inlined. */
#define GC_UNROLL _Pragma("GCC unroll 8")

#define gc_likely(x)   __builtin_expect(!!(x), 1)
#define gc_unlikely(x) __builtin_expect(!!(x), 0)

#if defined(__SANITIZE_THREAD__)
#    define GC_TSAN 1
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define GC_TSAN 1
#    endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#    define GC_ASAN 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define GC_ASAN 1
#    endif
#endif
#ifndef GC_TSAN
#    define GC_TSAN 0
#endif
#ifndef GC_ASAN
#    define GC_ASAN 0
#endif

/* Cells are poisoned, and their life watched, at level 1 and under ASan. */
#define GC_POISONS (GC_CHECK >= 1 || GC_ASAN)

/* Says what is wrong, where, and aborts. Never returns; any thread, any state. */
GC_EXPORT GC_COLD GC_NORETURN void gc_fatal_at(const char *file, int line,
        const char *function, const char *format, ...) GC_PRINTF(4, 5);

/* What was said by the first thread that gc_fatal_at() is about to end: as
 * "FILE:LINE: FUNCTION: SENTENCE"; NULL: nothing. Also in a handler of signals. */
GC_EXPORT const char *gc_fatal_text(void);

#define gc_fatal(...) gc_fatal_at(__FILE__, __LINE__, __func__, __VA_ARGS__)

/* A condition that even a release build must not run past. */
#define gc_require(condition, ...)                                                       \
    do {                                                                                 \
        if (gc_unlikely(!(condition))) gc_fatal(__VA_ARGS__);                            \
    } while (0)

#define gc_assert_level(level, condition, ...)                                           \
    do {                                                                                 \
        if (GC_ASSERTS >= (level) && gc_unlikely(!(condition))) gc_fatal(__VA_ARGS__);   \
    } while (0)

#define gc_assert(condition, ...) gc_assert_level(1, condition, __VA_ARGS__)

/* What went wrong in a call that reports to its caller: one sentence. */
struct gc_error {
    char text[512];
};

/* As vsnprintf(); but of what does not fit, the middle is left out: a path may be long, and what
 * is wrong with it stands at the end. */
GC_EXPORT void gc_text_fit(char *to, size_t room, const char *format, va_list args);

/* Fills `error` (may be NULL) and returns `code`, so that a caller can return it. */
GC_EXPORT int gc_error_set(struct gc_error *error, int code, const char *format, ...)
        GC_PRINTF(3, 4);

#endif
