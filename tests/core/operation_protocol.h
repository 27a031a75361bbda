/* SPDX-License-Identifier: MIT */
/* operation_protocol.h - a protocol of nobody's, for test_operation.c: it counts as `plain`
 * does, but says that locals cost nothing, that roots are scanned, and that an object's
 * slots are logged at its first store. */
#ifndef TESTS_CORE_OPERATION_PROTOCOL_H
#define TESTS_CORE_OPERATION_PROTOCOL_H

#include "core/protocol/plain.h"

enum { LOGGED = 1 };

/* struct node, before it is declared. */
static inline bool operation_is_logged(const struct gc_object *holder)
{
    return ((const int64_t *)(const void *)(holder + 1))[2] == LOGGED;
}

#undef GC_PROTOCOL_LOCAL_COST
#undef GC_PROTOCOL_SLOT_COST
#define GC_PROTOCOL_LOCAL_COST(m, object) GC_COST_uncounted
#define GC_PROTOCOL_SLOT_COST(m, holder, object)                                         \
    ((holder) == NULL                       ? GC_COST_uncounted                          \
            : operation_is_logged((holder)) ? GC_COST_coalesced                          \
                                            : GC_COST_buffered)

#endif
