/* SPDX-License-Identifier: MIT */
/* operation.c - the names of what fast paths do. */
#include "core/operation.h"

const char *const gc_operation_names[GC_OPERATION_COUNT] = {
#define X(name, doc) [GC_OPERATION_##name] = #name,
    GC_OPERATIONS(X)
#undef X
};

const char *const gc_operation_docs[GC_OPERATION_COUNT] = {
#define X(name, doc) [GC_OPERATION_##name] = (doc),
    GC_OPERATIONS(X)
#undef X
};

void gc_operations_add(
        uint64_t to[GC_OPERATION_COUNT], const uint64_t from[GC_OPERATION_COUNT])
{
    for (int i = 0; i < GC_OPERATION_COUNT; i++)
        to[i] += from[i];
}
