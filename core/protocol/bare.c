/* SPDX-License-Identifier: MIT */
/* bare.c - the slow half of `bare`: there is hardly anything to ask. */
#include "core/protocol/bare.h"

#include "core/protocol/uncounted_slow.h"

const struct gc_protocol gc_protocol_bare = {
    .name = "bare",
    .summary = "no counts: a reference is a pointer; frames are linked",
    .flags = GC_PROTOCOL_FRAMES,
    UNCOUNTED_OPERATIONS,
};
