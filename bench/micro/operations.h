/* SPDX-License-Identifier: MIT */
/* operations.h - what the loops of a protocol (operations.c) share with its set
 * (protocol_set.c). Both are compiled once per protocol, the loops several times (micro.h).
 */
#ifndef BENCH_MICRO_OPERATIONS_H
#define BENCH_MICRO_OPERATIONS_H

#include "bench/micro/micro.h"
#include "core/mutator.h"

struct node {
    struct gc_object header;
    struct node *left, *right;
    int64_t key;
};

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);

GC_MICRO_DECLARE(GC_PROTOCOL_NAME);

/* What a thread holds between calls. */
struct gc_micro_thread {
    struct gc_mutator *m;
    const struct gc_micro_operation *operation;
    struct {
        struct gc_frame frame;
        struct node *object[GC_MICRO_OBJECTS];
        struct node *holder[GC_MICRO_OBJECTS]; /* holder[i]->left is object[i] */
        struct gc_weak *weak[GC_MICRO_OBJECTS];
    } at;
};

#endif
