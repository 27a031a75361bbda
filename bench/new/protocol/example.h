/* SPDX-License-Identifier: MIT */
/* example.h - eager counting by plain additions: the inline half of the protocol.
 *
 * What is here runs on every load, store and local of a workload. core/protocol/plain_counts.h
 * is the template for protocols that count by additions while one mutator runs at a time;
 * core/protocol/eager.h, beneath it, for all that count at once, as core/protocol/atomic.h
 * shows; a protocol that does not writes its operations itself, as core/protocol/bare.h does.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#define GC_PROTOCOL_NAME   example
#define GC_PLAIN_DROP_LAST gc_example_drop_last

/* A drop that leaves the object alive ends in this: the place for a candidate of a cycle. Here
 * it does nothing. */
#define GC_PLAIN_LEFT(m, object) ((void)(m), (void)(object), true)

#include "core/protocol/plain_counts.h"

#endif
