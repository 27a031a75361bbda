/* SPDX-License-Identifier: MIT */
/* serial.h - one mutator runs at a time: for protocols with GC_PROTOCOL_SERIAL.
 *
 * A mutator holds the heap's global lock whenever it is RUNNING, and gives it up in every
 * wait and, when another one asks, at a safepoint. So what only running mutators touch is
 * never touched by two threads at once, and needs no order: the lock orders it.
 */
#ifndef CORE_SERIAL_H
#define CORE_SERIAL_H

#include "core/check.h"
#include "core/heap.h"
#include "core/thread.h"

/* Four hooks of struct gc_protocol (protocol.h), which says when they are called. A protocol
 * that has more to do in one of them calls it first in start and enter, last in finish and
 * leave. start: 0 or -ENOMEM. */
GC_EXPORT int gc_serial_start(struct gc_heap *heap) GC_NODISCARD;
GC_EXPORT void gc_serial_finish(struct gc_heap *heap);
GC_EXPORT void gc_serial_enter(struct gc_mutator *m);
GC_EXPORT void gc_serial_leave(struct gc_mutator *m);

#define GC_SERIAL_OPERATIONS                                                             \
    .start = gc_serial_start, .finish = gc_serial_finish, .enter = gc_serial_enter,      \
    .leave = gc_serial_leave

#endif
