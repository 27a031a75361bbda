/* SPDX-License-Identifier: MIT */
/* plugin.c - looking up what this library holds, and describing it to drivers. */
#include "core/plugin.h"

#include <stdio.h>
#include <string.h>

static const struct {
    uint32_t bit;
    const char *word;
} capability_words[] = {
    { GC_CAP_RECLAIMS, "reclaims" },
    { GC_CAP_IMMEDIATE, "immediate" },
    { GC_CAP_CYCLES, "cycles" },
    { GC_CAP_COUNTS, "counts" },
    { GC_CAP_GENERATIONS, "generations" },
    { GC_CAP_FINALIZERS, "finalizers" },
    { GC_CAP_WEAK, "weak" },
    { GC_CAP_FREEZE, "freeze" },
    { GC_CAP_UNTRACK, "untrack" },
    { GC_CAP_SAVE_ALL, "save-all" },
};

enum { WORDS = sizeof(capability_words) / sizeof(capability_words[0]) };

const struct gc_collector *const *gc_collectors(void)
{
    return gc_static_collectors;
}

const struct gc_protocol *const *gc_protocols(void)
{
    return gc_static_protocols;
}

const struct gc_collector *gc_collector_find(const char *name)
{
    for (const struct gc_collector *const *c = gc_static_collectors; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0) return *c;
    return NULL;
}

const struct gc_protocol *gc_protocol_find(const char *name)
{
    for (const struct gc_protocol *const *p = gc_static_protocols; *p != NULL; p++)
        if (strcmp((*p)->name, name) == 0) return *p;
    return NULL;
}

bool gc_collector_promises(
        const struct gc_collector *collector, size_t i, const char **ret_word)
{
    if (i >= WORDS) return false;
    bool promised = (collector->capabilities & capability_words[i].bit) != 0;
    *ret_word = promised ? capability_words[i].word : NULL;
    return true;
}

struct gc_collector_info gc_collector_info(const struct gc_collector *collector)
{
    return (struct gc_collector_info){
        .name = collector->name,
        .summary = collector->summary,
        .paper = collector->paper,
        .protocols = collector->protocols,
        .options = collector->options,
        .reclaims = (collector->capabilities & GC_CAP_RECLAIMS) != 0,
        .immediate = (collector->capabilities & GC_CAP_IMMEDIATE) != 0,
        .cycles = (collector->capabilities & GC_CAP_CYCLES) != 0,
    };
}

const char *gc_protocol_name(const struct gc_protocol *protocol)
{
    return protocol->name;
}

const char *gc_protocol_summary(const struct gc_protocol *protocol)
{
    return protocol->summary;
}

int gc_build_check_level(void)
{
    return GC_CHECK;
}
