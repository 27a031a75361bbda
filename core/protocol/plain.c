/* SPDX-License-Identifier: MIT */
/* plain.c - the slow half of `plain`. */
#include "core/protocol/plain.h"

#include "core/protocol/plain_slow.h"

const struct gc_protocol gc_protocol_plain = {
    .name = "plain",
    .summary = "eager counting without atomics; one mutator runs at a time",
    .flags = PLAIN_FLAGS,
    PLAIN_OPERATIONS,
    GC_SERIAL_OPERATIONS,
};
