/* SPDX-License-Identifier: MIT */
/* plugin.h - what a plugin file exports, and the registry of what is built in or loaded.
 *
 * A plugin is a shared object, built against an installed gclab, with one symbol:
 *
 *     GC_PLUGIN = {
 *         GC_PLUGIN_HEADER,
 *         .collectors = GC_PLUGIN_LIST(gc_collector, &gc_collector_mine),
 *     };
 *
 * It may hold a protocol of its own, and with it what is compiled for each protocol: the
 * workloads that there are, under their names (workloads/pack.h).
 *
 * It is loaded with gc_plugin_load() (harness.h) and never unloaded.
 * Core names nothing of what is built in: the build hands it over as two arrays.
 */
#ifndef CORE_PLUGIN_H
#define CORE_PLUGIN_H

#include "core/collector.h"
#include "core/harness.h"

/* Something else that was compiled for a protocol, for another program than `gclab`: what
 * it is that program knows by the kind, and by its own version of it. A file that is
 * compiled once per protocol defines it, with a kind of its own:
 *
 *     GC_PART(conformance) = { GC_PART_HEADER(conformance), .version = 1, .what = ... };
 */
struct gc_part {
    const char *kind, *protocol;
    uint32_t version;
    const void *what;
};

#define GC_PART_PASTE_(id, protocol) gc_part_##id##_##protocol
#define GC_PART_PASTE(id, protocol)  GC_PART_PASTE_(id, protocol)
#define GC_PART_QUOTE_(text)         #text
#define GC_PART_QUOTE(text)          GC_PART_QUOTE_(text)

#define GC_PART(id)                                                                      \
    extern const struct gc_part GC_PART_PASTE(id, GC_PROTOCOL_NAME);                     \
    const struct gc_part GC_PART_PASTE(id, GC_PROTOCOL_NAME)

#define GC_PART_HEADER(id) .kind = #id, .protocol = GC_PART_QUOTE(GC_PROTOCOL_NAME)

struct gc_plugin {
    uint32_t abi_version;             /* the first word, whatever the version */
    uint32_t check_level;             /* the flavour */
    uint32_t mutator_size, heap_size; /* sizes of the structs that it was built with */
    uint32_t collector_size, protocol_size, workload_size;

    /* Lists that end with NULL, or NULL. */
    const struct gc_collector *const *collectors;
    const struct gc_protocol *const *protocols;
    const struct gc_workload *const *workloads; /* one entry a protocol */
    const struct gc_part *const *parts;         /* the same */
};

#define GC_PLUGIN_HEADER                                                                 \
    .abi_version = GC_ABI_VERSION, .check_level = GC_CHECK,                              \
    .mutator_size = sizeof(struct gc_mutator), .heap_size = sizeof(struct gc_heap),      \
    .collector_size = sizeof(struct gc_collector),                                       \
    .protocol_size = sizeof(struct gc_protocol),                                         \
    .workload_size = sizeof(struct gc_workload)

#define GC_PLUGIN                                                                        \
    extern GC_EXPORT const struct gc_plugin gc_plugin;                                   \
    const struct gc_plugin gc_plugin

#define GC_PLUGIN_LIST(structure, ...)                                                   \
    ((const struct structure *const[]){ __VA_ARGS__, NULL })

/* Defined by the build's generated file; they end with NULL. */
extern const struct gc_collector *const gc_static_collectors[];
extern const struct gc_protocol *const gc_static_protocols[];

/* Checks a plugin that is in memory already, and enters what it holds into the registry;
 * `path` is for messages. As gc_plugin_load(), which calls it. */
int gc_plugin_enter(const char *path, const struct gc_plugin *plugin,
        struct gc_error *error) GC_NODISCARD;

/* All else is declared in harness.h. */

#endif
