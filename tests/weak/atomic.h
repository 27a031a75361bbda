/* SPDX-License-Identifier: MIT */
/* atomic.h - takes the place of core/atomic.h: the same operations, on a simulated memory.
 *
 * Included before anything else (-include), it claims that header's guard. An operation that
 * core/atomic.h has and this file has not does not compile. Each use is a site, known by where it
 * stands, whose order can be weakened at run time.
 */
#ifndef TESTS_WEAK_ATOMIC_H
#define TESTS_WEAK_ATOMIC_H
#define CORE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "tests/weak/memory.h"

#define GC_CACHE_LINE 64

#define gc_locked(p) (*(uint64_t __attribute__((may_alias)) *)(void *)(p))

/* The value of *p without _Atomic. */
#define WEAK_TYPE(p) __typeof__((void)0, *(p))

#define WEAK_SITE(what, orders)                                                          \
    static struct weak_site weak_site_ = { .file = __FILE__,                             \
        .function = __func__,                                                            \
        .kind = what,                                                                    \
        .line = __LINE__,                                                                \
        .written = (orders),                                                             \
        .order = (orders) };                                                             \
    static struct weak_site *const weak_place_                                           \
            __attribute__((section("weak_sites"), used)) = &weak_site_

#define WEAK_LOAD(p, what, orders)                                                       \
    __extension__({                                                                      \
        WEAK_SITE(what, orders);                                                         \
        WEAK_TYPE(p) weak_read_;                                                         \
        uint64_t weak_word_ = weak_load((const void *)(p), sizeof(*(p)), weak_place_);   \
        memcpy(&weak_read_, &weak_word_, sizeof(weak_read_));                            \
        weak_read_;                                                                      \
    })

/* What is stored is made a word first; p is evaluated once. */
#define WEAK_WORD(p, v)                                                                  \
    void *weak_at_ = (void *)(uintptr_t)(p);                                             \
    WEAK_TYPE(p) weak_value_ = (v);                                                      \
    uint64_t weak_word_ = 0;                                                             \
    memcpy(&weak_word_, &weak_value_, sizeof(weak_value_))

#define WEAK_STORE(p, v, what, orders)                                                   \
    __extension__({                                                                      \
        WEAK_SITE(what, orders);                                                         \
        WEAK_WORD(p, v);                                                                 \
        weak_store(weak_at_, sizeof(weak_value_), weak_word_, weak_place_);              \
    })

#define WEAK_UPDATE(p, v, operation, what, orders)                                       \
    __extension__({                                                                      \
        WEAK_SITE(what, orders);                                                         \
        WEAK_WORD(p, v);                                                                 \
        weak_word_ = weak_update(                                                        \
                weak_at_, sizeof(weak_value_), operation, weak_word_, weak_place_);      \
        memcpy(&weak_value_, &weak_word_, sizeof(weak_value_));                          \
        weak_value_;                                                                     \
    })

#define WEAK_COMPARE(p, expected, v, what, orders, failing)                              \
    __extension__({                                                                      \
        WEAK_SITE(what, orders);                                                         \
        WEAK_WORD(p, v);                                                                 \
        weak_compare_exchange(weak_at_, sizeof(weak_value_), (expected), weak_word_,     \
                (failing), weak_place_);                                                 \
    })

#define WEAK_ACQ      WEAK_ACQUIRE
#define WEAK_REL      WEAK_RELEASE
#define WEAK_ACQ_REL  (WEAK_ACQUIRE | WEAK_RELEASE)
#define WEAK_SC_LOAD  (WEAK_ACQUIRE | WEAK_SEQ_CST)
#define WEAK_SC_STORE (WEAK_RELEASE | WEAK_SEQ_CST)
#define WEAK_SC       (WEAK_ACQUIRE | WEAK_RELEASE | WEAK_SEQ_CST)

#define gc_atomic_init(p, v)                                                             \
    __extension__({                                                                      \
        WEAK_WORD(p, v);                                                                 \
        weak_init(weak_at_, sizeof(weak_value_), weak_word_);                            \
    })
#define gc_atomic_load_relaxed(p)     WEAK_LOAD(p, "load", 0)
#define gc_atomic_load_acquire(p)     WEAK_LOAD(p, "load", WEAK_ACQ)
#define gc_atomic_load_seq_cst(p)     WEAK_LOAD(p, "load", WEAK_SC_LOAD)
#define gc_atomic_store_relaxed(p, v) WEAK_STORE(p, v, "store", 0)
#define gc_atomic_store_release(p, v) WEAK_STORE(p, v, "store", WEAK_REL)
#define gc_atomic_store_seq_cst(p, v) WEAK_STORE(p, v, "store", WEAK_SC_STORE)

