/* SPDX-License-Identifier: MIT */
/* order.c - in which order the cells of an experiment run. */
#include <stdlib.h>
#include <string.h>

#include "bench/experiment.h"
#include "bench/text.h"

uint32_t gc_experiment_block_count(const struct gc_experiment *experiment)
{
    return gc_plan_count(&experiment->plan) / experiment->plan.collector_count;
}

/* The i-th index of n in the order ends, middle, then the middles of what lies between, widest
 * gaps first. */
static uint32_t fill_in(uint32_t n, uint32_t i)
{
    if (i == 0 || n < 2) return 0;
    if (i == 1) return n - 1;
    bool *taken = gc_need(n * sizeof(*taken));
    taken[0] = taken[n - 1] = true;
    uint32_t middle = 0;
    for (uint32_t step = 2; step <= i; step++) {
        uint32_t widest = 0, begin = 0;
        for (uint32_t last = 0, at = 1; at < n; at++) {
            if (!taken[at]) continue;
            if (at - last > widest) {
                widest = at - last;
                begin = last;
            }
            last = at;
        }
        middle = begin + widest / 2;
        taken[middle] = true;
    }
    free(taken);
    return middle;
}

/* splitmix64: small, and good enough to deal cards. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void shuffle(
        const struct gc_experiment *experiment, uint32_t first, uint32_t *numbers)
{
    const struct gc_plan *plan = &experiment->plan;
    char id[GC_ID];
    gc_identity_block(
            experiment->name, experiment->is_quick, plan, gc_plan_place(plan, first), id);
    uint64_t state = gc_hash(experiment->order_seed, id, strlen(id));
    for (uint32_t i = plan->collector_count; i > 1; i--) {
        uint32_t other = (uint32_t)(next_random(&state) % i);
        uint32_t number = numbers[i - 1];
        numbers[i - 1] = numbers[other];
        numbers[other] = number;
    }
}

void gc_experiment_block(
        const struct gc_experiment *experiment, uint32_t block, uint32_t *numbers)
{
    const struct gc_plan *plan = &experiment->plan;
    uint32_t of_heap = gc_experiment_block_count(experiment) / plan->heap_count;
    uint32_t heap = fill_in(plan->heap_count, block / of_heap);
    uint32_t first = (heap * of_heap + block % of_heap) * plan->collector_count;
    for (uint32_t i = 0; i < plan->collector_count; i++)
        numbers[i] = first + i;
    if (experiment->is_shuffled) shuffle(experiment, first, numbers);
}
