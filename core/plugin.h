/* SPDX-License-Identifier: MIT */
/* plugin.h - the registry: which collectors and protocols this library holds.
 *
 * Core names none of them. The build hands their descriptors over as two arrays.
 */
#ifndef CORE_PLUGIN_H
#define CORE_PLUGIN_H

#include "core/collector.h"
#include "core/harness.h"

/* Defined by the build's generated file; they end with NULL. */
extern const struct gc_collector *const gc_static_collectors[];
extern const struct gc_protocol *const gc_static_protocols[];

/* gc_collectors(), gc_collector_find() and the like are declared in harness.h. */

#endif
