/* SPDX-License-Identifier: MIT */
/* plain.h - eager counting with plain increments: one mutator runs at a time (serial.h). */
#ifndef CORE_PROTOCOL_PLAIN_H
#define CORE_PROTOCOL_PLAIN_H

#define GC_PROTOCOL_NAME   plain
#define GC_PLAIN_DROP_LAST gc_plain_drop_last

#include "core/protocol/plain_counts.h"

#endif
