/* SPDX-License-Identifier: MIT */
/* by_hand_set.c - the set of a way of counting by hand: its loops (by_hand.c), and the objects
 * that they run on. Compiled for each way (by_hand.h).
 */
#include "bench/micro/by_hand.h"

/* What all threads of a run share: under COUNTS its root holds one reference. */
static struct {
    pthread_mutex_t lock, stop;
    uint32_t users;
    uint16_t last_number;
    struct node *root;
} world = { .lock = PTHREAD_MUTEX_INITIALIZER, .stop = PTHREAD_MUTEX_INITIALIZER };

/* A node that holds another one. */
static struct node *make_holder(struct gc_micro_thread *t)
{
    struct node *holder = make(t, NODE_BYTES, true);
    holder->left = make(t, NODE_BYTES, true);
    return holder;
}

static struct gc_micro_thread *begin(const struct gc_micro_operation *operation)
{
    struct gc_micro_thread *t = calloc(1, sizeof(*t));
    if (t == NULL) return NULL;
    t->operation = operation;
    t->stop = &world.stop;
    t->young.next = t->young.prev = &t->young;
    t->budget = t->limit = INT32_MAX;
    pthread_mutex_init(&t->own, NULL);
    pthread_mutex_lock(&world.lock);
    world.users++;
    t->number = ++world.last_number;
    if (world.root == NULL) world.root = make_holder(t);
    for (int i = 0; i < GC_MICRO_OBJECTS; i++) {
        t->holder[i] = operation->shared ? world.root : make_holder(t);
        t->object[i] = t->holder[i]->left;
        t->weak[i] = &t->holder[i]->left;
        take(t, t->object[i]); /* the local's */
    }
    pthread_mutex_unlock(&world.lock);
    return t;
}

/* The threads of a run begin before the first of them runs, and end after the last. */
static void run(
        struct gc_micro_thread *t, const struct gc_micro_operation *operation, uint64_t n)
{
    t->alone = world.users == 1;
    operation->run(t, n);
}

static void end(struct gc_micro_thread *t)
{
    pthread_mutex_lock(&world.lock);
    for (int i = 0; i < GC_MICRO_OBJECTS && !t->operation->shared; i++) {
        free(cell_of(t->holder[i],
                true)); /* whatever it holds now: each object is in one `object` */
        free(cell_of(t->object[i], true));
    }
    if (--world.users == 0) {
        free(cell_of(world.root->left, true));
        free(cell_of(world.root, true));
        world.root = NULL;
    }
    pthread_mutex_unlock(&world.lock);
    pthread_mutex_destroy(&t->own);
    free(t);
}

static bool is_serial(void)
{
    return SERIAL;
}

const struct gc_micro_set GC_MICRO_SET(BY_HAND_NAME) = {
    .name = GC_MICRO_TEXT(BY_HAND_NAME),
    .operations = GC_MICRO_ALL_LOOPS(BY_HAND_NAME),
    .peer = NULL,
    .is_serial = is_serial,
    .begin = begin,
    .run = run,
    .end = end,
};
