/* SPDX-License-Identifier: MIT */
/* native_shared_ptr.h - counts of the C++ library, std::shared_ptr, over mimalloc. The
 * programs are shared_ptr_WORKLOAD.cc; native.c is C here as well.
 */
#ifndef BENCH_PEERS_NATIVE_SHARED_PTR_H
#define BENCH_PEERS_NATIVE_SHARED_PTR_H

#include <mimalloc-new-delete.h> /* in C++: operators new and delete, for all of it */

#include "bench/peers/native_on_mimalloc.h"

#define NATIVE_HEAP "shared_ptr on mimalloc"

static inline void native_heap_start(void) {}

#endif
