/* SPDX-License-Identifier: MIT */
/* atomic.h - every atomic access of the runtime, by named order.
 *
 * Two families, because programs keep plain pointers in their structs:
 *   gc_atomic_OP_ORDER(p, ...)       on _Atomic fields of the runtime
 *   gc_atomic_slot_OP_ORDER(p, ...)  on reference slots of programs
 * There is no order parameter and no `volatile`: a reader sees at the call what is
 * ordered, lint sees that each ordered site names its partner, and a simulated memory
 * can take the place of this one header. A fence is for what no access can say: that
 * all stores so far come before the next loads.
 */
#ifndef CORE_ATOMIC_H
#define CORE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/check.h"

#define GC_CACHE_LINE 64

#define gc_atomic_init(p, v)      atomic_init((p), (v))
#define gc_atomic_load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define gc_atomic_load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define gc_atomic_load_seq_cst(p) atomic_load_explicit((p), memory_order_seq_cst)
#define gc_atomic_store_relaxed(p, v)                                                    \
    atomic_store_explicit((p), (v), memory_order_relaxed)
#define gc_atomic_store_release(p, v)                                                    \
    atomic_store_explicit((p), (v), memory_order_release)
#define gc_atomic_store_seq_cst(p, v)                                                    \
    atomic_store_explicit((p), (v), memory_order_seq_cst)
#define gc_atomic_fetch_add_relaxed(p, v)                                                \
    atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define gc_atomic_fetch_sub_relaxed(p, v)                                                \
    atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define gc_atomic_fetch_sub_release(p, v)                                                \
    atomic_fetch_sub_explicit((p), (v), memory_order_release)
#define gc_atomic_fetch_add_seq_cst(p, v)                                                \
    atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
#define gc_atomic_fetch_sub_seq_cst(p, v)                                                \
    atomic_fetch_sub_explicit((p), (v), memory_order_seq_cst)
#define gc_atomic_fetch_or_relaxed(p, v)                                                 \
    atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define gc_atomic_fetch_or_release(p, v)                                                 \
    atomic_fetch_or_explicit((p), (v), memory_order_release)
#define gc_atomic_fetch_and_relaxed(p, v)                                                \
    atomic_fetch_and_explicit((p), (v), memory_order_relaxed)
#define gc_atomic_fetch_and_acquire(p, v)                                                \
    atomic_fetch_and_explicit((p), (v), memory_order_acquire)

#define gc_atomic_fence_seq_cst() atomic_thread_fence(memory_order_seq_cst)

#define gc_atomic_exchange_acquire(p, v)                                                 \
    atomic_exchange_explicit((p), (v), memory_order_acquire)

/* *expected is updated on failure, as in C11; a failure orders what a load would under seq_cst
 * and acq_rel, and nothing under the others. */
#define gc_atomic_compare_exchange_seq_cst(p, expected, v)                               \
    atomic_compare_exchange_strong_explicit(                                             \
            (p), (expected), (v), memory_order_seq_cst, memory_order_seq_cst)
#define gc_atomic_compare_exchange_relaxed(p, expected, v)                               \
    atomic_compare_exchange_strong_explicit(                                             \
            (p), (expected), (v), memory_order_relaxed, memory_order_relaxed)

#define gc_atomic_compare_exchange_acquire(p, expected, v)                               \
    atomic_compare_exchange_strong_explicit(                                             \
            (p), (expected), (v), memory_order_acquire, memory_order_relaxed)
#define gc_atomic_compare_exchange_release(p, expected, v)                               \
    atomic_compare_exchange_strong_explicit(                                             \
            (p), (expected), (v), memory_order_release, memory_order_relaxed)
#define gc_atomic_compare_exchange_acq_rel(p, expected, v)                               \
    atomic_compare_exchange_strong_explicit(                                             \
            (p), (expected), (v), memory_order_acq_rel, memory_order_acquire)

/* An atomic 64-bit field, while a lock keeps all others from it: no atom, so that additions
 * in memory are one instruction. */
#define gc_locked(p) (*(uint64_t __attribute__((may_alias)) *)(void *)(p))

#define gc_atomic_slot_load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define gc_atomic_slot_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define gc_atomic_slot_load_seq_cst(p)     __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define gc_atomic_slot_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define gc_atomic_slot_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define gc_atomic_slot_exchange_acq_rel(p, v)                                            \
    __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define gc_atomic_slot_compare_exchange_acq_rel(p, expected, v)                          \
    __atomic_compare_exchange_n(                                                         \
            (p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define gc_atomic_slot_exchange_seq_cst(p, v)                                            \
    __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define gc_atomic_slot_compare_exchange_seq_cst(p, expected, v)                          \
    __atomic_compare_exchange_n(                                                         \
            (p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)

#endif
