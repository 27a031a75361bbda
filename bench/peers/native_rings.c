/* SPDX-License-Identifier: MIT */
/* native_rings.c - the work of workloads/rings.c. A ring that leaves the window is freed by
 * walking it.
 */
#include "bench/peers/native_rings.h"

struct node {
    struct node *next, *previous;
    int64_t key;
};

static struct node *new_node(int64_t key)
{
    struct node *node = native_new(sizeof(*node));
    node->key = key;
    return node;
}

static struct node *build_ring(uint64_t k, int64_t key)
{
    struct node *first = new_node(key), *last = first;
    for (uint64_t i = 1; i < k; i++) {
        struct node *node = new_node(key + (int64_t)i);
        node->previous = last;
        last->next = node;
        last = node;
    }
    last->next = first;
    first->previous = last;
    return first;
}

static void drop_ring(struct node *ring)
{
    if (!NATIVE_FREES || ring == NULL) return;
    struct node *node = ring;
    do {
        struct node *next = node->next;
        native_free(node);
        node = next;
    } while (node != ring);
}

/* The sum of a ring's keys, walked backwards. */
static uint64_t sum_ring(const struct node *ring)
{
    uint64_t sum = 0;
    const struct node *node = ring;
    do {
        node = node->previous;
        sum += gc_mix((uint64_t)node->key);
    } while (node != ring);
    return sum;
}

uint64_t native_run(const struct native_trial *trial, uint32_t thread)
{
    uint64_t k = trial->numbers[K], window = trial->numbers[WINDOW] / trial->threads;
    uint64_t first, end, sum = 0;
    if (window == 0) window = 1;
    native_share(trial, thread, trial->numbers[COUNT], &first, &end);
    struct node **rings = native_new_table(window);
    for (uint64_t i = first; i < end; i++) {
        struct node *ring = build_ring(k, (int64_t)(i * k));
        drop_ring(rings[i % window]);
        rings[i % window] = ring;
    }
    for (uint64_t i = 0; i < window; i++)
        if (rings[i] != NULL) sum += sum_ring(rings[i]);
    for (uint64_t i = 0; i < window; i++)
        drop_ring(rings[i]);
    native_free(rings);
    return sum;
}