#define gc_atomic_fetch_add_relaxed(p, v) WEAK_UPDATE(p, v, WEAK_ADD, "fetch_add", 0)
#define gc_atomic_fetch_add_seq_cst(p, v)                                                \
    WEAK_UPDATE(p, v, WEAK_ADD, "fetch_add", WEAK_SC)
#define gc_atomic_fetch_sub_relaxed(p, v) WEAK_UPDATE(p, v, WEAK_SUB, "fetch_sub", 0)
#define gc_atomic_fetch_sub_release(p, v)                                                \
    WEAK_UPDATE(p, v, WEAK_SUB, "fetch_sub", WEAK_REL)
#define gc_atomic_fetch_sub_seq_cst(p, v)                                                \
    WEAK_UPDATE(p, v, WEAK_SUB, "fetch_sub", WEAK_SC)
#define gc_atomic_fetch_or_relaxed(p, v)  WEAK_UPDATE(p, v, WEAK_OR, "fetch_or", 0)
#define gc_atomic_fetch_or_release(p, v)  WEAK_UPDATE(p, v, WEAK_OR, "fetch_or", WEAK_REL)
#define gc_atomic_fetch_and_relaxed(p, v) WEAK_UPDATE(p, v, WEAK_AND, "fetch_and", 0)
#define gc_atomic_fetch_and_acquire(p, v)                                                \
    WEAK_UPDATE(p, v, WEAK_AND, "fetch_and", WEAK_ACQ)
#define gc_atomic_exchange_acquire(p, v)                                                 \
    WEAK_UPDATE(p, v, WEAK_EXCHANGE, "exchange", WEAK_ACQ)

#define gc_atomic_fence_seq_cst()                                                        \
    __extension__({                                                                      \
        WEAK_SITE("fence", WEAK_SC);                                                     \
        weak_fence(weak_place_);                                                         \
    })

#define gc_atomic_compare_exchange_relaxed(p, expected, v)                               \
    WEAK_COMPARE(p, expected, v, "compare_exchange", 0, 0)
#define gc_atomic_compare_exchange_acquire(p, expected, v)                               \
    WEAK_COMPARE(p, expected, v, "compare_exchange", WEAK_ACQ, 0)
#define gc_atomic_compare_exchange_release(p, expected, v)                               \
    WEAK_COMPARE(p, expected, v, "compare_exchange", WEAK_REL, 0)
#define gc_atomic_compare_exchange_acq_rel(p, expected, v)                               \
    WEAK_COMPARE(p, expected, v, "compare_exchange", WEAK_ACQ_REL, WEAK_ACQ)
#define gc_atomic_compare_exchange_seq_cst(p, expected, v)                               \
    WEAK_COMPARE(p, expected, v, "compare_exchange", WEAK_SC, WEAK_SC_LOAD)

#define gc_atomic_slot_load_relaxed(p)     WEAK_LOAD(p, "slot load", 0)
#define gc_atomic_slot_load_acquire(p)     WEAK_LOAD(p, "slot load", WEAK_ACQ)
#define gc_atomic_slot_load_seq_cst(p)     WEAK_LOAD(p, "slot load", WEAK_SC_LOAD)
#define gc_atomic_slot_store_relaxed(p, v) WEAK_STORE(p, v, "slot store", 0)
#define gc_atomic_slot_store_release(p, v) WEAK_STORE(p, v, "slot store", WEAK_REL)
#define gc_atomic_slot_exchange_acq_rel(p, v)                                            \
    WEAK_UPDATE(p, v, WEAK_EXCHANGE, "slot exchange", WEAK_ACQ_REL)
#define gc_atomic_slot_exchange_seq_cst(p, v)                                            \
    WEAK_UPDATE(p, v, WEAK_EXCHANGE, "slot exchange", WEAK_SC)
#define gc_atomic_slot_compare_exchange_acq_rel(p, expected, v)                          \
    WEAK_COMPARE(p, expected, v, "slot compare_exchange", WEAK_ACQ_REL, WEAK_ACQ)
#define gc_atomic_slot_compare_exchange_seq_cst(p, expected, v)                          \
    WEAK_COMPARE(p, expected, v, "slot compare_exchange", WEAK_SC, WEAK_ACQ)

#endif
