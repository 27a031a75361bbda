/* SPDX-License-Identifier: MIT */
/* example.c - the slow half of the protocol: what core itself must be able to ask. */
#include "example.h"

#include "core/protocol/plain_slow.h"

extern const struct gc_protocol gc_protocol_example;
const struct gc_protocol gc_protocol_example = {
    .name = "example",
    .summary = "eager counting by plain additions; one mutator runs at a time",
    .flags = PLAIN_FLAGS,
    PLAIN_OPERATIONS,
    GC_SERIAL_OPERATIONS,
};
