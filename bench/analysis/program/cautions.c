/* SPDX-License-Identifier: MIT */
/* cautions.c - why figures of these samples should not be believed, or not be reported. */
#include "bench/analysis/program/cautions.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/text.h"

static void add(struct gc_cautions *cautions, const char *format, ...) GC_PRINTF(2, 3);

static void add(struct gc_cautions *cautions, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) text = NULL;
    va_end(args);
    if (text == NULL) return;
    cautions->items = gc_need_more(
            cautions->items, (cautions->count + 1) * sizeof(*cautions->items));
    cautions->items[cautions->count++] = text;
}

static bool is_checked_build(const struct gc_result *result)
{
    return result->check_level > 0;
}

static bool is_disturbed(const struct gc_result *result)
{
    return result->is_disturbed;
}

static bool is_bad(const struct gc_result *result)
{
    return !result->is_good;
}

static bool is_counting(const struct gc_result *result)
{
    return result->counts;
}

static bool has_waited(const struct gc_result *result)
{
    return result->is_checked;
}

static bool is_quick(const struct gc_result *result)
{
    return result->is_quick;
}

static bool shares_its_process(const struct gc_result *result)
{
    return result->shares_its_process;
}

static const struct {
    bool (*holds)(const struct gc_result *result);
    const char *sentence;
} kinds[] = {
    { is_checked_build, "of a build that checks: its figures are not to be reported" },
    { is_disturbed, "disturbed by something else on the machine" },
    { is_bad, "with an outcome other than ok, which are left out" },
    { is_counting, "of --count-ops: no time was taken of them" },
    { has_waited, "with checks on the way: their figures are not to be reported" },
    { is_quick, "of an experiment in its quick form: not for publication" },
    { shares_its_process, "of --in-process, which are not independent of each other" },
};

static const char *first_machine(const struct gc_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        if (results->items[i].machine != NULL) return results->items[i].machine;
    return NULL;
}

/* Another than `machine`; NULL: there is none. */
static const char *other_machine(const struct gc_results *results, const char *machine)
{
    for (size_t i = 0; machine != NULL && i < results->count; i++) {
        const char *here = results->items[i].machine;
        if (here != NULL && strcmp(here, machine) != 0) return here;
    }
    return NULL;
}

static void add_processes(
        struct gc_cautions *cautions, const char *name, const struct gc_results *results)
{
    struct gc_groups groups = gc_groups_of(results);
    size_t least = GC_CAUTIONS_PROCESSES, few = 0;
    for (size_t i = 0; i < groups.count; i++) {
        size_t count = groups.items[i].count;
        if (count >= GC_CAUTIONS_PROCESSES) continue;
        few++;
        if (count < least) least = count;
    }
    if (few > 0)
        add(cautions,
                "%s: %zu of %zu measurements have fewer than %d processes (the least: "
                "%zu)",
                name, few, groups.count, GC_CAUTIONS_PROCESSES, least);
    gc_groups_finish(&groups);
}

void gc_cautions_add(
        struct gc_cautions *cautions, const char *name, const struct gc_results *results)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
        size_t n = 0;
        for (size_t i = 0; i < results->count; i++)
            n += kinds[k].holds(&results->items[i]);
        if (n > 0)
            add(cautions, "%s: %zu of %zu samples are %s", name, n, results->count,
                    kinds[k].sentence);
    }
    add_processes(cautions, name, results);
    const char *machine = first_machine(results),
               *other = other_machine(results, machine);
    if (other != NULL)
        add(cautions, "%s: its samples are of different machines: %s; %s", name, machine,
                other);
}

void gc_cautions_add_pair(struct gc_cautions *cautions, const struct gc_results *a,
        const struct gc_results *b)
{
    const char *machine = first_machine(a), *other = other_machine(b, machine);
    if (other != NULL)
        add(cautions, "what is compared was measured on different machines: %s; %s",
                machine, other);
}

void gc_cautions_print(const struct gc_cautions *cautions)
{
    for (size_t i = 0; i < cautions->count; i++)
        gc_complain(0, "warning: %s", cautions->items[i]);
}

void gc_cautions_finish(struct gc_cautions *cautions)
{
    for (size_t i = 0; i < cautions->count; i++)
        free(cautions->items[i]);
    free(cautions->items);
    *cautions = (struct gc_cautions){ .items = NULL };
}
