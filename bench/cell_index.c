/* SPDX-License-Identifier: MIT */
/* cell_index.c - all cells of an experiment under one build, to be found by their ids. */
#include "bench/cell_index.h"

#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/text.h"

static int compare(const void *a, const void *b)
{
    const struct gc_cell_entry *x = a, *y = b;
    return strcmp(x->id, y->id);
}

/* Heaps can come to the same size: 1.01x and 1.02x of a few KiB. */
static int complain_twice(
        const struct gc_experiment *experiment, uint32_t one, uint32_t other)
{
    const struct gc_plan *plan = &experiment->plan;
    struct gc_place a = gc_plan_place(plan, one), b = gc_plan_place(plan, other);
    return gc_complain(GC_EXIT_FILE,
            "experiment %s: heaps %s and %s of %s come to the same %llu bytes: leave one "
            "of them out",
            experiment->name, plan->heaps[a.heap].label, plan->heaps[b.heap].label,
            plan->workloads[a.workload].label,
            (unsigned long long)gc_plan_heap_limit(plan, a));
}

int gc_cell_index_make(const struct gc_experiment *experiment, const char *build,
        struct gc_cell_index *ret_index)
{
    const struct gc_plan *plan = &experiment->plan;
    uint32_t count = gc_plan_count(plan);
    struct gc_cell_entry *entries = gc_need(count * sizeof(*entries));
    for (uint32_t i = 0; i < count; i++) {
        entries[i].number = i;
        gc_identity_cell(experiment->name, experiment->is_quick, build, plan,
                gc_plan_place(plan, i), entries[i].id);
    }
    qsort(entries, count, sizeof(*entries), compare);
    *ret_index = (struct gc_cell_index){ entries, count };
    for (uint32_t i = 1; i < count; i++) {
        if (compare(&entries[i - 1], &entries[i]) != 0) continue;
        int status = complain_twice(experiment, entries[i - 1].number, entries[i].number);
        gc_cell_index_finish(ret_index);
        return status;
    }
    return GC_EXIT_OK;
}

void gc_cell_index_finish(struct gc_cell_index *index)
{
    free(index->entries);
    *index = (struct gc_cell_index){ NULL, 0 };
}

bool gc_cell_index_find(
        const struct gc_cell_index *index, const char *id, uint32_t *ret_number)
{
    struct gc_cell_entry key;
    if (index->count == 0 || strlen(id) != GC_ID - 1) return false;
    memcpy(key.id, id, GC_ID);
    const struct gc_cell_entry *found =
            bsearch(&key, index->entries, index->count, sizeof(key), compare);
    if (found != NULL) *ret_number = found->number;
    return found != NULL;
}
